# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of benchmarks, with known data."""

import math
import random
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._benchmark.statistics import (
    compare,
    median,
    median_interval,
    quantile,
    summarize_times,
)


def test_quantiles_are_linear_between_neighbours() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert median(values) == 2.5
    assert quantile(values, 0.25) == 1.75
    assert quantile(values, 0) == 1.0
    assert quantile(values, 1) == 4.0
    assert median([7.0]) == 7.0


def test_the_spread_is_the_distance_of_the_quartiles() -> None:
    assert summarize_times([1.0, 2.0, 3.0, 4.0, 100.0]) == {
        "median": 3.0,
        "first_quartile": 2.0,
        "third_quartile": 4.0,
        "spread": 2.0,
    }


@pytest.mark.parametrize(
    ("count", "place"),
    # From the tables of the sign test, two-sided, 0.05: rank of the lower end.
    [(5, None), (6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (20, 6), (25, 8), (30, 10), (50, 18)],
)
def test_the_interval_is_that_of_the_sign_test(count: int, place: t.Optional[int]) -> None:
    values = [float(number) for number in range(1, count + 1)]
    random.Random(1).shuffle(values)  # noqa: S311
    expected = None if place is None else (float(place), float(count + 1 - place))
    assert median_interval(values) == expected


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    chance = random.Random(20)  # noqa: S311
    draws = [[chance.lognormvariate(0, 1) for _turn in range(9)] for _turn in range(2000)]
    held = 0
    for values in draws:
        found = median_interval(values)
        assert found is not None
        held += found[0] <= 1.0 <= found[1]
    assert 0.945 <= held / 2000 <= 0.975


def test_a_clear_difference_is_one() -> None:
    baseline = [2.0, 2.1, 1.9, 2.05, 1.95, 2.0, 2.02, 1.98, 2.0]
    times = [one / 2 for one in baseline]
    found = compare(times, baseline, 0.02)
    assert found == (0.5, (0.5, 0.5), "true", "faster")
    assert compare(baseline, times, 0.02)[2:] == ("true", "slower")


def test_a_difference_that_the_spread_covers_is_refused() -> None:
    """The medians are 10 % apart, and each scatters by more than that."""
    baseline = [1.0, 1.3, 0.8, 1.2, 0.9, 1.1, 1.0, 0.7, 1.4]
    times = [1.2, 0.9, 1.1, 0.8, 1.3, 0.9, 1.5, 0.9, 1.0]
    found = compare(times, baseline, 0.02)
    assert found.different == "undecided"
    assert found.interval is not None
    assert found.interval[0] < 1 < found.interval[1]


def test_a_constant_ratio_under_a_wide_spread_is_refused_too() -> None:
    """Each round says 0.95 exactly; but both scatter so much that neither shows it alone."""
    baseline = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    found = compare([0.95 * one for one in baseline], baseline, 0.02)
    assert found.different == "undecided"
    assert found.reason == "the spread of the timings covers the difference"
    assert found.interval is not None
    assert found.interval[1] < 0.96


def test_a_drift_that_both_share_does_not_hide_a_difference() -> None:
    baseline = [1.0 + turn / 20 for turn in range(9)]
    found = compare([0.5 * one for one in baseline], baseline, 0.02)
    assert found.different == "true"


def test_the_same_is_no_difference() -> None:
    times = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95, 1.0]
    assert compare(times, times, 0.02).different == "false"
    assert compare(times, times, 0.0).different == "false"


def test_a_small_difference_is_within_the_tolerance() -> None:
    baseline = [1.0] * 9
    assert compare([1.01] * 9, baseline, 0.02).different == "false"
    assert compare([1.01] * 9, baseline, 0.005).different == "true"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_rounds_tell_nothing(count: int) -> None:
    found = compare([1.0] * count, [10.0] * count, 0.02)
    assert (found.interval, found.different) == (None, "undecided")
    assert "too few" in found.reason
    assert found.ratio == 0.1


def test_equal_interpreters_are_seldom_called_different() -> None:
    """Injected timings of one and the same interpreter, against itself, with heavy noise: below the promised 5 %."""
    chance = random.Random(7)  # noqa: S311
    wrong = 0
    for _turn in range(1000):
        drift = [1 + 0.3 * math.sin(turn) for turn in range(9)]
        one, other = [[base * chance.lognormvariate(0, 0.2) for base in drift] for _side in range(2)]
        wrong += compare(one, other, 0.02).different == "true"
    assert wrong <= 20
