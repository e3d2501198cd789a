"""Small helpers that fill a package's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

NOT_PACKED = (
    *("usr/share/doc", "usr/share/lintian", "usr/share/locale", "usr/share/man", "usr/share/bash-completion"),
    *("usr/share/bug", "usr/share/zsh", "usr/share/fish", "usr/share/apport", "etc/cron.daily"),
    *("usr/share/pixmaps", "usr/share/applications"),
)


NO_CACHES = shutil.ignore_patterns("__pycache__")


def new(name: str) -> Path:
    """An empty folder for one package's files."""
    root = Path("/stage") / name
    root.mkdir(parents=True)
    return root


def made(root: Path, path: str) -> Path:
    """A folder below `root` that exists."""
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(root: Path, path: str, text: str, mode: int = 0o644) -> None:
    """One text file below `root`."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(mode)


def link(root: Path, path: str, target: str) -> None:
    """One symbolic link below `root`."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def copy(source: Path, root: Path, path: str) -> None:
    """One file or folder, links kept as links."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=NO_CACHES)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def from_debs(debs: Path, names: tuple[str, ...], root: Path) -> Path:
    """All files of Debian packages, except documentation, below the merged /usr."""
    for name in names:
        for top in ("usr", "etc"):
            if (debs / name / top).is_dir():
                shutil.copytree(debs / name / top, root / top, symlinks=True, dirs_exist_ok=True)
        for top in ("bin", "sbin", "lib"):
            if (debs / name / top).is_dir():
                shutil.copytree(debs / name / top, root / "usr" / top, symlinks=True, dirs_exist_ok=True)
    for path in NOT_PACKED:
        shutil.rmtree(root / path, ignore_errors=True)
    return root


def site_packages(debs: Path, name: str, version: str, root: Path) -> Path:
    """A Debian Python package moved from dist-packages to the vendors' two site-packages folders."""
    source = debs / name / "usr/lib/python3/dist-packages"
    for entry in sorted(source.iterdir()):
        binary = entry.suffix == ".so" or (entry.is_dir() and any(entry.rglob("*.so")))
        lib = "lib64" if binary else "lib"
        copy(entry, root, f"usr/{lib}/python{version}/site-packages/{entry.name}")
    return root
