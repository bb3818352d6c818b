"""The counts beside a report: what was measured, small, and read back as written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.simulated import acs_like
from auditapp.headless import Options, plan_of
from auditapp.pipeline import counted, execute
from auditapp.plan import Plan, Weights
from auditapp.result import read

ROWS = 3000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = acs_like(ROWS, seed=1)
    people["decision"] = np.where(people["score"] >= 0.5, "yes", "no")
    people["weight"] = 1 + np.arange(ROWS) % 3
    source = tmp_path_factory.mktemp("csv") / "people.csv"
    people.to_csv(source, index=False)
    out = tmp_path_factory.mktemp("data") / "table"
    inspect(source, "people.csv", out, ReadOptions(), lambda *_, **__: None)
    return out


def plan_for(folder: Path) -> Plan:
    profile: dict[str, Any] = json.loads((folder / "profile.json").read_text())
    options = Options(
        data=folder, out=folder / "x.json", label="INCOME_ABOVE_50K", score="score",
        sensitive=["RAC1P", "SEX"],
    )  # fmt: skip
    skip = ("subgroups", "pid", "bounds", "strata", "levels", "numerics")
    plan = plan_of(options, profile, None)
    return replace(plan, skip=skip, draws=100, goal="equalized-odds")


def run(folder: Path, plan: Plan, out: Path) -> dict[str, Any]:
    job = {"plan": plan.to_json(), "table_dir": str(folder), "out": str(out), "report": False}
    execute(job)
    return read(out / "result.json")


def test_counts_are_those_of_the_document(folder: Path, tmp_path: Path) -> None:
    document = run(folder, plan_for(folder), tmp_path)
    found = counted.read(tmp_path)
    assert found is not None
    tables, words = found
    assert tables.n == document["rows"]["used"] == ROWS
    assert words["metrics"] == ["tpr", "fpr"]
    assert (words["tolerance"], words["titles"]["SEX"]) == (0.05, "Sex")
    for item in document["estimates"]:
        if item["by"] != ["SEX"] or item["metric"] != "tpr":
            continue
        place = tables.levels["SEX"].index(item["group"]["SEX"])
        cells = tables.tables["SEX"][place + 1]
        assert cells[2, 2] == item["numerator"]
        assert cells[2, 1:3].sum() == item["denominator"]
    assert sum((tmp_path / name).stat().st_size for name in ("counts.npz", "counts.json")) < 9000


def test_weighted_rows_are_no_evidence_by_their_number(folder: Path, tmp_path: Path) -> None:
    run(folder, replace(plan_for(folder), weights=Weights("weight")), tmp_path)
    assert counted.read(tmp_path) is None


def test_a_folder_without_counts_has_none(tmp_path: Path) -> None:
    assert counted.read(tmp_path) is None
