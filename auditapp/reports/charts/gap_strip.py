"""C1, the gap strip: each group's difference to the reference with both of its bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    ARROW_LEFT,
    ARROW_RIGHT,
    GRID,
    INK,
    INK2,
    INK3,
    LINE2,
    SUNKEN,
    VERDICTS,
    Look,
    Variant,
)
from auditapp.reports.charts.layout import Scale, chunks, decimals, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain, thinned, wrap
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count
from auditapp.reports.units import POINTS, Unit

Row = Mapping[str, Any]

_HEAD = 18
_FOOT = 26


def ordered(rows: Sequence[Row]) -> list[Row]:
    """By value, the most negative first; rows without a value last."""
    known = sorted((r for r in rows if known_row(r)), key=lambda r: float(r["value"]))
    return [*known, *(r for r in rows if not known_row(r))]


def known_row(row: Row) -> bool:
    return all(row.get(key) is not None for key in ("value", "low", "high"))


def _look(row: Row) -> Look:
    return VERDICTS[row.get("verdict") or "not-applicable"]


def domain(rows: Sequence[Row], tolerance: float, unit: Unit | None = None) -> tuple[float, float]:
    """The range of values that holds every bar, the limit and zero."""
    unit = POINTS if unit is None else unit
    least = 0.4 * 10.0 ** -(unit.shift + unit.coarse)
    ends = [0.0, -tolerance, tolerance]
    for row in filter(known_row, rows):
        ends += [row["value"], row["low"], row["high"]]
        ends += [row[k] for k in ("thick_low", "thick_high") if row.get(k) is not None]
    low, high = min(ends), max(ends)
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    margin = 0.045 * (high - low)
    return low - margin, high + margin


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Parts of the same scale that each fit on a page."""
    rows = ordered(chart["rows"])
    if variant.page_height is None:
        return [dict(chart)]
    unit = Unit.of(chart.get("unit"))
    shown = chart.get("domain") or domain(rows, chart.get("tolerance") or 0.0, unit)
    most = int((variant.page_height - 80) / _row_height(variant, rows))
    parts = chunks(len(rows), most)
    return [{**chart, "rows": rows[part], "domain": list(shown)} for part in parts]


def _row_height(variant: Variant, rows: Sequence[Row]) -> int:
    n = len(rows)
    if variant.name == "narrow":
        return 42
    if variant.name == "print":
        longest = max(width(plain(r["label"]), variant.label) for r in rows)
        return 21 if n > 16 else 28 if longest <= variant.label_room else 32
    return 34 if n <= 24 else 26 if n <= 50 else 22


@dataclass(frozen=True)
class Frame:
    """Where things stand, and how numbers are written."""

    variant: Variant
    left: float
    right: float
    ends: tuple[float, float, float]
    top: float
    row: float
    bottom: float
    unit: Unit = POINTS

    def middle(self, i: int) -> float:
        return self.top + (i + 0.5) * self.row


def _span(row: Row, unit: Unit) -> str:
    return unit.differences(row["low"], row["high"])


def number_columns(
    rows: Sequence[Row], variant: Variant, unit: Unit = POINTS
) -> tuple[float, float, float]:
    """Right edges of the columns Points, 95% interval, People."""
    known = [r for r in rows if known_row(r)]
    people = [count(r["n"]) for r in rows if r.get("n") is not None]
    spans = [_span(r, unit) for r in known]
    wide_people = max([width(_("People"), 12, 500), *(width(t, variant.small) for t in people)])
    wide_span = max([width(_("95% interval"), 12, 500), *(width(t, variant.small) for t in spans)])
    third = variant.width - 2.0
    second = third - wide_people - 26
    return second - wide_span - 24, second, third


