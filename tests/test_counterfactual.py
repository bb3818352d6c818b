"""Counterfactual distributions: descent, reach, transport, stop, and what the method refuses."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from benchmarks import counterfactual as bench
from mitigations.contract import Cancelled, Column, Context, MethodError, Part, Problem
from mitigations.counterfactual.descent import Limits, centred, closest, descend, evenness, reach
from mitigations.counterfactual.disparity import DISPARITIES, GOALS, Disparity, Inputs
from mitigations.counterfactual.method import Counterfactual
from mitigations.counterfactual.transport import pot, solve
from mitigations.rules import decide, expected
from mitigations.rules.space import Space
from tests import problems

TARGETS = {
    "selection-rate": 0.7, "fpr": 0.35, "fnr": 0.15, "fdr": 0.3, "error": 0.2, "inputs": -0.3,
}  # fmt: skip
ONE = np.zeros(60, dtype=np.intp)


def inputs(m: int = 60, seed: int = 0) -> tuple[Inputs, np.ndarray]:
    """Decisions, label probabilities and odds at different inputs, and their shares."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=m)
    rows = Inputs(
        (margin + rng.normal(0, 0.3, m) > 0.4).astype(np.float64),
        1 / (1 + np.exp(-margin)),
        0.8 - margin + rng.normal(0, 0.5, m),
    )
    share = rng.exponential(size=m)
    return rows, share / share.sum()


def magnitude(disparity: Disparity, rows: Inputs, weight: np.ndarray) -> float:
    """|M| of a difference, M of a divergence."""
    value = disparity.value(rows, weight)
    return value if disparity.kind in ("inputs", "mixed") else abs(value)


@pytest.mark.parametrize("kind", DISPARITIES)
def test_the_influence_function_has_mean_zero(kind: str) -> None:
    for seed in range(20):
        rows, share = inputs(seed=seed)
        psi = Disparity(kind, TARGETS).influence(rows, share)
        assert abs(share @ psi) < 1e-10


@pytest.mark.parametrize("kind", DISPARITIES)
def test_the_disparity_falls_by_the_mean_square_of_the_influence(kind: str) -> None:
    rows, share = inputs()
    disparity = Disparity(kind, TARGETS)
    psi = disparity.influence(rows, share)
    eps = 1e-5
    ahead, behind = (
        magnitude(disparity, rows, share * (1.0 - step * psi)) for step in (eps, -eps)
    )
    assert (ahead - behind) / (2 * eps) == pytest.approx(-share @ psi**2, rel=1e-3)


@pytest.mark.parametrize("kind", DISPARITIES)
def test_a_fixed_column_takes_its_part_out_of_the_influence(kind: str) -> None:
    rows, share = inputs()
    strata = np.arange(60) % 4
    disparity = Disparity(kind, TARGETS)
    psi = centred(disparity.influence(rows, share), share, strata)
    np.testing.assert_allclose(np.bincount(strata, share * psi), 0.0, atol=1e-12)
    eps = 1e-5
    ahead, behind = (
        magnitude(disparity, rows, share * (1.0 - step * psi)) for step in (eps, -eps)
    )
    assert (ahead - behind) / (2 * eps) == pytest.approx(-share @ psi**2, rel=1e-3)


@pytest.mark.parametrize("kind", ["selection-rate", "fpr", "fnr", "fdr", "error"])
def test_small_steps_shrink_the_gap_every_time_until_it_is_gone(kind: str) -> None:
    rows, share = inputs(400, seed=3)
    limits = Limits(evenness=0.1, steps=400)
    path = descend(Disparity(kind, TARGETS), rows, share, np.zeros(400, np.intp), limits)
    gap = np.abs(path.signed)
    until = int(np.argmax(path.signed * path.signed[0] <= 0.0))
    assert until > 1
    assert np.all(np.diff(gap[:until]) < 0.0)
    t, met = closest(path, Disparity(kind, TARGETS), rows)
    assert met
    assert abs(Disparity(kind, TARGETS).value(rows, path.at(t))) < 1e-9


def test_several_rates_are_brought_down_together() -> None:
    rows, share = inputs(400, seed=3)
    for kind in ("odds", "odds-squared"):
        disparity = Disparity(kind, TARGETS)
        path = descend(disparity, rows, share, np.zeros(400, np.intp), Limits())
        t, _ = closest(path, disparity, rows)
        assert np.abs(disparity.gaps(rows, path.at(t))).max() < 0.01


