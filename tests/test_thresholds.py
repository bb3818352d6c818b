"""Thresholds by group: the exact frontier of a fixed scorer, and rules that realise its points."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from mitigations.contract import Context, MethodError, Outcome, Part, Point, Problem
from mitigations.frontier import Frontier
from mitigations.parity import Compared, gap, mean_cost
from mitigations.roc import Roc, reach, roc
from mitigations.rules import ABSTAIN, decide, expected, uniforms
from mitigations.rules.thresholds import EVERYBODY, NOBODY, GroupThresholds, Mix
from mitigations.thresholds import Thresholds
from tests import problems
from tests.test_mitigations_contract import run_graph

PARITIES = ("selection-rate", "tpr", "fpr", "equalized-odds")
PLAIN = ((0.0, 1.0), (1.0, 0.0))


def ladder(blocks: list[tuple[int, int]], low: float, high: float) -> tuple[np.ndarray, ...]:
    """Scores spread evenly over an interval; each block, from the top, has these labels mixed.

    Inside a block, refusals come first, so that no threshold in it reaches the hull.
    """
    label = np.concatenate([np.r_[np.zeros(neg), np.ones(pos)] for pos, neg in blocks])
    return np.linspace(high, low, label.size), label.astype(np.int8)


def known() -> Problem:
    """Two groups of 200 whose scores do not overlap, with hulls of one inner corner each.

    Group 0 has (FPR, TPR) = (0.2, 0.8), group 1 (0.1, 0.5); base rates 0.5 and 0.4.
    """
    s0, y0 = ladder([(80, 20), (20, 80)], 0.5, 0.99)
    s1, y1 = ladder([(40, 12), (40, 108)], 0.01, 0.49)
    group = np.repeat([0, 1], 200).astype(np.int32)
    part = Part(
        x=np.zeros((400, 0), np.float32),
        group=group,
        y=np.r_[y0, y1],
        score=np.r_[s0, s1],
        row_key=np.arange(400, dtype=np.uint64),
    )
    return Problem(train=part, valid=part, columns=(), group_names=("first", "second"))


def fit(given: Problem, **settings: object) -> Outcome:
    return Thresholds(**settings).fit(given, Context())  # type: ignore[arg-type]


def mixed(outcome: Outcome) -> list[Point]:
    return [point for point in outcome.points if point.settings["chance"]]


def measured(point: Point, given: Problem, parity: str = "selection-rate") -> tuple[float, float]:
    """Expected gap and cost on the fitting rows."""
    part = given.train
    chance = expected(point.rules[0], part)
    rows = np.ones(len(part), bool)
    to = Compared(parity, tuple(range(len(given.group_names))))
    return gap(chance, part, rows, to), mean_cost(chance, part, rows, given)


def random_curve(rng: np.random.Generator, n: int, *, ties: bool) -> tuple[Roc, Part]:
    y = np.r_[0, 1, rng.integers(0, 2, n - 2)].astype(np.int8)
    score = 1 / (1 + np.exp(-rng.normal(y * rng.uniform(0.0, 2.0), 1.0)))
    score = score.round(1 if ties else 16)
    part = Part(
        x=np.zeros((n, 0), np.float32),
        group=np.zeros(n, np.int32),
        y=y,
        score=score,
        row_key=np.arange(n, dtype=np.uint64),
    )
    return roc(score, y), part


def test_the_known_curves_are_counted_as_they_are() -> None:
    given = known().train
    assert given.y is not None and given.score is not None
    for code, inner in ((0, (0.2, 0.8)), (1, (0.1, 0.5))):
        mine = given.group == code
        fpr, tpr = roc(given.score[mine], given.y[mine]).corners()
        np.testing.assert_allclose(np.c_[fpr, tpr], [(0, 0), inner, (1, 1)])


@pytest.mark.parametrize("ties", [False, True])
def test_the_hull_is_the_convex_hull(ties: bool) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        curve, _ = random_curve(rng, 60, ties=ties)
        points = np.c_[np.r_[curve.fpr, 1.0], np.r_[curve.tpr, 0.0]]
        corners = {tuple(points[i].round(12)) for i in ConvexHull(points).vertices}
        mine = {tuple(corner.round(12)) for corner in np.c_[curve.corners()]}
        # Corners that lie on an edge may be kept; no corner of the hull may be missing.
        assert corners - {(1.0, 0.0)} <= mine
        slope = np.diff(curve.tpr[curve.hull]) * 1e9 / (np.diff(curve.fpr[curve.hull]) + 1e-9)
        assert np.all(np.diff(slope) <= 1e-3)


def test_rates_of_every_threshold_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import roc_curve

    curve, part = random_curve(np.random.default_rng(0), 200, ties=True)
    fpr, tpr, _ = roc_curve(part.y, part.score, drop_intermediate=False)
    np.testing.assert_allclose(np.c_[curve.fpr, curve.tpr], np.c_[fpr, tpr], atol=1e-12)


def test_a_weight_of_two_counts_as_two_rows() -> None:
    _, part = random_curve(np.random.default_rng(1), 80, ties=True)
    assert part.y is not None and part.score is not None
    weight = np.random.default_rng(2).integers(1, 4, 80)
    once = roc(part.score, part.y, weight.astype(float))
    copies = roc(np.repeat(part.score, weight), np.repeat(part.y, weight))
    np.testing.assert_allclose(np.c_[once.fpr, once.tpr], np.c_[copies.fpr, copies.tpr])
    assert once.share == copies.share


def test_neighbouring_floats_are_told_apart() -> None:
    low = 0.3
    high = float(np.nextafter(low, 1.0))
    curve = roc(np.array([low, high]), np.array([0, 1], np.int8))
    between = curve.threshold[1]
    assert high >= between > low


@pytest.mark.parametrize("parity", PARITIES)
def test_no_gap_is_left_on_the_fitting_rows_at_zero(parity: str) -> None:
    given = known()
    points = mixed(fit(given, equal=parity))
    assert measured(points[0], given, parity)[0] <= 1e-6
    for point in points:
        assert measured(point, given, parity)[0] <= point.settings["limit"] + 1e-6


def test_equal_selection_rates_on_known_curves_cost_what_they_must() -> None:
    """At a common rate s the cost is piecewise linear; its corners are those of the hulls.

    Group 0 turns at s = 0.5, where it costs 0.2, group 1 at s = 0.26, where it costs 0.26.
    """
    given = known()
    corners = {}
    for s in (0.0, 0.26, 0.5, 1.0):
        first = np.interp(s, [0, 0.5, 1], [0.5, 0.2, 0.5])
        second = np.interp(s, [0, 0.26, 1], [0.4, 0.26, 0.6])
        corners[s] = (first + second) / 2
    point = mixed(fit(given, equal="selection-rate"))[0]
    assert measured(point, given)[1] == pytest.approx(min(corners.values()), abs=1e-9)


@pytest.mark.parametrize("parity", PARITIES)
@pytest.mark.parametrize("groups", [2, 4])
def test_cost_falls_as_the_limit_grows_down_to_the_best_thresholds_by_group(
    parity: str, groups: int
) -> None:
    given = problems.problem(2000, groups=groups, goal=parity)
    limits = (0.0, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0)
    points = mixed(fit(given, limits=limits))
    costs = [measured(point, given)[1] for point in points]
    assert np.all(np.diff(costs) <= 1e-9)
    part = given.train
    assert part.y is not None and part.score is not None
    best = 0.0
    for code in range(groups):
        mine = part.group == code
        order = np.argsort(-part.score[mine], kind="stable")
        right = np.r_[0, np.cumsum(2 * part.y[mine][order].astype(int) - 1)]
        best += (part.y[mine] == 1).sum() - right.max()
    assert costs[-1] == pytest.approx(best / len(part), abs=1e-9)


@pytest.mark.parametrize("ties", [False, True])
def test_without_a_limit_no_single_threshold_is_more_accurate(ties: bool) -> None:
    for seed in range(10):
        part = problems.part(300, seed, groups=3)
        assert part.score is not None and part.y is not None
        score = part.score.round(1) if ties else part.score
        curves = [roc(score[part.group == g], part.y[part.group == g]) for g in range(3)]
        free = Frontier(curves, PLAIN, "tpr").solve(math.inf)
        single = max(((score >= t) == part.y).mean() for t in [*np.unique(score), NOBODY])
        assert free.accuracy >= single - 1e-12


@pytest.mark.parametrize("norm", ["inf", "1"])
def test_equalized_odds_solves_the_pairwise_program(norm: str) -> None:
    """The same optimum as with one row for every pair of groups, rate and sign."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(3)
    curves = [random_curve(rng, 40, ties=False)[0] for _ in range(3)]
    program = Frontier(curves, PLAIN, "equalized-odds", norm)
    signs = [(1, 0), (0, 1)] if norm == "inf" else [(1, 1), (1, -1)]
    for limit in (0.0, 0.05, 0.2):
        rates = [np.c_[curve.corners()] for curve in curves]
        costs = np.concatenate(
            [
                share * program.costs(curve, *curve.corners())
                for share, curve in zip(program.shares(), curves, strict=True)
            ]
        )
        starts = np.cumsum([0, *[len(r) for r in rates]])
        rows = []
        for (a, b), sign in itertools.product(itertools.permutations(range(3), 2), signs):
            row = np.zeros(costs.size)
            row[starts[a] : starts[a + 1]] = rates[a] @ sign
            row[starts[b] : starts[b + 1]] -= rates[b] @ sign
            rows.append(row)
        one = np.zeros((3, costs.size))
        for i in range(3):
            one[i, starts[i] : starts[i + 1]] = 1.0
        wanted = linprog(costs, np.array(rows), np.full(len(rows), limit), one, np.ones(3))
        found = program.solve(limit)
        assert found.cost == pytest.approx(wanted.fun, abs=1e-8)
        assert found.gap <= limit + 1e-8


