"""Sessions of nox: those of antsibull-nox.toml, and ansible-test sanity. See tests/README.md.

tests/tools/with-env 2.19 nox --list
"""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import antsibull_nox
import nox

BUILD = Path(__file__).parent / "build"

nox.options.envdir = str(BUILD / "nox")
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

antsibull_nox.load_antsibull_nox_toml()


def use_sanity_home(core: str) -> None:
    """Let ansible-test find the pip that it would fetch from elsewhere."""
    home = BUILD / f"ansible-test-home-{core}"
    packages = next((BUILD / "nox" / f"sanity-{core.replace('.', '-')}").glob("lib/python3*/site-packages"))
    source = packages / "ansible_test/_internal/python_requirements.py"
    maker = Path(__file__).parent / "tests/tools/sanity_home.py"
    subprocess.run([sys.executable, maker, home, source], check=True)
    os.environ["HOME"] = str(home)


def docs_site(session: nox.Session) -> None:
    """The guides, and a page for each plugin and role, as a site in build/docsite; a warning is an error."""
    tools = ("antsibull-docs>=2.28,<3", "ansible-core>=2.19.14,<2.20")
    session.install(*tools, "myst-parser>=4,<6", "sphinx-ansible-theme>=0.10,<0.11")
    session.run("python", "docs/docsite/make_site.py", str(BUILD / "docsite"))


nox.session(name="docs-site", default=False)(docs_site)


# antsibull-nox's own session fetches ansible-core and an image from hosts that are no package registries. What pylint
# says does not depend on the core, and takes it longest.
for core, arguments in {"2.19": (), "2.16": ("--skip-test", "pylint")}.items():
    antsibull_nox.add_ansible_test_session(
        name=f"sanity-{core}",
        description=f"ansible-test sanity of ansible-core {core}, with the Pythons of this machine",
        ansible_test_params=["sanity", "--color", "no", *arguments],
        default=False,
        ansible_core_version=core,
        ansible_core_source="pypi",
        callback_before=functools.partial(use_sanity_home, core),
        # antsibull-nox copies it back, which fails where it holds folders in folders, as pylint leaves them.
        callback_after=functools.partial(shutil.rmtree, "tests/output", ignore_errors=True),
    )
