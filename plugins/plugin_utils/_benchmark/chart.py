# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Draw the results of python_benchmark with matplotlib. Only the controller needs it, and only for pictures."""

from __future__ import annotations

import io
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...module_utils._base.text import printable
from ...module_utils._benchmark.records import BenchmarkResult
from .rows import Panel, Row, panels, verdict

try:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
except ImportError as error:
    _MISSING: ImportError | None = error
else:
    _MISSING = None

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw", "missing_library"]

# Told apart without colours, too: by their form. Colours of Okabe and Ito, for everybody's eyes.
_LOOKS = {
    "baseline": ("#555555", "|"),
    "faster": ("#0072b2", "o"),
    "slower": ("#d55e00", "s"),
    "no difference": ("#555555", "D"),
    "undecided": ("#999999", "x"),
}
_MEANING = {
    "faster": "faster than the baseline",
    "slower": "slower than the baseline",
    "no difference": "no difference above the tolerance",
    "undecided": "undecided: the spread covers it",
    "baseline": "baseline, with its own spread",
}
# Beyond that many rows in a panel, hosts are drawn as points of one row per pair of versions.
_ROWS = 40
# Longer names of hosts are cut.
_NAME = 32
_FINE = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 1.8, 2, 2.5)
_COARSE = (0.03125, 0.0625, 0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 8, 16, 32)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fleet.system_python",
    "text.usetex": False,
    "text.parse_math": False,
    "axes.unicode_minus": False,
    "font.family": "sans-serif",
    "font.size": 10,
}


def missing_library() -> str:
    """Return what to install where, when matplotlib cannot be imported; empty where C(draw) can be called."""
    if _MISSING is None:
        return ""
    return (
        f"There are no pictures: matplotlib draws them, which the controller's Python cannot import ({_MISSING}). "
        f"Install it there with {sys.executable} -m pip install matplotlib, or say python_benchmark_pictures: false."
    )


def draw(measured: Mapping[str, BenchmarkResult], title: str, tolerance: float = 0.02) -> str:
    """Return an SVG picture: a panel per workload, in it a row per host and interpreter with its ratio and interval.

    The same results give the same text.
    """
    found = [panel for panel in panels(measured) if panel.rows]
    several = len(measured) > 1
    with mpl.rc_context(_STYLE):
        heights = [max(1, len(_lines(panel, several))) + 1.1 for panel in found] or [1.0]
        figure = Figure(figsize=(9.5, 1.4 + 0.29 * sum(heights)))
        FigureCanvasSVG(figure)
        axes = figure.subplots(len(heights), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights})
        for axis, panel in zip(axes[:, 0], found, strict=False):
            _draw_panel(axis, panel, several, tolerance)
        _finish(figure, list(axes[:, 0]), found, printable(title), _how_measured(measured))
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _how_measured(measured: Mapping[str, BenchmarkResult]) -> str:
    """Say how it was measured, where that was the same everywhere."""
    rounds = {result["rounds"] for result in measured.values()}
    runners = {result["runner"]["name"] for result in measured.values()}
    words = [f"{rounds.pop()} rounds"] if len(rounds) == 1 else []
    words += [f"runner {printable(runners.pop())}"] if len(runners) == 1 else []
    clocks = {str(result.get("clock", "wall")) for result in measured.values()}
    words += ["processor time"] if clocks == {"cpu"} else []
    return ", ".join([*words, "1: the baseline's time in the same round; grey: the tolerance"])


def _lines(panel: Panel, several: bool) -> list[tuple[str, list[Row]]]:
    """Return the lines of a panel: a label and the rows that are drawn on it."""
    if len(panel.rows) <= _ROWS:
        return [(_label(row, several), [row]) for row in panel.rows]
    pairs: dict[str, list[Row]] = defaultdict(list)
    for row in panel.rows:
        if not row.is_baseline:
            pairs[f"{_minor(row.version)} to {_minor(row.baseline_version)}"].append(row)
    return [(f"{pair}, {len(rows)} hosts", rows) for pair, rows in sorted(pairs.items())]


