"""Correlation remover: features are made uncorrelated with the group before a model is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations import logistic
from mitigations.contract import Card, Context, Method, MethodError, Outcome, Point, Problem
from mitigations.parameters import param
from mitigations.rules.linear import LinearByGroup
from mitigations.training import (
    Training,
    checked,
    ridge_param,
    rows_param,
    rule,
    ticker,
    training,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CorrelationRemover(Method):
    """Logistic regression on features with their group means pulled together."""

    card = Card(
        title="Correlation remover",
        text=(
            "Shifts every feature by group until it is uncorrelated with the group, and fits a "
            "logistic regression on what is left. The group must be known when deciding. What "
            "depends on the group in other ways than by its mean stays."
        ),
        source="fairlearn, CorrelationRemover (user guide, preprocessing)",
        kind="retrain",
        needs=frozenset({"label", "features"}),
        uses_group_at_decision=True,
    )

    strengths: tuple[float, ...] = param(
        (0.5, 1.0),
        0.0,
        1.0,
        label="Strengths",
        help="Share of the correlation that is taken out.",
    )
    rows: int = rows_param(100_000)
    ridge: float = ridge_param()

    def fit(self, problem: Problem, context: Context) -> Outcome:
        columns = tuple(column for column in problem.columns if not column.sensitive)
        if problem.columns and not columns:
            raise MethodError(
                "needs-features",
                "Every column is a sensitive one.",
                "Give columns that are not sensitive the role feature.",
            )
        data = training(
            problem,
            context,
            name="correlation-remover",
            rows=self.rows,
            equal="selection-rate",
            columns=columns,
        )
        context.tick(0, 1, "removing correlation")
        shift = _shifts(data)
        # Features and indicators of the groups; the shifted features are linear in both.
        both = _beside(data.x, _indicator(data))
        points, found = [], None
        strengths = sorted(set(self.strengths))
        for done, strength in enumerate(strengths):
            lift = np.vstack([np.eye(data.x.shape[1]), -strength * shift])
            found = logistic.fit(
                both,
                data.y,
                data.weight,
                ridge=data.ridge(self.ridge),
                lift=lift,
                start=found,
                tick=ticker(context, done, len(strengths), "fitting"),
            )
            offsets = np.zeros(len(problem.group_names))
            offsets[list(data.to.codes)] = -strength * (shift @ found.weights)
            plain = rule(data.encoder, [found])
            decider = LinearByGroup(
                plain.encoder,
                plain.weights,
                plain.intercepts,
                plain.shares,
                groups=problem.group_names,
                offsets=tuple(offsets.tolist()),
            )
            points.append(
                Point(
                    f"strength-{strength:g}".replace(".", "-"),
                    f"Strength {strength:g}",
                    {"strength": strength},
                    (decider,),
                )
            )
        return Outcome(checked(points, data.part), notes=_remarks(problem, data))


def _indicator(data: Training) -> Floats:
    """One column for each compared group, 1 for its rows."""
    codes = np.asarray(data.to.codes)
    return np.asarray(data.part.group[:, None] == codes[None, :], dtype=np.float64)


def _beside(x: Any, indicator: Floats) -> Any:
    if isinstance(x, np.ndarray):
        return np.hstack([x, indicator])
    from scipy.sparse import csr_array, hstack

    return hstack([x, csr_array(indicator)], format="csr")


def _shifts(data: Training) -> Floats:
    """Mean of the features of each compared group less the mean of all of them, (groups, places).

    Least squares on the groups' indicators, as in fairlearn's `CorrelationRemover`, comes to this.
    """
    indicator = _indicator(data)
    if data.part.weight is not None:
        indicator = indicator * data.part.weight[:, None]
    sums = np.asarray(data.x.T @ indicator, dtype=np.float64).T
    rows = indicator.sum(axis=0)
    out: Floats = sums / rows[:, None] - sums.sum(axis=0) / rows.sum()
    return out


def _remarks(problem: Problem, data: Training) -> tuple[str, ...]:
    out = list(data.notes)
    dropped = [column.name for column in problem.columns if column.sensitive]
    if dropped:
        out.append(f"Not used as features, since sensitive: {', '.join(dropped)}.")
    if problem.goal != "selection-rate":
        out.append("Removing correlation aims at equal selection rates, whatever the goal is.")
    return tuple(out)
