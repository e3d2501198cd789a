# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Ask the host's package database, rpm's or dpkg's, who owns a path; one command for all paths."""

import os
import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm, database_folder

__all__ = ["manager", "package_owners"]

_DPKG_QUERY = "/usr/bin/dpkg-query"
_DPKG_STATUS = "/var/lib/dpkg/status"
_DPKG_LINE = re.compile(r"^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?(?:, [^/]*)?: (/.*)$", re.MULTILINE)
_LIMIT = 60


def manager(dpkg_status: str = _DPKG_STATUS, debian_version: str = "/etc/debian_version") -> t.Optional[str]:
    """Return rpm or dpkg, whichever the host is made of, null where there is neither.

    rpm on Debian, and dpkg on an rpm host, are tools for packages of others.
    """
    is_dpkg = os.path.exists(dpkg_status) and os.path.exists(_DPKG_QUERY)
    if database_folder() and not (is_dpkg and os.path.exists(debian_version)):
        return "rpm"
    return "dpkg" if is_dpkg else None


def package_owners(
    paths: t.Iterable[str], run: CommandRunner = run_command, which: t.Optional[str] = None
) -> t.Dict[str, str]:
    """Return the package name of each of C(paths) that a package owns. C(which) is the manager, by default the host's.

    Raises DatabaseError.
    """
    wanted = sorted(set(paths))
    which = which or manager()
    if not wanted or which is None:
        return {}
    if which == "rpm":
        return {path: owners[0].name for path, owners in Rpm(run).owners(wanted).items() if owners}
    found: t.Dict[str, str] = {}
    done = run([_DPKG_QUERY, "-S", "--"] + [_quoted(path) for path in wanted], timeout=_LIMIT)
    if done.rc not in (0, 1):
        raise done.error("Cannot ask for the owners of files")
    for package, path in _DPKG_LINE.findall(done.out):
        if path in wanted:
            found.setdefault(path, package)
    return found


def _quoted(path: str) -> str:
    # dpkg-query takes patterns.
    return re.sub(r"([*?\[\]\\])", r"\\\1", path)
