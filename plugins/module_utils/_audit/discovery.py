# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The interpreter that ansible-core's discovery would choose on this host."""

import os
import re
import typing as t

from .._disk.links import which

__all__ = ["discovered", "discovery_candidates"]

# What INTERPRETER_PYTHON_FALLBACK holds per ansible-core release (config/base.yml): newest and oldest minor version.
_DISCOVERY = {
    (2, 16): (12, 6),
    (2, 17): (12, 7),
    (2, 18): (13, 8),
    (2, 19): (13, 8),
    (2, 20): (14, 9),
    (2, 21): (14, 9),
}
_DISCOVERY_NEWEST = (14, 9)


def discovery_candidates(core_version: str) -> t.List[str]:
    """Return the names that ansible-core's interpreter discovery tries, in its order."""
    match = re.match(r"^(\d+)\.(\d+)", core_version)
    key = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
    newest, oldest = _DISCOVERY.get(key, _DISCOVERY_NEWEST)
    names = ["python3.{0}".format(minor) for minor in range(newest, oldest - 1, -1)]
    return names + ["/usr/bin/python3", "python3"]


def discovered(environ: t.Mapping[str, str], core_version: str) -> t.Optional[str]:
    """Return the path that discovery would choose with the PATH of C(environ), null when it would find none."""
    folders = [folder for folder in environ.get("PATH", "").split(":") if folder]
    for name in discovery_candidates(core_version):
        hit = name if name.startswith("/") and os.access(name, os.X_OK) else which(name, folders)
        if hit:
            return hit
    return None
