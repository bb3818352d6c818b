"""The best accuracy any decision rule can reach under limits on the disparity.

Limits are on the global and the local disparity, I(Z;Yh) and I(Z;Yh|S), in nats; every optimum
comes with an upper bound from the dual program.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metrics import information
from metrics.bound_program import CERTIFIED, RULES, SETTINGS, Maps, Point, Program
from metrics.cells import Floats

__all__ = ["CERTIFIED", "RULES", "Bound", "Point", "axis"]

# A solved point stands for another one if duality shows they differ by less.
SAME = 1e-7
# Positive limits below this are raised to it: a bound stays a bound, rates of two groups differ
# by a few tenths of a point at most there, and solvers lose digits further down.
FINEST = 1e-5
NOTHING = Point(0.0, 1.0, (0.0, 0.0), np.zeros(0), False)


class Bound:
    """Best accuracy as a function of the two limits, for one joint law and rule.

    Parameters
    ----------
    joint : (z, s, y, yb) float64
        Shares by group, site, label and model decision; every group and site occurs.
    rule
        One of `RULES`: ``free`` ignores the model and is the limit of any model at all.

    References
    ----------
    Hamman, Dutta, Demystifying local and global fairness trade-offs in federated learning
    using partial information decomposition, ICLR 2024, definition of AGLFOP.
    """

    def __init__(self, joint: Floats, rule: str = "free") -> None:
        self.joint = joint
        self.maps = Maps.of(joint, rule)
        self._programs: dict[tuple[bool, bool, int], Program] = {}
        label = joint.sum(axis=3)
        self.ceiling = (
            float(information.global_disparity(label)),
            float(information.local_disparity(label)),
        )

    def at(self, whole: float, local: float) -> Point:
        """Best accuracy with at most `whole` and `local` nats of disparity.

        Parameters
        ----------
        whole, local
            Limits of I(Z;Yh) and I(Z;Yh|S), at least 0; infinity for none. 0 is met exactly,
            other limits below `FINEST` are raised to it.
        """
        # Information about Z never exceeds its entropy.
        most = float(np.log(self.joint.shape[0])) + 1.0
        limits = [0.0 if x <= 0 else min(max(x, FINEST), most) for x in (whole, local)]
        zero = (limits[0] <= 0, limits[1] <= 0)
        best = NOTHING
        for variant in range(len(SETTINGS)):
            key = (*zero, variant)
            if key not in self._programs:
                self._programs[key] = Program.compile(self.maps, zero, variant)
            point = self._programs[key].solve(limits[0], limits[1])
            if (point.solved, -point.gap) > (best.solved, -best.gap):
                best = point
            if best.certified:
                break
        return best

    def surface(self, whole: Sequence[float], local: Sequence[float]) -> list[list[Point]]:
        """Best accuracy on a grid of limits, each in ascending order.

        Points are not solved again where the prices of a solved one prove that looser limits
        gain less than `SAME`.
        """
        out: list[list[Point | None]] = [[None] * len(local) for _ in whole]
        for i, g in enumerate(whole):
            for j, h in enumerate(local):
                if out[i][j] is None:
                    self._fill(out, self.at(g, h), i, j, whole, local)
        return [[point for point in row if point is not None] for row in out]

    def _fill(
        self,
        out: list[list[Point | None]],
        point: Point,
        i: int,
        j: int,
        whole: Sequence[float],
        local: Sequence[float],
    ) -> None:
        out[i][j] = point
        if not point.solved:
            return
        for k in range(i, len(whole)):
            for m in range(j, len(local)):
                # Under a limit of 0 the price is unknown.
                unknown = (k > i and whole[i] <= 0) or (m > j and local[j] <= 0)
                more = point.price[0] * (whole[k] - whole[i])
                more += point.price[1] * (local[m] - local[j])
                full = point.accuracy >= 1.0 - SAME
                if out[k][m] is None and (full or (not unknown and more <= SAME)):
                    out[k][m] = point


def axis(most: float, size: int = 12) -> list[float]:
    """Limits from 0 to `most` nats, evenly spaced on a log scale above 0."""
    least = max(most / 1000, FINEST)
    if most <= least:
        return [0.0] if most <= 0 else [0.0, most]
    return [0.0, *np.geomspace(least, most, size - 1).tolist()]
