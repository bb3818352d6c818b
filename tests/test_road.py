"""Local fairness as a remedy: what it offers, what it refuses, and what it survives."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mitigations.contract import Cancelled, Column, Context, MethodError, Outcome, Part, Problem
from mitigations.parameters import build
from mitigations.regions import Regions
from mitigations.road import attended, card, describe, dfr, forms, select
from mitigations.road.method import Road
from mitigations.road.prepare import prepare
from mitigations.road.select import Facts, Summary
from mitigations.rules import decide
from mitigations.rules.network import Network
from tests import problems, road_fixtures

NAMES = ("x1", "x2", "x3", "p", "age", "d1", "d2")
QUICK: dict[str, Any] = {
    "strengths": "0.3", "temperatures": "0.1", "seeds": 2, "steps": 60, "batch": 512,
    "rivals": "none",
}  # fmt: skip


def part(kind: str, n: int, seed: int, groups: int = 2) -> Part:
    drawn = road_fixtures.draw(kind, n, seed, groups)  # type: ignore[arg-type]
    s = drawn.s.astype(np.int32)
    return Part(
        x=drawn.x.astype(np.float32),
        group=s,
        groups={"s": s},
        y=drawn.y,
        row_key=np.random.default_rng(seed).integers(0, 2**63, n, dtype=np.uint64),
    )


def given(kind: str = "cancel", n: int = 3000, groups: int = 2) -> Problem:
    return Problem(
        train=part(kind, n, 0, groups),
        valid=part(kind, max(n // 2, 1000), 1, groups),
        columns=tuple(Column(name, "numeric", slot=i) for i, name in enumerate(NAMES)),
        group_names=tuple(f"group {i}" for i in range(groups)),
    )


def fit(problem: Problem, **settings: Any) -> Outcome:
    found: Outcome = build(Road, {**QUICK, **settings}).fit(problem, Context(seed=1))
    return found


@cache
def outcome() -> Outcome:
    return fit(given(), rivals="few")


def table(found: Outcome, name: str) -> list[dict[str, Any]]:
    made = found.tables[name]
    return [dict(zip(made.columns, row, strict=True)) for row in made.rows]


# What is offered


def test_every_form_stands_among_the_points_with_a_rule_for_each_seed() -> None:
    found = outcome()
    shown = {point.settings["form"] for point in found.points}
    assert {"plain", "groupdro", "dfr", "explicit", "newton", "kernel", "bins", "tree"} <= shown
    assert all(len(point.rules) == 2 for point in found.points)
    assert found.points[0].id == "plain"
    counted = card.trainings({**QUICK, "rivals": "few"})
    assert table(found, "training")[0]["trainings"] == counted == 2 * len(table(found, "settings"))


def test_forms_as_published_are_there_only_where_asked_for() -> None:
    assert not {"road", "broad"} & {p.settings["form"] for p in outcome().points}
    found = fit(given(n=1200), published=True, steps=15, seeds=1)
    assert {"road", "broad"} <= {row["form"] for row in table(found, "settings")}
    assert any("as published" in note for note in found.notes)


def test_every_setting_favours_as_many_validation_rows() -> None:
    found, valid = outcome(), given().valid
    shares = [decide(rule, valid).mean() for point in found.points for rule in point.rules]
    assert max(shares) - min(shares) < 0.002
    assert shares[0] == pytest.approx(valid.y.mean(), abs=0.06)  # type: ignore[union-attr]


def test_the_same_seed_gives_the_same_weights_bit_by_bit() -> None:
    first, again = fit(given(), rivals="none"), fit(given(), rivals="none")
    for one, other in zip(first.points, again.points, strict=True):
        assert [r.id for r in one.rules] == [r.id for r in other.rules]
    assert first.tables == again.tables and first.notes == again.notes
    different = build(Road, QUICK).fit(given(), Context(seed=2))
    assert different.points[0].rules[0].id != first.points[0].rules[0].id


def test_global_randomness_and_threads_stay_as_they_were() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    numpy_state = repr(np.random.get_state())  # noqa: NPY002
    torch.manual_seed(5)
    before = torch.get_num_threads()
    fit(given(n=1200), steps=15, seeds=1)
    assert torch.rand(1) == expected
    assert repr(np.random.get_state()) == numpy_state  # noqa: NPY002
    assert torch.get_num_threads() == before


def test_explicit_road_lowers_the_worst_local_gap_on_rows_it_never_saw() -> None:
    problem = given(n=6000)
    found = fit(problem, strengths="1", steps=250, seeds=1, batch=1024)
    test = road_fixtures.draw("cancel", 20_000, 2)
    rows = part("cancel", 20_000, 2)
    worst, right = {}, {}
    for point in found.points:
        chosen = decide(point.rules[0], rows) == 1
        worst[point.id] = road_fixtures.worst_gap(chosen, test.s, test.bins)
        right[point.id] = float((chosen == test.y).mean())
    assert worst["explicit-1-0-1"] < 0.7 * worst["plain"]
    assert right["explicit-1-0-1"] > right["plain"] - 0.03
    gone = table(found, "weight-went")
    assert "age" in gone[0]["region"]
    assert gone[0]["weight"] > 1.3 * gone[0]["share"]
    assert sum(row["share"] for row in gone) == pytest.approx(1.0)
    assert sum(row["weight"] for row in gone) == pytest.approx(1.0)


@pytest.mark.parametrize("equal", ["tpr", "fpr", "equalized-odds"])
def test_other_parities_are_trained_inside_labels(equal: str) -> None:
    found = fit(given(n=1500), equal=equal, steps=20, seeds=1)
    assert found.regions is not None and found.regions.parity == equal
    assert any(point.settings["form"] == "explicit" for point in found.points)


def test_several_sensitive_columns_are_pressed_on_together() -> None:
    problem = given(n=1500, groups=3)
    rng = np.random.default_rng(0)
    parts = [
        replace(p, groups={**p.groups, "t": rng.integers(-1, 2, len(p)).astype(np.int32)})
        for p in (problem.train, problem.valid)
    ]
    names = {"s": ("a", "b", "c"), "t": ("old", "young")}
    problem = replace(problem, train=parts[0], valid=parts[1], axis_names=names)
    method = build(Road, {**QUICK, "axes": "all"})
    data = prepare(method, problem, Context(seed=1))
    assert data.rows.k == (3, 2) and data.rows.s.shape == (1500, 2)
    assert data.regions.declared == ("t",)
    assert {p.settings["form"] for p in method.fit(problem, Context(seed=1)).points} >= {"plain"}


# What it survives


class Broken:
    """A penalty that is no number in the slices of one setting."""

    def __init__(self, slices: list[int]) -> None:
        self.slices = slices

    def penalty(self, z: torch.Tensor, rows: torch.Tensor, step: int) -> torch.Tensor:
        factor = torch.ones(len(z))
        if step >= 3:
            factor[self.slices] = float("nan")
        return factor * (z * z).mean(1)

    def value(self, z: torch.Tensor, rows: Any) -> torch.Tensor:
        return (z * z).mean(1)


def test_a_loss_that_is_no_number_costs_its_setting_alone(monkeypatch: Any) -> None:
    usual = forms._term

    def term(form: str, *rest: Any) -> Any:
        return Broken([1]) if form == "explicit" else usual(form, *rest)

    monkeypatch.setattr(forms, "_term", term)
    found = fit(given(n=1500), strengths="0.3 1")
    assert [p.id for p in found.points if p.settings["form"] == "explicit"] == ["explicit-1-0-1"]
    assert {"plain", "groupdro", "dfr"} <= {p.id for p in found.points}
    row = next(r for r in table(found, "settings") if r["point"] == "explicit-0-3-0-1")
    assert row["failed"] == 1 and not row["offered"]
    assert any("not finite" in note for note in found.notes)


def test_a_collapsed_network_is_counted_and_never_offered(monkeypatch: Any) -> None:
    class Flat:
        def penalty(self, z: torch.Tensor, rows: torch.Tensor, step: int) -> torch.Tensor:
            return 1e4 * z.var(dim=1)

    usual = forms._term

    def term(form: str, *rest: Any) -> Any:
        return Flat() if form == "explicit" else usual(form, *rest)

    monkeypatch.setattr(forms, "_term", term)
    found = fit(given(n=1500), steps=120)
    assert all(p.settings["form"] != "explicit" for p in found.points)
    row = next(r for r in table(found, "settings") if r["form"] == "explicit")
    assert row["collapsed"] == 2 and not row["offered"] and not row["selected"]
    assert any("nearly the same score" in note for note in found.notes)
    for point in found.points:
        for rule in point.rules:
            assert isinstance(rule, Network)
            assert np.std(1 / (1 + np.exp(-rule.outputs(given().valid)))) > select.LEAST_SD


def test_three_rows_of_a_group_get_no_penalty_of_their_own() -> None:
    problem = given(n=1500, groups=3)
    few = np.flatnonzero(problem.train.group == 2)[3:]
    group = problem.train.group.copy()
    group[few] = 0
    train = replace(problem.train, group=group, groups={"s": group})
    data = prepare(build(Road, QUICK), replace(problem, train=train), Context(seed=1))
    assert data.rows.k == (2,) and data.codes == (0, 1)
    assert int((data.rows.s[:, 0] == -1).sum()) == 3
    assert any("group 2" in note for note in data.notes)
    found = fit(replace(problem, train=train), steps=20)
    assert found.points


@pytest.mark.parametrize("missing", ["valid", "train"])
def test_a_group_missing_from_a_part_leaves_the_others(missing: str) -> None:
    problem = given(n=1500, groups=3)
    rows: Part = getattr(problem, missing)
    changed = replace(problem, **{missing: rows.take(rows.group != 2)})  # type: ignore[arg-type]
    assert fit(changed, steps=20, seeds=1, rivals="few").points


def test_rows_without_a_group_are_learned_from() -> None:
    problem = given(n=1500)
    group = problem.train.group.copy()
    group[::3] = -1
    train = replace(problem.train, group=group, groups={"s": group})
    found = fit(replace(problem, train=train), steps=20)
    data = prepare(build(Road, QUICK), replace(problem, train=train), Context(seed=1))
    assert len(data.rows) == 1500 and int((data.rows.s == -1).sum()) == 500
    assert found.points


def test_nothing_is_trained_without_columns() -> None:
    problem = given(n=400)
    bare = [
        replace(p, x=np.zeros((len(p), 0), np.float32)) for p in (problem.train, problem.valid)
    ]
    with pytest.raises(MethodError) as caught:
        fit(replace(problem, train=bare[0], valid=bare[1], columns=()))
    assert caught.value.code == "needs-features"


def test_validation_rows_need_labels_too() -> None:
    problem = given(n=1200)
    with pytest.raises(MethodError) as caught:
        fit(replace(problem, valid=replace(problem.valid, y=None)))
    assert caught.value.code == "needs-validation"


def test_it_stops_within_seconds_wherever_it_is() -> None:
    for after in (3, 40, 130):
        left = [after]
        told: list[float] = []

        def tick(
            done: int, total: int, text: str, left: list[int] = left, told: list[float] = told
        ) -> None:
            left[0] -= 1
            if left[0] < 0:
                told.append(time.monotonic())
                raise Cancelled

        with pytest.raises(Cancelled):
            build(Road, QUICK).fit(given(n=1500), Context(seed=1, tick=tick))
        assert time.monotonic() - told[0] < 5.0


# Descriptors


def test_columns_from_which_the_group_can_be_told_describe_no_parts() -> None:
    rows = {row["column"]: row for row in table(outcome(), "descriptors")}
    assert not rows["p"]["used"] and rows["p"]["auc"] > 0.85
    assert "tells the group" in rows["p"]["why"]
    assert all(rows[name]["used"] and not rows[name]["why"] for name in NAMES if name != "p")


def test_named_columns_are_taken_and_refused_where_they_tell_the_group() -> None:
    rows = table(fit(given(n=1500), descriptors="age; d1", steps=15, seeds=1), "descriptors")
    assert [row["column"] for row in rows if row["used"]] == ["age", "d1"]
    with pytest.raises(MethodError) as caught:
        fit(given(n=1500), descriptors=", ".join(NAMES))
    assert caught.value.code == "descriptors-tell-group"
    with pytest.raises(MethodError) as caught:
        fit(given(n=400), descriptors="height")
    assert caught.value.code == "unknown-column" and "x1" in caught.value.hint


def test_without_a_column_that_describes_parts_there_is_a_hint() -> None:
    problem = given(n=1500)
    twice = [replace(p, x=p.x[:, [3]]) for p in (problem.train, problem.valid)]
    only = replace(problem, train=twice[0], valid=twice[1], columns=(Column("p", "numeric"),))
    with pytest.raises(MethodError) as caught:
        fit(only)
    assert caught.value.code == "no-descriptors"


def test_the_column_in_which_the_gap_varies_comes_first() -> None:
    problem = given(n=10_000)
    found = describe.choose((), problem, problem.train, problem.train.group.astype(int),
                            Context(seed=1))  # fmt: skip
    assert found.used[0] == "age" and found.auc < 0.6
    flat = next(row for row in found.table if row[0] == "d1")
    assert flat[1] == pytest.approx(0.5, abs=0.05)


def test_descriptors_become_ranks_and_places_of_levels() -> None:
    problem = problems.problem(2000, seed=1)
    x = problem.train.x.copy()
    x[:50, 1] = np.nan
    train = replace(problem.train, x=x)
    found = describe.choose(("effort", "branch"), problem, train, train.group.astype(int),
                            Context(seed=1))  # fmt: skip
    matrix = found.matrix(x)
    assert matrix.shape == (2000, 1 + 4) and np.isfinite(matrix).all()
    assert matrix[50:, 0].std() == pytest.approx(1.0, abs=0.02)
    assert (matrix[:50, 0] == 0.0).all()
    np.testing.assert_array_equal(matrix[:, 1:].argmax(axis=1), x[:, 2])
    order = np.argsort(x[50:, 1])
    assert (np.diff(matrix[50:, 0][order]) >= -1e-9).all()


# Regions


def test_regions_are_numbered_alike_on_all_rows() -> None:
    problem = problems.problem(2000, seed=1)
    parts = [
        replace(p, groups={**p.groups, "t": (np.arange(len(p)) % 3).astype(np.int32) - 1})
        for p in (problem.train, problem.valid)
    ]
    problem = replace(problem, train=parts[0], valid=parts[1],
                      axis_names={"group": problem.group_names, "t": ("old", "young")}
    )  # fmt: skip
    made = Regions.fit(problem, ("t", "branch"), ("effort",), "selection-rate")
    for rows in parts:
        codes = made.codes(problem, rows)
        assert (codes[rows.groups["t"] < 0] == -1).all()
        for t in range(2):
            for branch in range(4):
                mine = (rows.groups["t"] == t) & (rows.x[:, 2] == branch)
                assert (codes[mine] == t * 4 + branch).all()
    one = made.codes(problem, parts[0].take(np.array([1])))
    assert one[0] == made.codes(problem, parts[0])[1]
    assert made.cells(problem, parts[0]).words[0] == "t old and branch a"


def test_regions_that_nobody_declared_are_few_enough_for_the_smallest_group() -> None:
    problem = given(n=400)
    made = Regions.fit(problem, ("age", "d1"), ("age",), "selection-rate", least=30)
    assert len(made.cells(problem, problem.train)) == 4
    exact = Regions.fit(problem, ("age", "d1"), ("age",), "selection-rate")
    assert len(exact.cells(problem, problem.train)) == 16


def test_where_other_columns_are_sensitive_their_bins_are_crossed() -> None:
    problem = given(n=1200)
    parts = [
        replace(p, groups={**p.groups, "t": (np.arange(len(p)) % 2).astype(np.int32)})
        for p in (problem.train, problem.valid)
    ]
    problem = replace(problem, train=parts[0], valid=parts[1],
                      axis_names={"s": problem.group_names, "t": ("old", "young")})  # fmt: skip
    assert fit(problem, steps=10, seeds=1).regions.declared == ("t",)  # type: ignore[union-attr]
    named = fit(problem, steps=10, seeds=1, regions="age,t").regions
    assert named is not None and named.declared == ("age", "t")


# Choosing


def summary(accuracy: float, gap: float, rank: float, **more: Any) -> Summary:
    return Summary((Facts(accuracy, 0.8, 0.2, gap, rank),) * 2, **more)


def test_the_least_rank_gap_at_little_cost_is_selected() -> None:
    plain = summary(0.80, 0.10, 0.30)
    found = [
        plain,
        summary(0.795, 0.09, 0.20),  # selected
        summary(0.780, 0.05, 0.10),  # costs too much
        summary(0.799, 0.14, 0.05),  # a new gap in the whole
        summary(0.794, 0.10, 0.21),  # worse in everything
        summary(0.796, 0.09, float("nan")),
    ]
    place, front = select.choose(found, plain)
    assert place == 1
    assert front[:5] == [True, True, True, True, False]
    assert select.choose([plain, summary(0.80, 0.10, 0.295)], plain)[0] is None


def test_means_over_seeds_are_compared() -> None:
    lucky = Summary((Facts(0.82, 0.8, 0.2, 0.1, 0.1), Facts(0.70, 0.8, 0.2, 0.1, 0.1)))
    plain = summary(0.80, 0.10, 0.30)
    assert lucky.mean("accuracy") == pytest.approx(0.76)
    assert lucky.spread("accuracy") == pytest.approx(np.std([0.82, 0.70], ddof=1))
    assert select.choose([plain, lucky], plain)[0] is None


def test_a_setting_stands_only_if_every_seed_does() -> None:
    assert summary(0.8, 0.1, 0.2).usable
    assert not summary(0.8, 0.1, 0.2, collapsed=1).usable
    assert not summary(0.8, 0.1, 0.2, failed=1).usable
    assert not Summary(()).usable


def test_constant_scores_and_lost_margins_do_not_stand() -> None:
    spread = np.linspace(-3, 3, 200)
    assert select.stands(spread, 0.76, 0.8)
    assert select.stands(spread, 0.65, 0.8) and not select.stands(spread, 0.64, 0.8)
    assert not select.stands(np.full(200, 0.3), 0.5, 0.5)
    assert not select.stands(spread / 100, 0.8, 0.8)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.35, 0.999, 1.0])
def test_a_cut_leaves_the_share_above_it(share: float) -> None:
    output = np.random.default_rng(0).normal(size=501)
    cut = select.cut_at(output, share)
    assert abs((output > cut).mean() - share) <= 1 / 501
    assert np.abs(output - cut).min() > 0.0


def test_ties_stay_on_one_side_of_a_cut() -> None:
    output = np.array([0.0] * 6 + [1.0] * 4)
    assert (output > select.cut_at(output, 0.5)).mean() == 0.4
    assert (output > select.cut_at(output, 0.1)).mean() == 0.0
    assert (output > select.cut_at(np.zeros(10), 0.3)).sum() in (0, 10)


def test_the_auc_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    y, score = rng.integers(0, 2, 300), np.round(rng.normal(size=300), 1)
    assert select.auc(score, y) == pytest.approx(roc_auc_score(y, score))
    assert select.auc(score, np.ones(300, int)) == 0.5


# Where the weight goes, and the last layer


def test_parts_are_where_the_weight_is() -> None:
    from metrics.subgroup_columns import Descriptor

    rng = np.random.default_rng(0)
    age, place = rng.uniform(20, 80, 4000), rng.integers(0, 3, 4000)
    weight = np.where((age < 35) & (place == 2), 5.0, 0.5) * rng.uniform(0.8, 1.2, 4000)
    found = attended.parts(
        [Descriptor("age", age), Descriptor("place", place, levels=("a", "b", "c")),
         Descriptor("noise", rng.normal(size=4000))],
        weight,
    )  # fmt: skip
    assert found[0].region in ("age under 35 and place c", "place c and age under 35")
    assert found[0].share == pytest.approx(((age < 35) & (place == 2)).mean(), abs=0.01)
    assert sum(f.share for f in found) == pytest.approx(1.0)
    assert sum(f.weight for f in found) == pytest.approx(1.0)
    alike = attended.parts([Descriptor("age", age)], np.ones(4000))
    assert [f.region for f in alike] == ["everybody"]


def test_a_new_last_layer_is_balanced_and_leaves_the_others_alone() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    group = rng.choice(2, n, p=[0.9, 0.1])
    x = rng.normal(size=(n, 2))
    # Group 1's label hangs on the second column, that of everybody else on the first.
    y = (np.where(group == 1, x[:, 1], x[:, 0]) > 0).astype(np.int8)
    layers = [(np.hstack([np.eye(2), -np.eye(2)]), np.zeros(4)), (np.ones((4, 1)), np.zeros(1))]
    cells = dfr.cells_of(group, y, 2)
    found = dfr.retrain(layers, x, y, cells, rng, lambda: None)
    assert found[0] is layers[0]
    output = dfr.hidden(found, x) @ found[1][0][:, 0] + found[1][1][0]
    right = (output > 0) == y
    assert right[group == 1].mean() > 0.7 and right[group == 0].mean() > 0.7
    weights = np.abs(found[1][0][:, 0])
    assert weights[[1, 3]].sum() == pytest.approx(weights[[0, 2]].sum(), rel=0.35)


def test_too_few_rows_leave_the_last_layer_alone() -> None:
    layers = [(np.eye(2), np.zeros(2)), (np.ones((2, 1)), np.zeros(1))]
    x, rng = np.random.default_rng(0).normal(size=(8, 2)), np.random.default_rng(0)
    y = np.array([0, 1] * 4, np.int8)
    few = dfr.cells_of(np.repeat([0, 1], 4), y, 2)
    assert dfr.retrain(layers, x, y, few, rng, lambda: None) is layers
    kept = dfr.split(np.repeat([0, 1, 2], [100, 10, 1]), rng)
    assert [int(kept[:100].sum()), int(kept[100:110].sum()), int(kept[110:].sum())] == [20, 2, 1]


@pytest.mark.parametrize(
    ("settings", "many"),
    [
        ({"rivals": "none", "seeds": 1, "strengths": "1", "temperatures": "0.1"}, 4),
        ({"rivals": "none", "seeds": 3, "strengths": "0 1 3", "temperatures": "0.1 0.3"}, 21),
        ({"rivals": "few", "seeds": 1, "strengths": "1", "temperatures": "0.1"}, 14),
        ({"rivals": "none", "seeds": 1, "strengths": "1", "temperatures": "0.1",
          "published": "yes"}, 8),
    ],
)  # fmt: skip
def test_the_number_of_trainings_is_known_beforehand(settings: dict[str, Any], many: int) -> None:
    assert card.trainings(settings) == many


def test_its_settings_can_be_shown_without_loading_what_trains() -> None:
    import subprocess
    import sys

    code = "import sys, mitigations.road.method; print(*sorted(sys.modules))"
    command = [sys.executable, "-c", code]
    root = Path(__file__).resolve().parent.parent
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    shown = told.stdout.split()
    assert "mitigations.road.card" in shown
    assert not {"torch", "sklearn", "scipy.stats"} & set(shown)


def table_of(shared_data: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and label of a real table."""
    pandas = pytest.importorskip("pandas")
    if name == "law":
        law = pandas.read_csv(shared_data / "law-school-lsac" / "lawschool.csv")
        races = [f"race{i}" for i in range(1, 9)]
        cluster = pandas.get_dummies(law["cluster"]).to_numpy(float)
        rest = law.drop(columns=["bar1", "cluster", *races])
        return np.column_stack([rest.fillna(rest.mean()), cluster]), law["bar1"].to_numpy()
    people = pandas.read_csv(shared_data / "compas-propublica" / "compas-scores-two-years.csv")
    counts = ["age", "priors_count", "juv_fel_count", "juv_misd_count", "juv_other_count"]
    more = [people["c_charge_degree"] == "F", people["sex"] == "Male"]
    return np.column_stack([people[counts], *more]).astype(float), people[
        "two_year_recid"
    ].to_numpy()


