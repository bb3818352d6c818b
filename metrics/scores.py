"""Score behaviour from binned scores: AUC, Brier score, ROC, threshold sweep.

Scores in [0, 1] are counted into 1,024 bins whose cut points are fixed before counting, so
tables of shards add. All functions take positives and negatives by bin and act on the last
axis; a group small enough for exact ranks simply comes with one bin per distinct score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr

from metrics import intervals
from metrics.cells import Counts, Floats, IntArray

N_BINS = 1024
# Chance that two people share an equal-width bin above which cut points follow the scores. One
# bin with a fifth of the scores is enough (0.04); so are scores that all lie close together.
CROWDED = 1 / 128
FINE = 1 << 20
HISTOGRAM = 32
POINTS = 101
# A bin whose mean lies this near its lower edge holds one score: cut points that follow the
# quantiles are further apart, sums of scores are rounded finer.
ONE_SCORE = 2.0**-23
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Bins:
    """Cut points of the score bins; bin b holds cut[b-1] <= score < cut[b].

    Parameters
    ----------
    cuts
        Interior cut points, rising; None for 1,024 bins of equal width on [0, 1].
    """

    cuts: tuple[float, ...] | None = None

    @property
    def kind(self) -> str:
        """``"fixed"`` for equal width, ``"quantile"`` for cut points that follow the scores."""
        return "fixed" if self.cuts is None else "quantile"

    @property
    def size(self) -> int:
        """Number of bins."""
        return N_BINS if self.cuts is None else len(self.cuts) + 1

    @cached_property
    def edges(self) -> Floats:
        """(size + 1,) edges from 0 to 1."""
        if self.cuts is None:
            return np.arange(N_BINS + 1) / N_BINS
        return np.concatenate([[0.0], self.cuts, [1.0]])

    def codes(self, scores: Floats) -> IntArray:
        """Bin of each score in [0, 1].

        Parameters
        ----------
        scores : (n,) float
            No NaN.
        """
        if self.cuts is None:
            # A power of two: the product is exact, so score >= b / 1024 means bin >= b.
            codes = (scores * scores.dtype.type(N_BINS)).astype(np.int16)
            return np.minimum(codes, N_BINS - 1, out=codes)
        return np.searchsorted(self.edges[1:-1], scores, side="right").astype(np.int16)


def is_crowded(by_bin: Counts) -> bool:
    """Whether equal-width bins would lump too many people for an AUC exact to 1e-4."""
    n = by_bin.astype(float)
    total = n.sum()
    return bool((n * (n - 1)).sum() > CROWDED * total * (total - 1))


def choose_bins(chunks: Sequence[Floats]) -> Bins:
    """Fix the cut points in a first pass over the scores.

    Equal width on [0, 1], unless people crowd into few of those bins: then a cut at every
    distinct score if there are at most 1,024, else at the quantiles.

    Parameters
    ----------
    chunks : sequence of (n,) float
        Scores in [0, 1]; NaN counts as no score.
    """
    plain = Bins()
    by_bin = np.zeros(N_BINS, dtype=np.int64)
    for chunk in chunks:
        by_bin += np.bincount(plain.codes(_present(chunk)), minlength=N_BINS)
    if not is_crowded(by_bin):
        return plain
    distinct = np.zeros(0)
    for chunk in chunks:
        distinct = np.union1d(distinct, _present(chunk))
        if distinct.size > N_BINS:
            break
    else:
        return Bins(tuple(distinct[1:].tolist()))
    fine = np.zeros(FINE, dtype=np.int64)
    for chunk in chunks:
        slot = np.minimum((_present(chunk) * FINE).astype(np.int64), FINE - 1)
        fine += np.bincount(slot, minlength=FINE)
    reached = np.cumsum(fine)
    wanted = np.arange(1, N_BINS) * (reached[-1] / N_BINS)
    places = np.unique(np.searchsorted(reached, wanted) + 1)
    return Bins(tuple((places[places < FINE] / FINE).tolist()))


def _present(scores: Floats) -> Floats:
    return scores[~np.isnan(scores)] if np.isnan(scores.sum()) else scores


def profile(scores: Floats, labels: IntArray) -> tuple[Floats, Counts, Counts]:
    """Exact profile of a small group: one bin per distinct score.

    Parameters
    ----------
    scores : (n,) float
        No NaN.
    labels : (n,) int
        0 or 1.

    Returns
    -------
    value, positives, negatives : (distinct,)
        Scores in rising order with people by label.
    """
    value, place = np.unique(scores, return_inverse=True)
    positives = np.bincount(place[labels == 1], minlength=value.size)
    negatives = np.bincount(place[labels == 0], minlength=value.size)
    return value, positives.astype(np.int64), negatives.astype(np.int64)


def delong(positives: Counts, negatives: Counts) -> tuple[Floats, Floats]:
    """AUC and its DeLong variance from bins.

    V_b = (C_<b + c_b / 2) / n, U_b = (A_>b + a_b / 2) / m, AUC = sum a_b V_b / m,
    Var = sum a_b (V_b - AUC)^2 / (m (m - 1)) + sum c_b (U_b - AUC)^2 / (n (n - 1)).

    Parameters
    ----------
    positives, negatives : (..., bins) int64
        a_b and c_b, with sums m and n.

    Returns
    -------
    auc, variance : (...) float64
        AUC is NaN without a positive or a negative, the variance with fewer than two.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988, equations 3 to 6; ties count half.
    """
    a, c = positives.astype(float), negatives.astype(float)
    up, down = np.cumsum(a, axis=-1), np.cumsum(c, axis=-1)
    m, n = up[..., -1:], down[..., -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        v = (down - c / 2) / n
        u = 1 - (up - a / 2) / m
        auc = _dot(a, v) / m[..., 0]
        v -= auc[..., None]
        u -= auc[..., None]
        v *= v
        u *= u
        variance = _dot(a, v) / (m * (m - 1))[..., 0] + _dot(c, u) / (n * (n - 1))[..., 0]
    few = (m[..., 0] < 2) | (n[..., 0] < 2)
    return auc, np.where(few, np.nan, variance)


def _dot(first: Floats, second: Floats) -> Floats:
    return np.asarray(np.einsum("...b,...b->...", first, second))


def auc_interval(auc: Floats, variance: Floats, *, z: float = Z95) -> tuple[Floats, Floats]:
    """Interval of an AUC on the logit scale, se / (AUC (1 - AUC)).

    Parameters
    ----------
    auc, variance : (...) float64
        From `delong`.
    z
        Normal quantile of the level.

    Returns
    -------
    low, high : (...) float64
        NaN where the AUC is 0, 1 or undefined.
    """
    inner = (auc > 0) & (auc < 1)
    safe = np.where(inner, auc, 0.5)
    half = z * np.sqrt(np.where(inner, variance, np.nan)) / (safe * (1 - safe))
    centre = logit(safe)
    return expit(centre - half), expit(centre + half)


def auc_gap(
    auc: Floats, variance: Floats, auc_0: Floats, variance_0: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Difference of the AUCs of two disjoint groups.

    Square-and-add of the two logit intervals; p from z = d / sqrt(Var1 + Var2).

    Parameters
    ----------
    auc, variance, auc_0, variance_0 : (...) float64
        AUC and DeLong variance of the group and of its comparator.

    Returns
    -------
    difference, low, high, p : (...) float64
    """
    first, second = auc_interval(auc, variance), auc_interval(auc_0, variance_0)
    low, high = intervals.square_and_add(auc, *first, auc_0, *second)
    gap = auc - auc_0
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * ndtr(-np.abs(gap) / np.sqrt(variance + variance_0))
    return gap, low, high, np.asarray(p)