def _label(row: Row, several: bool) -> str:
    python = f"Python {row.version}" + ("" if row.verified else " (unverified)")
    return f"{_shortened(row.host)}, {python}" if several else python


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _draw_panel(axis: Axes, panel: Panel, several: bool, tolerance: float) -> None:
    lines = _lines(panel, several)
    axis.axvspan(1 / (1 + tolerance), 1 + tolerance, color="#e8e8e8", linewidth=0, zorder=0)
    axis.axvline(1, color="#555555", linewidth=0.8, zorder=1)
    for place, (_text, rows) in enumerate(lines):
        for row in rows:
            _draw_row(axis, row, place, len(rows) == 1)
        note = _note_of_row(rows[0]) if len(rows) == 1 else _middle(rows)
        axis.annotate(
            note, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=9, annotation_clip=False
        )
    axis.set_yticks(range(len(lines)), [text for text, _rows in lines])
    axis.set_ylim(len(lines) - 0.4, -0.6)
    axis.set_title(panel.title, loc="left", fontsize=10, fontweight="bold", pad=4)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _draw_row(axis: Axes, row: Row, place: int, alone: bool) -> None:
    colour, marker = _LOOKS[verdict(row)]
    low, high = row.interval or (row.ratio, row.ratio)
    if row.is_baseline:
        low, high = 1 - min(row.half_spread, 0.9), 1 + row.half_spread
    if alone:
        axis.plot([low, high], [place, place], color=colour, linewidth=2, solid_capstyle="butt", zorder=2)
    looks: dict[str, Any] = {"markersize": 7} if alone else {"markersize": 5, "alpha": 0.5}
    axis.plot([row.ratio], [place], marker=marker, color=colour, linestyle="none", zorder=3, **looks)


def _note_of_row(row: Row) -> str:
    if row.is_baseline:
        return f"1 = {row.median:.3g} s"
    interval = f" [{row.interval[0]:.2f}, {row.interval[1]:.2f}]" if row.interval else ""
    return f"{row.ratio:.2f}{interval} {verdict(row)}"


def _middle(rows: Sequence[Row]) -> str:
    ratios = sorted(row.ratio for row in rows)
    return f"{ratios[0]:.2f} to {ratios[-1]:.2f} over the hosts"


def _finish(figure: Figure, axes: Sequence[Axes], found: Sequence[Panel], title: str, about: str) -> None:
    inches = figure.get_figheight()
    last = axes[-1]
    last.set_xscale("log", base=2)
    low, high = _limits(found)
    last.set_xlim(low, high)
    ticks = [tick for tick in (_FINE if high / low < 3 else _COARSE) if low <= tick <= high]
    last.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    last.minorticks_off()
    last.set_xlabel("time in parts of the baseline's, 95 % interval (left of 1: faster)")
    figure.subplots_adjust(left=0.3, right=0.75, top=1 - 0.55 / inches, bottom=0.78 / inches, hspace=0.0)
    for number, axis in enumerate(axes):
        axis.tick_params(axis="x", labelbottom=number == len(axes) - 1, length=3 if number == len(axes) - 1 else 0)
    _space_out(figure, axes)
    figure.text(0.012, 1 - 0.26 / inches, title, fontsize=13, fontweight="bold", va="center")
    figure.text(0.012, 1 - 0.52 / inches, about, fontsize=9, va="center")
    present = {verdict(row) for panel in found for row in panel.rows}
    handles = [
        mpl.lines.Line2D([], [], color=_LOOKS[word][0], marker=_LOOKS[word][1], linewidth=2, label=_MEANING[word])
        for word in _MEANING
        if word in present
    ]
    if handles:
        figure.legend(
            handles=handles, loc="lower left", ncols=len(handles), fontsize=8, frameon=False, bbox_to_anchor=(0.0, 0.0)
        )


def _space_out(figure: Figure, axes: Sequence[Axes]) -> None:
    """Leave room for each panel's title: a fixed height, whatever the number of rows."""
    room = 0.3 / figure.get_figheight()
    for axis in axes:
        place = axis.get_position()
        axis.set_position((place.x0, place.y0, place.width, place.height - room))


def _limits(found: Sequence[Panel]) -> tuple[float, float]:
    ends = [end for panel in found for row in panel.rows for end in (row.interval or (row.ratio, row.ratio))]
    ends += [1 + row.half_spread for panel in found for row in panel.rows if row.is_baseline]
    ends = [end for end in ends if math.isfinite(end) and end > 0] or [1.0]
    return min(0.7, min(ends) * 0.9), max(1.4, max(ends) * 1.1)
