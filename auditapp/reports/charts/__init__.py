"""The charts of a report: plain dicts in, SVG text out.

``draw(chart, variant)`` draws one chart; ``pages(chart, variant)`` first cuts a chart that is
too tall for a page into several of the same scale. Variants and their natural size:

========  ==========================================  ======================
variant   where                                       width in pixels
========  ==========================================  ======================
wide      page, 700 px of room or more                920 (sweep, histogram: 720)
narrow    page, less than 700 px                      330
print     PDF at 166 mm, all text 9 pt or more        615
half      PDF at 80 mm, the kinds in ``HALVES``       296
========  ==========================================  ======================

All values are fractions (0.271 is drawn as 27.1), counts are whole numbers, ``None`` is a value
that does not exist, and text is text: charts strip what XML forbids, wrap, and shorten with an
ellipsis, so the full label has to stand in the table beside the figure. Legends for shapes and
patterns belong to the foot of the figure, except the colour scale of the intersection grid.
Keys marked ? may be missing.

gap-strip (C1); rows are sorted by value here::

    {"kind": "gap-strip",
     "rows": [{"label": "Some other race", "n": 12646,
               "value": -0.273, "low": -0.280, "high": -0.265,        # simultaneous 95 %, thin
               "thick_low": -0.279, "thick_high": -0.267,              # 90 % pointwise, thick
               "verdict": "difference|no-difference|not-enough-data|not-applicable",
               "note"?: "29 people, under the floor"}],                # shown where value is None
     "tolerance": 0.05, "reference": "White",                          # "Same as White"
     "less"?: "chosen less often", "more"?: "more often",
     "domain"?: [-0.35, 0.15]}                                         # else from the rows

group-sizes (C2); sorted by n here; log scale when the largest is over 100 times the smallest::

    {"kind": "group-sizes", "floor": 30,
     "rows": [{"label", "n", "below_floor": False}]}

rates (C3); the order of rows is that of the first panel by value, the highest first; other panels
are matched by label; at most 6 panels::

    {"kind": "rates",
     "panels": [{"title": "Selection rate", "overall": 0.347,
                 "rows": [{"label", "value", "low", "high", "n",
                           "status": "reference|group|below-floor|undefined",
                           "note"?: "nobody chosen"}]}],               # shown for undefined
     "order"?: ["Asian", "White"], "across"?: 2}                       # else as said above

intersection-grid (C4); x and y are swapped where the longer side would go across, and columns
that do not fit are continued underneath, so any two sizes can be drawn::

    {"kind": "intersection-grid", "x": ["White", ...], "y": ["Men", "Women"], "floor": 30,
     "cells": [{"x": "White", "y": "Men", "value": 0.13, "n": 136783,   # steadied difference
                "status": "shown|below-floor|empty"}],
     "limit"?: 0.30,                                                   # end of the colour scale
     "less"?: "less", "more"?: "more"}                                 # "30 points less"

threshold-sweep (C5); the first 7 series are drawn, a line names how many are only in the table;
give the reference first, then the largest groups::

    {"kind": "threshold-sweep", "threshold": 0.5,
     "series": [{"label", "reference": False,
                 "points": [{"t": 0.1, "value": 0.77, "low": 0.76, "high": 0.78}]}],
     "now"?: "0.50", "x_title"?: "Threshold: score needed for a favourable decision"}

calibration (C6), one small panel for each series; the first 12 are drawn::

    {"kind": "calibration",
     "series": [{"label", "reference": False,
                 "points": [{"x": 0.15, "value": 0.17, "low": 0.16, "high": 0.18, "n": 8000}]}],
     "x_title"?: "Mean score", "y_title"?: "Share with the outcome"}

score-histogram, one row for each series; bars on the favourable side are filled::

    {"kind": "score-histogram", "threshold"?: 0.5, "now"?: "0.50", "favourable"?: True,
     "series": [{"label", "reference": False, "n"?: 259625,
                 "edges": [0.0, 0.05, ..., 1.0], "shares": [0.02, ...]}]}

held-equal, one or two gaps in each row, in the order given::

    {"kind": "held-equal", "reference": "Men",                         # "Same as Men"
     "rows": [{"label": "Women", "n"?: 2691,
               "marks": [{"look": "together|equal", "value", "low", "high",
                          "note"?: "no stratum holds both"}]}],        # shown where value is None
     "less"?: "chosen less often", "more"?: "more often"}

ratio-strip, in the order given; each ratio beside 1, with marks such as four fifths::

    {"kind": "ratio-strip", "reference": "White", "marks": [0.8], "mark_label"?: "four fifths",
     "rows": [{"label": "Black", "n": 339, "value": 0.79, "low": 0.74, "high": 0.85,
               "printed": "0.79",
               "status": "reference|group|below-floor",                 # reference is at 1
               "note"?: "nobody selected"}]}                            # shown where value is None

shift-panel (C10); sorted by value here; up to 30 sites have a row each, more become one tight
column in which the sites that differ, the lowest and the highest are named::

    {"kind": "shift-panel", "together"?: -0.13,                         # all sites, pooled
     "rows": [{"label": "Vermont", "value": -0.12,
               "low": -0.15, "high": -0.09,                             # 95 % pointwise, thick
               "thin_low": -0.18, "thin_high": -0.06,                   # adjusted, thin
               "differs": False, "others"?: 0.01}]}                     # from the other sites

history (C11), from two audits on; the first 5 series are drawn; a triangle marks a change::

    {"kind": "history", "tolerance": 0.05, "runs": [{"label": "2025-11-02"}, ...],
     "series": [{"label": "Women",
                 "points": [{"value", "low", "high", "changed": False}, None, ...]}]}

hidden-gaps, in the order given; what a search names in shuffles is shaded up to null_p95::

    {"kind": "hidden-gaps", "tolerance"?: 0.05,
     "rows": [{"label": "Race: Age 56 and over", "value": 0.16,
               "low": 0.15, "high": 0.17, "thick_low": 0.155, "thick_high": 0.165,
               "null_mean": 0.01, "null_p95": 0.03, "elsewhere"?: 0.02,
               "verdict": "difference|not-enough-data"}]}

gap-parts (C7), in thousandths of a bit; the sites have an axis of their own::

    {"kind": "gap-parts",
     "rows": [{"label": "Decisions", "unique": 20.1, "redundant": 2.0, "masked": 4.2,
               "value": 26.3, "low": 25.6, "high": 28.0}],             # their sum, 95 %
     "sites"?: [{"label": "Ohio", "value": 1.2, "low": 0.8, "high": 1.7}], "sites_title"?: "..."}

bound-curve; x in units of ``times``, y accuracy; above the highest curve nothing is possible::

    {"kind": "bound-curve", "times"?: 100, "x_title": "Largest gap, points",
     "series": [{"label": "Any rule at all", "points": [{"x": 0.05, "value": 0.93}]}],
     "now": {"x": 0.12, "value": 0.81, "low"?: 0.8, "high"?: 0.82, "label"?: "Now"},
     "beyond"?: "Out of reach of any rule", "limit"?: 0.05, "limit_label"?: "Your limit: 5 points"}

frontier (C9); a method is a series with shape and colour of its own, from the seventh on grey;
the frontier is drawn as a step after each of its points; a bound far above the settings becomes a
strip at the top that says ``beyond_far``::

    {"kind": "frontier", "x_title": "Largest gap in selection rate, points",
     "series": [{"label": "Thresholds by group",
                 "points": [{"x": 0.04, "value": 0.79, "x_low"?, "x_high"?, "low"?, "high"?,
                             "hollow"?: False, "recommended"?: False}]}],   # hollow: some abstain
     "now": {"x", "value", "x_low"?, ..., "label"?: "Now"},
     "frontier"?: [[0.04, 0.79], ...], "yardstick"?: [[x, y], ...], "bound"?: [[x, y], ...],
     "beyond"?: "Out of reach of any rule", "beyond_far"?: "... above 98%",
     "limit"?: 0.05, "limit_label"?: "Your limit: 5 points", "y_title"?: "Accuracy"}

abstention (C12); the first 7 groups are drawn; dashes are what each group has now; a point is
hollow where no harm is not shown::

    {"kind": "abstention", "infeasible"?: 0.04, "infeasible_label"?: "...", "recommended"?: 0.1,
     "series": [{"label", "reference"?: False, "now"?: 0.81,
                 "points": [{"x": 0.05, "value": 0.82, "low"?, "high"?, "hollow"?: False}]}]}

move-profile (C8); sorted by the size of the move here::

    {"kind": "move-profile",
     "rows": [{"label": "Education: High school", "now": 0.35, "target": 0.27, "reference"?: 0.2}]}

people-changed, in the order given; shares of the group, printed as people in 1,000::

    {"kind": "people-changed", "rows": [{"label", "up": 0.131, "down": 0.002, "human"?: 0.0}]}

A chart with nothing to draw (no rows, no series) raises ``AuditError("chart-empty")``; leave the
figure out instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from auditapp.errors import AuditError
from auditapp.reports.charts import (
    abstention,
    bound_curve,
    calibration,
    frontier,
    gap_parts,
    gap_strip,
    group_sizes,
    held_equal,
    hidden_gaps,
    history,
    intersection_grid,
    move_profile,
    people_changed,
    rates,
    ratio_strip,
    score_histogram,
    shift_panel,
    threshold_sweep,
)
from auditapp.reports.charts.config import HALF, VARIANTS, Variant
from auditapp.reports.charts.engine import to_svg

__all__ = ["HALVES", "REGISTRY", "VARIANTS", "Kind", "draw", "pages"]

Chart = Mapping[str, Any]


class Kind(NamedTuple):
    """How one kind of chart is drawn, and cut into pages where it can be too tall for one."""

    content: str
    draw: Callable[[Chart, Variant], dict[str, Any]]
    pages: Callable[[Chart, Variant], list[dict[str, Any]]] | None = None


REGISTRY: dict[str, Kind] = {
    "gap-strip": Kind("rows", gap_strip.draw, gap_strip.pages),
    "group-sizes": Kind("rows", group_sizes.draw, group_sizes.pages),
    "rates": Kind("panels", rates.draw, rates.pages),
    "intersection-grid": Kind("cells", intersection_grid.draw, intersection_grid.pages),
    "threshold-sweep": Kind("series", threshold_sweep.draw),
    "calibration": Kind("series", calibration.draw),
    "score-histogram": Kind("series", score_histogram.draw),
    "hidden-gaps": Kind("rows", hidden_gaps.draw, hidden_gaps.pages),
    "held-equal": Kind("rows", held_equal.draw, held_equal.pages),
    "ratio-strip": Kind("rows", ratio_strip.draw, ratio_strip.pages),
    "shift-panel": Kind("rows", shift_panel.draw),
    "history": Kind("series", history.draw),
    "gap-parts": Kind("rows", gap_parts.draw),
    "bound-curve": Kind("series", bound_curve.draw),
    "frontier": Kind("series", frontier.draw),
    "abstention": Kind("series", abstention.draw),
    "move-profile": Kind("rows", move_profile.draw, move_profile.pages),
    "people-changed": Kind("rows", people_changed.draw, people_changed.pages),
}


#: Kinds that can stand side by side in print.
HALVES = frozenset(
    {"abstention", "group-sizes", "people-changed", "score-histogram", "threshold-sweep"}
)


def _variant(kind: str, name: str) -> Variant:
    if name == "half" and kind in HALVES:
        return HALF
    return VARIANTS[name]


def _kind(chart: Chart) -> Kind:
    kind = REGISTRY[chart["kind"]]
    content = chart[kind.content]
    if not content or not any(part.get("rows", True) for part in content):
        raise AuditError("chart-empty", f"The chart {chart['kind']} has no {kind.content}.")
    return kind


def draw(chart: Chart, variant: str) -> str:
    """One chart as SVG text; the same chart and variant always give the same bytes."""
    return to_svg(_kind(chart).draw(chart, _variant(chart["kind"], variant)))


def pages(chart: Chart, variant: str) -> list[dict[str, Any]]:
    """The chart itself, or several charts of the same scale that each fit on a page."""
    kind = _kind(chart)
    if kind.pages is None:
        return [dict(chart)]
    return kind.pages(chart, _variant(chart["kind"], variant))
