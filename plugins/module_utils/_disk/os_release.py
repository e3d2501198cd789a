# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which operating system a root holds: its os-release(5) file."""

import os
import re
import typing as t

from .._base.errors import InvalidDataError, UnknownPlatformError
from .._base.text import json_text, printable
from .root import HOST, Root

_OS_RELEASE_LINE = re.compile(r"^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$")


def parse_os_release(text: str) -> t.Dict[str, str]:
    """Return the variables of an os-release file (os-release(5)); lines of any other form are passed over."""
    found: t.Dict[str, str] = {}
    for line in text.splitlines():
        match = _OS_RELEASE_LINE.match(line)
        if match:
            found[match.group(1)] = _unquote(match.group(2))
    return found


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return re.sub(r"\\(.)", r"\1", value)


_OS_RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")


def read_os_release(files: t.Sequence[str] = _OS_RELEASE_FILES, root: Root = HOST) -> t.Dict[str, str]:
    """Return the os-release variables of the host, or of C(root); raises UnknownPlatformError without such a file.

    A root that does not exist is InvalidDataError.
    """
    if not root.is_host and not root.isdir("/"):
        raise InvalidDataError(
            "The root folder {0} does not exist.".format(printable(root.folder)), path=json_text(root.folder)
        )
    for path in files:
        if root.isfile(path):
            with root.open(path) as stream:
                return parse_os_release(os.fsdecode(stream.read()))
    raise UnknownPlatformError(
        "{0} no os-release file ({1}), so the operating system is unknown. "
        "Give a contract of your own in the option 'contract'.".format(
            "This host has" if root.is_host else "In {0} there is".format(printable(root.folder)), ", ".join(files)
        )
    )
