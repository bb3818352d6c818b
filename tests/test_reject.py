"""A rejector learns where a fixed model errs, and asks nobody for a group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mitigations.contract import Column, Context, Part, Problem
from mitigations.reject import Reject, surrogate
from mitigations.rules import ABSTAIN, decide, uniforms
from tests import problems


def toy(n: int, seed: int) -> Part:
    """The model says 0.9 to everybody and errs with probability x."""
    rng = np.random.default_rng([4, seed])
    x = rng.random(n)
    return Part(
        x=x[:, None].astype(np.float32),
        group=rng.integers(0, 2, n).astype(np.int32),
        y=(rng.random(n) >= x).astype(np.int8),
        score=np.full(n, 0.9),
        row_key=rng.integers(0, 2**63, n, dtype=np.uint64),
    )


def overconfident(n: int, seed: int) -> Part:
    """Scores that are right on one branch and far too sure of themselves on the other."""
    rng = np.random.default_rng([5, seed])
    branch, z = rng.integers(0, 2, n), rng.normal(size=n)
    true = 1 / (1 + np.exp(-np.where(branch == 1, 0.2 * z, 2.5 * z)))
    return Part(
        x=np.column_stack([z, branch]).astype(np.float32),
        group=rng.integers(0, 2, n).astype(np.int32),
        y=(rng.random(n) < true).astype(np.int8),
        score=1 / (1 + np.exp(-np.where(branch == 1, 5.0 * z, 2.5 * z))),
        row_key=rng.integers(0, 2**63, n, dtype=np.uint64),
    )


def problem(train: Part, valid: Part, *columns: Column) -> Problem:
    return Problem(train=train, valid=valid, columns=columns, group_names=("a", "b"))


@pytest.mark.parametrize("seed", range(3))
def test_the_boundary_is_where_errors_are_as_likely_as_the_price(seed: int) -> None:
    """Further methods 4: P(error | x) = x and c = 0.2 put the boundary at 0.20 +- 0.03."""
    given = problem(toy(12000, seed), toy(500, seed + 50), Column("x", "numeric", slot=0))
    found = Reject(price=0.2, prices=()).fit(given, Context(seed=seed))
    at = np.linspace(0.0, 1.0, 1001)
    rows = replace(
        toy(1001, 9), x=at[:, None].astype(np.float32), y=None, score=np.full(1001, 0.9)
    )
    left = decide(found.points[0].rules[0], rows) == ABSTAIN
    first = at[left.argmax()]
    assert first == pytest.approx(0.2, abs=0.03)
    assert left[at > first].all()


def test_errors_at_equal_coverage_are_below_those_of_the_nearest_scores() -> None:
    columns = (Column("z", "numeric", slot=0), Column("branch", "categorical", ("a", "b"), slot=1))
    given = problem(overconfident(8000, 1), overconfident(8000, 2), *columns)
    found = Reject().fit(given, Context(seed=1))
    rows = found.tables["coverage"].rows
    assert all(ours <= nearest + 0.003 for _, ours, nearest in rows)
    below = {share: nearest - ours for share, ours, nearest in rows}
    assert below[0.8] > 0.005
    assert below[0.5] > 0.05


def test_a_dearer_person_is_asked_less_often() -> None:
    found = Reject().fit(problems.problem(4000, seed=1), Context(seed=1))
    shares = [p.settings["share"] for p in found.points]
    assert shares == sorted(shares, reverse=True)
    assert [p.settings["chosen"] for p in found.points].count(True) == 1
    assert len([n for n in found.notes if "differ by" in n]) == len(found.points)


def test_shares_and_errors_are_given_by_group() -> None:
    found = Reject(prices=()).fit(problems.problem(4000, seed=1), Context(seed=1))
    rows = found.tables["groups"].rows
    assert [row[1] for row in rows] == ["group 0", "group 1", None]
    assert rows[-1][5] < rows[-1][4]


def test_columns_by_which_groups_are_compared_are_not_learnt_from() -> None:
    given = problems.problem(1500, seed=2)
    columns = (replace(given.columns[0], sensitive=True), *given.columns[1:])
    rule = Reject(prices=()).fit(replace(given, columns=columns), Context()).points[0].rules[0]
    rows = problems.audit(400, seed=2)
    moved = rows.x.copy()
    moved[:, 0] += 3.0
    np.testing.assert_array_equal(decide(rule, rows), decide(rule, replace(rows, x=moved)))


def test_a_model_without_errors_keeps_everybody() -> None:
    given = problems.problem(600, seed=3)
    assert given.train.y is not None
    sure = replace(given.train, score=np.where(given.train.y == 1, 0.9, 0.1))
    found = Reject(prices=()).fit(replace(given, train=sure), Context())
    assert found.points[0].settings["share"] == 0.0


def test_onnxruntime_alone_rejects_as_the_rule_does() -> None:
    import onnxruntime

    rule = Reject(prices=()).fit(problems.problem(2000, seed=4), Context()).points[0].rules[0]
    rows = problems.audit(2000, seed=4)
    assert rows.score is not None
    x, score = rows.x.copy(), rows.score.copy()
    x[:50, 0], x[50:90, 2], score[90:99] = np.nan, np.nan, np.nan
    rows = replace(rows, x=x, score=score)
    graph = rule.to_onnx()
    assert graph is not None
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    given = {"x": x, "score": score, "u": uniforms(rule.id, rows.row_key)}
    got = session.run(["decision"], {i.name: given[i.name] for i in session.get_inputs()})[0]
    np.testing.assert_array_equal(got, decide(rule, rows))


def test_the_surrogate_is_minimised_at_half_the_log_of_the_odds() -> None:
    wrong = np.arange(1000) < 100
    weights = surrogate(np.zeros((1000, 0)), wrong, 0.3)
    assert weights[0] == pytest.approx(np.log(0.3 / 0.1) / 2, abs=1e-6)


def test_learning_stops_where_it_is_told_to() -> None:
    def stop(done: int, total: int, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Reject().fit(problems.problem(500, seed=5), Context(tick=stop))
