"""Labels, scores and decisions audited apart."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.diagnoses import label_audit, margin_null, same_outcomes, sex
from metrics.groups import Attribute
from metrics.levels import label_level, levels_section
from tests.documents import sound


def test_equal_outcomes_at_equal_scores_are_not_rejected_though_rates_differ() -> None:
    found = margin_null(200)
    assert found["selection"][1] - found["selection"][0] == pytest.approx(0.2, abs=0.02)
    for name in ("calibration", "sufficiency", "margin"):
        assert (found[name] <= 0.05).mean() <= 0.1


def test_a_stricter_threshold_in_truth_is_found_at_the_margin() -> None:
    group, score, label = same_outcomes(np.random.default_rng(0), 20_000)
    better = (np.random.default_rng(1).random(20_000) < 0.3) & (group == 1)
    out = sound(
        levels_section(
            [sex(group)], label=np.where(better, 1, label), score=score,
            decision=(score >= 0.5).astype(int),
        )
    )  # fmt: skip
    (record,) = out["decisions"]["comparisons"]
    assert record["half_width"] in (0.01, 0.02, 0.05, 0.1)
    assert record["p"] < 0.05
    assert abs(record["value"]) > 0.05
    assert out["decisions"]["agreement"]["value"] == 1.0


def test_the_window_is_the_narrowest_with_enough_rows() -> None:
    widths = []
    for n in (1_000, 3_000, 40_000):
        group, score, label = same_outcomes(np.random.default_rng(0), n)
        out = levels_section([sex(group)], label=label, score=score)
        widths.append(out["decisions"]["comparisons"][0]["half_width"])
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == 0.01


def test_labels_flipped_in_one_group_are_found() -> None:
    assert label_audit(100, wrong=0.1) >= 0.9
    assert label_audit(100) <= 0.1


def test_error_rates_of_labellers_are_counted_against_gold() -> None:
    gold = np.array([1, 1, 1, 1, 0, 0, 0, -1])
    label = np.array([1, 1, 1, 0, 0, 1, -1, 1])
    out = sound(label_level([sex(np.zeros(8, int))], label, gold))
    everybody = {g["metric"]: g for g in out["groups"] if not g["by"]}
    assert out["rows"] == 6
    assert everybody["agreement"]["value"] == pytest.approx(4 / 6)
    assert (everybody["fpr"]["numerator"], everybody["fpr"]["denominator"]) == (1, 2)
    assert (everybody["fnr"]["numerator"], everybody["fnr"]["denominator"]) == (1, 4)
    assert {c["reason"] for c in out["comparisons"]} == {"reference-below-floor"}


def test_sampling_weights_move_the_rate_and_shrink_the_size() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 600)
    label = np.where(rng.random(600) < 0.1, 1 - gold, gold)
    group = sex(rng.integers(0, 2, 600))
    plain = label_level([group], label, gold)["groups"][0]
    equal = label_level([group], label, gold, weight=np.full(600, 2.5))["groups"][0]
    assert equal["value"] == pytest.approx(plain["value"], abs=1e-3)
    weight = np.where(label == gold, 1.0, 4.0)
    skewed = label_level([group], label, gold, weight=weight)["groups"][0]
    assert skewed["value"] < plain["value"] - 0.1
    assert skewed["denominator"] < 600
    with pytest.raises(ValueError, match="positive"):
        label_level([group], label, gold, weight=np.zeros(600))


@pytest.mark.parametrize("n", [0, 1, 40])
def test_each_level_without_data_has_a_reason(n: int) -> None:
    race = Attribute("race", tuple("ABC"), np.zeros(n, int))
    label, score = np.ones(n, int), np.full(n, 0.5)
    out = sound(levels_section([race], label=label, score=score, gold=label))
    assert out["decisions"]["undefined"] in ("no-labelled-score", None)
    assert all(c["p"] is None for c in out["decisions"]["comparisons"])
    assert all(g["p"] is None for g in out["scores"]["groups"])
    bare = sound(levels_section([race]))
    assert [bare[k]["undefined"] for k in ("labels", "scores", "decisions")] == [
        "no-gold", "no-score", "no-score",
    ]  # fmt: skip
    unlabelled = sound(levels_section([race], score=score, gold=label))
    assert [unlabelled[k]["undefined"] for k in ("labels", "scores")] == ["no-label"] * 2
    blank = np.full(n, -1)
    assert sound(levels_section([race], label=blank, gold=label))["labels"]["undefined"] == (
        "no-relabelled-row"
    )


def test_equal_scores_and_two_hundred_groups_have_answers() -> None:
    rng = np.random.default_rng(0)
    site = Attribute("site", tuple(str(s) for s in range(200)), rng.integers(-1, 200, 4000))
    label = rng.integers(-1, 2, 4000)
    out = sound(levels_section([site], label=label, score=np.full(4000, 0.5), gold=label))
    assert len(out["scores"]["groups"]) == 200
    assert {g["df"] for g in out["scores"]["groups"]} <= {0, 1}
    big = sex(rng.integers(0, 2, 4000))
    alike = sound(levels_section([big], label=label, score=np.full(4000, 0.5)))
    assert alike["scores"]["comparisons"][0]["df"] == 1
    assert alike["decisions"]["comparisons"][0]["p"] is not None