@pytest.mark.parametrize("kind", DISPARITIES)
def test_a_path_keeps_the_cap_on_the_ratio_the_effective_share_and_every_stratum(
    kind: str,
) -> None:
    rows, share = inputs(400, seed=5)
    strata = np.arange(400) % 3
    limits = Limits(ratio=2.0, evenness=0.8)
    path = descend(Disparity(kind, TARGETS), rows, share, strata, limits)
    assert len(path.weights) > 1
    ratio = path.weights / share
    # A stratum is brought back to its mass after the cap, which costs a rounding.
    assert ratio.max() <= 2.0 * 1.02 and ratio.min() >= 0.5 / 1.02
    assert min(evenness(weight, share) for weight in path.weights) >= 0.8
    for weight in path.weights:
        np.testing.assert_allclose(
            np.bincount(strata, weight), np.bincount(strata, share), rtol=1e-12
        )


def test_nothing_moves_where_there_is_no_gap() -> None:
    rows, share = inputs()
    now = rows.rate("fpr", share)
    path = descend(Disparity("fpr", {"fpr": now}), rows, share, ONE, Limits())
    assert path.ended == "none" and len(path.weights) == 1


@pytest.mark.parametrize("rate", ["selection-rate", "fpr", "fnr", "fdr", "error", "inputs"])
def test_reach_agrees_with_a_linear_program(rate: str) -> None:
    rows, share = inputs(seed=7)
    strata = np.arange(60) % 3
    ratio = 3.0
    a, b = rows.terms(rate)
    mass = np.bincount(strata, share)
    # Charnes and Cooper: z = w t, t = 1 / sum w b.
    boxes = np.vstack(
        [
            np.hstack([np.eye(60), -(share * ratio)[:, None]]),
            np.hstack([-np.eye(60), (share / ratio)[:, None]]),
        ]
    )
    equal = np.vstack(
        [np.append(strata == k, -mass[k]) for k in range(3)] + [np.append(b, 0.0)]
    )  # fmt: skip
    found = []
    for sign in (1.0, -1.0):
        solved = linprog(
            np.append(sign * a, 0.0), boxes, np.zeros(120), equal, [0.0, 0.0, 0.0, 1.0],
            bounds=[(0, None)] * 61,
        )  # fmt: skip
        found.append(sign * solved.fun)
    assert reach(a, b, share, strata, ratio) == pytest.approx(found, abs=1e-7)


def cloud(
    n: int, seed: int, *, direction: int = 0, fixed: bool = False
) -> tuple[Space, np.ndarray]:
    """Random points of mixed columns, some values missing."""
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [rng.normal(size=n), rng.exponential(size=n), rng.integers(0, 5, n), rng.integers(0, 2, n)]
    ).astype(np.float32)
    x[rng.random(n) < 0.05, 1] = np.nan
    columns = (
        Column("a", "numeric", slot=0, direction=direction),
        Column("b", "numeric", slot=1, move_cost=2.0),
        Column("c", "categorical", slot=2),
        Column("d", "binary", slot=3, immutable=fixed),
    )
    space = Space.fit(columns, x)
    return space, space.points(x)


