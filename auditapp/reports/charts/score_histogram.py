"""Score distributions: one row of bars for each group, filled where the decision is positive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    GRID,
    GROUP,
    INK,
    INK2,
    INK3,
    REFERENCE,
    Variant,
)
from auditapp.reports.charts.layout import Scale, decimals, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import plain, wrap
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import decimal, plural

Bar = tuple[float, float, float, float, str]

_MOST = 12
_WIDTHS = {"wide": 720, "narrow": 330, "print": 615, "half": 296}
_ROW = 58.0
_ROW_HALF = 45.0
_BAR = 46.0
_BAR_HALF = 34.0
_TOP = 24.0
_FOOT = 44.0


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one stack of distributions."""
    shown: Sequence[Mapping[str, Any]] = chart["series"][:_MOST]
    hidden = len(chart["series"]) - len(shown)
    total, printed = _WIDTHS[variant.name], variant.name == "print"
    room = min(variant.label_room, 170)
    names = [wrap(plain(s["label"], printed=printed), room, variant.label) for s in shown]
    widest = max(width(t, variant.label) for part in names for t in part)
    sizes = [plural(s["n"], "person", "people") if s.get("n") is not None else "" for s in shown]
    left = round(max(widest, *(width(t, 12) for t in sizes), 56) + 16)
    low = min(float(s["edges"][0]) for s in shown)
    high = max(float(s["edges"][-1]) for s in shown)
    x = Scale(low, high, left, total - 16)
    row = _ROW_HALF if variant.name == "half" else _ROW
    bar = _BAR_HALF if variant.name == "half" else _BAR
    bottom = _TOP + row * len(shown)
    canvas = Canvas(total, bottom + _FOOT + (20 if hidden else 0))
    _ground(canvas, x, bottom, variant)
    peak = max((float(v) for s in shown for v in s["shares"]), default=0.0) or 1.0
    threshold = chart.get("threshold")
    for i, (series, name, people) in enumerate(zip(shown, names, sizes, strict=True)):
        base = _TOP + (i + 1) * row - 4
        _bars(canvas, chart, series, x, Scale(0, peak, base, base - bar))
        canvas.rules([(x.start, base, x.end, base, INK3)], width=1)
        lines = [*name, *([people] if people else [])]
        first = base - bar / 2 - 15.5 * (len(lines) - 1) / 2 + 4
        rows = [(left - 12, first + 15.5 * k, t) for k, t in enumerate(lines)]
        canvas.texts(rows[: len(name)], size=variant.label, align="right")
        canvas.texts(rows[len(name) :], size=12, align="right", color=INK2)
    if threshold is not None:
        now = plain(chart.get("now") or decimal(float(threshold), 2))
        _now(canvas, float(threshold), now, x, bottom)
    if hidden:
        text = _("{hidden} more {maybe} in the table.").format(
            hidden=hidden, maybe=_("group is") if hidden == 1 else _("groups are")
        )
        canvas.texts([(x.start, bottom + 54, text)], size=12, color=INK3)
    return canvas.spec()


def _ground(canvas: Canvas, x: Scale, bottom: float, variant: Variant) -> None:
    marks = ticks(x.low, x.high, 5)
    canvas.rules([(x.at(t), _TOP, x.at(t), bottom - 4, GRID) for t in marks], width=1)
    places = 1 if x.high - x.low <= 1 else decimals(marks)
    names = [(x.at(t), bottom + 10, decimal(t, places)) for t in marks]
    canvas.texts(names, size=variant.axis, align="center", color=INK2)
    canvas.texts([(x.start, bottom + 32, _("Score"))], size=12, weight=500, color=INK2)


def _bars(
    canvas: Canvas,
    chart: Mapping[str, Any],
    series: Mapping[str, Any],
    x: Scale,
    y: Scale,
) -> None:
    color = REFERENCE if series.get("reference") else GROUP
    threshold, up = chart.get("threshold"), chart.get("favourable", True)
    full: list[Bar] = []
    pale: list[Bar] = []
    edges, half = series["edges"], 0.5
    for a, b, share in zip(edges, edges[1:], series["shares"], strict=False):
        bar = (x.at(a) + half, y.start, x.at(b) - half, y.at(share), color)
        middle = (a + b) / 2
        chosen = threshold is None or (middle >= threshold if up else middle < threshold)
        (full if chosen else pale).append(bar)
    canvas.rects(pale, opacity=0.32)
    canvas.rects(full)


def _now(canvas: Canvas, threshold: float, now: str, x: Scale, bottom: float) -> None:
    at = x.at(threshold)
    text = _("Now: {now}").format(now=now)
    right = at + 8 + width(text, 12, 600) < canvas.width
    canvas.rules([(at, 4, at, bottom - 4, INK)], width=1.5)
    place = [(at + 8 if right else at - 8, 11, text)]
    canvas.texts(place, size=12, weight=600, align="left" if right else "right")
