"""C5, the threshold sweep: one line and ribbon for each group, named at its end."""

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
    REFERENCE_SERIES,
    SERIES,
    Look,
    Series,
    Variant,
)
from auditapp.reports.charts.layout import Scale, decimals, dodge, step, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain
from auditapp.reports.language import gettext as _
from auditapp.reports.language import gettext_noop
from auditapp.reports.numbers import decimal, percent

_MOST = 7
_SIZES = {"wide": (720, 430), "narrow": (330, 330), "print": (615, 300), "half": (296, 246)}
_TITLE = gettext_noop("Threshold: score needed for a favourable decision")
_PITCH = 15.0

Point = Mapping[str, Any]


@dataclass(frozen=True)
class _Line:
    """One series ready to draw."""

    label: str
    look: Series
    points: list[Point]

    def at(self, t: float) -> float | None:
        """Value at a threshold, straight between its neighbours."""
        before = [p for p in self.points if p["t"] <= t]
        after = [p for p in self.points if p["t"] >= t]
        if not before or not after:
            return None
        a, b = before[-1], after[0]
        if a["t"] == b["t"]:
            return float(a["value"])
        share = (t - a["t"]) / (b["t"] - a["t"])
        return float(a["value"] + share * (b["value"] - a["value"]))

    def cut(self, low: float, high: float) -> list[Point]:
        return [p for p in self.points if low - 1e-9 <= p["t"] <= high + 1e-9]


def _lines(chart: Mapping[str, Any], variant: Variant) -> list[_Line]:
    printed = variant.name == "print"
    looks = iter(SERIES)
    lines = []
    for series in chart["series"][:_MOST]:
        look = REFERENCE_SERIES if series.get("reference") else next(looks, SERIES[-1])
        points = [p for p in series["points"] if p.get("value") is not None]
        points.sort(key=lambda p: float(p["t"]))
        if points:
            lines.append(_Line(plain(series["label"], printed=printed), look, points))
    return lines