def test_a_point_inside_the_hull_is_reached_with_fewest_people_left_to_chance() -> None:
    rng = np.random.default_rng(8)
    for _ in range(10):
        curve, part = random_curve(rng, 40, ties=False)
        f, t = curve.corners()
        s = curve.selected[curve.hull]
        weight = rng.dirichlet(np.ones(f.size))
        fpr, tpr = float(weight @ f), float(weight @ t)
        rule = GroupThresholds(("all",), (reach(curve, fpr, tpr),), Mix((0.5,), (1.0,)))
        chance = expected(rule, part)
        assert part.y is not None
        assert chance[part.y == 0].mean() == pytest.approx(fpr, abs=1e-6)
        assert chance[part.y == 1].mean() == pytest.approx(tpr, abs=1e-6)
        left = ((chance > 1e-9) & (chance < 1 - 1e-9)).mean()
        fewest = 1.0
        for three in itertools.combinations(range(f.size), 3):
            system = np.array([np.ones(3), f[list(three)], t[list(three)]])
            if abs(np.linalg.det(system)) > 1e-9:
                shares = np.linalg.solve(system, [1.0, fpr, tpr])
                if shares.min() >= -1e-9:
                    used = s[[i for i, w in zip(three, shares, strict=True) if w > 1e-9]]
                    fewest = min(fewest, float(np.ptp(used)))
        assert left <= fewest + 1e-9


