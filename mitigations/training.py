"""What every remedy that fits a new linear model needs: rows, features, costs, and its rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Column, Context, MethodError, Part, Point, Problem, Status
from mitigations.encode import Encoder
from mitigations.logistic import Fit
from mitigations.parameters import param
from mitigations.parity import Compared, compared, labelled
from mitigations.rules.graph import dyadic
from mitigations.rules.linear import Linear

Floats = NDArray[np.float64]


#: Places for each column up to which a dense matrix is quicker.
DENSE_PLACES = 3


def ridge_param() -> Any:
    """Declare the ridge penalty."""
    return param(
        1.0,
        1e-4,
        1e6,
        label="Ridge",
        help="Penalty on large weights of the logistic regression; 1 / C of scikit-learn.",
    )


def rows_param(default: int) -> Any:
    """Declare the most rows to fit on."""
    return param(
        default,
        100,
        10_000_000,
        label="Most rows to fit on",
        help="From larger data that many rows are drawn.",
        unit="rows",
    )


@dataclass(frozen=True)
class Training:
    """Rows to fit a linear model on.

    Parameters
    ----------
    part
        Labelled training rows.
    encoder, x
        Features of the model, (n, places); scipy's csr_array where most are 0.
    weight : (n,)
        Survey weight times cost of a wrong decision, mean 1.
    to
        What is compared, between which groups.
    notes
        What was drawn or left out.
    """

    part: Part
    encoder: Encoder
    x: Any
    weight: Floats
    to: Compared
    notes: tuple[str, ...]

    @property
    def y(self) -> NDArray[np.int8]:
        """Labels."""
        assert self.part.y is not None
        return self.part.y

    def ridge(self, unit: float) -> float:
        """Ridge per row."""
        return unit / len(self.part)

    def of(self, label: int | None, code: int) -> NDArray[np.bool_]:
        """Rows of a group, with a label where one is named."""
        mine: NDArray[np.bool_] = self.part.group == code
        if label is not None:
            mine &= self.y == label
        return mine


def training(
    problem: Problem,
    context: Context,
    *,
    name: str,
    rows: int,
    equal: str,
    columns: Sequence[Column] | None = None,
) -> Training:
    """Labelled training rows, encoded.

    Parameters
    ----------
    name
        Of the random stream that draws rows where there are more than `rows`.
    equal
        Setting of what is to be equal (`mitigations.parity.CHOICES`).
    columns
        Columns to use; all of them if not given.

    Raises
    ------
    MethodError
        ``needs-features``, and those of `mitigations.parity`.
    """
    used = problem.columns if columns is None else columns
    if not used or problem.train.x.shape[1] == 0:
        raise MethodError(
            "needs-features",
            "There are no columns to fit a model on.",
            "Give columns the role feature, or choose a remedy that uses the score alone.",
        )
    found = np.flatnonzero(labelled(problem.train))
    notes: list[str] = []
    if found.size > rows:
        draw = context.rng(name).choice(found, rows, replace=False)
        notes.append(f"The model was fitted on {rows:,} rows drawn from {found.size:,}.")
        found = np.sort(draw)
    part = problem.train.take(found)
    to = compared(problem, part, labelled(part), equal)
    context.tick(0, 1, "encoding columns")
    encoder = Encoder.fit(used, part.x)
    dense = encoder.width <= DENSE_PLACES * len(encoder.columns)
    x = encoder.transform(part.x) if dense else encoder.sparse(part.x)
    weight = _weights(part, problem)
    return Training(part, encoder, x, weight, to, (*notes, *to.notes))


def _weights(part: Part, problem: Problem) -> Floats:
    assert part.y is not None
    cost = np.where(part.y == 1, problem.cost[1][0], problem.cost[0][1]).astype(np.float64)
    out = cost if part.weight is None else cost * part.weight
    if out.sum() <= 0.0:
        raise MethodError(
            "no-cost", "No wrong decision costs anything.", "Set a cost of at least one error."
        )
    return np.asarray(out / out.mean())


def rule(encoder: Encoder, fits: Sequence[Fit], shares: Sequence[float] = (1.0,)) -> Linear:
    """The rule of one model, or of several, each for a share of the people."""
    exact = dyadic(shares)
    kept = [i for i in range(len(fits)) if exact[i] > 0.0]
    return Linear(
        encoder,
        tuple(tuple(fits[i].weights.tolist()) for i in kept),
        tuple(float(fits[i].intercept) for i in kept),
        tuple(float(exact[i]) for i in kept),
    )


def status(decider: Linear, part: Part) -> Status:
    """``collapsed`` where the rule decides alike for all these rows."""
    chance = decider.act(part)[:, 1]
    alike = len(part) > 0 and bool(np.all(chance <= 0.0) or np.all(chance >= 1.0))
    return "collapsed" if alike else "ok"


def checked(points: Sequence[Point], part: Part) -> tuple[Point, ...]:
    """The points, each with the status of its rule on these rows."""
    return tuple(
        replace(point, status=status(first, part)) if isinstance(first, Linear) else point
        for point in points
        for first in point.rules[:1]
    )


def ticker(context: Context, done: int, total: int, text: str) -> Callable[[], None]:
    """A tick for loops inside one of several steps."""
    return lambda: context.tick(done, total, text)
