"""Where the names of marks may stand in a crowded picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from auditapp.reports.charts.measure import width

Point = tuple[float, float]

#: Weight of text, which nothing may cover.
NAME = 8.0
#: Weight of a mark.
MARK = 3.0


class Box(NamedTuple):
    """A rectangle of pixels, y growing downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: Box) -> float:
        """Area of what two boxes share."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across * down if across > 0 and down > 0 else 0.0


class Obstacle(NamedTuple):
    """A box that a name should keep off, and how much it matters."""

    box: Box
    weight: float = 1.0


@dataclass(frozen=True)
class Placed:
    """A name and where it stands: middle of its height, left edge."""

    x: float
    y: float
    text: str


#: Steps from a mark to its name, nearest first: side of the mark, and how far up or down.
_STEPS = (
    (1, 0), (1, 14), (1, -14), (-1, 0), (-1, 14), (-1, -14), (0, 20), (0, -20),
    (1, 28), (1, -28), (-1, 28), (-1, -28), (0, 36), (0, -36), (1, 46), (-1, 46), (0, 56),
)  # fmt: skip

#: Steps for a letter, which has to stand at its own mark.
_NEAR = ((1, 0), (1, -8), (1, 8), (-1, 0), (-1, -8), (-1, 8), (0, -12), (0, 12))


def along(points: Sequence[Point], thick: float, weight: float) -> list[Obstacle]:
    """Boxes around the pieces of a line."""
    return [
        Obstacle(
            Box(min(a[0], b[0]) - thick, min(a[1], b[1]) - thick, max(a[0], b[0]) + thick,
                max(a[1], b[1]) + thick),
            weight,
        )
        for a, b in pairwise(points)
    ]  # fmt: skip


def around(at: Point, half: float, weight: float = MARK) -> Obstacle:
    """The box of a mark."""
    return Obstacle(Box(at[0] - half, at[1] - half, at[0] + half, at[1] + half), weight)


def place(
    text: str,
    marks: Iterable[Point],
    obstacles: Sequence[Obstacle],
    room: Box,
    *,
    size: float,
    weight: int = 600,
    reach: float = 12.0,
    near: bool = False,
) -> Placed | None:
    """The place near one of the marks where a name covers least; None where nothing fits.

    Names never stand on one another: one without a place is left to the legend. A text that is
    to be `near` stays at its mark.
    """
    long, tall = width(text, size, weight), size + 3
    best: tuple[float, Placed] | None = None
    for nth, (x, y) in enumerate(marks):
        for step, (side, down) in enumerate(_NEAR if near else _STEPS):
            left = x + reach if side > 0 else x - reach - long if side < 0 else x - long / 2
            middle = y + down
            box = Box(left - 2, middle - tall / 2, left + long + 2, middle + tall / 2)
            if box.left < room.left or box.right > room.right:
                continue
            if box.top < room.top or box.bottom > room.bottom:
                continue
            if any(o.weight >= NAME and box.shared(o.box) for o in obstacles):
                continue
            if near and any(o.weight >= MARK and box.shared(o.box) > 10 for o in obstacles):
                continue
            cost = sum(box.shared(o.box) * o.weight for o in obstacles) + 6 * step + 0.5 * nth
            if best is None or cost < best[0]:
                best = cost, Placed(left, middle, text)
    return None if best is None else best[1]


def box_of(placed: Placed, size: float, weight: int = 600) -> Obstacle:
    """The box a name takes, for the names that come after it."""
    half = size / 2 + 2
    right = placed.x + width(placed.text, size, weight)
    return Obstacle(Box(placed.x - 4, placed.y - half, right + 4, placed.y + half), NAME)
