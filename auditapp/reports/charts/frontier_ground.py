"""The ground of the trade-off picture: scales, what is out of reach, the auditor's limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from auditapp.reports.charts.canvas import Canvas
from auditapp.reports.charts.config import GRID, HATCH_AREA, INK, INK2, SURFACE, Variant
from auditapp.reports.charts.layout import Scale, decimals, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.placing import NAME, Box, Obstacle
from auditapp.reports.charts.text import plain, thinned, wrap
from auditapp.reports.numbers import decimal, percent

SIZES = {"wide": (920, 430), "narrow": (330, 380), "print": (615, 285)}
_TOP = 24.0
_FOOT = {"wide": 48.0, "narrow": 64.0, "print": 46.0}
_LEFT = 54.0
#: How far below the axis the first line of its title is, and each line from the one before.
_TITLE_AT, _LINE = 36.0, 15.0
_STRIP = 20.0
#: How far beyond the settings a bound may lie, in their own span, to be drawn to scale.
_NEAR = 0.8

Point = Mapping[str, Any]
Pair = tuple[float, float]


@dataclass(frozen=True)
class Plot:
    """Scales of one picture, and whether its bound is too far up to be drawn to scale."""

    variant: Variant
    x: Scale
    y: Scale
    far: bool

    def holds(self, point: Point) -> bool:
        """Whether a setting has a place in the picture."""
        return bool(self.y.low <= point["value"] <= self.y.high and point["x"] <= self.x.high)


def values(chart: Mapping[str, Any]) -> list[Point]:
    return [p for s in chart["series"] for p in s["points"]] + [chart["now"]]


def _ends(point: Point, low: str, value: str, high: str) -> list[float]:
    return [point[k] for k in (low, value, high) if point.get(k) is not None]


def plot_of(chart: Mapping[str, Any], variant: Variant) -> Plot:
    total, height = SIZES[variant.name]
    # Settings that decide fewer people may be far more accurate: they do not set the scale.
    leading = [p for p in values(chart) if not p.get("hollow")]
    # Of those that others beat the marks are held, their bars may be cut at the edge.
    drawn = [p if p.get("front", True) else {k: p[k] for k in ("x", "value")} for p in leading]
    across = [v for p in drawn for v in _ends(p, "x_low", "x", "x_high")]
    up = [v for p in drawn for v in _ends(p, "low", "value", "high")]
    right = max(max(across) * 1.03, float(chart.get("limit") or 0.0) * 1.2, 0.01)
    low, high = min(up), max(up)
    room = max(0.07 * (high - low), 0.002)
    bound = [v for x, v in chart.get("bound") or [] if x <= right]
    far = bool(bound) and min(bound) > high + _NEAR * (high - low + 0.01)
    if bound and not far:
        high = max(high, min(max(bound), high + _NEAR * (high - low + 0.01)))
    foot = max(_FOOT[variant.name], _TITLE_AT + _LINE * len(_title(chart, variant)) - 2)
    y = Scale(max(low - room, 0.0), min(high + room, 1.0), height - foot, _TOP)
    if far:
        y = Scale(y.low, y.high, y.start, _TOP + _STRIP + 4)
    return Plot(variant, Scale(0.0, right, _LEFT, total - 12.0), y, far)


def clipped(pairs: Sequence[Sequence[float]], plot: Plot) -> list[Pair]:
    """The part of a curve inside the picture, cut where it leaves at the right."""
    out: list[Pair] = []
    for x, y in pairs:
        if x > plot.x.high:
            if out:
                share = (plot.x.high - out[-1][0]) / (x - out[-1][0])
                out.append((plot.x.high, out[-1][1] + share * (y - out[-1][1])))
            break
        out.append((float(x), float(y)))
    else:
        if out and out[-1][0] < plot.x.high:
            out.append((plot.x.high, out[-1][1]))
    return [(x, min(max(y, plot.y.low), plot.y.high)) for x, y in out]


def beyond(
    canvas: Canvas, chart: Mapping[str, Any], bound: Sequence[Pair], plot: Plot
) -> list[Obstacle]:
    """Hatch what no rule reaches; a bound far above becomes a strip at the top."""
    if not bound:
        return []
    x, y = plot.x, plot.y
    room = x.end - x.start - 24
    said = (chart.get("beyond_far") if plot.far else None, chart.get("beyond"), "Out of reach")
    text = next(
        t for t in map(plain, filter(None, said)) if width(t, 12, 500) <= room or t == said[2]
    )
    if plot.far:
        canvas.rects([(x.start, _TOP, x.end, _TOP + _STRIP, HATCH_AREA)])
        middle, left = _TOP + _STRIP / 2, x.start + 10
    else:
        canvas.ribbon(
            [(a, b, y.high) for a, b in bound], color=HATCH_AREA, sx=x, sy=y, opacity=1.0
        )
        middle, left = y.end + 15, x.start + 10
        if y.at(max(b for a, b in bound if x.at(a) <= left + room)) - y.end < 30:
            return []
    long = width(text, 12, 500)
    canvas.rects([(left - 6, middle - 8.5, left + long + 6, middle + 8.5, SURFACE)])
    canvas.texts([(left, middle, text)], size=12, weight=500, color=INK2)
    words = Obstacle(Box(left - 6, middle - 9, left + long + 6, middle + 9), NAME)
    return [words, *_hatched(bound, plot)]


def _hatched(bound: Sequence[Pair], plot: Plot) -> list[Obstacle]:
    """Names may stand on the hatching where there is no other place."""
    if plot.far:
        return []
    return [
        Obstacle(
            Box(plot.x.at(a[0]), plot.y.end, plot.x.at(b[0]), plot.y.at(max(a[1], b[1]))), 0.7
        )
        for a, b in pairwise(bound)
    ]


def ground(canvas: Canvas, chart: Mapping[str, Any], plot: Plot) -> None:
    x, y, variant = plot.x, plot.y, plot.variant
    levels = ticks(y.low, y.high, 6 if variant.wide else 5)
    canvas.rules([(x.start, y.at(t), x.end, y.at(t), GRID) for t in levels], width=1)
    digits = decimals([round(100 * t, 6) for t in levels])
    names = [(x.start - 8, y.at(t), percent(t, digits)) for t in levels]
    canvas.texts(names, size=variant.axis, align="right", color=INK2)
    marks = ticks(0, x.high * 100, 7 if variant.wide else 4)
    digits = decimals(marks)
    canvas.rules([(x.at(t / 100), y.end, x.at(t / 100), y.start, GRID) for t in marks], width=1)
    canvas.rules([(x.start, y.start, x.end, y.start, INK)], width=1.3)
    below = [(x.at(t / 100), y.start + 15, decimal(t, digits)) for t in marks]
    canvas.texts(thinned(below, variant.axis), size=variant.axis, align="center", color=INK2)
    canvas.texts([(0, 9, plain(chart.get("y_title") or "Accuracy"))],
                 size=variant.axis, weight=500, color=INK2)  # fmt: skip
    start = x.start if variant.wide else 0.0
    lines = enumerate(_title(chart, variant))
    rows = [(start, y.start + _TITLE_AT + _LINE * k, text) for k, text in lines]
    canvas.texts(rows, size=variant.axis, weight=500, color=INK2)


def _title(chart: Mapping[str, Any], variant: Variant) -> list[str]:
    room = variant.width - (_LEFT if variant.wide else 0.0) - 4
    title = f"{plain(chart['x_title'])} (← lower is better)"
    return wrap(title, room, variant.axis, weight=500)


def limit_rule(canvas: Canvas, chart: Mapping[str, Any], plot: Plot) -> list[Obstacle]:
    limit = chart.get("limit")
    if limit is None or not 0 < limit < plot.x.high:
        return []
    at, y = plot.x.at(limit), plot.y
    canvas.rules([(at, plot.y.end, at, y.start, INK)], width=1.5, strokeDash=[1.5, 3])
    text = plain(chart.get("limit_label") or "Your limit")
    long = width(text, plot.variant.axis)
    inside = at + long + 8 < plot.x.end
    left = at + 6 if inside else at - 6 - long
    canvas.texts([(left, y.start - 10, text)], size=plot.variant.axis, halo=True)
    rule = Obstacle(Box(at - 2, plot.y.end, at + 2, y.start), 1.2)
    return [rule, Obstacle(Box(left, y.start - 18, left + long, y.start - 2), NAME)]
