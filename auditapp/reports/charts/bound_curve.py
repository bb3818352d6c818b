"""The best that is possible: accuracy a rule can reach, by the disparity it may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    GRID,
    HATCH_AREA,
    INK,
    INK2,
    REFERENCE,
    SERIES,
    SURFACE,
    Look,
    Variant,
)
from auditapp.reports.charts.layout import Scale, decimals, dodge, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain, thinned, wrap
from auditapp.reports.numbers import decimal, percent

_SIZES = {"wide": (920, 340), "narrow": (330, 330), "print": (615, 225)}
_TOP = 24.0
_FOOT = {"wide": 48.0, "narrow": 64.0, "print": 48.0}
_LEFT = 54.0
_LINE = 14.5

Point = tuple[float, float]


def _points(series: Mapping[str, Any]) -> list[Point]:
    return [(p["x"], p["value"]) for p in series["points"] if p.get("value") is not None]


def _levels(values: Sequence[float]) -> tuple[float, float]:
    """A range of accuracy that holds all values with some room, at most 1 at the top."""
    low, high = min(values), max(values)
    room = max(0.12 * (high - low), 0.005)
    return max(low - room, 0.0), min(high + room, 1.0)


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one picture of bounds."""
    total, height = _SIZES[variant.name]
    curves = [(s, _points(s)) for s in chart["series"] if _points(s)]
    column = (190.0 if variant.name == "wide" else 132.0) if variant.wide else 12.0
    key = 0.0 if variant.wide else 18.0 * len(curves) + 6
    now = chart["now"]
    every = [value for _, points in curves for _, value in points] + [now["value"]]
    low, high = _levels(every)
    ends = [x for _, points in curves for x, _ in points] + [now["x"]]
    x = Scale(0, max(max(ends), 1e-6), _LEFT, total - column)
    y = Scale(low, high, height - _FOOT[variant.name], _TOP)
    canvas = Canvas(total, height + key)
    _beyond(canvas, curves, x, y)
    _ground(canvas, chart, x, y, variant)
    for (_, points), look in zip(curves, SERIES, strict=False):
        canvas.line(points, color=look.line, width=2.4, dash=look.dash, sx=x, sy=y)
    _limit(canvas, chart, x, y, variant)
    _beyond_words(canvas, chart, _highest(curves), x, y)
    _now(canvas, now, x, y)
    if variant.wide:
        _ends(canvas, curves, x, y, column, variant)
    else:
        _key(canvas, curves, height, variant)
    return canvas.spec()


def _highest(curves: Sequence[tuple[Mapping[str, Any], list[Point]]]) -> list[Point]:
    return max((points for _, points in curves), key=lambda points: points[0][1])


def _beyond(
    canvas: Canvas, curves: Sequence[tuple[Mapping[str, Any], list[Point]]], x: Scale, y: Scale
) -> None:
    """Hatch what no rule reaches: above the highest curve."""
    points = _highest(curves)
    if min(value for _, value in points) >= y.high - 1e-9:
        return
    rows = [(at, value, y.high) for at, value in points]
    rows += [(x.high, points[-1][1], y.high)] if points[-1][0] < x.high else []
    canvas.ribbon(rows, color=HATCH_AREA, sx=x, sy=y, opacity=1.0)


def _beyond_words(
    canvas: Canvas, chart: Mapping[str, Any], points: Sequence[Point], x: Scale, y: Scale
) -> None:
    """Say what the hatching means, on the side where the audited decisions are not."""
    text = plain(chart.get("beyond") or "Out of reach")
    room = width(text, 12, 500) + 12
    left = chart["now"]["x"] > (x.low + x.high) / 2
    deep = y.at(points[0][1] if left else points[-1][1]) - y.end
    if deep < 26 or room > x.end - x.start - 20:
        return
    start = x.start + 8 if left else x.end - 8 - room
    canvas.rects([(start, y.end + 5, start + room, y.end + 23, SURFACE)])
    canvas.texts([(start + 6, y.end + 14, text)], size=12, weight=500, color=INK2)


