"""Reductions to weighted classification: exponentiated gradient and grid search, by fairlearn."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations import logistic
from mitigations.contract import Card, Context, Method, Outcome, Point, Problem, Table
from mitigations.logistic import Fit
from mitigations.parameters import param
from mitigations.parity import AMONG, CHOICES, Compared, gap, labelled, mean_cost
from mitigations.rules.linear import Linear
from mitigations.training import Training, checked, ridge_param, rows_param, rule, training

Floats = NDArray[np.float64]

#: Slope at which a model inside the search counts as fitted.
FLAT = 1e-6
#: Shares of a mixture below this are left out.
LEAST_SHARE = 1e-4
AGARWAL = "Agarwal et al., A reductions approach to fair classification, ICML 2018"


@dataclass(frozen=True)
class ExponentiatedGradient(Method):
    """A mixture of linear models that meets the limit on the training rows."""

    card = Card(
        title="Exponentiated gradient",
        text=(
            "Fits a logistic regression again and again, each time with other weights of rows, "
            "until a mixture of the models keeps the gap within the limit. Which model decides "
            "about a person is drawn by chance; the group is not asked for."
        ),
        source=f"{AGARWAL}, algorithm 1; fairlearn",
        kind="retrain",
        needs=frozenset({"label", "features"}),
    )

    limits: tuple[float, ...] = param(
        (0.02, 0.05, 0.1),
        0.001,
        1.0,
        label="Limits on the gap",
        help="One mixture for each; 0.05 allows a difference of 5 points on the training rows.",
    )
    equal: str = param(
        "goal",
        label="What is to be equal",
        help="The rate whose largest difference between two groups is limited.",
        choices=CHOICES,
    )
    steps: int = param(
        20, 5, 500, label="Most steps", help="Steps of the search for each limit.", unit="steps"
    )
    rows: int = rows_param(20_000)
    ridge: float = ridge_param()

    def fit(self, problem: Problem, context: Context) -> Outcome:
        data = training(
            problem, context, name="exponentiated-gradient", rows=self.rows, equal=self.equal
        )
        from fairlearn.reductions import ExponentiatedGradient as Search

        points, notes = [], list(data.notes)
        limits = sorted(set(self.limits), reverse=True)
        for done, limit in enumerate(limits):
            learner = _learner(data, self.ridge, context, done, len(limits))
            # fairlearn bounds the distance of each group to everybody, half that of two groups.
            search = Search(
                learner,
                _constraint(data, problem, limit / 2.0),
                objective=_objective(problem),
                eps=limit / 2.0,
                max_iter=self.steps,
            )
            _run(search, data)
            shares = search.weights_.reindex(search.predictors_.index).to_numpy(float)
            kept = np.flatnonzero(shares > LEAST_SHARE)
            fits = [_fit_of(search.predictors_.iloc[i], data) for i in kept]
            words = f"{100 * limit:g}"
            settings = {
                "limit": limit,
                "parity": data.to.parity,
                "models": len(fits),
                "converged": bool(search.best_gap_ < search.nu),
            }
            points.append(
                Point(
                    f"r-{words.replace('.', '-')}",
                    f"Gap of at most {words} {'point' if limit == 0.01 else 'points'}",
                    settings,
                    (rule(data.encoder, fits, shares[kept].tolist()),),
                )
            )
            if search.best_gap_ >= search.nu:
                notes.append(f"At {words} points the search ended before it had settled.")
        notes += _weights_note(problem)
        return Outcome(checked(points, data.part), notes=tuple(notes))


@dataclass(frozen=True)
class GridSearch(Method):
    """One linear model for each weight of the gap against the cost."""

    card = Card(
        title="Grid search",
        text=(
            "Fits a logistic regression for each of several prices of the gap and keeps those "
            "that no other beats on the validation rows. Decides without chance and without "
            "asking for the group."
        ),
        source=f"{AGARWAL}, section 3.4; fairlearn",
        kind="retrain",
        needs=frozenset({"label", "features"}),
    )

    prices: int = param(
        11, 3, 101, label="Prices tried", help="Models that are fitted.", unit="models"
    )
    highest: float = param(
        3.0,
        0.01,
        100.0,
        label="Highest price",
        help="What a decision that lowers the gap may earn, in errors; from 0 up to this.",
    )
    keep: int = param(
        4, 1, 20, label="Models kept", help="Points on the trade-off curve.", unit="models"
    )
    equal: str = param(
        "goal",
        label="What is to be equal",
        help="The rate whose largest difference between two groups is priced.",
        choices=CHOICES,
    )
    rows: int = rows_param(20_000)
    ridge: float = ridge_param()

    def fit(self, problem: Problem, context: Context) -> Outcome:
        data = training(problem, context, name="grid-search", rows=self.rows, equal=self.equal)
        search, prices = self._search(data, problem, context)
        found = []
        for price, predictor in zip(prices, search.predictors_, strict=True):
            found.append((price, rule(data.encoder, [_fit_of(predictor, data)])))
        kept, table = _unbeaten(found, problem, data.to, self.keep)
        points = [
            Point(
                f"price-{i}",
                f"Price of the gap {price:.2f}",
                {"price": price, "parity": data.to.parity},
                (decider,),
                chosen_on="valid",
            )
            for i, (price, decider) in enumerate(kept)
        ]
        notes = (*data.notes, *_weights_note(problem))
        return Outcome(checked(points, problem.valid), {"prices": table}, notes)

    def _search(
        self, data: Training, problem: Problem, context: Context
    ) -> tuple[Any, list[float]]:
        """Fit one model for each price along the direction of the unweighted model's gaps.

        A full grid has as many dimensions as there are groups less one; one ray is the part of
        it that lowers the gaps there are. A price of 1 is what a row of the group farthest from
        the others is paid.
        """
        import pandas as pd
        from fairlearn.reductions import GridSearch as Search

        learner = _learner(data, self.ridge, context, 0, 1)
        plain = learner.fit(_numbers(data), data.y.astype(int), data.weight)
        moment = _constraint(data, problem, 0.01)
        with _quiet():
            moment.load_data(
                _numbers(data), data.y.astype(int), sensitive_features=data.part.group
            )
        gaps = moment.gamma(plain.predict).clip(lower=0.0)
        share = moment.prob_group_event.reindex(gaps.index.droplevel(0)).to_numpy()
        ray = gaps * share / max(float(gaps.max()), 1e-12)
        prices = np.linspace(0.0, self.highest, self.prices).tolist()
        search = Search(
            learner,
            _constraint(data, problem, 0.01),
            grid=pd.DataFrame({i: price * ray for i, price in enumerate(prices)}),
        )
        _run(search, data)
        return search, prices


def _numbers(data: Training) -> NDArray[np.int64]:
    """Row numbers, (n, 1): all that fairlearn hands through to the learner."""
    return np.arange(len(data.part))[:, None]


def _run(search: Any, data: Training) -> None:
    with _quiet():
        search.fit(_numbers(data), data.y.astype(int), sensitive_features=data.part.group)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep fairlearn's use of pandas that will change in pandas 4 to ourselves."""
    from pandas.errors import Pandas4Warning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Pandas4Warning)
        yield


