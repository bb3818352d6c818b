"""What is asked of abstention, and the places in which people are treated alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: Labels among whom favourable decisions are counted; None is everybody.
AMONG = MappingProxyType(
    {"selection-rate": (None,), "tpr": (1,), "fpr": (0,), "equalized-odds": (1, 0)}
)


@dataclass(frozen=True)
class Wish:
    """What is asked of abstention.

    Parameters
    ----------
    parity
        ``selection-rate``, ``tpr``, ``fpr`` or ``equalized-odds``.
    gap
        Largest difference between two groups.
    share
        Largest share of a group that goes to a person; one for all or one each.
    slack
        Accuracy a group may lose, eta.
    allowance
        ``additive``: error rate e may become e + eta (1 - e), as in the authors' code;
        ``multiplicative``: (1 + eta) e.
    flips
        Largest share of a group whose decision is overturned; 0 for none, 1 as published.
    reading
        ``decided``: rates among people who get a decision; ``whole``: of everybody, whoever goes
        to a person counting as not favoured.
    spread
        Largest difference of the shares going to a person: of everybody, with label 1, with
        label 0; 1 switches it off.
    floor
        Groups with fewer rows are held to their share only, as one pool.
    margins
        For intersections: the level that each group has in an attribute, one tuple for each
        attribute whose levels are compared as well.
    exempt
        Groups that join the pool however many rows they have, such as people of unknown group.
    """

    parity: str = "selection-rate"
    gap: float = 0.05
    share: float | tuple[float, ...] = 0.1
    slack: float = 0.0
    allowance: str = "additive"
    flips: float = 0.0
    reading: str = "decided"
    spread: tuple[float, float, float] = (1.0, 1.0, 1.0)
    floor: int = 30
    margins: tuple[tuple[int, ...], ...] = ()
    exempt: tuple[int, ...] = ()

    def pooled(self, size: Floats) -> NDArray[np.bool_]:
        """Groups that are held to their share only, from the rows of each group."""
        out: NDArray[np.bool_] = size < self.floor
        out[list(self.exempt)] = True
        return out

    def shares(self, k: int) -> Floats:
        """Largest share of each group."""
        return np.broadcast_to(np.asarray(self.share, np.float64), (k,))

    def allowed(self, error: Floats) -> Floats:
        """Largest error rates among the decided, from those before."""
        if self.allowance == "multiplicative":
            return np.minimum((1.0 + self.slack) * error, 1.0)
        return error + self.slack * (1.0 - error)


@dataclass(frozen=True)
class Cells:
    """Places in which people are treated alike.

    Parameters
    ----------
    n : (K, P) float64
        Rows of each group in each place.
    chance : (K, P) float64
        Share with label 1.
    kept : (P,) int
        Decision of the model there.
    whole
        Whether people are counted one by one.
    """

    n: Floats
    chance: Floats
    kept: NDArray[np.int8]
    whole: bool = True

    @classmethod
    def of(cls, counts: ArrayLike) -> Cells:
        """From counts of group, label and decision, (K, 2, 2)."""
        table = np.asarray(counts, np.float64)
        k = len(table)
        n, chance = np.zeros((k, 4 * k)), np.zeros((k, 4 * k))
        for group in range(k):
            n[group, 4 * group : 4 * group + 4] = table[group].ravel()
            chance[group, 4 * group : 4 * group + 4] = (0, 0, 1, 1)
        return cls(n, chance, np.tile(np.array([0, 1], np.int8), 2 * k))

    @property
    def size(self) -> Floats:
        """Rows of each group, (K,)."""
        return np.asarray(self.n.sum(axis=1))

    @property
    def wrong(self) -> Floats:
        """Share of wrong decisions in each place, (K, P)."""
        return np.where(self.kept == 1, 1.0 - self.chance, self.chance)

    @property
    def mix(self) -> Floats:
        """Share of each group among the people of a place, (K, P)."""
        total = self.n.sum(axis=0)
        mix: Floats = np.zeros_like(self.n)
        np.divide(self.n, total, out=mix, where=total > 0)
        return mix

    def among(self, label: int | None) -> Floats:
        """Share of people who count for a rate, (K, P)."""
        if label is None:
            return np.ones_like(self.chance)
        return self.chance if label == 1 else 1.0 - self.chance


def intersections(levels: Sequence[NDArray[np.intp]]) -> tuple[tuple[int, ...], ...]:
    """Margins of intersections: the level of each attribute by group, for `Wish.margins`."""
    return tuple(tuple(int(code) for code in column) for column in levels)
