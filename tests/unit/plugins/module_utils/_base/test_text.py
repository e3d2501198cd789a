# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of text for people."""

from ansible_collections.fleet.system_python.plugins.module_utils._base.text import shortened


def test_a_long_list_is_shortened_and_says_by_how_much() -> None:
    assert shortened([], 3) == ""
    assert shortened(["a", "b", "c"], 3) == "a, b, c"
    assert shortened(iter("abcde"), 3) == "a, b, c and 2 more"
    assert shortened("ab", 1, " ") == "a and 1 more"
