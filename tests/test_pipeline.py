"""The pipeline on simulated people: rows reconcile, results repeat, refusals say what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.simulated import acs_like
from auditapp.errors import AuditError
from auditapp.headless import Options, plan_of
from auditapp.pipeline import execute
from auditapp.pipeline.decide import oriented
from auditapp.plan import Data, Model, Plan, Score
from auditapp.result import read, result_hash


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A canonical table of simulated people, with a given decision and a blank score."""
    people = acs_like(4000, seed=1)
    people["decision"] = np.where(people["score"] >= 0.5, "yes", "no")
    people.loc[:9, "score"] = np.nan
    source = tmp_path_factory.mktemp("csv") / "people.csv"
    people.to_csv(source, index=False)
    out = tmp_path_factory.mktemp("data") / "table"
    inspect(source, "people.csv", out, ReadOptions(), lambda *_, **__: None)
    return out


def profile(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "profile.json").read_text())  # type: ignore[no-any-return]


def plan_for(folder: Path, **options: Any) -> Plan:
    given = {"data": folder, "out": folder / "x.json", "label": "INCOME_ABOVE_50K",
             "sensitive": ["RAC1P", "SEX"], **options}  # fmt: skip
    return plan_of(Options(**given), profile(folder), None)


def run(folder: Path, plan: Plan, out: Path, **job: Any) -> dict[str, Any]:
    execute(
        {"plan": plan.to_json(), "table_dir": str(folder), "out": str(out), "report": False, **job}
    )
    return read(out / "result.json")


def test_rows_without_a_score_are_left_out_and_counted(folder: Path, tmp_path: Path) -> None:
    document = run(folder, plan_for(folder, score="score"), tmp_path)
    rows = document["rows"]
    assert (rows["uploaded"], rows["used"]) == (4000, 3990)
    assert [(item["code"], item["n"]) for item in rows["left_out"]] == [("no-decision", 10)]


def test_rows_a_reference_model_was_fitted_on_are_left_out(folder: Path, tmp_path: Path) -> None:
    plan = plan_for(folder, train="logistic", exclude=["score", "decision"])
    document = run(folder, plan, tmp_path)
    rows = document["rows"]
    assert rows["used"] + sum(item["n"] for item in rows["left_out"]) == 4000
    assert rows["left_out"][0]["code"] == "fit"
    assert abs(rows["used"] - 2000) <= 40
    assert document["inputs"]["model"]["kind"] == "train"


def test_the_same_plan_gives_the_same_hash_and_another_seed_another_split(
    folder: Path, tmp_path: Path
) -> None:
    plan = plan_for(folder, train="logistic", exclude=["score", "decision"])
    first = run(folder, plan, tmp_path / "a", run={"id": "EH-2026-0001"})
    second = run(folder, plan, tmp_path / "b", run={"id": "EH-2026-0002"})
    other = run(folder, replace(plan, seed=1), tmp_path / "c")
    assert result_hash(first) == result_hash(second) != result_hash(other)


def test_decisions_alone_can_be_audited(folder: Path, tmp_path: Path) -> None:
    document = run(folder, plan_for(folder, prediction="decision", label=None), tmp_path)
    judged = {gap["metric"] for gap in document["gaps"] if gap["verdict"] == "difference"}
    assert judged == {"selection-rate"}
    missing = {gap["reason"] for gap in document["gaps"] if gap["metric"] == "tpr"}
    assert missing <= {"no-label"}
    assert document["scores"] is None


def test_a_score_that_is_unfavourable_when_high_turns_round(folder: Path, tmp_path: Path) -> None:
    plan = plan_for(folder, score="score", label=None)
    risk = replace(plan, score=Score("score", favourable=False))
    given, turned = run(folder, plan, tmp_path / "a"), run(folder, risk, tmp_path / "b")

    def chosen(document: dict[str, Any]) -> int:
        found = [e for e in document["estimates"] if e["metric"] == "selection-rate"]
        return int(found[0]["numerator"])

    assert chosen(given) + chosen(turned) == 3990


