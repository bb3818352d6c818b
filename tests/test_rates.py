"""Rates: closed forms, and equality with fairlearn."""

from __future__ import annotations

from functools import partial

import fairlearn.metrics as fm
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import rates
from metrics.count import count
from metrics.groups import Attribute
from metrics.rates import DERIVED, RATES, REGISTRY, Rate

# TP, FN, FP, TN, one abstention with label 1, one decided row without a label.
TABLE = np.array([[0, 0, 1, 0], [0, 40, 10, 0], [0, 5, 20, 1]])
CLOSED = {
    "selection-rate": 31 / 76,
    "accuracy": 60 / 75,
    "tpr": 20 / 25,
    "fpr": 10 / 50,
    "tnr": 40 / 50,
    "fnr": 5 / 25,
    "precision": 20 / 30,
    "npv": 40 / 45,
    "fdr": 10 / 30,
    "for": 5 / 45,
    "base-rate": 26 / 76,
    "abstention-rate": 1 / 77,
    "predicted-actual-ratio": 30 / 25,
    "balanced-accuracy": 0.8,
    "adjusted-tp": 1000 * 0.3 * 0.8,
    "adjusted-fp": 1000 * 0.7 * 0.2,
    "adjusted-fn": 1000 * 0.3 * 0.2,
    "adjusted-tn": 1000 * 0.7 * 0.8,
}
ORACLES = {
    "selection-rate": fm.selection_rate,
    "accuracy": sm.accuracy_score,
    "balanced-accuracy": sm.balanced_accuracy_score,
    "tpr": fm.true_positive_rate,
    "fpr": fm.false_positive_rate,
    "tnr": fm.true_negative_rate,
    "fnr": fm.false_negative_rate,
    "precision": sm.precision_score,
    "npv": partial(sm.precision_score, pos_label=0),
    "base-rate": lambda y_true, y_pred: np.mean(y_true),
    "predicted-actual-ratio": lambda y_true, y_pred: np.sum(y_pred) / np.sum(y_true),
}


def test_every_measure_has_its_closed_form():
    assert set(CLOSED) == set(REGISTRY)
    value = rates.values(TABLE, tuple(CLOSED), base=0.3)
    assert value == pytest.approx(list(CLOSED.values()), abs=1e-15)


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.slug)
def test_a_complement_is_one_minus_the_rate_and_points_back(rate):
    if rate.complement is not None:
        other = REGISTRY[rate.complement]
        assert other.complement == rate.slug
        assert (rate.denominator == other.denominator).all()
        assert (rate.numerator ^ other.numerator == rate.denominator).all()
        assert {rate.better, other.better} == {"higher", "lower"}


@pytest.mark.parametrize("item", [*RATES, *DERIVED], ids=lambda item: item.slug)
def test_a_measure_says_what_it_is_and_where_it_comes_from(item):
    assert item.title
    assert item.formula
    assert item.source
    assert item.better in ("higher", "lower", "none")
    assert item.needs_label == (item.slug not in ("selection-rate", "abstention-rate"))
    assert item.needs_decision == (item.slug != "base-rate")
    if isinstance(item, Rate):
        assert item.proportion == (item.slug != "predicted-actual-ratio")


def test_a_family_counts_complements_once():
    assert rates.distinct(["tpr", "fnr", "fdr", "precision", "tpr", "accuracy"]) == (
        "tpr", "fdr", "accuracy",
    )  # fmt: skip


def test_rates_of_many_groups_equal_fairlearn():
    rng = np.random.default_rng(4)
    n = 4000
    race, sex = rng.choice(4, n, p=[0.7, 0.2, 0.07, 0.03]), rng.integers(0, 2, n)
    label, decision = rng.integers(0, 2, n), (rng.random(n) < 0.4).astype(int)
    attributes = [
        Attribute("race", tuple("abcd"), race),
        Attribute("sex", ("m", "f"), sex),
    ]
    counted = count(attributes, label=label, decision=decision)
    features = pd.DataFrame({"race": race, "sex": sex})
    for by in (["race"], ["race", "sex"]):
        frame = fm.MetricFrame(
            metrics=ORACLES, y_true=label, y_pred=decision, sensitive_features=features[by]
        )
        groups = counted.outcome_groups(tuple(by))
        mine = rates.values(groups.counts, tuple(ORACLES))
        theirs = frame.by_group.to_numpy(dtype=float)
        assert np.abs(mine - theirs).max() < 1e-12
    overall = rates.values(counted.outcome_groups(()).counts, tuple(ORACLES))[0]
    assert np.abs(overall - frame.overall.to_numpy(dtype=float)).max() < 1e-12


def test_an_empty_denominator_is_nan_and_never_a_number():
    nobody = np.zeros((3, 4), dtype=np.int64)
    assert np.isnan(rates.values(nobody, tuple(REGISTRY), base=0.5)).all()
    negatives = nobody.copy()
    negatives[1, 1] = 7
    value = dict(zip(REGISTRY, rates.values(negatives, tuple(REGISTRY), base=0.5), strict=True))
    assert np.isnan([value["tpr"], value["precision"], value["balanced-accuracy"]]).all()
    assert (value["fpr"], value["accuracy"], value["selection-rate"]) == (0, 1, 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=12, max_size=12), st.integers(1, 9))
def test_rates_stay_in_range_and_do_not_depend_on_the_scale_of_counts(flat, times):
    table = np.array(flat).reshape(3, 4)
    slugs = tuple(rate.slug for rate in RATES if rate.proportion)
    value = rates.values(table, slugs)
    defined = ~np.isnan(value)
    assert ((value[defined] >= 0) & (value[defined] <= 1)).all()
    np.testing.assert_array_almost_equal(rates.values(table * times, slugs), value, 15)
    above, below = rates.tally(table, slugs)
    assert (above <= below).all()
