"""What the single charts say: numbers, order, shapes, labels that make way."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from auditapp.reports import charts
from auditapp.reports.charts import gap_strip, intersection_grid, threshold_sweep
from auditapp.reports.charts.config import VARIANTS
from auditapp.reports.charts.frontier_ground import SIZES, plot_of
from auditapp.reports.charts.layout import chunks, decimals, dodge, ticks
from auditapp.reports.charts.measure import covered, width
from auditapp.reports.charts.text import clip, plain, short_count, thinned, wrap
from auditapp.reports.numbers import decimal
from tests import chart_samples as samples
from tests.test_charts import placed, texts


def test_the_strip_prints_points_interval_and_people() -> None:
    shown = texts(charts.draw(samples.gap_strip(), "wide"))
    for expected in ("−27.3", "−28.0 to −26.6", "+1.0", "−1.0 to +3.0", "1,000", "Same as White"):
        assert expected in shown
    assert "29 people, under the floor" in shown


def test_the_narrow_strip_prints_value_and_interval_but_not_people() -> None:
    shown = texts(charts.draw(samples.gap_strip(), "narrow"))
    assert "−27.3" in shown
    assert "−28.0 to −26.6" in shown
    assert "1,000" not in shown


def test_rows_go_from_the_most_negative_and_end_with_those_without_a_value() -> None:
    rows = gap_strip.ordered(samples.gap_strip()["rows"])
    assert [r["label"] for r in rows] == ["Group 0", "Wide", "Group 1", "Few"]


def test_both_bars_and_all_shapes_are_drawn() -> None:
    svg = charts.draw(samples.gap_strip(), "wide")
    thick = [v for v in re.findall(r'stroke-width="([\d.]+)"', svg) if v == "4.6"]
    thin = [v for v in re.findall(r'stroke-width="([\d.]+)"', svg) if v == "1.7"]
    assert (len(thin), len(thick)) == (3, 3)
    assert "url(#hatch-mark)" in svg


def test_a_strip_of_unknown_values_still_draws() -> None:
    chart = samples.gap_strip()
    chart["rows"] = [r for r in chart["rows"] if r["value"] is None]
    for variant in VARIANTS:
        assert "Few" in texts(charts.draw(chart, variant))


def test_the_log_scale_says_so() -> None:
    shown = texts(charts.draw(samples.group_sizes(), "wide"))
    assert any("log scale" in t for t in shown)
    assert "Floor: 30" in shown
    even = {"kind": "group-sizes", "floor": 30, "rows": samples.group_sizes()["rows"][:2]}
    assert not any("log scale" in t for t in texts(charts.draw(even, "wide")))


def test_rates_share_one_order_and_say_what_is_undefined() -> None:
    svg = charts.draw(samples.rates(), "wide")
    labels = [t for t in texts(svg) if t in {"White", "Asian", "Few", "None"}]
    assert labels == ["Asian", "White", "Few", "None"]
    assert texts(svg).count("not defined") == 3


def test_each_cell_of_the_grid_has_a_sign_and_a_count() -> None:
    shown = texts(charts.draw(samples.intersection_grid(), "wide"))
    assert {"+13", "−20", "0", "—"} <= set(shown)
    assert shown.count("120") == 5
    assert any(t.startswith("Under the floor of 30 people") for t in shown)


def grid(x: int, y: int) -> dict[str, Any]:
    names = [[f"{side}{i}" for i in range(n)] for side, n in (("x", x), ("y", y))]
    cells = [
        {"x": a, "y": b, "value": 0.1, "n": 50, "status": "shown"}
        for a in names[0]
        for b in names[1]
    ]
    return {"kind": "intersection-grid", "x": names[0], "y": names[1], "cells": cells}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", [(1, 1), (20, 12), (12, 20), (40, 3), (30, 30)])
def test_a_grid_of_any_size_shows_every_cell(shape: tuple[int, int], variant: str) -> None:
    shown: list[str] = []
    for part in charts.pages(grid(*shape), variant):
        shown += texts(charts.draw(part, variant))
    assert shown.count("+10") == shape[0] * shape[1]


def test_the_colour_scale_is_symmetric_and_round() -> None:
    chart = samples.intersection_grid()
    assert intersection_grid._limit(chart) == 0.2
    assert intersection_grid._limit({**chart, "limit": 0.4}) == 0.4


def test_the_sweep_draws_seven_and_counts_the_rest() -> None:
    shown = texts(charts.draw(samples.threshold_sweep(9), "wide"))
    assert {f"Group {i}" for i in range(7)} <= set(shown)
    assert "Group 7" not in shown
    assert "2 more groups are in the table." in shown
    assert "Now: 0.50" in shown


@pytest.mark.parametrize("variant", VARIANTS)
def test_names_at_the_ends_of_lines_do_not_overlap(variant: str) -> None:
    svg = charts.draw(samples.threshold_sweep(7), variant)
    ends = sorted(y for text, _, y, _ in placed(svg) if text.startswith("Group"))
    assert len(ends) == 7
    assert min(b - a for a, b in pairwise(ends)) >= 14


def test_the_sweep_copes_with_gaps_and_a_single_threshold() -> None:
    chart = samples.threshold_sweep(2)
    chart["series"][1]["points"] = chart["series"][1]["points"][8:12]
    assert "Group 1" in texts(charts.draw(chart, "wide"))
    chart["series"] = [{**s, "points": s["points"][:1]} for s in chart["series"]]
    assert charts.draw(chart, "wide")


def test_a_value_between_thresholds_lies_on_the_line() -> None:
    chart = samples.threshold_sweep(1)
    line = threshold_sweep._lines(chart, VARIANTS["wide"])[0]
    assert line.at(0.525) == pytest.approx(0.475)
    assert line.at(2.0) is None


def test_dodge_keeps_order_and_distance_inside_the_bounds() -> None:
    placed_at = dodge([10, 11, 12, 50, 3], 5, 0, 60)
    assert sorted(range(5), key=placed_at.__getitem__) == [4, 0, 1, 2, 3]
    ordered = sorted(placed_at)
    assert all(b - a >= 5 - 1e-9 for a, b in pairwise(ordered))
    assert placed_at[3] == 50
    assert dodge([59, 60], 5, 0, 60) == [55, 60]


@pytest.mark.parametrize("end", [1e-12, 1e-3, 1.0, 1e15])
def test_ticks_of_any_size_differ_as_they_are_written(end: float) -> None:
    marks = ticks(0.0, end, 5)
    assert len({decimal(mark, decimals(marks)) for mark in marks}) == len(marks) > 3


def test_ticks_are_round_and_tell_their_decimals() -> None:
    assert ticks(-0.31, 0.14, 6) == [-0.3, -0.2, -0.1, 0.0, 0.1]
    assert decimals([0.2, 0.4]) == 1
    assert decimals([0.25, 0.5]) == 2
    assert decimals([1.0]) == 0


def test_chunks_cover_everything_evenly() -> None:
    parts = chunks(37, 36)
    assert [p.stop - p.start for p in parts] == [18, 19]


def test_width_follows_the_face_and_its_weight() -> None:
    assert width("ii", 12) < width("WW", 12)
    assert width("Points", 12, 600) > width("Points", 12, 400)
    assert width("日", 12) == 12
    assert covered("ż")
    assert not covered("日")


def test_text_is_cut_with_an_ellipsis_and_wrapped_at_words() -> None:
    assert clip("short", 100, 12) == "short"
    cut = clip("a rather long label", 60, 12)
    assert cut.endswith("…")
    assert width(cut, 12) <= 60
    lines = wrap("Native Hawaiian or Pacific Islander", 130, 12)
    assert lines == ["Native Hawaiian or", "Pacific Islander"]
    assert len(wrap("one two three four five six", 40, 12, lines=3)) == 3


def test_axis_labels_that_touch_are_thinned() -> None:
    labels = [(0.0, 0.0, "0%"), (30.0, 0.0, "50%"), (60.0, 0.0, "100%")]
    assert [t for _, _, t in thinned(labels, 12)] == ["0%", "100%"]


def test_what_a_printed_face_lacks_is_spelled_out() -> None:
    assert plain("日本", printed=True) == "[U+65E5][U+672C]"
    assert plain("日本") == "日本"
    assert plain("  a\n\tb  ") == "a b"
    assert plain("\x07") == "(blank)"


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, "0"), (999, "999"), (1_234, "1.2k"), (9_949, "9.9k"), (9_999, "10k"), (122_842, "123k"),
     (999_499, "999k"), (999_500, "1.0M"), (12_345_678, "12M")],
)  # fmt: skip
def test_short_counts(n: int, expected: str) -> None:
    assert short_count(n) == expected


@pytest.mark.parametrize("variant", ["wide", "print", "narrow"])
def test_both_lines_of_a_long_title_fit_under_a_frontier(variant: str) -> None:
    chart = samples.frontier()
    chart["x_title"] = f"Largest gap in selection rate between two {'long name ' * 20} groups"
    height = SIZES[variant][1]
    lines = wrap(f"{chart['x_title']} (← lower is better)", VARIANTS[variant].width - 4,
                 VARIANTS[variant].axis, weight=500)  # fmt: skip
    assert len(lines) == 2
    plot = plot_of(chart, VARIANTS[variant])
    assert plot.y.start + 36 + 15 + VARIANTS[variant].axis / 2 <= height
