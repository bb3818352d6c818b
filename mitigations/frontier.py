"""The least cost of a fixed scorer under a limit on the gap: one linear program per limit.

minimise    sum_a p_a [c_fp (1 - b_a) FPR_a + c_fn b_a (1 - TPR_a)]
subject to  (FPR_a, TPR_a) in the hull of group a's curve,
            max over pairs of groups ||rates_a - rates_b||_p <= r

with p_a the share of the group's rows and b_a its share of favourable labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import MethodError
from mitigations.roc import Roc

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Corner:
    """What the program found under one limit.

    Parameters
    ----------
    limit
        The limit on the gap, infinite for none.
    cost
        Expected cost per row.
    accuracy
        Expected share of decisions that equal the label.
    gap
        The gap that remains.
    fpr, tpr : (groups,) float64
    """

    limit: float
    cost: float
    accuracy: float
    gap: float
    fpr: Floats
    tpr: Floats


def measures(curve: Roc, fpr: Floats, tpr: Floats, parity: str, norm: str) -> Floats:
    """Linear functions of a group's rates whose range between groups is the gap.

    The l1 distance of (FPR, TPR) is the larger of the distances in FPR + TPR and FPR - TPR, so
    that both norms need two columns.

    Returns
    -------
    (m, 1 or 2) float64
    """
    if parity == "selection-rate":
        return np.asarray(curve.base * tpr + (1.0 - curve.base) * fpr)[:, None]
    if parity == "tpr":
        return tpr[:, None]
    if parity == "fpr":
        return fpr[:, None]
    if norm == "1":
        return np.column_stack([fpr + tpr, fpr - tpr])
    return np.column_stack([fpr, tpr])


@dataclass(frozen=True)
class Frontier:
    """The program for some groups.

    Parameters
    ----------
    curves
        One for each group.
    cost : (2, 2)
        Cost of deciding d for a person with label y.
    parity, norm
        Of `mitigations.parity.PARITIES`; ``inf`` or ``1``.
    """

    curves: Sequence[Roc]
    cost: tuple[tuple[float, float], tuple[float, float]]
    parity: str
    norm: str = "inf"

    def costs(self, curve: Roc, fpr: Floats, tpr: Floats) -> Floats:
        """Expected cost per row of a group at these rates."""
        wrong_yes, wrong_no = self.cost[0][1], self.cost[1][0]
        out: Floats = wrong_yes * (1.0 - curve.base) * fpr + wrong_no * curve.base * (1.0 - tpr)
        return out

    def shares(self) -> Floats:
        """Share of the groups' rows that each of them holds."""
        rows = np.array([curve.share for curve in self.curves])
        return np.asarray(rows / rows.sum())

    def solve(self, limit: float) -> Corner:
        """The least cost under a limit on the gap; infinite for none.

        Raises
        ------
        MethodError
            ``solver``: the program was not solved.
        """
        corners = [curve.corners() for curve in self.curves]
        costs = [
            share * self.costs(curve, *corner)
            for share, curve, corner in zip(self.shares(), self.curves, corners, strict=True)
        ]
        if math.isinf(limit):
            mixes = [np.eye(c.size)[int(np.argmin(c))] for c in costs]
        else:
            mixes = self._program(limit, costs)
        fpr = np.array([mix @ f for mix, (f, _) in zip(mixes, corners, strict=True)])
        tpr = np.array([mix @ t for mix, (_, t) in zip(mixes, corners, strict=True)])
        return self.at(fpr, tpr, limit)

    def at(self, fpr: Floats, tpr: Floats, limit: float = math.inf) -> Corner:
        """Cost, accuracy and gap of given rates."""
        found, cost, wrong = [], 0.0, 0.0
        for i, (share, curve) in enumerate(zip(self.shares(), self.curves, strict=True)):
            f, t = fpr[i : i + 1], tpr[i : i + 1]
            found.append(measures(curve, f, t, self.parity, self.norm)[0])
            cost += float(share * self.costs(curve, f, t)[0])
            wrong += float(share * ((1.0 - curve.base) * f + curve.base * (1.0 - t))[0])
        gap = float(np.ptp(np.array(found), axis=0).max())
        return Corner(limit, cost, 1.0 - wrong, gap, fpr, tpr)

    def _program(self, limit: float, costs: Sequence[Floats]) -> list[Floats]:
        """Shares of the hull's corners for each group."""
        from scipy.optimize import linprog
        from scipy.sparse import block_diag, csr_array, hstack, vstack

        values = [
            measures(curve, *curve.corners(), self.parity, self.norm) for curve in self.curves
        ]
        kinds = values[0].shape[1]
        groups = len(self.curves)
        sizes = [c.size for c in costs]
        # One free variable for each measure: its lowest value of any group.
        low = csr_array(np.tile(-np.eye(kinds), (groups, 1)))
        measured = block_diag([value.T for value in values])
        above = hstack([measured, low])
        upper = vstack([above, -above], format="csr")
        one = hstack(
            [block_diag([np.ones((1, size)) for size in sizes]), csr_array((groups, kinds))],
            format="csr",
        )
        n = sum(sizes)
        result = linprog(
            np.concatenate([*costs, np.zeros(kinds)]),
            A_ub=upper,
            b_ub=np.concatenate([np.full(groups * kinds, limit), np.zeros(groups * kinds)]),
            A_eq=one,
            b_eq=np.ones(groups),
            bounds=[(0.0, None)] * n + [(None, None)] * kinds,
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if result.x is None:
            raise MethodError(
                "solver",
                f"The linear program was not solved: {result.message}",
                "Try another limit.",
            )
        parts = np.split(np.maximum(result.x[:n], 0.0), np.cumsum(sizes)[:-1])
        return [np.asarray(part / part.sum()) for part in parts]

    def follow(self, everybody: Roc, corner: Corner) -> tuple[float, float]:
        """Rates of one rule for all who have none of their own.

        The cheapest point of everybody's curve that lies within the limit of every group; the
        nearest such point where there is none.

        Returns
        -------
        (fpr, tpr)
        """
        from scipy.optimize import linprog

        fpr, tpr = everybody.corners()
        costs = self.costs(everybody, fpr, tpr)
        if math.isinf(corner.limit):
            best = int(np.argmin(costs))
            return float(fpr[best]), float(tpr[best])
        values = measures(everybody, fpr, tpr, self.parity, self.norm)
        found = np.array(
            [
                measures(
                    curve, corner.fpr[i : i + 1], corner.tpr[i : i + 1], self.parity, self.norm
                )[0]
                for i, curve in enumerate(self.curves)
            ]
        )
        limit = max(corner.limit, corner.gap)
        # The last variable is by how much the limit is missed, which costs more than anything.
        slack = -np.ones((values.shape[1], 1))
        result = linprog(
            np.concatenate([costs, [1e3 * (1.0 + costs.max())]]),
            A_ub=np.vstack([np.hstack([values.T, slack]), np.hstack([-values.T, slack])]),
            b_ub=np.concatenate([found.min(axis=0) + limit, limit - found.max(axis=0)]),
            A_eq=np.concatenate([np.ones(fpr.size), [0.0]])[None, :],
            b_eq=[1.0],
            bounds=(0.0, None),
            method="highs-ds",
        )
        if result.x is None:
            raise MethodError(
                "solver",
                f"The linear program was not solved: {result.message}",
                "Try another limit.",
            )
        mix = np.maximum(result.x[:-1], 0.0)
        mix = mix / mix.sum()
        return float(mix @ fpr), float(mix @ tpr)
