"""Shift and change inside a whole audit, on simulated people and on real states."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import numpy as np
import pandas as pd
import pytest

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.headless import Options, plan_of
from auditapp.pipeline import execute
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.diagnose import REGISTRY, change
from auditapp.plan import Plan
from auditapp.reports.blocks import Figure, Part, Table, to_json, walk
from auditapp.reports.facts import Facts
from auditapp.reports.sections import stability
from auditapp.result import SCHEMA, read

ROOT = Path(__file__).resolve().parent.parent
OTHERS = tuple(slug for slug in REGISTRY if slug not in ("shift", "change"))


def make(people: pd.DataFrame, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    people.to_csv(folder / "people.csv", index=False)
    inspect(
        folder / "people.csv", "people.csv", folder / "t", ReadOptions(), lambda *_, **__: None
    )
    return folder / "t"


def simulated(n: int = 6000, seed: int = 0, harder: float = 0.0) -> pd.DataFrame:
    """Four places; in “far” the rule between hours and label is turned round."""
    rng = np.random.default_rng(seed)
    place = rng.choice(["home", "near", "far", "tiny"], n, p=(0.25, 0.15, 0.595, 0.005))
    sex, hours, age = rng.integers(0, 2, n), rng.normal(size=n), rng.normal(size=n)
    hours -= harder * sex
    turn = np.where(place == "far", -1, 1)
    merit = 1.6 * turn * hours + 0.4 * age - 0.4 * sex
    label = (merit + rng.logistic(size=n) > 0).astype(int)
    return pd.DataFrame(
        {"id": np.arange(n), "place": place, "sex": np.where(sex, "women", "men"),
         "hours": hours.round(3), "age": age.round(3), "label": label,
         "decided": np.where(hours > 0, "yes", "no")}
    )  # fmt: skip


def plan_for(table: Path, **options: Any) -> Plan:
    profile = json.loads((table / "profile.json").read_text())
    given = {"data": table, "out": table / "x.json", "label": "label", "sensitive": ["sex"],
             "skip": OTHERS, "exclude": ["id", "decided"], "compare_to": {"sex": "men"},
             **options}  # fmt: skip
    return replace(plan_of(Options(**given), profile, None), draws=100)


def run(table: Path, out: Path, plan: Plan | None = None, **job: Any) -> dict[str, Any]:
    if plan is None:
        plan = plan_for(table, train="logistic", site="place", target="home")
    execute({"plan": plan.to_json(), "table_dir": str(table), "out": str(out), "report": False}
            | job)  # fmt: skip
    return read(out / "result.json")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sites")
    table = make(simulated(), folder)
    first = run(table, folder / "out", run={"id": "EH-1", "date": "2025-01-02T00:00:00Z"})
    return folder, first


def test_every_part_is_there(audited: Any) -> None:
    shift = audited[1]["shift"]
    assert shift["reasons"] == {}
    assert [c["group"] for c in shift["sites"]["comparisons"]] == [{"sex": "women"}]
    assert shift["diagnosis"]["attributes"][0]["generalisation"]["value"] == 0.0
    schema = json.loads((ROOT / "docs/result.schema.json").read_text())
    jsonschema.validate(audited[1], schema)


def test_a_turned_rule_shows_on_features_with_the_label_only(audited: Any) -> None:
    scores = {s["source"]: s for s in audited[1]["shift"]["sources"]["scores"]}
    assert scores["far"]["x"]["low"] < 0.53
    assert scores["far"]["xy"]["low"] > 0.7
    assert scores["far"]["against"] == "home"
    assert scores["tiny"]["x"]["undefined"] == "too-few"
    fitted = scores[None]
    assert fitted["kind"] == "fitted"
    # The parts of a split by label and group are more alike than two random ones.
    assert fitted["xy"]["low"] <= 0.5


def test_the_near_source_comes_first_and_the_turned_one_harms(audited: Any) -> None:
    addition = audited[1]["shift"]["addition"]
    found = addition["attributes"][0]
    assert found["order"] == ["near", "far"]
    steps = {step["added"]: step for step in found["steps"]}
    assert steps["far"]["answer"] == "harms"
    assert "far" not in found["chosen"]
    assert addition["target"] == "home"


def test_nothing_of_sites_is_said_without_a_site(tmp_path: Path) -> None:
    table = make(simulated(800), tmp_path)
    shift = run(
        table, tmp_path / "out", plan_for(table, prediction="decided", favourable_decision=["yes"])
    )["shift"]
    assert shift["sites"] is shift["sources"] is shift["addition"] is None
    assert shift["reasons"] == {
        "sites": "no-site", "sources": "one-source", "addition": "no-site"
    }  # fmt: skip


def test_the_same_plan_gives_the_same_shift(audited: Any, tmp_path: Path) -> None:
    folder, first = audited
    assert run(folder / "t", tmp_path)["shift"] == first["shift"]


@pytest.fixture(scope="module")
def second(audited: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("later")
    table = make(simulated(seed=1, harder=1.0), folder)
    previous = str(audited[0] / "out/result.json")
    return run(table, folder / "out", previous=previous)


def test_a_wider_gap_is_found_against_the_earlier_audit(audited: Any, second: Any) -> None:
    found = second["change"]
    assert found["undefined"] is None
    assert found["previous"]["date"] == "2025-01-02T00:00:00Z"
    gap = found["gaps"][0]
    assert gap["changed"] is True
    stored = next(
        g for g in audited[1]["gaps"]
        if g["kind"] == "difference" and g["metric"] == "selection-rate" and g["group"] ==
        gap["group"]
    )  # fmt: skip
    assert gap["before"]["value"] == pytest.approx(stored["value"])
    assert {t["what"] for t in found["drift"]["tests"] if t["drift"]} >= {"selection-rate"}
    points = found["history"]["streams"][0]["points"]
    assert [p["changed"] for p in points] == [None, True]


def test_the_chapter_tells_all_of_it_in_whole_tables(second: Any) -> None:
    made = stability.section(Facts(second))
    assert made is not None
    found = list(walk(made.blocks))
    anchors = [part.anchor for part in found if isinstance(part, Part)]
    assert anchors == [f"stability-{name}" for name in
                       ("change", "sites", "kind", "sources", "adding")]  # fmt: skip
    tables = [block for block in found if isinstance(block, Table)]
    tables += [block.table for block in found if isinstance(block, Figure)]
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows), table.title
    text = json.dumps(to_json(made), ensure_ascii=False)
    assert "far is shown to harm the worst group" in text
    assert "went from" in text


def test_a_third_audit_carries_the_line_on(second: Any, tmp_path: Path) -> None:
    table = make(simulated(seed=2, harder=1.0), tmp_path)
    (tmp_path / "before.json").write_text(json.dumps(second))
    found = run(table, tmp_path / "out", previous=str(tmp_path / "before.json"))["change"]
    assert [r["now"] for r in found["history"]["runs"]] == [False, False, True]
    points = found["history"]["streams"][0]["points"]
    assert [p["changed"] for p in points] == [None, True, False]


def test_the_same_file_twice_is_not_tested(audited: Any, tmp_path: Path) -> None:
    folder, _ = audited
    previous = str(folder / "out/result.json")
    plan = plan_for(folder / "t", train="boosting", site="place")
    found = run(folder / "t", tmp_path, plan, previous=previous)["change"]
    assert found["same_rows"] is True
    assert found["drift"] is None
    assert all(gap["p"] is None for gap in found["gaps"])
    assert "model" in found["also"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ({"goal": "accuracy"}, "other-goal"),
        ({"outcome": "ranking"}, "binary-only"),
        ({"label": {"column": "label", "favourable": ["0"]}}, "other-label"),
        ({"attributes": []}, "other-attributes"),
    ],
)
def test_audits_that_do_not_compare_say_why(
    audited: Any, tmp_path: Path, spoil: dict[str, Any], code: str
) -> None:
    folder, first = audited
    other = {**first, "plan": {**first["plan"], **spoil}}
    (tmp_path / "before.json").write_text(json.dumps(other))
    plan = plan_for(
        folder / "t", prediction="decided", favourable_decision=["yes"], skip=(*OTHERS, "shift")
    )
    found = run(folder / "t", tmp_path, plan, previous=str(tmp_path / "before.json"))["change"]
    assert found["undefined"] == code


NO_RESULTS = {
    "cut off": "{",
    "a list": "[1, 2]",
    "a number": "1",
    "an empty object": "{}",
    "nested without end": "[" * 100_000,
    "not text": "\x00\xff",
    "a plan that is a list": json.dumps({"schema": SCHEMA, "plan": []}),
}


@pytest.mark.parametrize("case", NO_RESULTS)
def test_a_file_that_is_no_result_is_unreadable_and_nothing_worse(
    case: str, tmp_path: Path
) -> None:
    (tmp_path / "before.json").write_text(NO_RESULTS[case], encoding="latin-1")
    asked = SimpleNamespace(job={"previous": str(tmp_path / "before.json")}, tick=lambda *_: None)
    found = change.run(cast(Audited, asked))
    assert found == {"undefined": "unreadable-earlier", "previous": None}


@pytest.mark.parametrize(
    "history",
    ["x", {"runs": [{}], "streams": []}, {"runs": [], "streams": [{"metric": "tpr"}]}],
)
def test_a_spoilt_chain_of_earlier_audits_is_dropped(second: Any, history: Any) -> None:
    document = {**second, "change": {"history": history}}
    found = change.history(document, second["change"]["gaps"])
    assert [r["now"] for r in found["runs"]] == [False, True]
    assert all(len(s["points"]) == 2 for s in found["streams"])


def test_points_of_a_spoilt_chain_are_numbers_or_dropped(second: Any) -> None:
    document = json.loads(json.dumps(second))
    document["change"]["history"]["streams"][0]["points"][0]["value"] = "<b>"
    document["run"]["date"] = {"a": 1}
    found = change.history(document, second["change"]["gaps"])
    assert len(found["runs"]) == 2
    assert found["runs"][0]["date"] is None


def test_rows_that_are_all_alike_leave_nothing_to_tell_sources_by(tmp_path: Path) -> None:
    table = make(simulated().head(1), tmp_path)
    plan = plan_for(
        table, prediction="decided", favourable_decision=["yes"], favourable=["1"], site="place"
    )
    found = run(table, tmp_path / "out", plan)["shift"]
    assert found["sources"] is None
    assert found["reasons"]["sources"] == "no-features"


def test_real_states_are_told_apart(shared_data: Path, tmp_path: Path) -> None:
    parts = []
    for state in ("11", "50", "38"):
        part = pd.read_parquet(shared_data / f"acs-pums-2024/p_{state}.parquet")
        part["PLACE"] = state
        working = part[(part.AGEP > 16) & (part.PINCP > 100) & (part.WKHP > 0)]
        parts.append(working.head(2500))
    people = pd.concat(parts)
    people["label"] = (people.PINCP > 50_000).astype(int)
    names = ["PLACE", "AGEP", "SCHL", "WKHP", "COW", "SEX", "label"]
    table = make(people[names], tmp_path)
    plan = plan_for(table, sensitive=["SEX"], exclude=[], compare_to={}, train="logistic",
                    site="PLACE", target="50")  # fmt: skip
    shift = run(table, tmp_path / "out", plan)["shift"]
    scores = {s["source"]: s["x"]["value"] for s in shift["sources"]["scores"]}
    assert scores["11"] > scores["38"] > 0.55
    assert shift["sites"]["comparisons"][0]["compared"] == 3
    assert [s["added"] for s in shift["addition"]["attributes"][0]["steps"]] == [None, "38", "11"]
