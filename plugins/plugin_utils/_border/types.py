# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The reader of all that hosts answer. What does not fit is a HostAnswerError: that host's alone, of its own row."""

from __future__ import annotations

from ...module_utils._base.errors import HostAnswerError
from ...module_utils._base.foreign import Foreign

__all__ = ["HOST"]

HOST = Foreign(
    HostAnswerError,
    "The host answered",
    "Nothing of the answer was used. Look at the host itself: its shell, tools or Python may have been altered.",
)
"""C(HOST.nevra(text, "owners[0]")) and so on, see Foreign."""
