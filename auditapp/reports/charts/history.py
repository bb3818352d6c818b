"""C11, the history: each gap at every audit, with its ribbon and the changes that were shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.errors import AuditError
from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    GRID,
    INK,
    INK2,
    INK3,
    LINE2,
    SERIES,
    SUNKEN,
    VERDICTS,
    Look,
    Series,
    Variant,
)
from auditapp.reports.charts.layout import Scale, dodge, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain, thinned
from auditapp.reports.numbers import points

MOST = 5
_SIZES = {"wide": (720, 380), "narrow": (330, 340), "print": (615, 270)}
_PITCH = 15.0

Point = Mapping[str, Any]


@dataclass(frozen=True)
class _Line:
    """One gap ready to draw: its points and the audits they belong to."""

    label: str
    look: Series
    points: list[tuple[int, Point]]


def _lines(chart: Mapping[str, Any], variant: Variant) -> list[_Line]:
    printed = variant.name == "print"
    out = []
    for series, look in zip(chart["series"][:MOST], SERIES, strict=False):
        known = [
            (at, point)
            for at, point in enumerate(series["points"])
            if point is not None and point.get("value") is not None
        ]
        if known:
            out.append(_Line(plain(series["label"], printed=printed), look, known))
    if not out:
        raise AuditError("chart-empty", "No gap has a value at any audit.")
    return out


def _domain(lines: Sequence[_Line], tolerance: float) -> tuple[float, float]:
    ends = [0.0, -tolerance, tolerance]
    for line in lines:
        for _, point in line.points:
            ends += [point[k] for k in ("value", "low", "high") if point.get(k) is not None]
    low, high = min(ends), max(ends)
    if high - low < 0.004:
        low, high = low - 0.002, high + 0.002
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one history."""
    lines = _lines(chart, variant)
    tolerance = float(chart.get("tolerance") or 0.0)
    total, height = _SIZES[variant.name]
    hidden = len(chart["series"]) - len(lines)
    foot = 30 + (20 if hidden > 0 else 0)
    low, high = _domain(lines, tolerance)
    names = [clip(line.label, 150 if variant.wide else 88, 12, 600) for line in lines]
    column = max(width(name, 12, 600) for name in names) + 34
    runs = chart["runs"]
    first = 58.0
    x = Scale(0, max(len(runs) - 1, 1), first, round(total - column))
    y = Scale(low, high, height - foot, 14)
    canvas = Canvas(total, height)
    _ground(canvas, runs, x, y, tolerance, variant)
    for line in lines:
        band = [(at, p["low"], p["high"]) for at, p in line.points if p.get("low") is not None]
        canvas.ribbon(band, color=line.look.line, sx=x, sy=y)
    for line in lines:
        path = [(at, p["value"]) for at, p in line.points]
        canvas.line(path, color=line.look.line, width=2.3, dash=line.look.dash, sx=x, sy=y)
    _marks(canvas, lines, x, y)
    _ends(canvas, lines, names, x, y)
    if hidden > 0:
        text = f"{hidden} more {'gap is' if hidden == 1 else 'gaps are'} in the table."
        canvas.texts([(first, height - 8, text)], size=12, color=INK3)
    return canvas.spec()


def _ground(
    canvas: Canvas,
    runs: Sequence[Mapping[str, Any]],
    x: Scale,
    y: Scale,
    tolerance: float,
    variant: Variant,
) -> None:
    start, end = x.start - 10, x.end + 6
    if tolerance > 0:
        edges = [y.at(tolerance), y.at(-tolerance)]
        canvas.rects([(start, edges[0], end, edges[1], SUNKEN)])
        canvas.rules([(start, e, end, e, LINE2) for e in edges], width=1, strokeDash=[2, 3])
    levels = ticks(y.low, y.high, 6)
    canvas.rules([(start, y.at(t), end, y.at(t), GRID) for t in levels if t], width=1)
    canvas.rules([(start, y.at(0), end, y.at(0), INK)], width=1.3)
    digits = 0 if all(abs(t * 100 - round(t * 100)) < 1e-9 for t in levels) else 1
    names = [(start - 6, y.at(t), points(t, digits) if t else "0") for t in levels]
    canvas.texts(names, size=variant.axis, align="right", color=INK2)
    room = (x.end - x.start) / max(len(runs) - 1, 1) - 6
    room = max(room, 66.0)
    below = []
    for at, run in enumerate(runs):
        text = clip(plain(run["label"], printed=variant.name == "print"), room, variant.axis)
        half = width(text, variant.axis) / 2
        below.append((max(x.at(at), half + 2), y.start + 15, text))
    kept = _from_the_end(below, variant.axis)
    canvas.texts(kept, size=variant.axis, align="center", color=INK2)


def _from_the_end(
    labels: list[tuple[float, float, str]], size: float
) -> list[tuple[float, float, str]]:
    """Every k-th label counted from the present audit, so that none touch."""
    for every in range(1, len(labels) + 1):
        kept = labels[::-1][::every][::-1]
        if thinned(kept, size) == kept:
            return kept
    return labels[-1:]


def _marks(canvas: Canvas, lines: Sequence[_Line], x: Scale, y: Scale) -> None:
    usual, changed = [], []
    for line in lines:
        for at, point in line.points:
            if point.get("changed"):
                changed.append((float(at), point["value"], VERDICTS["difference"]))
            else:
                look = Look("circle", line.look.line, line.look.line)
                usual.append((float(at), point["value"], look))
    canvas.points(usual, size=48, sx=x, sy=y, halo=1.3)
    canvas.points(changed, size=104, sx=x, sy=y, halo=1.3)


def _ends(
    canvas: Canvas, lines: Sequence[_Line], names: Sequence[str], x: Scale, y: Scale
) -> None:
    """Names at the right, beside the last point of each line."""
    wanted = [y.at(line.points[-1][1]["value"]) for line in lines]
    placed = dodge(wanted, _PITCH, 22, y.start - 4)
    leaders = [
        (x.at(line.points[-1][0]) + 7, want, x.end + 20, at, line.look.line)
        for want, at, line in zip(wanted, placed, lines, strict=True)
    ]
    canvas.rules(leaders, width=1)
    texts = [
        (x.end + 24, at, name, line.look.text)
        for at, name, line in zip(placed, names, lines, strict=True)
    ]
    canvas.texts(texts, size=12, weight=600)
