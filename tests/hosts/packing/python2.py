"""Lays CPython 2.7 out as SUSE's python-base and EL 8's python2 have it, from Debian's packages."""

from __future__ import annotations

import subprocess
from pathlib import Path

from packing import folders, pythons
from packing.common import DEBS

VERSION = "2.7"
DEBIAN = ("libpython2.7-minimal", "libpython2.7-stdlib", "python2.7-minimal", "python2.7")
LIBRARY = "usr/lib/python2.7"


def lay_out(name: str) -> Path:
    """/usr/bin/python2.7, python2 and the library, in a new folder for a package."""
    root = folders.new(name)
    binary = "usr/bin/python2.7"
    folders.copy(DEBS / "python2.7-minimal" / binary, root, binary)
    folders.link(root, "usr/bin/python2", "python2.7")
    pythons.copy_library(tuple(DEBS / deb / "usr" for deb in DEBIAN), "python2.7", root / LIBRARY)
    folders.made(root, f"{LIBRARY}/site-packages")
    _undo_debian(root / LIBRARY / "site.py")
    compiler = [str(root / binary), "-E", "-S", "-m", "compileall", "-q", "-d", f"/{LIBRARY}", str(root / LIBRARY)]
    for level in ((), ("-O",)):
        subprocess.run([compiler[0], *level, *compiler[1:]], check=True)
    return root


def _undo_debian(site: Path) -> None:
    text = site.read_text()
    if "dist-packages" not in text:
        raise SystemExit(f"{site}: no dist-packages; this CPython is different, adapt packing/python2.py")
    site.write_text(text.replace("dist-packages", "site-packages"))
