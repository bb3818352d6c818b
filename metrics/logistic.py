"""A small ridge-penalised logistic classifier, and the encoding of mixed columns for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import expit

from metrics.cells import Floats, IntArray

# Most columns of an encoded categorical column; rarer values share one.
LEVELS = 40
# Parts of a numeric column's values, so that shapes other than a line are seen.
PARTS = 5
ROUNDS = 50


@dataclass(frozen=True)
class Feature:
    """One column of the data.

    Parameters
    ----------
    name
        What it is called.
    values : (n,) float or int
        Numbers with NaN for blank, or codes with -1 for blank.
    categorical
        Whether the values are codes.
    """

    name: str
    values: NDArray[np.generic]
    categorical: bool = False


def encode(features: Sequence[Feature], *, levels: int = LEVELS, parts: int = PARTS) -> Floats:
    """Columns as standardised numbers, fifths of numeric columns and one column per value.

    Constant columns vanish. The encoding uses all rows and no target, so cross-fitting on its
    result is honest.

    Parameters
    ----------
    features
        Columns of n rows.
    levels, parts
        Most values of a categorical column that are told apart; parts of a numeric one.

    Returns
    -------
    (n, d) float64
        Every column has mean 0 and standard deviation 1.

    Raises
    ------
    ValueError
        Columns that differ in length.
    """
    if len({len(feature.values) for feature in features}) > 1:
        raise ValueError("features differ in length")
    blocks: list[Floats] = []
    for feature in features:
        part = (
            _one_hot(feature.values.astype(np.int64), levels)
            if feature.categorical
            else _numeric(feature.values.astype(np.float64), parts)
        )
        blocks += part
    n = len(features[0].values) if features else 0
    if not blocks:
        return np.zeros((n, 0))
    raw = np.column_stack(blocks)
    raw -= raw.mean(axis=0)
    spread = raw.std(axis=0)
    keep = spread > 1e-12
    return np.asarray(raw[:, keep] / spread[keep])


def _one_hot(codes: IntArray, levels: int) -> list[Floats]:
    found, place, n = np.unique(codes, return_inverse=True, return_counts=True)
    order = np.argsort(-n, kind="stable")[:levels]
    return [(place == j).astype(np.float64) for j in order[: max(found.size - 1, 0)].tolist()]


def _numeric(values: Floats, parts: int) -> list[Floats]:
    known = np.isfinite(values)
    if not known.any():
        return []
    filled = np.where(known, values, values[known].mean())
    cuts = np.unique(np.quantile(values[known], np.arange(1, parts) / parts))
    steps = [(filled >= cut).astype(np.float64) for cut in cuts]
    return [filled, *steps, known.astype(np.float64)]


def with_label(x: Floats, label: ArrayLike) -> Floats:
    """Add the label and its product with every column, so that a changed rule can be seen.

    Parameters
    ----------
    x : (n, d) float64
        Encoded columns.
    label : (n,) int
        0 or 1.
    """
    y = np.asarray(label, dtype=np.float64)[:, None]
    y = y - y.mean()
    return np.hstack([x, y, x * y])


def fit(x: Floats, target: ArrayLike, *, ridge: float = 1.0) -> Floats:
    """Weights of a logistic classifier by Newton's method.

    minimise sum log(1 + exp(-s w.x)) + ridge |w|^2 / 2, the intercept free; s = 2 target - 1.

    Parameters
    ----------
    x : (n, d) float64
        Encoded columns.
    target : (n,) int or bool
        0 or 1.
    ridge
        Penalty, positive, so that separable data have an answer.

    Returns
    -------
    (d + 1,) float64
        Intercept first. With one class only, all weights are 0 but the intercept.
    """
    y = np.asarray(target, dtype=np.float64)
    design = np.hstack([np.ones((len(x), 1)), x])
    weights = np.zeros(design.shape[1])
    share = float(np.clip(y.mean(), 0.5 / len(y), 1 - 0.5 / len(y))) if y.size else 0.5
    weights[0] = np.log(share / (1 - share))
    if y.size == 0 or y.min() == y.max():
        return weights
    penalty = np.full(weights.size, ridge)
    penalty[0] = 1e-9
    loss = _loss(design, y, weights, penalty)
    for _ in range(ROUNDS):
        p = expit(design @ weights)
        slope = design.T @ (p - y) + penalty * weights
        curve = (design * np.maximum(p * (1 - p), 1e-9)[:, None]).T @ design
        curve[np.diag_indices_from(curve)] += penalty
        try:
            step = cho_solve(cho_factor(curve), slope)
        except LinAlgError:
            break
        size, before = 1.0, loss
        while size > 1e-4:
            trial = weights - size * step
            loss = _loss(design, y, trial, penalty)
            if loss <= before:
                weights = trial
                break
            size /= 2
        if before - loss <= 1e-9 * max(before, 1.0):
            break
    return weights


def _loss(design: Floats, y: Floats, weights: Floats, penalty: Floats) -> float:
    z = design @ weights
    return float(np.logaddexp(0, z).sum() - y @ z + (penalty * weights**2).sum() / 2)


def predict(weights: Floats, x: Floats) -> Floats:
    """Probability of target 1, (n,)."""
    return np.asarray(expit(weights[0] + x @ weights[1:]))
