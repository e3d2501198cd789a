# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Who may change a host."""

import os

from .errors import PrivilegeError


def require_root(what: str, owner: int = 0) -> None:
    """Raise PrivilegeError when this is not root. C(what) only root can do; tests say who the C(owner) is instead."""
    if os.geteuid() != owner:
        raise PrivilegeError(
            "Only root can {0}; this run is user id {1}, so nothing was changed. Use 'become: true'.".format(
                what, os.geteuid()
            )
        )
