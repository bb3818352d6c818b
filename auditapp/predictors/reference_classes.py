"""The reference model for decisions among several classes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from auditapp.errors import AuditError
from auditapp.predictors import features as inputs
from auditapp.predictors.reference import (
    BOOSTING_ROUNDS,
    FEWEST_PER_CLASS,
    LOGISTIC_STEPS,
    MOST_NEWTON_INPUTS,
    THREADS,
    TITLES,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditapp.datasets.table import Table

    Ints = NDArray[np.int64]


def fit_classes(
    table: Table,
    features: list[str],
    label: Ints,
    classes: Sequence[str],
    train_mask: NDArray[np.bool_],
    *,
    estimator: str,
    seed: int,
) -> tuple[Ints, dict[str, Any]]:
    """Train on some rows and choose a class for all.

    Parameters
    ----------
    table, features, train_mask, estimator, seed
        As for `auditapp.predictors.reference.fit`; the logistic model is multinomial.
    label : (n,) int64 array
        Position in `classes`, -1 for blank.
    classes
        Words of the classes. One without rows to learn from is never chosen.

    Returns
    -------
    chosen : (n,) int64 array
        The class with the largest estimated probability.
    info : dict
        As of `fit`, ``trained_on`` with the rows of every class.

    Raises
    ------
    AuditError
        ``no-features``, ``one-class-label``, ``too-few-rows``.
    """
    from threadpoolctl import threadpool_limits

    if not features:
        raise AuditError(
            "no-features",
            "No column has the role feature, so there is nothing to train on.",
            "Give at least one column the role feature (--features on the command line).",
        )
    train = np.asarray(train_mask, dtype=bool) & (label >= 0)
    counts = np.bincount(label[train], minlength=len(classes))
    _check_label(counts, classes)
    logistic = estimator == "logistic"
    most = inputs.MOST_LEVELS if logistic else inputs.MOST_TREE_LEVELS
    columns, left_out = inputs.read(table, features, train, most_levels=most)
    with threadpool_limits(limits=THREADS):
        if logistic:
            chosen, facts = _logistic(columns, train, label[train])
        else:
            chosen, facts = _boosting(columns, train, label[train], seed)
    trained = {"rows": int(train.sum())}
    return chosen, {
        "estimator": estimator,
        "title": TITLES[estimator],
        "features": [column.name for column in columns],
        "left_out": left_out,
        "merged_levels": {column.name: column.merged for column in columns if column.merged},
        "trained_on": trained | {"classes": dict(zip(classes, counts.tolist(), strict=True))},
        **facts,
    }


def _check_label(counts: Ints, classes: Sequence[str]) -> None:
    seen = np.flatnonzero(counts)
    found = ", ".join(f"“{classes[j]}”: {counts[j]:,}" for j in seen[:10].tolist())
    if seen.size < 2:
        raise AuditError(
            "one-class-label",
            f"The {int(counts.sum()):,} rows to train on hold"
            f" {'one class' if seen.size else 'no class'}: a model has nothing to tell apart.",
            "Choose another label column, or a split that trains on more rows.",
            found=found,
        )
    if np.sort(counts)[-2] < FEWEST_PER_CLASS:
        raise AuditError(
            "too-few-rows",
            f"Fewer than two classes have {FEWEST_PER_CLASS} rows to train on.",
            "Use a larger table, or predictions from a column.",
            found=found,
        )


def _logistic(
    columns: list[inputs.Column], train: NDArray[np.bool_], target: Ints
) -> tuple[Ints, dict[str, Any]]:
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    design = inputs.sparse(columns, train)
    # The solver works on every input of every class at once.
    narrow = design.shape[1] * np.unique(target).size <= MOST_NEWTON_INPUTS
    solver = "newton-cholesky" if narrow else "lbfgs"
    model = LogisticRegression(C=1.0, solver=solver, max_iter=LOGISTIC_STEPS, tol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        model.fit(design[train], target)
    steps = int(np.max(model.n_iter_))
    facts = {"inputs": design.shape[1], "steps": steps, "converged": steps < LOGISTIC_STEPS}
    return model.predict(design).astype(np.int64), facts


def _boosting(
    columns: list[inputs.Column], train: NDArray[np.bool_], target: Ints, seed: int
) -> tuple[Ints, dict[str, Any]]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    values, categorical = inputs.dense(columns)
    model = HistGradientBoostingClassifier(
        max_iter=BOOSTING_ROUNDS,
        early_stopping=False,
        categorical_features=categorical if categorical.any() else None,
        random_state=seed % 2**32,
    )
    model.fit(values[train], target)
    chosen = model.predict(values).astype(np.int64)
    return chosen, {"inputs": values.shape[1], "steps": BOOSTING_ROUNDS, "converged": True}
