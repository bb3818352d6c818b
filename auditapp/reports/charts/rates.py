"""C3, rates by group: one small panel for each metric, all in the same order of groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import GRID, INK2, INK3, STATUSES, Variant
from auditapp.reports.charts.layout import Scale, chunks, decimals, step, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain, rate, thinned, wrap
from auditapp.reports.language import gettext as _
from auditapp.reports.units import POINTS, Unit

Row = Mapping[str, Any]
Panel = Mapping[str, Any]

_LINE = 15
_FOOT = 36
_MOST = 6


def _known(row: Row) -> bool:
    return row["status"] != "undefined" and all(
        row.get(k) is not None for k in ("value", "low", "high")
    )


def _order(panels: Sequence[Panel]) -> list[str]:
    """Labels by the first panel's value, the highest first; then those without one."""
    first = panels[0]["rows"]
    known = sorted((r for r in first if _known(r)), key=lambda r: -float(r["value"]))
    labels = [str(r["label"]) for r in (*known, *(r for r in first if not _known(r)))]
    others = [str(r["label"]) for panel in panels[1:] for r in panel["rows"]]
    return list(dict.fromkeys([*labels, *others]))


def _ends(panel: Panel) -> tuple[float, float]:
    """Where the axis of a panel starts and ends: round numbers that hold every bar."""
    known = [r for r in panel["rows"] if _known(r)]
    ends = [r[key] for r in known for key in ("low", "value", "high")]
    ends += [panel["overall"]] if panel.get("overall") is not None else []
    unit = Unit.of(panel.get("unit"))
    least = 10.0 ** -(unit.shift + unit.coarse)
    if not panel.get("free") or not ends:
        ends.append(0.0)
    low, top = min(ends), max(ends)
    top = max(top, low + least)
    size = step(top - low, 5)
    places = max(10, 2 - math.floor(math.log10(size)))
    last = round(size * -(-top // size), places)
    # A rate ends at 100%; exposure may go beyond.
    last = min(1.0, last) if unit.sign and top <= 1.0 else last
    return float(round(size * (low // size), places)), float(last)


def _value(row: Row, unit: Unit) -> str:
    return rate(row["value"]) if unit.sign == POINTS.sign else unit.value(row["value"])


def _across(variant: Variant, panels: int, rows: int) -> int:
    if variant.name == "narrow":
        return 1
    if panels > 4:
        return 3
    if variant.name == "print" and panels > 2 and rows <= 14:
        return 2
    return panels


def _row_height(variant: Variant, labels: Sequence[str]) -> int:
    n = len(labels)
    if variant.name == "narrow":
        return 36
    longest = max(width(plain(t), variant.label) for t in labels)
    if n <= 14 and longest > variant.label_room:
        return 31
    if variant.name == "print":
        return 20
    return 27 if n <= 30 else 22


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Parts with the same order and the same axes that each fit on a page."""
    panels = list(chart["panels"])[:_MOST]
    if variant.page_height is None:
        return [dict(chart)]
    order = list(chart.get("order") or _order(panels))
    across = chart.get("across") or _across(variant, len(panels), len(order))
    lines = -(-len(panels) // across)
    room = variant.page_height / lines - 2 * _LINE - 11 - _FOOT
    most = max(5, int(room / _row_height(variant, order)))
    full = [{**p, "ends": p.get("ends") or _ends(p)} for p in panels]
    return [
        {**chart, "panels": full, "order": order[part], "across": across}
        for part in chunks(len(order), most)
    ]


@dataclass(frozen=True)
class _Frame:
    """Place of one panel."""

    variant: Variant
    left: float
    right: float
    end: float
    top: float
    row: float
    bottom: float

    def middle(self, i: int) -> float:
        return self.top + (i + 0.5) * self.row


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one set of panels."""
    panels = list(chart["panels"])[:_MOST]
    order = list(chart.get("order") or _order(panels))
    across = chart.get("across") or _across(variant, len(panels), len(order))
    row = _row_height(variant, order)
    size, printed = variant.label, variant.name == "print"
    lines = 2 if row >= 31 else 1
    most = variant.label_room if lines == 2 else variant.long_room
    names = [wrap(plain(t, printed=printed), most, size, lines=lines) for t in order]
    label = round(max(56.0, *(width(t, size) for part in names for t in part)) + 16)
    spans = [
        width(Unit.of(p.get("unit")).values(r["low"], r["high"]), variant.small)
        for p in panels
        for r in p["rows"]
        if _known(r)
    ]
    shown = [
        width(_value(r, Unit.of(p.get("unit"))), variant.axis)
        for p in panels
        for r in p["rows"]
        if _known(r)
    ]
    least = max([42.0, *(room + 8 for room in shown)])
    column = least if variant.wide else max([*spans, 44.0]) + 10
    gap = 20.0
    room = (variant.width - label + gap) / across - gap
    head = 11 + _LINE * max(len(_title(p, room, variant)) for p in panels)
    height = head + row * len(order) + _FOOT
    canvas = Canvas(variant.width, height * -(-len(panels) // across) - 8)
    for i, panel in enumerate(panels):
        left = label + (i % across) * (room + gap)
        top = (i // across) * height + head
        bottom = top + row * len(order)
        frame = _Frame(variant, left, left + room - column, left + room, top, row, bottom)
        if i % across == 0:
            _names(canvas, names, frame)
        _panel(canvas, panel, order, frame)
    return canvas.spec()


def _title(panel: Panel, room: float, variant: Variant) -> list[str]:
    return wrap(plain(panel["title"]), room, variant.title, weight=600)


def _names(canvas: Canvas, names: list[list[str]], f: _Frame) -> None:
    pitch = f.variant.label + 1.5
    rows = []
    for i, lines in enumerate(names):
        first = f.middle(i) - pitch * (len(lines) - 1) / 2
        rows += [(f.left - 14, first + k * pitch, text) for k, text in enumerate(lines)]
    canvas.texts(rows, size=f.variant.label, align="right")


def _panel(canvas: Canvas, panel: Panel, order: Sequence[str], f: _Frame) -> None:
    variant = f.variant
    unit = Unit.of(panel.get("unit"))
    start, end = panel.get("ends") or _ends(panel)
    x = Scale(start, end, f.left, f.right)
    _ground(canvas, panel, x, f)
    title = _title(panel, f.end - f.left, variant)
    first = f.top - 16 - _LINE * (len(title) - 1)
    heads = [(f.left, first + _LINE * i, text) for i, text in enumerate(title)]
    canvas.texts(heads, size=variant.title, weight=600)
    by_label = {str(r["label"]): r for r in panel["rows"]}
    bars, marks, values, spans, notes = [], [], [], [], []
    up = 0.0 if variant.wide else -7.5
    for i, label in enumerate(order):
        y, row = f.middle(i), by_label.get(label)
        if row is None or not _known(row):
            note = _("not measured") if row is None else row.get("note") or _("not defined")
            text = clip(plain(note), f.end - f.left - 8, variant.axis)
            notes.append((f.left + 8, y, text))
            continue
        look = STATUSES[row["status"]]
        bars.append((row["low"], y, row["high"], y, look.line))
        marks.append((row["value"], y, look))
        values.append((f.end - 4, y + up, _value(row, unit)))
        spans.append((f.end - 4, y + 7.5, unit.values(row["low"], row["high"])))
    canvas.rules(bars, width=2.8, sx=x)
    canvas.points(marks, size=64, sx=x, halo=1.3)
    weight = 400 if variant.wide else 600
    canvas.texts(values, size=variant.axis, weight=weight, align="right")
    if not variant.wide:
        canvas.texts(spans, size=variant.small, align="right", color=INK2)
    canvas.texts(notes, size=variant.axis, color=INK3, halo=True)


def _ground(canvas: Canvas, panel: Panel, x: Scale, f: _Frame) -> None:
    room = x.end - x.start
    target = max(2, min(4, int(room / 48)))
    unit = Unit.of(panel.get("unit"))
    marks = ticks(x.low, x.high, target)
    # One number alone gives no scale.
    marks = marks if len(marks) > 1 else ticks(x.low, x.high, target + 2)
    digits = decimals([t * 10.0**unit.shift for t in marks])
    canvas.rules([(x.at(t), f.top, x.at(t), f.bottom, GRID) for t in marks], width=1)
    names = [(x.at(t), f.bottom + 13, unit.value(t, digits)) for t in marks]
    canvas.texts(thinned(names, f.variant.axis), size=f.variant.axis, align="center", color=INK2)
    if x.low < 0 < x.high:
        canvas.rules([(x.at(0), f.top - 3, x.at(0), f.bottom, INK2)], width=1.2)
    if panel.get("overall") is not None:
        at = x.at(panel["overall"])
        rule = [(at, f.top - 4, at, f.bottom, INK3)]
        canvas.rules(rule, width=1.3, strokeDash=[3, 3])
