"""A plain model trained here, for data that comes without one: what an ordinary tool would do."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditapp.errors import AuditError
from auditapp.predictors import features as inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditapp.datasets.table import Table

TITLES = {"logistic": "Logistic regression", "boosting": "Gradient boosting"}
NUMBER_TITLES = {"linear": "Ridge regression", "boosting": "Gradient boosting"}
#: fixed, so that results do not depend on the machine
THREADS = 2
FEWEST_PER_CLASS = 5
FEWEST_ROWS = 10
LOGISTIC_STEPS = 300
#: newton-cholesky needs memory for the square of the inputs
MOST_NEWTON_INPUTS = 2000
BOOSTING_ROUNDS = 100
RIDGE_STEPS = 10_000
#: largest slope of the loss, per row and standard deviation, that counts as none
RIDGE_SLOPE = 1e-6


@dataclass(frozen=True)
class Fitted:
    """A trained model that can be asked again.

    Parameters
    ----------
    scores : (n,) float64 array
        Estimated probability of the favourable label of all rows.
    info
        As `fit` returns it.
    columns
        What the model saw, n rows.
    train : (n,) bool array
        Rows it learnt from.
    model
        The scikit-learn classifier.
    """

    scores: NDArray[np.float64]
    info: dict[str, Any]
    columns: list[inputs.Column]
    train: NDArray[np.bool_]
    model: Any

    def ask(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Scores of new rows, (m, d): numbers, and codes of `columns`, NaN for blank."""
        trees = self.info["estimator"] == "boosting"
        # The scale of numbers is that of the training rows, so a linear design needs them too.
        keep = np.flatnonzero(self.train) if not trees else np.zeros(0, dtype=np.intp)
        rows = [inputs.extended(c, keep, x[:, j]) for j, c in enumerate(self.columns)]
        if trees:
            design: Any = inputs.dense(rows)[0]
        else:
            learnt = np.arange(keep.size + len(x)) < keep.size
            design = inputs.sparse(rows, learnt)[keep.size :]
        return np.asarray(self.model.predict_proba(design)[:, 1], dtype=np.float64)


