"""The search for groups nobody named, from a table to a list of sections."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from auditapp.datasets import groups
from auditapp.datasets.inspect import inspect
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.headless import Options, plan_of
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.diagnose import descriptors, subgroups
from auditapp.plan import Outcome
from auditapp.result import plain
from metrics.groups import Attribute

N = 4000


def people(n: int = N, seed: int = 0) -> pd.DataFrame:
    """Draw people; women of 50 and over in sales get 30 points fewer loans than men there."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["women", "men"], n),
            "race": rng.choice(["A", "B", "C"], n, p=[0.6, 0.3, 0.1]),
            "age": rng.integers(18, 80, n),
            "job": rng.choice(["sales", "care", "trade"], n),
            "children": rng.integers(0, 4, n),
            "note": [f"said {i} many words about it all today {i}" for i in range(n)],
            "person_id": np.arange(n) + 10_000,
            "weights": rng.uniform(1, 5, n).round(4),
            "repaid": rng.integers(0, 2, n),
        }
    )
    worse = (frame["sex"] == "women") & (frame["age"] >= 50) & (frame["job"] == "sales")
    frame["decision"] = (rng.uniform(size=n) < np.where(worse, 0.25, 0.55)).astype(int)
    frame.loc[: n // 100, "age"] = np.nan
    return frame


def audited(folder: Path, frame: pd.DataFrame, **given: Any) -> Audited:
    """Read a table the way an audit does, with given decisions."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "people.csv", index=False)
    inspect(folder / "people.csv", "people.csv", folder)
    profile = json.loads((folder / "profile.json").read_text())
    label = given.pop("label", "repaid")
    options = {"data": folder, "out": folder / "x.json", "prediction": "decision",
               "sensitive": ["sex", "race"], "label": label}  # fmt: skip
    changes = {k: given.pop(k) for k in ("goal", "features", "gold", "floor") if k in given}
    plan = replace(plan_of(Options(**{**options, **given}), profile, None), **changes)
    table = Table.open(folder)
    attributes = []
    for spec in plan.attributes:
        levels, _, codes = groups.attribute(table, spec.__dict__)
        attributes.append(Attribute(spec.column, tuple(levels), codes, None))
    read = None if plan.label is None else groups.binary(table, "repaid", ["1"])
    return Audited(
        plan=plan,
        table=table,
        used=np.ones(table.n_rows, dtype=bool),
        attributes=attributes,
        label=read,
        decision=groups.binary(table, "decision", ["1"]),
        score=None,
        site=None,
        control=None,
        everyone=attributes,
        every_site=None,
        every_label=read,
        part=None,
        job={},
        tick=lambda share, text: None,
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return audited(tmp_path_factory.mktemp("planted"), people())


@pytest.fixture(scope="module")
def searched(planted: Audited) -> list[dict[str, Any]]:
    found = subgroups.run(planted)
    assert found is not None
    return found


def reasons(section: dict[str, Any]) -> dict[str, str]:
    return {name: x["reason"] for x in section["columns_left_out"] for name in x["columns"]}


def test_a_planted_group_is_found_and_nothing_where_nothing_is(searched: Any) -> None:
    by_sex, by_race = searched
    assert by_sex["verdict"] == "difference"
    found = by_sex["found"]
    assert found["group"] == {"sex": "women"}
    assert {c["column"] for c in found["conditions"]} >= {"job"}
    assert found["low"] > 0.05
    assert found["gap"] > found["elsewhere"]["high"]
    assert by_race["verdict"] != "difference"


def test_all_searches_share_one_hundredth(searched: Any) -> None:
    for section in searched:
        assert (section["level"], section["searches"], section["tests"]) == (0.01, 2, 6)


def test_a_column_is_no_description_of_itself_but_of_other_columns(searched: Any) -> None:
    by_sex, by_race = (set(section["columns"]) for section in searched)
    assert by_sex == {"race", "age", "job", "children"}
    assert by_race == {"sex", "age", "job", "children"}


def test_columns_that_describe_nobody_are_left_out_with_their_reason(searched: Any) -> None:
    left = reasons(searched[0])
    assert left["note"] in {"free-text", "identifier"}
    assert left["person_id"] == "identifier"
    assert left["weights"] == "weight"
    assert left["repaid"] == left["decision"] == "has-a-role"


def test_second_labels_units_and_features_not_chosen_are_left_out(tmp_path: Path) -> None:
    given = audited(tmp_path, people(400), gold=Outcome("children", ("1",)), features=("job",))
    left = reasons(subgroups.run(given)[0])  # type: ignore[index]
    assert left["children"] == "has-a-role"
    assert left["age"] == "not-a-feature"


def test_a_column_made_from_the_decision_is_left_out_unless_it_was_chosen(tmp_path: Path) -> None:
    frame = people(800)
    frame["tier"] = np.where(frame["decision"] == 1, "gold", "iron")
    given = audited(tmp_path, frame)
    assert reasons(subgroups.run(given)[0])["tier"] == "tells-the-outcome"  # type: ignore[index]
    chosen = replace(given, plan=replace(given.plan, features=("tier", "job")))
    assert "tier" in subgroups.run(chosen)[0]["columns"]  # type: ignore[index]


def test_rare_levels_do_not_pass_for_knowing_the_decision(tmp_path: Path) -> None:
    frame = people(600)
    frame["town"] = np.random.default_rng(1).integers(0, 150, 600).astype(str) + " town"
    found = subgroups.run(audited(tmp_path, frame))
    assert "town" in found[0]["columns"]  # type: ignore[index]


def test_the_same_seed_gives_the_same_answer(planted: Audited, searched: Any) -> None:
    assert plain({"s": subgroups.run(planted)}) == plain({"s": searched})


def test_the_document_can_be_written_and_holds_no_nan(searched: Any) -> None:
    json.dumps(plain({"subgroups": searched}), allow_nan=False)


def test_a_wish_to_stop_ends_the_search(planted: Audited) -> None:
    for limit in (0.1, 0.5):

        def tick(share: float, text: str, limit: float = limit) -> None:
            if share >= limit:
                raise AuditError("cancelled", "Stopped.", "")

        with pytest.raises(AuditError, match="Stopped"):
            subgroups.run(replace(planted, tick=tick))


def test_each_metric_of_the_goal_is_searched(planted: Audited) -> None:
    few = replace(planted, plan=replace(planted.plan, goal="equalized-odds"))
    found = subgroups.run(few)
    assert found is not None
    assert [(s["by"][0], s["metric"]) for s in found] == [
        ("sex", "tpr"), ("sex", "fpr"), ("race", "tpr"), ("race", "fpr"),
    ]  # fmt: skip


def test_searches_beyond_the_most_are_counted(
    planted: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subgroups, "MOST_SEARCHES", 1)
    found = subgroups.run(planted)
    assert found is not None
    assert len(found) == 1
    assert found[0]["searches_left_out"] == 1


def test_columns_beyond_the_most_are_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = people(300)
    for i in range(60):
        frame[f"answer_{i}"] = rng.integers(0, 3, 300)
    given = audited(tmp_path, frame)
    section = subgroups.run(given)[0]  # type: ignore[index]
    assert len(section["columns"]) <= descriptors.MOST_COLUMNS
    left = {x["reason"]: x["n"] for x in section["columns_left_out"]}
    assert left["beyond-cap"] >= 60 + 4 - descriptors.MOST_COLUMNS


@pytest.mark.parametrize("outcome", ["regression", "ranking", "multiclass"])
def test_other_outcomes_are_not_searched(planted: Audited, outcome: str) -> None:
    assert subgroups.run(replace(planted, plan=replace(planted.plan, outcome=outcome))) is None


def _equal(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame[["sex", "repaid", "decision"]].copy()
    frame["race"] = "A"
    frame["age"] = 40
    return frame


def _tiny(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    frame["race"] = ["X", *["A"] * (len(frame) - 2), "Y"]
    return frame


def _one_class(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(decision=[1] * (len(frame) - 1) + [0], repaid=1)


@pytest.mark.parametrize(
    ("change", "goal", "why"),
    [
        (_equal, "selection-rate", {"no-columns", "one-group"}),
        (_tiny, "selection-rate", {None, "below-floor", "no-split"}),
        (_one_class, "tpr", {None, "no-split", "constant-decision"}),
        (_one_class, "precision", {None, "no-split", "constant-decision"}),
    ],
)
def test_odd_tables_have_an_answer_or_a_reason(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], goal: str, why: set[Any]
) -> None:
    given = audited(tmp_path, change(people(500)), goal=goal)
    for section in subgroups.run(given) or []:
        assert section["verdict"] != "difference"
        assert section["reason"] in why


def test_a_label_that_is_missing_is_a_reason(tmp_path: Path) -> None:
    given = audited(tmp_path, people(200), label=None)
    found = subgroups.run(replace(given, plan=replace(given.plan, goal="tpr")))
    assert {s["reason"] for s in found or []} == {"no-label"}


def test_a_thousand_parts_have_an_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frame = people(9000)
    frame["town"] = [f"town {i}" for i in rng.integers(0, 190, 9000)]
    frame["trade"] = [f"trade {i}" for i in rng.integers(0, 60, 9000)]
    section = subgroups.run(audited(tmp_path, frame, sensitive=["sex"], floor=5))[0]  # type: ignore[index]
    declared = section["families"][0]
    assert declared["n_subgroups"] + declared["below_floor"] > 500
    assert section["verdict"] == "difference"


@pytest.mark.shared_data
def test_real_risk_scores_are_searched_without_what_was_made_from_them(
    shared_data: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(shared_data / "compas-propublica" / "compas-scores-two-years.csv")
    frame["decision"] = (frame["decile_score"] < 5).astype(int)
    frame["repaid"] = 1 - frame["two_year_recid"]
    section = subgroups.run(audited(tmp_path, frame, sensitive=["race"]))
    assert section is not None
    left = reasons(section[0])
    assert {left[name] for name in ("score_text", "is_recid")} == {"tells-the-outcome"}
    assert left["dob"] in {"free-text", "identifier"}
    assert section[0]["verdict"] == "difference"
    assert section[0]["found"]["group"] == {"race": "African-American"}