def shares(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p, q = rng.exponential(size=(2, n))
    return p / p.sum(), q / q.sum()


@pytest.mark.parametrize("seed", range(3))
def test_leaving_common_mass_in_place_costs_no_more_than_the_full_transport(seed: int) -> None:
    space, points = cloud(300, seed)
    p, q = shares(300, seed)
    found = solve(space, points, p, q, np.zeros(300, np.intp))
    full = pot().emd2(p, q, space.distance(points, points), numItermax=10**7)
    assert found.cost == pytest.approx(float(full), abs=1e-9)


def test_a_plan_has_the_marginals_it_was_asked_for() -> None:
    space, points = cloud(300, 4)
    p, q = shares(300, 4)
    plan = solve(space, points, p, q, np.zeros(300, np.intp)).plan
    flow = np.zeros((300, 300))
    flow[plan.source, plan.target] = plan.share * p[plan.source]
    flow[np.diag_indices(300)] = p - flow.sum(axis=1)
    assert flow.min() >= -1e-15
    np.testing.assert_allclose(flow.sum(axis=0), q, atol=1e-9)
    assert plan.source.size <= 299


def test_the_distance_obeys_the_triangle_inequality_also_by_way_of_blanks() -> None:
    space, points = cloud(60, 1)
    d = space.distance(points, points)
    assert np.all(d[:, None, :] <= d[:, :, None] + d[None, :, :] + 1e-12)
    np.testing.assert_array_equal(d, d.T)
    np.testing.assert_allclose(np.diag(d), 0.0)
    np.testing.assert_array_equal(space.apart(points, points[::-1]), np.diag(d[:, ::-1]))


def test_no_move_goes_against_a_direction_and_what_cannot_move_stays() -> None:
    space, points = cloud(200, 2, direction=1)
    p, q = shares(200, 2)
    found = solve(space, points, p, q, np.zeros(200, np.intp))
    moves = points[found.plan.target, 0] - points[found.plan.source, 0]
    assert moves.min() >= 0.0
    assert 0.0 < found.held < 0.5
    wanted = 0.5 * np.abs(p - q).sum()
    assert found.share + found.held == pytest.approx(wanted)


def test_the_solver_is_left_when_told_to_stop() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 4)).astype(np.float32)
    space = Space.fit([Column(f"c{i}", "numeric", slot=i) for i in range(4)], x)
    p, q = shares(3000, 0)
    ticks = []

    def tick() -> None:
        ticks.append(1)
        raise Cancelled

    with pytest.raises(Cancelled):
        solve(space, space.points(x), p, q, np.zeros(3000, np.intp), tick=tick)


def fit(problem: Problem, **settings: object) -> object:
    return Counterfactual(**settings).fit(problem, Context(seed=1))


def facts(found: object, table: str) -> list[dict[str, object]]:
    one = found.tables[table]
    return [dict(zip(one.columns, row, strict=True)) for row in one.rows]


def gap(chance: np.ndarray, part: Part, rate: str, one: int = 1, other: int = 0) -> float:
    among = {"selection-rate": part.y >= 0, "fpr": part.y == 0, "tpr": part.y == 1}[rate]
    return float(
        chance[among & (part.group == one)].mean() - chance[among & (part.group == other)].mean()
    )


@pytest.mark.parametrize(
    ("goal", "rate"), [("selection-rate", "selection-rate"), ("tpr", "tpr"), ("fpr", "fpr")]
)
def test_the_gap_is_closed_on_rows_that_nothing_was_fitted_on(goal: str, rate: str) -> None:
    given = problems.problem(4000, goal="selection-rate" if goal == "fpr" else goal)
    found = fit(given, equal="goal" if goal in GOALS else goal, reference="group 0")
    rows = problems.audit(8000)
    before = gap((problems.predict(rows) >= 0.5).astype(float), rows, rate)
    assert abs(before) > 0.15
    after = {
        point.id: gap(expected(point.rules[0], rows, problems.predict), rows, rate)
        for point in found.points
    }
    assert abs(after["close-100"]) < 0.06
    assert after["close-50"] == pytest.approx(0.5 * before, abs=0.06)
    assert [point.status for point in found.points] == ["ok"] * 3


def test_the_realised_stop_leaves_less_than_the_estimate_where_labels_stay() -> None:
    found = fit(problems.problem(4000, goal="tpr"))
    rows = problems.audit(8000)
    after = {
        point.id: abs(gap(expected(point.rules[0], rows, problems.predict), rows, "tpr"))
        for point in found.points
    }
    assert after["close-100"] < 0.5 * after["estimate"]


def test_true_and_false_positive_rates_are_closed_together() -> None:
    found = fit(problems.problem(4000, goal="equalized-odds"), close=(1.0,))
    rows = problems.audit(8000)
    after = expected(found.points[0].rules[0], rows, problems.predict)
    assert abs(gap(after, rows, "tpr")) < 0.06
    assert abs(gap(after, rows, "fpr")) < 0.06


