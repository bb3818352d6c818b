"""Reweighing: rows are weighted so that label and group are independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitigations import logistic
from mitigations.contract import Card, Context, Method, Outcome, Point, Problem
from mitigations.parameters import param
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
class Reweighing(Method):
    """Logistic regression on rows weighted by P(a) P(y) / P(a, y)."""

    card = Card(
        title="Reweighing",
        text=(
            "Gives rows weights under which the outcome does not depend on the group, and fits a "
            "logistic regression on them. Simple and stable; promises no limit on the gap."
        ),
        source=(
            "Kamiran, Calders, Data preprocessing techniques for classification without "
            "discrimination, KAIS 33, 2012, section 5.3"
        ),
        kind="retrain",
        needs=frozenset({"label", "features"}),
    )

    strengths: tuple[float, ...] = param(
        (0.0, 0.5, 1.0),
        0.0,
        2.0,
        label="Strengths",
        help="Power of the weights: 0 is a plain logistic regression, 1 the published method.",
    )
    rows: int = rows_param(100_000)
    ridge: float = ridge_param()

    def fit(self, problem: Problem, context: Context) -> Outcome:
        data = training(
            problem, context, name="reweighing", rows=self.rows, equal="selection-rate"
        )
        factor = factors(data)
        points, found = [], None
        strengths = sorted(set(self.strengths))
        for done, strength in enumerate(strengths):
            found = logistic.fit(
                data.x,
                data.y,
                data.weight * factor**strength,
                ridge=data.ridge(self.ridge),
                start=found,
                tick=ticker(context, done, len(strengths), "fitting"),
            )
            label = "Plain logistic regression" if strength == 0.0 else f"Strength {strength:g}"
            points.append(
                Point(
                    f"strength-{strength:g}".replace(".", "-"),
                    label,
                    {"strength": strength},
                    (rule(data.encoder, [found]),),
                )
            )
        notes = list(data.notes)
        if problem.goal != "selection-rate":
            notes.append("Reweighing aims at equal selection rates, whatever the goal is.")
        return Outcome(checked(points, data.part), notes=tuple(notes))


def factors(data: Training) -> Floats:
    """P(a) P(y) / P(a, y) of every row, 1 for rows of groups that are not compared."""
    out = np.ones(len(data.part))
    base = 1.0 if data.part.weight is None else data.part.weight
    weight = base * np.ones(len(data.part))
    mine = np.isin(data.part.group, data.to.codes)
    total = float(weight[mine].sum())
    for code in data.to.codes:
        for label in (0, 1):
            cell = data.of(label, code)
            share_a = float(weight[data.of(None, code)].sum()) / total
            share_y = float(weight[mine & (data.y == label)].sum()) / total
            out[cell] = share_a * share_y / (float(weight[cell].sum()) / total)
    return out
