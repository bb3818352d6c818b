"""Flip rates between two runs of one model."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.diagnoses import flips_null
from metrics.flips import flips_section, sensitivity
from metrics.groups import Attribute
from tests.documents import sound

SEX = Attribute("sex", ("Men", "Women", "Other"), np.repeat([0, 1, 2, -1], [100, 60, 1, 9]))


def test_equal_runs_flip_nobody() -> None:
    first = np.arange(170) % 2
    out = sound(flips_section([SEX], first, first))
    assert out["groups"][0]["flips"] == 0
    assert out["groups"][0]["value"] == 0.0
    assert all(c["p"] in (1.0, None) for c in out["comparisons"])


def test_flips_are_counted_by_group_and_direction() -> None:
    first = np.zeros(170, dtype=int)
    second = first.copy()
    second[100:120] = 1
    first[:2] = 1
    second[5] = -1
    out = sound(flips_section([SEX], first, second, names=("FP32", "INT8")))
    everybody, men, women, other = out["groups"]
    assert (everybody["n"], everybody["flips"], everybody["up"]) == (169, 22, 20)
    assert (men["n"], men["flips"], men["down"]) == (99, 2, 2)
    assert women["value"] == pytest.approx(20 / 60)
    assert women["low"] < 20 / 60 < women["high"]
    assert women["net_p"] == pytest.approx(2 * 0.5**20)
    assert other["n"] == 1
    found = {c["group"]["sex"]: c for c in out["comparisons"]}
    assert found["Women"]["p"] < 1e-6
    assert found["Women"]["comparator"] == {"group": {"sex": "Men"}}
    assert (found["Other"]["p"], found["Other"]["reason"]) == (None, "below-floor")
    assert out["left_out"] == 1
    assert out["tests"] == 1


def test_nothing_to_compare_has_a_reason() -> None:
    empty = Attribute("sex", ("Men", "Women"), np.zeros(0, dtype=int))
    out = sound(flips_section([empty], np.zeros(0, int), np.zeros(0, int)))
    assert out["undefined"] == "no-decision"
    assert out["comparisons"] == []
    blank = np.full(170, -1)
    assert sound(flips_section([SEX], blank, blank))["groups"][0]["undefined"] == "empty-group"
    with pytest.raises(ValueError, match="rows"):
        flips_section([SEX], np.zeros(3, int), np.zeros(3, int))
    with pytest.raises(ValueError, match="0, 1 or -1"):
        flips_section([SEX], np.full(170, 2), np.full(170, 2))


def test_sensitivity_is_the_mean_pairwise_difference() -> None:
    by_group, spread = sensitivity(np.array([[0.1, 0.5], [0.1, 0.7], [0.1, 0.6]]))
    assert by_group == pytest.approx([0.0, (0.2 + 0.1 + 0.1) / 3])
    assert spread == pytest.approx(0.4 / 3)
    alone, none = sensitivity(np.array([[0.1, np.nan]]))
    assert np.isnan(alone).all()
    assert np.isnan(none)


def test_type_one_error_stays_below_five_percent() -> None:
    found = flips_null(150)
    assert found["between"] <= 0.1
    assert found["net"] <= 0.1
