"""Weighted counts, their variances, and the report's numbers with survey weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import hadamard

from metrics import design, rates
from metrics.audit import Policy, measure
from metrics.count import count
from metrics.design import Scheme, Weighted, weigh
from metrics.groups import Attribute

QUICK = Policy(draws=0)


def people(n: int = 4000, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    race, sex = rng.integers(-1, 4, n), rng.integers(0, 2, n)
    label = rng.integers(0, 2, n).astype(np.int8)
    decision = (rng.random(n) < 0.3 + 0.1 * (race == 1)).astype(np.int8)
    attributes = [
        Attribute("RACE", ("a", "b", "c", "d"), race.astype(np.int32)),
        Attribute("SEX", ("m", "f"), sex.astype(np.int32)),
    ]
    return {"attributes": attributes, "label": label, "decision": decision}


def weighed(rows: dict[str, Any], weight: Any, replicates: Any, **given: Any) -> Weighted:
    scheme = Scheme.successive_differences(len(replicates))
    return weigh(
        rows["attributes"],
        label=rows["label"],
        decision=rows["decision"],
        weight=np.asarray(weight, dtype=float),
        replicates=replicates,
        scheme=given.get("scheme", scheme),
    )


def documents(rows: dict[str, Any], made: Weighted | None) -> dict[str, Any]:
    return measure(
        rows["attributes"],
        label=rows["label"],
        decision=rows["decision"],
        policy=QUICK,
        design=made,
    )


def test_equal_weights_that_never_vary_change_no_number() -> None:
    rows = people()
    made = weighed(rows, np.ones(4000), [np.ones(4000)] * 4)
    plain, survey = documents(rows, None), documents(rows, made)
    for key, names in (
        ("estimates", ("value", "numerator", "denominator", "n")),
        ("gaps", ("value", "low", "high", "thick_low", "thick_high", "p", "verdict", "n", "b")),
    ):
        for a, b in zip(plain[key], survey[key], strict=True):
            for name in names:
                if isinstance(a[name], float) and a["metric"] in {r.slug for r in rates.RATES}:
                    assert b[name] == pytest.approx(a[name], abs=1e-9), (a["metric"], name)
                elif not isinstance(a[name], float):
                    assert b[name] == a[name]
    assert plain["verdicts"] == survey["verdicts"]
    assert {item["design_effect"] for g in survey["gaps"] if (item := g["survey"])} == {1.0}


def test_weighted_rates_are_those_of_the_rows_repeated() -> None:
    rows = people(600)
    times = np.random.default_rng(1).integers(0, 5, 600)
    made = weighed(rows, times, [times * 1.0] * 2)
    again = {
        "attributes": [
            Attribute(a.name, a.levels, np.repeat(a.codes, times)) for a in rows["attributes"]
        ],
        "label": np.repeat(rows["label"], times),
        "decision": np.repeat(rows["decision"], times),
    }
    survey, repeated = documents(rows, made), documents(again, None)
    found = {(e["metric"], str(e["group"])): e["value"] for e in survey["estimates"]}
    for item in repeated["estimates"]:
        value = found[item["metric"], str(item["group"])]
        if item["value"] is None:
            assert value is None
        else:
            assert value == pytest.approx(item["value"], abs=1e-9)


def test_replicates_in_step_leave_rates_without_error_and_totals_with_twice_it() -> None:
    rows = people(500)
    weight = np.random.default_rng(2).integers(1, 100, 500).astype(float)
    made = weighed(rows, weight, [weight * 1.01] * 80)
    sex = count(rows["attributes"], label=rows["label"], decision=rows["decision"])
    sums = made.sums(sex.outcome_groups(("SEX",)))
    assert made.error(rates.values(sums, ("selection-rate",))).max() < 1e-12
    total = sums.sum(axis=(1, 2, 3))
    assert made.error(total) / total[0] == pytest.approx(0.02, rel=1e-9)


def test_successive_differences_find_the_variance_of_equal_rows() -> None:
    # folktables.md section 4: R = 128, 4,000 units of equal weight, p = .3, ratio .95 to 1.05.
    units, size, p = 4000, 128, 0.3
    matrix = hadamard(size).astype(float)
    first = np.arange(units) % (size - 2) + 1
    factors = 1.0 + 2**-1.5 * (matrix[:, first] - matrix[:, first + 1])
    rng, errors = np.random.default_rng(3), []
    scheme = Scheme.successive_differences(size)
    for _ in range(40):
        y = (rng.random(units) < p).astype(np.int8)
        rows = {
            "attributes": [Attribute("all", ("x",), np.zeros(units, np.int32))],
            "label": None,
            "decision": y,
        }
        made = weighed(rows, np.ones(units), list(factors), scheme=scheme)
        table = count(rows["attributes"], decision=y).outcome_groups(())
        errors.append(made.error(rates.values(made.sums(table), ("selection-rate",)))[0, 0])
    assert 0.95 < np.mean(errors) / np.sqrt(p * (1 - p) / units) < 1.05


@pytest.mark.shared_data
def test_the_published_share_and_standard_error_are_met(shared_data: Path) -> None:
    place = shared_data / "acs-replicate-weights-louisville/lou_pums_microdata.csv"
    frame = pd.read_csv(place)
    names = [f"PWGTP{i}" for i in range(1, 81)]
    women = frame["SEX"].astype(str).str.strip().str.lower().isin({"female", "2", "women"})
    rows = {
        "attributes": [Attribute("all", ("x",), np.zeros(len(frame), np.int32))],
        "label": None,
        "decision": women.to_numpy().astype(np.int8),
    }
    made = weighed(rows, frame["PWGTP"], [frame[name].to_numpy(float) for name in names])
    table = count(rows["attributes"], decision=rows["decision"]).outcome_groups(())
    values = rates.values(made.sums(table), ("selection-rate",))
    assert values[0, 0, 0] == pytest.approx(0.52457341, abs=5e-9)
    assert made.error(values)[0, 0] == pytest.approx(0.00074645, abs=5e-9)


def households(seed: int = 4) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """2,000 households of 3 who are decided alike."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(2000), 3)
    sex = rng.integers(0, 2, 6000).astype(np.int32)
    decision = (rng.random(2000) < 0.4)[unit].astype(np.int8)
    rows = {
        "attributes": [Attribute("SEX", ("m", "f"), sex)],
        "label": None,
        "decision": decision,
    }
    return rows, rng.uniform(0.5, 2.0, 6000), unit


