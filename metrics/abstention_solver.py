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
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from metrics.abstention_core import Solver
from metrics.abstention_windows import ROUNDING, Answer, Family, Floats, Program

#: Lower edges tried along one rate, along each of two, and around the best.
SWEEP, SWEEP_TWO, AROUND = 25, 11, 9
#: Distances from the edges of a solution that are tried for a program almost the same.
NEARBY = (-0.03, -0.01, 0.0, 0.01, 0.03)
_NARROW = 1e-5


#: A value, the edges it was found at, and the variables.
Trial = tuple[float, dict[str, float], Floats]


def solve(
    program: Program,
    tick: Callable[[], None] | None = None,
    *,
    near: Mapping[str, float] | None = None,
    quick: bool = False,
) -> Answer:
    """Widen the windows as little as possible, then least errors, then least burden.

    Parameters
    ----------
    program
        What to solve.
    tick
        Called before every solve; may raise to stop.
    near
        Edges of a solution of almost the same program: only edges near them are tried.
    quick
        Aim at errors and burden in one solve, and do not round: for intervals.
    """
    sweep = _Sweep(program, tick, whole=False if quick else None, near=near)
    sweep.quick = quick
    return sweep.solve()


def least(
    program: Program, objective: Floats, tick: Callable[[], None] | None = None
) -> float | None:
    """Least value of a linear function of the variables within the windows, not rounded.

    Returns
    -------
    float or None
        None where the windows cannot be kept.
    """
    solver = _Sweep(program, tick, whole=False)
    found = solver.best(objective)
    return None if found is None else found[0]


def prices(program: Program, answer: Answer) -> dict[tuple[str, int], float]:
    """Errors removed by one more unit on the right of each row, from the linear relaxation.

    Rows of windows are ``("high", family)``: errors removed by one more unit of width.
    """
    solver = _Sweep(program, None, whole=False)
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


