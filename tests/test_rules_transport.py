"""The rule that moves inputs: look-up, draw, what a move changes, storage."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mitigations.contract import Column, Context, Part
from mitigations.counterfactual.method import Counterfactual
from mitigations.rules import decide, from_state
from mitigations.rules.space import Space
from mitigations.rules.transport import Plan, Support, Transport
from tests import problems

COLUMNS = (
    Column("age", "numeric", slot=1),
    Column("grade", "ordinal", slot=0, direction=1),
    Column("trade", "categorical", slot=2, levels=("x", "y", "z")),
    Column("town", "categorical", slot=3, immutable=True),
)
#: grade, age, trade, town.
SEEN = np.array(
    [[1, 20, 0, 0], [2, 30, 0, 0], [3, 30, 1, 0], [1, 40, 2, 1], [4, 60, 0, 1]], np.float32
)


def predict(part: Part) -> np.ndarray:
    """Favourable from grade 3 on."""
    return (part.x[:, 0] / 6.0).astype(np.float64)


def rule() -> Transport:
    """Half of those like the first row go to the third, all of the fourth to the fifth."""
    space = Space.fit(COLUMNS, SEEN)
    points = space.points(SEEN)
    support = Support(space, points, np.array([0, 0, 1, 0, 1], np.int8))
    plan = Plan(np.array([0, 3]), np.array([2, 4]), np.array([0.5, 1.0]))
    return Transport(("a", "b"), 0.5, space, {1: (support, plan)})


def part(x: list[list[float]], group: int = 1) -> Part:
    n = len(x)
    keys = np.random.default_rng(3).integers(0, 2**63, n, dtype=np.uint64)
    return Part(np.array(x, np.float32), np.full(n, group, np.int32), keys)


def test_the_same_inputs_share_the_probabilities_of_the_plan() -> None:
    rows = part([[1, 20, 0, 0], [2, 30, 0, 0], [1, 40, 2, 1], [3, 30, 1, 0]])
    np.testing.assert_allclose(rule().act(rows, predict)[:, 1], [0.5, 0.0, 1.0, 1.0])


def test_other_groups_are_decided_as_before() -> None:
    rows = part([[1, 20, 0, 0], [1, 40, 2, 1], [5, 40, 2, 1]], group=0)
    np.testing.assert_array_equal(rule().act(rows, predict)[:, 1], [0.0, 0.0, 1.0])
    unknown = replace(rows, group=np.full(3, -1, np.int32))
    np.testing.assert_array_equal(rule().moved(unknown, predict), rows.x)


def test_unseen_inputs_make_the_move_of_the_nearest_ones_decided_alike() -> None:
    # Nearest in the same town and with the same decision is the fourth: grade + 3, age + 20.
    rows = part([[1, 43, 2, 1], [2, 57, 2, 1]])
    after = rule().moved(rows, predict)
    # Grades end at 4, ages at 60, the trade is taken over.
    np.testing.assert_array_equal(after, [[4, 60, 0, 1], [4, 60, 0, 1]])
    np.testing.assert_allclose(rule().act(rows, predict)[:, 1], 1.0)


def test_where_nobody_alike_was_seen_nothing_moves() -> None:
    rows = part([[1, 20, 0, 7], [np.nan, 20, 0, 0]])
    np.testing.assert_array_equal(rule().moved(rows, predict), rows.x)
    np.testing.assert_array_equal(rule().act(rows, predict), [[1, 0, 0], [0, 0, 1]])


def test_many_people_with_the_same_inputs_are_moved_in_the_planned_share() -> None:
    rows = part([[1, 20, 0, 0]] * 4000)
    share = (rule().moved(rows, predict)[:, 0] == 3).mean()
    assert share == pytest.approx(0.5, abs=0.03)


def test_the_decision_is_the_models_own_on_the_moved_inputs() -> None:
    rows = part([[1, 20, 0, 0], [1, 22, 0, 0], [2, 30, 0, 0], [1, 40, 2, 1]] * 200)
    after = replace(rows, x=rule().moved(rows, predict))
    np.testing.assert_array_equal(decide(rule(), rows, predict), predict(after) >= 0.5)


@cache
def fitted() -> Transport:
    found = Counterfactual(close=(1.0,)).fit(problems.problem(2000), Context(seed=3))
    one = found.points[0].rules[0]
    assert isinstance(one, Transport)
    return one


def test_the_same_row_gets_the_same_inputs_and_decision_whoever_else_is_there() -> None:
    rows = problems.audit(600)
    some = np.random.default_rng(0).permutation(600)[:200]
    again = from_state(json.loads(json.dumps(fitted().to_json(), allow_nan=False)))
    assert isinstance(again, Transport)
    np.testing.assert_array_equal(
        fitted().moved(rows, problems.predict)[some],
        again.moved(rows.take(some), problems.predict),
    )
    np.testing.assert_array_equal(
        decide(fitted(), rows, problems.predict)[some],
        decide(again, rows.take(some), problems.predict),
    )


def test_drawn_decisions_on_numbers_are_those_of_the_moved_inputs() -> None:
    rows = replace(problems.audit(3000), score=None)
    after = replace(rows, x=fitted().moved(rows, problems.predict))
    np.testing.assert_array_equal(
        decide(fitted(), rows, problems.predict), problems.predict(after) >= 0.5
    )


def test_a_rule_without_the_model_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="need the audited model"):
        rule().act(part([[1, 20, 0, 0]]))
    assert rule().to_onnx() is None
