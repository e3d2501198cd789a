# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Files of packages: that they are some, what they hold, and whether they are signed."""

import contextlib
import os
import re
import shutil
import tempfile
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import printable
from .._disk.files import open_to_read
from .asker import Asker
from .packages import RpmPackage
from .query import PACKAGES, parse_packages
from .signatures import signature_complaint, signature_error, signature_sections

__all__ = ["check_signatures", "package_files", "plain_names"]

# The lead of every rpm package file; without it rpm takes the file for a list of packages to open instead.
_PACKAGE_MAGIC = b"\xed\xab\xee\xdb"
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./+:@%,=~^-]*\Z")


def package_files(rpm: Asker, files: t.Sequence[str]) -> t.List[RpmPackage]:
    """Return what the package files C(files) hold, in their order.

    One process. Raises InvalidDataError for a file that is no package or is damaged.
    """
    if not files:
        return []
    _require_package_files(files)
    # A signature is not asked for here (see check_signatures), so an unknown key must not hide the package.
    argv = ["-q", "-p", "--nosignature", "--qf", PACKAGES, "--"]
    with plain_names(files) as names:
        done = rpm.ask(argv + names)
    packages, messages = parse_packages(done.out)
    if done.rc != 0 or len(packages) != len(files):
        said = _with_names(done.err + messages, names, files).strip()
        raise InvalidDataError(
            "rpm cannot read the package files {0}. It said: {1}".format(
                ", ".join(printable(file) for file in files), said or "(nothing)"
            ),
            files=list(files),
            output=said,
        )
    return packages


def check_signatures(rpm: Asker, files: t.Sequence[str], allow_unsigned: bool = False) -> None:
    """Return when every digest and signature of the package files C(files) is right, else raise SignatureError.

    One process. A package without a signature, or with one by a key that is not imported, passes only with
    C(allow_unsigned); a wrong digest or a wrong signature never passes.
    """
    if not files:
        return
    _require_package_files(files)
    with plain_names(files) as names:
        # By its own name: "rpm -K" is an alias of it, and aliases are not read.
        done = rpm.ask(["-K", "-v", "--"] + names, program="rpmkeys")
    sections = signature_sections(done.out, names)
    for file, section in zip(files, sections):
        complaint = signature_complaint(section, allow_unsigned)
        if complaint:
            said = "; ".join(line.strip() for line in section) or _with_names(done.tail(), names, files)
            raise signature_error(file, complaint, said)
    if done.rc != 0 and not allow_unsigned:
        raise signature_error(", ".join(files), "rpm -K failed", _with_names(done.tail(), names, files))


def _require_package_files(files: t.Sequence[str]) -> None:
    """Raise InvalidDataError unless all C(files) are absolute paths of files that begin as packages."""
    for file in files:
        if not file.startswith("/") or "\0" in file:
            raise InvalidDataError("Not an absolute path: {0}".format(printable(file)), path=file)
        try:
            with open_to_read(file, follow=True) as stream:
                magic = stream.read(len(_PACKAGE_MAGIC))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise InvalidDataError(
                "Cannot read the package file {0}: {1}".format(printable(file), reason), path=file
            ) from error
        if magic != _PACKAGE_MAGIC:
            raise InvalidDataError("{0} is not an rpm package.".format(printable(file)), path=file)


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


def _with_names(text: str, names: t.Sequence[str], files: t.Sequence[str]) -> str:
    """Return what rpm said of C(names) (see plain_names) with the names of C(files)."""
    for name, file in zip(names, files):
        text = text.replace(name, printable(file))
    return text