class _Sweep(Solver):
    """A program whose lower edges are swept."""

    def __init__(
        self,
        program: Program,
        tick: Callable[[], None] | None,
        whole: bool | None = None,
        near: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(program, tick, whole)
        self.near = near
        self.spans: dict[str, list[tuple[Floats, Floats, float]]] = {}

    def grid(self, widen: float = 0.0) -> list[dict[str, float]]:
        """Edges to try; one empty set where none has to be fixed, none where none can do."""
        names = self.program.edges
        spans = {name: self._span(name, widen) for name in names}
        if any(low > high for low, high in spans.values()):
            return []
        if self.near is not None:
            offsets = NEARBY if len(names) < 2 else NEARBY[::2]
            given = self.near
            return _product(
                {n: [min(max(given[n] + o, 0.0), 1.0) for o in offsets] for n in names}
            )
        points = SWEEP if len(names) < 2 else SWEEP_TWO
        return _product({n: np.linspace(*span, points).tolist() for n, span in spans.items()})

    def around(self, edges: Mapping[str, float], finer: int) -> list[dict[str, float]]:
        """Edges between the neighbours of a set on the grid, or between theirs."""
        names = self.program.edges
        if self.near is not None:
            return []
        offsets = np.linspace(-1.0, 1.0, AROUND if len(names) < 2 else AROUND // 2)
        offsets = offsets[np.abs(offsets) > ROUNDING]
        values: dict[str, list[float]] = {}
        for name in names:
            low, high = self._span(name, 1.0)
            step = (high - low) / (SWEEP if len(names) < 2 else SWEEP_TWO) / (AROUND / 2) ** finer
            values[name] = np.clip(edges[name] + step * offsets, 0.0, 1.0).tolist()
            if len(names) > 1:
                values[name].append(edges[name])
        return _product(values)

    def _span(self, name: str, widen: float) -> tuple[float, float]:
        """Where the lower edge can lie, from the rates that each member can have by itself."""
        if not self.spans:
            self.spans = {f.edge: [] for f in self.program.families if f.swept}
            for family in self.program.families:
                if family.swept:
                    low, high = self._reach(family)
                    self.spans[family.edge].append((low, high, family.width))
        listed = self.spans[name]
        first = max(float(low.max()) - width - widen for low, _, width in listed)
        last = min(float(high.min()) for _, high, _ in listed)
        return (max(first, 0.0) if first <= last else first), min(last, 1.0)

    def _reach(self, family: Family) -> tuple[Floats, Floats]:
        """Smallest and largest rate of each member, by Charnes and Cooper's program.

        The programs of all members and both ends stand side by side in one.
        """
        if self.tick is not None:
            self.tick()
        program = self.program
        some = np.flatnonzero(program.upper > 0.0)
        rows = np.vstack([program.rows[:, some], np.eye(some.size)])
        limits = np.concatenate([program.limits, program.upper[some]])
        size = np.repeat(family.bottom0, 2)
        sign = np.tile([1.0, -1.0], family.bottom0.size)
        bottom = np.repeat(family.bottom[:, some], 2, axis=0)
        goal = np.repeat(np.column_stack([family.top[:, some], family.top0]), 2, axis=0)
        goal[:, -1] /= size
        r, c = np.nonzero(rows)
        blocks = np.arange(size.size)[:, None]
        high, wide = len(rows) + 1, some.size + 1

        def placed(row: Any, column: Any, value: Any) -> tuple[Any, Any, Any]:
            shape = np.broadcast_shapes(np.shape(row), np.shape(column), np.shape(value))
            at = [np.broadcast_to(v, shape).ravel() for v in (row, column, value)]
            return at[0], at[1], at[2]

        every = np.arange(len(rows))
        entries = [
            placed(blocks * high + r, blocks * wide + c, rows[r, c]),
            placed(blocks * high + every, blocks * wide + wide - 1, -limits / size[:, None]),
            placed(blocks * high + high - 1, blocks * wide + np.arange(some.size), bottom),
            placed(blocks * high + high - 1, blocks * wide + wide - 1, 1.0),
        ]
        row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
        shape = (high * size.size, wide * size.size)
        matrix = sparse.csc_array((value, (row, column)), shape=shape)
        top = np.tile(np.append(np.zeros(len(rows)), 1.0), size.size)
        found: Any = milp(
            (sign[:, None] * goal).ravel(),
            bounds=Bounds(0.0, np.inf),
            constraints=LinearConstraint(matrix, np.where(top > 0.0, 1.0, -np.inf), top),
        )
        if found.x is None:
            return np.zeros(family.bottom0.size), np.ones(family.bottom0.size)
        rates = (goal * np.reshape(found.x, (size.size, wide))).sum(axis=1)
        return rates[::2], rates[1::2]

    def _separable(self) -> bool:
        """Whether each member of the one swept family has variables and rows of its own."""
        families = self.program.families
        if len(families) != 1 or not families[0].swept:
            return False
        mine = (families[0].top != 0.0) | (families[0].bottom != 0.0)
        touched = (self.program.rows != 0.0).astype(float) @ mine.T.astype(float) > 0.0
        return bool(
            mine.sum(axis=0).max(initial=0) <= 1 and touched.sum(axis=1).max(initial=0) <= 1
        )

    def best(self, objective: Floats) -> Trial | None:
        """Least value over the grid and then around its best, not rounded."""
        return min(self._tried(self.pad(objective)), key=_value, default=None)

    def _tried(self, full: Floats) -> list[Trial]:
        """Least values not rounded, with the edges they were found at."""
        tried = self._some(full, 0.0, self.grid())
        for finer in (0, 1) if self.program.edges else ():
            if tried:
                tried += self._some(full, 0.0, self.around(min(tried, key=_value)[1], finer))
        return tried

    def _some(self, full: Floats, widen: float, grid: list[dict[str, float]]) -> list[Trial]:
        out = []
        for edges in grid:
            found = self.run(full, edges, widen=widen, whole=False)
            if found is not None:
                out.append((found[0], edges, found[1]))
        return out

    def solve(self) -> Answer:
        if not self.program.edges:
            return self.direct()
        tried = self._tried(self.aim())
        if tried:
            answer = self._rounded(tried, 0.0)
            if answer is not None:
                return answer
        return self._widened()

    def _rounded(self, tried: list[Trial], widen: float) -> Answer | None:
        """The best edges: relaxed values are bounds, so most need no rounding."""
        if not self.whole:
            value, edges, x = min(tried, key=_value)
            return self.sparing((value, x), edges, widen)
        full = self.aim()
        best: tuple[float, Floats] | None = None
        at: dict[str, float] = {}
        for bound, edges, _ in sorted(tried, key=_value):
            if best is not None and math.ceil(bound - 1e-6) >= round(best[0]):
                break
            found = self.run(full, edges, widen=widen)
            if found is not None and (best is None or found[0] < best[0]):
                best, at = found, edges
        return None if best is None else self.sparing(best, at, widen)

    def _widened(self) -> Answer:
        """The least widening, and the least errors with it."""
        elastic = [f for f in self.program.families if f.elastic and f.swept]
        nothing = np.zeros(self.v)
        most = max((f.gap(nothing) - f.width for f in elastic), default=0.0)
        widen, at = self._narrowest(max(most, 0.0) + ROUNDING)
        zero, step = self.pad(nothing), _NARROW
        while self.whole and widen < most and self.run(zero, at, widen=widen) is None:
            widen, step = widen + step, 2.0 * step
        if widen >= most:
            widen, at = max(most, 0.0) + ROUNDING, self.lowest(nothing)
        tried = self._some(self.aim(), widen, [at])
        answer = self._rounded(tried, widen) if tried else None
        if answer is None:
            return Answer(nothing, self.program.errors0, widen, at, False)
        reached = max(f.gap(answer.x) - f.width for f in elastic)
        excess = max(min(widen, reached), 0.0)
        return Answer(answer.x, answer.errors, excess, answer.edges, answer.proved)

    def _narrowest(self, most: float) -> tuple[float, dict[str, float]]:
        """Least widening of the relaxed program and its edges."""
        best, at = most, self.lowest(np.zeros(self.v))
        if self._separable():
            family = self.program.families[0]
            _, high = self._span(family.edge, 0.0)
            low = max(float(low.max()) for low, _, _ in self.spans[family.edge])
            gain = max(low - high - family.width, 0.0) + 2e-7
            return (gain, {family.edge: max(high - 1e-7, 0.0)}) if gain < best else (best, at)
        for finer in (None, 0, 1):
            for edges in self.grid(best) if finer is None else self.around(at, finer):
                found = self._narrower(edges, best)
                if found < best - _NARROW:
                    best, at = found, edges
        return best, at

    def _narrower(self, edges: Mapping[str, float], best: float) -> float:
        """Least widening at these edges where it is below the best, by Dinkelbach's steps.

        References
        ----------
        Crouzeix, Ferland, Schaible, An algorithm for generalized fractional programs, Journal
        of Optimization Theory and Applications 47, 1985.
        """
        families = [f for f in self.program.families if f.elastic and f.swept]
        widen = best - _NARROW
        while widen > 0.0:
            found = self._run_slack(edges, widen)
            if found is None:
                break
            rates = [(f, f.rates(found)) for f in families]
            reached = max(
                float(np.nanmax(r)) - edges[f.edge] - f.width for f, r in rates if r.size
            )
            best, last = min(best, max(reached, 0.0)), widen
            widen = best - _NARROW
            if last - widen < _NARROW:
                break
        return best

    def _run_slack(self, edges: Mapping[str, float], widen: float) -> Floats | None:
        """Variables that leave most room below the upper edges, or None."""
        if self.tick is not None:
            self.tick()
        rows, limits = self.matrix(edges, widen)
        start = len(self.program.names)
        for family in self.program.families:
            size = family.top0.size
            if family.elastic and family.swept:
                rows[start + size : start + 2 * size, -1] = family.bottom0
            start += 2 * size
        upper = np.concatenate([self.program.upper, np.ones(self.free + 1)])
        goal = np.zeros(upper.size)
        goal[-1] = -1.0
        found: Any = milp(
            goal, bounds=Bounds(0.0, upper), constraints=LinearConstraint(rows, -np.inf, limits)
        )
        return None if found.x is None else np.asarray(found.x[: self.v], np.float64)


def _value(found: Trial) -> float:
    return found[0]


def _product(values: Mapping[str, list[float]]) -> list[dict[str, float]]:
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]
