"""Logistic regression that pays for gaps in false positive and false negative rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mitigations.contract import Column, Context, Part, Problem
from mitigations.parity import Compared, gap, mean_cost
from mitigations.penalty import PenalisedRegression
from mitigations.rules import expected
from tests import problems

FPR = Compared("fpr", (0, 1))


def gaussians(n: int, seed: int) -> Part:
    """Two Gaussian features, the second shifted by group; base rates 0.45 and 0.55.

    False positive rates of the plain model are 20 points apart.
    """
    rng = np.random.default_rng([3, seed])
    group = rng.integers(0, 2, n).astype(np.int32)
    y = (rng.random(n) < np.where(group == 1, 0.55, 0.45)).astype(np.int8)
    first = rng.normal(1.2 * y, 1.0)
    second = rng.normal(0.8 * y + 1.5 * group, 1.0)
    return Part(
        x=np.c_[first, second].astype(np.float32),
        group=group,
        y=y,
        row_key=np.arange(n, dtype=np.uint64),
    )


def problem(n: int = 20_000) -> Problem:
    columns = (Column("first", "numeric", slot=0), Column("second", "numeric", slot=1))
    return Problem(
        train=gaussians(n, 0), valid=gaussians(n // 2, 1), columns=columns, group_names=("a", "b"),
        goal="fpr",
    )  # fmt: skip


def test_some_strength_brings_a_gap_of_20_points_under_5_for_at_most_3_points() -> None:
    given, rows = problem(), gaussians(20_000, 2)
    every = np.ones(len(rows), bool)
    found = []
    for point in PenalisedRegression(strengths=(0.0, 0.2, 0.4, 0.8)).fit(given, Context()).points:
        chance = expected(point.rules[0], rows)
        found.append((gap(chance, rows, every, FPR), mean_cost(chance, rows, every, given)))
    assert found[0][0] == pytest.approx(0.20, abs=0.015)
    assert any(g <= 0.05 and cost - found[0][1] <= 0.03 for g, cost in found)


def test_strength_zero_is_a_plain_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    given = problems.problem(2000, goal="equalized-odds")
    point = PenalisedRegression(strengths=(0.0,)).fit(given, Context()).points[0]
    rule = point.rules[0]
    x = rule.encoder.transform(given.train.x)  # type: ignore[attr-defined]
    theirs = LogisticRegression(solver="newton-cholesky", tol=1e-10).fit(x, given.train.y)
    np.testing.assert_array_equal(expected(rule, given.train), theirs.predict(x))


@pytest.mark.parametrize("power", ["squared", "absolute"])
def test_distances_shrink_as_the_strength_grows(power: str) -> None:
    given = problems.problem(3000, groups=4, goal="equalized-odds")
    outcome = PenalisedRegression(power=power, strengths=(0.0, 0.1, 1.0, 100.0)).fit(
        given, Context()
    )
    table = outcome.tables["proxy"]
    assert table.columns[:3] == ("strength", "distance-y0", "distance-y1")
    for column in (1, 2):
        values = [row[column] for row in table.rows]
        assert values[-1] < 0.05 * values[0]
        assert values == sorted(values, reverse=True)


def test_a_gap_in_distance_of_zero_need_not_be_a_gap_in_rates_of_zero() -> None:
    """Groups with the same mean and other spreads: the table shows both numbers."""
    rng = np.random.default_rng(0)
    n = 8000
    group = rng.integers(0, 2, n).astype(np.int32)
    y = rng.integers(0, 2, n).astype(np.int8)
    spread = np.where(group == 0, 0.5, 3.0)
    x = (2.0 * (2 * y - 1) + spread * rng.normal(size=n)).astype(np.float32)[:, None]
    part = Part(x=x, group=group, y=y, row_key=np.arange(n, dtype=np.uint64))
    given = Problem(
        train=part, valid=part, columns=(Column("x", "numeric"),), group_names=("a", "b"),
        goal="fpr",
    )  # fmt: skip
    row = PenalisedRegression(strengths=(10.0,)).fit(given, Context()).tables["proxy"].rows[0]
    assert row[1] < 0.05
    assert row[3] > 0.15


def test_goals_choose_whose_distances_are_compared() -> None:
    given = problem(4000)
    for goal, (first, second) in {"fpr": (True, False), "tpr": (False, True)}.items():
        outcome = PenalisedRegression(strengths=(1.0,)).fit(replace(given, goal=goal), Context())
        row = outcome.tables["proxy"].rows[0]
        assert (row[1] is not None, row[2] is not None) == (first, second)
