"""Can a classifier tell rows of one source from rows of another?

An AUC of 0.5 says that it cannot. Features alone miss a changed rule between features and
label; the score on features and label stands beside it for that reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit, ndtr

from metrics import bootstrap, logistic, scores
from metrics.cells import Floats, IntArray
from metrics.compare import Record, number
from metrics.logistic import Feature

FOLDS = 5
# Rows of each source that are used; more are drawn at random.
MOST = 10_000
# Rows of each source that every fold must hold out.
FEW = 10


def source_scores(
    features: Sequence[Feature],
    source: IntArray,
    *,
    label: IntArray | None = None,
    seed: int = 0,
    name: str = "source",
    most: int = MOST,
    ridge: float = 1.0,
) -> Record:
    """AUC of a cross-fitted classifier of two sources, on X and on (X, Y).

    Rows are dealt into five folds within each source. Each fold from the second on is scored by
    a logistic classifier fitted on the folds before it; the AUC is the mean over these four and
    its variance the mean of their DeLong variances over four. The interval is on the logit
    scale. (Where every fold is scored by a fit on all others, the folds' errors go together,
    and the same interval misses one half in 15 to 20 % of cases without any shift.)

    Parameters
    ----------
    features
        Columns of n rows, the label not among them.
    source : (n,) int
        0 target, 1 candidate, -1 neither.
    label : (n,) int, optional
        0, 1 or -1; rows without it are in neither score, so that both see the same people.
    seed, name
        Of the random stream that deals the rows.
    most
        Rows of each source that are used.
    ridge
        Penalty of the classifier.

    Returns
    -------
    dict
        ``x`` and ``xy``: value, low, high, p (is the AUC above one half), undefined; rows of
        both sources that were used.

    Raises
    ------
    ValueError
        Columns that differ in length.

    References
    ----------
    Shen, Raji, Chen, The data addition dilemma, MLHC 2024, section 4 (scores of a source
    classifier). LeDell, Petersen, van der Laan, Electronic Journal of Statistics 9, 2015
    (variance of a cross-validated AUC). DeLong, DeLong, Clarke-Pearson 1988.
    """
    n = len(source)
    if any(len(feature.values) != n for feature in features):
        raise ValueError("features and sources differ in length")
    if label is not None and len(label) != n:
        raise ValueError("labels and sources differ in length")
    has_label = label is not None and bool((label >= 0).any())
    rng = bootstrap.stream(seed, f"source/{name}")
    known = np.asarray(source >= 0)
    if has_label and label is not None:
        known = known & (label >= 0)
    rows = [np.flatnonzero(known & (source == s)) for s in (0, 1)]
    found = [int(part.size) for part in rows]
    rows = [np.sort(rng.permutation(part)[:most]) for part in rows]
    used = [int(part.size) for part in rows]
    out: Record = {"rows": {"target": found[0], "candidate": found[1]}}
    out["used"] = {"target": used[0], "candidate": used[1]}
    out["folds"] = FOLDS
    if min(used) < FOLDS * FEW:
        nothing = dict.fromkeys(("value", "low", "high", "p")) | {"undefined": "too-few"}
        return out | {"x": nothing, "xy": dict(nothing)}
    at = np.concatenate(rows)
    target = (source[at] == 1).astype(np.int64)
    fold = np.concatenate([rng.permutation(np.arange(k) % FOLDS) for k in used])
    x = logistic.encode(
        [Feature(f.name, f.values[at], categorical=f.categorical) for f in features]
    )
    out["x"] = _auc(x, target, fold, ridge)
    if label is None or not has_label:
        out["xy"] = dict.fromkeys(("value", "low", "high", "p")) | {"undefined": "no-label"}
    else:
        out["xy"] = _auc(logistic.with_label(x, label[at]), target, fold, ridge)
    return out


def _auc(x: Floats, target: IntArray, fold: IntArray, ridge: float) -> Record:
    auc, variance = np.zeros(FOLDS - 1), np.zeros(FOLDS - 1)
    for k in range(FOLDS - 1):
        held, before = fold == k + 1, fold <= k
        weights = logistic.fit(x[before], target[before], ridge=ridge)
        score = np.round(logistic.predict(weights, x[held]), 12)
        _, positives, negatives = scores.profile(score, target[held])
        auc[k], variance[k] = scores.delong(positives, negatives)
    value, spread = float(auc.mean()), float(variance.mean()) / len(auc)
    if not 0 < value < 1 or not spread > 0:
        p = 1.0 if value == 0.5 else None
        known = value == 0.5
        return {
            "value": number(value), "low": 0.5 if known else None, "high": 0.5 if known else None,
            "p": p, "undefined": None if known else "at-bound",
        }  # fmt: skip
    half = scores.Z95 * spread**0.5 / (value * (1 - value))
    centre = float(logit(value))
    return {
        "value": value,
        "low": float(expit(centre - half)),
        "high": float(expit(centre + half)),
        "p": float(ndtr((0.5 - value) / spread**0.5)),
        "undefined": None,
    }
