"""A task made into a data set: its rows, label, features, roles and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from auditapp.datasets.inspect import TABLE, inspect, inspect_several
from auditapp.datasets.split import seeded
from auditapp.datasets.suggest import plan_defaults
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.folktables import catalogue, find
from auditapp.folktables.apply import Settings, matrix
from auditapp.folktables.derive import child_main, derive
from auditapp.folktables.preview import child_main as preview_main
from auditapp.folktables.preview import preview
from auditapp.folktables.tasks import make
from tests import pums_fixtures as made

COMPATIBLE = Settings(mode="compatible")


def census_of(folder: Path, replicates: int) -> Path:
    path = made.write_csv(folder, made.persons(1200, replicates=replicates))
    inspect(path, path.name, folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return census_of(tmp_path_factory.mktemp("census"), 0)


def column(profile: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in profile["columns"] if c["name"] == name)


@pytest.mark.parametrize("mode", ["corrected", "compatible"])
@pytest.mark.parametrize("name", [task.name for task in catalogue()])
def test_the_data_set_holds_what_the_task_says(
    census: Path, tmp_path: Path, name: str, mode: str
) -> None:
    task, settings = find(name), Settings(mode=mode)
    profile = derive(census, tmp_path, task, settings)
    expected = matrix(pq.read_table(census / TABLE), task, settings)
    table = Table.open(tmp_path)
    for i, feature in enumerate(task.features):
        np.testing.assert_array_equal(table.numbers(feature), expected.features[:, i])
    label = np.where(expected.label < 0, np.nan, expected.label)
    np.testing.assert_array_equal(table.numbers(task.label), label)
    assert profile["rows"] == len(expected.rows)
    assert profile["recognised"]["task"] == name
    assert column(profile, task.label)["guess"] == "label"


@pytest.mark.parametrize("name", ["ACSIncome", "ACSTravelTime"])
def test_a_preview_counts_what_the_data_set_will_hold(
    census: Path, tmp_path: Path, name: str
) -> None:
    profile = derive(census, tmp_path, find(name))
    seen = preview(census, find(name))
    assert (seen["rows"], seen["of"]) == (profile["rows"], 1200)
    assert seen["unknown"] == profile["task"]["rows"]["unknown"]
    table = Table.open(tmp_path)
    race, label, weight = (table.numbers(c) for c in ("RAC1P", find(name).label, "PWGTP"))
    for group in seen["groups"]:
        here = (race == float(group["value"])) & ~np.isnan(label)
        assert group["rows"] == (race == float(group["value"])).sum()
        assert group["positive"] == pytest.approx(label[here].mean())
        expected = np.average(label[here], weights=weight[here])
        assert group["positive_weighted"] == pytest.approx(expected)
    payload = {"first": str(census), "task": find(name).to_json()}
    assert preview_main(payload, lambda *_a, **_k: None) == seen


def test_roles_weights_and_households_follow(tmp_path: Path) -> None:
    profile = derive(census_of(tmp_path / "census", 80), tmp_path, find("ACSIncome"))
    draft = plan_defaults(profile)
    assert draft["label"] == {"column": "PINCP", "favourable": ["1"]}
    assert draft["features"] == ["AGEP", "COW", "SCHL", "MAR", "OCCP", "POBP", "RELP", "WKHP"]
    assert [a["column"] for a in draft["attributes"]] == ["RAC1P", "SEX"]
    assert draft["unit"] == "SERIALNO"
    assert profile["survey"]["replicates"] == [f"PWGTP{r}" for r in range(1, 81)]
    assert profile["survey"]["years"] == [2018]
    assert profile["survey"]["tasks"] == []
    assert profile["name"] == "psam_p06.csv"
    assert profile["task"]["rows"] == {"kept": profile["rows"], "of": 1200, "unknown": 0}
    parts = seeded(profile["rows"], unit=Table.open(tmp_path).units("SERIALNO"), seed=1)
    units = Table.open(tmp_path).units("SERIALNO")
    assert all(len(set(parts[units == unit])) == 1 for unit in np.unique(units)[:50])


def test_what_differs_from_the_package_is_said(census: Path, tmp_path: Path) -> None:
    corrected = derive(census, tmp_path / "a", find("ACSTravelTime"))
    said = {n["code"]: n for n in corrected["notices"]}
    assert (
        said["task-unknown"]["message"].startswith("32 rows")
        or "row" in (said["task-unknown"]["message"])
    )
    assert column(corrected, "JWMNP")["missing"] == corrected["task"]["rows"]["unknown"] > 0
    compatible = derive(census, tmp_path / "b", find("ACSTravelTime"), COMPATIBLE)
    assert "task-compatible" in {n["code"] for n in compatible["notices"]}
    assert column(compatible, "JWMNP")["missing"] == 0
    assert column(compatible, "ESP")["words"]["0"] == "Not applicable"


def test_sensitive_features_become_groups_only(census: Path, tmp_path: Path) -> None:
    profile = derive(census, tmp_path, find("ACSIncome"), Settings(drop_sensitive=True))
    assert profile["task"]["model_features"] == [
        "COW", "SCHL", "MAR", "OCCP", "POBP", "RELP", "WKHP",
    ]  # fmt: skip
    assert column(profile, "AGEP")["guess"] == "sensitive"
    assert "AGEP" not in plan_defaults(profile)["features"]


def test_a_bridge_is_said_with_what_it_loses(tmp_path: Path) -> None:
    path = made.write_csv(tmp_path, made.persons(600, year=2022, replicates=0), year=2022)
    inspect(path, path.name, tmp_path / "first")
    profile = derive(tmp_path / "first", tmp_path / "task", find("ACSIncome"))
    notice = next(n for n in profile["notices"] if n["code"] == "task-bridged")
    assert (notice["column"], notice["level"]) == ("RELP", "check")
    assert "roomers" in notice["detail"]
    assert column(profile, "RELP")["words"]["0"] == "Reference person"
    assert "RELSHIPP" not in Table.open(tmp_path / "task").names


def test_a_task_over_several_years_keeps_the_year(tmp_path: Path) -> None:
    paths = [
        made.write_csv(tmp_path / str(y), made.persons(400, year=y, replicates=0), year=y)
        for y in (2018, 2022)
    ]
    inspect_several([(path, str(path)) for path in paths], tmp_path / "all")
    profile = derive(tmp_path / "all", tmp_path / "task", find("ACSIncome"))
    assert profile["survey"]["years"] == [2018, 2022]
    table = Table.open(tmp_path / "task")
    assert np.unique(table.numbers("YEAR")).tolist() == [2018, 2022]
    assert not np.isin(11, table.numbers("RELP"))


def test_a_task_of_ones_own_is_titled_by_its_words(census: Path, tmp_path: Path) -> None:
    own = make(
        {"name": "Good pay", "title": "More than $20 an hour", "features": "AGEP SCHL PINCP",
         "target": "WKHP > 30 and ESR == 1", "filter": ["AGEP >= 18"], "group": "SEX"}
    )  # fmt: skip
    payload = {"first": str(census), "out": str(tmp_path), "task": own.to_json()}
    profile = child_main(payload, lambda *_a, **_k: None)
    label = column(profile, "Good pay")
    assert (label["title"], label["words"]) == ("More than $20 an hour", {"1": "Yes", "0": "No"})
    assert profile["recognised"]["title"] == "Good pay"
    assert column(profile, "SEX")["guess"] == "sensitive"


def test_a_task_that_keeps_no_row_is_refused(census: Path, tmp_path: Path) -> None:
    own = make({"name": "t", "features": "SEX", "target": "AGEP > 1", "filter": ["AGEP > 200"]})
    with pytest.raises(AuditError) as caught:
        derive(census, tmp_path / "out", own)
    assert (caught.value.code, caught.value.where) == ("task-empty", "filter")
    assert list((tmp_path / "out").iterdir()) == []