def _frame(
    rows: Sequence[Row], labels: list[list[str]], variant: Variant, unit: Unit, head: int
) -> Frame:
    room = max(width(line, variant.label) for lines in labels for line in lines)
    left = round(max(room, 56) + (22 if variant.wide else 14))
    if variant.wide:
        ends = number_columns(rows, variant, unit)
        values = [unit.difference(r["value"]) for r in rows if known_row(r)]
        widest = max(width(t, variant.value, 600) for t in ("+88.8", *values))
        right = ends[0] - widest - 34
    else:
        spans = [width(_span(r, unit), variant.small) for r in rows if known_row(r)]
        ends = (variant.width - 1.0,) * 3
        right = variant.width - max([*spans, 44.0]) - 14
    height = _row_height(variant, rows)
    top = 6.0 + head * _HEAD
    bottom = top + height * len(rows)
    return Frame(variant, left, round(right), ends, top, height, bottom, unit)


def heading_of(chart: Mapping[str, Any], x: Scale, variant: Variant) -> tuple[int, list[Any]]:
    """Lines used above the plot, and the texts: (line, x, align, text, weight, color)."""
    less = clip(plain(chart.get("less", _("chosen less often"))), 170, 12)
    more = clip(plain(chart.get("more", _("more often"))), 170, 12)
    same = _("Same as ") + plain(chart["reference"], printed=variant.name == "print")
    same = clip(same, x.end - x.start + (0 if variant.wide else 60), 12, 500)
    half = width(same, 12, 500) / 2
    middle = min(max(x.at(0), x.start - 20 + half), x.end + 20 - half)
    ends = (0.0, float(variant.width)) if not variant.wide else (x.start, x.end + 14)
    less_end = ends[0] + 20 + width(less, 12)
    more_start = ends[1] - 20 - width(more, 12)
    one = less_end + 12 < middle - half and middle + half < more_start - 8
    place = 0 if one else 1
    if less_end + 18 > more_start:
        ends = (max(0.0, ends[0] - (less_end + 18 - more_start)), ends[1])
    texts = [
        (0, ends[0], "left", less, 400, INK2),
        (place, middle, "center", same, 500, INK),
        (0, ends[1], "right", more, 400, INK2),
    ]
    return place + 1, texts


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one gap strip."""
    rows = ordered(chart["rows"])
    tolerance = float(chart.get("tolerance") or 0.0)
    unit = Unit.of(chart.get("unit"))
    low, high = chart.get("domain") or domain(rows, tolerance, unit)
    printed = variant.name == "print"
    lines = 2 if _row_height(variant, rows) >= 32 else 1
    room = variant.label_room if lines == 2 else variant.long_room
    labels = [
        wrap(plain(r["label"], printed=printed), room, variant.label, lines=lines) for r in rows
    ]
    frame = _frame(rows, labels, variant, unit, 1)
    x = Scale(low, high, frame.left, frame.right)
    head, heading = heading_of(chart, x, variant)
    frame = _frame(rows, labels, variant, unit, head)
    many = len(rows) > 20
    canvas = Canvas(variant.width, frame.bottom + _FOOT)
    draw_ground(canvas, x, frame, tolerance, twice=many)
    draw_heads(canvas, heading, frame)
    draw_names(canvas, labels, frame)
    _bars(canvas, rows, x, frame)
    _numbers(canvas, rows, x, frame)
    return canvas.spec()


def draw_ground(canvas: Canvas, x: Scale, f: Frame, tolerance: float, *, twice: bool) -> None:
    if tolerance > 0:
        edges = [x.at(-tolerance), x.at(tolerance)]
        canvas.rects([(edges[0], f.top, edges[1], f.bottom, SUNKEN)])
    room = f.right - f.left
    marks = ticks(x.low, x.high, 6 if room > 300 else 5 if room > 200 else 3)
    grid = [(x.at(t), f.top, x.at(t), f.bottom, GRID) for t in marks if t != 0]
    canvas.rules(grid, width=1)
    if tolerance > 0:
        rims = [(e, f.top, e, f.bottom, LINE2) for e in edges]
        canvas.rules(rims, width=1, strokeDash=[2, 3])
    canvas.rules([(x.at(0), f.top - 3, x.at(0), f.bottom, INK)], width=1.5)
    digits = decimals([t * 10.0**f.unit.shift for t in marks])
    names = [(x.at(t), f.bottom + 14, f.unit.difference(t, digits) if t else "0") for t in marks]
    canvas.texts(thinned(names, f.variant.axis), size=f.variant.axis, align="center", color=INK2)
    if twice:
        for i in range(5, int((f.bottom - f.top) / f.row), 5):
            y = f.top + i * f.row
            canvas.rules([(0, y, f.variant.width, y, GRID)], width=1)


def draw_heads(canvas: Canvas, heading: list[Any], f: Frame) -> None:
    for place, x, align, text, weight, color in heading:
        y = 9 + place * _HEAD
        at = x + (20 if align == "left" else -20 if align == "right" else 0)
        canvas.texts([(at, y, text)], size=12, weight=weight, align=align, color=color)
        if align != "center":
            shape = ARROW_LEFT if align == "left" else ARROW_RIGHT
            _arrow(canvas, at - 11 if align == "left" else at + 11, y, shape)
    if f.variant.wide:
        names = (f.unit.heading, _("95% interval"), _("People"))
        y = f.top - _HEAD + 3
        heads = [(end, y, name) for end, name in zip(f.ends, names, strict=True)]
        canvas.texts(heads, size=12, weight=500, align="right", color=INK3)


def _arrow(canvas: Canvas, x: float, y: float, shape: str) -> None:
    look = Look(shape, "transparent", INK2, edge=INK2)
    canvas.points([(x, y, look)], size=80, halo=0)


def draw_names(canvas: Canvas, labels: list[list[str]], f: Frame) -> None:
    pitch = f.variant.label + 2.5
    rows = []
    for i, lines in enumerate(labels):
        first = f.middle(i) - pitch * (len(lines) - 1) / 2
        rows += [(f.left - 14, first + k * pitch, line) for k, line in enumerate(lines)]
    canvas.texts(rows, size=f.variant.label, align="right")


def _bars(canvas: Canvas, rows: Sequence[Row], x: Scale, f: Frame) -> None:
    thin, thick, marks = [], [], []
    for i, row in enumerate(rows):
        if not known_row(row):
            continue
        look, y = _look(row), f.middle(i)
        thin.append((row["low"], y, row["high"], y, look.line))
        if row.get("thick_low") is not None and row.get("thick_high") is not None:
            thick.append((row["thick_low"], y, row["thick_high"], y, look.line))
        marks.append((row["value"], y, look))
    canvas.rules(thin, width=1.7, sx=x)
    canvas.rules(thick, width=4.6, sx=x)
    canvas.points(marks, size=92 if f.variant.wide and f.row >= 26 else 70, sx=x)


def _numbers(canvas: Canvas, rows: Sequence[Row], x: Scale, f: Frame) -> None:
    values, spans, people, notes = [], [], [], []
    up, down = (0.0, 0.0) if f.variant.wide else (-8.0, 8.0)
    for i, row in enumerate(rows):
        y = f.middle(i)
        if known_row(row):
            values.append((f.ends[0], y + up, f.unit.difference(row["value"])))
            spans.append((f.ends[1], y + down, _span(row, f.unit)))
        else:
            notes.append((y, str(row.get("note") or _("no value")), _look(row)))
        if f.variant.wide and row.get("n") is not None:
            people.append((f.ends[2], y, count(row["n"])))
    draw_notes(canvas, notes, f)
    small = f.variant.small
    canvas.texts(values, size=f.variant.value, weight=600, align="right")
    canvas.texts(spans, size=small, align="right", color=INK2)
    canvas.texts(people, size=small, align="right", color=INK2)


def draw_notes(canvas: Canvas, notes: list[tuple[float, str, Look]], f: Frame) -> None:
    """Why a row has no bar, in the columns of numbers: beside the scale it is no estimate."""
    end = f.ends[1]
    room = end - f.left - 22
    printed, size = f.variant.name == "print", f.variant.axis
    marks, texts = [], []
    for y, note, look in notes:
        lines = wrap(plain(note, printed=printed), room, size, lines=1 if f.variant.wide else 2)
        marks.append((end - max(width(line, size) for line in lines) - 12, y, look))
        first = y - 7 * (len(lines) - 1)
        texts += [(end, first + 14 * i, line) for i, line in enumerate(lines)]
    canvas.points(marks, size=64)
    canvas.texts(texts, size=size, align="right", color=INK2, halo=True)
