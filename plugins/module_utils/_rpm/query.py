# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The forms in which rpm is asked (C(--qf)), and its answers in these forms read: text in, packages out."""

import functools
import re
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import printable
from .packages import Needing, PackageId, RpmFile, RpmPackage

__all__ = [
    "FILES",
    "HEADS",
    "NEEDS",
    "OWNERS",
    "PACKAGES",
    "QUOTED_VALUE",
    "parse_files",
    "parse_needing",
    "parse_owners",
    "parse_packages",
    "text_of_value",
    "without_owners",
]

_STATES = {
    "0": "normal",
    "1": "replaced",
    "2": "not installed",
    "3": "net shared",
    "4": "wrong color",
}

# PGPHASHALGO_*; a header without the tag is from the time of md5.
_DIGEST_ALGORITHMS = {"1": "md5", "2": "sha1", "8": "sha256", "9": "sha384", "10": "sha512", "11": "sha224"}

# Literal control characters delimit, because rpm's own escapes for them differ between versions. What may contain
# anything is quoted by rpm (:shescape), so that no name can look like a delimiter.
_PACKAGE, _FIELD, _ROW, _END = "\x1d", "\x1f", "\x1e", "\x1c"
_ID_TAGS = ("NAME", "EPOCHNUM", "VERSION", "RELEASE", "ARCH")
_PACKAGE_TAGS = _ID_TAGS + ("VENDOR:shescape", "INSTALLTIME", "FILEDIGESTALGO")
_FILE_TAGS = (
    "LONGFILESIZES",
    "FILEMODES",
    "FILEMTIMES",
    "FILEDIGESTS",
    "FILEUSERNAME:shescape",
    "FILEGROUPNAME:shescape",
    "FILEFLAGS",
    "FILESTATES",
    "FILEVERIFYFLAGS",
    "FILECAPS:shescape",
    "FILELINKTOS:shescape",
    "FILENAMES:shescape",
)
_PLAIN_VALUE = r"([^\x1c-\x1f\n]*)"
QUOTED_VALUE = r"('[^']*(?:'\\''[^']*)*'|\(none\))"


def _format(tags: t.Iterable[str]) -> str:
    return _FIELD.join("%{" + tag + "}" for tag in tags)


def _pattern(tags: t.Iterable[str]) -> str:
    return _FIELD.join(QUOTED_VALUE if ":" in tag else _PLAIN_VALUE for tag in tags)


_HEAD_FORMAT = _PACKAGE + _format(_PACKAGE_TAGS) + _ROW
# Packages without and with their files.
HEADS = _HEAD_FORMAT + _END
PACKAGES = _HEAD_FORMAT + "[" + _format(_FILE_TAGS) + _ROW + "]" + _END
_HEAD = re.compile(_PACKAGE + _pattern(_PACKAGE_TAGS) + _ROW)
_FILE = re.compile(_pattern(_FILE_TAGS) + _ROW)

OWNERS = _PACKAGE + _format(_ID_TAGS) + _ROW + "[%{PROVIDENAME:shescape}" + _FIELD + "]" + _END
_OWNER = re.compile(_PACKAGE + _pattern(_ID_TAGS) + _ROW + "([^" + _END + "]*)" + _END)

# State and path of every file, for all packages: so much that it is neither quoted nor made into records.
FILES = "[%{FILESTATES} %{FILENAMES}" + _ROW + "]"

_NEED_TAGS = ("REQUIRENAME:shescape", "REQUIREFLAGS:depflags", "REQUIREVERSION:shescape")
NEEDS = _PACKAGE + _format(_ID_TAGS) + _ROW + "[" + _format(_NEED_TAGS) + _ROW + "]" + _END
_NEED = re.compile(QUOTED_VALUE + _FIELD + _PLAIN_VALUE + _FIELD + QUOTED_VALUE + _ROW)


def parse_packages(output: str) -> t.Tuple[t.List[RpmPackage], str]:
    """Return the packages in C(output) and what stands between them (messages)."""
    packages = []
    messages = []
    position = 0
    while True:
        begin = output.find(_PACKAGE, position)
        if begin < 0:
            break
        messages.append(output[position:begin])
        package, position = _parse_package(output, begin)
        packages.append(package)
    messages.append(output[position:])
    return packages, "".join(messages)


