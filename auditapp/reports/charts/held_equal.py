"""Gaps one under the other: everybody together as a diamond, held equal as a circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import INK2, STATUSES, Variant
from auditapp.reports.charts.gap_strip import (
    Frame,
    domain,
    draw_ground,
    draw_heads,
    draw_names,
    heading_of,
    known_row,
    number_columns,
)
from auditapp.reports.charts.layout import Scale, chunks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import clip, plain, wrap
from auditapp.reports.numbers import count, points, span

Row = Mapping[str, Any]

_HEAD = 18
_FOOT = 26
_LOOKS = {"together": STATUSES["reference"], "equal": STATUSES["group"]}


def _flat(rows: Sequence[Row]) -> list[Row]:
    """Every mark as a row of its own."""
    return [{**mark, "n": row.get("n")} for row in rows for mark in row["marks"]]


def _pitch(variant: Variant) -> int:
    return {"narrow": 33, "print": 17}.get(variant.name, 19)


def _row_height(rows: Sequence[Row], variant: Variant) -> int:
    most = max(len(row["marks"]) for row in rows)
    pad = 9 if most == 1 else 15
    return _pitch(variant) * most + pad


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Parts of the same scale that each fit on a page."""
    rows = list(chart["rows"])
    if variant.page_height is None:
        return [dict(chart)]
    shown = chart.get("domain") or domain(_flat(rows), 0.0)
    most = int((variant.page_height - 80) / _row_height(rows, variant))
    return [
        {**chart, "rows": rows[part], "domain": list(shown)} for part in chunks(len(rows), most)
    ]


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one set of gaps."""
    rows = list(chart["rows"])
    flat = _flat(rows)
    low, high = chart.get("domain") or domain(flat, 0.0)
    printed, size = variant.name == "print", variant.label
    labels = [wrap(plain(row["label"], printed=printed), variant.label_room, size) for row in rows]
    frame = _frame(rows, flat, labels, variant, 1)
    x = Scale(low, high, frame.left, frame.right)
    head, texts = heading_of(chart, x, variant)
    frame = _frame(rows, flat, labels, variant, head)
    canvas = Canvas(variant.width, frame.bottom + _FOOT)
    draw_ground(canvas, x, frame, 0.0, twice=False)
    draw_heads(canvas, texts, frame)
    draw_names(canvas, labels, frame)
    _marks(canvas, rows, x, frame)
    return canvas.spec()


def _frame(
    rows: Sequence[Row], flat: Sequence[Row], labels: list[list[str]], variant: Variant, head: int
) -> Frame:
    room = max(width(line, variant.label) for lines in labels for line in lines)
    left = round(max(room, 56) + (22 if variant.wide else 14))
    if variant.wide:
        ends = number_columns(flat, variant)
        right = ends[0] - width("+88.8", variant.value, 600) - 34
    else:
        spans = [width(span(m["low"], m["high"]), variant.small) for m in flat if known_row(m)]
        ends = (variant.width - 1.0,) * 3
        right = variant.width - max([*spans, 44.0]) - 14
    height = _row_height(rows, variant)
    top = 6.0 + head * _HEAD
    return Frame(variant, left, round(right), ends, top, height, top + height * len(rows))


def _marks(canvas: Canvas, rows: Sequence[Row], x: Scale, f: Frame) -> None:
    bars, marks, values, spans, people, notes = [], [], [], [], [], []
    pitch, small = _pitch(f.variant), f.variant.small
    up, down = (0.0, 0.0) if f.variant.wide else (-7.5, 7.5)
    for i, row in enumerate(rows):
        first = f.middle(i) - pitch * (len(row["marks"]) - 1) / 2
        for k, mark in enumerate(row["marks"]):
            y = first + pitch * k
            if not known_row(mark):
                note = clip(plain(mark.get("note") or "no value"), f.ends[1] - f.left, small)
                notes.append((f.ends[1], y, note))
                continue
            look = _LOOKS[mark["look"]]
            bars.append((mark["low"], y, mark["high"], y, look.line))
            marks.append((mark["value"], y, look))
            values.append((f.ends[0], y + up, points(mark["value"])))
            spans.append((f.ends[1], y + down, span(mark["low"], mark["high"])))
        if f.variant.wide and row.get("n") is not None:
            people.append((f.ends[2], f.middle(i), count(row["n"])))
    canvas.rules(bars, width=2.4, sx=x)
    canvas.points(marks, size=72, sx=x)
    canvas.texts(values, size=f.variant.value, weight=600, align="right")
    canvas.texts(spans, size=small, align="right", color=INK2)
    canvas.texts(people, size=small, align="right", color=INK2)
    canvas.texts(notes, size=small, align="right", color=INK2, halo=True)
