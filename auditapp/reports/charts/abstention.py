"""C12, abstention: accuracy of those still decided, by the share sent to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.errors import AuditError
from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    GRID,
    HATCH_AREA,
    INK,
    INK2,
    INK3,
    REFERENCE_SERIES,
    SERIES,
    SURFACE,
    Look,
    Series,
    Variant,
)
from auditapp.reports.charts.layout import Scale, decimals, dodge, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain, thinned, wrap
from auditapp.reports.numbers import percent

MOST = 7
_SIZES = {"wide": (920, 380), "narrow": (330, 350), "print": (615, 270), "half": (296, 250)}
_TOP = 24.0
_FOOT = {"wide": 46.0, "narrow": 62.0, "print": 44.0, "half": 44.0}
_LEFT = 52.0
_PITCH = 15.0

Point = Mapping[str, Any]


@dataclass(frozen=True)
class _Line:
    """One group ready to draw: its accuracy now, and at each share."""

    label: str
    look: Series
    now: float | None
    points: list[Point]


def _lines(chart: Mapping[str, Any], variant: Variant) -> list[_Line]:
    printed = variant.name in ("print", "half")
    others = iter(SERIES)
    out = []
    for series in chart["series"][:MOST]:
        known = [p for p in series["points"] if p.get("value") is not None]
        if not known:
            continue
        look = REFERENCE_SERIES if series.get("reference") else next(others, None)
        if look is None:
            break
        label = plain(series["label"], printed=printed)
        known = sorted(known, key=lambda p: float(p["x"]))
        out.append(_Line(label, look, series.get("now"), known))
    if not out:
        raise AuditError("chart-empty", "No group has an accuracy at any share.")
    return out


def _scales(chart: Mapping[str, Any], lines: Sequence[_Line], right: float, variant: Variant
            ) -> tuple[Scale, Scale]:  # fmt: skip
    ends = [
        p[k] for s in lines for p in s.points for k in ("value", "low", "high")
        if p.get(k) is not None
    ]  # fmt: skip
    ends += [s.now for s in lines if s.now is not None]
    low, high = min(ends), max(ends)
    room = max(0.07 * (high - low), 0.004)
    most = max([p["x"] for s in lines for p in s.points] + [chart.get("infeasible") or 0.0, 0.01])
    height = _SIZES[variant.name][1]
    y = Scale(max(low - room, 0), min(high + room, 1), height - _FOOT[variant.name], _TOP)
    return Scale(0.0, most * 1.04, _LEFT, right), y


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one picture of abstention."""
    lines = _lines(chart, variant)
    total, height = _SIZES[variant.name]
    names = [clip(s.label, 190 if variant.wide else 104, 12, 600) for s in lines]
    column = max(width(name, 12, 600) for name in names) + 30
    x, y = _scales(chart, lines, round(total - column), variant)
    canvas = Canvas(total, height)
    _zone(canvas, chart, x, y, variant)
    _ground(canvas, chart, x, y, variant)
    for line in lines:
        if line.now is not None:
            canvas.line([(0.0, line.now), (x.high, line.now)], color=line.look.line, width=1.2,
                        dash=(2, 4), sx=x, sy=y)  # fmt: skip
    for line in lines:
        path = [] if line.now is None else [(0.0, line.now)]
        path += [(p["x"], p["value"]) for p in line.points]
        canvas.line(path, color=line.look.line, width=2.3, dash=line.look.dash, sx=x, sy=y)
        bars = [(p["x"], p["low"], p["x"], p["high"], line.look.line)
                for p in line.points if p.get("low") is not None]  # fmt: skip
        canvas.rules(bars, width=1.4, sx=x, sy=y, opacity=0.65)
    _marks(canvas, lines, x, y)
    _chosen(canvas, chart, x, y, variant)
    _ends(canvas, lines, names, x, y)
    return canvas.spec()


