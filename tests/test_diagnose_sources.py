"""Parts across sites and bounds inside an audit: planted gaps, odd tables, real data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.pipeline.diagnose import bounds, pid
from auditapp.plan import AttributeSpec, Model, Outcome
from metrics.bounds import Bound
from metrics.bounds_section import drawn_headroom, headroom
from metrics.pid_nulls import multinomial
from tests.apart_people import audit
from tests.documents import sound
from tests.real_tables import four_hospitals, nine_states
from tests.source_people import audited, planted

PARTS = ("unique", "redundant", "masked")
ONLY = tuple(
    name for name in ("subgroups", "shift", "change", "strata", "levels", "references", "numerics")
)


def split(people: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    found = pid.run(audited(people, **changes))
    assert found is not None
    return [sound(item) for item in found]


def bounded(people: dict[str, Any], **changes: Any) -> dict[str, Any]:
    found = bounds.run(audited(people, **changes))
    assert found is not None
    return sound(found[0])


@pytest.mark.parametrize("kind", PARTS)
def test_a_planted_part_is_the_largest_and_beyond_chance(kind: str) -> None:
    found = split(planted(kind))[0]
    others = [found[name]["corrected"] for name in PARTS if name != kind]
    assert found[kind]["corrected"] > 5 * max(others)
    assert found[kind]["p"] <= 0.01
    assert found[kind]["low"] > 0


def test_without_a_gap_every_interval_starts_at_zero() -> None:
    found = split(planted("none"))[0]
    for name in ("global", "local", *PARTS, "total"):
        assert found[name]["low"] == 0
    assert all(site["low"] == 0 for site in found["per_site"][:3])


def test_the_total_is_the_sum_of_its_parts_and_sites_add_up() -> None:
    found = split(planted("masked"))[0]
    assert found["total"]["value"] == pytest.approx(sum(found[name]["value"] for name in PARTS))
    assert found["total"]["low"] <= found["total"]["corrected"] <= found["total"]["high"]
    pieces = found["per_site"]
    assert sum(site["local"] for site in pieces) == pytest.approx(found["local"]["value"])
    for site in pieces:
        assert site["low"] <= site["corrected"] <= site["high"]


@pytest.mark.parametrize(
    ("goal", "asked", "levels"),
    [
        ("selection-rate", ["decision", "label"], []),
        ("tpr", ["decision", "decision-given-label", "label"], ["favourable"]),
        (
            "equalized-odds",
            ["decision", "decision-given-label", "label"],
            ["not favourable", "favourable"],
        ),
    ],
)
def test_the_goal_decides_whether_recorded_outcomes_are_held_equal(
    goal: str, asked: list[str], levels: list[str]
) -> None:
    found = split(planted("unique"), goal=goal)
    assert [item["of"] for item in found] == asked
    given = [s["given"] for item in found for s in item["strata"]]
    assert given == levels


def test_a_label_that_explains_the_decision_leaves_nothing_given_it() -> None:
    people = planted("unique")
    people["label"] = people["decision"].copy()
    given = split(people, goal="equalized-odds")[1]
    assert given["undefined"] == "constant-decision" or given["global"]["value"] < 1e-9


def test_without_sites_nothing_is_split_and_bounds_stand() -> None:
    people = {**planted("unique"), "site": None}
    assert pid.run(audited(people)) is None
    found = bounded(people)
    assert found["site"] is None
    assert found["headroom"][0]["certificate"]["certified"]


def test_without_labels_only_decisions_are_split() -> None:
    people = {**planted("unique"), "label": None}
    assert [item["of"] for item in split(people, goal="tpr")] == ["decision"]
    assert bounds.run(audited(people)) is None


def test_a_sensitive_column_that_is_the_site_is_not_split_by_itself() -> None:
    people = planted("unique")
    made = audited(people)
    same = made.site
    assert same is not None
    both = made.__class__(**{**made.__dict__, "attributes": [same, *made.attributes]})
    found = pid.run(both)
    assert found is not None
    assert {tuple(item["by"]) for item in found} == {("SEX",)}


def test_blanks_and_abstentions_are_counted_apart() -> None:
    people = planted("unique")
    people["site"][:7] = -1
    people["decision"][7:40] = 2
    people["label"][50:60] = -1
    found = split(people)
    assert [item["not_counted"] for item in found] == [7, 17]
    assert found[0]["levels"] == ["not favourable", "favourable", "abstained"]
    assert bounded(people)["not_counted"] == 50


@pytest.mark.parametrize(
    ("change", "split_reason", "bound_reason"),
    [
        ({"decision": np.ones(6000, dtype=np.int8)}, "constant-decision", None),
        ({"label": np.ones(6000, dtype=np.int8)}, None, "one-label"),
        ({"group": np.zeros(6000, dtype=np.int8)}, "one-group", "one-group"),
        ({"site": np.zeros(6000, dtype=np.int8)}, "one-site", None),
        ({"group": np.full(6000, -1, dtype=np.int8)}, "no-rows", "no-rows"),
    ],
)
def test_what_cannot_be_split_or_bounded_says_why(
    change: dict[str, Any], split_reason: str | None, bound_reason: str | None
) -> None:
    people = {**planted("unique"), **change}
    assert split(people)[0]["undefined"] == split_reason
    assert bounded(people)["undefined"] == bound_reason


def test_sites_with_one_row_are_joined_once_and_listed() -> None:
    people = planted("unique")
    people["site"] = people["site"].astype(np.int16)
    people["site"][:3] = [10, 11, 12]
    found = split(people)[0]
    assert [p["n"] for p in found["pooled"]] == [1, 1, 1]
    assert found["sites"][-1] == "other sites"
    assert found["n"] == 6000


def test_two_hundred_sites_are_split_and_bounded() -> None:
    people = planted("masked", n=20_000, sites=200)
    del people["label"]
    found = split(people)[0]
    assert len(found["per_site"]) == 200
    assert found["certificate"]["certified"]
    assert found["masked"]["p"] <= 0.01
    limited = bounded({**people, "label": people["decision"] ^ (people["site"] % 3 == 0)})
    assert limited["headroom"][0]["certificate"]["certified"]
    assert limited["grid"] < 12


def test_too_many_groups_for_the_solver_are_joined_and_listed() -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(1, 9, (1, 200, 200, 2))
    smaller, words, joined = pid.fewer_groups(table, tuple(f"g{j}" for j in range(200)))
    assert smaller.sum() == table.sum()
    assert smaller.shape[1] == len(words) < 20
    assert words[-1] == "other groups"
    assert len(joined) == 200 - len(words) + 1


def test_the_window_holds_the_limit_of_the_auditor() -> None:
    found = bounded(planted("unique"), tolerance=0.0375)
    for curve in found["windows"]:
        assert 0.0375 in [point["gap"] for point in curve["points"]]


@pytest.mark.parametrize("rule", ["free", "group"])
def test_headroom_of_drawn_tables_follows_what_solving_each_gives(rule: str) -> None:
    joint = np.array([[[[30, 10], [10, 50]], [[20, 9], [14, 20]]],
                      [[[50, 10], [12, 20]], [[30, 6], [14, 12]]]]) / 317.0  # fmt: skip
    point = Bound(joint, rule).at(0.004, 0.005)
    value, point = headroom(joint, rule)
    drawn = multinomial(joint, n=4000, rng=np.random.default_rng(1), draws=12)
    solved = [headroom(table / table.sum(), rule)[0] for table in drawn]
    near = drawn_headroom(joint, rule, point, drawn)
    assert np.abs(near - solved).max() < 0.006
    assert drawn_headroom(joint, rule, point, joint[None])[0] == pytest.approx(value, abs=1e-5)


def test_ticks_may_stop_both() -> None:
    class Stop(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stop

    made = audited(planted("unique"))
    made = made.__class__(**{**made.__dict__, "tick": stop})
    for module in (pid, bounds):
        with pytest.raises(Stop):
            module.run(made)


def test_four_hospitals_pool_two_once(shared_data: Path, tmp_path: Path) -> None:
    table = four_hospitals(shared_data)
    table["high"] = (table["thalach"].fillna(140) >= 140).astype(int)
    document = audit(
        table, tmp_path, attributes=(AttributeSpec("sex", "Sex"),), control=None, score=None,
        label=Outcome("healthy", ("1",)), decision=Outcome("high", ("1",)),
        site=AttributeSpec("hospital", "Hospital"), skip=ONLY,
    )  # fmt: skip
    found = document["pid"][0]
    assert [p["site"] for p in found["pooled"]] == ["Swiss", "Veterans"]
    assert found["n"] == len(table) == 920
    assert found["certificate"]["certified"]
    assert document["bounds"][0]["pooled"] == found["pooled"]


def test_nine_states_are_split_for_a_reference_model(shared_data: Path, tmp_path: Path) -> None:
    table = nine_states(shared_data).sample(5_000, random_state=0)
    document = audit(
        table, tmp_path, attributes=(AttributeSpec("SEX", "Sex"),), control=None, score=None,
        model=Model("train", "logistic"), label=Outcome("above", ("1",)),
        features=("AGEP", "SCHL", "MAR", "WKHP"), site=AttributeSpec("STATE", "State"),
        goal="equalized-odds", skip=ONLY,
    )  # fmt: skip
    decision, given, label = document["pid"]
    assert label["global"]["p"] <= 0.01
    assert given["strata"][0]["given"] == "not favourable"
    assert len(decision["sites"]) == 9
    assert all(item["certificate"]["certified"] for item in document["pid"])
    assert document["bounds"][0]["headroom"][0]["low"] > 0
