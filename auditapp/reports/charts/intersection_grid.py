"""C4, the intersection grid: a signed number in every cell, coloured around zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    CELL_DARK,
    CELL_LIGHT,
    DIVERGING,
    GRID,
    HATCH_AREA,
    INK,
    INK2,
    INK3,
    LINE2,
    SCALE_FILL,
    SURFACE,
    Variant,
)
from auditapp.reports.charts.layout import chunks, step
from auditapp.reports.charts.measure import width
from auditapp.reports.charts.text import NOTHING, plain, short_count, wrap
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, points, size
from auditapp.reports.units import POINTS

Cell = Mapping[str, Any]

_GAP = 3
_LEGEND = 46
_BETWEEN = 14
_DENSE = 42
_LEAST = {"wide": 64, "narrow": 56, "print": 56}


@dataclass(frozen=True)
class _Plan:
    """Which labels stand where, and how large a cell is."""

    across: list[str]
    down: list[str]
    swapped: bool
    blocks: list[slice]
    left: float
    cell: float
    row: float
    head: float
    columns: list[list[str]]
    names: list[list[str]]
    size: float

    @property
    def block(self) -> float:
        """Height of one block of columns with its heading."""
        return self.head + self.row * len(self.down)


def _names(labels: list[str], variant: Variant) -> list[list[str]]:
    room = variant.label_room if variant.wide else 92
    printed = variant.name == "print"
    return [wrap(plain(t, printed=printed), room, variant.label) for t in labels]


def _least(chart: Mapping[str, Any], variant: Variant) -> int:
    """Width a cell needs; a ``dense`` grid has short numbers and stays in one block."""
    return _DENSE if chart.get("dense") else _LEAST[variant.name]


def _left(names: list[list[str]], variant: Variant) -> float:
    return max(width(t, variant.label) for part in names for t in part) + 14


def _plan(chart: Mapping[str, Any], variant: Variant) -> _Plan:
    across, down = list(map(str, chart["x"])), list(map(str, chart["y"]))
    names = _names(down, variant)
    left, least = _left(names, variant), _least(chart, variant)
    swapped = len(across) > len(down) and len(across) * least > variant.width - left
    if swapped:
        across, down = down, across
        names = _names(down, variant)
        left = _left(names, variant)
    blocks = list(chunks(len(across), max(1, int((variant.width - left) / least))))
    most = max(b.stop - b.start for b in blocks)
    cell = min((variant.width - left) / most, 104 if variant.wide else 130)
    printed = variant.name == "print"
    dense = bool(chart.get("dense")) and cell < _LEAST[variant.name]
    size = variant.axis - 2 if dense else variant.axis
    room = cell - 1 if dense else cell - 6
    columns = [wrap(plain(t, printed=printed), room, size, lines=3) for t in across]
    head = 8 + (size + 2.5) * max(len(c) for c in columns)
    row = 54 if len(down) <= 8 and variant.name == "wide" else 42
    row = 36 if printed else row
    return _Plan(across, down, swapped, blocks, left, cell, row, head, columns, names, size)


def pages(chart: Mapping[str, Any], variant: Variant) -> list[dict[str, Any]]:
    """Parts with the same colours, of as many blocks and rows as fit on a page."""
    plan = _plan(chart, variant)
    if variant.page_height is None:
        return [dict(chart)]
    full = {**chart, "limit": _limit(chart)}
    room = variant.page_height - _LEGEND
    if len(plan.blocks) * (plan.block + _BETWEEN) <= room:
        return [full]
    side, other = ("y", "x") if plan.swapped else ("x", "y")
    parts: list[dict[str, Any]] = []
    most = max(3, int((room - plan.head) / plan.row))
    for block in plan.blocks:
        for rows in chunks(len(plan.down), most):
            part = {side: plan.across[block], other: plan.down[rows]}
            parts.append({**full, **part})
    return parts


def _limit(chart: Mapping[str, Any]) -> float:
    """End of the colour scale: the largest shown difference, rounded up."""
    if chart.get("limit"):
        return float(chart["limit"])
    shown = [abs(c["value"]) for c in chart["cells"] if _shown(c)]
    top = max([*shown, 0.01])
    nice = step(top, 3)
    return float(min(1.0, round(nice * -(-round(top / nice, 9) // 1), 10)))


def _shown(cell: Cell) -> bool:
    return bool(cell["status"] == "shown" and cell.get("value") is not None)


def _color(value: float, limit: float) -> tuple[int, int, int]:
    share = max(-1.0, min(1.0, value / limit))
    end = DIVERGING[0] if share < 0 else DIVERGING[2]
    r, g, b = (
        round(mid + abs(share) * (far - mid)) for mid, far in zip(DIVERGING[1], end, strict=True)
    )
    return r, g, b


def _luminance(color: tuple[int, int, int]) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in color)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _text_color(color: tuple[int, int, int]) -> str:
    ground = _luminance(color)
    dark = (ground + 0.05) / (_luminance((17, 17, 17)) + 0.05)
    light = 1.05 / (ground + 0.05)
    return CELL_DARK if dark >= light else CELL_LIGHT


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one grid."""
    plan = _plan(chart, variant)
    limit = _limit(chart)
    total = len(plan.blocks) * (plan.block + _BETWEEN) - _BETWEEN
    canvas = Canvas(variant.width, total + _LEGEND)
    cells = {(str(c["x"]), str(c["y"])): c for c in chart["cells"]}
    for i, block in enumerate(plan.blocks):
        top = i * (plan.block + _BETWEEN)
        _labels(canvas, plan, block, top, variant)
        placed = []
        for k, column in enumerate(plan.across[block]):
            for j, name in enumerate(plan.down):
                key = (name, column) if plan.swapped else (column, name)
                x = plan.left + k * plan.cell
                placed.append((x, top + plan.head + j * plan.row, cells.get(key)))
        _cells(canvas, placed, plan, limit, variant)
    _legend(canvas, chart, plan, limit, total + 26, variant)
    return canvas.spec()


