"""Rates within strata of a legitimate factor."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.diagnoses import strata_null
from metrics.groups import Attribute
from metrics.strata import pool, risk_difference, strata_section
from tests.documents import sound

# Admissions to Berkeley in six departments (Bickel, Hammel, O'Connell, Science 187, 1975).
MEN = np.array([[512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373]])
WOMEN = np.array([[89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341]])


def berkeley() -> tuple[Attribute, Attribute, np.ndarray]:
    sex, department, admitted = [], [], []
    for code, (hits, sizes) in enumerate((MEN, WOMEN)):
        for d in range(6):
            sex += [code] * sizes[d]
            department += [d] * sizes[d]
            admitted += [1] * hits[d] + [0] * (sizes[d] - hits[d])
    return (
        Attribute("sex", ("Men", "Women"), np.array(sex)),
        Attribute("department", tuple("ABCDEF"), np.array(department)),
        np.array(admitted),
    )


def test_the_reversal_of_berkeley_is_pointed_out() -> None:
    sex, department, admitted = berkeley()
    out = sound(strata_section([sex], department, decision=admitted, metrics=("selection-rate",)))
    (record,) = out["comparisons"]
    assert record["crude"]["value"] == pytest.approx(557 / 1835 - 1198 / 2691)
    assert record["crude"]["high"] < 0 < record["pooled"]["value"]
    assert record["reversal"]["kind"] == "estimates"
    assert record["reversal"]["opposite_strata"] == 4
    assert record["reversal"]["compared_strata"] == 6
    assert record["odds_ratio"]["value"] == pytest.approx(1 / 0.9047, abs=2e-3)
    assert record["homogeneity"]["p"] < 0.01
    assert len(record["strata"]) == 6
    assert out["strata"][0] == {"stratum": "A", "n": 933}


def test_a_settled_reversal_needs_both_intervals() -> None:
    x1, n1 = np.array([180, 40]), np.array([200, 800])
    x0, n0 = np.array([640, 2]), np.array([800, 200])
    record = pool(x1, n1, x0, n0)
    assert record["crude"]["high"] < 0 < record["pooled"]["low"]
    group = np.repeat([0, 0, 1, 1], [200, 800, 800, 200])
    stratum = np.repeat([0, 1, 0, 1], [200, 800, 800, 200])
    decision = np.concatenate(
        [np.arange(n) < x for x, n in ((180, 200), (40, 800), (640, 800), (2, 200))]
    ).astype(int)
    out = sound(
        strata_section(
            [Attribute("sex", ("Women", "Men"), group, reference=1)],
            Attribute("level", ("high", "low"), stratum),
            decision=decision,
            metrics=("selection-rate",),
        )
    )
    assert out["comparisons"][0]["reversal"] == {
        "kind": "settled", "opposite_strata": 2, "compared_strata": 2,
    }  # fmt: skip


def test_the_pooled_difference_of_equal_tables_is_their_difference() -> None:
    x1, n1, x0, n0 = (np.array([v] * 4) for v in (30, 50, 10, 50))
    found = risk_difference(x1, n1, x0, n0)
    assert found["value"] == pytest.approx(0.4)
    # Sato's variance of one balanced table is the usual one.
    se = np.sqrt((0.6 * 0.4 + 0.2 * 0.8) / 200)
    assert found["high"] - found["low"] == pytest.approx(2 * stats.norm.ppf(0.975) * se, rel=0.02)


def test_nobody_chosen_gives_zero_with_an_interval() -> None:
    zero, n = np.zeros(3, dtype=int), np.array([50, 60, 70])
    record = pool(zero, n, zero, n)
    assert record["pooled"]["value"] == 0
    assert record["pooled"]["low"] < 0 < record["pooled"]["high"]
    assert (record["p"], record["undefined"]) == (None, "one-outcome")
    assert record["odds_ratio"]["undefined"] == "one-outcome"


def test_a_group_that_is_never_chosen_has_a_gap_and_no_odds_ratio() -> None:
    some, zero, n = np.array([40, 30]), np.zeros(2, dtype=int), np.array([50, 60])
    record = pool(some, n, zero, n)
    assert record["pooled"]["value"] > 0.5 and record["p"] < 0.001
    assert record["odds_ratio"] == {
        "value": None, "low": None, "high": None, "undefined": "no-odds-ratio",
    }  # fmt: skip


def test_odd_inputs_have_reasons() -> None:
    rng = np.random.default_rng(0)
    n = 900
    site = Attribute("site", tuple(str(s) for s in range(200)), rng.integers(-1, 200, n))
    race = Attribute("race", tuple("ABCD"), rng.choice(4, n, p=[0.7, 0.28, 0.015, 0.005]))
    label, decision = rng.integers(-1, 2, n), rng.integers(-1, 3, n)
    out = sound(strata_section([race], site, label=label, decision=decision))
    assert out["left_out"] > 0
    why = {c["homogeneity"]["undefined"] for c in out["comparisons"]}
    assert why <= {"sparse-strata", "one-stratum", "no-odds-ratio"}
    assert max(len(c["strata"]) for c in out["comparisons"]) <= 50
    alone = Attribute("race", ("A",), np.zeros(n, int))
    assert sound(strata_section([alone], site, decision=decision))["comparisons"] == []
    no_label = sound(strata_section([race], site, decision=decision))
    assert {c["reason"] for c in no_label["comparisons"] if c["metric"] == "tpr"} == {"no-label"}
    apart = Attribute("site", ("x", "y"), (race.codes > 0).astype(int))
    lone = sound(strata_section([race], apart, decision=decision, metrics=("selection-rate",)))
    assert lone["comparisons"][0]["undefined"] == "no-shared-stratum"
    assert lone["comparisons"][0]["pooled"]["value"] is None
    assert lone["comparisons"][0]["reversal"]["kind"] is None
    unknown = Attribute("site", ("x",), np.full(n, -1))
    assert (
        sound(strata_section([race], unknown, decision=decision))["undefined"] == "empty-control"
    )
    for rows in (0, 1):
        few = Attribute("race", tuple("AB"), np.zeros(rows, int))
        one = Attribute("site", ("x",), np.zeros(rows, int))
        sound(strata_section([few], one, decision=np.ones(rows, int), label=np.ones(rows, int)))
    with pytest.raises(ValueError, match="no proportion"):
        strata_section([race], site, decision=decision, metrics=("balanced-accuracy",))


def test_type_one_error_with_few_and_with_two_hundred_strata() -> None:
    assert strata_null(150)["pooled"] <= 0.1
    sparse = strata_null(30, sites=200, n=1200)
    assert sparse["pooled"] <= 0.2
    assert sparse["tested"] == 0
