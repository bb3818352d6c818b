"""Estimates and tests from moments: means, RMSE, R², standardised differences, quantiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics import intervals
from metrics.cells import Counts, Floats
from metrics.contrasts import Limits, Test, joined, student, t_quantile, welch
from metrics.moments import Scale, Sums

# A variance below this share of the second moment is rounding.
ROUNDING = 1e-12
# Limits on a log scale stop here, so that their squares are numbers.
FURTHEST = 250.0
# Rows for each unit of squared skewness from which a t test keeps its level (Cochran's rule).
PER_SKEWNESS = 25


@dataclass(frozen=True)
class Mean:
    """A mean of rows: value, variance of one row (n - 1 below) and rows; NaN where undefined."""

    value: Floats
    variance: Floats
    n: Counts


@dataclass(frozen=True)
class Estimate:
    """A measure of g groups with limits at any level.

    Parameters
    ----------
    value : (g,) float
        NaN where undefined.
    n : (g,) int
        Rows that carry it.
    reason : (g,) object
        Why value or interval is missing, or empty.
    interval
        How limits are made.
    limits
        Error rates (g,) to lower and upper limits, NaN where there are none.
    error : (g,) float
        Standard error.
    mean
        Set where the measure is a mean of rows.
    """

    value: Floats
    n: Counts
    reason: NDArray[np.object_]
    interval: str
    limits: Callable[[Floats], Limits]
    error: Floats
    mean: Mean | None = None


def mean(sums: Sums, slug: str) -> Mean:
    """Mean of rows for a measure that is one.

    Parameters
    ----------
    sums
        Moments of g groups.
    slug
        ``bias``, ``mae``, ``pinball-<percent>``, ``mean-prediction`` or ``mean-label``.

    Raises
    ------
    KeyError
        For any other measure.
    """
    m, unit, origin, n = sums.mean, sums.scale.unit, sums.scale.origin, sums.both
    if slug == "mean-prediction":
        first, second, n = m["p"], m["p2"], sums.predicted
    elif slug == "mean-label":
        first, second = m["y"], m["y2"]
    elif slug in ("bias", "mae") or slug.startswith("pinball-"):
        up, down = _weights(slug)
        first = up * m["over"] + down * m["under"]
        second = up**2 * m["over2"] + down**2 * m["under2"]
        origin = 0.0
    else:
        raise KeyError(slug)
    spread = _central(first, second)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.where(n > 1, spread * n / (n - 1), np.nan)
    return Mean(origin + unit * first, unit**2 * variance, n)


def rows_for_t(sums: Sums, slug: str) -> Floats:
    """Rows from which a t interval of the measure can be relied on: 25 times skewness squared.

    Parameters
    ----------
    sums
        Moments of g groups, best of everybody: small samples hide their skewness.
    slug
        As for `mean`; other measures need 0.

    Returns
    -------
    (g,) float
        0 where nothing varies.

    References
    ----------
    Cochran, Sampling techniques, third edition, 1977, section 2.15.
    """
    m = sums.mean
    if slug in ("mean-prediction", "mean-label"):
        name = "p" if slug == "mean-prediction" else "y"
        first, second, third = m[name], m[f"{name}2"], m[f"{name}3"]
    elif slug in ("rmse", "r2"):
        return np.zeros(len(sums.rows))
    else:
        up, down = _weights(slug)
        first = down * m["under"] + up * m["over"]
        second = down**2 * m["under2"] + up**2 * m["over2"]
        third = down**3 * m["under3"] + up**3 * m["over3"]
    spread = _central(first, second)
    central = third - 3 * first * second + 2 * first**3
    with np.errstate(invalid="ignore", divide="ignore"):
        needed = PER_SKEWNESS * central**2 / spread**3
    return np.asarray(np.where(spread > 0, needed, 0.0))


def _weights(slug: str) -> tuple[float, float]:
    """Factors of predictions above and below the label in a measure of errors."""
    if slug == "bias":
        return 1.0, -1.0
    if slug == "mae":
        return 1.0, 1.0
    q = float(slug.removeprefix("pinball-")) / 100
    return 1 - q, q


def _central(first: Floats, second: Floats) -> Floats:
    spread = second - first**2
    return np.asarray(np.where(spread <= ROUNDING * second, 0.0 * spread, spread))


def estimate(sums: Sums, slug: str) -> Estimate:
    """Measure of g groups.

    Parameters
    ----------
    sums
        Moments.
    slug
        As for `mean`, or ``rmse`` or ``r2``.

    Returns
    -------
    Estimate
        Means have Student limits; RMSE and R² Student limits of log MSE / 2 and of
        log(1 - R²), their standard errors by the delta method from fourth moments.
    """
    if slug == "rmse":
        return _rmse(sums)
    if slug == "r2":
        return _r2(sums)
    found = mean(sums, slug)
    error = np.sqrt(found.variance / np.maximum(found.n, 1))
    floor = 0.0 if slug == "mae" or slug.startswith("pinball-") else -np.inf

    def limits(alpha: Floats) -> Limits:
        half = t_quantile(np.where(error > 0, found.n - 1.0, np.nan), alpha) * error
        return np.maximum(found.value - half, floor), found.value + half

    reason = _reasons(found.n, error > 0)
    return Estimate(found.value, found.n, reason, "t", limits, error, found)


def _reasons(n: Counts, varies: NDArray[np.bool_]) -> NDArray[np.object_]:
    reason = np.full(n.shape, "", dtype=object)
    reason[~varies] = "zero-variance"
    reason[n == 1] = "single-row"
    reason[n == 0] = "empty-group"
    return reason


def _rmse(sums: Sums) -> Estimate:
    """RMSE; se(log MSE) = sqrt((m4 / MSE² - 1) / (n - 1))."""
    m, n = sums.mean, sums.both
    mse = m["under2"] + m["over2"]
    with np.errstate(invalid="ignore", divide="ignore"):
        wobble = _central(mse, m["e4"]) / mse**2
        error = np.sqrt(np.where(n > 1, wobble / (n - 1), np.nan)) / 2
    value = sums.scale.unit * np.sqrt(mse)

    def limits(alpha: Floats) -> Limits:
        half = t_quantile(np.where(error > 0, n - 1.0, np.nan), alpha) * error
        half = np.minimum(half, FURTHEST)
        return value * np.exp(-half), value * np.exp(half)

    return Estimate(value, n, _reasons(n, error > 0), "log-t", limits, value * error)


def _r2(sums: Sums) -> Estimate:
    """R² = 1 - MSE / V with the influence of both parts on log(1 - R²)."""
    m, n = sums.mean, sums.both
    mse, y = m["under2"] + m["over2"], m["y"]
    spread = _central(y, m["y2"])
    fourth = m["y4"] - 4 * y * m["y3"] + 6 * y**2 * m["y2"] - 3 * y**4
    cross = m["e2y2"] - 2 * y * m["e2y"] + y**2 * mse
    with np.errstate(invalid="ignore", divide="ignore"):
        ok = (spread > 0) & (n > 1)
        value = np.where(ok, 1 - mse / spread, np.nan)
        # E[(e²/MSE - c²/V)²], c the centred label.
        wobble = m["e4"] / mse**2 + fourth / spread**2 - 2 * cross / (mse * spread)
        wobble = np.where(ok & (mse > 0) & (wobble > ROUNDING), wobble, np.nan)
        error = np.sqrt(wobble / (n - 1))

    def limits(alpha: Floats) -> Limits:
        half = t_quantile(np.where(error > 0, n - 1.0, np.nan), alpha) * error
        half, left = np.minimum(half, FURTHEST), 1 - value
        return 1 - left * np.exp(half), 1 - left * np.exp(-half)

    reason = _reasons(n, np.isfinite(error))
    return Estimate(value, n, reason, "log-t", limits, (1 - value) * error)


def compare(first: Estimate, second: Estimate) -> Test:
    """Difference of a measure between two disjoint sets of rows.

    Parameters
    ----------
    first, second
        The same measure of K groups and of their comparators.

    Returns
    -------
    Test
        Welch's t for means; else both limits joined by square-and-add.
    """
    one, two = first.mean, second.mean
    if one is not None and two is not None:
        n1, n2 = one.n.astype(float), two.n.astype(float)
        return welch(one.value, one.variance, n1, two.value, two.variance, n2)
    error = np.hypot(first.error, second.error)
    return joined(first.value, first.limits, second.value, second.limits, error)


def standardised(here: Sums, there: Sums, everybody: Sums) -> Test:
    """Standardised mean difference of predictions, with its interval.

    SMD = (m_g - m_c) / S, S the standard deviation of everybody's predictions (n below). The
    standard error follows by the delta method from v_g/n_g + v_c/n_c, the fourth moment of
    everybody and the third cross moments of the two groups; it counts the spread as estimated.

    Parameters
    ----------
    here, there
        Moments of K groups and of their comparators, disjoint parts of everybody.
    everybody
        Moments of all rows.
    """
    m, n = everybody.mean, float(everybody.predicted[0])
    centre, spread = m["p"][0], _central(m["p"], m["p2"])[0]
    fourth = m["p4"][0] - 4 * centre * m["p3"][0] + 6 * centre**2 * m["p2"][0] - 3 * centre**4
    one, two = mean(here, "mean-prediction"), mean(there, "mean-prediction")
    unit = here.scale.unit
    n1, n2 = one.n.astype(float), two.n.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (here.mean["p"] - there.mean["p"]) / np.sqrt(spread)
        plain = (one.variance / n1 + two.variance / n2) / unit**2 / spread
        scale = value**2 / (4 * n) * (fourth / spread**2 - 1)
        cross = (_cross(here, centre) - _cross(there, centre)) / spread**1.5
        error = np.sqrt(plain + scale - value / n * cross)
    value = np.where(spread > 0, value, np.nan)
    return student(value, np.where(error > 0, error, np.nan), np.minimum(n1, n2) - 1)


def _cross(sums: Sums, centre: float) -> Floats:
    """E[(p - m_g)(p - centre)²] in standard units."""
    p, p2, p3 = (sums.mean[name] for name in ("p", "p2", "p3"))
    return np.asarray((p3 - p * p2) - 2 * centre * (p2 - p**2))


def quantile(by_bin: Counts, scale: Scale, q: float) -> tuple[Floats, Floats, Floats]:
    """Quantile of the errors with its interval, from a histogram.

    The limits are the quantiles at Wilson's limits of q (Woodruff).

    Parameters
    ----------
    by_bin : (g, bins) int64
        Rows by error bin.
    scale
        Cut points; where each bin holds one value the quantile is exact (inverse of the
        distribution function), else linear inside a bin.
    q
        In (0, 1).

    Returns
    -------
    value, low, high : (g,) float
        NaN without rows.

    References
    ----------
    Woodruff, Confidence intervals for medians and other position measures, Journal of the
    American Statistical Association 47, 1952.
    """
    n = by_bin.sum(axis=1)
    low, high = intervals.wilson(np.minimum(q * n, n), n)
    return tuple(_inverse(by_bin, scale, level) for level in (np.full(len(n), q), low, high))  # type: ignore[return-value]


def _inverse(by_bin: Counts, scale: Scale, level: Floats) -> Floats:
    edges = np.asarray(scale.edges)
    out = np.full(len(by_bin), np.nan)
    for j, counts in enumerate(by_bin):
        n = int(counts.sum())
        if n == 0 or edges.size == 0:
            continue
        reached = np.cumsum(counts)
        # The small allowance keeps 0.9 * 10 from asking for the tenth row.
        wanted = max(level[j] * n - 1e-9, 0.0)
        b = int(np.searchsorted(reached, wanted, side="left" if wanted > 0 else "right"))
        b = min(b, len(counts) - 1)
        if scale.exact:
            out[j] = edges[b]
            continue
        before = reached[b] - counts[b]
        share = (wanted - before) / counts[b] if counts[b] else 0.0
        out[j] = edges[b] + (edges[b + 1] - edges[b]) * min(max(share, 0.0), 1.0)
    return out
