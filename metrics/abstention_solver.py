"""Least errors under windows on rates: linear or integer, solved in a fixed order of aims.

A window asks that the rates of its members lie within a width of each other. Where their
denominators are constant its lower edge is a variable of the program; where people who are left
out leave the denominator too, the program is linear for each fixed edge, and edges are swept.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from metrics.abstention_windows import ROUNDING, Answer, Floats, Program

#: Lower edges tried along one rate, along each of two, and around the best.
SWEEP, SWEEP_TWO, AROUND = 101, 21, 11
#: Seconds after which a solve is cut off; what it found is kept and marked as not proved.
LIMIT = 4.0
_NARROW = 1e-5


def solve(program: Program, tick: Callable[[], None] | None = None) -> Answer:
    """Widen the windows as little as possible, then least errors, then least burden.

    Parameters
    ----------
    program
        What to solve.
    tick
        Called before every solve; may raise to stop.
    """
    return _Solver(program, tick).solve()


def least(
    program: Program, objective: Floats, tick: Callable[[], None] | None = None
) -> float | None:
    """Least value of a linear function of the variables within the windows, not rounded.

    Returns
    -------
    float or None
        None where the windows cannot be kept.
    """
    solver = _Solver(program, tick, whole=False)
    found = solver.best(objective, 0.0, solver.grid())
    return None if found is None else found[0]


def prices(program: Program, answer: Answer) -> dict[tuple[str, int], float]:
    """Errors removed by one more unit on the right of each row, from the linear relaxation.

    Rows of windows are ``("high", family)``: errors removed by one more unit of width.
    """
    solver = _Solver(program, None, whole=False)
    # The lower edges of the answer itself: with those it is feasible whatever was rounded.
    rows, limits = solver.matrix(solver.lowest(answer.x), answer.excess + 2.0 * ROUNDING)
    upper = [*program.upper, *[1.0] * solver.free, answer.excess + ROUNDING]
    found = linprog(
        solver.pad(program.errors), A_ub=rows, b_ub=limits, method="highs",
        bounds=[(0.0, top) for top in upper],
    )  # fmt: skip
    if found.status != 0:
        return {}
    dual = -np.asarray(found.ineqlin.marginals)
    out = {name: float(dual[i]) for i, name in enumerate(program.names)}
    start = len(program.names)
    for index, family in enumerate(program.families):
        size = family.top0.size
        below = family.bottom0 + family.bottom @ answer.x
        out[("high", index)] = float(dual[start + size : start + 2 * size] @ below)
        start += 2 * size
    return out


class _Solver:
    """One program; columns are its variables, free lower edges, and what windows gain."""

    def __init__(
        self, program: Program, tick: Callable[[], None] | None, whole: bool | None = None
    ) -> None:
        self.program = program
        self.tick = tick
        self.whole = program.whole if whole is None else whole
        self.v = program.errors.size
        self.free = sum(not family.swept for family in program.families)
        self.proved = True

    def pad(self, objective: Floats) -> Floats:
        out = np.zeros(self.v + self.free + 1)
        out[: self.v] = objective
        return out

    def matrix(self, edges: Mapping[str, float], widen: float = 0.0) -> tuple[Floats, Floats]:
        """Rows of the program and of its windows: all low ones of a family, then all high."""
        program = self.program
        blocks = [np.hstack([program.rows, np.zeros((len(program.rows), self.free + 1))])]
        limits = [program.limits]
        column = self.v
        for family in program.families:
            size = family.top0.size
            low = np.zeros((size, self.v + self.free + 1))
            high = low.copy()
            if family.swept:
                low_edge = edges[family.edge]
                high_edge = low_edge + family.width + (widen if family.elastic else 0.0)
                low[:, : self.v] = low_edge * family.bottom - family.top
                high[:, : self.v] = family.top - high_edge * family.bottom
                limits += [
                    family.top0 - low_edge * family.bottom0,
                    high_edge * family.bottom0 - family.top0,
                ]
            else:
                low[:, : self.v], high[:, : self.v] = -family.top, family.top
                low[:, column], high[:, column] = family.bottom0, -family.bottom0
                if family.elastic:
                    high[:, -1] = -family.bottom0
                limits += [family.top0, family.width * family.bottom0 - family.top0]
                column += 1
            blocks += [low, high]
        return np.vstack(blocks), np.concatenate(limits)

    def run(
        self,
        objective: Floats,
        edges: Mapping[str, float],
        *,
        widen: float = 0.0,
        most: float | None = None,
        whole: bool | None = None,
    ) -> tuple[float, Floats] | None:
        """Least value and variables, or None where nothing is feasible.

        Parameters
        ----------
        objective
            Over all columns.
        edges, widen
            Fixed edges and what the windows may gain.
        most
            Limit on the errors.
        whole
            Whether to round; as the program wants where None.
        """
        if self.tick is not None:
            self.tick()
        whole = self.whole if whole is None else whole
        rows, limits = self.matrix(edges, widen)
        if most is not None:
            rows = np.vstack([rows, self.pad(self.program.errors)])
            limits = np.append(limits, most - self.program.errors0)
        upper = np.concatenate([self.program.upper, np.ones(self.free), [widen]])
        kinds = np.zeros(objective.size)
        kinds[: self.v] = whole
        found: Any = milp(
            objective,
            integrality=kinds,
            bounds=Bounds(np.zeros(objective.size), upper),
            constraints=LinearConstraint(rows, -np.inf, limits) if len(rows) else None,
            options={"mip_rel_gap": 0.0, "time_limit": LIMIT},
        )
        if found.x is None:
            self.proved &= found.status == 2
            return None
        self.proved &= found.status == 0
        x = np.clip(np.asarray(found.x, np.float64), 0.0, upper)
        if whole:
            x[: self.v] = np.round(x[: self.v])
        return float(found.fun), x

    def grid(self) -> list[dict[str, float]]:
        """Edges to try; one empty set where none has to be fixed."""
        names = self.program.edges
        values = np.linspace(0.0, 1.0, SWEEP if len(names) < 2 else SWEEP_TWO).tolist()
        return _product(dict.fromkeys(names, values))

    def around(self, edges: Mapping[str, float]) -> list[dict[str, float]]:
        """Edges between the neighbours of a set on the grid."""
        names = self.program.edges
        step = 1.0 / ((SWEEP if len(names) < 2 else SWEEP_TWO) - 1)
        offsets = np.linspace(-step, step, AROUND)
        near = {n: np.clip(edges[n] + offsets, 0.0, 1.0).tolist() for n in names}
        return _product(near)

    def best(
        self, objective: Floats, widen: float, grid: list[dict[str, float]]
    ) -> tuple[float, dict[str, float]] | None:
        """Least value over the grid and then around its best, not rounded."""
        full = self.pad(objective)
        found = self._scan(full, widen, grid)
        if found is not None and self.program.edges:
            found = min(found, *self._some(full, widen, self.around(found[1])), key=_value)
        return found

    def _scan(
        self, full: Floats, widen: float, grid: list[dict[str, float]]
    ) -> tuple[float, dict[str, float]] | None:
        return min(self._some(full, widen, grid), key=_value, default=None)

    def _some(
        self, full: Floats, widen: float, grid: list[dict[str, float]]
    ) -> list[tuple[float, dict[str, float]]]:
        out = []
        for edges in grid:
            found = self.run(full, edges, widen=widen, whole=False)
            if found is not None:
                out.append((found[0], edges))
        return out

    def solve(self) -> Answer:
        if not self.program.edges:
            return self._direct()
        full = self.pad(self.program.errors)
        tried = self._some(full, 0.0, self.grid())
        if tried:
            tried += self._some(full, 0.0, self.around(min(tried, key=_value)[1]))
            answer = self._rounded(tried, 0.0)
            if answer is not None:
                return answer
        return self._widened()

    def _direct(self) -> Answer:
        """Windows with free edges: three solves at most."""
        full = self.pad(self.program.errors)
        found, widen = self.run(full, {}), 0.0
        if found is None:
            gain = np.zeros(full.size)
            gain[-1] = 1.0
            narrow = self.run(gain, {}, widen=1.0)
            widen = 1.0 if narrow is None else narrow[0] * (1.0 + ROUNDING) + ROUNDING
            found = self.run(full, {}, widen=widen)
        if found is None:
            return Answer(np.zeros(self.v), self.program.errors0, widen, {}, False)
        return self._sparing(found, {}, widen)

    def _sparing(
        self, found: tuple[float, Floats], edges: Mapping[str, float], widen: float
    ) -> Answer:
        """Of all solutions with these errors, one with the least burden."""
        program = self.program
        errors = found[0] + program.errors0
        room = 1e-6 if self.whole else 1e-9 * max(1.0, errors)
        spare = self.run(self.pad(program.burden), edges, widen=widen, most=errors + room)
        x = (found if spare is None else spare)[1][: self.v]
        return Answer(
            x, program.errors0 + float(program.errors @ x), widen, dict(edges), self.proved
        )

    def _rounded(self, tried: list[tuple[float, dict[str, float]]], widen: float) -> Answer | None:
        """The best edges: relaxed values are bounds, so most need no rounding."""
        full = self.pad(self.program.errors)
        best: tuple[float, Floats] | None = None
        at: dict[str, float] = {}
        for bound, edges in sorted(tried, key=_value):
            if best is not None and (not self.whole or math.ceil(bound - 1e-6) >= round(best[0])):
                break
            found = self.run(full, edges, widen=widen)
            if found is not None and (best is None or found[0] < best[0]):
                best, at = found, edges
        return None if best is None else self._sparing(best, at, widen)

    def _widened(self) -> Answer:
        """The least widening found in a sweep, and the least errors with it."""
        zero = self.pad(np.zeros(self.v))
        elastic = [f for f in self.program.families if f.elastic and f.swept]
        nothing = np.zeros(self.v)
        most = max((f.gap(nothing) - f.width for f in elastic), default=0.0)
        best = max(most, 0.0) + ROUNDING
        at = self.lowest(nothing)
        for near in (False, True):
            for edges in self.around(at) if near else self.grid():
                trial = best - _NARROW
                if trial > 0.0 and self.run(zero, edges, widen=trial, whole=False) is not None:
                    best, at = self._bisect(edges, trial), edges
        step, widen = _NARROW, best
        while self.whole and widen < most and self.run(zero, at, widen=widen) is None:
            widen, step = widen + step, 2.0 * step
        if widen >= most:
            widen, at = max(most, 0.0) + ROUNDING, self.lowest(nothing)
        tried = self._some(self.pad(self.program.errors), widen, [at, *self.around(at)])
        answer = self._rounded(tried, widen)
        if answer is None:
            return Answer(nothing, self.program.errors0, widen, at, False)
        reached = max(f.gap(answer.x) - f.width for f in elastic)
        return Answer(
            answer.x, answer.errors, max(min(widen, reached), 0.0), answer.edges, answer.proved
        )

    def _bisect(self, edges: Mapping[str, float], high: float) -> float:
        zero, low = self.pad(np.zeros(self.v)), 0.0
        while high - low > _NARROW:
            middle = (low + high) / 2.0
            if self.run(zero, edges, widen=middle, whole=False) is None:
                low = middle
            else:
                high = middle
        return high

    def lowest(self, x: Floats) -> dict[str, float]:
        """Lower edges at these values of the variables."""
        out: dict[str, float] = {}
        for family in self.program.families:
            rates = family.rates(x)
            rates = rates[np.isfinite(rates)]
            if family.swept and rates.size:
                low = max(float(rates.min()) - ROUNDING, 0.0)
                out[family.edge] = min(low, out.get(family.edge, 1.0))
        return {name: out.get(name, 0.0) for name in self.program.edges}


def _value(found: tuple[float, Any]) -> float:
    return found[0]


def _product(values: Mapping[str, list[float]]) -> list[dict[str, float]]:
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]
