"""C7, gap parts: one stacked bar for each question, and one bar for each site underneath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    DOTTED,
    GRID,
    INK,
    INK2,
    INK3,
    LINE2,
    STRIPED,
    SURFACE,
    Variant,
)
from auditapp.reports.charts.layout import Scale, decimals, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import plain, thinned, wrap
from auditapp.reports.numbers import decimal

Row = Mapping[str, Any]
#: Rows, title, and whether they are sites.
Panel = tuple[Sequence[Row], str, bool]

#: Order, and what each part is filled with.
PARTS = (("unique", "#0071B2"), ("redundant", DOTTED), ("masked", STRIPED))
UNIT = "Thousandths of a bit"
_HEAD = 26.0
_FOOT = 44.0
_GAP = 16.0
_HALF = 9.0
_BARE = 6.0
_BETWEEN = 26.0
_NARROW = 92.0
_LINE = 15.5


def amount(value: float) -> str:
    """Thousandths of a bit with two leading digits or so."""
    return decimal(value, 0 if value >= 9.95 else 1 if value >= 0.995 else 2 if value else 0)


def interval(row: Row) -> str:
    """Value and interval as text, or the value alone."""
    if row.get("low") is None or row.get("high") is None:
        return amount(row["value"])
    return f"{amount(row['value'])} ({amount(row['low'])} to {amount(row['high'])})"


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one set of bars."""
    panels = [(chart["rows"], str(chart.get("title") or ""), False)]
    if chart.get("sites"):
        panels.append((chart["sites"], str(chart.get("sites_title") or "At each site"), True))
    every = [row for rows, _, _ in panels for row in rows]
    if variant.name == "print":
        return _beside(panels, variant)
    left, names = _names(every, variant)
    room = max(width(interval(row), variant.value, 600) for row in every)
    right = variant.width - (room + 14 if variant.wide else 12)
    pitch = 34.0 if variant.wide else 46.0
    heights = [
        (_HEAD if title else _BARE) + pitch * len(rows) + _FOOT for rows, title, _ in panels
    ]
    canvas = Canvas(variant.width, sum(heights) + _GAP * (len(panels) - 1) - 6)
    top = 0.0
    for (rows, title, sites), height in zip(panels, heights, strict=True):
        shown, names = names[: len(rows)], names[len(rows) :]
        place = (top, left, right, float(variant.width), pitch)
        _panel(canvas, rows, shown, variant, place, title, sites=sites)
        top += height + _GAP
    return canvas.spec()


def _beside(panels: Sequence[Panel], variant: Variant) -> Spec:
    """Panels beside each other, each with names and numbers of its own."""
    size = (variant.width - _BETWEEN * (len(panels) - 1)) / len(panels)
    most = variant.label_room if len(panels) == 1 else _NARROW
    made = []
    for rows, title, sites in panels:
        names = [wrap(plain(r["label"], printed=True), most, variant.label) for r in rows]
        head = wrap(title, size, 12.5, weight=600) if title else []
        made.append((rows, head, sites, names))
    tall = any(len(lines) > 1 for *_, names in made for lines in names)
    pitch, lines = 31.0 if tall else 25.0, max(len(head) for _, head, _, _ in made)
    height = max(pitch * len(rows) for rows, *_ in made) + (_HEAD if lines else _BARE) + _FOOT
    canvas = Canvas(variant.width, height + _LINE * max(lines - 1, 0) - 6)
    for i, (rows, head, sites, names) in enumerate(made):
        start = i * (size + _BETWEEN)
        label = max(40.0, *(width(t, variant.label) for part in names for t in part)) + 14
        room = max(width(interval(row), variant.value, 600) for row in rows) + 14
        rows_of_title = [(start, 9 + _LINE * k, text) for k, text in enumerate(head)]
        canvas.texts(rows_of_title, size=12.5, weight=600)
        top = (_HEAD if lines else _BARE) + _LINE * max(lines - 1, 0)
        place = (top - _BARE, round(start + label), start + size - room, start + size, pitch)
        _panel(canvas, rows, names, variant, place, "", sites=sites)
    return canvas.spec()


