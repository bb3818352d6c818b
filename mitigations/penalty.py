"""Logistic regression with a penalty on the gaps of false positive and false negative rates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations import logistic
from mitigations.contract import (
    Card,
    Context,
    Method,
    MethodError,
    Outcome,
    Point,
    Problem,
    Table,
)
from mitigations.logistic import Fit, Penalty
from mitigations.parameters import param
from mitigations.parity import CHOICES, FEWEST_CASES, Compared, labelled, rates
from mitigations.rules.linear import Linear
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

#: Labels whose mean distances are pulled together, by what is to be equal.
LABELS = {"fpr": (0,), "tpr": (1,), "equalized-odds": (0, 1), "selection-rate": (0, 1)}


@dataclass(frozen=True)
class PenalisedRegression(Method):
    """Bechavod and Ligett's penalised logistic regression, for any number of groups."""

    card = Card(
        title="Penalised regression",
        text=(
            "Fits a logistic regression that pays for a difference between groups in the mean "
            "distance to its boundary, among people with the same outcome. The group is not "
            "asked for when deciding."
        ),
        source=(
            "Bechavod, Ligett, Penalizing unfairness in binary classification, 2017, section 4"
        ),
        kind="retrain",
        needs=frozenset({"label", "features"}),
    )

    strengths: tuple[float, ...] = param(
        (0.0, 0.1, 0.3, 1.0, 10.0),
        0.0,
        1e6,
        label="Strengths",
        help="Weight of the penalty against the mean loss; 0 is a plain logistic regression.",
    )
    power: str = param(
        "squared",
        label="Penalty",
        help="Of the difference between two groups.",
        choices=(("squared", "Its square"), ("absolute", "Its size")),
    )
    equal: str = param(
        "goal",
        label="What is to be equal",
        help="Selects whose distances are compared: people with or without the outcome, or both.",
        choices=CHOICES,
    )
    rows: int = rows_param(100_000)
    ridge: float = ridge_param()

    def fit(self, problem: Problem, context: Context) -> Outcome:
        data = training(problem, context, name="penalty", rows=self.rows, equal=self.equal)
        directions = _directions(data, problem)
        points: list[Point] = []
        found: Fit | None = None
        lines: list[tuple[object, ...]] = []
        strengths = sorted(set(self.strengths))
        for done, strength in enumerate(strengths):
            found = logistic.fit(
                data.x,
                data.y,
                data.weight,
                ridge=data.ridge(self.ridge),
                penalty=penalty(directions, strength, squared=self.power == "squared"),
                start=found,
                tick=ticker(context, done, len(strengths), "fitting"),
            )
            decider = rule(data.encoder, [found])
            label = "Plain logistic regression" if strength == 0.0 else f"Strength {strength:g}"
            points.append(
                Point(
                    f"strength-{strength:g}".replace(".", "-"),
                    label,
                    {"strength": strength, "power": self.power},
                    (decider,),
                )
            )
            lines.append((strength, *_measured(directions, found, decider, data)))
        notes = list(data.notes)
        if data.to.parity == "selection-rate":
            notes.append(
                "The penalty concerns false positive and false negative rates; "
                "selection rates may stay apart."
            )
        caption = (
            "Largest difference between two groups in mean distance to the boundary, which is "
            "penalised, and in the rate it stands for, on the training rows. A difference of "
            "zero in the first need not be zero in the second."
        )
        names = ("strength", "distance-y0", "distance-y1", "fpr-gap", "tpr-gap")
        tables = {"proxy": Table(names, tuple(lines), caption, "train")}
        return Outcome(checked(points, data.part), tables, tuple(notes))


def _directions(data: Training, problem: Problem) -> dict[int, Floats]:
    """Differences of group means of the features, one row for each pair, by label."""
    out: dict[int, Floats] = {}
    for label in LABELS[data.to.parity]:
        means = []
        for code in data.to.codes:
            rows = data.of(label, code)
            if rows.sum() < FEWEST_CASES:
                continue
            weight = None if data.part.weight is None else data.part.weight[rows]
            means.append(_mean(data.x[rows], weight))
        if len(means) >= 2:
            out[label] = np.array([a - b for a, b in combinations(means, 2)])
    if not out:
        raise MethodError(
            "too-few-groups",
            f"Fewer than two of {len(problem.group_names)} groups have {FEWEST_CASES} people with "
            "the same outcome.",
            "Merge groups, or give more rows.",
        )
    return out


def _mean(x: Any, weight: Floats | None) -> Floats:
    share = np.ones(x.shape[0]) if weight is None else weight
    return np.asarray(x.T @ (share / share.sum()), dtype=np.float64)


def penalty(directions: dict[int, Floats], strength: float, *, squared: bool) -> Penalty | None:
    """The penalty of a strength: for each label, the mean over pairs of groups."""
    if strength == 0.0:
        return None
    weights = [np.full(len(rows), strength / len(rows)) for rows in directions.values()]
    return Penalty(np.vstack(list(directions.values())), np.concatenate(weights), squared)


def _measured(
    directions: dict[int, Floats], found: Fit, decider: Linear, data: Training
) -> tuple[float | None, ...]:
    proxies = [
        float(np.abs(directions[label] @ found.weights).max()) if label in directions else None
        for label in (0, 1)
    ]
    both = Compared("equalized-odds", data.to.codes)
    values = rates(decider.act(data.part)[:, 1], data.part, labelled(data.part), both)
    gaps = [
        float(np.nanmax(column) - np.nanmin(column)) if np.isfinite(column).any() else None
        for column in values.T
    ]
    return (*proxies, *gaps)
