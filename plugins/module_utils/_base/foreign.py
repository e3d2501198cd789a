# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What others may say: each value is read as what it must be, or refused with the name of its field.

Past these functions nothing is raw: a C(PackageName) cannot be an option of rpm, a C(FileName) cannot leave its folder.
"""

import re
import typing as t

from .errors import SystemPythonError
from .text import printable

__all__ = ["AbsolutePath", "Digest", "FileName", "Foreign", "Line", "Nevra", "PackageName"]

PackageName = t.NewType("PackageName", str)
Nevra = t.NewType("Nevra", str)
Digest = t.NewType("Digest", str)
AbsolutePath = t.NewType("AbsolutePath", str)
FileName = t.NewType("FileName", str)
Line = t.NewType("Line", str)

_Item = t.TypeVar("_Item")

# What rpmbuild takes (ALLOWED_CHARS_NAME and ALLOWED_CHARS_VERREL in its parsePreamble.c).
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_VERSION = r"[A-Za-z0-9_.+~^]+"
_PACKAGE_NAME = re.compile(_NAME + r"\Z")
_NEVRA = re.compile(r"{0}-(?:([0-9]{{1,10}}):)?{1}-{1}\.[A-Za-z0-9_]+\Z".format(_NAME, _VERSION))
_NUMBER = re.compile(r"-?[0-9A-Fa-f]{1,20}\Z")
_KINDS = ((bool, "true or false"), ((int, float), "a number"), (dict, "a mapping"), (list, "a list"))
_LONGEST_NAME = 255
_LONGEST_PATH = 4095
_SHOWN = 80


class Foreign:
    """Reads the values that one party may send. Each method takes the value and the name of its field.

    C(error) is raised, with a sentence of who said what in which field, and the field in its details.
    """

    def __init__(self, error: t.Type[SystemPythonError], who: str, advice: str) -> None:
        """C(who) begins the sentence, such as V(The host answered); C(advice) is the one after it."""
        self._error = error
        self._who = who
        self._advice = advice

    def refused(self, value: object, field: str, wanted: str) -> SystemPythonError:
        """Return the error that says that C(value) is not C(wanted)."""
        # Keys of a mapping are part of the name of a field.
        field = printable(field[:_LONGEST_NAME])
        sentence = "{0} {1} as {2}, which is not {3}. {4}".format(self._who, _shown(value), field, wanted, self._advice)
        return self._error(sentence, field=field)

    def raw(self, value: object, field: str, longest: int = 65536) -> str:
        """Return a text of any characters that is not longer than C(longest)."""
        if not isinstance(value, str):
            raise self.refused(value, field, "a text")
        if len(value) > longest:
            raise self.refused(value, field, "a text of at most {0} characters".format(longest))
        return value

    def line(self, value: object, field: str, longest: int = 1024) -> Line:
        """Return a text of printable characters alone."""
        text = self.raw(value, field, longest)
        if not text.isprintable():
            raise self.refused(value, field, "one line of printable characters")
        return Line(text)

    def package_name(self, value: object, field: str) -> PackageName:
        """Return the name of a package, by the grammar of rpm."""
        text = self.raw(value, field, _LONGEST_NAME)
        if not _PACKAGE_NAME.match(text):
            raise self.refused(value, field, "the name of a package")
        return PackageName(text)

    def nevra(self, value: object, field: str) -> Nevra:
        """Return C(name-[epoch:]version-release.arch), by the grammar of rpm."""
        text = self.raw(value, field, _LONGEST_NAME)
        found = _NEVRA.match(text)
        if not found or int(found.group(1) or 0) >= 1 << 32:
            raise self.refused(value, field, "the name, version, release and architecture of a package")
        return Nevra(text)

    def digest(self, value: object, field: str, bits: int = 256) -> Digest:
        """Return a digest of C(bits) in lower hexadecimal digits."""
        text = self.raw(value, field)
        if not re.match(r"[0-9a-f]{{{0}}}\Z".format(bits // 4), text):
            raise self.refused(value, field, "a digest of {0} hexadecimal digits".format(bits // 4))
        return Digest(text)

    def absolute_path(self, value: object, field: str, below: t.Sequence[str] = ()) -> AbsolutePath:
        """Return a path with neither empty parts nor dots as parts; where C(below) has folders, inside one of them."""
        text = self.raw(value, field, _LONGEST_PATH)
        parts = text.split("/")
        whole = text == "/" or (len(parts) > 1 and not parts[0] and not {"", ".", ".."} & set(parts[1:]))
        if not whole or "\0" in text:
            raise self.refused(value, field, "an absolute path without dots")
        if below and not any(text.startswith(folder.rstrip("/") + "/") for folder in below):
            raise self.refused(value, field, "a path below {0}".format(" or ".join(below)))
        return AbsolutePath(text)

    def file_name(self, value: object, field: str) -> FileName:
        """Return a name of printable characters that stays in its folder, is not hidden and no option."""
        text = self.raw(value, field, _LONGEST_NAME)
        plain = text.isprintable() and text[:1] not in ("", ".", "-") and not {"/", "\\"} & set(text)
        if not plain or len(text.encode("utf-8")) > _LONGEST_NAME:
            raise self.refused(value, field, "the name of a file")
        return FileName(text)

    def number(self, value: object, field: str, least: int = 0, most: int = (1 << 63) - 1, base: int = 10) -> int:
        """Return an integer, given as one or in ASCII digits of C(base), from C(least) to C(most)."""
        found = value if isinstance(value, int) and not isinstance(value, bool) else None
        if isinstance(value, str) and _NUMBER.match(value):
            try:
                found = int(value, base)
            except ValueError:
                found = None
        if found is None or not least <= found <= most:
            raise self.refused(value, field, "a whole number from {0} to {1}".format(least, most))
        return found

    def one_of(self, value: object, field: str, words: t.Collection[str]) -> str:
        """Return one of C(words)."""
        if not isinstance(value, str) or value not in words:
            raise self.refused(value, field, "one of " + ", ".join(sorted(words)))
        return value

    def items(
        self, values: object, field: str, read: t.Callable[[object, str], _Item], most: int = 1000
    ) -> t.List[_Item]:
        """Return what C(read), mostly another method, makes of each value of a list of at most C(most)."""
        if not isinstance(values, (list, tuple)):
            raise self.refused(values, field, "a list")
        if len(values) > most:
            raise self._error(
                "{0} {1} values in {2}, more than {3}. {4}".format(self._who, len(values), field, most, self._advice),
                field=field,
            )
        return [read(value, "{0}[{1}]".format(field, number)) for number, value in enumerate(values)]


def _shown(value: object) -> str:
    if isinstance(value, str):
        return "'{0}'{1}".format(printable(value[:_SHOWN]), "..." if len(value) > _SHOWN else "")
    return "null" if value is None else next((word for kind, word in _KINDS if isinstance(value, kind)), "something")
