"""How far labels follow groups, and how uneven groups and labels are: entropies of counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, entr

from metrics import bootstrap
from metrics.cells import Counts, Floats
from metrics.compare import Record, number

SCORES = ("spurious-correlation", "attribute-imbalance", "class-imbalance")
# Limits of a score are not worth drawing for when fewer draws than this are defined.
ENOUGH = 0.9
# Tables of the test of independence where an expected count is below 5.
SHUFFLES = 999


def shift_scores(counts: NDArray[Any]) -> Floats:
    """Spurious correlation, attribute imbalance and class imbalance of count tables.

    SC = I(Y;A) / min(H(Y), H(A)); AI = 1 - H(A) / log|A|; CI = 1 - H(Y) / log|Y|, with |A| and
    |Y| the values that occur. All from 0 (none) to 1.

    Parameters
    ----------
    counts : (..., a, y) int or float
        Rows by attribute value and label.

    Returns
    -------
    (..., 3) float64
        NaN where a column has fewer than two values.

    References
    ----------
    Yang, Zhang, Katabi, Ghassemi, Change is hard: a closer look at subpopulation shift, ICML
    2023, section 3.
    """
    table = np.asarray(counts, dtype=np.float64)
    total = table.sum(axis=(-2, -1), keepdims=True)
    shares = np.divide(table, total, out=np.zeros_like(table), where=total > 0)
    a, y = shares.sum(axis=-1), shares.sum(axis=-2)
    h_a, h_y = entr(a).sum(axis=-1), entr(y).sum(axis=-1)
    shared = np.maximum(h_a + h_y - entr(shares).sum(axis=(-2, -1)), 0.0)
    k_a, k_y = (a > 0).sum(axis=-1), (y > 0).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spurious = np.where((k_a > 1) & (k_y > 1), shared / np.minimum(h_a, h_y), np.nan)
        attribute = np.where(k_a > 1, 1.0 - h_a / np.log(k_a), np.nan)
        label = np.where(k_y > 1, 1.0 - h_y / np.log(k_y), np.nan)
    return np.asarray(np.clip(np.stack([spurious, attribute, label], axis=-1), 0.0, 1.0))


def score_records(counts: Counts, *, rng: np.random.Generator, draws: int = 1000) -> list[Record]:
    """Shift scores of one table with bootstrap intervals and their value under no shift.

    A plug-in information is too large by about b = df / 2n nats, and a bootstrap draw by 2b, so
    that plain percentile limits never reach 0. The limits are those of the draws lowered by
    twice the bootstrap's own estimate of b, cut to [0, 1].

    Parameters
    ----------
    counts : (a, y) int64
        Rows by attribute value and label; unknown ones left out before.
    rng, draws
        Random stream and number of tables.

    Returns
    -------
    list of dict
        slug, value, low, high, expected (mean under independence or equal shares), p of the
        likelihood-ratio test (spurious correlation only) and undefined.
    """
    values = shift_scores(counts)
    total = int(counts.sum())
    if draws > 0 and total > 0:
        drawn = np.moveaxis(bootstrap.resample(counts, rng=rng, draws=draws), -1, 0)
        low, high = _limits(values, shift_scores(drawn))
    else:
        low = high = np.full(3, np.nan)
    expected, p = _null(counts, rng)
    out = []
    for k, slug in enumerate(SCORES):
        undefined = None
        if not np.isfinite(values[k]):
            undefined = "no-rows" if total == 0 else "one-value"
        out.append(
            {
                "slug": slug,
                "value": number(values[k]),
                "low": number(low[k]),
                "high": number(high[k]),
                "expected": number(expected[k]),
                "p": number(p) if k == 0 else None,
                "n": total,
                "undefined": undefined,
            }
        )
    return out


def _limits(values: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Percentile limits of the draws, lowered by twice the bias that the draws show."""
    low, high = np.full(3, np.nan), np.full(3, np.nan)
    for k in range(3):
        own = drawn[:, k][np.isfinite(drawn[:, k])]
        if np.isfinite(values[k]) and own.size >= ENOUGH * len(drawn):
            bias = max(float(own.mean()) - float(values[k]), 0.0)
            ends = np.clip(np.quantile(own, [0.025, 0.975]) - 2 * bias, 0.0, 1.0)
            low[k], high[k] = min(ends[0], values[k]), ends[1]
    return low, high


def _null(counts: Counts, rng: np.random.Generator) -> tuple[Floats, float]:
    """Mean of each score without any shift, and p of the test of independence (2 n I)."""
    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    total = float(table.sum())
    expected, p = np.full(3, np.nan), np.nan
    if total == 0:
        return expected, p
    k_a, k_y = table.shape
    h = [float(entr(table.sum(axis=axis) / total).sum()) for axis in (1, 0)]
    for at, k in ((1, k_a), (2, k_y)):
        if k > 1:
            expected[at] = min(1.0, (k - 1) / (2 * total * np.log(k)))
    if min(k_a, k_y) > 1:
        df = (k_a - 1) * (k_y - 1)
        shared = _shared(table)
        least = float(table.sum(axis=1).min() * table.sum(axis=0).min()) / total
        if least >= 5:
            mean, p = df / (2 * total), float(chdtrc(df, 2 * total * shared))
        else:
            null = np.array([_shared(_shuffle(table, rng)) for _ in range(SHUFFLES)])
            reached = int((null >= shared - 1e-12).sum())
            mean, p = float(null.mean()), (1 + reached) / (SHUFFLES + 1)
        expected[0] = min(1.0, mean / min(h))
    return expected, p


def _shared(table: Counts) -> float:
    """Information that rows and columns share, in nats."""
    p = table / table.sum()
    apart = entr(p.sum(axis=1)).sum() + entr(p.sum(axis=0)).sum() - entr(p).sum()
    return max(float(apart), 0.0)


def _shuffle(table: Counts, rng: np.random.Generator) -> Counts:
    """Draw a table with the same margins, as if labels were shuffled."""
    left, out = table.sum(axis=1), np.zeros_like(table)
    for j, size in enumerate(table.sum(axis=0).tolist()):
        out[:, j] = rng.multivariate_hypergeometric(left, size, method="marginals")
        left = left - out[:, j]
    return out
