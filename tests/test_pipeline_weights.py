"""Survey weights from the command line to the result document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from auditapp import result
from auditapp.datasets.inspect import ReadOptions, inspect
from auditapp.datasets.simulated import acs_like
from auditapp.errors import AuditError
from auditapp.headless import Options, plan_of
from auditapp.pipeline.execute import document_of
from auditapp.pipeline.progress import Progress
from auditapp.plan import Plan

SKIP = ("subgroups", "pid", "bounds", "shift", "levels")


def survey(n: int = 3000, replicates: int = 80) -> pd.DataFrame:
    """People in households of up to three, with weights and replicate weights."""
    table = acs_like(n, seed=5).drop(columns=["OCCP"])
    rng = np.random.default_rng(0)
    table["SERIALNO"] = [f"2023HU{i // 3:07d}" for i in range(n)]
    weight = rng.integers(1, 200, n)
    table["PWGTP"] = weight
    house = np.arange(n) // 3
    for r in range(replicates):
        factor = 1.0 + rng.choice([-0.7, 0.7], n // 3 + 1)
        table[f"PWGTP{r + 1}"] = np.rint(weight * factor[house]).astype(int)
    table.loc[0, "PWGTP1"] = -4
    return table


def run(place: Path, table: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    place.mkdir(exist_ok=True)
    table.to_csv(place / "t.csv", index=False)
    profile = inspect(place / "t.csv", "t.csv", place / "table", ReadOptions(), lambda *_, **__: 0)
    given: dict[str, Any] = {"score": "score", "weight": "PWGTP", **changes}
    options = Options(
        data=place / "t.csv", out=place / "r.json", label="INCOME_ABOVE_50K",
        sensitive=["SEX"], skip=SKIP, **given,
    )  # fmt: skip
    plan = plan_of(options, profile, None)
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    job = {"plan": plan.to_json(), "table_dir": str(place / "table"), "out": str(place / "out")}
    return result.plain(document_of(plan, job, Progress(None)))


def selection(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(
        e
        for e in document["estimates"]
        if e["metric"] == "selection-rate" and e["group"] == {"SEX": "Women"}
    )
    return found


def test_rates_are_weighted_and_their_limits_count_the_design_in(tmp_path: Path) -> None:
    table = survey()
    document = run(tmp_path, table, replicate_weights="PWGTP", unit="SERIALNO")
    women = table["SEX"] == 2
    chosen = table["score"] >= 0.5
    found = selection(document)
    weight = table["PWGTP"]
    assert found["value"] == pytest.approx(weight[women & chosen].sum() / weight[women].sum())
    assert found["numerator"] == int((women & chosen).sum())
    draws = [
        table.loc[women & chosen, f"PWGTP{r}"].sum() / table.loc[women, f"PWGTP{r}"].sum()
        for r in range(1, 81)
    ]
    error = np.sqrt(4 / 80 * ((np.array(draws) - found["value"]) ** 2).sum())
    assert found["survey"]["se"] == pytest.approx(error)
    assert found["survey"]["unweighted"] == pytest.approx((women & chosen).sum() / women.sum())
    wide = found["high"] - found["low"]
    assert wide > found["survey"]["naive_high"] - found["survey"]["naive_low"]
    kinds = {test["kind"] for test in document["tests"]}
    assert "rao-scott" in kinds and "chi-square" not in kinds


def test_without_replicates_households_are_drawn_and_the_same_seed_gives_the_same(
    tmp_path: Path,
) -> None:
    table = survey(1200, 0)
    one = run(tmp_path / "a", table, unit="SERIALNO")
    two = run(tmp_path / "b", table, unit="SERIALNO")
    assert selection(one) == selection(two)
    assert selection(one)["survey"]["se"] > 0
    assert one["plan"]["weights"] == {"column": "PWGTP", "replicates": [], "method": "sdr"}


def test_a_missing_replicate_and_bad_weights_are_said(tmp_path: Path) -> None:
    table = survey(300)
    with pytest.raises(AuditError, match="PWGTP37"):
        run(tmp_path, table.drop(columns=["PWGTP37"]), replicate_weights="PWGTP")
    with pytest.raises(AuditError, match="79 columns"):
        run(tmp_path, table.drop(columns=["PWGTP80"]), replicate_weights="PWGTP")
    with pytest.raises(AuditError, match="1 row has a weight below 0"):
        run(tmp_path, table.assign(PWGTP=[-1, *table["PWGTP"][1:]]))
    with pytest.raises(AuditError, match="are 0"):
        run(tmp_path, table.assign(PWGTP=0))
    with pytest.raises(AuditError, match="--weight"):
        run(tmp_path, table, weight=None, replicate_weights="PWGTP")


def test_a_model_trained_here_never_sees_weights(tmp_path: Path) -> None:
    table = survey(900)
    document = run(
        tmp_path, table, score=None, train="logistic", replicate_weights="PWGTP",
        exclude=["score"], unit="SERIALNO",
    )  # fmt: skip
    assert not [name for name in document["plan"]["features"] if name.startswith("PWGTP")]
