"""The section on where a gap comes from: tests, intervals, what cannot be said."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchmarks.pid import NULLS, rejections
from metrics import pid, pid_nulls
from metrics.pid_section import pid_section
from tests.information_laws import ANCHORS, population, sample

PARTS = pid.NAMES


def section(counts: np.ndarray, **options: Any) -> dict[str, Any]:
    shape = counts.shape[-3:]
    kept = {
        "by": ["SEX"],
        "site": "ST",
        "z_levels": [f"group {j}" for j in range(shape[0])],
        "sites": [f"site {j}" for j in range(shape[1])],
        "draws": 200,
    }
    found = pid_section(counts, **{**kept, **options})
    json.dumps(found, allow_nan=False)
    return found


def test_the_parts_of_a_planted_gap_are_found() -> None:
    found = section(np.array(ANCHORS["het"]))
    assert found["undefined"] is None
    assert found["redundant"]["p"] == pytest.approx(1 / 200)
    assert found["masked"]["p"] == pytest.approx(1 / 200)
    assert found["unique"]["p"] > 0.05
    assert found["unique"]["low"] == 0
    for name in ("global", "local", "redundant", "masked"):
        part = found[name]
        assert 0 < part["low"] < part["corrected"] < part["high"]
        assert part["null_threshold"] < part["value"]
    assert found["certificate"]["certified"]
    assert found["certificate"]["draws_uncertified"] == 0
    assert found["shares"]["redundant"] == pytest.approx(1.0, abs=1e-4)
    assert sum(site["local"] for site in found["per_site"]) == pytest.approx(
        found["local"]["value"]
    )
    assert sum(site["share"] for site in found["per_site"]) == pytest.approx(1)


def test_equal_seeds_agree_and_others_differ() -> None:
    counts = sample((2, 4, 2), np.random.default_rng(0), n=2000)
    assert section(counts, seed=1) == section(counts, seed=1)
    assert section(counts, seed=1)["global"]["high"] != section(counts, seed=2)["global"]["high"]


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (np.zeros((2, 3, 2)), "no-rows"),
        (np.stack([np.full((3, 2), 40), np.zeros((3, 2))]), "one-group"),
        (np.stack([np.full((2, 3), 40), np.zeros((2, 3))], axis=2), "constant-decision"),
        (np.full((2, 1, 2), 40), "one-site"),
        (np.zeros((0, 0, 2)), "no-rows"),
    ],
)
def test_what_cannot_be_split_says_why(counts: np.ndarray, reason: str) -> None:
    found = section(counts)
    assert found["undefined"] == reason
    assert found["masked"]["undefined"] == reason
    assert found["masked"]["value"] is None


def test_without_sites_the_global_part_stands() -> None:
    found = section(np.array([[[300, 100]], [[200, 200]]]))
    assert found["global"]["value"] > 0
    assert found["global"]["p"] <= 0.01
    assert found["local"]["value"] is None


def test_two_hundred_sites_and_more_than_two_groups() -> None:
    found = section(sample((3, 200, 2), np.random.default_rng(2), n=60_000), pool="total")
    assert found["certificate"]["certified"]
    assert found["redundant"]["p"] is None
    assert found["redundant"]["test"] is None
    assert found["pool_rule"] == "total"
    assert sum(site["n"] for site in found["per_site"]) == found["n"] == 60_000
    pooled = sum(site["n"] for site in found["pooled"])
    assert pooled == next(s["n"] for s in found["per_site"] if s["site"] == "other sites")


def test_sites_with_tiny_groups_are_pooled_but_none_is_lost() -> None:
    counts = sample((2, 6, 2), np.random.default_rng(2), n=900)
    counts[:, 4:] = [[[1, 0], [0, 1]], [[0, 0], [1, 0]]]
    found = section(counts)
    assert {"site": "site 4", "n": 1} in found["pooled"]
    assert found["n"] == counts.sum()


def test_given_the_label_each_level_is_reported_and_averaged() -> None:
    rng = np.random.default_rng(4)
    counts = np.stack([sample((2, 4, 2), rng, n=3000), sample((2, 4, 2), rng, n=1000)])
    found = section(counts, given="label", given_levels=["no", "yes"])
    assert [s["given"] for s in found["strata"]] == ["no", "yes"]
    for name in PARTS:
        mean = 0.75 * found["strata"][0][name] + 0.25 * found["strata"][1][name]
        assert found[name]["value"] == pytest.approx(mean)
    alone = section(counts[:1], given="label", given_levels=["no"])
    assert alone["masked"]["value"] == pytest.approx(section(counts[0])["masked"]["value"])


def test_weights_set_the_value_and_the_effective_number_the_uncertainty() -> None:
    counts = np.array(ANCHORS["het"])
    same = section(counts, weights=counts * 7.5, effective_n=float(counts.sum()))
    few = section(counts, weights=counts * 7.5, effective_n=counts.sum() / 10)
    plain = section(counts)
    for name in PARTS:
        assert same[name]["value"] == pytest.approx(plain[name]["value"], abs=1e-7)
        assert same[name]["high"] == pytest.approx(plain[name]["high"], rel=0.2, abs=1e-4)
    assert few["effective_n"] == 977
    assert few["global"]["high"] > same["global"]["high"]
    assert few["global"]["expected"] == pytest.approx(10 * same["global"]["expected"], rel=1e-3)


def test_words_must_match_the_table() -> None:
    with pytest.raises(ValueError, match="2 groups"):
        section(np.ones((3, 2, 2)), z_levels=["a", "b"])


def test_shuffled_tables_keep_both_margins() -> None:
    rows, columns = np.array([[5, 0, 7], [1, 1, 1]]), np.array([[4, 8], [3, 0]])
    drawn = pid_nulls.shuffled(rows, columns, rng=np.random.default_rng(0), draws=50)
    assert (drawn.sum(axis=-1) == rows).all()
    assert (drawn.sum(axis=-2) == columns).all()
    assert drawn.min() >= 0


def test_the_law_through_the_site_has_no_unique_part_and_keeps_one_that_is_such() -> None:
    shares = population((2, 5, 2), np.random.default_rng(0))
    law = pid_nulls.through_site(shares)
    assert law.sum(axis=2) == pytest.approx(shares.sum(axis=2))
    assert pid.decompose(law).unique == pytest.approx(0, abs=1e-6)
    assert pid_nulls.through_site(law).sum(axis=1) == pytest.approx(law.sum(axis=1), abs=1e-4)


@pytest.mark.slow
def test_parts_that_are_absent_are_seldom_claimed() -> None:
    for name in NULLS:
        share = rejections(name, tables=60, draws=39)
        worst = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
        assert all(value <= worst for value in share.values()), (name, share)
