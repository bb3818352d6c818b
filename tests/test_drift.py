"""Drift of groups, labels and decisions between two audits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.diagnoses import drift_null
from metrics.drift import drift_section
from metrics.significance import fisher_central
from tests.documents import sound


def table(groups: list[int], label: float = 0.3, chosen: float = 0.4) -> np.ndarray:
    """Counts of people: unknown first, then each group."""
    out = np.zeros((len(groups), 3, 4), dtype=np.int64)
    for g, n in enumerate(groups):
        for y, share in ((1, 1 - label), (2, label)):
            out[g, y, 1] = round(n * share * (1 - chosen))
            out[g, y, 2] = round(n * share * chosen)
    return out


def test_equal_audits_show_no_drift() -> None:
    same = {"sex": table([0, 600, 400])}
    out = sound(drift_section(same, same, {"sex": ("Men", "Women")}))
    assert [test["what"] for test in out["tests"]] == [
        "group-shares", "label-rate", "selection-rate",
    ]  # fmt: skip
    assert [test["drift"] for test in out["tests"]] == [False] * 3
    assert out["tests"][0]["moved"] == 0.0
    assert out["k"] == 3


def test_each_change_is_found_by_its_own_test() -> None:
    old = {"sex": table([0, 6000, 4000])}
    moved = {"sex": table([0, 5000, 5000], label=0.3, chosen=0.5)}
    out = sound(drift_section(old, moved, {"sex": ("Men", "Women")}))
    shares, label, chosen = out["tests"]
    known = stats.chi2_contingency([[6000, 4000], [5000, 5000]], correction=False)
    assert shares["statistic"] == pytest.approx(known.statistic)
    assert (shares["df"], shares["drift"]) == (1, True)
    assert shares["moved"] == pytest.approx(0.1)
    assert shares["levels"][0]["change"]["high"] < 0
    assert label["drift"] is False
    assert chosen["p"] == pytest.approx(float(fisher_central(5000, 10_000, 4000, 10_000)))
    assert chosen["change"]["low"] > 0


def test_more_unknown_rows_are_drift() -> None:
    old, new = {"sex": table([10, 500, 500])}, {"sex": table([200, 400, 400])}
    out = drift_section(old, new, {"sex": ("Men", "Women")})
    assert out["tests"][0]["drift"] is True
    assert out["tests"][0]["levels"][0]["group"] == {"sex": "Unknown"}


def test_rare_groups_are_tested_by_permutation() -> None:
    words = tuple("ABCDE")
    old, new = {"r": table([0, 300, 100, 10, 2, 0])}, {"r": table([0, 290, 90, 20, 4, 0])}
    out = sound(drift_section(old, new, {"r": words}))
    assert out["tests"][0]["method"] == "permutation"
    assert sound(drift_section(old, new, {"r": words})) == out


def test_nothing_to_test_has_a_reason() -> None:
    nobody, somebody = {"sex": table([0, 0, 0])}, {"sex": table([0, 50, 40])}
    out = sound(drift_section(nobody, somebody, {"sex": ("Men", "Women")}))
    assert [test["undefined"] for test in out["tests"]] == ["no-rows", "no-label", "no-decision"]
    assert out["undefined"] == "no-rows"
    one = sound(drift_section({"s": table([0, 30])}, {"s": table([0, 30])}, {"s": ("x",)}))
    assert one["tests"][0]["undefined"] == "one-group"
    assert sound(drift_section({}, {}, {}))["undefined"] == "no-rows"
    with pytest.raises(ValueError, match="differ"):
        drift_section(somebody, {"sex": table([0, 5])}, {"sex": ("Men", "Women")})


def test_type_one_error_over_all_tests_stays_at_alpha() -> None:
    assert drift_null(150) <= 0.1
