"""Estimates of sparse cells that borrow from similar groups.

They colour and sort a picture of many cells. They never enter a verdict: coverage is near
the nominal level on average, but an unusual cell is pulled towards its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

FloatArray = NDArray[np.float64]

_Z95 = 1.96
_RIDGE = 0.25


@dataclass(frozen=True)
class _Step:
    beta: FloatArray
    effect: FloatArray
    var_effect: FloatArray
    var_eta: FloatArray


def main_effects(levels: ArrayLike, *, reference: Sequence[int] | None = None) -> FloatArray:
    """Intercept and one indicator for each level of each attribute but its reference.

    Parameters
    ----------
    levels : array_like of int, shape (G, A)
        Level of each of the A attributes in each of the G cells.
    reference : sequence of int, optional
        Level without an indicator, for each attribute; by default the lowest code.

    Returns
    -------
    ndarray of float, shape (G, 1 + sum of (levels - 1))
        Design matrix for :func:`logit_normal`.
    """
    codes = np.asarray(levels, dtype=np.int64)
    columns = [np.ones(codes.shape[0])]
    for at, attribute in enumerate(codes.T):
        kinds = np.unique(attribute)
        left_out = kinds[0] if reference is None else reference[at]
        columns.extend((attribute == kind).astype(np.float64) for kind in kinds[kinds != left_out])
    return np.column_stack(columns)


def logit_normal(
    x: ArrayLike, n: ArrayLike, design: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rates of cells under main effects plus a random effect of each cell, on the logit scale.

    logit p_g = X_g beta + u_g, u_g ~ N(0, tau^2), ridge 0.25 on all coefficients but the
    intercept; beta and u by penalised quasi-likelihood, tau^2 by its EM update, until the
    largest change is below 1e-6 or 60 rounds have passed.

    Parameters
    ----------
    x, n : array_like of int, shape (G,)
        Counts and sizes of the cells; a size of 0 is allowed and gets the fitted value.
    design : array_like of float, shape (G, P)
        Main effects, the first column being the intercept.

    Returns
    -------
    value, low, high : ndarray, shape (G,)
        Estimate and 95 % limits, expit(eta -+ 1.96 sd(eta)); all NaN when no cell has rows.

    References
    ----------
    Breslow, Clayton, Approximate inference in generalized linear mixed models, Journal of
    the American Statistical Association 88, 1993, sections 2.2 to 2.4.
    """
    counts, sizes = np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64)
    matrix = np.asarray(design, dtype=np.float64)
    if np.any(counts < 0) or np.any(counts > sizes):
        raise ValueError("a count lies outside 0 to its denominator")
    total = float(sizes.sum())
    if total == 0:
        nothing = np.full(sizes.shape, np.nan)
        return nothing, nothing.copy(), nothing.copy()
    beta = np.zeros(matrix.shape[1])
    beta[0] = logit((float(counts.sum()) + 0.5) / (total + 1.0))
    effect, tau2 = np.zeros_like(sizes), 0.1
    seen = sizes > 0
    for _ in range(60):
        step = _round(counts, sizes, matrix, beta, effect, tau2)
        move_beta = np.clip(step.beta - beta, -2.0, 2.0)
        move_effect = np.clip(step.effect - effect, -2.0, 2.0)
        beta, effect = beta + move_beta, effect + move_effect
        tau2_new = max(float(np.mean((effect**2 + step.var_effect)[seen])), 1e-4)
        moved = max(
            float(np.abs(move_beta).max()),
            float(np.abs(move_effect).max()),
            abs(tau2_new - tau2),
        )
        tau2 = tau2_new
        if moved < 1e-6:
            break
    eta = matrix @ beta + effect
    deviation = np.sqrt(np.maximum(step.var_eta, 0.0))
    return (
        np.asarray(expit(eta)),
        np.asarray(expit(eta - _Z95 * deviation)),
        np.asarray(expit(eta + _Z95 * deviation)),
    )


def _round(
    counts: FloatArray,
    sizes: FloatArray,
    design: FloatArray,
    beta: FloatArray,
    effect: FloatArray,
    tau2: float,
) -> _Step:
    """One weighted least squares step for the coefficients and the cell effects together."""
    ridge = np.full(design.shape[1], _RIDGE)
    ridge[0] = 0.0
    eta = design @ beta + effect
    rate = expit(eta)
    weight = np.maximum(sizes * rate * (1.0 - rate), 1e-10)
    working = weight * (eta + (counts - sizes * rate) / weight)
    own = weight + 1.0 / tau2
    weighted = design * weight[:, None]
    information = design.T @ weighted + np.diag(ridge) - weighted.T @ (weighted / own[:, None])
    covariance = np.linalg.inv(information)
    new_beta = covariance @ (design.T @ working - weighted.T @ (working / own))
    new_effect = (working - weight * (design @ new_beta)) / own
    shared = weighted / own[:, None]
    # A product of matrices first: an einsum of three operands runs without BLAS.
    spread = design @ covariance
    var_effect = 1.0 / own + ((shared @ covariance) * shared).sum(axis=1)
    var_eta = (spread * design).sum(axis=1) + var_effect - 2.0 * (spread * shared).sum(axis=1)
    return _Step(new_beta, new_effect, var_effect, var_eta)
