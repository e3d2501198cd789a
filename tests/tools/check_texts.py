"""Check that no file names a registry host or a path of the machine it was written on."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from environment import ROOT, collection_files

HOSTS = (
    r"(?:registry-1|index|hub)\.docker\.(?:io|com)",
    r"docker\.io/",
    r"quay\.io",
    r"ghcr\.io",
    r"gcr\.io",
    r"registry(?:\.\w+)*\.(?:redhat|suse)\.(?:com|io)",
    r"pypi\.(?:org|python\.org)",
    r"pythonhosted\.org",
    r"(?:deb|security|snapshot|ftp)\.debian\.org",
    r"galaxy\.ansible\.com",
)
HOMES = (r"/home/[a-z]\w*/", r"/Users/[A-Za-z]\w*/")
STANDARD_FOLDERS = frozenset(
    "bin boot dev etc home lib lib64 media mnt opt proc root run sbin srv sys tmp usr var".split()
)


def pattern(root: Path) -> re.Pattern[str]:
    """What no file may hold; the paths of this machine are known from where the repository is."""
    own = [re.escape(f"{root}/")]
    if root.parts[1] not in STANDARD_FOLDERS:
        own.append(rf"(?<![\w.}}-])/{re.escape(root.parts[1])}/")
    return re.compile("|".join([*HOSTS, *HOMES, *own]))


def problems(root: Path, files: Sequence[Path], forbidden: re.Pattern[str]) -> Iterator[str]:
    for relative in files:
        try:
            text = (root / relative).read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            match = forbidden.search(line)
            if match:
                yield f"{relative}:{number}: {match.group()!r} names a registry host or a path of one machine"


def main() -> int:
    files = collection_files()
    found = list(problems(ROOT, files, pattern(ROOT)))
    print("\n".join(found) or f"{len(files)} files checked")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
