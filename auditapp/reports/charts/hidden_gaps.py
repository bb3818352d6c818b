"""Gaps that a search named: beside what it names in shuffled decisions, and the gap outside."""

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
    SUNKEN,
    VERDICTS,
    Variant,
)
from auditapp.reports.charts.layout import Scale, chunks, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import plain, thinned, wrap
from auditapp.reports.numbers import points, size

Row = Mapping[str, Any]

_HEAD = 20
_FOOT = 26
_BAND = 9.0
_HEADS = ("Points", "95% interval", "By chance")


def domain(rows: Sequence[Row]) -> tuple[float, float]:
    """The range of gaps that holds every bar and zero."""
    ends = [0.0]
    for row in rows:
        ends += [row["value"], row["low"], row["high"], row["null_p95"]]
        if row.get("elsewhere") is not None:
            ends.append(row["elsewhere"])
    low, high = min(ends), max([*ends, 0.01])
    margin = 0.04 * (high - low)
    return (low - margin if low < 0 else 0.0), high + margin


def _height(variant: Variant) -> int:
    return 46 if variant.name == "narrow" else 36


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Parts of the same scale that each fit on a page."""
    rows = list(chart["rows"])
    if variant.page_height is None:
        return [dict(chart)]
    shown = chart.get("domain") or domain(rows)
    most = int((variant.page_height - 80) / _height(variant))
    return [
        {**chart, "rows": rows[part], "domain": list(shown)} for part in chunks(len(rows), most)
    ]


@dataclass(frozen=True)
class _Frame:
    variant: Variant
    left: float
    right: float
    ends: tuple[float, ...]
    top: float
    row: float
    bottom: float

    def middle(self, i: int) -> float:
        return self.top + (i + 0.5) * self.row


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one chart."""
    rows = list(chart["rows"])
    printed = variant.name == "print"
    room = variant.long_room if variant.wide else variant.label_room
    labels = [wrap(plain(r["label"], printed=printed), room, variant.label) for r in rows]
    frame = _frame(rows, labels, variant)
    low, high = chart.get("domain") or domain(rows)
    x = Scale(low, high, frame.left, frame.right)
    canvas = Canvas(variant.width, frame.bottom + _FOOT)
    _bands(canvas, rows, x, frame)
    _ground(canvas, x, frame, float(chart.get("tolerance") or 0.0))
    _names(canvas, labels, frame)
    _bars(canvas, rows, x, frame)
    _numbers(canvas, rows, frame)
    return canvas.spec()


def _frame(rows: Sequence[Row], labels: list[list[str]], variant: Variant) -> _Frame:
    widest = max(width(line, variant.label) for lines in labels for line in lines)
    left = round(max(widest, 56) + (24 if variant.wide else 14))
    top = 6.0 + (_HEAD if variant.wide else 0)
    height = _height(variant)
    spans = [_span(r) for r in rows]
    if variant.wide:
        texts = [[size(r["value"], 1) for r in rows], spans, [_chance(r) for r in rows]]
        ends, at = [], variant.width - 2.0
        for head, column in zip(reversed(_HEADS), reversed(texts), strict=True):
            ends.append(at)
            at -= max([width(head, 12, 500), *(width(t, variant.value) for t in column)]) + 22
        right = at - 6
        return _Frame(
            variant, left, right, tuple(reversed(ends)), top, height, top + height * len(rows)
        )
    right = variant.width - max([width(t, variant.small) for t in spans] + [44.0]) - 14
    ends = [variant.width - 1.0] * 3
    return _Frame(variant, left, right, tuple(ends), top, height, top + height * len(rows))


def _span(row: Row) -> str:
    low, high = (points(row[end]).lstrip("+") for end in ("low", "high"))
    return f"{low} to {high}"


def _chance(row: Row) -> str:
    return f"under {size(row['null_p95'], 1)}"