def test_nobody_is_moved_where_groups_are_already_alike() -> None:
    # The same people in both groups: every gap is exactly zero.
    half = problems.part(2000, 5, scored=False)
    half = replace(half, score=problems.predict(half))
    both = np.concatenate([np.arange(2000)] * 2)
    group = np.repeat([0, 1], 2000).astype(np.int32)
    part = replace(half.take(both), group=group, groups={"group": group})
    given = replace(problems.problem(100), train=part, valid=part)
    found = fit(given)
    rows = problems.audit(500)
    assert rows.score is not None
    np.testing.assert_array_equal(
        decide(found.points[0].rules[0], rows, problems.predict), rows.score >= 0.5
    )
    assert facts(found, "stops")[0]["moved"] == 0.0


def test_every_group_is_brought_to_the_pooled_rate() -> None:
    given = problems.problem(6000, groups=4)
    found = fit(given, toward="pooled", close=(1.0,))
    rows = problems.audit(12000, groups=4)
    after = expected(found.points[0].rules[0], rows, problems.predict)
    rates = [float(after[rows.group == code].mean()) for code in range(4)]
    assert max(rates) - min(rates) < 0.06
    assert sorted(found.points[0].rules[0].maps) == [0, 1, 2, 3]
    assert {"profile", "profile-2", "profile-3", "profile-4"} <= set(found.tables)


def test_the_rate_that_moves_people_least_moves_no_more_than_the_others() -> None:
    given = problems.problem(3000, groups=3)

    def moved(**settings: object) -> float:
        found = fit(given, close=(1.0,), **settings)
        n = np.bincount(given.train.group)
        names = given.group_names
        return sum(
            n[names.index(row["group"])] * row["distance"]
            for row in facts(found, "stops")
            if row["stop"] == "estimated"
        )

    least = moved(toward="least")
    assert least <= 1.02 * min(moved(toward="pooled"), moved(toward="best"))


def test_groups_too_small_to_move_are_named_and_left_as_they_are() -> None:
    given = problems.problem(1500, groups=4)
    few = np.flatnonzero(given.train.group == 3)[50:]
    kept = np.setdiff1d(np.arange(1500), few)
    found = fit(replace(given, train=given.train.take(kept)))
    assert 3 not in found.points[0].rules[0].maps
    assert any("group 3 is left as it is: 50 rows" in note for note in found.notes)
    with pytest.raises(MethodError) as refused:
        fit(problems.problem(300))
    assert refused.value.code == "group-too-small"


def refusal(given: Problem, **settings: object) -> str:
    with pytest.raises(MethodError) as refused:
        fit(given, **settings)
    assert refused.value.message.endswith(".") and refused.value.hint.endswith(".")
    return refused.value.code


def test_what_cannot_be_used_is_refused_with_a_reason() -> None:
    given = problems.problem(1500, goal="tpr")
    bare = [replace(part, y=None) for part in (given.train, given.valid)]
    unlabelled = replace(given, train=bare[0], valid=bare[1])
    assert refusal(unlabelled) == "needs-label"
    assert fit(unlabelled, equal="selection-rate").points
    assert refusal(replace(given, predict=None)) == "needs-model"
    assert refusal(replace(given, columns=())) == "needs-features"
    assert refusal(given, reference="nobody") == "unknown-group"
    apart = replace(
        given.train, x=given.train.x - 8.0 * (given.train.group[:, None] > 0).astype(np.float32)
    )
    assert refusal(replace(given, train=apart), equal="inputs") == "no-overlap"
    short = replace(given.train, y=np.where(given.train.group == 1, 0, given.train.y))
    assert refusal(replace(given, train=short)) == "group-too-small"


def test_what_has_to_change_can_be_shown_without_a_model() -> None:
    given = problems.problem(1500)
    found = fit(replace(given, predict=None), explain_only=True)
    assert found.points == ()
    profile = found.tables["profile"]
    assert profile.columns == ("column", "level", "now", "target", "reference")
    for name in ("skill", "effort", "branch"):
        rows = [row for row in profile.rows if row[0] == name]
        np.testing.assert_allclose(np.sum([row[2:] for row in rows], axis=0), 1.0, atol=1e-9)
    moves = [abs(row[3] - row[2]) for row in profile.rows]
    assert moves == sorted(moves, reverse=True)
    assert profile.rows[0][0] == "skill"
    assert {row[1] for row in profile.rows if row[0] == "branch"} == {"a", "b", "c", "d"}


