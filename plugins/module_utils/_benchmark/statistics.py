# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Say what repeated timings show, and no more than they show. Pure.

The timings of two interpreters are compared round by round: in each round both ran within seconds of each other, so
what slows the machine down for a while is in both and leaves their ratio alone.
"""

import math
import typing as t

__all__ = ["CONFIDENCE", "Comparison", "Times", "compare", "median", "median_interval", "quantile", "summarize_times"]

CONFIDENCE = 0.95


if t.TYPE_CHECKING:

    class Times(t.TypedDict):
        """Timings in seconds; half of them are between the quartiles, whose distance is C(spread)."""

        median: float
        first_quartile: float
        third_quartile: float
        spread: float

else:
    Times = dict


class Comparison(t.NamedTuple):
    """How one compares with the baseline.

    C(ratio) is the median of (its time / the baseline's time) over the rounds: below 1 it is faster. C(interval) holds
    the true median of that ratio with at least C(CONFIDENCE), None for too few rounds. C(different) is true, false or
    undecided; C(reason) says why.
    """

    ratio: float
    interval: t.Optional[t.Tuple[float, float]]
    different: str
    reason: str


def median(values: t.Sequence[float]) -> float:
    """Return the median of C(values), which are not empty."""
    return quantile(values, 0.5)


def quantile(values: t.Sequence[float], fraction: float) -> float:
    """Return the quantile of C(values), linear between neighbours (C(inclusive) in the module statistics)."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * fraction
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def summarize_times(times: t.Sequence[float]) -> Times:
    """Return median, quartiles and spread: the distance of the quartiles, between which half of all timings are."""
    first, third = quantile(times, 0.25), quantile(times, 0.75)
    return Times(median=median(times), first_quartile=first, third_quartile=third, spread=third - first)


def median_interval(values: t.Sequence[float]) -> t.Optional[t.Tuple[float, float]]:
    """Return the interval that holds the true median with at least C(CONFIDENCE), None for too few values.

    It is the one of the sign test: between the k-th smallest and the k-th largest value, with the largest k for which
    a fair coin, thrown once per value, shows fewer than k heads in at most half of (1 - CONFIDENCE) of all cases. It is
    exact, and asks nothing of how the values are distributed. Six values are the fewest for 0.95.
    """
    count = len(values)
    allowed = (1 - CONFIDENCE) / 2 * 2**count
    heads, cases = 0, 1
    while heads < count and cases <= allowed:
        heads += 1
        cases += _choose(count, heads)
    if heads == 0:
        return None
    ordered = sorted(values)
    return ordered[heads - 1], ordered[count - heads]


def _choose(count: int, chosen: int) -> int:
    return math.factorial(count) // math.factorial(chosen) // math.factorial(count - chosen)


def compare(times: t.Sequence[float], baseline: t.Sequence[float], tolerance: float) -> Comparison:
    """Compare timings with the baseline's of the same rounds, in the same order.

    - true: the whole interval is beyond C(tolerance) (0.02: two percent) on one side, and the middle halves of the two
      sets of timings do not overlap.
    - false: the whole interval is within the tolerance.
    - undecided: everything else.
    """
    ratios = [mine / other for mine, other in zip(times, baseline)]
    ratio = median(ratios)
    interval = median_interval(ratios)
    if interval is None:
        return Comparison(ratio, None, "undecided", f"{len(ratios)} rounds are too few to tell; at least 6 are needed")
    low, high = interval
    if 1 / (1 + tolerance) <= low and high <= 1 + tolerance:
        return Comparison(ratio, interval, "false", "any difference is within the tolerance")
    if low <= 1 + tolerance and high >= 1 / (1 + tolerance):
        return Comparison(ratio, interval, "undecided", "the interval of the ratio reaches into the tolerance")
    if _overlap(summarize_times(times), summarize_times(baseline)):
        return Comparison(ratio, interval, "undecided", "the spread of the timings covers the difference")
    return Comparison(ratio, interval, "true", "faster" if ratio < 1 else "slower")


def _overlap(one: Times, other: Times) -> bool:
    return one["first_quartile"] <= other["third_quartile"] and other["first_quartile"] <= one["third_quartile"]
