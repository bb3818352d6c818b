"""Tests of equal rates, computed from counts alone."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, gammaln, ndtri

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BLOCK = 128
_LOG_SQRT_2PI = 0.9189385332046727


class ChiSquare(TypedDict):
    """Result of :func:`chi_square`; numbers are None where the test has no meaning."""

    statistic: float | None
    df: int
    p: float | None
    method: str
    draws: int


class NullRange(TypedDict):
    """A statistic next to its distribution when decisions are shuffled across groups."""

    value: float | None
    null_mean: float | None
    null_p05: float | None
    null_p95: float | None
    draws: int


class MantelHaenszel(TypedDict):
    """Result of :func:`cmh`; numbers are None where no stratum informs them."""

    odds_ratio: float | None
    low: float | None
    high: float | None
    statistic: float | None
    p: float | None
    strata: int
    homogeneity_statistic: float | None
    homogeneity_df: int
    homogeneity_p: float | None


def fisher_central(x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike) -> FloatArray:
    """Central two-sided Fisher exact p-values.

    With K = x1 + x2, N = n1 + n2 and X ~ Hypergeometric(N, K, n1):
    p = min(1, 2 min(P(X <= x1), P(X >= x1))).

    Only the tail on the far side of the mean is summed, by term ratios that fall, so that
    nothing overflows however small the first term is.

    Parameters
    ----------
    x1, n1 : array_like of int
        Count and size of the first group.
    x2, n2 : array_like of int
        Count and size of the second group; all four broadcast.

    Returns
    -------
    ndarray of float
        p-values in [0, 1]; 1 where a group is empty.

    Raises
    ------
    ValueError
        A count lies outside 0 to its group's size.

    References
    ----------
    Fay, Confidence intervals that match Fisher's exact or Blaker's exact tests,
    Biostatistics 11, 2010, section 2 (the central form). Loader, Fast and accurate
    computation of binomial probabilities, 2000 (the first term).
    """
    arrays = [np.asarray(v, dtype=np.float64) for v in (x1, n1, x2, n2)]
    a, size1, c, size2 = np.broadcast_arrays(*arrays)
    if np.any((a < 0) | (a > size1) | (c < 0) | (c > size2)):
        raise ValueError("a count lies outside 0 to its group's size")
    shape = a.shape
    a, size1, c, size2 = (v.ravel() for v in (a, size1, c, size2))
    # Reflecting the table turns the lower tail into an upper one.
    below = a * size2 < c * size1
    up = np.where(below, size1 - a, a)
    hits = np.where(below, size2 - c, c) + up
    log_first = _log_hypergeometric(up, size1, hits - up, size2)
    tail = np.exp(log_first) * _tail_over_first(up, size1, hits, size1 + size2)
    return np.minimum(1.0, 2.0 * tail).reshape(shape)


def _tail_over_first(
    x: FloatArray, n: FloatArray, hits: FloatArray, total: FloatArray
) -> FloatArray:
    """Return P(X >= x) / P(X = x) for x at or above the mean, all entries advanced together."""
    sums = np.ones_like(x)
    term = np.ones_like(x)
    active = np.flatnonzero((x < n) & (x < hits))
    steps = np.arange(_BLOCK, dtype=np.float64)
    start = x.copy()
    while active.size:
        at = start[active, None] + steps
        size, yes, everyone = n[active, None], hits[active, None], total[active, None]
        falling = np.maximum(yes - at, 0.0) * np.maximum(size - at, 0.0)
        ratios = falling / ((at + 1.0) * (everyone - yes - size + at + 1.0))
        terms = term[active, None] * np.cumprod(ratios, axis=1)
        sums[active] += terms.sum(axis=1)
        term[active] = terms[:, -1]
        start[active] += _BLOCK
        # The ratios fall, so what is left is below a geometric series with the last one.
        left = term[active] * ratios[:, -1] / np.maximum(1.0 - ratios[:, -1], 1e-300)
        active = active[left > 1e-17 * sums[active]]
    return sums


def _log_hypergeometric(
    x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray
) -> FloatArray:
    """Return log P(X = x1) as a ratio of binomial terms, which keeps relative precision."""
    hits, total = x1 + x2, n1 + n2
    share = np.divide(hits, total, out=np.zeros_like(total), where=total > 0)
    return (
        _log_binomial(x1, n1, share)
        + _log_binomial(x2, n2, share)
        - _log_binomial(hits, total, share)
    )


def _log_binomial(x: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    rest = n - x
    inner = (x > 0) & (rest > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (
            _stirling_error(n)
            - _stirling_error(x)
            - _stirling_error(rest)
            - _deviance(x, n * p)
            - _deviance(rest, n * (1.0 - p))
            + 0.5 * (np.log(n) - np.log(x) - np.log(rest))
            - _LOG_SQRT_2PI
        )
        # At the ends the term is a plain power.
        none = np.where(rest > 0, rest * np.log1p(-p), 0.0)
        every = np.where(x > 0, x * np.log(p), 0.0)
    return np.where(inner, middle, none + every)


def _stirling_error(n: FloatArray) -> FloatArray:
    """Return log n! less Stirling's approximation, accurate to about 1e-15."""
    m = np.maximum(n, 1.0)
    series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / m**2) / m**2) / m**2) / m
    small = gammaln(m + 1.0) - (m + 0.5) * np.log(m) + m - _LOG_SQRT_2PI
    return np.asarray(np.where(m < 16, small, series))


