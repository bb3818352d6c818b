"""Two audits: planted changes are found, others not, and one file twice is no evidence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from auditapp.pipeline.diagnose import earlier
from metrics import change
from metrics.audit import Attribute, Policy, measure
from tests.documents import sound
from tests.stability_documents import SEXES, people

LEVELS = {"SEX": SEXES}


def counted(seed: int, move: float = 0.0, n: int = 6000) -> dict[str, Any]:
    sex, _, label, decision = people(n, 3, seed=seed)
    lost = (sex.codes == 1) & (np.random.default_rng(seed).random(n) < 2.5 * move)
    return change.tables([("SEX", 2, sex.codes)], label, np.where(lost, 0, decision))


def section(before: Any, after: Any, **options: Any) -> dict[str, Any]:
    options = {"metrics": ("selection-rate",), **options}
    return sound(change.change_section(before, after, LEVELS, {"SEX": 0}, **options))


def test_a_gap_that_moved_is_named_and_its_interval_holds_the_move() -> None:
    found = section(counted(0), counted(1, 0.1))
    gap = found["gaps"][0]
    assert gap["changed"] is True
    assert gap["low"] < -0.09 < gap["high"]
    assert gap["change"] == pytest.approx(gap["after"]["value"] - gap["before"]["value"])
    assert found["k"] == 2


def test_without_a_change_a_section_names_one_in_at_most_its_level() -> None:
    draws = 250
    named = 0
    for seed in range(draws):
        found = section(counted(2 * seed, n=1500), counted(2 * seed + 1, n=1500))
        named += any(row["changed"] for row in (*found["rates"], *found["gaps"]))
    assert named <= 0.04 * draws + 3 * (0.04 * draws) ** 0.5


def test_the_same_rows_are_not_tested_and_have_a_wider_interval() -> None:
    twice = section(counted(0), counted(0, 0.1), same_rows=True)
    apart = section(counted(0), counted(0, 0.1))
    for one, two in zip(twice["gaps"], apart["gaps"], strict=True):
        assert one["reason"] == "same-rows"
        assert one["p"] is one["changed"] is None
        assert one["low"] < two["low"] < two["high"] < one["high"]


def test_groups_under_the_floor_say_in_which_audit() -> None:
    few = counted(0, n=20)
    assert section(few, counted(1))["gaps"][0]["reason"] == "below-floor-before"
    assert section(counted(1), few)["gaps"][0]["reason"] == "below-floor-after"


def test_audits_of_other_groups_are_refused() -> None:
    other = {"SEX": np.zeros((4, 3, 4), dtype=np.int64)}
    with pytest.raises(ValueError, match="differ between"):
        section(counted(0), other)
    with pytest.raises(ValueError, match="different attributes"):
        section(counted(0), {})


@pytest.mark.parametrize("labelled", [True, False])
def test_the_estimates_of_a_document_give_back_every_count(labelled: bool) -> None:
    rng = np.random.default_rng(3)
    n = 3000
    sex, race = rng.integers(-1, 2, n), rng.integers(-1, 4, n)
    label = rng.integers(-1, 2, n).astype(np.int8) if labelled else None
    decision = rng.integers(0, 3, n).astype(np.int8)
    columns = [Attribute("SEX", SEXES, sex), Attribute("R", tuple("abcd"), race)]
    document = json.loads(
        json.dumps(measure(columns, label=label, decision=decision, policy=Policy(draws=0)))
    )
    tables = change.tables([(a.name, len(a.levels), a.codes) for a in columns], label, decision)
    for a in columns:
        assert (earlier.counts(document, a.name, a.levels) == tables[a.name]).all()
    more = earlier.counts(document, "SEX", (*SEXES, "New"))
    assert (more[:3] == tables["SEX"]).all()
    assert not more[3].any()


def test_a_document_whose_counts_do_not_add_up_is_refused() -> None:
    columns = [Attribute("SEX", SEXES, np.arange(100) % 2)]
    document = measure(columns, decision=np.arange(100) % 3 % 2, policy=Policy(draws=0))
    for item in document["estimates"]:
        if item["by"] == []:
            item |= {"n": 50, "denominator": 50}
    with pytest.raises(ValueError, match="do not add up"):
        earlier.counts(document, "SEX", SEXES)
