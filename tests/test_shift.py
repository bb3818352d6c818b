"""What kind of shift the data has, and the accuracy of every cell."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.diagnoses import information_null
from metrics.groups import Attribute
from metrics.imbalance import score_records, shift_scores
from metrics.shift import cell_accuracy, generalisation, shift_section
from tests.documents import sound


def attribute(codes: np.ndarray, k: int) -> Attribute:
    return Attribute("group", tuple(f"g{j}" for j in range(k)), codes)


def test_a_label_that_is_the_group_has_spurious_correlation_one() -> None:
    for counts in ([[30, 0], [0, 70]], [[5, 0, 0], [0, 80, 0], [0, 0, 15]]):
        assert shift_scores(np.array(counts))[0] == pytest.approx(1, abs=1e-9)


def test_independent_balanced_data_score_zero() -> None:
    rng = np.random.default_rng(0)
    counts = np.histogram2d(rng.integers(0, 4, 10_000), rng.integers(0, 2, 10_000), (4, 2))[0]
    assert shift_scores(counts) == pytest.approx([0, 0, 0], abs=0.02)


def test_the_scores_are_their_formulas() -> None:
    counts = np.array([[10, 30], [40, 20]])
    p = counts / 100
    a, y = p.sum(axis=1), p.sum(axis=0)
    h_a, h_y = -(a * np.log(a)).sum(), -(y * np.log(y)).sum()
    shared = (p * np.log(p / np.outer(a, y))).sum()
    known = [shared / min(h_a, h_y), 1 - h_a / np.log(2), 1 - h_y / np.log(2)]
    assert shift_scores(counts) == pytest.approx(known)
    assert shift_scores(np.stack([counts, counts * 3])) == pytest.approx(np.array([known] * 2))


def test_intervals_reach_zero_without_shift_and_hold_the_truth_with_it() -> None:
    found = information_null(100)
    assert found["ours"] >= 0.95
    assert found["plain"] <= 0.05
    assert found["reject"] <= 0.12
    shares = np.array([[0.3, 0.1], [0.1, 0.2], [0.15, 0.15]])
    truth = shift_scores(shares)
    rng = np.random.default_rng(0)
    held = np.zeros(3)
    for _ in range(100):
        counts = rng.multinomial(1000, shares.ravel()).reshape(3, 2)
        records = score_records(counts, rng=rng, draws=200)
        held += [r["low"] <= t <= r["high"] for r, t in zip(records, truth, strict=True)]
    assert (held >= 88).all()


@pytest.mark.parametrize(
    "counts", [[[0, 0]], [[1, 0]], [[5, 0], [3, 0]], [[0, 0], [4, 4]], [[1, 0], [0, 1]]]
)
def test_a_score_without_two_values_has_a_reason(counts: list[list[int]]) -> None:
    records = score_records(np.array(counts), rng=np.random.default_rng(0), draws=50)
    for record in sound({"scores": records})["scores"]:
        assert (record["value"] is None) == (record["undefined"] is not None)


def test_generalisation_names_the_values_nobody_was_fitted_on() -> None:
    out = sound(generalisation(np.array([5, 0, 0]), np.array([5, 20, 0]), ("a", "b", "c")))
    assert (out["value"], out["levels"]) == (0.5, ["b"])
    assert out["rows"]["value"] == pytest.approx(0.8)
    none = np.zeros(2, int)
    assert generalisation(none, np.array([1, 1]), ("a", "b"))["undefined"] == "no-fitted-rows"


def test_worst_and_adjusted_accuracy_are_over_cells() -> None:
    out = cell_accuracy(np.array([90, 10, 3, 0]), np.array([100, 20, 3, 0]))
    assert out["worst"]["cell"] == 1
    assert out["worst"]["value"] == 0.5
    assert out["adjusted"]["value"] == pytest.approx((0.9 + 0.5 + 1.0) / 3)
    assert (out["cells"], out["below_floor"]) == (3, 1)
    assert cell_accuracy(np.array([2]), np.array([3]))["worst"]["undefined"] == "below-floor"


def test_the_limits_of_the_worst_cell_hold_its_true_accuracy() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([0.8, 0.8, 0.82, 0.9, 0.8, 0.85])
    n = np.array([60, 80, 200, 500, 40, 90])
    held = 0
    for _ in range(300):
        worst = cell_accuracy(rng.binomial(n, truth), n)["worst"]
        held += worst["low"] <= 0.8 <= worst["high"]
    assert held >= 285


def test_the_section_holds_every_attribute_and_more_than_two_classes() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    group = attribute(rng.integers(-1, 3, n), 3)
    label = rng.integers(-1, 3, n)
    guess = np.where(rng.random(n) < 0.8, label, rng.integers(0, 3, n))
    fitted = [np.array([10, 10, 0])]
    out = sound(
        shift_section([group], label, decision=guess, fitted=fitted, classes=("x", "y", "z"))
    )
    (found,) = out["attributes"]
    assert found["generalisation"]["levels"] == ["g2"]
    assert found["by_cell"]["cells"] == 9
    assert set(found["by_cell"]["worst"]["cell"]) == {"group", "label"}
    assert set(out["by_class"]["worst"]["cell"]) == {"label"}
    again = shift_section([group], label, decision=guess, fitted=fitted, classes=("x", "y", "z"))
    assert sound(again) == out


def test_two_hundred_sites_and_empty_data_have_answers() -> None:
    rng = np.random.default_rng(0)
    site = attribute(rng.integers(0, 200, 300), 200)
    out = sound(shift_section([site], rng.integers(0, 2, 300), draws=100))
    assert out["undefined"] == "no-decision"
    assert out["attributes"][0]["scores"][0]["p"] > 0.01
    for n in (0, 1):
        small = sound(shift_section([attribute(np.zeros(n, int), 2)], np.ones(n, int), draws=50))
        assert small["attributes"][0]["scores"][0]["undefined"] in ("no-rows", "one-value")
    bare = sound(shift_section([site], None))
    assert bare["undefined"] == "no-label"
    with pytest.raises(ValueError, match="classes"):
        shift_section([site], np.full(300, 2))