def _ground(canvas: Canvas, x: Scale, f: _Frame, tolerance: float) -> None:
    room = f.right - f.left
    marks = ticks(x.low, x.high, 6 if room > 300 else 4 if room > 160 else 3)
    canvas.rules([(x.at(t), f.top, x.at(t), f.bottom, GRID) for t in marks if t], width=1)
    if 0 < tolerance < x.high:
        at = x.at(tolerance)
        canvas.rules([(at, f.top, at, f.bottom, LINE2)], width=1, strokeDash=[2, 3])
    canvas.rules([(x.at(0), f.top - 3, x.at(0), f.bottom, INK)], width=1.5)
    digits = 0 if all(abs(t * 100 - round(t * 100)) < 1e-9 for t in marks) else 1
    names = [(x.at(t), f.bottom + 14, points(t, digits).lstrip("+")) for t in marks]
    canvas.texts(thinned(names, f.variant.axis), size=f.variant.axis, align="center", color=INK2)
    if f.variant.wide:
        heads = [(end, f.top - 9, head) for end, head in zip(f.ends, _HEADS, strict=True)]
        canvas.texts(heads, size=12, weight=500, align="right", color=INK3)


def _names(canvas: Canvas, labels: list[list[str]], f: _Frame) -> None:
    pitch = f.variant.label + 2.5
    rows = []
    for i, lines in enumerate(labels):
        first = f.middle(i) - pitch * (len(lines) - 1) / 2
        rows += [(f.left - 14, first + k * pitch, line) for k, line in enumerate(lines)]
    canvas.texts(rows, size=f.variant.label, align="right")


def _bands(canvas: Canvas, rows: Sequence[Row], x: Scale, f: _Frame) -> None:
    """What shuffles show: their 95% point as the end of a band, their mean as a short line."""
    bands, rules = [], []
    for i, row in enumerate(rows):
        y, end, mean = f.middle(i), x.at(row["null_p95"]), x.at(row["null_mean"])
        bands.append((x.at(0), y - _BAND, end, y + _BAND, SUNKEN))
        rules.append((end, y - _BAND, end, y + _BAND, LINE2))
        rules.append((mean, y - _BAND / 2, mean, y + _BAND / 2, LINE2))
    canvas.rects(bands)
    canvas.rules(rules, width=1.2)


def _bars(canvas: Canvas, rows: Sequence[Row], x: Scale, f: _Frame) -> None:
    thin, thick, marks, outside = [], [], [], []
    for i, row in enumerate(rows):
        y, look = f.middle(i), VERDICTS[row.get("verdict") or "not-applicable"]
        thin.append((row["low"], y, row["high"], y, look.line))
        thick.append((row["thick_low"], y, row["thick_high"], y, look.line))
        marks.append((row["value"], y, look))
        if row.get("elsewhere") is not None:
            outside.append((row["elsewhere"], y, STATUSES["reference"]))
    canvas.rules(thin, width=1.7, sx=x)
    canvas.rules(thick, width=4.6, sx=x)
    canvas.points(outside, size=52, sx=x)
    canvas.points(marks, size=92 if f.variant.wide else 70, sx=x)


def _numbers(canvas: Canvas, rows: Sequence[Row], f: _Frame) -> None:
    wide = f.variant.wide
    up, down = (0.0, 0.0) if wide else (-8.0, 8.0)
    values = [(f.ends[0], f.middle(i) + up, size(r["value"], 1)) for i, r in enumerate(rows)]
    spans = [(f.ends[1], f.middle(i) + down, _span(r)) for i, r in enumerate(rows)]
    canvas.texts(values, size=f.variant.value, weight=600, align="right")
    canvas.texts(spans, size=f.variant.small, align="right", color=INK2)
    if wide:
        chance = [(f.ends[2], f.middle(i), _chance(r)) for i, r in enumerate(rows)]
        canvas.texts(chance, size=f.variant.small, align="right", color=INK2)
