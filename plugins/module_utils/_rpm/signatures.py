# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Files of packages: that they are some, their names for rpm, and what it says of their signatures."""

import contextlib
import os
import re
import shutil
import tempfile
import typing as t

from .._base.errors import InvalidDataError, SignatureError
from .._base.text import printable

__all__ = [
    "plain_names",
    "require_package_files",
    "signature_complaint",
    "signature_error",
    "signature_sections",
    "with_names",
]

# The lead of every rpm package file; without it rpm takes the file for a list of packages to open instead.
_PACKAGE_MAGIC = b"\xed\xab\xee\xdb"
_SIGNATURE_LINE = re.compile(r"^    (.+): ([A-Z]+)(?: \(.*\))?$")
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./+:@%,=~^-]*\Z")


def require_package_files(files: t.Sequence[str]) -> None:
    """Raise InvalidDataError unless all C(files) are absolute paths of files that begin as packages."""
    for file in files:
        if not file.startswith("/") or "\0" in file:
            raise InvalidDataError("Not an absolute path: {0}".format(printable(file)), path=file)
        try:
            with open(file, "rb") as stream:
                magic = stream.read(len(_PACKAGE_MAGIC))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise InvalidDataError(
                "Cannot read the package file {0}: {1}".format(printable(file), reason), path=file
            ) from error
        if magic != _PACKAGE_MAGIC:
            raise InvalidDataError("{0} is no rpm package.".format(printable(file)), path=file)


@contextlib.contextmanager
def plain_names(files: t.Sequence[str]) -> t.Iterator[t.List[str]]:
    """Give names for the absolute paths C(files) that rpm takes as they are, for as long as the context lasts.

    rpm expands patterns, blanks, quotes and backslashes in the names of package files (differently from version to
    version), so links stand for the files where a name has any of them.
    """
    if all(_PLAIN_PATH.match(file) for file in files):
        yield list(files)
        return
    folder = tempfile.mkdtemp(prefix=".fleet-system-python-")
    try:
        names = []
        for number, file in enumerate(files):
            name = os.path.join(folder, "{0}.rpm".format(number))
            os.symlink(file, name)
            names.append(name)
        yield names
    finally:
        shutil.rmtree(folder)


def with_names(text: str, names: t.Sequence[str], files: t.Sequence[str]) -> str:
    """Return what rpm said of C(names) (see plain_names) with the names of C(files)."""
    for name, file in zip(names, files):
        text = text.replace(name, printable(file))
    return text


def signature_sections(output: str, names: t.Sequence[str]) -> t.List[t.List[str]]:
    """Return for each of C(names) the indented lines that C(rpm -K -v) printed below it; none for one it left out."""
    sections = {}  # type: t.Dict[str, t.List[str]]
    current = []  # type: t.List[str]
    for line in output.splitlines():
        if not line.startswith(" ") and line.endswith(":"):
            current = sections.setdefault(line[:-1], [])
        else:
            current.append(line)
    return [sections.get(name, []) for name in names]


def signature_complaint(section: t.Sequence[str], allow_unsigned: bool) -> str:
    """Return what is wrong according to the lines of C(rpm -K -v) about one package, or an empty string.

    V(NOTFOUND) is printed, where signatures are enforced, for each kind of signature and digest that the package lacks.
    """
    results = [match.groups() for match in map(_SIGNATURE_LINE.match, section) if match]
    signatures = [(what, result) for what, result in results if "signature" in what.lower()]
    digests = [(what, result) for what, result in results if "digest" in what.lower()]
    bearable = ("OK", "NOTFOUND", "NOKEY", "NOTTRUSTED") if allow_unsigned else ("OK", "NOTFOUND")
    wrong = [(what, result) for what, result in signatures if result not in bearable]
    wrong += [(what, result) for what, result in digests if result not in ("OK", "NOTFOUND")]
    if wrong:
        return "its {0} is {1}".format(*wrong[0])
    if not any(result == "OK" for _what, result in digests):
        return "its digests could not be checked"
    if not allow_unsigned and not any(result == "OK" for _what, result in signatures):
        return "it has no signature"
    return ""


def signature_error(file: str, complaint: str, said: str) -> SignatureError:
    """Return the error about a package that is not used."""
    message = "{0} is not used: {1}. rpm -K said: {2}".format(printable(file), complaint, said or "(nothing)")
    return SignatureError(message, file=file, output=said, reason=complaint)