def test_the_rule_without_chance_uses_one_threshold_for_each_group_and_comes_close() -> None:
    given = problems.problem(4000)
    for parity in ("selection-rate", "tpr", "fpr"):
        singles = [p for p in fit(given, equal=parity).points if not p.settings["chance"]]
        assert singles
        for point in singles:
            rule = point.rules[0]
            assert isinstance(rule, GroupThresholds)
            assert all(mix is not None and mix.shares == (1.0,) for mix in rule.own)
            found = measured(point, given, parity)[0]
            # One row of the smaller class of labels is about 0.15 points here.
            assert found <= point.settings["limit"] + 0.004


def test_the_gap_on_new_rows_is_within_sampling_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mitigations.thresholds.STEPS", 2)
    inside = 0
    for seed in range(30):
        given = problems.problem(4000, seed=10 * seed)
        rows = problems.audit(4000, seed=10 * seed)
        chance = decide(fit(given, limits=(0.0,)).points[0].rules[0], rows)
        sizes = [((rows.group == g).sum(), (given.train.group == g).sum()) for g in (0, 1)]
        rates = [(chance[rows.group == g] == 1).mean() for g in (0, 1)]
        spread = math.sqrt(
            sum(p * (1 - p) * (1 / n + 1 / m) for p, (n, m) in zip(rates, sizes, strict=True))
        )
        inside += abs(rates[0] - rates[1]) <= 2 * spread
    # 95 % of 30 are expected; 25 or fewer happen once in 200.
    assert inside >= 26


def test_dear_refusals_lower_every_threshold() -> None:
    given = problems.problem(2000)
    dear = replace(given, cost=((0.0, 1.0), (5.0, 0.0)))
    rows = given.train
    cheap_rate = expected(mixed(fit(given))[0].rules[0], rows).mean()
    assert expected(mixed(fit(dear))[0].rules[0], rows).mean() > cheap_rate + 0.1


def test_small_and_unknown_groups_share_a_rule_that_keeps_the_limit_on_everybody() -> None:
    given = problems.problem(3000, groups=3)
    group = given.train.group.copy()
    third = np.flatnonzero(group == 2)
    group[third[20:]] = -1
    part = replace(given.train, group=group)
    outcome = fit(replace(given, train=part))
    rule = mixed(outcome)[0].rules[0]
    assert isinstance(rule, GroupThresholds)
    assert rule.own[0] is not None and rule.own[1] is not None and rule.own[2] is None
    assert "Too few rows for a constraint of their own: group 2." in outcome.notes
    everybody = replace(part, group=np.full_like(group, -1))
    rate = expected(rule, part)[group == 0].mean()
    assert expected(rule, everybody).mean() == pytest.approx(rate, abs=1e-6)
    unseen = replace(part, group=np.full_like(group, 7))
    np.testing.assert_array_equal(rule.act(unseen), rule.act(everybody))