def _unbeaten(
    found: list[tuple[float, Linear]], problem: Problem, to: Compared, keep: int
) -> tuple[list[tuple[float, Linear]], Table]:
    """Models that no other beats in cost and gap on the validation rows, spread over the gap."""
    part = problem.valid
    rows = labelled(part)
    measured = []
    for _, decider in found:
        chance = decider.act(part)[:, 1]
        measured.append((mean_cost(chance, part, rows, problem), gap(chance, part, rows, to)))
    order = sorted(range(len(found)), key=lambda i: (measured[i][1], measured[i][0]))
    front: list[int] = []
    for i in order:
        if not front or measured[i][0] < measured[front[-1]][0]:
            front.append(i)
    places = np.unique(np.linspace(0, len(front) - 1, min(keep, len(front))).round().astype(int))
    chosen = {front[place] for place in places.tolist()}
    lines = tuple((price, *measured[i], i in chosen) for i, (price, _) in enumerate(found))
    caption = "Every model that was fitted, on the validation rows."
    table = Table(("price", "cost", "gap", "kept"), lines, caption, "valid")
    return [found[i] for i in sorted(chosen)], table


def _learner(data: Training, ridge: float, context: Context, step: int, steps: int) -> Any:
    """A scikit-learn classifier that fits our logistic regression and can be stopped."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    last: list[Fit] = []

    def run(y: NDArray[np.int8], weight: Floats) -> Fit:
        found = logistic.fit(
            data.x,
            y,
            weight,
            ridge=data.ridge(ridge),
            flat=FLAT,
            start=last[-1] if last else None,
            tick=lambda: context.tick(step, steps, "fitting models"),
        )
        last[:] = [found]
        return found

    class Learner(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self, run: Callable[[NDArray[np.int8], Floats], Fit]) -> None:
            self.run = run

        def fit(self, x: Any, y: Any, sample_weight: Any) -> Learner:
            self.found_ = self.run(
                np.asarray(y, dtype=np.int8), np.asarray(sample_weight, dtype=float)
            )
            return self

        def predict(self, x: Any) -> NDArray[np.int64]:
            margin = data.x @ self.found_.weights + self.found_.intercept
            return np.asarray(margin > 0.0, dtype=np.int64)

    return Learner(run)


def _fit_of(predictor: Any, data: Training) -> Fit:
    """Weights of a fitted learner, or of fairlearn's constant one."""
    found = getattr(predictor, "found_", None)
    if isinstance(found, Fit):
        return found
    yes = bool(predictor.predict(np.zeros((1, 1)))[0])
    return Fit(np.zeros(data.encoder.width), 1.0 if yes else -1.0, 0.0)


def _costs(problem: Problem) -> dict[str, float]:
    return {"fp": float(problem.cost[0][1]), "fn": float(problem.cost[1][0])}


def _objective(problem: Problem) -> Any:
    from fairlearn.reductions import ErrorRate

    return ErrorRate(costs=_costs(problem))


def _constraint(data: Training, problem: Problem, bound: float) -> Any:
    """Parity between the compared groups alone; other rows count towards the cost only."""
    import pandas as pd
    from fairlearn.reductions import UtilityParity

    to = data.to

    class Parity(UtilityParity):  # type: ignore[misc]
        short_name = "Parity"

        def load_data(self, X: Any, y: Any, *, sensitive_features: Any) -> None:
            label = pd.Series(np.asarray(y))
            group = pd.Series(np.asarray(sensitive_features))
            mine = group.isin(to.codes)
            event = pd.Series(None, index=label.index, dtype=object)
            for among in AMONG[to.parity]:
                rows = mine if among is None else mine & (label == among)
                event[rows] = "all" if among is None else f"label={among}"
            super().load_data(X, label, event=event, sensitive_features=group)

        def default_objective(self) -> Any:
            return _objective(problem)

    return Parity(difference_bound=bound)


def _weights_note(problem: Problem) -> list[str]:
    if problem.train.weight is None:
        return []
    return ["Survey weights are not used while fitting: every row counts once."]