def _labels(canvas: Canvas, plan: _Plan, block: slice, top: float, variant: Variant) -> None:
    pitch = plan.size + 2.5
    heads = []
    for k, lines in enumerate(plan.columns[block]):
        x = plan.left + (k + 0.5) * plan.cell - _GAP / 2
        last = top + plan.head - 13
        heads += [(x, last - pitch * (len(lines) - 1 - i), t) for i, t in enumerate(lines)]
    canvas.texts(heads, size=plan.size, align="center")
    side = []
    step_y = variant.label + 2
    for j, lines in enumerate(plan.names):
        middle = top + plan.head + (j + 0.5) * plan.row - _GAP / 2
        first = middle - step_y * (len(lines) - 1) / 2
        side += [(plan.left - 12, first + i * step_y, t) for i, t in enumerate(lines)]
    canvas.texts(side, size=variant.label, align="right")


def _cells(
    canvas: Canvas,
    placed: list[tuple[float, float, Cell | None]],
    plan: _Plan,
    limit: float,
    variant: Variant,
) -> None:
    fills, plates, numbers, people = [], [], [], []
    wide, high = plan.cell - _GAP, plan.row - _GAP
    small = 11 if variant.name == "wide" else variant.axis
    for x, y, cell in placed:
        middle, center = y + high / 2, x + wide / 2
        n = None if cell is None else cell.get("n")
        amount = "" if n is None else count(n)
        if width(amount, small) > wide - 6 and n is not None:
            amount = short_count(n)
        if cell is not None and _shown(cell):
            color = _color(cell["value"], limit)
            ink = _text_color(color)
            fills.append((x, y, x + wide, y + high, "#{:02X}{:02X}{:02X}".format(*color)))
            numbers.append((center, middle - 8, points(cell["value"], 0), ink))
            people.append((center, middle + 9, amount, ink))
        elif cell is not None and cell["status"] != "empty":
            fills.append((x, y, x + wide, y + high, HATCH_AREA))
            half = max(width(amount, small), 20) / 2 + 5
            plates.append((center - half, middle - 16, center + half, middle + 17, SURFACE))
            numbers.append((center, middle - 8, NOTHING, INK))
            people.append((center, middle + 9, amount, INK))
        else:
            fills.append((x, y, x + wide, y + high, GRID))
            people.append((center, middle, "0" if n is None else amount, INK3))
    canvas.rects(fills, cornerRadius=2)
    canvas.rects(plates, cornerRadius=2)
    canvas.texts(numbers, size=14 if plan.row > 50 else 13, weight=600, align="center")
    canvas.texts(people, size=small, align="center")


def _legend(
    canvas: Canvas,
    chart: Mapping[str, Any],
    plan: _Plan,
    limit: float,
    y: float,
    variant: Variant,
) -> None:
    digits = 0 if abs(limit * 100 - round(limit * 100)) < 1e-9 else 1
    end = POINTS.counted(size(limit, digits))
    less = f"{end} {plain(chart.get('less', 'less'))}"
    more = f"{end} {plain(chart.get('more', 'more'))}"
    if not variant.wide:
        less, more = f"−{size(limit, digits)}", f"+{end}"
    left = 0.0 if len(plan.blocks) > 1 or not variant.wide else plan.left
    start = left + width(less, 12) + 10
    stop = start + (180 if variant.wide else 84)
    canvas.texts([(left, y, less)], size=12, color=INK2)
    canvas.rects([(start, y - 6, stop, y + 6, SCALE_FILL)])
    canvas.texts([(stop + 10, y, more)], size=12, color=INK2)
    if all(c["status"] != "below-floor" for c in chart["cells"]):
        return
    at = stop + 10 + width(more, 12) + (36 if variant.wide else 18)
    floor = chart.get("floor")
    text = (
        _("Under the floor of {floor} people: not compared").format(floor=count(floor))
        if floor
        else ""
    )
    if not text or at + 24 + width(text, 12) > variant.width:
        text = _("Under the floor")
    if at + 24 + width(text, 12) > variant.width:
        return
    canvas.rects([(at, y - 6, at + 16, y + 6, HATCH_AREA)])
    box = ((at, y - 6, at + 16, y - 6), (at, y + 6, at + 16, y + 6))
    ends = ((at, y - 6, at, y + 6), (at + 16, y - 6, at + 16, y + 6))
    canvas.rules([(*edge, LINE2) for edge in (*box, *ends)], width=1)
    canvas.texts([(at + 24, y, text)], size=12, color=INK2)
