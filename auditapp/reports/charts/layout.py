"""Scales, ticks and labels that make way for one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_PLACES = 20


@dataclass(frozen=True)
class Scale:
    """A linear scale from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def step(span: float, target: int) -> float:
    """The 1-2-5 step that gives about so many ticks."""
    raw = span / max(target, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 5, 10):
        if raw <= factor * power * 1.0000001:
            return factor * power
    return 10 * power


def ticks(low: float, high: float, target: int) -> list[float]:
    """Multiples of a nice step inside the range."""
    size = step(high - low, target)
    first = math.ceil(low / size - 1e-9)
    last = math.floor(high / size + 1e-9)
    places = max(10, 2 - math.floor(math.log10(size)))
    return [round(i * size, places) for i in range(first, last + 1)]


def decimals(values: Sequence[float]) -> int:
    """Decimals that all these ticks need."""
    apart = min((b - a for a, b in pairwise(sorted(values)) if b > a), default=1.0)
    near = min(1e-9, apart * 1e-6)
    fits = (d for d in range(MOST_PLACES) if all(abs(round(v, d) - v) < near for v in values))
    return next(fits, MOST_PLACES)


def log_ticks(high: float, target: int) -> list[float]:
    """Powers of ten from 1 to the value, thinned to about the target."""
    last = max(1, math.floor(math.log10(high) + 1e-9))
    every = max(1, math.ceil(last / max(target, 1)))
    return [10.0**i for i in range(0, last + 1, every)]


def dodge(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least ``gap`` apart, in the same order, as near as may be to the wanted."""
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    blocks: list[list[float]] = []  # start of the block, number of members, sum of wanted starts
    for i in order:
        blocks.append([wanted[i], 1, wanted[i]])
        while len(blocks) > 1 and blocks[-2][0] + blocks[-2][1] * gap > blocks[-1][0]:
            last = blocks.pop()
            mine = blocks[-1]
            mine[2] += last[2] - last[1] * mine[1] * gap
            mine[1] += last[1]
            mine[0] = mine[2] / mine[1]
    placed = [start + k * gap for start, members, _ in blocks for k in range(int(members))]
    for k in range(len(placed)):
        floor = low if k == 0 else placed[k - 1] + gap
        placed[k] = max(placed[k], floor)
    for k in reversed(range(len(placed))):
        roof = high if k == len(placed) - 1 else placed[k + 1] - gap
        placed[k] = min(placed[k], roof)
    result = [0.0] * len(wanted)
    for position, i in zip(placed, order, strict=True):
        result[i] = position
    return result


def chunks(n: int, most: int) -> list[slice]:
    """Slices of nearly equal length, none longer than ``most``."""
    parts = max(1, math.ceil(n / most))
    edges = [round(i * n / parts) for i in range(parts + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]
