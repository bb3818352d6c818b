"""Tests of equal rates in survey data: weighted counts with replicate weights."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc

from metrics.cells import Counts, Floats


class RaoScott(TypedDict):
    """Result of :func:`rao_scott`; numbers are None where the test has no meaning."""

    statistic: float | None
    df: float | None
    df_error: float | None
    p: float | None
    pearson: float | None
    design_effect: float | None
    rate: float | None
    undefined: str | None


def replicate_covariance(
    value: ArrayLike, replicates: ArrayLike, *, factor: float | None = None
) -> Floats:
    """Covariance of estimates from replicate weights, centred at the estimate itself.

    V = factor * sum_r (theta_r - theta)(theta_r - theta)'.

    Parameters
    ----------
    value : (k,) float
        Estimates with the full weights.
    replicates : (R, k) float
        The same with each set of replicate weights.
    factor : float, optional
        4 / R for successive differences (ACS), which is the default.

    Returns
    -------
    (k, k) float64

    References
    ----------
    Fay, Train, Proceedings of the ASA section on government statistics, 1995, 154-159.
    """
    apart = np.asarray(replicates, dtype=np.float64) - np.asarray(value, dtype=np.float64)
    scale = 4.0 / len(apart) if factor is None else factor
    return np.asarray(scale * (apart.T @ apart))


def rao_scott(
    x: ArrayLike,
    n: ArrayLike,
    x_replicates: ArrayLike,
    n_replicates: ArrayLike,
    *,
    rows: int,
    df_design: float | None = None,
    factor: float | None = None,
) -> RaoScott:
    """Second-order Rao-Scott test that all groups share one rate.

    With d the k = G - 1 differences to one group, V their replicate covariance, V0 the
    multinomial one at the pooled rate and Delta = V0^-1 V: X2 = d' V0^-1 d is Pearson's statistic
    of the weighted counts scaled to `rows`; db = tr(Delta) / k is the mean design effect,
    1 + c = tr(Delta^2) / (k db^2), nu = k / (1 + c), and F = X2 / (db (1 + c) nu) has nu and
    df_design nu degrees of freedom. The group that the others are taken from does not matter.

    Parameters
    ----------
    x, n : (G,) float
        Weighted counts and sizes of the groups; empty groups are left out.
    x_replicates, n_replicates : (R, G) float
        The same with each set of replicate weights.
    rows : int
        People behind `n`, not weighted.
    df_design : float, optional
        Degrees of freedom of the replicate variance; R - 1 by default.
    factor : float, optional
        As for `replicate_covariance`.

    Returns
    -------
    dict
        statistic (F), df, df_error, p, pearson (X2), design_effect (db), rate (pooled) and
        undefined: ``one-group``, ``one-class`` (a rate of 0 or 1 over all groups),
        ``empty-replicate`` (a group without positive weight in a replicate) or ``no-variance``
        (replicates equal to the weights).

    References
    ----------
    Rao, Scott, On chi-squared tests for multiway contingency tables with cell proportions
    estimated from survey data, Annals of Statistics 12, 1984, section 3; the F form: Thomas,
    Rao, Journal of the American Statistical Association 82, 1987.
    """
    hits, sizes = (np.asarray(v, dtype=np.float64) for v in (x, n))
    keep = sizes > 0
    hits, sizes = hits[keep], sizes[keep]
    hit_draws, size_draws = (
        np.asarray(v, dtype=np.float64)[:, keep] for v in (x_replicates, n_replicates)
    )
    if sizes.size < 2:
        return _undefined("one-group")
    pooled = float(hits.sum() / sizes.sum())
    if not 0.0 < pooled < 1.0:
        return _undefined("one-class", pooled)
    if (size_draws <= 0).any():
        return _undefined("empty-replicate", pooled)
    rates, drawn = hits / sizes, hit_draws / size_draws
    d = rates[1:] - rates[0]
    v = replicate_covariance(d, drawn[:, 1:] - drawn[:, :1], factor=factor)
    scaled = rows * sizes / sizes.sum()
    v0 = pooled * (1.0 - pooled) * (np.diag(1.0 / scaled[1:]) + 1.0 / scaled[0])
    delta = np.linalg.solve(v0, v)
    trace, square = float(np.trace(delta)), float(np.trace(delta @ delta))
    if trace <= 1e-12:
        return _undefined("no-variance", pooled)
    pearson = float(d @ np.linalg.solve(v0, d))
    design = float(len(drawn) - 1 if df_design is None else df_design)
    # (db (1 + c) nu) is the trace, and nu its square over that of Delta squared.
    df, statistic = trace**2 / square, pearson / trace
    return RaoScott(
        statistic=statistic,
        df=df,
        df_error=design * df,
        p=float(fdtrc(df, design * df, statistic)),
        pearson=pearson,
        design_effect=trace / d.size,
        rate=pooled,
        undefined=None,
    )


def _undefined(reason: str, rate: float | None = None) -> RaoScott:
    return RaoScott(
        statistic=None,
        df=None,
        df_error=None,
        p=None,
        pearson=None,
        design_effect=None,
        rate=rate,
        undefined=reason,
    )


def deflated(
    x: ArrayLike, n: ArrayLike, rows: ArrayLike, design_effect: float
) -> tuple[Floats, Counts]:
    """Counts on which the tests and intervals of unweighted data may be used.

    The rows of each group over max(design effect, 1), rounded, and the weighted rate of these,
    not rounded, so that the rate stays what it is.

    Parameters
    ----------
    x, n : (G,) float
        Weighted counts and sizes of the groups.
    rows : (G,) int
        People in each group, not weighted.
    design_effect : float
        Mean design effect of the table, from `rao_scott`.

    Returns
    -------
    counts : (G,) float64
    sizes : (G,) int64
    """
    hits, total = np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64)
    rate = np.divide(hits, total, out=np.zeros_like(total), where=total > 0)
    sizes = np.rint(np.asarray(rows, dtype=np.float64) / max(design_effect, 1.0))
    return np.clip(rate, 0.0, 1.0) * sizes, sizes.astype(np.int64)
