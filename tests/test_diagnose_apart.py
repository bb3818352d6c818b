"""Strata, levels and references inside a whole audit, on planted and on real data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditapp.pipeline.diagnose import strata
from auditapp.plan import AttributeSpec, Model, Outcome, References, Score
from tests.apart_people import audit, panels, people
from tests.documents import sound


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """An audit of people with a reversal, wrong labels of women, and 25 noisy panels."""
    table = people(wrong=0.15)
    folder = tmp_path_factory.mktemp("turned")
    return audit(table, folder, gold=Outcome("second", ("1",)), references=panels(table))


def test_a_planted_reversal_is_settled_and_its_strata_are_kept(turned: dict) -> None:
    found = sound(turned["strata"])
    row = next(
        c
        for c in found["comparisons"]
        if c["metric"] == "selection-rate" and c["group"] == {"sex": "Women"}
    )
    assert row["reversal"]["kind"] == "settled"
    assert row["crude"]["high"] < 0 < row["pooled"]["low"]
    assert len(row["strata"]) == 6
    assert row["strata_unlisted"] == 0


def test_labels_turned_round_in_one_group_are_found_at_the_labels(turned: dict) -> None:
    found = sound(turned["levels"])["labels"]
    named = {tuple(c["group"].items()) for c in found["comparisons"] if c["p_adjusted"] <= 0.05}
    assert named == {(("sex", "Women"),)}


def test_right_labels_give_no_alarm_at_any_level(tmp_path: Path) -> None:
    document = audit(people(panels=0), tmp_path, gold=Outcome("second", ("1",)))
    levels = sound(document["levels"])
    for name in ("labels", "scores", "decisions"):
        assert min(c["p_adjusted"] or 1.0 for c in levels[name]["comparisons"]) > 0.05
    assert levels["decisions"]["agreement"]["value"] == 1.0


def test_each_attribute_is_held_beside_the_noisy_references(turned: dict) -> None:
    for record in turned["references"]:
        sound(record)
        assert record["references"] == record["comparable"] == 25
        error = record["losses"][0]
        assert (error["loss"], error["share"]) == ("error-rate", 1.0)
        assert error["low"] == pytest.approx(0.025 ** (1 / 25), abs=1e-9)


def test_references_may_write_the_favourable_value_differently(tmp_path: Path) -> None:
    table = people(500, panels=2)
    table["panel 2"] = np.where(table["panel 2"] == 1, "yes", "no")
    given = References(("panel 1", "panel 2"), ("1", "yes"))
    document = audit(table, tmp_path, references=given)
    assert [record["comparable"] for record in document["references"]] == [2, 2]


def test_a_reference_without_the_favourable_value_fails_alone(tmp_path: Path) -> None:
    table = people(300, panels=1)
    document = audit(table, tmp_path, references=References(("panel 1",), ("approved",)))
    assert document["references"]["failed"]["code"] == "value-not-found"
    assert document["strata"]["comparisons"]


def test_a_reference_who_decided_on_nobody_here_is_listed_without_a_verdict(
    tmp_path: Path,
) -> None:
    table = people(300, panels=2)
    table["panel 2"] = None
    record = audit(table, tmp_path, references=panels(table))["references"][0]
    assert [item["reason"] for item in record["list"]] == [None, "empty-denominator"]


def test_references_without_a_label_say_so(tmp_path: Path) -> None:
    table = people(300, panels=1)
    document = audit(table, tmp_path, label=None, references=panels(table))
    assert {record["undefined"] for record in document["references"]} == {"no-label"}


def test_a_risk_score_is_cut_strictly_below_its_threshold(tmp_path: Path) -> None:
    table = people(2000, panels=0)
    table["score"] = 1 + np.round(9 * (1 - table["score"]))
    score = Score("score", favourable=False, low=1, high=10)
    levels = audit(table, tmp_path, score=score, threshold=5)["levels"]
    assert levels["decisions"]["agreement"]["value"] == 1.0
    assert levels["decisions"]["threshold"] == pytest.approx(5 / 9)
    assert {g["reason"] for g in levels["scores"]["groups"]} == {"score-is-no-probability"}
    assert levels["scores"]["comparisons"][0]["p"] is not None


def test_two_hundred_strata_and_many_groups_stay_a_small_document(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = people(6000, panels=0)
    table["department"] = rng.integers(0, 200, len(table))
    table["race"] = rng.integers(0, 60, len(table)).astype(str)
    found = sound(audit(table, tmp_path)["strata"])
    rows = found["comparisons"]
    assert len(rows) == 5 * (59 + 1)
    assert sum(len(row["strata"]) for row in rows) <= strata.LISTED
    whole = next(row for row in rows if row["group"] == {"sex": "Women"})
    assert len(whole["strata"]) + whole["strata_unlisted"] == 200
    assert len(json.dumps(found)) < 1_500_000


def test_the_factor_is_not_compared_within_itself(tmp_path: Path) -> None:
    table = people(500, panels=0)
    document = audit(table, tmp_path, control=AttributeSpec("sex", "Sex"))
    assert {tuple(c["by"]) for c in document["strata"]["comparisons"]} == {("race",)}
    alone = (AttributeSpec("sex", "Sex"),)
    again = audit(table, tmp_path, control=AttributeSpec("sex", "Sex"), attributes=alone)
    assert again["strata"] is None


@pytest.mark.parametrize("odd", ["one-class", "one-score", "lone-strata", "one-group"])
def test_odd_data_give_reasons_and_no_failure(odd: str, tmp_path: Path) -> None:
    table = people(400, panels=1)
    if odd == "one-class":
        table["outcome"] = 1
    elif odd == "one-score":
        table["score"] = 0.5
    elif odd == "lone-strata":
        table["department"] = [f"d{i // 2}" for i in range(len(table))]
    else:
        table["sex"] = "Men"
    document = audit(table, tmp_path, gold=Outcome("second", ("1",)), references=panels(table))
    for key in ("strata", "levels"):
        assert "failed" not in document[key]
        sound(document[key])
    assert isinstance(document["references"], list)


def test_nothing_is_said_where_the_plan_gives_nothing_to_look_at(tmp_path: Path) -> None:
    table = people(300, panels=0)
    table["decision"] = np.where(table["score"] >= 0.5, "yes", "no")
    document = audit(
        table, tmp_path, control=None, score=None, decision=Outcome("decision", ("yes",))
    )
    assert [document[key] for key in ("strata", "levels", "references")] == [None] * 3


def test_compas_scores_mean_less_risk_for_women(shared_data: Path, tmp_path: Path) -> None:
    table = pd.read_csv(shared_data / "compas-propublica" / "compas-scores-two-years.csv")
    keep = ["race", "sex", "decile_score", "two_year_recid", "c_charge_degree"]
    document = audit(
        table[keep],
        tmp_path,
        attributes=(AttributeSpec("race", "Race"), AttributeSpec("sex", "Sex")),
        label=Outcome("two_year_recid", ("0",)),
        score=Score("decile_score", favourable=False, low=1, high=10),
        threshold=5,
        control=AttributeSpec("c_charge_degree", "Charge degree"),
    )
    scores = document["levels"]["scores"]["comparisons"]
    women = next(c for c in scores if c["group"] == {"sex": "Female"})
    assert women["p_adjusted"] < 0.001
    assert women["at_equal_scores"]["low"] > 0.05
    assert document["strata"]["left_out"] == 0
    sound(document["strata"])


def test_four_models_of_one_file_are_references_of_each_other(
    shared_data: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(shared_data / "aequitas-decisions" / "nyc_sqf_for_aequitas_4models.csv")
    models = [part.reset_index(drop=True) for _, part in table.groupby("model_id")]
    wide = models[0][["label_value", "race", "sex"]].copy()
    for k, part in enumerate(models):
        wide[f"model {k}"] = part["score"]
    document = audit(
        wide,
        tmp_path,
        attributes=(AttributeSpec("race", "Race"),),
        model=Model("columns"),
        label=Outcome("label_value", ("1",)),
        score=None,
        decision=Outcome("model 0", ("1",)),
        control=None,
        references=References(("model 1", "model 2", "model 3"), ("1",)),
    )
    (record,) = document["references"]
    assert record["comparable"] == 3
    assert record["notices"] == ["few-references"]
    assert 0 <= record["low"] <= record["gamma"] <= record["high"] <= 1