def brier(
    positives: Counts, negatives: Counts, value: Floats, *, z: float = Z95
) -> tuple[Floats, Floats, Floats]:
    """Mean squared difference of score and label, with a normal interval.

    Parameters
    ----------
    positives, negatives : (..., bins) int64
        People by label and bin.
    value : (bins,) float64
        Score that stands for each bin.
    z
        Normal quantile of the level.

    Returns
    -------
    score, low, high : (...) float64
        In [0, 1]; NaN without a row, limits NaN with fewer than two.

    References
    ----------
    Brier, Monthly Weather Review 78, 1950.
    """
    hit, miss = (1 - value) ** 2, value**2
    n = (positives + negatives).sum(axis=-1).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (positives @ hit + negatives @ miss) / n
        square = (positives @ hit**2 + negatives @ miss**2) / n
        half = z * np.sqrt(np.maximum(square - mean**2, 0) / (n - 1))
    half = np.where(n < 2, np.nan, half)
    return mean, np.maximum(mean - half, 0), np.minimum(mean + half, 1)


def from_top(by_bin: Counts) -> Counts:
    """People at or above the lower edge of each bin."""
    return np.asarray(np.cumsum(by_bin[..., ::-1], axis=-1)[..., ::-1])


def above(by_bin: Counts, bins: Bins, value: Floats) -> Counts | None:
    """People strictly above the lower edge of each bin, None where bins hold several scores.

    Parameters
    ----------
    by_bin : (..., bins) int64
        People by bin.
    bins
        Cut points.
    value : (bins,) float64
        Mean score of each bin: equal to its lower edge where the bin holds one score.
    """
    single = np.abs(value[1:] - bins.edges[1:-1]) < ONE_SCORE
    if bins.cuts is None or not single.all():
        return None
    reached = from_top(by_bin)
    out = np.zeros_like(reached)
    out[..., :-1] = reached[..., 1:]
    # The first bin starts at 0, whatever its score.
    if value[0] >= ONE_SCORE:
        out[..., 0] = reached[..., 0]
    return out


