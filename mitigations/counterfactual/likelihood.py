"""P(Y=1 | x) inside a group and P(group | x) against others, cross-fitted, with their quality."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Column, MethodError
from mitigations.encode import Encoder

Floats = NDArray[np.float64]
Tick = Callable[[], None]

#: Inverse ridge of the logistic regressions, folds, and how near 0 or 1 a probability comes.
C, FOLDS, CLIP = 100.0, 5, 1e-3
#: Bins of equal size that the calibration error is read from.
BINS = 10
#: AUC from which two groups hardly overlap.
APART = 0.95


@dataclass(frozen=True)
class Quality:
    """How good cross-fitted probabilities are on the rows they were made for.

    Parameters
    ----------
    rows, positives
        Counted.
    brier, ece, auc
        Squared error, calibration error in ten bins, and ranking; `auc` is None with one label.
    """

    rows: int
    positives: int
    brier: float
    ece: float
    auc: float | None


def cross_fitted(
    columns: Sequence[Column],
    x: NDArray[np.float32],
    y: NDArray[np.int8],
    weight: Floats,
    kind: str,
    rng: np.random.Generator,
    tick: Tick,
) -> tuple[Floats, Quality | None]:
    """Probabilities of y = 1 for each row, from models that did not see it.

    Recorded labels are no probabilities and have no quality.

    Parameters
    ----------
    columns, x, y, weight
        Rows with a label 0 or 1.
    kind
        ``logistic``, ``boosting`` (recalibrated), or ``observed`` for the labels themselves.
    rng
        Deals rows to folds.
    """
    if kind == "observed":
        return y.astype(np.float64), None
    fold = _folds(y, rng)
    out = np.zeros(y.size)
    for k in range(FOLDS):
        tick()
        seen, held = fold != k, fold == k
        fit = _logistic if kind == "logistic" else _boosting
        out[held] = fit(columns, x[seen], y[seen], weight[seen])(x[held])
    if kind == "boosting":
        out = _recalibrated(out, y, weight)
    out = np.clip(out, CLIP, 1.0 - CLIP)
    return out, quality(out, y, weight)


def log_odds_of_group(
    columns: Sequence[Column],
    x: NDArray[np.float32],
    inside: NDArray[np.bool_],
    weight: Floats,
    rng: np.random.Generator,
    tick: Tick,
) -> Callable[[NDArray[np.float32]], Floats]:
    """ln P(group | x) / P(others | x) as a function of inputs.

    Raises
    ------
    MethodError
        ``no-overlap`` where inputs tell the groups apart.
    """
    free = [column for column in columns if not column.sensitive]
    y = inside.astype(np.int8)
    _, found = cross_fitted(free, x, y, weight, "logistic", rng, tick)
    if found is not None and found.auc is not None and found.auc > APART:
        raise MethodError(
            "no-overlap",
            f"The inputs tell the groups apart (AUC {found.auc:.2f}).",
            "Choose a rate to be made equal; inputs of such groups cannot be compared.",
        )
    model = _logistic(free, x, y, weight)

    def odds(rows: NDArray[np.float32]) -> Floats:
        p = np.clip(model(rows), CLIP, 1.0 - CLIP)
        return np.asarray(np.log(p / (1.0 - p)))

    return odds


def quality(p: Floats, y: NDArray[np.int8], weight: Floats) -> Quality:
    """Brier score, calibration error and AUC of probabilities."""
    total = float(weight.sum())
    order = np.argsort(p, kind="stable")
    ece = 0.0
    for part in np.array_split(order, BINS):
        if part.size:
            ece += abs(float(weight[part] @ (p[part] - y[part]))) / total
    brier = float(weight @ (p - y) ** 2) / total
    return Quality(y.size, int((y == 1).sum()), brier, ece, auc(p, y, weight))


def auc(score: Floats, y: NDArray[np.int8], weight: Floats) -> float | None:
    """Chance that a positive scores above a negative, ties half; None with one label."""
    values, place = np.unique(score, return_inverse=True)
    up = np.bincount(place, weight * (y == 1), minlength=values.size)
    down = np.bincount(place, weight * (y == 0), minlength=values.size)
    pairs = float(up.sum() * down.sum())
    if pairs <= 0.0:
        return None
    return float(up @ (np.cumsum(down) - 0.5 * down)) / pairs


def _folds(y: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.intp]:
    """A fold for each row, labels spread evenly."""
    fold = np.zeros(y.size, dtype=np.intp)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(y == label))
        fold[rows] = np.arange(rows.size) % FOLDS
    return fold


def _logistic(
    columns: Sequence[Column], x: NDArray[np.float32], y: NDArray[np.int8], weight: Floats
) -> Callable[[NDArray[np.float32]], Floats]:
    from sklearn.linear_model import LogisticRegression

    encoder = Encoder.fit(columns, x)
    model = LogisticRegression(C=C, max_iter=500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(encoder.transform(x), y, sample_weight=weight)
    return lambda rows: np.asarray(model.predict_proba(encoder.transform(rows))[:, 1])


def _boosting(
    columns: Sequence[Column], x: NDArray[np.float32], y: NDArray[np.int8], weight: Floats
) -> Callable[[NDArray[np.float32]], Floats]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    slots = [column.slot for column in columns]
    # The trees take at most 255 codes as such; more are split as numbers.
    coded = [
        column.kind == "categorical" and np.nanmax(x[:, column.slot], initial=0.0) < 255
        for column in columns
    ]
    model = HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.1, categorical_features=coded, random_state=0
    )
    model.fit(x[:, slots], y, sample_weight=weight)
    return lambda rows: np.asarray(model.predict_proba(rows[:, slots])[:, 1])


def _recalibrated(p: Floats, y: NDArray[np.int8], weight: Floats) -> Floats:
    """Platt's line through the log odds."""
    from sklearn.linear_model import LogisticRegression

    p = np.clip(p, CLIP, 1.0 - CLIP)
    odds = np.log(p / (1.0 - p))[:, None]
    model = LogisticRegression(C=1e6).fit(odds, y, sample_weight=weight)
    return np.asarray(model.predict_proba(odds)[:, 1])
