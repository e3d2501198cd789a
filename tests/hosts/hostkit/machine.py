"""What the build machine offers: its Debian mirror, its proxies, its interpreters."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hostkit.shell import BUILD, HostError, ask, run, say

MIRROR_VARIABLE = "SYSTEM_PYTHON_DEBIAN_MIRROR"
SUITES = {"bullseye", "bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable"}
# Settings of apt that decide whether and how this machine reaches its registry.
APT_SETTINGS = (
    *("Acquire::http::Proxy", "Acquire::https::Proxy"),
    *("Acquire::Check-Valid-Until", "Acquire::Check-Date", "Acquire::Retries"),
)


def _one_line_entries(text: str) -> list[tuple[str, list[str]]]:
    entries = []
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s", line.strip() + " ")
        if match:
            entries.append((match[1], [match[2]]))
    return entries


def _deb822_entries(text: str) -> list[tuple[str, list[str]]]:
    entries = []
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", "\n".join(lines), flags=re.MULTILINE))
        if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes").strip() != "no":
            entries += [(uri, fields.get("Suites", "").split()) for uri in fields.get("URIs", "").split()]
    return entries


def apt_entries(folder: Path = Path("/etc/apt")) -> list[tuple[str, list[str]]]:
    """Every (address, suites) that the machine's apt is told to use."""
    entries = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if path.suffix == ".sources":
            entries += _deb822_entries(path.read_text(errors="replace"))
        elif path.suffix == ".list" and path.is_file():
            entries += _one_line_entries(path.read_text(errors="replace"))
    return entries


def debian_mirror(folder: Path = Path("/etc/apt")) -> str:
    """The address of a Debian archive with all suites, from the environment or the machine's own apt."""
    given = os.environ.get(MIRROR_VARIABLE)
    if given:
        return given.rstrip("/")
    for uri, suites in apt_entries(folder):
        plain = {suite.split("-")[0].strip("/") for suite in suites if "security" not in suite}
        if plain & SUITES and "security" not in uri:
            return uri.rstrip("/")
    raise HostError(
        f"no Debian mirror in {folder}/sources.list or {folder}/sources.list.d, and the test hosts are made of Debian "
        f"packages. Set {MIRROR_VARIABLE} to the address of an archive that has bullseye, bookworm and trixie."
    )


def apt_settings() -> str:
    """The machine's apt settings that containers need as well."""
    lines = ask(["apt-config", "dump"], check=False).splitlines()
    return "".join(f"{line}\n" for line in lines if line.split(" ")[0] in APT_SETTINGS)


def require(program: str, package: str) -> None:
    """Installs a Debian package when its program is missing."""
    if shutil.which(program):
        return
    if os.geteuid() != 0:
        raise HostError(f"{program} is missing and only root can install it: apt-get install {package}")
    say(f"installing {package} from the machine's package registry")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    log = BUILD / f"logs/apt-{package}.log"
    try:
        run(command, log, f"apt-get install {package}", env)
    except HostError:
        run(["apt-get", "update"], BUILD / "logs/apt-update.log", "apt-get update", env)
        run(command, log, f"apt-get install {package}", env)


@dataclass(frozen=True)
class Prefix:
    """An interpreter on the build machine that goes into a test host."""

    minor: str
    version: str
    path: Path


def prefix_variable(minor: str) -> str:
    """PYTHON36_PREFIX for 3.6."""
    return f"PYTHON{minor.replace('.', '')}_PREFIX"


def _checked_prefix(minor: str, path: Path, origin: str) -> Prefix:
    binary = path / f"bin/python{minor}"
    question = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    version = ask([binary, "-I", "-c", question], check=False).strip()
    if not version.startswith(minor + "."):
        raise HostError(f"{origin}: {binary} is not a working CPython {minor}; install one or unset the variable")
    if not list((path / "lib").glob(f"libpython{minor}*.so.1.0")):
        raise HostError(f"{origin}: {path}/lib has no libpython{minor}*.so.1.0; build CPython with --enable-shared")
    return Prefix(minor, version, path)


def _release_order(path: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", path.name)]


@functools.cache
def find_prefix(minor: str, release: str = "") -> Prefix | None:
    """An interpreter by PYTHON36_PREFIX (and the like) or from pyenv, None where there is none."""
    variable = prefix_variable(minor)
    given = os.environ.get(variable)
    if given:
        return _checked_prefix(minor, Path(given), variable)
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for path in sorted(versions.glob(release or f"{minor}.*"), key=_release_order, reverse=True):
        try:
            return _checked_prefix(minor, path, f"pyenv {path.name}")
        except HostError as error:
            say(f"not used: {error}")
    return None


def copy_prefix(prefix: Prefix, target: Path) -> None:
    """Copies what a host needs of an interpreter; nothing that this machine added to it."""
    name = f"python{prefix.minor}"
    skip = shutil.ignore_patterns(
        "__pycache__", "test", "tests", "idlelib", "turtledemo", "site-packages", "config-*", "*.a"
    )
    shutil.copytree(prefix.path / f"lib/{name}", target / f"lib/{name}", symlinks=True, ignore=skip)
    for wheel in ("pip", "setuptools", "pkg_resources"):
        for found in (prefix.path / f"lib/{name}/site-packages").glob(f"{wheel}*"):
            if found.is_dir() and re.fullmatch(rf"{wheel}(-[\d.]+\.dist-info)?", found.name):
                shutil.copytree(found, target / f"lib/{name}/site-packages/{found.name}", ignore=skip)
    for library in (prefix.path / "lib").glob(f"libpython{prefix.minor}*.so.1.0"):
        shutil.copy2(library, target / "lib")
    (target / "bin").mkdir()
    shutil.copy2(prefix.path / f"bin/{name}", target / f"bin/{name}")
    shutil.copytree(prefix.path / "include", target / "include", symlinks=True)
    (target / "VERSION").write_text(prefix.version + "\n")


def engine() -> None:
    """Makes sure that a Docker engine answers."""
    script = Path(__file__).resolve().parents[1] / "engine"
    if subprocess.run([script], check=False).returncode:
        raise HostError("no Docker engine; see the lines above")
