"""The search for groups nobody named in survey data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metrics.groups import Attribute
from metrics.subgroups import Descriptor, Search, subgroups_section

QUICK = Search(draws=199)


def planted(n: int = 6000) -> tuple[Attribute, list[Descriptor], Any, Any]:
    """Women from 40 to 60 are chosen less often, those with large weights least of all."""
    rng = np.random.default_rng(0)
    sex, age = rng.integers(0, 2, n).astype(np.int32), rng.uniform(20, 80, n)
    weight = rng.choice([1.0, 3.0], n)
    hurt = (sex == 1) & (age >= 40) & (age < 60)
    rate = np.where(hurt, np.where(weight > 1, 0.1, 0.4), 0.6)
    decision = (rng.uniform(size=n) < rate).astype(np.int64)
    return Attribute("sex", ("men", "women"), sex), [Descriptor("age", age)], decision, weight


def test_the_held_out_gap_is_weighted_and_people_are_counted() -> None:
    attribute, columns, decision, weight = planted()
    found = subgroups_section(
        attribute, columns, decision=decision, search=QUICK, weight=weight, effect=1.5
    )
    assert found["survey"] == {"design_effect": 1.5}
    shown = found["found"]
    assert shown["family"] == "tree"
    by_word = {row["group"]["sex"]: row for row in shown["n_by_group"]}
    women = by_word["women"]
    assert women["value"] < women["numerator"] / women["denominator"] - 0.03
    assert shown["gap"] == pytest.approx(by_word["men"]["value"] - women["value"], abs=1e-12)
    assert shown["low"] < shown["gap"] < shown["high"]
    plain = subgroups_section(attribute, columns, decision=decision, search=QUICK)["found"]
    assert plain["gap"] < shown["gap"]
    assert shown["high"] - shown["low"] > plain["high"] - plain["low"]


def test_equal_weights_without_a_design_effect_find_the_same() -> None:
    attribute, columns, decision, _ = planted(3000)
    plain = subgroups_section(attribute, columns, decision=decision, search=QUICK)
    even = subgroups_section(
        attribute, columns, decision=decision, search=QUICK, weight=np.full(3000, 2.0)
    )
    assert even.pop("survey") == {"design_effect": 1.0}
    for one, other in zip(plain["families"], even["families"], strict=True):
        assert one["p"] == other["p"]
        assert one["worst"]["text"] == other["worst"]["text"]
        for key in ("gap", "low", "high"):
            assert one["worst"][key] == pytest.approx(other["worst"][key], abs=1e-12)


def test_rows_with_a_weight_of_0_count_nobody() -> None:
    attribute, columns, decision, weight = planted(3000)
    age = columns[0].values
    weight[(attribute.codes == 1) & (age >= 40)] = 0.0
    columns = [*columns, Descriptor("old", (age >= 40).astype(np.int32), ("no", "yes"))]
    found = subgroups_section(
        attribute, columns, decision=decision, search=QUICK, weight=weight, effect=1.1
    )
    shown = [family["worst"] for family in found["families"] if family["worst"] is not None]
    assert shown and all(np.isfinite([w["gap"], w["low"], w["high"]]).all() for w in shown)
    alone = subgroups_section(
        attribute, columns, decision=decision, search=QUICK, effect=1.1,
        weight=(np.arange(3000) == 7).astype(float),
    )  # fmt: skip
    assert alone["found"] is None and not any(f["worst"] for f in alone["families"])
