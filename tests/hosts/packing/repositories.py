"""The repositories of one test host: the right one, and the ones that are wrong in one way each."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from packing import rpms

# Different ones on purpose: readers of repositories must know them all.
COMPRESSIONS = {"os": "gz", "updates": "xz", "gone": "gz", "badsig": "gz", "thirdparty": "zstd"}


def _metadata(folder: Path, compression: str) -> None:
    subprocess.run(["createrepo_c", "--quiet", f"--general-compress-type={compression}", str(folder)], check=True)


def _copies(files: list[Path], folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    return [Path(shutil.copy2(file, folder / file.name)) for file in files]


def publish(out: Path, files: list[Path], newer: list[Path], third_party: list[Path], scope: tuple[str, ...]) -> None:
    """Fills `out` with one folder per repository.

    os          every package at the installed version
    updates     the newer release only (disabled on the hosts)
    gone        as os, but the scope's packages exist only in the newer release
    badsig      as os, but the scope's packages are signed with a key that no host knows
    thirdparty  packages that take over files of the operating system
    """
    in_scope = {file for file in files if file.name.rsplit("-", 2)[0] in scope}
    rest = [file for file in files if file not in in_scope]
    _copies(files, out / "os/Packages")
    _copies(newer, out / "updates/Packages")
    _copies([*rest, *newer], out / "gone/Packages")
    rpms.sign(_copies(sorted(in_scope), out / "badsig/Packages"), rpms.UNKNOWN)
    for file in rest:
        shutil.copy2(file, out / "badsig/Packages" / file.name)
    _copies(third_party, out / "thirdparty/Packages")
    for name, compression in COMPRESSIONS.items():
        _metadata(out / name, compression)
