"""Tasks as data: the catalogue, tasks of one's own, bridges, dollars, sensitive features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from auditapp.datasets.codebooks import TASKS
from auditapp.errors import AuditError
from auditapp.folktables import bridge, catalogue, find
from auditapp.folktables.apply import Settings, matrix
from auditapp.folktables.tasks import make
from tests import pums_fixtures as pums

OWN = {
    "name": "Long hours",
    "features": "AGEP, SCHL SEX",
    "target": "WKHP > 40",
    "filter": "AGEP >= 18\nESR in {1, 2}",
}


def table(**columns: list[Any]) -> pa.Table:
    return pa.table(columns)


def persons(n: int = 300, **options: Any) -> pa.Table:
    return pa.Table.from_pandas(pums.persons(n, replicates=0, **options), preserve_index=False)


def test_the_catalogue_has_eight_tasks_with_the_sizes_of_the_specification() -> None:
    assert [len(task.features) for task in catalogue()] == [10, 19, 21, 16, 17, 16, 25, 20]
    assert {task.version for task in catalogue()} == {"folktables 0.0.12"}
    assert {task.name: (task.label, task.features) for task in catalogue()} == TASKS


def test_a_task_survives_json_and_is_found_whatever_its_capitals() -> None:
    for task in catalogue():
        assert make(task.to_json()) == task
    assert find("acsincome") == find("Income") == catalogue()[0]
    with pytest.raises(AuditError, match="ACSMobility"):
        find("ACSMobilty")


def test_a_task_of_ones_own_takes_the_words_of_a_form() -> None:
    task = make(OWN)
    assert task.features == ("AGEP", "SCHL", "SEX")
    assert task.filter == ("AGEP >= 18", "ESR in {1, 2}")
    assert (task.title, task.group, task.label) == ("WKHP > 40", "RAC1P", "WKHP")
    cut = matrix(persons(), task)
    frame = pums.persons(300, replicates=0)
    kept = frame[(frame["AGEP"] >= 18) & frame["ESR"].isin([1, 2]).fillna(False)]
    np.testing.assert_array_equal(cut.rows, kept.index)
    np.testing.assert_array_equal(cut.label == 1, (kept["WKHP"] > 40).fillna(False))


def test_a_target_of_several_columns_is_labelled_by_the_task() -> None:
    assert make({**OWN, "target": "PINCP / WKHP > 900"}).label == "Long hours"


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"name": " "}, "task-name", "name"),
        ({"name": "x" * 61}, "task-name", "name"),
        ({"features": ""}, "task-features", "features"),
        ({"features": "AGEP AGEP"}, "task-features", "features"),
        ({"features": "AGEP WKHP"}, "task-leak", "features"),
        ({"group": ""}, "task-group", "group"),
        ({"target": "WKHP >"}, "task-expression", "target, character 7"),
        ({"filter": ["AGEP > 1", "AGEP >"]}, "task-expression", "filter 2, character 7"),
        ({"lambda": "x"}, "task-field", "lambda"),
        ({"filter": ["AGEP > 1"] * 21}, "task-field", "filter"),
    ],
)
def test_a_wrong_task_names_the_field_to_change(
    change: dict[str, Any], code: str, where: str
) -> None:
    with pytest.raises(AuditError) as caught:
        make({**OWN, **change})
    assert (caught.value.code, caught.value.where) == (code, where)


def test_missing_columns_are_listed_and_features_among_them_can_be_left_out() -> None:
    income = find("ACSIncome")
    rest = persons(year=2023).drop_columns(["POBP", "RELSHIPP"])
    assert bridge.missing(income, rest.schema.names) == ("POBP", "RELP")
    with pytest.raises(AuditError) as caught:
        matrix(rest, income)
    assert caught.value.code == "task-columns"
    assert "--exclude POBP,RELP" in caught.value.hint
    assert caught.value.found == "10 of 12 columns found"
    own = income.without(["POBP", "RELP"])
    assert own.version == "folktables 0.0.12, without POBP, RELP"
    assert matrix(rest, own).features.shape[1] == 8
    with pytest.raises(AuditError) as needed:
        matrix(rest.drop_columns(["PINCP"]), income)
    assert "--exclude" not in needed.value.hint


def test_the_relationship_follows_from_its_successor() -> None:
    codes = list(range(20, 39))
    rows = table(RELSHIPP=codes, RAC1P=[1] * 19, AGEP=[30] * 19)
    task = make({"name": "t", "features": "RELP", "target": "AGEP > 20"})
    mapped = matrix(rows, task).features[:, 0]
    expected = [0, 1, 13, 1, 13, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 17]
    np.testing.assert_array_equal(mapped, expected)


def test_years_before_and_after_a_change_in_one_table_get_common_codes() -> None:
    rows = table(
        RELP=[0, 11, 12, None], RELSHIPP=[None, None, None, 34], RAC1P=[1] * 4, AGEP=[30] * 4
    )
    task = make({"name": "t", "features": "RELP", "target": "AGEP > 20"})
    np.testing.assert_array_equal(matrix(rows, task).features[:, 0], [0, 12, 12, 12])
    alone = rows.drop_columns(["RELSHIPP"])
    np.testing.assert_array_equal(matrix(alone, task).features[:3, 0], [0, 11, 12])
    common = matrix(alone, task, Settings(common_codes=True))
    np.testing.assert_array_equal(common.features[:3, 0], [0, 12, 12])


def test_dollars_are_adjusted_only_when_asked_and_only_with_adjinc() -> None:
    rows = table(
        PINCP=[49_500.0, 49_000.0], ADJINC=[1_013_097, 1_013_097], RAC1P=[1, 1], AGEP=[30, 31]
    )
    task = make({"name": "t", "features": "AGEP", "target": "PINCP > 50000"})
    assert matrix(rows, task).label.tolist() == [0, 0]
    assert matrix(rows, task, Settings(adjinc=True)).label.tolist() == [1, 0]
    decimals = rows.set_column(1, "ADJINC", pa.array([1.013097, 1.013097]))
    assert matrix(decimals, task, Settings(adjinc=True)).label.tolist() == [1, 0]
    with pytest.raises(AuditError) as caught:
        matrix(rows.drop_columns(["ADJINC"]), task, Settings(adjinc=True))
    assert caught.value.code == "no-adjinc"


def test_sensitive_features_are_left_out_on_request() -> None:
    rows, income = persons(), find("ACSIncome")
    assert matrix(rows, income).features.shape[1] == 10
    assert matrix(rows, income, Settings(drop_sensitive=True)).features.shape[1] == 7
    only = make({"name": "t", "features": "SEX", "target": "PINCP > 1"})
    with pytest.raises(AuditError, match="sensitive"):
        matrix(rows, only, Settings(drop_sensitive=True))


def test_withheld_travel_times_are_no_long_ways() -> None:
    rows = table(JWMNP=[888, 30, None], RAC1P=[1, 1, 1], AGEP=[30, 31, 32])
    task = make({"name": "t", "features": "AGEP", "target": "JWMNP > 20"})
    assert matrix(rows, task).label.tolist() == [-1, 1, -1]
    assert matrix(rows, task, Settings(mode="compatible")).label.tolist() == [1, 1, 0]


def test_early_files_with_small_letters_are_understood() -> None:
    rows = persons(year=2016)
    rows = rows.rename_columns([name.lower() for name in rows.schema.names])
    assert len(matrix(rows, find("ACSIncome")).label) > 50


def test_text_in_a_column_of_numbers_is_named() -> None:
    rows = table(AGEP=["old", "30"], RAC1P=["1", "2"], SEX=["1", "2"])
    with pytest.raises(AuditError) as caught:
        matrix(rows, make({"name": "t", "features": "SEX", "target": "AGEP > 1"}))
    assert (caught.value.code, caught.value.where) == ("not-numeric", "AGEP")


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(AuditError, match="corrected or compatible"):
        Settings(mode="both")
    made = Settings.from_json({"mode": "compatible", "adjinc": 1, "other": 2})
    assert made == Settings(mode="compatible", adjinc=True)
    assert Settings.from_json(made.to_json()) == made
    assert Settings.from_json(None) == Settings()


def test_tasks_read_frames_of_pandas_types() -> None:
    frame = pd.DataFrame({"AGEP": [30.0, np.nan], "RAC1P": ["01", " 2 "], "SEX": [1, 2]})
    cut = matrix(
        pa.Table.from_pandas(frame), make({"name": "t", "features": "SEX", "target": "AGEP > 1"})
    )
    assert cut.label.tolist() == [1, -1]
    assert cut.group.tolist() == [1.0, 2.0]