def test_a_realised_gap_that_moves_cannot_close_is_said_so() -> None:
    # Moving people's inputs makes decisions about them worse, never better.
    found = fit(problems.problem(3000), equal="error", reference="group 1", close=(1.0,))
    stop = facts(found, "stops")[0]
    if not stop["met"]:
        assert any("is not reached" in note for note in found.notes)
        assert found.points[0].status == "relaxed"


def test_a_target_out_of_reach_is_said_so_before_and_after() -> None:
    found = fit(problems.problem(2000), ratio=1.2)
    reached = facts(found, "reach")[0]
    assert reached["low"] < reached["now"] < reached["high"] < reached["target"]
    assert reached["inside"] is False
    assert {point.status for point in found.points} == {"relaxed"}
    assert any("the target is not reached; the cap on the density ratio" in n for n in found.notes)
    uneven = fit(problems.problem(2000), evenness=0.97)
    assert uneven.points[-1].status == "relaxed"
    assert min(row["evenness"] for row in facts(uneven, "stops")) >= 0.97


def test_fixed_columns_keep_their_value_and_directions_are_kept() -> None:
    given = problems.problem(3000)
    columns = (
        replace(given.columns[0], direction=1),
        given.columns[1],
        replace(given.columns[2], immutable=True),
    )
    found = fit(replace(given, columns=columns))
    rows = problems.audit(3000)
    after = found.points[-1].rules[0].moved(rows, problems.predict)
    changed = (after != rows.x).any(axis=1)
    assert 0.05 < changed.mean() < 0.5
    assert np.all(rows.group[changed] == 1)
    np.testing.assert_array_equal(after[:, 2], rows.x[:, 2])
    assert np.all(after[:, 0] >= rows.x[:, 0])


@pytest.mark.parametrize("model", ["logistic", "boosting", "observed"])
def test_the_quality_of_label_probabilities_is_reported(model: str) -> None:
    found = fit(problems.problem(1500, goal="tpr"), label_model=model, close=(1.0,))
    if model == "observed":
        assert "labels" not in found.tables
        return
    row = facts(found, "labels")[0]
    assert row["rows"] > 200 and row["positives"] > 30
    assert 0.1 < row["brier"] < 0.25 and row["ece"] < 0.08 and row["auc"] > 0.65


def test_many_inputs_are_stood_for_by_fewer() -> None:
    given = problems.problem(4000)
    found = fit(given, inputs=300, close=(1.0,))
    support, _ = found.points[0].rules[0].maps[1]
    assert len(support.points) == 300
    assert any("300 inputs stand for all" in note for note in found.notes)
    rows = problems.audit(8000)
    after = expected(found.points[0].rules[0], rows, problems.predict)
    assert abs(gap(after, rows, "selection-rate")) < 0.06


def test_blanks_and_weights_change_nothing_in_principle() -> None:
    given = problems.problem(3000)
    parts = []
    for k, part in enumerate((given.train, given.valid)):
        rng = np.random.default_rng(k)
        x = part.x.copy()
        x[rng.random(len(part)) < 0.1, 1] = np.nan
        parts.append(replace(part, x=x, weight=rng.uniform(0.5, 1.5, len(part))))

    def predict(rows: Part) -> np.ndarray:
        return problems.predict(replace(rows, x=np.nan_to_num(rows.x)))

    found = fit(replace(given, train=parts[0], valid=parts[1], predict=predict))
    rows = problems.audit(4000)
    rows.x[:400, 1] = np.nan
    after = expected(found.points[1].rules[0], replace(rows, score=None), predict)
    assert abs(gap(after, rows, "selection-rate")) < 0.08


def test_no_warning_escapes_the_solver() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        space, points = cloud(40, 8)
        p, _ = shares(40, 8)
        q = p.copy()
        q[:2] = p[:2][::-1]
        solve(space, points, p, q, np.zeros(40, np.intp))


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("rate", bench.SPEC)
def test_the_gaps_left_on_adult_are_those_of_the_specification(
    shared_data: object, rate: str
) -> None:
    mean, _ = bench.summary(rate)
    spec = bench.SPEC[rate]
    assert mean.after == pytest.approx(spec.gap, abs=2.0 * spec.sd)
    assert mean.accuracy == pytest.approx(spec.accuracy, abs=0.01)
    assert mean.seconds < 3.0
    if rate == "fnr":
        assert abs(mean.estimate) > 0.05
