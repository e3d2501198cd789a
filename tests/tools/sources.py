"""The source files of the repository by language, told by their ending or by their first line."""

import re
from collections.abc import Iterator
from pathlib import Path

from environment import ROOT, collection_files

SHEBANGS = {
    "python": re.compile(rb"#! ?(?:/\S*/)?(?:env )?python3?\b"),
    "shell": re.compile(rb"#! ?(?:/\S*/)?(?:env )?(?:ba|da)?sh\b"),
}
SUFFIXES = {"python": (".py",), "shell": (".sh", ".bash")}


def source_files(language: str) -> list[Path]:
    """Paths relative to the repository."""
    return list(_of_language(language))


def _of_language(language: str) -> Iterator[Path]:
    for path in collection_files():
        if (ROOT / path).is_symlink() or not (ROOT / path).is_file():
            continue
        if path.suffix in SUFFIXES[language] or (not path.suffix and _first_line_says(path, language)):
            yield path


def _first_line_says(path: Path, language: str) -> bool:
    with (ROOT / path).open("rb") as handle:
        return bool(SHEBANGS[language].match(handle.readline(100)))