def test_households_drawn_whole_show_the_clustering_that_rows_hide() -> None:
    rows, weight, unit = households()
    table = count(rows["attributes"], decision=rows["decision"]).outcome_groups(())
    errors = {}
    for kind, by in (("clusters", unit), ("rows", None)):
        draws = list(design.drawn(weight, by, np.random.default_rng(5), 200))
        made = weighed(rows, weight, draws, scheme=Scheme.drawn("clusters", 2000, 200))
        errors[kind] = made.error(rates.values(made.sums(table), ("selection-rate",)))[0, 0]
    assert 1.5 < errors["clusters"] / errors["rows"] < 1.95  # sqrt(3) = 1.73


def test_negative_replicates_and_weights_of_zero_are_no_error() -> None:
    rows = people(900)
    rng = np.random.default_rng(6)
    weight = rng.integers(0, 4, 900).astype(float)
    made = weighed(rows, weight, [weight + rng.integers(-3, 3, 900) for _ in range(80)])
    document = documents(rows, made)
    assert all(e["survey"]["se"] is None or e["survey"]["se"] >= 0 for e in document["estimates"])
    assert all(-1 <= g["low"] <= g["high"] <= 1 for g in document["gaps"]
               if g["kind"] == "difference" and g["low"] is not None)  # fmt: skip


def test_a_group_that_stands_for_nobody_has_a_reason() -> None:
    rows = people(900)
    weight = np.where(rows["attributes"][0].codes == 3, 0.0, 2.0)
    document = documents(rows, weighed(rows, weight, [weight] * 4))
    of_d = [
        e for e in document["estimates"] if e["group"] == {"RACE": "d"} and e["metric"] == "tpr"
    ]
    assert of_d and all(
        e["value"] is None and e["undefined"] for e in of_d if e["metric"] == "tpr"
    )
    gap = next(g for g in document["gaps"] if g["group"] == {"RACE": "d"})
    assert gap["value"] is None and gap["verdict"] == "not-enough-data"


@pytest.mark.parametrize(
    ("weight", "words"),
    [([-1.0, 1.0], "0 or more"), ([np.nan, 1.0], "numbers"), ([0.0, 0.0], "above 0")],
)
def test_weights_that_cannot_be_are_refused(weight: list[float], words: str) -> None:
    rows = {
        "attributes": [Attribute("all", ("x",), np.zeros(2, np.int32))],
        "label": None,
        "decision": np.array([0, 1], np.int8),
    }
    with pytest.raises(ValueError, match=words):
        weighed(rows, weight, [np.ones(2)] * 2)