def _window(lines: Sequence[_Line], threshold: float) -> tuple[float, float, bool]:
    """Thresholds worth showing, and whether the names stand at the left.

    Every line starts at 100 % and ends at 0 %. The side where the names stand is cut where the
    lines have come apart, so that each name stands beside its line; the other side where they
    have all but met. The table has every threshold.
    """
    places = sorted({float(p["t"]) for line in lines for p in line.points})
    if len(places) < 3:
        return places[0], max(places[-1], places[0] + 1e-6), True
    spread = [_spread(lines, t) for t in places]
    if len(lines) == 1:
        spread = [0.5 - abs((lines[0].at(t) or 0.0) - 0.5) for t in places]
    apart = [t for t, s in zip(places, spread, strict=True) if s >= 0.4 * max(spread)]
    differ = [t for t, s in zip(places, spread, strict=True) if s >= 0.02] or apart
    left_side = apart[0] - places[0] <= places[-1] - apart[-1]
    low = apart[0] if left_side else differ[0]
    high = differ[-1] if left_side else apart[-1]
    room = 0.08 * (places[-1] - places[0])
    low = max((t for t in places if t <= min(low, threshold - room)), default=places[0])
    high = min((t for t in places if t >= max(high, threshold + room)), default=places[-1])
    return low, high, left_side


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one sweep."""
    lines = _lines(chart, variant)
    if not lines:
        raise AuditError("chart-empty", "No group has a value at any threshold.")
    threshold = float(chart["threshold"])
    total, height = _SIZES[variant.name]
    low, high, left_side = _window(lines, threshold)
    lines = [line for line in lines if line.cut(low, high)]
    room = {"narrow": 108.0, "half": 118.0}.get(variant.name, 150.0)
    names = [clip(line.label, room, 12, 600) for line in lines]
    column = max(width(n, 12, 600) for n in names) + 12
    axis = 46.0
    start, end = (column, total - axis) if left_side else (axis, total - column)
    hidden = len(chart["series"]) - len(lines)
    foot = 46 + (20 if hidden > 0 else 0)
    x = Scale(low, high, round(start), round(end))
    y = Scale(0, _top(lines, low, high), height - foot, 30)
    canvas = Canvas(total, height)
    _ground(canvas, chart, x, y, variant, axis_left=not left_side)
    for line in lines:
        band = [
            (p["t"], p["low"], p["high"])
            for p in line.cut(low, high)
            if p.get("low") is not None and p.get("high") is not None
        ]
        canvas.ribbon(band, color=line.look.line, sx=x, sy=y)
    canvas.rules([(x.at(threshold), 12, x.at(threshold), y.start, INK)], width=1.5)
    for line in lines:
        path = [(p["t"], p["value"]) for p in line.cut(low, high)]
        canvas.line(path, color=line.look.line, width=2.3, dash=line.look.dash, sx=x, sy=y)
    _ends(canvas, lines, names, x, y, left_side=left_side)
    _now(canvas, chart, lines, x, y)
    if hidden > 0:
        text = _("{hidden} more {maybe} in the table.").format(
            hidden=hidden, maybe=_("group is") if hidden == 1 else _("groups are")
        )
        canvas.texts([(x.start, height - 8, text)], size=12, color=INK3)
    return canvas.spec()


def _spread(lines: Sequence[_Line], t: float) -> float:
    values = [v for v in (line.at(t) for line in lines) if v is not None]
    return max(values) - min(values) if values else 0.0


def _top(lines: Sequence[_Line], low: float, high: float) -> float:
    ends = [p.get("high") or p["value"] for line in lines for p in line.cut(low, high)]
    top = max([*ends, 0.02])
    size = step(top, 5)
    return min(1.0, float(round(size * -(-top // size), 10)))


def _ground(
    canvas: Canvas,
    chart: Mapping[str, Any],
    x: Scale,
    y: Scale,
    variant: Variant,
    *,
    axis_left: bool,
) -> None:
    levels = ticks(0, y.high, 5)
    rules = [(x.start, y.at(t), x.end, y.at(t), GRID if t else LINE2) for t in levels]
    canvas.rules(rules, width=1)
    digits = 0 if all(abs(t * 100 - round(t * 100)) < 1e-9 for t in levels) else 1
    at, align = (x.start - 8, "right") if axis_left else (x.end + 8, "left")
    names = [(at, y.at(t), percent(t, digits)) for t in levels]
    canvas.texts(names, size=variant.axis, align=align, color=INK2)
    marks = ticks(x.low, x.high, 8 if x.end - x.start > 320 else 5)
    places = decimals(marks)
    below = [(x.at(t), y.start + 15, decimal(t, places)) for t in marks]
    canvas.texts(below, size=variant.axis, align="center", color=INK2)
    title = plain(chart.get("x_title", _TITLE))
    room = canvas.width - 8
    title = clip(title if variant.wide else title.split(":")[0], room, 12, 500)
    middle = (x.start + x.end) / 2
    half = width(title, 12, 500) / 2
    middle = min(max(middle, half + 2), canvas.width - half - 2)
    canvas.texts([(middle, y.start + 35, title)], size=12, weight=500, align="center", color=INK2)


def _ends(
    canvas: Canvas,
    lines: Sequence[_Line],
    names: Sequence[str],
    x: Scale,
    y: Scale,
    *,
    left_side: bool,
) -> None:
    """Names beside the ends of the lines, moved apart and joined by a leader if moved."""
    shown = [line.cut(x.low, x.high) for line in lines]
    ends = [part[0] if left_side else part[-1] for part in shown]
    wanted = [y.at(p["value"]) for p in ends]
    placed = dodge(wanted, _PITCH, 22, y.start + 4)
    edge, away = (x.start, -1) if left_side else (x.end, 1)
    leaders = [
        (edge + 1 * away, want, edge + 8 * away, at, line.look.line)
        for want, at, line in zip(wanted, placed, lines, strict=True)
    ]
    canvas.rules([r for r in leaders if abs(r[1] - r[3]) > 2], width=1)
    rows = [
        (edge + 10 * away, at, name, line.look.text)
        for at, name, line in zip(placed, names, lines, strict=True)
    ]
    canvas.texts(rows, size=12, weight=600, align="right" if left_side else "left")


def _now(
    canvas: Canvas, chart: Mapping[str, Any], lines: Sequence[_Line], x: Scale, y: Scale
) -> None:
    threshold = float(chart["threshold"])
    now = plain(chart.get("now") or decimal(threshold, 2))
    at = x.at(threshold)
    known = [(line, v) for line in lines if (v := line.at(threshold)) is not None]
    wanted = [y.at(v) for _, v in known]
    looks = [Look("circle", line.look.line, line.look.line) for line, _ in known]
    marks = list(zip([at] * len(known), wanted, looks, strict=True))
    canvas.points(marks, size=52, halo=1.3)
    right = at + 46 < canvas.width and at + 90 < x.end + 46
    side, align = (at + 9, "left") if right else (at - 9, "right")
    placed = dodge([w - 9 for w in wanted], _PITCH, 30, y.start - 6)
    rows = [
        (side, top, percent(v), line.look.text)
        for top, (line, v) in zip(placed, known, strict=True)
    ]
    canvas.texts(rows, size=12, weight=600, align=align, halo=True)
    label = [(at + 8 if right else at - 8, 13, _("Now: {now}").format(now=now))]
    canvas.texts(label, size=12, weight=600, align=align)
