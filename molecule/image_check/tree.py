"""Prints a digest of everything in a folder, times of the last change included: tree.py FOLDER."""

import hashlib
import os
import stat
import sys
from pathlib import Path


def entries(folder: Path) -> list[Path]:
    """Every path below the folder, and the folder itself."""
    found = [folder]
    for parent, folders, files in os.walk(folder):
        found += [Path(parent, name) for name in folders + files]
    return sorted(found)


def describe(path: Path) -> bytes:
    """What a check must not change. Reading a file may change the time of the last access, which is not in it."""
    found = path.lstat()
    text = f"{path}\0{found.st_mode}\0{found.st_uid}\0{found.st_gid}\0{found.st_size}\0{found.st_ino}\0{found.st_nlink}"
    text += f"\0{found.st_mtime_ns}\0{found.st_ctime_ns}\0"
    content = b""
    if stat.S_ISLNK(found.st_mode):
        content = os.fsencode(path.readlink())
    elif stat.S_ISREG(found.st_mode):
        content = hashlib.sha256(path.read_bytes()).digest()
    return os.fsencode(text) + content


if __name__ == "__main__":
    total = hashlib.sha256()
    for entry in entries(Path(sys.argv[1])):
        total.update(describe(entry))
    print(total.hexdigest())
