"""Who is affected by a setting: decisions changed to no and to yes, in each group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    HATCH_MARK,
    INK,
    INK2,
    INK3,
    SURFACE,
    UNKNOWN,
    Variant,
)
from auditapp.reports.charts.layout import Scale, chunks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import plain, wrap
from auditapp.reports.numbers import count

Row = Mapping[str, Any]

_HEAD = 30
_BAR = 13.0


def per_1000(share: float) -> str:
    """A share as people in 1,000; what is not nobody is never printed as 0."""
    return "under 1" if 0 < share < 0.0005 else count(1000 * share)


def _pitch(variant: Variant) -> float:
    return 28.0 if variant.name in ("print", "half") else 34.0


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Pages of one scale."""
    most = max(1, int(((variant.page_height or 10_000) - _HEAD) // _pitch(variant)))
    rows = list(chart["rows"])
    if len(rows) <= most:
        return [dict(chart)]
    same = {**chart, "most": _most(chart)}
    return [{**same, "rows": rows[part]} for part in chunks(len(rows), most)]


def _most(chart: Mapping[str, Any]) -> tuple[float, float]:
    """The longest bar on either side."""
    if "most" in chart:
        left, right = chart["most"]
        return float(left), float(right)
    rows = chart["rows"]
    left = max(float(r["down"]) for r in rows)
    right = max(float(r["up"]) + float(r.get("human") or 0.0) for r in rows)
    return left, right


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one picture."""
    rows = chart["rows"]
    printed = variant.name in ("print", "half")
    lines = [
        wrap(plain(r["label"], printed=printed), variant.label_room, variant.label) for r in rows
    ]
    names = max(width(text, variant.label) for part in lines for text in part)
    start = round(max(names, 40.0) + 14)
    side = max(width(per_1000(v), variant.value, 600) for r in rows for v in (r["up"], r["down"]))
    left, right = _most(chart)
    room = variant.width - start - 2 * side - 34
    scale = room / max(left + right, 1e-9)
    zero = start + side + 12 + left * scale
    # Heads need room on both sides of the middle line.
    zero = min(max(zero, start + 46.0), variant.width - 60.0)
    scale = min(
        (zero - start - side - 10) / max(left, 1e-9),
        (variant.width - zero - side - 14) / max(right, 1e-9),
    )
    bottom = _HEAD + _pitch(variant) * len(rows)
    canvas = Canvas(variant.width, bottom + 4)
    x = Scale(-1.0, 1.0, zero - scale, zero + scale)
    heads = [(zero - 8, 12.0, "to no")], [(zero + 8, 12.0, "to yes")]
    canvas.texts(heads[0], size=12, weight=500, align="right", color=INK3)
    canvas.texts(heads[1], size=12, weight=500, color=INK3)
    _bars(canvas, rows, x, variant)
    canvas.rules([(zero, _HEAD - 8, zero, bottom, INK)], width=1.5)
    _texts(canvas, rows, lines, x, start, variant)
    return canvas.spec()


def _bars(canvas: Canvas, rows: list[Row], x: Scale, variant: Variant) -> None:
    up, down, human = [], [], []
    for i, row in enumerate(rows):
        y = _HEAD + (i + 0.5) * _pitch(variant)
        top, foot = y - _BAR / 2, y + _BAR / 2
        up.append((x.at(0), top, x.at(row["up"]), foot, INK2))
        down.append((x.at(-row["down"]), top, x.at(0), foot, SURFACE))
        if row.get("human"):
            human.append((x.at(row["up"]), top, x.at(row["up"] + row["human"]), foot, HATCH_MARK))
    canvas.rects([r for r in up if r[2] - r[0] > 0.2])
    canvas.rects([r for r in down if r[2] - r[0] > 0.2], stroke=INK2, strokeWidth=1.4)
    canvas.rects(human, stroke=UNKNOWN, strokeWidth=1.2)


def _texts(
    canvas: Canvas,
    rows: list[Row],
    lines: list[list[str]],
    x: Scale,
    start: float,
    variant: Variant,
) -> None:
    names, left, right = [], [], []
    for i, (row, part) in enumerate(zip(rows, lines, strict=True)):
        y = _HEAD + (i + 0.5) * _pitch(variant)
        pitch = variant.label + 2.0
        first = y - pitch * (len(part) - 1) / 2
        names += [(0.0, first + k * pitch, text) for k, text in enumerate(part)]
        left.append((x.at(-row["down"]) - 6, y, per_1000(row["down"])))
        end = row["up"] + float(row.get("human") or 0.0)
        right.append((x.at(end) + 6, y, per_1000(row["up"])))
    canvas.texts(names, size=variant.label)
    canvas.texts(left, size=variant.value, weight=600, align="right")
    canvas.texts(right, size=variant.value, weight=600)
