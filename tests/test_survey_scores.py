"""How scores behave in survey data: weighted, with errors from replicate weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from metrics.audit import Policy, measure
from metrics.design import Scheme, weigh
from metrics.groups import Attribute

QUICK = Policy(draws=0)


def people(n: int = 3000, seed: int = 0, households: int = 1) -> dict[str, Any]:
    """People in households whose members are alike, with calibrated scores."""
    rng = np.random.default_rng(seed)
    house = np.arange(n) // households
    score = rng.beta(2, 2, n // households + 1)[house]
    label = (rng.random(n // households + 1)[house] < score).astype(np.int8)
    race = rng.choice(4, n, p=[0.6, 0.25, 0.12, 0.03]).astype(np.int32)
    race[rng.random(n) < 0.02] = -1
    return {
        "attributes": [
            Attribute("RACE", ("a", "b", "c", "d"), race),
            Attribute("SEX", ("m", "f"), rng.integers(0, 2, n).astype(np.int32)),
        ],
        "label": label,
        "score": score,
    }


def replicates(weight: Any, house: Any, seed: int = 1, count: int = 80) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [weight * (1.0 + rng.choice([-0.5, 0.5], house.max() + 1)[house]) for _ in range(count)]


def section(rows: dict[str, Any], weight: Any = None, drawn: Any = None) -> dict[str, Any]:
    design = None
    if weight is not None:
        design = weigh(
            rows["attributes"], label=rows["label"],
            decision=(rows["score"] >= 0.5).astype(np.int8), weight=np.asarray(weight, float),
            replicates=drawn, scheme=Scheme.successive_differences(len(drawn)),
            score=rows["score"],
        )  # fmt: skip
    found = measure(
        rows["attributes"], label=rows["label"], score=rows["score"], policy=QUICK, design=design
    )["scores"]
    assert isinstance(found, dict)
    return found


def group(items: list[dict[str, Any]], word: str) -> dict[str, Any]:
    return next(i for i in items if list(i["group"].values()) == ([word] if word else []))


def test_auc_and_its_error_are_those_of_sklearn_in_every_replicate() -> None:
    rows = people()
    weight = np.random.default_rng(2).integers(0, 90, 3000).astype(float)
    drawn = replicates(weight, np.arange(3000))
    found = section(rows, weight, drawn)
    race = rows["attributes"][0].codes
    areas = {}
    for word, mask in (("a", race == 0), ("b", race == 1), ("", race > -2)):
        y, s = rows["label"][mask], rows["score"][mask]
        areas[word] = np.array(
            [roc_auc_score(y, s, sample_weight=w[mask]) for w in (weight, *drawn)]
        )
        item, own = group(found["auc"], word), areas[word]
        assert item["value"] == pytest.approx(own[0], abs=1e-12)
        error = np.sqrt(4 / 80 * ((own[1:] - own[0]) ** 2).sum())
        assert item["survey"]["se"] == pytest.approx(error, rel=1e-9)
        assert item["low"] < own[0] < item["high"]
    gap = areas["b"] - areas["a"]
    item = group(found["auc_gaps"], "b")
    assert item["value"] == pytest.approx(gap[0], abs=1e-12)
    error = np.sqrt(4 / 80 * ((gap[1:] - gap[0]) ** 2).sum())
    assert item["survey"]["se"] == pytest.approx(error, rel=1e-9)


def test_bins_of_large_groups_rank_as_sklearn_does_to_four_digits() -> None:
    rows = people(12000)
    weight = np.random.default_rng(2).uniform(0.5, 3, 12000)
    found = section(rows, weight, [weight] * 2)
    exact = roc_auc_score(rows["label"], rows["score"], sample_weight=weight)
    assert group(found["auc"], "")["value"] == pytest.approx(exact, abs=1e-4)


def test_score_statistics_are_those_of_the_rows_repeated() -> None:
    rows = people(900)
    times = np.random.default_rng(3).integers(0, 4, 900)
    found = section(rows, times, [times * 1.0] * 2)
    again = section(
        {
            "attributes": [
                Attribute(a.name, a.levels, np.repeat(a.codes, times)) for a in rows["attributes"]
            ],
            "label": np.repeat(rows["label"], times),
            "score": np.repeat(rows["score"], times),
        }
    )
    for key in ("auc", "brier"):
        for one, other in zip(found[key], again[key], strict=True):
            assert one["value"] == pytest.approx(other["value"], abs=1e-9)
    for one, other in zip(found["histogram"], again["histogram"], strict=True):
        shares = np.array(other["counts"]) / sum(other["counts"])
        assert one["survey"]["shares"] == pytest.approx(shares.tolist())
    for one, other in zip(found["sweep"], again["sweep"], strict=True):
        assert one["survey"]["selected"] == pytest.approx(
            [x / other["n"] for x in other["selected"]]
        )
    for one, other in zip(found["roc"], again["roc"], strict=True):
        assert np.allclose(
            [p[:2] for p in one["points"][:: len(one["points"]) - 1]],
            [p[:2] for p in other["points"][:: len(other["points"]) - 1]],
        )


def test_nothing_changes_where_there_are_no_weights() -> None:
    rows = people(1500)
    plain = section(rows)
    assert not [i for key in ("auc", "brier", "sweep", "calibration") for i in plain[key]
                if "survey" in i or "se" in i]  # fmt: skip
    even = section(rows, np.ones(1500), replicates(np.ones(1500), np.arange(1500)))
    for key in ("auc", "brier"):
        for one, other in zip(even[key], plain[key], strict=True):
            assert one["value"] == pytest.approx(other["value"], abs=1e-9)
            assert one["undefined"] == other["undefined"]
            if other["low"] is not None and one["n"] >= 140:
                assert 0.6 < (one["high"] - one["low"]) / (other["high"] - other["low"]) < 1.7
    points = [
        [value for i in made["calibration"] for p in i["curve"] for value in (p["n"], p["rate"])]
        for made in (even, plain)
    ]
    assert points[0] == pytest.approx(points[1])


def test_tests_of_calibration_keep_their_level_where_households_are_alike() -> None:
    level, runs = {"naive": 0, "design": 0, "gap": 0}, 30
    for seed in range(runs):
        rows = people(900, seed, households=3)
        rows["attributes"] = rows["attributes"][1:]
        weight = np.random.default_rng(seed).uniform(0.5, 2.0, 900)
        found = section(rows, weight, replicates(weight, np.arange(900) // 3, seed, 40))
        item = group(found["calibration"], "")
        level["naive"] += item["survey"]["naive_test"]["p"] < 0.05
        level["design"] += item["test"]["p"] < 0.05
        level["gap"] += found["calibration_gaps"][0]["p"] < 0.05
    assert level["naive"] > 6 and level["design"] < 6 and level["gap"] < 6, level


def test_a_group_without_weight_has_no_area_and_a_reason() -> None:
    rows = people(1500)
    weight = np.where(rows["attributes"][0].codes == 1, 0.0, 2.0)
    found = section(rows, weight, [weight] * 4)
    for key in ("auc", "brier"):
        item = group(found[key], "b")
        assert item["value"] is None and item["undefined"] == "empty-denominator"
        assert item["low"] is None
