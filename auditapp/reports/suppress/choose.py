"""Which cells a copy hides: the small ones, and as many others as keep sums from telling them.

Along one sum it is enough to hide two or more parts whose hidden people are `smallest` or more of
every count. Where attributes cross, sums can be combined, so what a reader could work out is
looked at as a whole: for every small count the least and the most it could be, by linear
programming over everything the copy shows, have to lie `smallest` - 1 apart or more.

Somebody may hold copies of two sizes. What a copy hides, copies of larger sizes hide too, so that
two of them show no more than the one of the smaller size.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from auditapp.reports.suppress.cells import KINDS, SIZE, Cell, Cells, Line

Floats = NDArray[np.float64]


#: Sizes that are offered; a copy begins with what those of smaller ones hide.
SIZES = (5, 10, 20, 50)


def choose(found: Cells, smallest: int) -> None:
    """Mark in every cell what is hidden."""
    for size in (*(size for size in SIZES if size < smallest), smallest):
        _choose(found, size)


def _choose(found: Cells, smallest: int) -> None:
    parts = {id(c): c for line in found.lines for c in line.cells}
    for cell in chain(found.groups.values(), parts.values()):
        for kind in KINDS:
            if _telling(cell, kind, smallest):
                cell.hide(kind)
        if cell.outside and cell.name:
            cell.hide(SIZE)  # no report says how many people of a group its parts leave out
    passed: set[tuple[int, int, str]] = set()
    again = True
    while again:
        again = False
        for kind in KINDS:
            for line in found.lines:
                again |= _close(line, kind, smallest)
        if not again:
            again = _audit(found, smallest, passed)


def small(count: int, smallest: int) -> bool:
    """Whether a count is of somebody, and of too few."""
    return 0 < count < smallest


def _close(line: Line, kind: int, smallest: int) -> bool:
    """Hide one more cell of a sum that gives a hidden one away; whether one was."""
    secret = [part for part in line.parts if kind in part.hidden]
    if kind in line.whole.hidden:
        return not secret and _hide_another(line, kind)
    if not any(not part.outside or _telling(part, kind, smallest) for part in secret):
        return False
    if len(secret) > 1 and _enough(line, kind, secret, smallest):
        return False
    return _hide_another(line, kind)


def _telling(cell: Cell, kind: int, smallest: int) -> bool:
    """Whether a count of this kind is of too few."""
    return any(small(count, smallest) for count in cell.counts[kind].values())


def _enough(line: Line, kind: int, secret: list[Cell], smallest: int) -> bool:
    sums = (sum(part.counts[kind][name] for part in secret) for name in line.names(kind))
    return not any(small(total, smallest) for total in sums)


def _hide_another(line: Line, kind: int) -> bool:
    """Hide the smallest part that is shown, else the whole."""
    shown = [part for part in line.parts if kind not in part.hidden]
    if shown:
        return min(shown, key=lambda part: (part.n, part.outside, part.name)).hide(kind)
    return line.whole.hide(kind)


def _audit(found: Cells, smallest: int, passed: set[tuple[int, int, str]]) -> bool:
    """Hide more where what is shown still narrows a small count down; whether it did.

    `passed` are the counts that were found wide enough: hiding more only makes them wider.
    """
    if all(len(cell.name) < 2 for cell in found.groups.values()):
        return False  # one sum for each attribute: what _close asks for is exact
    for kind in KINDS:
        narrow = [cell for name in _names(found, kind)
                  for cell in _narrow(found, kind, name, smallest, passed)]  # fmt: skip
        if sum(_widen(found, kind, cell) for cell in dict.fromkeys(narrow)):
            return True
    return False


def _names(found: Cells, kind: int) -> list[str]:
    return list(dict.fromkeys(n for cell in found.groups.values() for n in cell.counts[kind]))


def _narrow(
    found: Cells, kind: int, name: str, smallest: int, passed: set[tuple[int, int, str]]
) -> Iterator[Cell]:
    """Cells whose small count a reader could narrow down too far."""
    system = _System(found, kind, name)
    for place, cell in enumerate(system.cells):
        count = cell.counts[kind][name]
        mark = (id(cell), kind, name)
        if not small(count, smallest) or mark in passed:
            continue
        if system.wide(place, count, smallest - 1 - 1e-6):
            passed.add(mark)
        else:
            yield cell


def _widen(found: Cells, kind: int, cell: Cell) -> bool:
    """Hide another cell in a sum of this one, or in a sum of a cell that shares one with it."""
    reached = [cell]
    for _ in range(3):
        lines = [line for line in found.lines if any(c in reached for c in line.cells)]
        shown = [p for line in lines for p in line.parts if kind not in p.hidden]
        if shown:
            return min(shown, key=lambda part: (part.n, part.outside, part.name)).hide(kind)
        wholes = [line.whole for line in lines if kind not in line.whole.hidden]
        if wholes:
            return min(wholes, key=lambda whole: (whole.n, whole.name)).hide(kind)
        reached = [c for line in lines for c in line.cells]
    return False


class _System:
    """What the copy tells of one count: hidden cells are unknowns, every sum is an equation."""

    def __init__(self, found: Cells, kind: int, name: str) -> None:
        lines = [line for line in found.lines if name in set(line.names(kind))]
        cells = {id(c): c for line in lines for c in line.cells if kind in c.hidden}
        self.cells = list(cells.values())
        place = {number: i for i, number in enumerate(cells)}
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        right: list[float] = []
        for line in lines:
            terms: dict[int, float] = {}
            known = 0.0
            for cell in line.cells:
                sign = -1.0 if cell is line.whole else 1.0
                if id(cell) in place:
                    terms[place[id(cell)]] = sign
                else:
                    known += sign * cell.counts[kind][name]
            if not terms:
                continue
            rows += [len(right)] * len(terms)
            columns += terms
            values += terms.values()
            right.append(-known)
        shape = (len(right), len(self.cells))
        self.left: Any = csr_array((values, (rows, columns)), shape=shape)
        self.right: Floats = np.array(right)
        self.bounds = [(0.0, cell.cap(name)) for cell in self.cells]

    def wide(self, place: int, count: int, width: float) -> bool:
        """Whether the least and the most that this cell could be lie so far apart.

        The true `count` lies between the two, so that one of them is often enough.
        """
        most = self._end(place, -1.0)
        return most - count >= width or most - self._end(place, 1.0) >= width

    def _end(self, place: int, sign: float) -> float:
        cost = np.zeros(len(self.cells))
        cost[place] = sign
        solved = linprog(cost, A_eq=self.left, b_eq=self.right, bounds=self.bounds, method="highs")
        if solved.status == 3:  # nothing holds it on this side
            return float("inf") if sign < 0 else 0.0
        if not solved.success:
            raise ArithmeticError(f"what a copy shows could not be looked at: {solved.message}")
        return float(sign * solved.fun)
