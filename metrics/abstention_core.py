"""One linear or integer program with windows: its rows, a solve, and windows with free edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from metrics.abstention_windows import ROUNDING, Answer, Floats, Program

#: Seconds after which a solve is cut off; what it found is kept and marked as not proved.
LIMIT = 4.0


class Solver:
    """One program; columns are its variables, free lower edges, and what windows gain."""

    def __init__(
        self,
        program: Program,
        tick: Callable[[], None] | None,
        whole: bool | None = None,
    ) -> None:
        self.program = program
        self.tick = tick
        self.whole = program.whole if whole is None else whole
        self.v = program.errors.size
        self.free = sum(not family.swept for family in program.families)
        self.proved = True
        self.quick = False

    def pad(self, objective: Floats) -> Floats:
        out = np.zeros(self.v + self.free + 1)
        out[: self.v] = objective
        return out

    def aim(self) -> Floats:
        """Errors; where solved quickly, with a trace of the burden instead of a second solve."""
        trace = 1e-6 if self.quick else 0.0
        return self.pad(self.program.errors + trace * self.program.burden)

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
            # Each option costs more to check than a small program to solve.
            options={"mip_rel_gap": 0.0, "time_limit": LIMIT} if whole else None,
        )
        if found.x is None:
            self.proved &= found.status == 2
            return None
        self.proved &= found.status == 0
        x = np.clip(np.asarray(found.x, np.float64), 0.0, upper)
        if whole:
            x[: self.v] = np.round(x[: self.v])
        return float(found.fun), x

    def direct(self) -> Answer:
        """Windows with free edges: four solves at most."""
        full = self.aim()
        found, widen = self.run(full, {}), 0.0
        if found is None:
            gain = np.zeros(full.size)
            gain[-1] = 1.0
            narrow = self.run(gain, {}, widen=1.0)
            widen = 1.0 if narrow is None else narrow[0] * (1.0 + ROUNDING) + ROUNDING
            found = self.run(full, {}, widen=widen)
        if found is None:
            return Answer(np.zeros(self.v), self.program.errors0, widen, {}, False)
        return self.sparing(found, {}, widen)

    def sparing(
        self, found: tuple[float, Floats], edges: Mapping[str, float], widen: float
    ) -> Answer:
        """Of all solutions with these errors, one with the least burden."""
        program = self.program
        if self.quick:
            x = found[1][: self.v]
            errors = program.errors0 + float(program.errors @ x)
            return Answer(x, errors, widen, dict(edges), self.proved)
        errors = found[0] + program.errors0
        room = 1e-6 if self.whole else 1e-9 * max(1.0, errors)
        spare = self.run(self.pad(program.burden), edges, widen=widen, most=errors + room)
        x = (found if spare is None else spare)[1][: self.v]
        return Answer(
            x, program.errors0 + float(program.errors @ x), widen, dict(edges), self.proved
        )

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