def _zone(canvas: Canvas, chart: Mapping[str, Any], x: Scale, y: Scale, variant: Variant) -> None:
    """Shares at which the wishes could not all be met."""
    edge = chart.get("infeasible")
    if not edge:
        return
    canvas.rects([(x.start, y.end, x.at(edge), y.start, HATCH_AREA)])
    canvas.rules([(x.at(edge), y.end, x.at(edge), y.start, INK2)], width=1.2, strokeDash=[4, 3])
    if not variant.wide:
        return
    text = wrap(plain(chart.get("infeasible_label") or "Not every limit can be met"),
                x.end - x.at(edge) - 14, 12, weight=500, lines=1)[0]  # fmt: skip
    canvas.texts([(x.at(edge) + 7, y.start - 11, f"← {text}")], size=12, weight=500,
                 color=INK2, halo=True)  # fmt: skip


def _ground(
    canvas: Canvas, chart: Mapping[str, Any], x: Scale, y: Scale, variant: Variant
) -> None:
    levels = ticks(y.low, y.high, 5)
    canvas.rules([(x.start, y.at(t), x.end, y.at(t), GRID) for t in levels], width=1)
    digits = decimals([round(100 * t, 6) for t in levels])
    names = [(x.start - 8, y.at(t), percent(t, digits)) for t in levels]
    canvas.texts(names, size=variant.axis, align="right", color=INK2)
    marks = ticks(0, x.high, 6 if variant.wide else 3)
    digits = decimals([round(100 * t, 6) for t in marks])
    below = [(x.at(t), y.start + 15, percent(t, digits)) for t in marks]
    canvas.rules([(x.start, y.start, x.end, y.start, INK)], width=1.3)
    canvas.texts(thinned(below, variant.axis), size=variant.axis, align="center", color=INK2)
    canvas.texts([(0, 9, plain(chart.get("y_title") or "Accuracy of those decided"))],
                 size=variant.axis, weight=500, color=INK2)  # fmt: skip
    start = x.start if variant.wide else 0.0
    title = plain(chart.get("x_title") or "Share sent to a person")
    lines = wrap(title, variant.width - start - 4, variant.axis, weight=500)
    rows = [(start, y.start + 35 + 15 * k, text) for k, text in enumerate(lines)]
    canvas.texts(rows, size=variant.axis, weight=500, color=INK2)


def _marks(canvas: Canvas, lines: Sequence[_Line], x: Scale, y: Scale) -> None:
    """Filled where no harm is shown for the group, hollow where it is not."""
    for hollow in (True, False):
        rows = []
        for line in lines:
            colour = line.look.line
            look = Look("circle", SURFACE, colour, edge=colour) if hollow else None
            look = look or Look("circle", colour, colour)
            rows += [
                (p["x"], p["value"], look) for p in line.points if bool(p.get("hollow")) is hollow
            ]
        canvas.points(rows, size=44, sx=x, sy=y, halo=1.2)


def _chosen(
    canvas: Canvas, chart: Mapping[str, Any], x: Scale, y: Scale, variant: Variant
) -> None:
    at = chart.get("recommended")
    if at is None or not 0 < at <= x.high:
        return
    canvas.rules([(x.at(at), y.end - 2, x.at(at), y.start, INK)], width=1.4, strokeDash=[1.5, 3])
    text = plain(chart.get("recommended_label") or "Nearest to your limit")
    if not variant.wide:
        text = wrap(text, x.at(at) - x.start - 8, 12, weight=600, lines=1)[0]
        canvas.texts([(x.at(at) - 5, y.start - 10, text)], size=12, weight=600, align="right",
                     color=INK, halo=True)  # fmt: skip
        return
    half = width(text, 12, 600) / 2
    middle = min(max(x.at(at), x.start + half + 90), x.end - half + 20)
    canvas.texts([(middle, y.end - 10, text)], size=12, weight=600, align="center", color=INK)


def _ends(
    canvas: Canvas, lines: Sequence[_Line], names: Sequence[str], x: Scale, y: Scale
) -> None:
    wanted = [y.at(line.points[-1]["value"]) for line in lines]
    placed = dodge(wanted, _PITCH, 26, y.start - 2)
    leaders = [
        (x.at(line.points[-1]["x"]) + 6, want, x.end + 14, at, INK3)
        for want, at, line in zip(wanted, placed, lines, strict=True)
    ]
    canvas.rules(leaders, width=1)
    texts = [
        (x.end + 18, at, name, line.look.text)
        for at, name, line in zip(placed, names, lines, strict=True)
    ]
    canvas.texts(texts, size=12, weight=600)
