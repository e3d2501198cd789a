"""What hosts have in common whose packages are derived from those of another host."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from packing import common
from packing.rpms import Package


def rebranded(packages: Iterable[Package], old: str, new: str) -> list[Package]:
    """The packages with the release `new` for `old` ("1.el9"), in what they require and provide as well."""
    return [
        dataclasses.replace(
            package,
            release=package.release.replace(old, new),
            requires=tuple(text.replace(f"-{old}", f"-{new}") for text in package.requires),
            provides=tuple(text.replace(f"-{old}", f"-{new}") for text in package.provides),
        )
        for package in packages
    ]


def compile_modules(root: Path, site: Path, interpreter: Path, library: Path) -> None:
    """Byte-compiles modules with an interpreter that is not installed; `interpreter` and `library` are its folders."""
    binary = next((interpreter / "usr/bin").glob("python3.[0-9]*"))
    env = {"LD_LIBRARY_PATH": f"{library}/usr/lib64", "PATH": os.environ["PATH"]}
    home = interpreter if (interpreter / "usr/lib64").is_dir() else library
    command = [str(binary), "-m", "compileall", "-q", "-j2", "-o0", "-o1", "-s", str(root), "-p", "/", str(site)]
    subprocess.run(command, check=True, env={**env, "PYTHONHOME": f"{home}/usr"})


def describe_host(values: Mapping[str, str]) -> None:
    """Writes down for images/el8/finish how the host is to be set up."""
    common.OUT.mkdir(exist_ok=True)
    (common.OUT / "host").write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def finish(
    packages: list[Package], optional: list[Package], scope: tuple[str, ...], releases: tuple[str, str], minor: str
) -> None:
    """Builds and publishes everything; `releases` are the installed and the newer one of the scope's packages."""
    newer = rebranded([package for package in packages if package.name in scope], *releases)
    common.finish(packages, optional, newer, minor)
