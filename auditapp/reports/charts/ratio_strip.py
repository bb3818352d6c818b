"""Ratios of rates on one line: each group's beside the rate it is held against, and the marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    GRID,
    INK,
    INK2,
    INK3,
    LINE2,
    STATUSES,
    Look,
    Variant,
)
from auditapp.reports.charts.gap_strip import (
    Frame,
    draw_names,
    draw_notes,
    known_row,
    number_columns,
)
from auditapp.reports.charts.layout import Scale, chunks, decimals, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain, thinned, wrap
from auditapp.reports.numbers import count, decimal
from auditapp.reports.units import Unit

Row = Mapping[str, Any]

_HEAD = 18
_FOOT = 26
#: The scale ends here, however far an interval reaches.
_FURTHEST = 2.0
_ROOM = 1.08


@dataclass(frozen=True)
class Ratio(Unit):
    """Ratios are written without a sign, in two decimals."""

    heading: str = "Ratio"

    def difference(self, value: float, digits: int | None = None) -> str:
        return decimal(value, 2 if digits is None else digits)


RATIO = Ratio()


def _domain(chart: Mapping[str, Any]) -> tuple[float, float]:
    if chart.get("domain"):
        return float(chart["domain"][0]), float(chart["domain"][1])
    known = [r for r in chart["rows"] if known_row(r)]
    values = [1.0, *(float(m) for m in chart["marks"]), *(float(r["value"]) for r in known)]
    least = min([*values, *(float(r["low"]) for r in known)])
    most = max([*values, *(float(r["high"]) for r in known)])
    most = min(most, max(_FURTHEST, _ROOM * max(values)))
    margin = 0.05 * (most - least)
    return max(0.0, least - margin), most + margin


def _row_height(variant: Variant, rows: Sequence[Row]) -> int:
    if variant.name == "narrow":
        return 42
    longest = max(width(plain(r["label"]), variant.label) for r in rows)
    if variant.name == "print":
        return 26 if longest <= variant.label_room else 32
    return 34


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Parts of the same scale that each fit on a page."""
    rows = list(chart["rows"])
    if variant.page_height is None:
        return [dict(chart)]
    shown = list(_domain(chart))
    most = int((variant.page_height - 90) / _row_height(variant, rows))
    return [{**chart, "rows": rows[part], "domain": shown} for part in chunks(len(rows), most)]


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one strip, in the order given."""
    rows = list(chart["rows"])
    printed = variant.name == "print"
    labels = [
        wrap(plain(r["label"], printed=printed), variant.label_room, variant.label) for r in rows
    ]
    frame = _frame(rows, labels, variant)
    low, high = _domain(chart)
    x = Scale(low, high, frame.left, frame.right)
    canvas = Canvas(variant.width, frame.bottom + _FOOT)
    _ground(canvas, x, frame, chart)
    draw_names(canvas, labels, frame)
    _bars(canvas, rows, x, frame)
    _numbers(canvas, rows, frame)
    return canvas.spec()


def _frame(rows: Sequence[Row], labels: list[list[str]], variant: Variant) -> Frame:
    room = max(width(line, variant.label) for lines in labels for line in lines)
    left = round(max(room, 56) + (22 if variant.wide else 14))
    if variant.wide:
        ends = number_columns(rows, variant, RATIO)
        right = ends[0] - max([width("Ratio", 12, 500), *_widths(rows, variant)]) - 34
    else:
        spans = [width(_span(r), variant.small) for r in rows if known_row(r)]
        ends = (variant.width - 1.0,) * 3
        right = variant.width - max([*spans, 44.0]) - 14
    height = _row_height(variant, rows)
    top = 6.0 + 2 * _HEAD
    return Frame(variant, left, round(right), ends, top, height, top + height * len(rows), RATIO)


def _widths(rows: Sequence[Row], variant: Variant) -> list[float]:
    return [width(str(r["printed"]), variant.value, 600) for r in rows if known_row(r)]


def _span(row: Row) -> str:
    return RATIO.differences(row["low"], row["high"])


def _ground(canvas: Canvas, x: Scale, f: Frame, chart: Mapping[str, Any]) -> None:
    marks = [float(m) for m in chart["marks"]]
    found = _ticks(x, f)
    canvas.rules([(x.at(t), f.top, x.at(t), f.bottom, GRID) for t in found if t != 1], width=1)
    rims = [(x.at(m), f.top - 3, x.at(m), f.bottom, LINE2) for m in marks]
    canvas.rules(rims, width=1.5, strokeDash=[2, 3])
    canvas.rules([(x.at(1), f.top - 3, x.at(1), f.bottom, INK)], width=1.5)
    digits = decimals(found)
    names = [(x.at(t), f.bottom + 14, RATIO.difference(t, digits)) for t in found]
    canvas.texts(thinned(names, f.variant.axis), size=f.variant.axis, align="center", color=INK2)
    _heads(canvas, x, f, chart)


def _ticks(x: Scale, f: Frame) -> list[float]:
    """Three or more places on the scale, few enough to stand apart."""
    room = f.right - f.left
    target = 6 if room > 300 else 4 if room > 150 else 3
    found: list[float] = []
    for more in range(4):
        found = ticks(x.low, x.high, target + more)
        if len(found) > 2:
            break
    return found


def _heads(canvas: Canvas, x: Scale, f: Frame, chart: Mapping[str, Any]) -> None:
    """Over the lines: whose rate is 1, and what the marks are called."""
    most = f.variant.width - 4.0
    same = clip(
        "Same rate as " + plain(chart["reference"], printed=f.variant.name == "print"),
        most,
        12,
        500,
    )
    canvas.texts(
        [(_inside(x.at(1), width(same, 12, 500), most), 9, same)],
        size=12,
        weight=500,
        align="center",
        color=INK,
    )
    marks = sorted(float(m) for m in chart["marks"])
    label = plain(chart["mark_label"]) if chart.get("mark_label") else ""
    shown = _ticks(x, f)
    # A mark that the scale names already is not named twice.
    names = [(x.at(m), 9 + _HEAD, decimal(m, 2)) for m in marks if label or m not in shown]
    if marks and label:
        text = f"{decimal(marks[0], 2)} {clip(label, f.right - 8, 12)}"
        end = x.at(marks[0]) + width(decimal(marks[0], 2), 12) / 2
        start = max(end - width(text, 12), 2.0)
        names[0] = (start + width(text, 12) / 2, 9 + _HEAD, text)
    canvas.texts(names, size=12, align="center", color=INK2)
    if f.variant.wide:
        heads = zip(f.ends, ("Ratio", "95% interval", "People"), strict=True)
        at = [(end, f.top - _HEAD + 3, name) for end, name in heads]
        canvas.texts(at, size=12, weight=500, align="right", color=INK3)


def _inside(middle: float, room: float, most: float) -> float:
    return min(max(middle, room / 2 + 2), most - room / 2)


def _look(row: Row) -> Look:
    return STATUSES[str(row["status"])]


def _bars(canvas: Canvas, rows: Sequence[Row], x: Scale, f: Frame) -> None:
    bars, marks = [], []
    for i, row in enumerate(rows):
        y = f.middle(i)
        if row["status"] == "reference":
            marks.append((1.0, y, _look(row)))
        elif known_row(row):
            ends = (max(x.low, row["low"]), min(x.high, row["high"]))
            bars.append((ends[0], y, ends[1], y, _look(row).line))
            if row["value"] <= x.high:
                marks.append((row["value"], y, _look(row)))
    canvas.rules(bars, width=2.8, sx=x)
    canvas.points(marks, size=84, sx=x)


def _numbers(canvas: Canvas, rows: Sequence[Row], f: Frame) -> None:
    values, spans, people, notes = [], [], [], []
    up, down = (0.0, 0.0) if f.variant.wide else (-8.0, 8.0)
    for i, row in enumerate(rows):
        y = f.middle(i)
        if known_row(row):
            values.append((f.ends[0], y + up, str(row["printed"])))
            spans.append((f.ends[1], y + down, _span(row)))
        elif row["status"] == "reference":
            values.append((f.ends[0], y, "1"))
        else:
            notes.append((y, str(row.get("note") or "no value"), _look(row)))
        if f.variant.wide and row.get("n") is not None:
            people.append((f.ends[2], y, count(row["n"])))
    draw_notes(canvas, notes, f)
    canvas.texts(values, size=f.variant.value, weight=600, align="right")
    canvas.texts(spans, size=f.variant.small, align="right", color=INK2)
    canvas.texts(people, size=f.variant.small, align="right", color=INK2)
