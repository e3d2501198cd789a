# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a repair took away: the files of a host before and after, what is in the quarantine, and what was announced."""

import base64
import json
import shlex
from collections.abc import Iterator
from typing import Any

from checkkit import Host

from ansible_collections.fleet.system_python.plugins.module_utils._base.text import printable

_STATE = "/var/lib/fleet.system_python"
# Of a folder only that it is there: its times say what was in it for a moment.
_LIST = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \\) -prune -o "
    "\\( -type d -printf '%p\\td\\0' "
    "-o -type l -printf '%p\\t%l\\0' -o -printf '%p\\t%y %s %T@\\0' \\) | LC_ALL=C sort -z"
)
_BEFORE = "/run/files-before"
# rpm's and the package manager's own: what they write whenever they run.
_THEIRS = (
    "/var/lib/rpm/",
    "/usr/lib/sysimage/rpm/",
    "/var/cache/",
    "/var/log/",
    "/var/lib/dnf/",
    "/var/lib/YaST2/",
    "/etc/ld.so.cache",
)


def note_files(host: Host) -> None:
    """Note on the host, outside of what is compared, which files it has."""
    host.check(f"{_LIST} >{_BEFORE}")


def unaccounted(host: Host, result: dict[str, Any]) -> list[str]:
    """Return what is gone or other than noted, and neither kept in the quarantine nor reinstalled with its package.

    What is kept counts only where the plan or a finding in C(result) named it, or a folder of it.
    """
    gone = set(_gone_or_changed(host))
    named = set(_texts([result["plan"], result["findings"]])) if "plan" in result else set()
    kept = {path for path in _kept(host) if _is_below(printable(path), named) or _is_below(path, named)}
    left = sorted(path for path in gone if not path.startswith((_STATE, *_THEIRS)) and not _is_below(path, kept))
    packages = [one["nevra"] for step in result.get("plan", []) for one in step.get("packages", [])]
    if not left or not packages:
        return left
    # What the packages' scriptlets register is written anew, too.
    there = host.check(
        f"{{ rpm -ql {shlex.join(packages)}; printf '%s\\n' /var/lib/alternatives/* /etc/alternatives/*; }} |"
        'while IFS= read -r path; do [ ! -e "$path" ] || echo "$path"; done'
    )
    return [path for path in left if path not in set(there.splitlines())]


def _gone_or_changed(host: Host) -> Iterator[str]:
    for line in host.check(f"{_LIST} | LC_ALL=C comm -z -23 {_BEFORE} -").split("\0"):
        if line:
            yield line.rpartition("\t")[0]


def _kept(host: Host) -> Iterator[str]:
    texts = host.check(
        f"for file in {_STATE}/quarantine/*/manifest.json; do [ ! -f $file ] || {{ cat $file; echo; }}; done"
    )
    decoder, position = json.JSONDecoder(), 0
    while position < len(texts.rstrip()):
        manifest, position = decoder.raw_decode(texts, position)
        position += 1
        for entry in manifest["entries"]:
            yield _exact(entry)


def _exact(entry: dict[str, Any]) -> str:
    encoded = entry.get("path_base64")
    return base64.b64decode(encoded).decode(errors="surrogateescape") if encoded else entry["path"]


def _is_below(path: str, folders: set[str]) -> bool:
    return path in folders or any(path[:position] in folders for position, letter in enumerate(path) if letter == "/")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
