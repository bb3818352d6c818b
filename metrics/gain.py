"""Whether one way to train tells the worst-told-apart group apart better than another.

The lowest AUC of a group, averaged over training seeds, of two arms on the same rows; the
interval of the difference draws rows and seeds again together, both arms in pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from metrics.scores import Z95

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Draws whose weights are in memory at a time, times rows.
BLOCK = 4_000_000


@dataclass(frozen=True)
class Ranked:
    """Scores of the rows of one group, sorted: an AUC for any weights of the rows.

    Parameters
    ----------
    rows : (m,)
        Positions, by rising score.
    ends : (distinct,)
        First position of each distinct score.
    positive : (m,) bool
        Labels in that order.
    """

    rows: NDArray[np.intp]
    ends: NDArray[np.intp]
    positive: NDArray[np.bool_]

    @classmethod
    def of(cls, score: Floats, y: Ints, mine: NDArray[np.bool_]) -> Ranked:
        """Of the rows of a mask."""
        rows = np.flatnonzero(mine)
        rows = rows[np.argsort(score[rows], kind="stable")]
        ordered = score[rows]
        first = np.flatnonzero(np.r_[True, ordered[1:] > ordered[:-1]])
        return cls(rows, first, y[rows] == 1)

    def auc(self, weight: Floats) -> Floats:
        """AUC of each of several weights, (draws, n) -> (draws,); NaN without a class.

        sum_b a_b (C_<b + c_b / 2) / (m n), a_b and c_b the weights of both classes at score b.
        """
        mine = weight[:, self.rows]
        a = np.add.reduceat(np.where(self.positive, mine, 0.0), self.ends, axis=1)
        c = np.add.reduceat(np.where(self.positive, 0.0, mine), self.ends, axis=1)
        below = np.cumsum(c, axis=1) - c / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            value = (a * below).sum(axis=1) / (a.sum(axis=1) * c.sum(axis=1))
        return np.asarray(value)


@dataclass(frozen=True)
class Spread:
    """The lowest AUC of a group over the seeds of an arm.

    Parameters
    ----------
    by_seed : (seeds,)
        Lowest AUC of each.
    by_group : (groups,)
        Mean AUC of each group.
    low, high : (groups,)
        95 % interval of it, from drawing rows and seeds.
    """

    by_seed: Floats
    by_group: Floats
    low: Floats
    high: Floats

    @property
    def mean(self) -> float:
        """What the arm is worth."""
        return float(self.by_seed.mean())

    @property
    def sd(self) -> float | None:
        """Between seeds; None for one."""
        return float(self.by_seed.std(ddof=1)) if self.by_seed.size > 1 else None

    @property
    def worst(self) -> float:
        """Of the worst seed."""
        return float(self.by_seed.min())


@dataclass(frozen=True)
class Gain:
    """Difference of two arms with its 95 % interval."""

    diff: float
    low: float
    high: float

    @property
    def evidence(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0.0 or self.high < 0.0


class Arms:
    """Arms measured on the same rows.

    Parameters
    ----------
    y, group : (n,)
        Label 0 or 1, and group.
    codes
        Groups that count.
    unit : (n,), optional
        Households, drawn as a whole.
    """

    def __init__(
        self, y: Ints, group: Ints, codes: Sequence[int], unit: Ints | None = None
    ) -> None:
        self.y, self.group, self.codes = y, group, tuple(codes)
        self._unit = np.arange(len(y)) if unit is None else np.unique(unit, return_inverse=True)[1]

    def spread(
        self, scores: Floats, *, draws: int, rng: np.random.Generator,
        tick: Callable[[], None] = lambda: None,
    ) -> Spread:  # fmt: skip
        """Of the scores (seeds, n) of one arm."""
        ranked = self._ranked(scores)
        point = self._aucs(ranked, np.ones((1, len(self.y))))[:, :, 0]
        found = []
        for weight in self._weights(draws, rng):
            tick()
            aucs = self._aucs(ranked, weight)
            pick = _seeds(len(scores), weight.shape[0], rng)
            found.append(np.take_along_axis(aucs, pick[:, None, :], axis=0).mean(axis=0))
        low, high = _interval(np.concatenate(found, axis=1)) if found else (point[0], point[0])
        return Spread(point.min(axis=1), point.mean(axis=0), low, high)

    def gain(
        self, ours: Floats, theirs: Floats, *, draws: int, rng: np.random.Generator,
        tick: Callable[[], None] = lambda: None,
    ) -> Gain:  # fmt: skip
        """Mean lowest AUC of ours less that of theirs, (seeds, n) each.

        Rows are drawn once for both. Where both have as many seeds these are drawn in pairs.
        Percentiles of few seeds are too near each other: they are stretched from the difference
        by what Student's t asks of the variance between seeds, the rest being known well.
        """
        sides = [self._ranked(ours), self._ranked(theirs)]
        one = np.ones((1, len(self.y)))
        by_seed = [self._aucs(side, one).min(axis=1)[:, 0] for side in sides]
        found = []
        for weight in self._weights(draws, rng):
            tick()
            lowest = [self._aucs(side, weight).min(axis=1) for side in sides]
            b = weight.shape[0]
            first = _seeds(len(ours), b, rng)
            second = first if len(ours) == len(theirs) else _seeds(len(theirs), b, rng)
            drawn = [
                np.take_along_axis(values, pick, axis=0).mean(axis=0)
                for values, pick in zip(lowest, (first, second), strict=True)
            ]
            found.append(drawn[0] - drawn[1])
        diff = float(by_seed[0].mean() - by_seed[1].mean())
        if not found:
            return Gain(diff, float("-inf"), float("inf"))
        drawn_all = np.concatenate(found)
        low, high = _interval(drawn_all[None])
        wider = _stretch(by_seed, float(np.nanvar(drawn_all)))
        return Gain(
            diff, diff + wider * float(low[0] - diff), diff + wider * float(high[0] - diff)
        )

    def _ranked(self, scores: Floats) -> list[list[Ranked]]:
        masks = [self.group == code for code in self.codes]
        return [[Ranked.of(score, self.y, mask) for mask in masks] for score in scores]

    def _aucs(self, ranked: list[list[Ranked]], weight: Floats) -> Floats:
        """(seeds, groups, draws)."""
        return np.array([[group.auc(weight) for group in seed] for seed in ranked])

    def _weights(self, draws: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Counts of units drawn with replacement, by row, (some draws, n) at a time."""
        n = int(self._unit.max()) + 1 if len(self.y) else 0
        step = max(1, BLOCK // max(len(self.y), 1))
        for start in range(0, draws, step):
            b = min(step, draws - start)
            rows = rng.integers(0, n, (b, n)) + np.arange(b)[:, None] * n
            counts = np.bincount(rows.ravel(), minlength=b * n)
            yield counts.reshape(b, n).astype(np.float64)[:, self._unit]


def _seeds(count: int, draws: int, rng: np.random.Generator) -> Ints:
    """Seeds drawn with replacement, one fewer than there are, (count - 1, draws).

    The mean of so many varies as the mean of `count` independent seeds does; as many as there
    are would vary less by the factor (count - 1) / count, which is much for three.

    References
    ----------
    Rao, Wu, Resampling inference with complex survey data, JASA 83, 1988, section 2.
    """
    return rng.integers(0, count, (max(count - 1, 1), draws))


def _stretch(by_seed: Sequence[Floats], total: float) -> float:
    """How much wider than with known variances: sqrt(z^2 V_rest + sum t^2 V_seeds) / (z sd)."""
    paired = by_seed[0].size == by_seed[1].size
    values = [by_seed[0] - by_seed[1]] if paired else list(by_seed)
    seeds = [(float(v.var(ddof=1)) / v.size, v.size - 1) for v in values if v.size > 1]
    if total <= 0.0 or not seeds:
        return 1.0
    rest = max(total - sum(variance for variance, _ in seeds), 0.0)
    wide = sum(float(stdtrit(freedom, 0.975)) ** 2 * variance for variance, freedom in seeds)
    return float(max(np.sqrt((Z95**2 * rest + wide) / (Z95**2 * total)), 1.0))


def _interval(drawn: Floats) -> tuple[Floats, Floats]:
    """Percentiles of the last axis; draws that miss a class of a group are left out."""
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=-1)
    return np.asarray(low), np.asarray(high)
