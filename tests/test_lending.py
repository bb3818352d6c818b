"""Approval ratios, standardised terms and imputed classes against plain formulas."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from metrics import lending
from metrics.groups import Attribute
from tests.documents import sound
from tests.test_adverse_impact import rows


def test_the_control_class_is_the_named_one_and_not_the_highest() -> None:
    attribute, decision = rows({"Asian": (95, 100), "White": (720, 900), "Black": (60, 100)})
    out = sound(lending.approval(attribute, decision, 1))
    assert out["control"] == {"race": "White"}
    assert out["control_choice"] == "chosen"
    asian, white, black = out["classes"]
    assert asian["ratio"]["value"] == pytest.approx(0.95 / 0.8)
    assert white["role"] == "control"
    assert white["ratio"] is None
    assert black["ratio"]["value"] == 0.75
    assert (asian["band"], black["band"]) == (2, 0)
    # Without a name the largest class is the control, and the document says so.
    assert lending.approval(attribute, decision)["control_choice"] == "largest"


def test_a_ratio_on_a_mark_lies_in_the_band_above_it() -> None:
    assert lending.band(40, 100, 50, 100) == 1
    assert lending.band(39_999, 100_000, 50, 100) == 0
    assert lending.band(45, 100, 50, 100) == 2
    assert lending.band(44_999, 100_000, 50, 100) == 1
    attribute, decision = rows({"White": (50_000, 100_000), "Black": (44_999, 100_000)})
    assert lending.approval(attribute, decision, 0)["classes"][1]["ratio"]["printed"] == "0.89998"
    assert lending.band(3, 15, 3, 12) == 1
    assert lending.band(85, 100, 100, 100, (Fraction(85, 100), Fraction(95, 100))) == 1


def test_nobody_of_the_control_class_approved_has_a_reason_and_no_band() -> None:
    attribute, decision = rows({"White": (0, 80), "Black": (3, 20)})
    out = lending.approval(attribute, decision, 0)
    assert out["classes"][1]["reason"] == "nobody-approved"
    assert out["classes"][1]["band"] is None
    assert out["classes"][0]["reason"] == "nobody-approved"


def test_terms_are_differences_of_means_over_the_spread_of_everybody() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(-1, 3, 900)
    rate = rng.gamma(3.0, 1.0, 900) + 0.4 * (codes == 1)
    rate[:40] = np.nan
    attribute = Attribute("race", ("White", "Black", "Asian"), codes)
    out = sound(lending.terms(attribute, rate, 0))
    known = np.isfinite(rate)
    spread = rate[known].std()
    assert (out["values"], out["blank"]) == (860, 40)
    assert out["sd"] == pytest.approx(spread)
    for j in (1, 2):
        own, control = rate[known & (codes == j)], rate[known & (codes == 0)]
        row = out["classes"][j]
        assert row["n"] == own.size
        assert row["mean"] == pytest.approx(own.mean())
        assert row["smd"]["value"] == pytest.approx((own.mean() - control.mean()) / spread)
        # The spread is estimated, which adds little: the interval is about Welch's.
        welch = stats.ttest_ind(own, control, equal_var=False).confidence_interval()
        width = (welch.high - welch.low) / spread
        assert row["smd"]["high"] - row["smd"]["low"] == pytest.approx(width, rel=0.08)
    assert out["classes"][0]["smd"] is None


def test_the_interval_of_terms_is_that_of_a_bootstrap() -> None:
    rng = np.random.default_rng(3)
    codes = (rng.random(500) < 0.3).astype(int)
    values = rng.lognormal(0, 0.6, 500) + 0.5 * codes
    attribute = Attribute("c", ("White", "Black"), codes)
    found = lending.terms(attribute, values, 0)["classes"][1]["smd"]
    draws = []
    for _ in range(2000):
        pick = rng.integers(0, 500, 500)
        v, c = values[pick], codes[pick]
        draws.append((v[c == 1].mean() - v[c == 0].mean()) / v.std())
    half = 1.96 * np.std(draws)
    assert (found["high"] - found["low"]) / 2 == pytest.approx(half, rel=0.08)


def test_terms_that_say_nothing_carry_a_reason() -> None:
    attribute = Attribute("c", ("White", "Black", "Asian"), np.array([0, 0, 0, 1, 1, 1]))
    flat = lending.terms(attribute, np.ones(6), 0)
    assert flat["classes"][1]["smd"]["reason"] == "zero-variance"
    assert flat["classes"][2]["smd"]["reason"] == "empty-group"
    few = lending.terms(attribute, np.arange(6.0), 0, floor=4)
    assert few["classes"][1]["smd"]["reason"] == "below-floor"
    assert few["classes"][1]["smd"]["value"] is None
    nothing = lending.terms(attribute, np.full(6, np.nan), 0)
    assert nothing["values"] == 0
    assert nothing["control"] is None
    assert nothing["classes"] == []


def certain(codes: np.ndarray, k: int) -> np.ndarray:
    return np.eye(k)[codes]


def test_probabilities_of_zero_and_one_give_the_plain_ratio() -> None:
    attribute, decision = rows({"White": (72, 90), "Black": (30, 60)})
    out = lending.imputed(("White", "Black"), certain(attribute.codes, 2), decision, 0)
    plain = lending.approval(attribute, decision, 0)["classes"][1]
    row = out["classes"][1]
    assert row["weight"] == 60
    assert row["ratio"]["value"] == pytest.approx(plain["ratio"]["value"])
    assert row["ratio"]["low"] == pytest.approx(plain["ratio"]["low"])
    assert row["ratio"]["high"] == pytest.approx(plain["ratio"]["high"])
    assert row["band"] == plain["band"]
    # Nothing is uncertain, so taking the class as known changes nothing.
    assert row["sensitivity"]["low"] == row["sensitivity"]["high"] == row["ratio"]["value"]


def test_weights_and_certain_classes_are_counted_by_hand() -> None:
    p = np.tile([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.45, 0.55]], (40, 1))
    y = np.tile([1, 0, 1, 0], 40)
    out = sound(lending.imputed(("White", "Black"), p, y, 0))
    white, black = out["classes"]
    assert white["weight"] == pytest.approx(40 * 2.15)
    assert white["rate"] == pytest.approx((0.9 + 0.2) / 2.15)
    assert black["rate"] == pytest.approx((0.1 + 0.8) / 1.85)
    hard = {h["certainty"]: h for h in black["sensitivity"]["hard"]}
    # At 0.5: two rows of four are taken as black, one of them approved; white likewise.
    assert hard[0.5]["ratio"] == 1.0
    assert hard[0.5]["n"] == 80
    # At 0.8 only the first and the third row are certain enough, and both are approved.
    assert hard[0.8]["covered"] == 80
    assert hard[0.8]["ratio"] == 1.0
    # At 0.9 no row is black.
    assert hard[0.9]["ratio"] is None


def test_rows_without_probabilities_lower_the_coverage() -> None:
    p = np.tile([[0.7, 0.3], [0.2, 0.8]], (60, 1))
    p[:20] = np.nan
    y = np.tile([1, 0, 1], 40)
    y[-5:] = -1
    out = lending.imputed(("White", "Black"), p, y, 0)
    assert out["coverage"] == {"numerator": 95, "denominator": 115}
    with pytest.raises(ValueError, match="add up to more than 1"):
        lending.imputed(("White", "Black"), p + 0.3, y, 0)


def test_the_interval_of_imputed_ratios_covers_the_ratio_of_the_weights() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(400):
        black = rng.beta(0.6, 1.4, 600)
        p = np.column_stack([1 - black, black])
        # Approval follows the probability itself, so the weighted rates are known.
        y = (rng.random(600) < 0.7 - 0.3 * black).astype(int)
        ratio = lending.imputed(("White", "Black"), p, y, 0)["classes"][1]["ratio"]
        # Moments of the beta law: E p = .3, E p^2 = .07 + .09.
        truth = (0.7 - 0.3 * 0.16 / 0.3) / (0.7 - 0.3 * (0.3 - 0.16) / 0.7)
        inside += ratio["low"] <= truth <= ratio["high"]
    assert 0.92 <= inside / 400 <= 0.98


def test_classes_without_enough_weight_are_not_compared() -> None:
    p = np.tile([[0.95, 0.05]], (200, 1))
    out = lending.imputed(("White", "Black"), p, np.tile([1, 0], 100), 0)
    assert out["classes"][1]["reason"] == "below-floor"
    assert out["classes"][1]["ratio"] is None
