"""C8, the move profile: which values would have to become rarer or more frequent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    GRID,
    GROUP,
    INK,
    INK2,
    INK3,
    REFERENCE,
    SURFACE,
    Look,
    Variant,
)
from auditapp.reports.charts.layout import Scale, chunks, decimals, ticks
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import plain, rate, thinned, wrap
from auditapp.reports.numbers import percent, points

Row = Mapping[str, Any]

_HEAD = 26
_FOOT = 26
NOW = Look("circle", SURFACE, INK2, edge=INK2)
TARGET = Look("circle", GROUP, GROUP)
OTHER = Look("diamond", REFERENCE, REFERENCE, size=0.6)


def ordered(rows: list[Row]) -> list[Row]:
    """By the size of the move, the largest first."""
    return sorted(rows, key=lambda r: (-abs(r["target"] - r["now"]), str(r["label"])))


def _pitch(variant: Variant) -> float:
    return {"wide": 30.0, "narrow": 44.0, "print": 25.0}[variant.name]


def domain(chart: Mapping[str, Any]) -> tuple[float, float]:
    """Shares from 0 to a little more than the largest."""
    if "domain" in chart:
        low, high = chart["domain"]
        return float(low), float(high)
    ends = [r[k] for r in chart["rows"] for k in ("now", "target", "reference")
            if r.get(k) is not None]  # fmt: skip
    return 0.0, min(1.0, max(max(ends) * 1.04, 0.01))


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Pages of one scale."""
    most = max(1, int(((variant.page_height or 10_000) - _HEAD - _FOOT) // _pitch(variant)))
    rows = ordered(chart["rows"])
    if len(rows) <= most:
        return [dict(chart)]
    same = {**chart, "domain": list(domain(chart))}
    return [{**same, "rows": rows[part]} for part in chunks(len(rows), most)]


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one profile."""
    rows = ordered(chart["rows"])
    printed = variant.name == "print"
    room = variant.long_room + (0 if variant.wide else 6)
    lines = [wrap(plain(r["label"], printed=printed), room, variant.label) for r in rows]
    names = max(width(text, variant.label) for part in lines for text in part)
    start = round(names + 18)
    moves = [points(r["target"] - r["now"]) for r in rows]
    last = max(width(text, variant.value, 600) for text in [*moves, "Move"])
    shares = [f"{rate(r['now'])} → {rate(r['target'])}" for r in rows]
    middle = max(width(text, variant.small) for text in shares) + 22 if variant.wide else 0.0
    end = round(variant.width - last - middle - 18)
    pitch = _pitch(variant)
    bottom = _HEAD + pitch * len(rows)
    x = Scale(*domain(chart), start, end)
    canvas = Canvas(variant.width, bottom + _FOOT)
    _ground(canvas, x, bottom, variant)
    centres = [_HEAD + (i + 0.5) * pitch for i in range(len(rows))]
    both = list(zip(rows, centres, strict=True))
    canvas.rules([(r["now"], y, r["target"], y, GROUP) for r, y in both], width=2.4, sx=x)
    known = [(r["reference"], y, OTHER) for r, y in both if r.get("reference") is not None]
    canvas.points(known, size=64, sx=x, halo=1.2)
    canvas.points([(r["now"], y, NOW) for r, y in both], size=64, sx=x)
    canvas.points([(r["target"], y, TARGET) for r, y in both], size=72, sx=x)
    rows_of_text = [
        (start - 12, y - (variant.label + 2) * (len(part) - 1) / 2 + k * (variant.label + 2), text)
        for part, y in zip(lines, centres, strict=True)
        for k, text in enumerate(part)
    ]
    canvas.texts(rows_of_text, size=variant.label, align="right")
    edge = variant.width - 2.0
    canvas.texts([(edge, y, text) for y, text in zip(centres, moves, strict=True)],
                 size=variant.value, weight=600, align="right")  # fmt: skip
    heads = [(edge, _HEAD - 12.0, "Move")]
    if variant.wide:
        at = edge - last - 20
        canvas.texts([(at, y, text) for y, text in zip(centres, shares, strict=True)],
                     size=variant.small, align="right", color=INK2)  # fmt: skip
        heads.append((at, _HEAD - 12.0, "Now, target"))
    canvas.texts(heads, size=12, weight=500, align="right", color=INK3)
    return canvas.spec()


def _ground(canvas: Canvas, x: Scale, bottom: float, variant: Variant) -> None:
    room = x.end - x.start
    marks = ticks(0, x.high, 6 if room > 300 else 4 if room > 150 else 2)
    canvas.rules([(x.at(t), _HEAD, x.at(t), bottom, GRID) for t in marks if t], width=1)
    canvas.rules([(x.at(0), _HEAD - 3, x.at(0), bottom, INK)], width=1.5)
    digits = decimals([round(100 * t, 6) for t in marks])
    names = [(x.at(t), bottom + 14, percent(t, digits)) for t in marks]
    canvas.texts(thinned(names, variant.axis), size=variant.axis, align="center", color=INK2)
