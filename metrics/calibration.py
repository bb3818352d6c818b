"""Whether scores mean what they say: calibration curve, its error, and two score tests.

All functions take positives and negatives by score bin and act on the last axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logit, ndtr, xlog1py, xlogy

from metrics.cells import Counts, Floats, IntArray
from metrics.rates import divide
from metrics.scores import N_BINS

# Parts of a calibration curve.
PARTS = 10


def curve_starts(by_bin: Counts, *, parts: int = PARTS) -> NDArray[np.intp]:
    """First bin of each part of a calibration curve: tenths of everybody, in score order.

    Parameters
    ----------
    by_bin : (bins,) int64
        Everybody by score bin; one set of parts serves all groups.
    parts
        Wanted number; fewer where many people share one bin.
    """
    reached = np.cumsum(by_bin)
    wanted = np.arange(1, parts) * (reached[-1] / parts)
    starts = np.searchsorted(reached, wanted) + 1
    kept = np.unique(np.concatenate([[0], starts]))
    return kept[kept < len(by_bin)]


@dataclass(frozen=True)
class Curve:
    """Calibration of groups over parts of the score range, all (..., parts).

    Parameters
    ----------
    n, positives
        People and those with the favourable label.
    mean_score
        Mean score, NaN without people.
    """

    n: Counts
    positives: Counts
    mean_score: Floats

    @property
    def rate(self) -> Floats:
        """Observed share of favourable labels."""
        return divide(self.positives, self.n)


def curve(positives: Counts, negatives: Counts, value: Floats, starts: NDArray[np.intp]) -> Curve:
    """Sum bins into the parts of a calibration curve.

    Parameters
    ----------
    positives, negatives : (..., bins) int64
        People by label and bin.
    value : (bins,) float64
        Score that stands for each bin.
    starts
        From `curve_starts`.
    """
    both = positives + negatives
    n = np.add.reduceat(both, starts, axis=-1)
    total = np.add.reduceat(both * value, starts, axis=-1)
    return Curve(n, np.add.reduceat(positives, starts, axis=-1), divide(total, n))


def ece(part: Curve) -> tuple[Floats, Floats]:
    """Expected calibration error and the value it has on average under perfect calibration.

    sum_k (n_k / n) |o_k / n_k - s_k|, and the same sum with the mean absolute deviation of a
    binomial(n_k, s_k), 2 (h + 1) C(n_k, h + 1) s^(h+1) (1 - s)^(n_k - h) / n_k, h = floor(n_k s).

    Parameters
    ----------
    part
        Calibration curve.

    Returns
    -------
    ece, null : (...) float64
        NaN without a row. The first is no test: read it beside the second.

    References
    ----------
    Guo et al., ICML 2017, section 2. De Moivre's mean deviation: Diaconis and Zabell,
    Statistical Science 6, 1991.
    """
    n = part.n.astype(float)
    s = np.where(part.n > 0, np.clip(part.mean_score, 0, 1), 0.5)
    off = np.where(part.n > 0, np.abs(part.positives - n * s), 0).sum(axis=-1)
    null = np.where(part.n > 0, deviation(n, s), 0).sum(axis=-1)
    total = n.sum(axis=-1)
    return divide(off, total), divide(null, total)


def deviation(n: Floats, s: Floats) -> Floats:
    """Mean absolute deviation of a binomial(n, s) from n s."""
    h = np.minimum(np.floor(n * s), np.maximum(n - 1, 0))
    log_term = (
        gammaln(n + 1)
        - gammaln(h + 1)
        - gammaln(np.maximum(n - h, 1))
        + xlogy(h + 1, s)
        + xlog1py(n - h, -s)
    )
    return np.asarray(2 * np.exp(log_term))


def calibration_test(
    positives: Counts, negatives: Counts, value: Floats
) -> tuple[Floats, IntArray, Floats]:
    """Score test that the score means what it says inside a group.

    D_b = o_b - n_b s_b, V_b = n_b s_b (1 - s_b), l_b = logit s_b; U = (sum D, sum D l) and its
    covariance M; U' M^-1 U on 2 degrees of freedom, on 1 where all scores are alike.

    Parameters
    ----------
    positives, negatives : (..., bins) int64
        People by label and bin.
    value : (bins,) float64
        Score that stands for each bin.

    Returns
    -------
    statistic, df, p : (...)
        NaN statistic and p, df 0, without a row.

    References
    ----------
    Cox, Biometrika 45, 1958, section 5 (intercept and slope on the logit of the forecast).
    """
    s = np.clip(value, 0.5 / N_BINS, 1 - 0.5 / N_BINS)
    both = positives + negatives
    return _two_df(positives - both * s, both * (s * (1 - s)), logit(s))


def sufficiency_test(
    positives: Counts, negatives: Counts, positives_0: Counts, negatives_0: Counts, value: Floats
) -> tuple[Floats, IntArray, Floats]:
    """Score test that equal scores mean the same in two groups, stratified by score bin.

    D_b = x1_b - n1_b X_b / N_b, V_b = n1 n2 X (N - X) / (N^2 (N - 1)), same form as
    `calibration_test`.

    Parameters
    ----------
    positives, negatives : (..., bins) int64
        The group by label and bin.
    positives_0, negatives_0 : (..., bins) int64
        Its comparator.
    value : (bins,) float64
        Score that stands for each bin.

    Returns
    -------
    statistic, df, p : (...)
        NaN statistic and p, df 0, where no bin holds both groups and both labels.
    """
    n1, n2 = (positives + negatives).astype(float), (positives_0 + negatives_0).astype(float)
    total, hits = n1 + n2, (positives + positives_0).astype(float)
    gap = positives - n1 * divide(hits, total)
    spread = divide(n1 * n2 * hits * (total - hits), total**2 * (total - 1))
    used = (n1 > 0) & (n2 > 0) & np.isfinite(spread)
    s = np.clip(value, 0.5 / N_BINS, 1 - 0.5 / N_BINS)
    return _two_df(np.where(used, gap, 0), np.where(used, spread, 0), logit(s))


def _two_df(d: Floats, v: Floats, weight: Floats) -> tuple[Floats, IntArray, Floats]:
    """Quadratic form of (sum d, sum d l); the slope is taken around its mean for precision."""
    v0, v1 = v.sum(axis=-1), v @ weight
    centre = divide(v1, v0)
    apart = weight - np.nan_to_num(centre)[..., None]
    u0, u1 = d.sum(axis=-1), np.asarray((d * apart).sum(axis=-1))
    v2 = np.asarray((v * apart * apart).sum(axis=-1))
    slope = v2 > 1e-9 * np.maximum(v0, 1e-300)
    level = v0 > 0
    statistic = np.where(level, divide(u0**2, v0), np.nan)
    statistic = statistic + np.where(slope, divide(u1**2, np.where(slope, v2, 0)), 0)
    df = level.astype(np.int64) + slope
    # Upper tail of chi-square on 2 degrees of freedom is exp(-x / 2); on 1 a normal's.
    p = np.where(df == 2, np.exp(-statistic / 2), 2 * ndtr(-np.sqrt(np.maximum(statistic, 0))))
    return statistic, df, np.where(level, p, np.nan)
