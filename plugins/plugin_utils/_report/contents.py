# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The explanations of what is in the files: overwritten, another package's, altered or damaged.

Content that another interpreter has as well, a program of another version or another size, a script or text was written
by somebody. Zeros, random bytes or a broken structure at the shipped size are damage. Where the bytes do not tell, the
explanations stay open.
"""

from __future__ import annotations

import re

from ...module_utils._base.text import printable
from ...module_utils._evidence.records import EvidenceFile
from .._border.collected import ShownFinding
from .case import Case, Proving, Verdict, left_open, path_list, ruled_in, ruled_out
from .rules import BINARY

__all__ = ["binary_overwritten", "disk_corruption", "library_altered", "replaced_by_package"]

_LIBRARY = re.compile(r"^/usr/lib(?:64)?/(?:python\d\.\d+/|libpython)")


def binary_overwritten(case: Case) -> Verdict:
    """Say whether somebody wrote another program over a binary of the contract."""
    binary = case.facts["contract"]["binary"]
    files = case.files(*BINARY)
    if not case.findings(*BINARY):
        if not case.whole:
            return left_open("rpm -V did not end in time")
        return ruled_out((case.verified(), f"{binary} has the content that its package shipped"))
    evidence = [(case.file_shown(file), _overwritten_text(case, file)) for file in files]
    judged = [_is_foreign(case, file) for file in files]
    if any(judged):
        return ruled_in(*evidence, *case.typed(r"\b(?:cp|mv|install|dd)\b.*python|make.*install"))
    if judged and all(one is False for one in judged):
        return ruled_out(*evidence)
    missing = "the bytes themselves do not tell; compare the copy in the quarantine with the package's file"
    return left_open(missing, *evidence)


def _overwritten_text(case: Case, file: EvidenceFile) -> str:
    foreign = _is_foreign(case, file)
    if foreign and file["kind"] == "link":
        return "a link was put in the place of the binary"
    if foreign and file["version"]:
        return f"it is Python {file['version']}, not {case.version}: another program was written over it"
    if foreign:
        return f"another {file['content']} file was written over it"
    if foreign is False:
        return f"no program was written there: the bytes are {file['content']}"
    return "it could have been overwritten or damaged"


def _is_foreign(case: Case, file: EvidenceFile) -> bool | None:
    """Tell whether a file's content was put there on purpose: null when its bytes do not tell."""
    if file["kind"] == "link":
        return True
    if file["kind"] != "file" or file["content"] in (None, "empty", "damaged"):
        return None
    if file["content"] in ("zeros", "random", "script", "text"):
        return file["content"] in ("script", "text")
    version = file["version"]
    if version and not (version + ".").startswith(case.version + "."):
        return True
    expected, actual = file["expected"].get("size"), file["actual"].get("size")
    # A whole program of another size: a failing disk does not write one.
    return True if file["content"] == "elf" and expected is not None and expected != actual else None


def replaced_by_package(case: Case) -> Verdict:
    """Say whether a package took files of another one over."""
    taken = case.findings("SP206")
    if taken:
        return ruled_in(*((_states_shown(case, finding), finding["summary"]) for finding in taken))
    if case.findings("SP301"):
        missing = "the package that owned the files is not in the database, so its file states are not known"
        return left_open(missing, (case.packages_asked(), "it is not there to ask"))
    ref = case.exhibit(f"file states of {case.packages}", "rpm database", "no file is in the state 'replaced'")
    return ruled_out((ref, "no other package took a file over"))


def _states_shown(case: Case, finding: ShownFinding) -> str:
    evidence = finding["evidence"]
    shows = f"replaced: {path_list(evidence.get('paths', []))}"
    return case.exhibit(f"file states of {evidence.get('package')}", "rpm database", shows)