def _names(rows: Sequence[Row], variant: Variant) -> tuple[float, list[list[str]]]:
    """Where bars start, and the labels in lines; narrow labels stand above their bars."""
    size = variant.label
    if not variant.wide:
        most = variant.width - 8.0
        return 8.0, [
            wrap(plain(r["label"]), most - width(interval(r), variant.value, 600) - 10, size,
                 lines=1)
            for r in rows
        ]  # fmt: skip
    most = float(variant.label_room)
    names = [wrap(plain(r["label"]), most, size) for r in rows]
    return round(max(56.0, *(width(t, size) for part in names for t in part)) + 14), names


def _top(rows: Sequence[Row]) -> float:
    ends = [float(row["value"]) for row in rows]
    ends += [float(row["high"]) for row in rows if row.get("high") is not None]
    return max(max(ends), 1e-3)


def _panel(
    canvas: Canvas,
    rows: Sequence[Row],
    names: list[list[str]],
    variant: Variant,
    place: tuple[float, float, float, float, float],
    title: str,
    *,
    sites: bool,
) -> None:
    top, left, right, edge, pitch = place
    if title:
        canvas.texts([(left if variant.wide else 0, top + 9, title)], size=12.5, weight=600)
    top += _HEAD if title else _BARE
    bottom = top + pitch * len(rows)
    x = Scale(0, _top(rows) * 1.02, left, right)
    _ground(canvas, x, top, bottom, variant)
    bars: list[tuple[float, float, float, float, str]] = []
    whiskers, ends, labels = [], [], []
    for i, (row, lines) in enumerate(zip(rows, names, strict=True)):
        y = top + (i + 0.5) * pitch + (0 if variant.wide else 9)
        start = 0.0
        for part, fill in (("value", LINE2),) if sites else PARTS:
            amount_of = float(row[part])
            if amount_of > 0:
                end = max(x.at(start + amount_of), x.at(start) + 1.5)
                bars.append((x.at(start), y - _HALF, end, y + _HALF, fill))
            start += amount_of
        if row.get("low") is not None and row.get("high") is not None:
            whiskers.append((x.at(row["low"]), y, x.at(row["high"]), y))
        if variant.wide:
            pitch_of = variant.label + 1.5
            first = y - pitch_of * (len(lines) - 1) / 2
            labels += [(left - 12, first + k * pitch_of, t) for k, t in enumerate(lines)]
            ends.append((edge - 2, y, interval(row)))
        else:
            labels.append((left + 5, y - 20, lines[0]))
            ends.append((edge - 4, y - 20, interval(row)))
    canvas.rects(bars)
    # A seam between parts keeps them apart where patterns meet.
    canvas.rules([(b[2], b[1], b[2], b[3], SURFACE) for b in bars], width=1.5)
    if not sites:
        canvas.rules([(*w, SURFACE) for w in whiskers], width=5)
    canvas.rules([(*w, INK) for w in whiskers], width=2)
    caps = [(e, y - 4, e, y + 4, INK) for a, y, b, _ in whiskers for e in (a, b)]
    canvas.rules(caps, width=2)
    canvas.rules([(left, top, left, bottom, INK)], width=1.5)
    canvas.texts(labels, size=variant.label, align="right" if variant.wide else "left", halo=True)
    canvas.texts(ends, size=variant.value, weight=600, align="right", halo=True)


def _ground(canvas: Canvas, x: Scale, top: float, bottom: float, variant: Variant) -> None:
    marks = ticks(0, x.high, 5 if x.end - x.start > 300 else 3)
    digits = decimals(marks)
    canvas.rules([(x.at(t), top, x.at(t), bottom, GRID) for t in marks if t], width=1)
    names = [(x.at(t), bottom + 13, decimal(t, digits)) for t in marks]
    canvas.texts(thinned(names, variant.axis), size=variant.axis, align="center", color=INK2)
    canvas.texts([(x.start, bottom + 31, UNIT)], size=variant.axis, weight=500, color=INK3)
