"""Run ansible-test sanity on a copy of the collection: sanity.py CORE [ANSIBLE-TEST-ARGUMENT...].

ansible-test fetches pip from a host of its own. Here the same pip comes from the package registry: it is put into
ansible-test's cache before ansible-test looks for it.
"""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

from environment import BUILD, ToolError, copy_collection, locked, prepare, venv_dir
from interpreters import link_interpreters

BOOTSTRAP = """\
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), {wheel!r}))

from pip._internal.cli.main import main

# get-pip.py knows options that "pip install" does not.
sys.exit(main(["install"] + [a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel")]))
"""
# Later ones win.
PIP_SETTINGS = (
    ("SSL_CERT_FILE", "cert"),
    ("REQUESTS_CA_BUNDLE", "cert"),
    ("PIP_CERT", "cert"),
    ("PIP_INDEX_URL", "index-url"),
    ("PIP_PROXY", "proxy"),
    ("PIP_DEFAULT_TIMEOUT", "timeout"),
)


def main(arguments: list[str]) -> int:
    core, *rest = arguments or ["2.19"]
    try:
        return run(core, rest)
    except ToolError as error:
        print(f"sanity: {error}", file=sys.stderr)
        return 1


def run(core: str, rest: list[str]) -> int:
    env = prepare(core)
    home = BUILD / f"ansible-test-home-{core}"
    # ansible-test works in the tree that it judges: one run at a time per core.
    with locked(f"sanity-{core}"):
        seed_home(home, core)
        env["HOME"] = str(home)
        # Behind the venv, before all else: the interpreters to judge with.
        venv, _separator, others = env["PATH"].partition(os.pathsep)
        env["PATH"] = os.pathsep.join([venv, str(link_interpreters()), others])
        tree = copy_collection(BUILD / f"sanity-{core}")
        # Else ansible-test asks the repository above, which ignores build/, and finds no file at all.
        subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
        command = ["ansible-test", "sanity", "--color", "no", *rest]
        return subprocess.run(command, cwd=tree, env=env, stdin=subprocess.DEVNULL, check=False).returncode


def seed_home(home: Path, core: str) -> None:
    """Give ansible-test a home of its own, with the pip versions that it asks for in its cache."""
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    write_pip_settings(home)
    for version in pip_versions(core):
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        if not script.exists():
            wheel = fetch_pip(version, cache, core)
            script.write_text(BOOTSTRAP.format(wheel=wheel.name), encoding="utf-8")


def pip_versions(core: str) -> list[str]:
    """The pip versions that this ansible-test installs into its virtual environments, without the one for Python 2."""
    source = next(venv_dir(core).glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"))
    found = re.findall(r"\bpip='([0-9.]+)'", source.read_text(encoding="utf-8"))
    if not found:
        raise ToolError(f"no pip version found in {source}; has ansible-test changed its way of naming it?")
    return sorted({version for version in found if int(version.split(".")[0]) > 20})


def fetch_pip(version: str, directory: Path, core: str) -> Path:
    python = venv_dir(core) / "bin/python"
    command = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={directory}", f"pip=={version}"]
    if subprocess.run(command, check=False).returncode:
        raise ToolError(f"pip {version} could not be downloaded; is the package registry reachable?")
    return next(directory.glob(f"pip-{version}-*.whl"))


def write_pip_settings(home: Path) -> None:
    """ansible-test hides the environment from pip: hand the operator's settings over in a file."""
    folder = home / ".config/pip"
    folder.mkdir(parents=True, exist_ok=True)
    own = Path.home() / ".config/pip/pip.conf"
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(own)
    if not settings.has_section("global"):
        settings.add_section("global")
    settings.set("global", "quiet", "1")
    for name, key in PIP_SETTINGS:
        if os.environ.get(name):
            settings.set("global", key, os.environ[name])
    with (folder / "pip.conf").open("w", encoding="utf-8") as handle:
        settings.write(handle)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