def _deviance(x: FloatArray, mean: FloatArray) -> FloatArray:
    """Return x log(x / mean) - x + mean without cancellation between its large parts."""
    apart = x - mean
    return np.asarray(x * np.log1p(apart / mean) - apart)


def chi_square(
    x: ArrayLike, n: ArrayLike, *, rng: np.random.Generator, draws: int = 2000
) -> ChiSquare:
    """Pearson's chi-square test that all groups share one rate.

    sum_g (x_g - n_g p)^2 / (n_g p (1 - p)), p = sum x / sum n, on G - 1 degrees of freedom.
    If an expected count is below 5 the p-value is (1 + b) / (draws + 1), b the number of
    tables with the same margins whose statistic is at least as large.

    Parameters
    ----------
    x, n : array_like of int, shape (G,)
        Counts and sizes of the groups; empty groups are left out.
    rng : numpy.random.Generator
        Source of the tables, used only when an expected count is below 5.
    draws : int
        Number of tables.

    Returns
    -------
    dict
        statistic, df, p, method ("asymptotic", "permutation" or "undefined") and draws. With
        fewer than two groups, or a rate of 0 or 1 over all groups, statistic and p are None.
    """
    counts, sizes = _groups(x, n)
    hits, total = int(counts.sum()), int(sizes.sum())
    df = max(sizes.size - 1, 0)
    if df == 0 or hits == 0 or hits == total:
        return ChiSquare(statistic=None, df=df, p=None, method="undefined", draws=0)
    statistic = float(_pearson(counts, sizes, hits, total))
    if sizes.min() * min(hits, total - hits) >= 5 * total:
        p = float(chdtrc(df, statistic))
        return ChiSquare(statistic=statistic, df=df, p=p, method="asymptotic", draws=0)
    tables = _shuffled(sizes, hits, rng, draws)
    reached = int(np.sum(_pearson(tables, sizes, hits, total) >= statistic * (1.0 - 1e-12)))
    return ChiSquare(
        statistic=statistic,
        df=df,
        p=(1 + reached) / (draws + 1),
        method="permutation",
        draws=draws,
    )


def null_gap(
    x: ArrayLike, n: ArrayLike, *, rng: np.random.Generator, draws: int = 1000
) -> dict[str, NullRange]:
    """Largest less smallest rate, and smallest over largest, beside their null values.

    Parameters
    ----------
    x, n : array_like of int, shape (G,)
        Counts and sizes of the groups; empty groups are left out.
    rng : numpy.random.Generator
        Source of the shuffles: counts given the sizes and the total are multivariate
        hypergeometric when decisions are shuffled across groups.
    draws : int
        Number of shuffles.

    Returns
    -------
    dict
        "max-min" and "min-max-ratio", each with value, null_mean, null_p05, null_p95 and
        draws. The end of the null range on the side of more disparity is null_p95 for the
        difference and null_p05 for the ratio. Values are None with fewer than two groups,
        and for the ratio when nobody was chosen.
    """
    counts, sizes = _groups(x, n)
    hits = int(counts.sum())
    if sizes.size < 2:
        nothing = NullRange(value=None, null_mean=None, null_p05=None, null_p95=None, draws=0)
        return {"max-min": nothing, "min-max-ratio": nothing.copy()}
    tables = np.vstack([counts, _shuffled(sizes, hits, rng, draws)])
    rates = tables / sizes
    high, low = rates.max(axis=1), rates.min(axis=1)
    result = {"max-min": _null_range(high - low)}
    if hits > 0:
        result["min-max-ratio"] = _null_range(low / high)
    else:
        result["min-max-ratio"] = NullRange(
            value=None, null_mean=None, null_p05=None, null_p95=None, draws=0
        )
    return result


def _null_range(values: FloatArray) -> NullRange:
    """Summarise draws, the first entry being the observed value."""
    null = values[1:]
    low, high = np.quantile(null, [0.05, 0.95])
    return NullRange(
        value=float(values[0]),
        null_mean=float(null.mean()),
        null_p05=float(low),
        null_p95=float(high),
        draws=int(null.size),
    )