def fit(
    table: Table,
    features: list[str],
    label: NDArray[np.int8],
    train_mask: NDArray[np.bool_],
    *,
    estimator: str,
    seed: int,
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Train on some rows and score all.

    Parameters
    ----------
    table
        The canonical table, n rows.
    features
        Columns the model may use.
    label : (n,) int8 array
        1 favourable, 0 not, -1 blank.
    train_mask : (n,) bool array
        Rows to learn from; those with a blank label are skipped.
    estimator
        ``"logistic"``: L2 (C = 1) on standardised numbers and one-hot levels, the 100 most
        frequent of each column. ``"boosting"``: 100 histogram trees of at most 31 leaves,
        learning rate 0.1, no early stopping.
    seed
        Of the boosting; the logistic model has one optimum and no randomness.

    Returns
    -------
    scores : (n,) float64 array
        Estimated probability of the favourable label.
    info : dict
        ``estimator, title, features, left_out, inputs, merged_levels, steps, converged,
        trained_on {rows, favourable}``.

    Raises
    ------
    AuditError
        ``no-features``, ``one-class-label``, ``too-few-rows``, ``unknown-estimator``.
    """
    fitted = fit_model(table, features, label, train_mask, estimator=estimator, seed=seed)
    return fitted.scores, fitted.info


def fit_model(
    table: Table,
    features: list[str],
    label: NDArray[np.int8],
    train_mask: NDArray[np.bool_],
    *,
    estimator: str,
    seed: int,
) -> Fitted:
    """As `fit`, keeping the model."""
    from threadpoolctl import threadpool_limits

    _check(features, estimator, TITLES)
    train = np.asarray(train_mask, dtype=bool) & (label >= 0)
    _check_label(label[train])
    most = inputs.MOST_LEVELS if estimator == "logistic" else inputs.MOST_TREE_LEVELS
    columns, left_out = inputs.read(table, features, train, most_levels=most)
    target = label[train].astype(np.int8)
    with threadpool_limits(limits=THREADS):
        if estimator == "logistic":
            scores, facts, model = _logistic(columns, train, target)
        else:
            scores, facts, model = _boosting(columns, train, target, seed)
    info = {
        "estimator": estimator,
        "title": TITLES[estimator],
        "features": [column.name for column in columns],
        "left_out": left_out,
        "merged_levels": {column.name: column.merged for column in columns if column.merged},
        "trained_on": {"rows": int(target.size), "favourable": int(target.sum())},
        **facts,
    }
    return Fitted(scores, info, columns, train, model)


def fit_number(
    table: Table,
    features: list[str],
    label: NDArray[np.float64],
    train_mask: NDArray[np.bool_],
    *,
    estimator: str,
    seed: int,
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Train on the numbers of some rows and predict all.

    Parameters
    ----------
    table, features, train_mask, seed
        As for `fit`.
    label : (n,) float64 array
        NaN for blank; such rows are skipped.
    estimator
        ``"linear"``: ridge regression (penalty 1) on standardised numbers and one-hot levels.
        ``"boosting"``: as for `fit`, of squared errors.

    Returns
    -------
    predictions : (n,) float64 array
    info : dict
        As of `fit`, ``trained_on`` without ``favourable``.

    Raises
    ------
    AuditError
        ``no-features``, ``one-value-label``, ``too-few-rows``, ``unknown-estimator``.
    """
    from threadpoolctl import threadpool_limits

    _check(features, estimator, NUMBER_TITLES)
    train = np.asarray(train_mask, dtype=bool) & ~np.isnan(label)
    _check_numbers(label[train])
    linear = estimator == "linear"
    most = inputs.MOST_LEVELS if linear else inputs.MOST_TREE_LEVELS
    columns, left_out = inputs.read(table, features, train, most_levels=most)
    with threadpool_limits(limits=THREADS):
        if linear:
            predictions, facts = _ridge(columns, train, label[train])
        else:
            predictions, facts = _boosted_numbers(columns, train, label[train], seed)
    info = {
        "estimator": estimator,
        "title": NUMBER_TITLES[estimator],
        "features": [column.name for column in columns],
        "left_out": left_out,
        "merged_levels": {column.name: column.merged for column in columns if column.merged},
        "trained_on": {"rows": int(train.sum())},
        **facts,
    }
    return predictions, info


def _check(features: list[str], estimator: str, titles: dict[str, str]) -> None:
    if estimator not in titles:
        raise AuditError(
            "unknown-estimator",
            f"There is no reference model “{estimator}”.",
            f"Choose one of: {', '.join(titles)}.",
        )
    if not features:
        raise AuditError(
            "no-features",
            "No column has the role feature, so there is nothing to train on.",
            "Give at least one column the role feature (--features on the command line).",
        )


def _check_label(label: NDArray[np.int8]) -> None:
    counts = np.bincount(label, minlength=2) if label.size else np.zeros(2, dtype=int)
    no, yes = int(counts[0]), int(counts[1])
    found = f"{yes:,} favourable, {no:,} not"
    if min(no, yes) == 0:
        which = "are favourable" if yes else "are unfavourable" if no else "have a label"
        many = f"All {no + yes:,}" if no + yes else "None of the"
        raise AuditError(
            "one-class-label",
            f"{many} rows to train on {which}: a model has nothing to tell apart.",
            "Check which label values are favourable, or choose another label column.",
            found=found,
        )
    if min(no, yes) < FEWEST_PER_CLASS:
        raise AuditError(
            "too-few-rows",
            f"Only {min(no, yes)} of the {no + yes:,} rows to train on"
            f" {'are favourable' if yes < no else 'are unfavourable'}.",
            f"At least {FEWEST_PER_CLASS} of each are needed: use a larger table, or scores from"
            " a column.",
            found=found,
        )


def _check_numbers(target: NDArray[np.float64]) -> None:
    if target.size < FEWEST_ROWS:
        raise AuditError(
            "too-few-rows",
            f"Only {target.size} rows to train on have a label.",
            f"At least {FEWEST_ROWS} are needed: use a larger table, or predictions from a"
            " column.",
        )
    if target.min() == target.max():
        raise AuditError(
            "one-value-label",
            f"The label is {target[0]:g} in all {target.size:,} rows to train on: a model has"
            " nothing to learn.",
            "Choose another label column.",
        )


def _logistic(
    columns: list[inputs.Column], train: NDArray[np.bool_], target: NDArray[np.int8]
) -> tuple[NDArray[np.float64], dict[str, Any], Any]:
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    design = inputs.sparse(columns, train)
    narrow = design.shape[1] <= MOST_NEWTON_INPUTS
    solver = "newton-cholesky" if narrow else "lbfgs"
    model = LogisticRegression(C=1.0, solver=solver, max_iter=LOGISTIC_STEPS, tol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        model.fit(design[train], target)
    steps = int(model.n_iter_[0])
    scores = model.predict_proba(design)[:, 1].astype(np.float64)
    facts = {"inputs": design.shape[1], "steps": steps, "converged": steps < LOGISTIC_STEPS}
    return scores, facts, model


def _boosting(
    columns: list[inputs.Column], train: NDArray[np.bool_], target: NDArray[np.int8], seed: int
) -> tuple[NDArray[np.float64], dict[str, Any], Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    values, categorical = inputs.dense(columns)
    model = HistGradientBoostingClassifier(
        max_iter=BOOSTING_ROUNDS,
        early_stopping=False,
        categorical_features=categorical if categorical.any() else None,
        random_state=seed % 2**32,
    )
    model.fit(values[train], target)
    scores = model.predict_proba(values)[:, 1].astype(np.float64)
    facts = {"inputs": values.shape[1], "steps": BOOSTING_ROUNDS, "converged": True}
    return scores, facts, model


def _ridge(
    columns: list[inputs.Column], train: NDArray[np.bool_], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    from sklearn.linear_model import Ridge

    design = inputs.sparse(columns, train)
    # The solver stops relative to the target, whose own unit may be millions.
    centre, spread = float(target.mean()), float(target.std())
    model = Ridge(alpha=1.0, solver="sparse_cg", tol=1e-10, max_iter=RIDGE_STEPS)
    model.fit(design[train], (target - centre) / spread)
    scaled = np.asarray(model.predict(design), dtype=np.float64)
    left = (target - centre) / spread - scaled[train]
    slope = design[train].T @ left - model.coef_
    converged = bool(np.abs(slope).max(initial=0.0) <= RIDGE_SLOPE * target.size)
    facts = {"inputs": design.shape[1], "converged": converged}
    return centre + spread * scaled, facts


def _boosted_numbers(
    columns: list[inputs.Column],
    train: NDArray[np.bool_],
    target: NDArray[np.float64],
    seed: int,
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    values, categorical = inputs.dense(columns)
    model = HistGradientBoostingRegressor(
        max_iter=BOOSTING_ROUNDS,
        early_stopping=False,
        categorical_features=categorical if categorical.any() else None,
        random_state=seed % 2**32,
    )
    model.fit(values[train], target)
    predictions = model.predict(values).astype(np.float64)
    return predictions, {"inputs": values.shape[1], "steps": BOOSTING_ROUNDS, "converged": True}
