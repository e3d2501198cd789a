# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What filters return, so that no text in it is a template.

Texts of hosts are in it. Until ansible-core 2.18 a text that a filter made is a template again, once it was kept by
set_fact: what a host wrote between braces would run on the controller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

from ansible.utils.unsafe_proxy import wrap_var

__all__ = ["text_alone"]


def text_alone(function: Callable[..., object]) -> Callable[..., object]:
    """Return the filter C(function), of whose results Ansible runs nothing."""

    @wraps(function)
    def filtered(*arguments: object, **options: object) -> object:
        return _marked(function(*arguments, **options))

    return filtered


def _marked(value: object) -> object:
    # Newer cores have containers of their own, of which wrap_var makes none.
    if isinstance(value, Mapping):
        return {_marked(key): _marked(one) for key, one in value.items()}
    return [_marked(one) for one in value] if isinstance(value, (list, tuple)) else wrap_var(value)