def cmh(
    x1: ArrayLike, n1: ArrayLike, x0: ArrayLike, n0: ArrayLike, *, level: float = 0.95
) -> MantelHaenszel:
    """Estimate the odds ratio that two groups share over strata, and test it.

    With a, b the chosen and not chosen of the group, c, d those of the comparator, N the
    stratum's size: OR = sum(ad/N) / sum(bc/N), chi2 = (sum a - sum E a)^2 / sum Var a without
    continuity correction; homogeneity by Breslow and Day with Tarone's correction.

    Parameters
    ----------
    x1, n1 : array_like of int, shape (S,)
        Count and size of the group in each stratum.
    x0, n0 : array_like of int, shape (S,)
        Count and size of the comparator in each stratum.
    level : float
        Coverage of the interval of the odds ratio.

    Returns
    -------
    dict
        odds_ratio, low, high, statistic, p, strata (the number that inform the test),
        homogeneity_statistic, homogeneity_df, homogeneity_p; None where undefined.

    References
    ----------
    Mantel, Haenszel, Journal of the National Cancer Institute 22, 1959. Robins, Breslow,
    Greenland, Biometrics 42, 1986 (variance of the log odds ratio). Tarone, Biometrika 72,
    1985 (homogeneity).
    """
    a, size1, c, size0 = (np.asarray(v, dtype=np.float64).ravel() for v in (x1, n1, x0, n0))
    total, hits = size1 + size0, a + c
    keep = (size1 > 0) & (size0 > 0) & (hits > 0) & (hits < total)
    a, size1, c, size0, total, hits = (v[keep] for v in (a, size1, c, size0, total, hits))
    result = MantelHaenszel(
        odds_ratio=None,
        low=None,
        high=None,
        statistic=None,
        p=None,
        strata=int(keep.sum()),
        homogeneity_statistic=None,
        homogeneity_df=max(int(keep.sum()) - 1, 0),
        homogeneity_p=None,
    )
    if not keep.any():
        return result
    b, d = size1 - a, size0 - c
    variance = size1 * size0 * hits * (total - hits) / (total**2 * (total - 1.0))
    statistic = float((a - size1 * hits / total).sum() ** 2 / variance.sum())
    result["statistic"], result["p"] = statistic, float(chdtrc(1, statistic))
    r, s = a * d / total, b * c / total
    if r.sum() == 0 or s.sum() == 0:
        return result
    ratio = float(r.sum() / s.sum())
    agree, differ = (a + d) / total, (b + c) / total
    spread = (
        (agree * r).sum() / (2 * r.sum() ** 2)
        + (agree * s + differ * r).sum() / (2 * r.sum() * s.sum())
        + (differ * s).sum() / (2 * s.sum() ** 2)
    )
    half = float(ndtri((1.0 + level) / 2.0)) * float(np.sqrt(spread))
    result["odds_ratio"] = ratio
    result["low"], result["high"] = ratio * float(np.exp(-half)), ratio * float(np.exp(half))
    if result["homogeneity_df"] > 0:
        between = _breslow_day(a, size1, hits, total, ratio)
        result["homogeneity_statistic"] = between
        result["homogeneity_p"] = float(chdtrc(result["homogeneity_df"], between))
    return result


def _breslow_day(
    a: FloatArray, size1: FloatArray, hits: FloatArray, total: FloatArray, ratio: float
) -> float:
    """Return the Breslow-Day statistic with Tarone's correction."""
    # The fitted a solves a (total - size1 - hits + a) = ratio (size1 - a) (hits - a).
    linear = total - size1 - hits + ratio * (size1 + hits)
    constant = ratio * size1 * hits
    square = 1.0 - ratio
    root = np.sqrt(np.maximum(linear**2 + 4.0 * square * constant, 0.0))
    fitted = 2.0 * constant / (linear + root)
    parts = (fitted, size1 - fitted, hits - fitted, total - size1 - hits + fitted)
    variance = 1.0 / np.sum([1.0 / part for part in parts], axis=0)
    apart = a - fitted
    return float((apart**2 / variance).sum() - apart.sum() ** 2 / variance.sum())


def _groups(x: ArrayLike, n: ArrayLike) -> tuple[IntArray, IntArray]:
    counts, sizes = np.asarray(x, dtype=np.int64), np.asarray(n, dtype=np.int64)
    if np.any(counts < 0) or np.any(counts > sizes):
        raise ValueError("a count lies outside 0 to its group's size")
    keep = sizes > 0
    return counts[keep], sizes[keep]


def _pearson(counts: IntArray, sizes: IntArray, hits: int, total: int) -> FloatArray:
    rate = hits / total
    return np.asarray(((counts - sizes * rate) ** 2 / (sizes * rate * (1.0 - rate))).sum(axis=-1))


def _shuffled(sizes: IntArray, hits: int, rng: np.random.Generator, draws: int) -> IntArray:
    return rng.multivariate_hypergeometric(sizes, hits, size=draws, method="marginals")
