"""Real tables with their known damage. No value of a person's row is asserted or printed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.datasets import groups
from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.suggest import plan_defaults
from auditapp.datasets.table import Table

pytestmark = pytest.mark.shared_data


def read(path: Path, out: Path, **options: Any) -> dict[str, Any]:
    return inspect(path, path.name, out, ReadOptions(**options))


def column(profile: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in profile["columns"] if c["name"] == name)


def codes(profile: dict[str, Any]) -> set[str]:
    return {notice["code"] for notice in profile["notices"]}


def test_acs_income_is_recognised_in_under_three_seconds(
    shared_data: Path, tmp_path: Path
) -> None:
    started = time.perf_counter()
    profile = read(shared_data / "acs-folktables-2018" / "ACSIncome.test.parquet", tmp_path)
    assert time.perf_counter() - started < 3
    assert profile["rows"] == 332_900
    assert profile["recognised"]["task"] == "ACSIncome"
    assert (profile["recognised"]["matched"], profile["recognised"]["of"]) == (11, 11)
    assert column(profile, "RAC1P")["words"]["5"] == "Asian"
    assert "race-from-zero" in codes(profile)
    assert column(profile, "index")["guess"] == "unused"
    table = Table.open(tmp_path)
    label = groups.binary(table, "PINCP", ["1"])
    assert label.mean() == pytest.approx(0.3691, abs=1e-4)
    spec = plan_defaults(profile)["attributes"][0]
    words, _, race = groups.attribute(table, spec)
    sizes = dict(zip(words, np.bincount(race).tolist(), strict=True))
    assert (sizes["White"], sizes["Alaska Native"]) == (259_625, 177)


@pytest.mark.parametrize(
    ("name", "task", "matched", "of"),
    [
        ("ACSMobility.test.parquet", "ACSMobility", 22, 22),
        ("ACSPublicCoverage.test.parquet", "ACSPublicCoverage", 19, 20),
    ],
)
def test_other_tasks_are_recognised(
    shared_data: Path, tmp_path: Path, name: str, task: str, matched: int, of: int
) -> None:
    recognised = read(shared_data / "acs-folktables-2018" / name, tmp_path)["recognised"]
    assert (recognised["task"], recognised["matched"], recognised["of"]) == (task, matched, of)


def test_the_same_column_in_census_codes_is_not_shifted(shared_data: Path, tmp_path: Path) -> None:
    profile = read(shared_data / "acs-folktables-2018" / "ACS_sample.test.parquet", tmp_path)
    assert column(profile, "RAC1P")["words"] == {"1": "White", "2": "Black"}


def test_adult_has_no_header_and_question_marks(shared_data: Path, tmp_path: Path) -> None:
    profile = read(shared_data / "adult-uci" / "adult.data", tmp_path / "data")
    assert (profile["rows"], len(profile["columns"])) == (32_561, 15)
    assert {"no-header", "missing-mark"} <= codes(profile)
    assert column(profile, "column_2")["missing"] == 1_836
    draft = plan_defaults(profile)
    assert draft["label"] == {"column": "column_15", "favourable": [">50K"]}
    test = read(shared_data / "adult-uci" / "adult.test", tmp_path / "test")
    assert test["rows"] == 16_281
    assert "skipped-lines" in codes(test)
    table = Table.open(tmp_path / "data")
    assert groups.binary(table, "column_15", [">50k"]).sum() == 7_841


def test_compas_keeps_names_out_of_its_profile(shared_data: Path, tmp_path: Path) -> None:
    profile = read(shared_data / "compas-propublica" / "compas-scores-two-years.csv", tmp_path)
    assert profile["rows"] == 7_214
    names = [c["name"] for c in profile["columns"]]
    assert {"decile_score", "decile_score.2", "priors_count", "priors_count.2"} <= set(names)
    assert {"duplicate-header", "personal-data"} <= codes(profile)
    for name in ("name", "first", "last", "dob"):
        assert column(profile, name)["guess"] == "unused", name
        shown = len(column(profile, name)["top"])
        assert shown == 0, name
    text = (tmp_path / "profile.json").read_text()
    full_names = Table.open(tmp_path).codes("name")[0]
    leaked = sum(person in text for person in full_names)
    assert leaked == 0
    draft = plan_defaults(profile)
    assert draft["label"] == {"column": "two_year_recid", "favourable": ["0"]}
    assert [s["column"] for s in draft["attributes"]][:2] == ["race", "sex"]


def test_heart_disease_of_four_hospitals_is_read(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "heart-disease-4-hospitals"
    rows = {"cleveland": 303, "hungarian": 294, "switzerland": 123, "va": 200}
    for site, n in rows.items():
        profile = read(folder / f"processed.{site}.data", tmp_path / site)
        assert (profile["rows"], len(profile["columns"])) == (n, 14)
        assert profile["columns"][0]["type"] == "integer"
    ca = read(folder / "processed.hungarian.data", tmp_path / "again")["columns"][11]
    assert ca["missing"] == 291


def test_a_zipped_lending_table_keeps_unknown_groups(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "hmda-2018-sample" / "hmda_train_preprocessed.zip"
    profile = read(path, tmp_path)
    assert profile["rows"] == 160_338
    assert profile["read"]["inner_name"] == "hmda_train_preprocessed.csv"
    assert column(profile, "male")["missing"] / profile["rows"] == pytest.approx(0.46, abs=0.01)
    table = Table.open(tmp_path)
    words, _, sex = groups.attribute(table, {"column": "male", "words": {"1": "Men"}})
    assert words == ["0", "Men"]
    assert (sex == -1).sum() == column(profile, "male")["missing"]
    label = groups.binary(table, "high_priced", ["0"])
    assert 1 - label.mean() == pytest.approx(0.0967, abs=1e-4)


def test_ready_decisions_need_no_model(shared_data: Path, tmp_path: Path) -> None:
    profile = read(shared_data / "aequitas-decisions" / "nyc_sqf_for_aequitas.csv", tmp_path)
    draft = plan_defaults(profile)
    assert draft["decision"]["column"] == "score"
    assert draft["model"]["kind"] == "columns"
    assert column(profile, "label_value")["missing"] == 13
    table = Table.open(tmp_path)
    assert groups.binary(table, "score", ["1"]).min() == 1
    assert (groups.binary(table, "label_value", ["1"]) == -1).sum() == 13


def test_the_letter_n_is_offered_as_missing(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "acs-excerpts-ma-2018-2019" / "ma2018.csv"
    profile = read(path, tmp_path)
    assert profile["rows"] == 7_244
    assert "possible-mark" in codes(profile)
    assert column(profile, "PINCP")["type"] == "text"
    again = read(path, tmp_path, missing=("", "N"))
    assert column(again, "PINCP")["type"] == "integer"
    assert column(again, "PUMA")["type"] == "text"


@pytest.mark.parametrize(
    ("path", "rows", "columns"),
    [
        ("student-performance/student_mat_new.csv", 395, 33),
        ("ll144-audit-results/audits_full.csv", 4_507, 46),
        ("communities-crime/communities_crime.csv", 1_994, 105),
        ("law-school-lsac/law_school_clean.csv", 20_798, 12),
        ("ricci/ricci_race.csv", 118, 6),
        ("fairface-dev/labels.csv", 2_500, 5),
        ("acs-replicate-weights-louisville/lou_pums_microdata.csv", 80, 86),
        ("adult-proxy-ctfdist/adult_proxy_data.csv", 32_561, 18),
        ("hmda-boston-1990/loanapp.csv", 1_989, 60),
    ],
)
def test_every_other_table_is_read_whole(
    shared_data: Path, tmp_path: Path, path: str, rows: int, columns: int
) -> None:
    profile = read(shared_data / path, tmp_path)
    assert (profile["rows"], len(profile["columns"])) == (rows, columns)
    assert Table.open(tmp_path).n_rows == rows
