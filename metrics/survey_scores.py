"""Score statistics of survey data: one value with the weights, one with each replicate.

Sets of weights pass by one at a time, so that no table of bins is kept for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from metrics import calibration, scores
from metrics.cells import Floats, IntArray
from metrics.count import EVERYBODY, EXACT_BELOW
from metrics.groups import Attribute, largest

NEGATIVE, POSITIVE = 1, 2


@dataclass(frozen=True)
class Drawn:
    """Statistics of one attribute's a groups, the full weights first along the first axis.

    Parameters
    ----------
    auc, brier : (1 + R, a) float64
        NaN without weight.
    curve : (1 + R, a, parts, 3) float64
        Weight, weight of positives and weighted sum of scores in each part of a calibration
        curve.
    selected : (1 + R, a, places) float64
        Share at or above each threshold of a sweep.
    off : (1 + R, a, 2) float64
        Label less score, plain and by the centred logit, over the group's weight.
    apart : (1 + R, a, 2) float64
        The same for the group's labels and those of the reference at equal scores; NaN without
        a reference.
    full : (a, 3, bins) float64
        Weights by label and bin.
    """

    auc: Floats
    brier: Floats
    curve: Floats
    selected: Floats
    off: Floats
    apart: Floats
    full: Floats


@dataclass(frozen=True)
class Scored:
    """Score statistics by attribute; everybody under the empty name.

    Parameters
    ----------
    bins
        Cut points, chosen as for unweighted counts.
    value : (bins,) float64
        Mean score of each bin.
    by
        Attribute name to its statistics.
    """

    bins: scores.Bins
    value: Floats
    by: dict[str, Drawn]


class _Exact:
    """Rank statistics of small groups over their distinct scores, group after group."""

    def __init__(self, group: IntArray, score: Floats, label: IntArray, keep: Any) -> None:
        rows = np.flatnonzero(keep)
        order = np.lexsort((score[rows], group[rows]))
        self.rows = rows[order]
        code, value = group[self.rows], score[self.rows]
        new = np.r_[True, (code[1:] != code[:-1]) | (value[1:] != value[:-1])][: len(rows)]
        slot = np.cumsum(new) - 1
        self.size = int(slot[-1]) + 1 if len(rows) else 0
        self.joint = slot * 2 + label[self.rows]
        self.value, codes = value[new], code[new]
        self.starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]][: len(codes)])
        self.codes = codes[self.starts]
        self.lengths = np.diff(np.append(self.starts, len(codes)))

    def into(self, weight: Floats, auc: Floats, brier: Floats) -> None:
        """Write the exact statistics over those of bins."""
        if not self.size:
            return
        sums = np.bincount(self.joint, weight[self.rows], minlength=2 * self.size)
        c, a = sums[::2], sums[1::2]
        below = np.cumsum(c) - c
        below -= np.repeat(below[self.starts], self.lengths)
        m, n = (np.add.reduceat(part, self.starts) for part in (a, c))
        area = np.add.reduceat(a * (below + c / 2), self.starts)
        auc[self.codes] = _share(area, np.where((m > 0) & (n > 0), m * n, 0.0))
        loss = np.add.reduceat(a * (1 - self.value) ** 2 + c * self.value**2, self.starts)
        brier[self.codes] = _share(loss, m + n)


class _Attribute:
    """What one attribute needs for each set of weights."""

    def __init__(self, codes: IntArray, size: int, reference: int | None, rows: _Rows) -> None:
        self.rows, self.size, self.reference = rows, size, reference
        group = codes.astype(np.int64)
        self.joint = ((group + 1) * 3 + rows.label + 1) * rows.bins.size + rows.place
        few = np.append(np.bincount(group + 1, minlength=size + 1)[1:] < EXACT_BELOW, False)
        self.exact = _Exact(group, rows.score, rows.label, few[group] & (rows.label >= 0))
        self.centre: dict[str, Floats] = {}
        self.parts: dict[str, list[Floats]] = {
            name: [] for name in ("auc", "brier", "curve", "selected", "off", "apart")
        }
        self.full = np.zeros(0)

    def add(self, weight: Floats) -> None:
        """Take the statistics of one set of weights."""
        rows = self.rows
        size = (self.size + 1) * 3 * rows.bins.size
        summed: Floats = np.bincount(self.joint, weight, minlength=size).astype(np.float64)
        table = summed.reshape(self.size + 1, 3, rows.bins.size)[1:]
        if not self.full.size:
            self.full = table
        c, a = table[:, NEGATIVE], table[:, POSITIVE]
        auc, brier = _ranked(a, c), _loss(a, c, rows.value)
        self.exact.into(weight, auc, brier)
        made = {
            "auc": auc,
            "brier": brier,
            "curve": _curve(a, c, rows),
            "selected": _selected(table.sum(axis=1), rows.places),
            "off": self._off(a, c),
            "apart": self._apart(a, c),
        }
        for name, part in made.items():
            self.parts[name].append(part)

    def done(self) -> Drawn:
        return Drawn(**{name: np.stack(part) for name, part in self.parts.items()}, full=self.full)

    def _off(self, a: Floats, c: Floats) -> Floats:
        s = self.rows.inner
        n = a + c
        return self._moments("off", a - n * s, n * (s * (1 - s)), n)

    def _apart(self, a: Floats, c: Floats) -> Floats:
        if self.reference is None:
            return np.full((len(a), 2), np.nan)
        n, r = a + c, self.reference
        total = n + n[r]
        both = (n != 0) & (n[r] != 0) & (total != 0)
        hits = _share(a + a[r], np.where(both, total, 0.0))
        gap = np.where(both, a - n * hits, 0.0)
        spread = np.where(both, _share(n * n[r], total) * hits * (1 - hits), 0.0)
        return self._moments("apart", gap, spread, n)

    def _moments(self, name: str, gap: Floats, spread: Floats, n: Floats) -> Floats:
        """(sum, sum by the logit around its mean with the full weights), over the weight."""
        if name not in self.centre:
            centre = _share(spread @ self.rows.logit, spread.sum(axis=1))
            self.centre[name] = self.rows.logit - np.nan_to_num(centre)[:, None]
        both = np.stack([gap.sum(axis=1), (gap * self.centre[name]).sum(axis=1)], axis=1)
        return _share(both, n.sum(axis=1)[:, None])


@dataclass(frozen=True)
class _Rows:
    """Rows with a score, and what all attributes share."""

    score: Floats
    label: NDArray[np.int64]
    place: NDArray[np.int64]
    bins: scores.Bins
    value: Floats
    starts: NDArray[np.intp]
    places: NDArray[np.intp]

    @cached_property
    def inner(self) -> Floats:
        return np.clip(self.value, 0.5 / scores.N_BINS, 1 - 0.5 / scores.N_BINS)

    @cached_property
    def logit(self) -> Floats:
        return np.asarray(logit(self.inner))


class Collector:
    """Takes sets of weights in turn, the full ones first.

    Parameters
    ----------
    attributes
        Sensitive columns with n codes each.
    label : (n,) int, optional
        0, 1 or -1.
    score : (n,) float64
        In [0, 1]; NaN for none.
    """

    def __init__(
        self, attributes: Sequence[Attribute], label: IntArray | None, score: Floats
    ) -> None:
        self.known = np.flatnonzero(~np.isnan(score))
        kept = np.asarray(score[self.known], dtype=np.float64)
        bins = scores.choose_bins([score])
        place = bins.codes(kept).astype(np.int64)
        people = np.bincount(place, minlength=bins.size)
        value = (bins.edges[1:] + bins.edges[:-1]) / 2
        sums = np.bincount(place, kept, minlength=bins.size)
        np.divide(sums, people, out=value, where=people > 0)
        known = np.full(len(kept), -1) if label is None else label[self.known]
        rows = _Rows(
            kept, known.astype(np.int64), place, bins, value,
            calibration.curve_starts(people), scores.sweep_places(bins),
        )  # fmt: skip
        self.bins, self.value = bins, value
        self.items = {EVERYBODY: _Attribute(np.zeros(len(kept), np.int64), 1, None, rows)}
        for item in attributes:
            n = np.bincount(item.codes[item.codes >= 0], minlength=len(item.levels))
            chosen = item.reference
            if chosen is None or n[chosen] == 0:
                chosen = largest(n)
            codes = item.codes[self.known]
            self.items[item.name] = _Attribute(codes, len(item.levels), chosen, rows)

    def add(self, weight: Floats) -> None:
        """Take one set of weights, (n,)."""
        kept = weight[self.known]
        for item in self.items.values():
            item.add(kept)

    def done(self) -> Scored:
        """All statistics."""
        return Scored(
            self.bins, self.value, {name: item.done() for name, item in self.items.items()}
        )


def _share(above: Floats, below: Floats) -> Floats:
    """Quotient, NaN where the denominator is 0 or less."""
    below = np.broadcast_to(below, above.shape)
    out = np.full(above.shape, np.nan)
    return np.asarray(np.divide(above, below, out=out, where=below > 0))


def _ranked(a: Floats, c: Floats) -> Floats:
    """AUC from weights of positives and negatives by bin; ties count half."""
    m, n = a.sum(axis=1), c.sum(axis=1)
    area = (a * (np.cumsum(c, axis=1) - c / 2)).sum(axis=1)
    return _share(area, np.where((m > 0) & (n > 0), m * n, 0.0))


def _loss(a: Floats, c: Floats, value: Floats) -> Floats:
    return _share(a @ (1 - value) ** 2 + c @ value**2, (a + c).sum(axis=1))


def _curve(a: Floats, c: Floats, rows: _Rows) -> Floats:
    both = a + c
    sums = [np.add.reduceat(part, rows.starts, axis=1) for part in (both, a, both * rows.value)]
    return np.stack(sums, axis=2)


def _selected(everyone: Floats, places: NDArray[np.intp]) -> Floats:
    reached = np.cumsum(everyone[:, ::-1], axis=1)[:, ::-1]
    return _share(reached[:, places], everyone.sum(axis=1)[:, None])
