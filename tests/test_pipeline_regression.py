"""Audits of predicted numbers: rows reconcile, planted gaps come back, refusals say why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.outcomes.numbers import column
from auditapp.pipeline.outcomes.regression import GOALS_REGRESSION
from auditapp.plan import AttributeSpec, Model, Outcome, Score, goals_for
from auditapp.result import result_hash
from tests.number_documents import people, regression, unequal_pay

SCHEMA = Path(__file__).parent.parent / "docs/result.schema.json"


def gap(document: dict[str, Any], metric: str, group: dict[str, str]) -> dict[str, Any]:
    return next(
        g
        for g in document["gaps"]
        if g["metric"] == metric and g["group"] == group and g["kind"] == "difference"
    )


def test_a_planted_gap_comes_back_with_its_share_of_the_spread() -> None:
    document = unequal_pay()
    rows = {g["metric"]: g for g in document["gaps"] if list(g["group"]) == ["sex"]
            and g["kind"] == "difference"}  # fmt: skip
    found = rows["bias"]
    sign = -1 if found["group"]["sex"] == "Women" else 1
    spread = document["outcome"]["spread"]
    assert found["verdict"] == "difference"
    assert found["value"] == pytest.approx(sign * 0.559, abs=0.1)
    assert found["in_sd"]["value"] == pytest.approx(found["value"] / spread["label_sd"])
    assert found["tolerance"] == pytest.approx(0.1 * spread["label_sd"])
    assert rows["r2"]["in_sd"] is None


def test_means_equal_those_of_pandas() -> None:
    table = people(500)
    document = regression(table)
    means = (table["guess"] - table["pay"]).groupby(table["sex"]).mean()
    for row in document["estimates"]:
        if row["metric"] == "bias" and row["by"] == ["sex"]:
            assert row["value"] == pytest.approx(means[row["group"]["sex"]], abs=1e-9)


def test_numbers_whose_squares_overflow_are_refused_by_column_and_row() -> None:
    with pytest.raises(AuditError) as caught:
        regression(people(80).assign(guess=1e200))
    assert caught.value.code == "too-large"
    assert "80 numbers beyond 1e+60" in caught.value.message


def test_a_document_follows_the_published_schema_and_repeats() -> None:
    document = unequal_pay()
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert result_hash(document) == result_hash(regression(people(gap=0.5)))


def test_rows_without_a_prediction_are_left_out_and_blank_labels_stay() -> None:
    table = people(600)
    table.loc[:9, "guess"] = np.nan
    table.loc[5:29, "pay"] = np.nan
    rows = regression(table)["rows"]
    assert rows["used"] + sum(item["n"] for item in rows["left_out"]) == 600
    assert [(item["code"], item["n"]) for item in rows["left_out"]] == [("no-prediction", 10)]
    assert rows["label_blank"] == 20


def test_without_labels_only_the_height_of_predictions_is_judged() -> None:
    document = regression(people(gap=0.5), label=None, goal="mean-prediction")
    verdicts = {g["metric"]: g["verdict"] for g in document["gaps"] if g["by"] == ["sex"]
                and g["kind"] == "difference" and g["verdict"]}  # fmt: skip
    assert verdicts["mean-prediction"] == "difference"
    assert verdicts["bias"] == verdicts["mae"] == "not-applicable"
    assert document["outcome"]["errors"] is None
    assert document["outcome"]["spread"]["sd"] == document["outcome"]["spread"]["prediction_sd"]


@pytest.mark.parametrize("estimator", ["linear", "boosting"])
def test_a_reference_model_is_trained_on_rows_that_are_not_measured(estimator: str) -> None:
    document = regression(
        people(1200),
        model=Model("train", estimator),
        score=Score(),
        features=("skill",),
    )
    rows = document["rows"]
    assert rows["left_out"][0]["code"] == "fit"
    assert rows["used"] + rows["left_out"][0]["n"] == 1200
    assert abs(rows["used"] - 600) <= 40
    facts = document["inputs"]["model"]
    assert (facts["kind"], facts["estimator"]) == ("train", estimator)
    assert facts["converged"]
    everyone = next(e for e in document["estimates"] if e["metric"] == "r2" and not e["by"])
    assert everyone["value"] > 0.7


def test_an_uploaded_regressor_is_asked_for_numbers_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = people(400)
    asked: dict[str, Any] = {}

    def predict(*_: Any, **options: Any) -> Any:
        asked.update(options)
        return table["skill"].to_numpy() * 1e6

    monkeypatch.setattr("auditapp.predictors.predict", predict)
    profile = {"name": "m.skops", "format": "skops", "classes": None, "schema": "x"}
    job = {"model_path": "m.skops", "model_profile": profile}
    document = regression(table, job=job, model=Model("skops", name="m.skops"), score=Score())
    rows = [e for e in document["estimates"] if e["metric"] == "mean-prediction"]
    mean = next(e for e in rows if not e["by"])
    assert mean["value"] == pytest.approx(table["skill"].mean() * 1e6)
    assert asked["score_range"] == (-np.inf, np.inf)
    assert document["inputs"]["model"] == {"kind": "skops", "name": "m.skops",
                                           "format": "skops", "classes": None}  # fmt: skip


def test_a_classifier_is_no_regressor() -> None:
    table = people(100)
    job = {"model_path": "x", "model_profile": {"name": "m.skops", "classes": ["no", "yes"]}}
    with pytest.raises(AuditError, match="chooses among classes") as caught:
        regression(table, job=job, model=Model("skops", name="m.skops"), score=Score())
    assert "--score" in caught.value.hint


def test_every_part_of_the_split_has_its_share_of_high_outcomes() -> None:
    table = people(2000)
    document = regression(table, model=Model("train", "linear"), score=Score(),
                          features=("skill",))  # fmt: skip
    mean = next(e for e in document["estimates"] if e["metric"] == "mean-label" and not e["by"])
    assert mean["value"] == pytest.approx(table["pay"].mean(), abs=0.03)


def test_a_limit_may_be_given_in_units() -> None:
    document = regression(people(600), tolerance=0.4, tolerance_unit="units")
    assert document["outcome"]["spread"]["tolerance"] == 0.4
    assert {g["tolerance"] for g in document["gaps"] if g["metric"] == "bias"} == {0.4}


def test_words_in_the_prediction_column_are_refused() -> None:
    table = people(100)
    table["guess"] = np.where(table["guess"] > 5, "high", "low")
    with pytest.raises(AuditError, match="guess"):
        regression(table)


def test_a_blank_label_column_is_refused() -> None:
    table = people(100)
    table["pay"] = np.nan
    with pytest.raises(AuditError, match="blank"):
        regression(table)


def test_infinite_numbers_are_counted_and_refused(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1.0, np.inf, -np.inf, np.nan]}).to_parquet(tmp_path / "table.parquet")
    with pytest.raises(AuditError, match="2 infinite values") as caught:
        column(Table.open(tmp_path), "x")
    assert caught.value.where == "first in data row 2"


def test_a_label_of_one_value_teaches_nothing() -> None:
    table = people(200)
    table["pay"] = 3.0
    with pytest.raises(AuditError, match="nothing to"):
        regression(table, model=Model("train", "linear"), score=Score(), features=("skill",))


def test_the_goals_of_the_plan_are_those_that_can_be_judged() -> None:
    assert goals_for("regression") == GOALS_REGRESSION


@pytest.mark.shared_data
def test_real_crime_rates_can_be_audited(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "communities-crime" / "communities_crime.csv")
    left = {"ViolentCrimesPerPop", "class", "Black"}
    features = tuple(c for c in table.columns if c not in left and not c.startswith("race"))
    cut = AttributeSpec("racepctblack", "Share of Black residents", "binned", (0.1, 0.3, 0.6))
    document = regression(
        table,
        label=Outcome("ViolentCrimesPerPop"),
        model=Model("train", "linear"),
        score=Score(),
        features=features,
        attributes=(cut,),
    )
    assert document["rows"]["uploaded"] == 1994
    everyone = next(e for e in document["estimates"] if e["metric"] == "r2" and not e["by"])
    assert 0.5 < everyone["value"] < 0.8
    top = gap(document, "mean-prediction", {"racepctblack": "0.6 and over"})
    assert top["verdict"] == "difference"
    assert top["value"] > 0.3