def test_one_large_group_is_not_enough() -> None:
    given = problems.problem(300, groups=2)
    with pytest.raises(MethodError, match="1 of 2 groups") as caught:
        fit(replace(given, group_floor=150))
    assert caught.value.code == "too-few-groups"


def test_training_rows_without_honest_scores_are_not_used() -> None:
    given = problems.problem(2000)
    bare = replace(given, train=replace(given.train, score=None))
    moved = replace(bare, train=replace(bare.train, y=1 - bare.train.y))  # type: ignore[operator]
    first, second = fit(bare), fit(moved)
    assert [p.rules[0].id for p in first.points] == [p.rules[0].id for p in second.points]
    assert first.tables["frontier"].split == "valid"
    assert any("validation rows" in note for note in first.notes)
    assert fit(given).tables["frontier"].split == "train"


def test_a_goal_that_is_no_parity_of_rates_falls_back_to_equalized_odds() -> None:
    outcome = fit(problems.problem(1000, goal="precision"))
    assert {point.settings["parity"] for point in outcome.points} == {"equalized-odds"}
    assert any("precision" in note for note in outcome.notes)


def test_the_frontier_table_runs_from_no_gap_to_no_limit() -> None:
    given = problems.problem(2000)
    outcome = fit(given)
    table = outcome.tables["frontier"]
    assert table.columns == ("limit", "gap", "cost", "accuracy")
    limits, gaps, costs, accuracies = zip(*table.rows, strict=True)
    assert limits[0] == 0.0 and limits[-1] is None
    assert np.all(np.diff(gaps) >= -1e-9) and np.all(np.diff(costs) <= 1e-9)
    np.testing.assert_allclose(np.add(costs, accuracies), 1.0)
    for point in mixed(outcome):
        row = table.rows[limits.index(point.settings["limit"])]
        np.testing.assert_allclose(measured(point, given), row[1:3], atol=1e-9)


def test_a_score_that_says_nothing_ends_in_one_decision_for_all() -> None:
    given = problems.problem(1000)
    flat = replace(given, train=replace(given.train, score=np.full(1000, 0.5)))
    outcome = fit(flat, limits=(0.0,))
    assert {point.status for point in outcome.points} == {"collapsed"}


def rule_of_three() -> GroupThresholds:
    mixes = (Mix.of([(0.2, 0.25), (0.5, 0.5), (0.8, 0.25)]), None, Mix.of([(0.4, 1.0)]))
    return GroupThresholds(("a", "b", "c"), mixes, Mix.of([(EVERYBODY, 0.3), (NOBODY, 0.7)]))


def test_the_graph_decides_as_the_rule_does_for_every_number_drawn() -> None:
    """At the edges of a draw, at thresholds, for unknown groups and blank scores."""
    rule = rule_of_three()
    scores = [0.0, 0.2, np.nextafter(0.2, 0), 0.4, 0.5, 0.79, 0.8, 1.0, np.nan]
    draws = [0.0, 0.25, np.nextafter(0.25, 0), 0.5, 0.75, 0.7, np.nextafter(0.7, 1), 1 - 2**-53]
    cells = list(itertools.product(scores, [-1, 0, 1, 2, 3, 9], draws))
    score, group, u = (np.array(column) for column in zip(*cells, strict=True))
    part = Part(
        x=np.zeros((len(cells), 0), np.float32),
        group=group.astype(np.int32),
        score=score.astype(float),
        row_key=np.arange(len(cells), dtype=np.uint64),
    )
    shares = rule.act(part)
    wanted = np.where(np.isnan(score), ABSTAIN, (u >= shares[:, 0]).astype(int))
    np.testing.assert_array_equal(run_graph(rule.to_onnx(), part, u.astype(float)), wanted)


def test_many_rows_get_the_same_decisions_from_the_graph() -> None:
    rows = problems.audit(20_000, groups=4)
    for point in fit(problems.problem(2000, groups=4, goal="equalized-odds")).points:
        rule = point.rules[0]
        graph = rule.to_onnx()
        assert graph is not None
        u = uniforms(rule.id, rows.row_key)
        np.testing.assert_array_equal(run_graph(graph, rows, u), decide(rule, rows))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("parity", PARITIES)
def test_the_optimum_without_a_gap_is_that_of_fairlearn(parity: str) -> None:
    """fairlearn searches a grid, so it may cost a little more and never less."""
    from mitigations.threshold_optimizer import ThresholdOptimizer

    given = problems.problem(3000, groups=3, goal=parity)
    theirs = ThresholdOptimizer(objective="accuracy", grid=5000).fit(given, Context()).points[0]
    mine = mixed(fit(given, limits=(0.0,)))[0]
    found, cost = measured(theirs, given, parity)
    assert found <= 2e-3
    assert measured(mine, given)[1] <= cost + 1e-9
    assert measured(mine, given)[1] == pytest.approx(cost, abs=1e-3)
