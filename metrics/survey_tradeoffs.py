"""A joint table of survey data: whom its rows stand for, and how many rows they are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.cells import Counts, Floats


@dataclass(frozen=True)
class Standing:
    """People by group, label and decisions, with their weights.

    Parameters
    ----------
    people : (1 + g, 3, 4, 4) int64
        As `metrics.tradeoffs.joint` counts rows.
    effective : (1 + g, 3, 4, 4) float64
        Each group's people over the design effect, spread over its cells as its weights are.
        What is made for counts holds for these: values are weighted, limits know the design.
    mass : (1 + g,) float64
        Weight behind one effective row of each group.
    """

    people: Counts
    effective: Floats
    mass: Floats

    @classmethod
    def of(cls, people: Counts, weight: Floats, effect: float) -> Standing:
        """Spread people over weighted cells.

        Parameters
        ----------
        people, weight : (1 + g, ...)
            Rows and sums of their weights.
        effect
            Mean design effect, at least 1.
        """
        tail = tuple(range(1, people.ndim))
        rows, whole = people.sum(axis=tail) / effect, weight.sum(axis=tail)
        scale = np.divide(rows, whole, out=np.zeros_like(whole), where=whole > 0)
        mass = np.divide(whole, rows, out=np.zeros_like(whole), where=rows > 0)
        return cls(people, weight * scale.reshape(-1, *(1 for _ in tail)), mass)

    def together(self) -> Floats:
        """Effective rows of everybody, (3, 4, 4)."""
        sums = np.einsum("gldf,g->ldf", self.effective, self.mass)
        whole = sums.sum()
        scale = self.effective.sum() / whole if whole > 0 else 0.0
        return np.asarray(sums * scale)


def sums(codes: NDArray[np.int64], weight: Floats, shape: tuple[int, ...]) -> Floats:
    """Sums of weights by cell."""
    size = int(np.prod(shape))
    return np.asarray(np.bincount(codes, weight, minlength=size), np.float64).reshape(shape)
