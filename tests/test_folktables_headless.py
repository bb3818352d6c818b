"""`--task` and several Census files on the command line."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from auditapp.datasets.inspect import inspect
from auditapp.errors import AuditError
from auditapp.folktables import find
from auditapp.folktables.derive import derive
from auditapp.headless import Options, census
from auditapp.result import read
from tests import pums_fixtures as made

OWN = {"name": "Long hours", "features": ["AGEP", "SCHL"], "target": "WKHP > 40"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("census")
    path = made.write_csv(folder, made.persons(600))
    inspect(path, path.name, folder / "first")
    return derive(folder / "first", folder / "task", find("ACSIncome"))


def options(**given: Any) -> Options:
    return replace(Options(Path("x.csv"), Path("o.json"), task="ACSIncome"), **given)


def refused(*words: Any) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("audit", *map(str, words), verbosity=0)
    assert caught.value.returncode == 2
    return str(caught.value)


@pytest.mark.slow
def test_a_task_over_two_years_is_audited_with_weights_and_households(place: Path) -> None:
    for year in (2018, 2022):
        frame = made.persons(1500, year=year, replicates=80)
        made.write_csv(place / "data" / str(year) / "1-Year", frame, year=year)
    out = place / "out.json"
    call_command(
        "audit", str(place / "data"), "--task", "income", "--exclude", "POBP,RELP",
        "--train", "logistic", "--draws", "100", "--skip", "subgroups,pid,bounds,shift",
        "--out", str(out), verbosity=0,
    )  # fmt: skip
    document = read(out)
    plan, data = document["plan"], document["inputs"]["data"]
    assert plan["label"] == {"column": "PINCP", "favourable": ["1"]}
    assert plan["unit"] == "SERIALNO"
    assert plan["weights"]["replicates"] == [f"PWGTP{r}" for r in range(1, 81)]
    assert [a["column"] for a in plan["attributes"]] == ["RAC1P"]
    assert "POBP" not in plan["features"]
    assert {"AGEP", "RAC1P"} <= set(plan["features"])
    assert data["name"] == "psam_p06.csv and 1 more file"
    codes = {n["code"] for n in data["notices"]}
    assert {"task", "several-files", "census"} <= codes


def test_wrong_tasks_are_refused_before_the_file_is_read(place: Path) -> None:
    path = made.write_csv(place, made.persons(30))
    out = ("--out", place / "o.json")
    assert "Did you mean ACSMobility" in refused(path, "--task", "ACSMobilty", *out)
    assert "no file" in refused(path, "--task", place / "t.json", *out)
    (place / "t.json").write_text("{")
    assert '"target": "WKHP > 40"' in refused(path, "--task", place / "t.json", *out)
    (place / "t.json").write_text(json.dumps({**OWN, "target": "WKHP >"}))
    said = refused(path, "--task", place / "t.json", *out)
    assert "at character 7" in said
    assert "target, character 7" in said


def test_somebody_must_say_whose_groups_are_compared(place: Path) -> None:
    path = made.write_csv(place, made.persons(30))
    assert "--sensitive" in refused(path, "--score", "PINCP", "--out", place / "o.json")


def test_a_missing_column_is_told_with_the_option_that_helps(place: Path) -> None:
    path = made.write_csv(place, made.persons(60).drop(columns=["POBP"]))
    said = refused(path, "--task", "ACSIncome", "--train", "logistic", "--out", place / "o.json")
    assert "--exclude POBP" in said


def test_a_task_from_a_file_is_read() -> None:
    assert census.task_of(options(task=None)) is None
    own = census.task_of(options(task="ACSIncome", exclude=["POBP"]))
    assert own is not None
    assert "POBP" not in own.features


def test_what_nobody_gave_follows_from_the_task(profile: dict[str, Any]) -> None:
    told = census.described(options(train="logistic"), profile)
    assert (told.label, told.favourable, told.unit) == ("PINCP", ("1",), "SERIALNO")
    assert list(told.sensitive) == ["RAC1P"]
    assert list(told.features or ()) == list(find("ACSIncome").features)
    assert (told.weight, told.replicate_weights) == ("PWGTP", "PWGTP")


def test_what_somebody_gave_stands(profile: dict[str, Any]) -> None:
    given = options(
        label="PINCP", favourable=["0"], sensitive=["SEX"], unit="PUMA", weight="none",
        features=["AGEP"], train="logistic",
    )  # fmt: skip
    told = census.described(given, profile)
    assert told == replace(given, exclude=[], weight=None)


def test_numbers_are_not_weighted_by_themselves(profile: dict[str, Any]) -> None:
    assert census.described(options(outcome="regression"), profile).weight is None


def test_folders_and_dictionaries_are_sorted_out(tmp_path: Path) -> None:
    first = made.write_csv(tmp_path / "2018" / "1-Year", made.persons(5))
    archive = made.write_zip(tmp_path / "2018" / "1-Year" / "csv_pca.zip", {"psam_p06.csv": "x"})
    other = made.write_zip(tmp_path / "2018" / "1-Year" / "csv_ptx.zip", {"psam_p48.csv": "x"})
    words = tmp_path / "a_dictionary.csv"
    words.write_text(made.dictionary({"SEX": ("Sex", {"1": "Male"})}))
    assert archive not in census.files([tmp_path])
    assert census.files([tmp_path]) == [other, first, words]
    assert census.files([words, first]) == [first, words]
    assert census.name_of(first) == "2018/1-Year/psam_p06.csv"
    (tmp_path / "empty").mkdir()
    with pytest.raises(AuditError, match="called as the Census"):
        census.files([tmp_path / "empty"])
