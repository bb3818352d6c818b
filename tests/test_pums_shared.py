"""Real Census files and dictionaries, where they are beside the checkout."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from auditapp.datasets import pums, pums_dictionary
from auditapp.datasets.codes import CODES
from auditapp.datasets.inspect import inspect, inspect_several
from auditapp.folktables import catalogue, find
from auditapp.folktables.bridge import BRIDGES
from auditapp.folktables.derive import derive

pytestmark = pytest.mark.shared_data
YEARS = (2018, 2022, 2023)


def dictionary(folder: Path, year: int) -> Path:
    return folder / "acs-pums-dictionaries" / f"pums-dict_acs1-{year}.csv"


@pytest.mark.parametrize("year", YEARS)
def test_our_words_have_the_codes_of_the_dictionary(shared_data: Path, year: int) -> None:
    with dictionary(shared_data, year).open("rb") as file:
        book = pums_dictionary.read(file)
    columns = {name for task in catalogue() for name in task.columns} & set(CODES)
    later = {bridge.successor for bridge in BRIDGES} & set(CODES)
    for name in sorted((columns | later) & set(book.codes)):
        assert set(book.codes[name]) <= set(CODES[name]), name


@pytest.mark.parametrize("year", YEARS)
def test_only_flags_are_left_out(shared_data: Path, year: int) -> None:
    with dictionary(shared_data, year).open(encoding="utf-8", errors="replace") as file:
        titles = {line[1]: line[4] for line in csv.reader(file) if line[0] == "NAME"}
    flags = pums.flags(titles)
    said = {name for name, title in titles.items() if "llocation" in title}
    assert said <= flags
    assert {name[:5] for name in flags - said} <= {"FHINS"}


def test_the_header_of_wyoming_2022_has_every_task(shared_data: Path) -> None:
    from auditapp.folktables.bridge import missing

    path = shared_data / "acs-pums-dictionaries" / "psam_person_2022_columns.csv"
    names = path.read_text().strip().split(",")
    assert pums.record_of(names) == "person"
    assert len(pums.replicates_of(names, "PWGTP")) == 80
    assert {task.name for task in catalogue() if missing(task, names)} == set()


def test_nine_states_of_2024_are_one_table_and_a_task_of_ones_own(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "acs-pums-2024"
    paths = [p for p in sorted(folder.glob("p_*.parquet")) if p.name != "p_36.parquet"]
    profile = inspect_several([(path, path.name) for path in paths], tmp_path / "all")
    assert profile["rows"] == 70_003
    assert len(profile["survey"]["states"]) == 8
    assert profile["survey"]["years"] == [2024]
    income = next(t for t in profile["survey"]["tasks"] if t["name"] == "ACSIncome")
    assert (income["missing"], income["reduced"]) == (["POBP", "RELP"], True)
    own = find("ACSIncome").without(["POBP", "RELP"])
    task = derive(tmp_path / "all", tmp_path / "task", own)
    assert task["rows"] == income["rows"]
    assert task["task"]["model_features"] == [
        "AGEP", "COW", "SCHL", "MAR", "OCCP", "WKHP", "SEX", "RAC1P",
    ]  # fmt: skip
    assert task["survey"]["household"] == "SERIALNO"


def test_excerpts_without_households_keep_their_weight(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "acs-excerpts-ma-2018-2019" / "ma2018.csv"
    survey = inspect(path, path.name, tmp_path)["survey"]
    assert (survey["record"], survey["weight"], survey["household"]) == (None, "PWGTP", None)
    lou = shared_data / "acs-replicate-weights-louisville" / "lou_pums_microdata.csv"
    assert len(inspect(lou, lou.name, tmp_path)["survey"]["replicates"]) == 80