def test_a_risk_at_the_threshold_is_not_favourable() -> None:
    plan = Plan(
        data=Data("x", "0", 0, 0), model=Model("columns"), attributes=(), threshold=600.0,
        score=Score("points", favourable=False, low=300.0, high=850.0),
    )  # fmt: skip
    score, decision = oriented(np.array([600.0, 599.9, np.nan]), plan)
    assert decision.tolist() == [0, 1, -1]
    assert score[:2] == pytest.approx([1 - 300 / 550, 1 - 299.9 / 550])


def test_scores_outside_the_range_name_the_option(folder: Path, tmp_path: Path) -> None:
    plan = plan_for(folder, score="WKHP")
    with pytest.raises(AuditError, match="--score-range") as caught:
        run(folder, plan, tmp_path)
    assert "WKHP" in caught.value.message
    assert not (tmp_path / "result.json").exists()


def test_an_unknown_reference_group_lists_the_groups(folder: Path, tmp_path: Path) -> None:
    plan = plan_for(folder, score="score", compare_to={"SEX": "Robots"})
    with pytest.raises(AuditError, match="Robots") as caught:
        run(folder, plan, tmp_path)
    assert "Women" in caught.value.hint


def test_a_reference_may_be_named_by_its_word_or_its_code(folder: Path, tmp_path: Path) -> None:
    for value in ("women", "2"):
        plan = plan_for(folder, score="score", compare_to={"SEX": value})
        document = run(folder, plan, tmp_path / value)
        by_sex = next(table for table in document["groups"] if table["by"] == ["SEX"])
        assert by_sex["reference"] == {"SEX": "Women"}


def test_progress_only_grows_and_shows_first_numbers(folder: Path, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def tick(done: int, total: int, text: str, **extra: Any) -> None:
        seen.append({"text": text, **extra})

    plan = plan_for(folder, score="score")
    execute({"plan": plan.to_json(), "table_dir": str(folder), "out": str(tmp_path),
             "report": False}, tick)  # fmt: skip
    percents = [item["percent"] for item in seen]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    preview = seen[-1]["preview"]
    assert {"label", "n", "value", "low", "high"} == set(preview["rows"][0])
    assert all(step["state"] == "done" for step in seen[-1]["steps"])


def test_a_label_of_one_class_makes_label_metrics_not_applicable(
    folder: Path, tmp_path: Path
) -> None:
    """Precision would be 100 % of everybody by construction, and found to be equal."""
    every = ("0", "1")
    document = run(folder, plan_for(folder, score="score", favourable=every), tmp_path)
    gaps = [gap for gap in document["gaps"] if gap["kind"] == "difference"]
    reasons = {gap["metric"]: (gap["verdict"], gap["reason"]) for gap in gaps}
    assert {reasons[name] for name in ("tpr", "fpr", "precision", "accuracy")} == {
        ("not-applicable", "one-class")
    }
    assert reasons["selection-rate"][0] != "not-applicable"
    assert {row["undefined"] for row in document["estimates"] if row["metric"] == "tpr"} == {
        "one-class"
    }
    assert document["rows"]["label_blank"] == 0


def test_rates_equal_pandas_group_means(folder: Path, tmp_path: Path) -> None:
    document = run(folder, plan_for(folder, prediction="decision"), tmp_path)
    people = pd.read_parquet(folder / "table.parquet")
    words = {row["group"]["SEX"]: row for row in document["estimates"]
             if row["metric"] == "selection-rate" and row["by"] == ["SEX"]}  # fmt: skip
    rates = (people["decision"] == "yes").groupby(people["SEX"]).mean()
    assert words["Men"]["value"] == pytest.approx(rates[1], abs=1e-12)
    assert words["Women"]["value"] == pytest.approx(rates[2], abs=1e-12)


@pytest.mark.parametrize("source", [{"score": "score"}, {"prediction": "decision", "label": None}])
def test_a_document_follows_the_published_schema(
    folder: Path, tmp_path: Path, source: dict[str, Any]
) -> None:
    schema = json.loads((Path(__file__).parent.parent / "docs/result.schema.json").read_text())
    document = run(folder, plan_for(folder, **source), tmp_path)
    jsonschema.Draft202012Validator(schema).validate(document)
    ids = [gap["id"] for gap in document["gaps"]]
    assert len(set(ids)) == len(ids)
    assert set(document["verdicts"]) <= set(ids)
