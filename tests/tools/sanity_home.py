"""Make a home for ansible-test, which asks no registry but the operator's: sanity_home.py HOME PYTHON_REQUIREMENTS_PY.

ansible-test fetches pip from a host of its own, and hides the environment from pip. Here the same pip comes from the
package registry: it is put into ansible-test's cache before ansible-test looks for it.
"""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

BOOTSTRAP = """\
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), {wheel!r}))
from pip._internal.cli.main import main
# get-pip.py knows options that "pip install" does not.
sys.exit(main(["install"] + [a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel")]))
"""
# Later ones win.
PIP_SETTINGS = {
    "SSL_CERT_FILE": "cert",
    "REQUESTS_CA_BUNDLE": "cert",
    "PIP_CERT": "cert",
    "PIP_INDEX_URL": "index-url",
    "PIP_PROXY": "proxy",
    "PIP_DEFAULT_TIMEOUT": "timeout",
}


def main(home: Path, source: Path) -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string("[global]\n")
    settings.read(Path.home() / ".config/pip/pip.conf")
    given = {key: os.environ[name] for name, key in PIP_SETTINGS.items() if os.environ.get(name)}
    settings["global"].update(quiet="1", **given)
    (home / ".config/pip").mkdir(parents=True, exist_ok=True)
    with (home / ".config/pip/pip.conf").open("w", encoding="utf-8") as handle:
        settings.write(handle)
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    # What this ansible-test installs into its virtual environments, without the one for Python 2.
    versions = set(re.findall(r"\bpip='([0-9.]+)'", source.read_text(encoding="utf-8"))) - {"20.3.4"}
    if not versions:
        sys.exit(f"no pip version found in {source}; has ansible-test changed its way of naming it?")
    for version in versions:
        options = ["--quiet", "--no-deps", f"--dest={cache}"]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, f"pip=={version}"], check=True)
        script = BOOTSTRAP.format(wheel=next(cache.glob(f"pip-{version}-*.whl")).name)
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(script, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