@pytest.mark.parametrize("name", ["law", "compas"])
def test_without_a_penalty_networks_keep_up_with_logistic_regression(
    shared_data: Path, name: str
) -> None:
    from sklearn.linear_model import LogisticRegression

    from mitigations.nets import Loop, quiet
    from mitigations.road import data, train

    x, y = table_of(shared_data, name)
    apart = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(y))
        fitted, looked, test = np.split(order, [len(y) // 2, int(0.7 * len(y))])
        mean, sd = x[fitted].mean(axis=0), x[fitted].std(axis=0)
        scaled = (x - mean) / np.where(sd > 0, sd, 1.0)

        def rows(at: np.ndarray, scaled: np.ndarray = scaled) -> data.Rows:
            nobody = np.zeros(len(at))
            return data.of(
                scaled[at], y[at], nobody, (1,), scaled[at][:, :1], np.ones((len(at), 2))
            )

        with quiet(), torch.no_grad():
            with torch.enable_grad():
                found = train.fit(
                    rows(fitted), None, [0.0] * 3, [1, 2, 3], Loop(steps=400),
                    rng=np.random.default_rng(seed), tick=lambda *_: None, valid=rows(looked),
                )  # fmt: skip
            z = found.stack(torch.as_tensor(scaled[test], dtype=torch.float32)).numpy()
        plain = LogisticRegression(max_iter=1000).fit(scaled[fitted], y[fitted])
        apart.append(((z > 0) == y[test]).mean() - plain.score(scaled[test], y[test]))
    assert np.mean(apart) > -0.01