def _ground(
    canvas: Canvas, chart: Mapping[str, Any], x: Scale, y: Scale, variant: Variant
) -> None:
    levels = ticks(y.low, y.high, 5)
    canvas.rules([(x.start, y.at(t), x.end, y.at(t), GRID) for t in levels], width=1)
    digits = 0 if all(abs(t * 100 - round(t * 100)) < 1e-9 for t in levels) else 1
    names = [(x.start - 8, y.at(t), percent(t, digits)) for t in levels]
    canvas.texts(names, size=variant.axis, align="right", color=INK2)
    scale = float(chart.get("times", 100))
    marks = ticks(0, x.high * scale, 6 if x.end - x.start > 320 else 4)
    digits = decimals(marks)
    below = [(x.at(t / scale), y.start + 15, decimal(t, digits)) for t in marks]
    canvas.rules([(x.start, y.start, x.end, y.start, INK)], width=1.3)
    canvas.texts(thinned(below, variant.axis), size=variant.axis, align="center", color=INK2)
    canvas.texts([(0, 9, "Accuracy")], size=variant.axis, weight=500, color=INK2)
    start = x.start if variant.wide else 0.0
    title = wrap(plain(chart["x_title"]), variant.width - start - 4, variant.axis, weight=500)
    rows = [(start, y.start + 36 + 15 * k, text) for k, text in enumerate(title)]
    canvas.texts(rows, size=variant.axis, weight=500, color=INK2)


def _limit(canvas: Canvas, chart: Mapping[str, Any], x: Scale, y: Scale, variant: Variant) -> None:
    limit = chart.get("limit")
    if limit is None or not 0 < limit < x.high:
        return
    at = x.at(limit)
    canvas.rules([(at, y.end, at, y.start, INK)], width=1.4, strokeDash=[1.5, 3])
    text = plain(chart.get("limit_label") or "Your limit")
    inside = at + width(text, variant.axis) + 8 < x.end
    row = (at + 6 if inside else at - 6, y.start - 9, text)
    canvas.texts([row], size=variant.axis, align="left" if inside else "right", halo=True)


def _now(canvas: Canvas, now: Mapping[str, Any], x: Scale, y: Scale) -> None:
    ring = Look("circle", SURFACE, REFERENCE, edge=REFERENCE, size=3.0)
    dot = Look("circle", REFERENCE, REFERENCE)
    place = (now["x"], now["value"])
    if now.get("low") is not None and now.get("high") is not None:
        ends = [min(max(now[k], y.low), y.high) for k in ("low", "high")]
        canvas.rules([(now["x"], ends[0], now["x"], ends[1], INK)], width=1.8, sx=x, sy=y)
    canvas.points([(*place, ring)], size=70, sx=x, sy=y)
    canvas.points([(*place, dot)], size=62, sx=x, sy=y, halo=0.5)
    text = plain(now.get("label") or "Now")
    at, up = x.at(now["x"]), y.at(now["value"])
    left = at + 16 + width(text, 12.5, 600) > x.end
    below = up + 20 if up + 28 < y.start else up - 20
    canvas.texts(
        [(at - 12 if left else at + 12, below, text)],
        size=12.5, weight=600, align="right" if left else "left", halo=True,
    )  # fmt: skip


def _ends(
    canvas: Canvas,
    curves: Sequence[tuple[Mapping[str, Any], list[Point]]],
    x: Scale,
    y: Scale,
    column: float,
    variant: Variant,
) -> None:
    """Names of the curves at their right ends, moved apart."""
    printed = variant.name == "print"
    names = [
        wrap(plain(s["label"], printed=printed), column - 18, 12, weight=600, lines=3)
        for s, _ in curves
    ]
    tall = max(len(lines) for lines in names) * _LINE + 8
    wanted = [y.at(points[-1][1]) for _, points in curves]
    placed = dodge(wanted, tall, y.end + tall / 2 - 8, y.start - tall / 2 + 8)
    rows = []
    for lines, at, look in zip(names, placed, SERIES, strict=False):
        first = at - _LINE * (len(lines) - 1) / 2
        rows += [(x.end + 14, first + k * _LINE, text, look.text) for k, text in enumerate(lines)]
    canvas.texts(rows, size=12, weight=600)


def _key(
    canvas: Canvas,
    curves: Sequence[tuple[Mapping[str, Any], list[Point]]],
    top: float,
    variant: Variant,
) -> None:
    """Names of the curves under the plot, each after a piece of its line."""
    rows = []
    flat = Scale(0, 1, 0, 1)
    for i, ((series, _), look) in enumerate(zip(curves, SERIES, strict=False)):
        at = top + 18.0 * i + 8
        canvas.line([(2, at), (34, at)], color=look.line, width=2.4, dash=look.dash,
                    sx=flat, sy=flat)  # fmt: skip
        rows.append((42, at, clip(plain(series["label"]), variant.width - 46, 12, 600), look.text))
    canvas.texts(rows, size=12, weight=600)
