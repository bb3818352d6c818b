"""C2, group sizes: bars from the left, hatched under the floor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    GRID,
    HATCH_AREA,
    INK,
    INK2,
    INK3,
    LINE2,
    SURFACE,
    Variant,
)
from auditapp.reports.charts.layout import Scale, chunks, log_ticks, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import plain, thinned, wrap
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count

Row = Mapping[str, Any]

_TOP = 22
_FOOT = 44


def _ordered(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda r: -int(r["n"]))


def _domain(rows: Sequence[Row]) -> list[int]:
    sizes = [int(r["n"]) for r in rows]
    return [min(sizes), max(sizes)]


def _row_height(variant: Variant, n: int) -> int:
    if variant.name == "half":
        return 30 if n <= 6 else 21
    if variant.name == "print":
        return 30 if n <= 16 else 21
    return 30 if n <= 24 else 24


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Parts of the same scale that each fit on a page."""
    if variant.page_height is None:
        return [dict(chart)]
    rows = _ordered(chart["rows"])
    most = int((variant.page_height - _TOP - _FOOT) / _row_height(variant, len(rows)))
    shown = chart.get("domain") or _domain(rows)
    return [{**chart, "rows": rows[p], "domain": shown} for p in chunks(len(rows), most)]


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one chart of sizes."""
    rows = _ordered(chart["rows"])
    printed = variant.name == "print"
    height = _row_height(variant, len(rows))
    size = variant.label
    lines = 2 if height >= 30 else 1
    room = variant.label_room if lines == 2 else variant.long_room
    labels = [wrap(plain(r["label"], printed=printed), room, size, lines=lines) for r in rows]
    left = round(max(56.0, *(width(t, size) for part in labels for t in part)) + 14)
    smallest, largest = chart.get("domain") or _domain(rows)
    right = variant.width - width(count(largest), variant.value, 600) - 12
    log = largest > 100 * max(smallest, 1)
    x = _scale(largest, left, right, log=log)
    bottom = _TOP + height * len(rows)
    canvas = Canvas(variant.width, bottom + _FOOT)
    floor = int(chart.get("floor") or 0)
    _ground(canvas, x, bottom, variant, log=log)
    bars: list[tuple[float, float, float, float, str]] = []
    ends: list[tuple[float, float, str]] = []
    small: list[tuple[float, float, str]] = []
    names = []
    for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
        y, n = _TOP + (i + 0.5) * height, int(row["n"])
        first = y - (size + 1.5) * (len(label) - 1) / 2
        names += [(left - 12, first + k * (size + 1.5), t) for k, t in enumerate(label)]
        end = x.at(_place(n, log=log))
        if n:
            fill = HATCH_AREA if row["below_floor"] else INK2
            bars.append((left, y - 7, max(end, left + 2), y + 7, fill))
        target = small if row["below_floor"] else ends
        target.append((max(end, left) + 7, y, count(n)))
    hatched = [b for b in bars if b[4] == HATCH_AREA]
    canvas.rects([b for b in bars if b[4] == INK2], cornerRadiusEnd=2)
    canvas.rects(hatched)
    canvas.texts(names, size=size, align="right")
    canvas.rules([(*edge, LINE2) for b in hatched for edge in _outline(b)], width=1)
    _floor(canvas, x, floor, largest, bottom, variant, log=log)
    canvas.texts(ends, size=variant.value, color=INK2, halo=True)
    canvas.texts(small, size=variant.value, weight=600, halo=True)
    return canvas.spec()


def _outline(
    bar: tuple[float, float, float, float, str],
) -> list[tuple[float, float, float, float]]:
    x, y, x2, y2 = bar[:4]
    return [(x, y, x2, y), (x2, y, x2, y2), (x, y2, x2, y2), (x, y, x, y2)]


def _place(n: float, *, log: bool) -> float:
    return math.log10(max(n, 1)) if log else n


def _scale(largest: int, left: float, right: float, *, log: bool) -> Scale:
    return Scale(0, max(_place(largest, log=log), 1 if not log else 0.1), left, right)


def _ground(canvas: Canvas, x: Scale, bottom: float, variant: Variant, *, log: bool) -> None:
    target = 6 if x.end - x.start > 260 else 3
    marks = log_ticks(10**x.high, target) if log else ticks(0, x.high, target)
    marks = [t for t in marks if t == int(t)]
    places = [x.at(_place(t, log=log)) for t in marks]
    canvas.rules([(p, _TOP, p, bottom, GRID) for p in places], width=1)
    canvas.rules([(x.start, _TOP, x.start, bottom, INK)], width=1.5)
    names = [(p, bottom + 14, count(int(t))) for p, t in zip(places, marks, strict=True)]
    canvas.texts(thinned(names, variant.axis), size=variant.axis, align="center", color=INK2)
    words = _("People, log scale: each step is ten times the one before") if log else _("People")
    if log and not variant.wide:
        words = _("People, log scale")
    canvas.texts([(x.start, bottom + 34, words)], size=variant.axis, weight=500, color=INK2)


def _floor(
    canvas: Canvas,
    x: Scale,
    floor: int,
    largest: int,
    bottom: float,
    variant: Variant,
    *,
    log: bool,
) -> None:
    if not 1 < floor < largest:
        return
    at = x.at(_place(floor, log=log))
    if at - x.start < 4:
        return
    text = _("Floor: {floor}").format(floor=count(floor))
    room = width(text, 12, 500)
    inside = at + room + 6 < variant.width
    canvas.rules([(at, 6, at, bottom, SURFACE)], width=3)
    canvas.rules([(at, 6, at, bottom, INK3)], width=1.25, strokeDash=[3, 3])
    where = [(at + 6 if inside else at - 6, 10, text)]
    align = "left" if inside else "right"
    canvas.texts(where, size=12, weight=500, align=align, color=INK2)
