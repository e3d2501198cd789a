# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read the output of C(rpm -V): pure text in, entries out.

The format is that of C(lib/verify.c), the same from rpm 4.14 to 6.1:

    SM5DLUGTP  c /path[ (note)]
    missing   c /path[ (strerror)][ (note)]

where every one of the nine flags is its letter, C(.) or C(?), and only the first attribute letter is printed.
Names are printed raw, so a name with a newline spans lines and a name may end in C((replaced)): the list of known
paths decides.
"""

import bisect
import errno
import os
import re
import typing as t

__all__ = [
    "ATTRIBUTES",
    "FLAG_WORDS",
    "NO_FLAGS",
    "VerifyEntry",
    "count_complete",
    "is_drift",
    "is_left_out",
    "not_installed",
    "parse_verify",
    "places_of",
]

# Flag letter -> word, in the order of the output.
FLAG_WORDS = (
    ("S", "size"),
    ("M", "mode"),
    ("5", "digest"),
    ("D", "device"),
    ("L", "link"),
    ("U", "user"),
    ("G", "group"),
    ("T", "mtime"),
    ("P", "capabilities"),
)

# Attribute letter -> name of the file type.
ATTRIBUTES = {
    "d": "doc",
    "c": "config",
    "s": "specfile",
    "m": "missingok",
    "n": "noreplace",
    "g": "ghost",
    "l": "license",
    "r": "readme",
    "a": "artifact",
}

NO_FLAGS = "." * len(FLAG_WORDS)

_FLAGS = "".join("[{0}.?]".format(letter) for letter, _word in FLAG_WORDS)
_ENTRY = re.compile(r"(?:({0})  |missing   )([dcsmnglra ]) (?=/)".format(_FLAGS))
_NOTE = re.compile(r" \((replaced|not installed|net shared|wrong color|no state|unknown state)\)\Z")
_REASON = re.compile(r" \(([^()]+)\)\Z")
_REASONS = frozenset(os.strerror(number) for number in errno.errorcode)
_NOT_INSTALLED = re.compile(r"^package (.+) is not installed$", re.MULTILINE)
# What rpm prints between entries and what is therefore not the rest of a name.
_MESSAGE = re.compile(r"Unsatisfied dependencies for |\t|package .* is not installed\Z|error: |warning: ")

# Without them Python reads the sources (the import system's reference, "Cached bytecode invalidation").
_COMPILED = re.compile(r"/__pycache__(?:/[^/]+\.pyc)?\Z")
# Deviations of these are what minimal images and administrators make on purpose.
_HARMLESS_ATTRIBUTES = frozenset("cdglras")
_HARMLESS_FOLDERS = (
    "/usr/share/doc/",
    "/usr/share/info/",
    "/usr/share/licenses/",
    "/usr/share/locale/",
    "/usr/share/man/",
    "/usr/lib/.build-id/",
)


class VerifyEntry(t.NamedTuple):
    """One line of C(rpm -V).

    C(flags) are the nine characters as printed (all dots for a missing file), C(attribute) the first attribute
    letter or an empty string, C(note) is what rpm says of the file's state (V(replaced), ...), C(reason) why a file
    that is reported as missing could not be looked at, empty when it simply is not there.
    """

    path: str
    flags: str
    attribute: str
    missing: bool
    note: str
    reason: str

    @property
    def altered(self) -> t.Tuple[str, ...]:
        """Return what differs, as words: size, mode, digest, device, link, user, group, mtime, capabilities."""
        return tuple(word for (letter, word), flag in zip(FLAG_WORDS, self.flags) if flag == letter)

    @property
    def unreadable(self) -> t.Tuple[str, ...]:
        """Return what could not be read (C(?)), as the words of C(altered)."""
        return tuple(word for (_letter, word), flag in zip(FLAG_WORDS, self.flags) if flag == "?")

    @property
    def is_clean(self) -> bool:
        """Return whether the line says that nothing deviates (C(rpm -Vv) prints such lines)."""
        return not self.missing and self.flags == NO_FLAGS and self.note != "replaced"


def parse_verify(output: str, known: t.Collection[str] = ()) -> t.List[VerifyEntry]:
    """Return the entries of C(output), what C(rpm -V) printed in the C locale, in its order.

    C(known) are the paths that the verified packages own; it decides where a name ends. Without it, names with a
    newline are recognised by their continuation lines, and a name that ends like a note is taken without it.
    Lines that are not about files (dependencies, packages that are not installed) are skipped.
    """
    lines = output.split("\n")
    if lines[-1] == "":
        lines.pop()
    spanning = {path.partition("\n")[0] for path in known if "\n" in path}
    entries = []
    position = 0
    while position < len(lines):
        match = _ENTRY.match(lines[position])
        if match is None:
            position += 1
            continue
        entry, position = _read_entry(lines, position, match, known, spanning)
        entries.append(entry)
    return entries


def not_installed(output: str) -> t.List[str]:
    """Return the names that rpm reports in C(output) as not installed."""
    return _NOT_INSTALLED.findall(output)


def is_drift(entry: VerifyEntry) -> bool:
    """Return whether C(entry) is a deviation that a healthy host does not have.

    Not drift: configuration, documentation, ghost and licence files, build-id links, absent files that may be absent,
    compiled files that are gone, everything below the folders that minimal images leave out, and a changed time stamp
    alone.
    """
    if entry.attribute and entry.attribute in _HARMLESS_ATTRIBUTES:
        return False
    if is_left_out(entry.path):
        return False
    if entry.missing:
        return entry.attribute != "m" and (bool(entry.reason) or not _COMPILED.search(entry.path))
    return entry.note == "replaced" or bool(entry.unreadable) or bool(set(entry.altered) - {"mtime"})


def is_left_out(path: str) -> bool:
    """Return whether C(path) is, or is below, one of the folders that minimal images leave out."""
    return (path + "/").startswith(_HARMLESS_FOLDERS)


def count_complete(entries: t.Sequence[VerifyEntry], owned: t.Iterable[t.Sequence[str]]) -> int:
    """Return how many of the leading packages were verified to their end.

    C(entries) are those of C(rpm -Vv), which prints every file in the order of the package; C(owned) has the
    paths of one package after the other, in the order in which they were verified.
    """
    position = 0
    complete = 0
    for paths in owned:
        reported = [entry.path for entry in entries[position : position + len(paths)]]
        if reported != list(paths):
            break
        position += len(paths)
        complete += 1
    return complete


def places_of(entries: t.Sequence[VerifyEntry], paths: t.Sequence[str]) -> t.List[int]:
    """Return for each entry its place in C(paths), -1 when it is not there.

    Two packages may own one path. rpm does not say which one a line is about, but with C(-v) it names every file and
    keeps the order of C(paths), the files of one verified package after the other.
    """
    known = {}  # type: t.Dict[str, t.List[int]]
    for index, path in enumerate(paths):
        known.setdefault(path, []).append(index)
    places = []
    following = 0
    for entry in entries:
        candidates = known.get(entry.path, [])
        number = bisect.bisect_left(candidates, following)
        place = candidates[number] if number < len(candidates) else -1
        following = max(following, place + 1)
        places.append(place)
    return places


_Reading = t.Tuple[str, str, str]


def _read_entry(
    lines: t.Sequence[str], position: int, match: t.Match[str], known: t.Collection[str], spanning: t.Collection[str]
) -> t.Tuple[VerifyEntry, int]:
    """Return the entry that begins in line C(position) and the position after its last line.

    C(spanning) has the first lines of the known names with a newline.
    """
    flags, attribute = match.group(1), match.group(2).strip()
    missing = flags is None
    text = lines[position][match.end() :]
    # A clean line has a reason to be printed when it carries a note, so then the note is believed.
    prefer = -1 if flags == NO_FLAGS else 0
    end = position + 1
    last = len(lines) if text in spanning else end
    while True:
        readings = [reading for reading in _readings(text, missing) if reading[0] in known]
        if readings or end >= last:
            break
        text += "\n" + lines[end]
        end += 1
    if not readings:
        end = _end_of_name(lines, position)
        text = "\n".join([lines[position][match.end() :]] + list(lines[position + 1 : end]))
        readings = _readings(text, missing)
        prefer = -1
    path, note, reason = readings[prefer]
    return VerifyEntry(path, flags or NO_FLAGS, attribute, missing, note, reason), end


def _end_of_name(lines: t.Sequence[str], position: int) -> int:
    """Return the position of the next line that cannot be the rest of a name."""
    end = position + 1
    while end < len(lines) and not _ENTRY.match(lines[end]) and not _MESSAGE.match(lines[end]):
        end += 1
    return end


def _readings(text: str, missing: bool) -> t.List[_Reading]:
    """Return the ways to read C(text) as (path, note, reason), the one with the longest path first."""
    readings = [(text, "", "")]
    if missing:
        readings += _without_reason(text, "")
    note = _NOTE.search(text)
    if note:
        rest = text[: note.start()]
        readings.append((rest, note.group(1), ""))
        if missing:
            readings += _without_reason(rest, note.group(1))
    return readings


def _without_reason(text: str, note: str) -> t.List[_Reading]:
    reason = _REASON.search(text)
    if reason is None or reason.group(1) not in _REASONS:
        return []
    return [(text[: reason.start()], note, reason.group(1))]