def library_altered(case: Case) -> Verdict:
    """Say whether files of the library differ, or are somebody's own."""
    altered = case.findings("SP205", "SP206")
    paths = [path for finding in altered for path in finding["evidence"].get("paths", [])]
    hidden = sum(finding["evidence"].get("count", 0) for finding in altered) - len(paths)
    evidence = [*_libraries_shown(case, paths), *_planted_shown(case)]
    if evidence:
        return ruled_in(*evidence)
    if hidden > 0 or not case.whole:
        return left_open(
            "not every altered file is known: rpm -V of the packages, in full",
            (case.verified(), "more files differ than were listed"),
        )
    if case.findings("SP301"):
        return left_open("a package of the contract is not in the database, so its files cannot be verified")
    beside = f"beside it {', '.join(printable(path) for path in paths[:3])} differs" if paths else "none of it differs"
    return ruled_out(
        (case.verified(), f"libpython and the standard library have the content that was shipped; {beside}")
    )


def _libraries_shown(case: Case, paths: list[str]) -> list[Proving]:
    libraries = [path for path in paths if _LIBRARY.match(path)]
    files = {file["path"]: file for file in case.evidence["files"]}
    shown = [files[path] for path in libraries if path in files][:3]
    if shown or not libraries:
        return [(case.file_shown(file), "a packaged file of the library differs") for file in shown]
    return [(case.exhibit("library", "rpm -V", path_list(libraries)), "packaged files of the library differ")]


def _planted_shown(case: Case) -> list[Proving]:
    planted = [one for one in case.findings("SP209") if one["actual"] == "unowned"]
    what = "unowned files in the library's folders"
    return [
        (case.exhibit(what, "rpm -qf", path_list(one["evidence"].get("paths", []))), one["summary"]) for one in planted
    ]


def disk_corruption(case: Case) -> Verdict:
    """Say whether the disk damaged what differs."""
    changed = case.files(*BINARY, "SP205")
    files = [file for file in changed if file["kind"] == "file"]
    disk = _disk_errors(case)
    damaged = [file for file in files if _is_damaged(file)]
    if damaged:
        evidence = [
            (case.file_shown(file), f"the bytes are {file['content']}, not a file that anyone wrote")
            for file in damaged[:3]
        ]
        return ruled_in(*evidence, *disk)
    unclear = [file for file in files if not _is_explained(case, file)]
    if unclear:
        missing = "the disk's own error counters (smartctl), or the difference to the package's file byte by byte"
        return left_open(missing, *_files_shown(case, unclear, "its bytes could be damaged as well as changed"), *disk)
    if files:
        return ruled_out(*_files_shown(case, files, "the bytes are a whole file of another content, not damage"))
    # pip removes the files of the version that it replaces.
    by_pip = bool(case.findings("SP208"))
    gone = [one for one in changed if one["kind"] == "missing" and not (by_pip and "/site-packages/" in one["path"])]
    if gone:
        return left_open("what removed the file", *_files_shown(case, gone, "a file is gone"), *disk)
    if not case.whole:
        return left_open("rpm -V did not end in time")
    return ruled_out((case.verified(), "no content differs that a disk could have damaged"), *disk)


def _disk_errors(case: Case) -> list[Proving]:
    kernel = [one for one in case.evidence["log"] if one["source"] == "journalctl -k"]
    return [
        (case.exhibit("kernel log", one["source"], one["text"], one["time"]), "the disk reported an error")
        for one in kernel[:3]
    ]


def _files_shown(case: Case, files: list[EvidenceFile], shows: str) -> list[Proving]:
    return [(case.file_shown(file), shows) for file in files[:3]]


def _is_damaged(file: EvidenceFile) -> bool:
    same_size = file["expected"].get("size") in (None, file["actual"].get("size"))
    return file["content"] in ("zeros", "random") or (file["content"] == "damaged" and same_size)


def _is_explained(case: Case, file: EvidenceFile) -> bool:
    return bool(_is_foreign(case, file)) or (file["finding"] == "SP205" and file["content"] in ("script", "text"))
