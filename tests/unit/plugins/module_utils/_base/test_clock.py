# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of points in time as text."""

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.clock import (
    new_run_id,
    parse_stamp,
    utc_stamp,
    utc_stamp_or_none,
)


def test_a_stamp_is_utc_in_whole_seconds_and_can_be_read_back() -> None:
    assert utc_stamp(1769860800.9) == "2026-01-31T12:00:00Z"
    assert parse_stamp("2026-01-31T12:00:00Z") == 1769860800.0
    with pytest.raises(ValueError, match="does not match"):
        parse_stamp("yesterday")


def test_a_moment_without_a_year_of_four_digits_has_no_stamp() -> None:
    assert utc_stamp_or_none(1e18) is None
    assert utc_stamp_or_none(-1e18) is None
    assert utc_stamp_or_none(0) == "1970-01-01T00:00:00Z"


def test_two_runs_of_a_second_have_two_names() -> None:
    assert new_run_id(1769860800.9).startswith("20260131T120000Z-")
    assert new_run_id(0, "aid").startswith("19700101T000000Z-aid-")
    assert new_run_id(0) != new_run_id(0)