def _parse_package(output: str, begin: int) -> t.Tuple[RpmPackage, int]:
    """Return the package that begins at C(begin) and the position behind it."""
    head = _HEAD.match(output, begin)
    if head is None:
        raise _malformed(output, begin)
    position = head.end()
    rows = []
    while not output.startswith(_END, position):
        row = _FILE.match(output, position)
        if row is None:
            raise _malformed(output, position)
        rows.append(row.groups())
        position = row.end()
    return _package(head.groups(), rows), position + len(_END)


def _malformed(output: str, position: int) -> InvalidDataError:
    excerpt = printable(output[position : position + 200])
    return InvalidDataError(
        "rpm's answer to a query is not in the form that was asked for, at: {0}".format(excerpt), output=excerpt
    )


def _package(head: t.Sequence[str], rows: t.Sequence[t.Sequence[str]]) -> RpmPackage:
    vendor, install_time, algorithm = head[len(_ID_TAGS) :]
    return RpmPackage(
        id=_id(head[: len(_ID_TAGS)]),
        vendor=text_of_value(vendor),
        install_time=_number_of(install_time),
        files=tuple(_file(row) for row in rows),
        digest_algorithm=_DIGEST_ALGORITHMS.get(algorithm, "md5" if algorithm == "(none)" else algorithm),
    )


def _id(values: t.Sequence[str]) -> PackageId:
    """Return what the package of an answer is identified by; C(values) are those of _ID_TAGS."""
    name, epoch, version, release, arch = values
    return PackageId(name, _number_of(epoch), version, release, text_of_value(arch))


def _file(row: t.Sequence[str]) -> RpmFile:
    size, mode, mtime, digest, owner, group, flags, state, verify_flags, caps, linkto, path = row
    # By place: this runs for each of some thousand files.
    return RpmFile(
        text_of_value(path),
        int(size),
        int(mode),
        int(mtime),
        text_of_value(digest),
        _word(owner),
        _word(group),
        _word(linkto),
        int(flags),
        _STATES.get(state, "missing"),
        _word(caps),
        int(verify_flags),
    )


def parse_owners(output: str, path: str) -> t.List[t.Tuple[PackageId, bool]]:
    """Return the packages in an answer in the form OWNERS, each with whether C(path) is among what it provides."""
    provided = "'" + path.replace("'", "'\\''") + "'"
    return [(owner, provided in provides.split(_FIELD)) for owner, provides in _owners(output)]


def without_owners(output: str) -> str:
    """Return what stands between the packages in an answer in the form OWNERS."""
    return _OWNER.sub("", output)


def parse_files(output: str) -> t.Iterator[str]:
    """Yield the paths in an answer in the form FILES that their packages brought to the disk."""
    for row in output.split(_ROW):
        state, _blank, path = row.partition(" ")
        if _STATES.get(state) in ("normal", "net shared"):
            yield path


def parse_needing(output: str, capabilities: t.Container[str]) -> t.List[Needing]:
    """Return the packages in an answer in the form NEEDS, each once, with what they require of C(capabilities)."""
    found: t.Dict[str, Needing] = {}
    for owner, rows in _owners(output):
        needs = [(text_of_value(what), how.strip(), text_of_value(which)) for what, how, which in _NEED.findall(rows)]
        asked_for = (need for need in needs if need[0] in capabilities)
        found[owner.nevra] = Needing(owner.name, owner.nevra, tuple(dict.fromkeys(asked_for)))
    return list(found.values())


def _owners(output: str) -> t.Iterator[t.Tuple[PackageId, str]]:
    for match in _OWNER.finditer(output):
        yield _id(match.groups()[: len(_ID_TAGS)]), match.group(len(_ID_TAGS) + 1)


def text_of_value(value: str) -> str:
    """Return a value of a query without rpm's quotes, an empty string where the tag is absent."""
    if value == "(none)":
        return ""
    if value.startswith("'"):
        return value[1:-1].replace("'\\''", "'")
    return value


_word = functools.lru_cache(maxsize=64)(text_of_value)


def _number_of(value: str) -> int:
    return int(value) if value != "(none)" else 0
