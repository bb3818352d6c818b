"""fairlearn's threshold optimizer on the audited score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mitigations.contract import Card, Context, Method, Outcome, Point, Problem
from mitigations.parameters import param
from mitigations.parity import CHOICES, compared, labelled
from mitigations.rules.thresholds import EVERYBODY, NOBODY, GroupThresholds, Mix
from mitigations.thresholds import fitting_part
from mitigations.training import rows_param

CONSTRAINTS = {
    "selection-rate": "demographic_parity",
    "tpr": "true_positive_rate_parity",
    "fpr": "false_positive_rate_parity",
    "equalized-odds": "equalized_odds",
}
OBJECTIVES = {
    "accuracy": ("Most accurate", "accuracy_score"),
    "balanced": ("Most accurate with both outcomes counting alike", "balanced_accuracy_score"),
}


@dataclass(frozen=True)
class ThresholdOptimizer(Method):
    """Exact parity by two thresholds for each group."""

    card = Card(
        title="Threshold optimizer",
        text=(
            "The widely used implementation of thresholds by group in fairlearn: no gap at all "
            "on the rows it is set on, by chance between two thresholds. The same idea as "
            "“Thresholds by group”, on a grid and without limits above zero."
        ),
        source="Hardt, Price, Srebro, NeurIPS 2016; fairlearn, ThresholdOptimizer",
        kind="postprocess",
        needs=frozenset({"label", "score"}),
        uses_group_at_decision=True,
    )

    equal: str = param(
        "goal",
        label="What is to be equal",
        help="The rate that is made equal between groups.",
        choices=CHOICES,
    )
    objective: str = param(
        "both",
        label="What is to be high",
        help="Accuracy counts rows; balanced accuracy counts both outcomes alike.",
        choices=(
            ("both", "Each in turn"),
            ("accuracy", "Accuracy"),
            ("balanced", "Balanced accuracy"),
        ),
    )
    grid: int = param(
        1000, 50, 100_000, label="Grid", help="Values of the rate that are tried.", unit="values"
    )

    rows: int = rows_param(100_000)

    def fit(self, problem: Problem, context: Context) -> Outcome:
        split, part = fitting_part(problem)
        rows = labelled(part, scored=True)
        to = compared(problem, part, rows, self.equal)
        rows &= np.isin(part.group, to.codes)
        found_rows = np.flatnonzero(rows)
        notes = list(to.notes)
        if found_rows.size > self.rows:
            notes.append(
                f"Thresholds were set on {self.rows:,} rows drawn from {found_rows.size:,}."
            )
            draw = context.rng("threshold-optimizer")
            found_rows = np.sort(draw.choice(found_rows, self.rows, replace=False))
        learned = part.take(found_rows)
        points = []
        wanted = list(OBJECTIVES) if self.objective == "both" else [self.objective]
        for done, name in enumerate(wanted):
            context.tick(done, len(wanted), "setting thresholds")
            label, objective = OBJECTIVES[name]
            found = _fitted(CONSTRAINTS[to.parity], objective, self.grid, learned, context)
            settings = {"parity": to.parity, "objective": name}
            points.append(Point(name, label, settings, (_rule(found, problem),)))
        notes.append(
            "Costs of errors and survey weights are not used; thresholds were set on the "
            f"{'training' if split == 'train' else 'validation'} rows."
        )
        if len(to.codes) < len(problem.group_names):
            notes.append(
                "Groups without thresholds of their own keep the threshold of the audited system."
            )
        return Outcome(tuple(points), notes=tuple(notes))


def _fitted(constraint: str, objective: str, grid: int, learned: Any, context: Context) -> Any:
    """What fairlearn found, by group."""
    from fairlearn.postprocessing import ThresholdOptimizer as Optimizer
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Scored(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def __sklearn_is_fitted__(self) -> bool:
            return True

        def fit(self, x: Any, y: Any) -> Scored:
            return self

        def predict_proba(self, x: Any) -> Any:
            context.tick(0, 1, "setting thresholds")
            score = np.asarray(x)[:, 0]
            return np.column_stack([1.0 - score, score])

    optimizer = Optimizer(
        estimator=Scored(),
        constraints=constraint,
        objective=objective,
        grid_size=grid,
        prefit=True,
        predict_method="predict_proba",
    )
    optimizer.fit(learned.score[:, None], learned.y.astype(int), sensitive_features=learned.group)
    return optimizer.interpolated_thresholder_.interpolation_dict


def _rule(found: Any, problem: Problem) -> GroupThresholds:
    own: list[Mix | None] = [None] * len(problem.group_names)
    for code, mix in found.items():
        own[int(code)] = _mix(mix)
    return GroupThresholds(
        problem.group_names, tuple(own), Mix((float(problem.threshold),), (1.0,))
    )


def _mix(found: Any) -> Mix:
    """fairlearn's mix: two thresholds, and with some chance a constant instead."""
    ignored = float(found.get("p_ignore", 0.0))
    yes = float(found.get("prediction_constant", 0.0))
    pairs = [
        (_reached(found.operation0), (1.0 - ignored) * float(found.p0)),
        (_reached(found.operation1), (1.0 - ignored) * float(found.p1)),
        (EVERYBODY, ignored * yes),
        (NOBODY, ignored * (1.0 - yes)),
    ]
    merged: dict[float, float] = {}
    for threshold, share in pairs:
        merged[threshold] = merged.get(threshold, 0.0) + max(share, 0.0)
    return Mix.of((t, share) for t, share in merged.items() if share > 0.0)


def _reached(operation: Any) -> float:
    """Threshold of “at least” that equals fairlearn's “more than”."""
    value = float(operation.threshold)
    if value == np.inf:
        return NOBODY
    return EVERYBODY if value == -np.inf else float(np.nextafter(value, np.inf))
