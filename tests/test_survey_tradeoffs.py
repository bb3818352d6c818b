"""Remedies compared on survey data: weighted values, limits that know the design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrics import tradeoffs
from metrics.tradeoffs import Settings, joint, joint_weighted
from tests.test_pipeline_weights import run, survey
from tests.test_tradeoffs import rows

KEYS = ("disparity", "accuracy", "coverage")


def measured(table: Any, settings: Settings) -> list[float]:
    made = tradeoffs.totals(table, settings, name="x")
    out = [made[key][part] for key in KEYS for part in ("value", "low", "band_high")]
    out += [made["change"][key]["low"] for key in ("disparity", "accuracy")]
    for item in tradeoffs.group_rates(table, ("selection-rate", "tpr")):
        out += [item["value"], item["low"]]
    out += [item["low"] for item in tradeoffs.group_gaps(table, 0, settings)]
    for item in tradeoffs.paired(table):
        out += [item["diff"], item["low"]]
    return out


def test_equal_weights_without_a_design_effect_change_nothing() -> None:
    group, label, before, after = rows()
    given = (group, label, before, after, 3)
    one = measured(joint(*given), Settings(draws=50))
    made = joint_weighted(*given, weight=np.full(3000, 2.5), effect=1.0)
    assert measured(made, Settings(draws=50)) == pytest.approx(one, abs=1e-9)
    plain = tradeoffs.changed(joint(*given))
    assert tradeoffs.changed(made) == plain


def test_values_are_those_of_the_rows_repeated() -> None:
    group, label, before, after = given = rows(1500)
    times = np.random.default_rng(3).integers(0, 4, 1500)
    made = joint_weighted(
        group, label, before, after, 3, weight=times.astype(np.float64), effect=1.7
    )
    a, b, c, d = (np.repeat(column, times) for column in given)
    again = joint(a, b, c, d, 3)
    settings = Settings(draws=200)
    one, two = (tradeoffs.totals(table, settings, name="x") for table in (made, again))
    for key in KEYS:
        assert one[key]["value"] == pytest.approx(two[key]["value"])
    for first, second in zip(
        tradeoffs.group_rates(made, ("tpr",)), tradeoffs.group_rates(again, ("tpr",)), strict=True
    ):
        assert first["value"] == pytest.approx(second["value"])
    assert tradeoffs.paired(made)[0]["diff"] == pytest.approx(tradeoffs.paired(again)[0]["diff"])
    assert tradeoffs.paired(made)[0]["n"] < tradeoffs.paired(again)[0]["n"]


def test_the_design_effect_widens_limits_by_its_root_and_counts_against_the_floor() -> None:
    group, label, before, after = rows()
    given, weight = (group, label, before, after, 3), np.ones(3000)
    wide = []
    for effect in (1.0, 4.0):
        table = joint_weighted(*given, weight=weight, effect=effect)
        found = tradeoffs.totals(table, Settings(draws=1500), name="x")["change"]["accuracy"]
        wide.append(found["high"] - found["low"])
        few = joint_weighted(*given, weight=weight, effect=effect)
        assert (2 in tradeoffs.compared(few, Settings(floor=100))) == (effect == 1.0)
    assert 1.8 < wide[1] / wide[0] < 2.2


def test_a_group_that_stands_for_nobody_has_no_rate_and_no_error_is_raised() -> None:
    group, label, before, after = rows(1500)
    weight = np.where(group == 1, 0.0, 2.0)
    table = joint_weighted(group, label, before, after, 3, weight=weight, effect=1.2)
    assert 1 not in tradeoffs.compared(table, Settings())
    assert tradeoffs.group_rates(table, ("tpr",))[2]["undefined"] == "empty-denominator"
    assert tradeoffs.totals(table, Settings(draws=20), name="x")["accuracy"]["value"] is not None


def test_an_audit_with_weights_weighs_its_remedies(tmp_path: Path) -> None:
    table = survey(3000)
    document = run(
        tmp_path, table, replicate_weights="PWGTP", unit="SERIALNO",
        method=[("thresholds", {"limits": "0 0.05"})],
    )  # fmt: skip
    found = document["tradeoff"]["baseline"]
    rates = {r["group"]: r for r in found["rates"] if r["metric"] == "selection-rate"}
    # The audit rows are those of the seeded split, which nobody outside can see: their people are
    # counted, and what they stand for differs from them.
    for item in rates.values():
        assert abs(item["value"] - item["numerator"] / item["denominator"]) > 1e-6
    points = document["methods"][0]["points"]
    assert points and all(p["accuracy"]["value"] is not None for p in points)
    assert document["tradeoff"]["bound"][0]["points"][-1][1] <= 1.0
    assert sum(g["n"] for g in document["tradeoff"]["sweep"]["groups"]) == found["changed"][0]["n"]
