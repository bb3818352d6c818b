"""C10, the shift panel: the same gap in every site, sorted, beside the sites taken together.

Up to `NAMED` sites each have a row with name and numbers. More become a tight column of dots and
bars in which the sites that differ, the lowest and the highest are named.
"""

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
    SERIES,
    STATUSES,
    VERDICTS,
    Look,
    Variant,
)
from auditapp.reports.charts.layout import Scale, dodge, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain, thinned, wrap
from auditapp.reports.numbers import points, span

Row = Mapping[str, Any]

NAMED = 30
_HEAD = 40
#: the colour of the sky series: half way between the marks and the ground
PALE = SERIES[3].line
_FOOT = 26
_PITCH = 15.0
#: height of the plot where sites have no row of their own: a site's, the least, the most
_TALL = {"wide": (4.2, 440, 860), "narrow": (3.6, 420, 760), "print": (3.0, 380, 600)}


@dataclass(frozen=True)
class _Frame:
    """Where things stand; `middles` are the rows of the sites."""

    variant: Variant
    left: float
    right: float
    top: float
    bottom: float
    middles: tuple[float, ...]


def ordered(rows: Sequence[Row]) -> list[Row]:
    """By value, the most negative first."""
    return sorted(rows, key=lambda r: (float(r["value"]), str(r["label"])))


def domain(chart: Mapping[str, Any]) -> tuple[float, float]:
    """The range of values that holds every bar, zero and the sites together."""
    ends = [0.0]
    if chart.get("together") is not None:
        ends.append(chart["together"])
    for row in chart["rows"]:
        ends += [row[k] for k in ("value", "low", "high", "thin_low", "thin_high")]
    low, high = min(ends), max(ends)
    if high - low < 0.004:
        low, high = low - 0.002, high + 0.002
    margin = 0.04 * (high - low)
    return max(-1.05, low - margin), min(1.05, high + margin)


def _look(row: Row) -> Look:
    return VERDICTS["difference"] if row.get("differs") else STATUSES["group"]


def _row_height(variant: Variant, rows: Sequence[Row]) -> float:
    if variant.name == "narrow":
        return 40.0
    if variant.name == "print":
        longest = max((width(plain(r["label"]), variant.label) for r in rows), default=0.0)
        return 28.0 if len(rows) <= 12 and longest > variant.label_room else 22.0
    return 30.0 if len(rows) <= 16 else 25.0