def roc(positives: Counts, negatives: Counts, bins: Bins) -> list[list[float | None]]:
    """At most 101 points [fpr, tpr, threshold] of one group's ROC curve, from (0, 0) to (1, 1).

    Parameters
    ----------
    positives, negatives : (bins,) int64
        One group by label and bin, both labels present.
    bins
        Cut points; a threshold is the lower edge of a bin, None where nobody is selected.
    """
    tp, fp = from_top(positives)[::-1], from_top(negatives)[::-1]
    tpr, fpr = tp / tp[-1], fp / fp[-1]
    moved = np.flatnonzero(np.diff(tpr + fpr, prepend=0.0) > 0)
    if moved.size > POINTS - 1:
        way = (tpr + fpr)[moved]
        wanted = np.linspace(way[0], 2.0, POINTS - 1)
        moved = moved[np.unique(np.searchsorted(way, wanted - 1e-12))]
    edges = bins.edges[:-1][::-1]
    rows: list[list[float | None]] = [[0.0, 0.0, None]]
    rows += [[float(fpr[j]), float(tpr[j]), float(edges[j])] for j in moved]
    return rows


def sweep_places(bins: Bins) -> NDArray[np.intp]:
    """Bins whose lower edges are the thresholds of a sweep, at most 101."""
    steps = np.rint(np.linspace(0, bins.size, POINTS)).astype(np.intp)
    return np.unique(np.minimum(steps, bins.size - 1))


def histogram(by_bin: Counts, value: Floats) -> Counts:
    """People in 32 equal parts of [0, 1].

    Parameters
    ----------
    by_bin : (..., bins) int64
        People by bin.
    value : (bins,) float64
        Score that stands for each bin.
    """
    part = np.minimum((value * HISTOGRAM).astype(np.intp), HISTOGRAM - 1)
    return np.asarray(by_bin @ np.eye(HISTOGRAM, dtype=np.int64)[part])
