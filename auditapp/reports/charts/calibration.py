"""C6, calibration: what share had the outcome, by score, one panel for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import GRID, INK2, INK3, STATUSES, Variant
from auditapp.reports.charts.layout import Scale
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import plain, wrap
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count

_MOST = 12
_ACROSS = {"wide": 4, "narrow": 2, "print": 3}
_LARGEST = 300.0
_AXIS = 42.0
_GAP = 22.0
_PITCH = 15.0
_FOOT = 26.0
_TOP = 22.0


def _known(series: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        p
        for p in series["points"]
        if all(p.get(key) is not None for key in ("x", "value", "low", "high"))
    ]


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one set of calibration panels."""
    shown: Sequence[Mapping[str, Any]] = chart["series"][:_MOST]
    hidden = len(chart["series"]) - len(shown)
    most = int(chart.get("across") or _ACROSS[variant.name])
    lines = -(-len(shown) // most)
    across = -(-len(shown) // lines)
    side = (variant.width - _AXIS - 10 + _GAP) / across - _GAP
    side = min(_LARGEST, round(side, 2))
    tall = round(side * 0.7, 2) if variant.name == "print" else side
    titles = [_title(series, side, variant) for series in shown]
    head = 10 + _PITCH * max(len(t) for t in titles)
    line = head + tall + _FOOT
    height = _TOP + lines * line + 24 + (20 if hidden else 0)
    canvas = Canvas(variant.width, height)
    up = plain(chart.get("y_title", _("Share with the outcome")))
    canvas.texts([(0, 9, up)], size=12, weight=500, color=INK2)
    for i, series in enumerate(shown):
        left = _AXIS + (i % across) * (side + _GAP)
        top = _TOP + (i // across) * line + head
        x, y = Scale(0, 1, left, left + side), Scale(0, 1, top + tall, top)
        last = i + across >= len(shown)
        _ground(canvas, x, y, variant, first=i % across == 0, last=last)
        _panel(canvas, series, titles[i], x, y, variant)
    along = plain(chart.get("x_title", _("Mean score")))
    end = _TOP + lines * line + 8
    canvas.texts([(_AXIS, end, along)], size=12, weight=500, color=INK2)
    if hidden:
        text = _("{hidden} more {maybe} in the table.").format(
            hidden=hidden, maybe=_("group is") if hidden == 1 else _("groups are")
        )
        canvas.texts([(_AXIS, end + 20, text)], size=12, color=INK3)
    return canvas.spec()


def _ground(
    canvas: Canvas, x: Scale, y: Scale, variant: Variant, *, first: bool, last: bool
) -> None:
    levels = (0.0, 0.5, 1.0)
    names = ("0%", "50%", "100%")
    canvas.rules([(x.start, y.at(t), x.end, y.at(t), GRID) for t in levels], width=1)
    canvas.rules([(x.at(t), y.start, x.at(t), y.end, GRID) for t in levels], width=1)
    if first:
        rows = [(x.start - 8, y.at(t), n) for t, n in zip(levels, names, strict=True)]
        canvas.texts(rows, size=variant.axis, align="right", color=INK2)
    if last:
        for t, name, align in zip(levels, names, ("left", "center", "right"), strict=True):
            place = [(x.at(t), y.start + 14, name)]
            canvas.texts(place, size=variant.axis, align=align, color=INK2)
    canvas.rules([(x.start, y.start, x.end, y.end, INK3)], width=1.3, strokeDash=[4, 3])


def _title(series: Mapping[str, Any], room: float, variant: Variant) -> list[str]:
    label = plain(series["label"], printed=variant.name == "print")
    return wrap(label, room, variant.title, weight=600)


def _panel(
    canvas: Canvas,
    series: Mapping[str, Any],
    title: list[str],
    x: Scale,
    y: Scale,
    variant: Variant,
) -> None:
    look = STATUSES["reference" if series.get("reference") else "group"]
    top = y.end - 14 - _PITCH * (len(title) - 1)
    rows = [(x.start, top + _PITCH * i, text) for i, text in enumerate(title)]
    canvas.texts(rows, size=variant.title, weight=600)
    points = _known(series)
    bars = [(p["x"], p["low"], p["x"], p["high"], look.line) for p in points]
    canvas.rules(bars, width=2.4, sx=x, sy=y)
    canvas.points(
        [(p["x"], p["value"], look) for p in points],
        size=36 if variant.wide else 26,
        sx=x,
        sy=y,
        halo=1.2,
    )
    people = sum(int(p.get("n") or 0) for p in points)
    note = _("{people} people").format(people=count(people)) if people else ""
    if not points:
        note = _("not enough data")
    if note and width(note, 12) < x.end - x.start - 8:
        at = [(x.end - 5, y.start - 12, note)]
        canvas.texts(at, size=12, align="right", color=INK3, halo=True)