def _pitch(variant: Variant, n: int) -> float:
    each, least, most = _TALL[variant.name]
    return min(max(each * n, least), most) / n


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one panel."""
    rows = ordered(chart["rows"])
    printed = variant.name == "print"
    low, high = domain(chart)
    dense = len(rows) > NAMED
    pitch = _pitch(variant, len(rows)) if dense else _row_height(variant, rows)
    bottom = _HEAD + max(pitch * len(rows), 1.0)
    middles = tuple(_HEAD + (i + 0.5) * pitch for i in range(len(rows)))
    named = _worth_naming(rows, int((bottom - _HEAD) / _PITCH)) if dense else range(len(rows))
    room = variant.label_room if variant.wide else 104
    lines = {i: _name(rows[i], room, variant, printed=printed, dense=dense) for i in named}
    widest = max(width(line, variant.label) for part in lines.values() for line in part)
    left = round(max(widest, 44.0) + (30 if dense else 18))
    right = _right_edge(rows, variant, dense=dense)
    frame = _Frame(variant, left, right, _HEAD, bottom, middles)
    x = Scale(low, high, frame.left, frame.right)
    canvas = Canvas(variant.width, bottom + _FOOT)
    _ground(canvas, chart, x, frame)
    places = _names(canvas, rows, lines, frame, dense=dense)
    _bars(canvas, rows, x, frame, tight=dense)
    _numbers(canvas, [(rows[i], places[i]) for i in named], frame, dense=dense)
    return canvas.spec()


def _name(row: Row, room: float, variant: Variant, *, printed: bool, dense: bool) -> list[str]:
    text = plain(row["label"], printed=printed)
    return wrap(text, room, variant.label, lines=1 if dense or variant.wide else 2)


def _worth_naming(rows: Sequence[Row], most: int) -> list[int]:
    """Those that differ most from the others, the lowest and the highest, as far as they fit."""
    ends = [0, len(rows) - 1]
    apart = [i for i, row in enumerate(rows) if row.get("differs") and i not in ends]
    apart.sort(key=lambda i: -abs(rows[i].get("others") or 0.0))
    return sorted([*ends, *apart[: max(most - 2, 0)]])


def _right_edge(rows: Sequence[Row], variant: Variant, *, dense: bool) -> float:
    spans = max(width(span(r["low"], r["high"]), variant.small) for r in rows)
    values = max(width(points(r["value"]), variant.value, 600) for r in rows)
    if not variant.wide:
        return round(variant.width - (values if dense else max(spans, values)) - 12)
    spans = max(spans, width("95% interval", 12, 500))
    return round(variant.width - spans - values - 44)


def _ground(canvas: Canvas, chart: Mapping[str, Any], x: Scale, f: _Frame) -> None:
    room = f.right - f.left
    marks = ticks(x.low, x.high, 6 if room > 300 else 4 if room > 170 else 3)
    canvas.rules([(x.at(t), f.top, x.at(t), f.bottom, GRID) for t in marks if t], width=1)
    canvas.rules([(x.at(0), f.top - 3, x.at(0), f.bottom, INK)], width=1.5)
    digits = 0 if all(abs(t * 100 - round(t * 100)) < 1e-9 for t in marks) else 1
    names = [(x.at(t), f.bottom + 14, points(t, digits) if t else "0") for t in marks]
    canvas.texts(thinned(names, f.variant.axis), size=f.variant.axis, align="center", color=INK2)
    if f.variant.wide:
        heads = [(f.variant.width - 2.0, f.top - 11, "95% interval")]
        spans = width("95% interval", 12, 500)
        heads.append((_values_end(f, spans), f.top - 11, "Points"))
        canvas.texts(heads, size=12, weight=500, align="right", color=INK3)
    together = chart.get("together")
    if together is None:
        return
    at = x.at(together)
    canvas.rules([(at, f.top - 5, at, f.bottom, INK3)], width=1.4, strokeDash=[4, 3])
    text = clip(f"All sites: {points(together)}", f.right - f.left + 40, 12, 600)
    half = width(text, 12, 600) / 2
    middle = min(max(at, half + 2), f.right + 20 - half)
    canvas.texts([(middle, 11, text)], size=12, weight=600, align="center", color=INK2)


def _values_end(f: _Frame, spans: float) -> float:
    return f.variant.width - 2 - spans - 20


def _names(
    canvas: Canvas, rows: Sequence[Row], lines: dict[int, list[str]], f: _Frame, *, dense: bool
) -> dict[int, float]:
    """Names at the left, moved apart where there are too many; where each of them stands."""
    order = sorted(lines)
    wanted = [f.middles[i] for i in order]
    placed = dodge(wanted, _PITCH, f.top + 4, f.bottom - 4) if dense else wanted
    texts = []
    pitch = f.variant.label + 2.0
    for i, at in zip(order, placed, strict=True):
        first = at - pitch * (len(lines[i]) - 1) / 2
        texts += [
            (f.left - (26 if dense else 12), first + k * pitch, line)
            for k, line in enumerate(lines[i])
        ]
    if dense:
        leaders = [
            (f.left - 22, at, f.left - 3, f.middles[i], _look(rows[i]).line)
            for i, at in zip(order, placed, strict=True)
        ]
        canvas.rules(leaders, width=1)
    canvas.texts(texts, size=f.variant.label, align="right")
    return dict(zip(order, placed, strict=True))


def _bars(canvas: Canvas, rows: Sequence[Row], x: Scale, f: _Frame, *, tight: bool) -> None:
    pitch = f.middles[1] - f.middles[0] if len(f.middles) > 1 else 20.0
    both = list(zip(rows, f.middles, strict=True))
    thin = [(r["thin_low"], y, r["thin_high"], y, _look(r).line) for r, y in both]
    thick = [(r["low"], y, r["high"], y, _look(r).line) for r, y in both]
    if tight:
        # Pale bars leave the dots and the sites that differ to be seen.
        pale = [
            (*bar[:4], bar[4] if r.get("differs") else PALE)
            for bar, r in zip(thick, rows, strict=True)
        ]
        thin = [
            (*bar[:4], bar[4] if r.get("differs") else PALE)
            for bar, r in zip(thin, rows, strict=True)
        ]
        canvas.rules(thin, width=max(0.5, 0.16 * pitch), sx=x)
        canvas.rules(pale, width=min(4.2, 0.45 * pitch), sx=x)
    else:
        canvas.rules(thin, width=1.5, sx=x)
        canvas.rules(thick, width=4.2, sx=x)
    size = max(12.0, min(70.0, 4 * pitch)) if tight else 70.0
    usual = [(r["value"], y, _look(r)) for r, y in both if not r.get("differs")]
    apart = [(r["value"], y, _look(r)) for r, y in both if r.get("differs")]
    canvas.points(usual, size=size, sx=x, halo=0.5 if tight else 1.5)
    canvas.points(apart, size=max(size, 46.0) if tight else 78.0, sx=x, halo=0.8)


def _numbers(canvas: Canvas, placed: list[tuple[Row, float]], f: _Frame, *, dense: bool) -> None:
    end = f.variant.width - 2.0
    small = f.variant.small
    spans = max(width(span(r["low"], r["high"]), small) for r, _ in placed)
    values, intervals = [], []
    for row, y in placed:
        if f.variant.wide:
            values.append((_values_end(f, max(spans, width("95% interval", 12, 500))), y, row))
            intervals.append((end, y, row))
        elif dense:
            values.append((end, y, row))
        else:
            values.append((end, y - 7.5, row))
            intervals.append((end, y + 7.5, row))
    canvas.texts(
        [(x, y, points(r["value"])) for x, y, r in values],
        size=f.variant.value, weight=600, align="right",
    )  # fmt: skip
    texts = [(x, y, span(r["low"], r["high"])) for x, y, r in intervals]
    canvas.texts(texts, size=small, align="right", color=INK2)
