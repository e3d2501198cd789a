# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The C library, for what the kernel can do and Python has no call for; none in a minimal interpreter."""

import typing as t

try:
    import ctypes

    LIBC: t.Optional[t.Any] = ctypes.CDLL(None, use_errno=True)
except (ImportError, OSError):
    LIBC = None

__all__ = ["LIBC", "last_error"]


def last_error() -> int:
    """Return the errno of the last call of C(LIBC)."""
    return ctypes.get_errno() if LIBC is not None else 0
