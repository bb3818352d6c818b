"""A classifier of two sources, and the logistic fit behind it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from benchmarks.diagnoses import source_null
from metrics import logistic
from metrics.logistic import Feature
from metrics.source import source_scores
from tests.documents import sound


def test_the_fit_is_the_minimum_of_its_loss() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    y = (rng.random(300) < 1 / (1 + np.exp(-x[:, 0] + 0.5))).astype(int)

    def loss(w: np.ndarray) -> float:
        z = w[0] + x @ w[1:]
        return float(np.logaddexp(0, z).sum() - y @ z + (w[1:] ** 2).sum())

    known = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-8})
    assert logistic.fit(x, y, ridge=2.0) == pytest.approx(known.x, abs=1e-4)


def test_separable_and_one_class_data_have_finite_weights() -> None:
    x = np.linspace(-1, 1, 50)[:, None]
    assert np.isfinite(logistic.fit(x, x[:, 0] > 0)).all()
    assert logistic.fit(x, np.ones(50))[1:].tolist() == [0.0]
    assert np.isfinite(logistic.fit(np.zeros((0, 2)), np.zeros(0))).all()


def test_encoding_standardises_and_drops_constants() -> None:
    codes = np.array([0, 1, 2, -1] * 25)
    numbers = np.where(np.arange(100) % 10 == 0, np.nan, np.arange(100.0))
    x = logistic.encode(
        [
            Feature("c", codes, categorical=True),
            Feature("x", numbers),
            Feature("one", np.ones(100)),
            Feature("none", np.full(100, np.nan)),
        ]
    )
    assert x.shape[1] == 3 + 6
    assert x.mean(axis=0) == pytest.approx(np.zeros(9), abs=1e-12)
    assert x.std(axis=0) == pytest.approx(np.ones(9))
    assert logistic.encode([]).shape == (0, 0)


def test_equal_sources_are_told_apart_no_more_often_than_chance() -> None:
    found = source_null(150)
    assert found["above"] <= 0.1
    assert found["covered"] >= 0.9


def test_moved_features_are_seen_without_labels() -> None:
    rng = np.random.default_rng(0)
    side = np.repeat([0, 1], 1000)
    x = Feature("x", rng.normal(size=2000) + 0.8 * side)
    out = sound(source_scores([x], side))
    assert out["x"]["value"] == pytest.approx(0.714, abs=0.03)
    assert out["x"]["low"] < 0.714 < out["x"]["high"]
    assert out["x"]["p"] < 1e-6
    assert out["xy"]["undefined"] == "no-label"


def test_a_changed_rule_is_seen_with_the_label_only() -> None:
    rng = np.random.default_rng(0)
    side, x = np.repeat([0, 1], 2000), rng.normal(size=4000)
    slope = np.where(side == 1, -2.0, 2.0)
    label = (rng.random(4000) < 1 / (1 + np.exp(-slope * x))).astype(int)
    out = sound(source_scores([Feature("x", x)], side, label=label))
    assert out["x"]["value"] == pytest.approx(0.5, abs=0.03)
    assert out["xy"]["value"] > 0.7


def test_too_little_and_constant_data_have_answers() -> None:
    few = sound(source_scores([Feature("x", np.zeros(20))], np.repeat([0, 1], 10)))
    assert few["x"]["undefined"] == few["xy"]["undefined"] == "too-few"
    side = np.repeat([0, 1], 100)
    flat = sound(source_scores([Feature("x", np.zeros(200))], side, label=np.ones(200, int)))
    assert flat["x"]["value"] == flat["xy"]["value"] == 0.5
    apart = sound(source_scores([Feature("x", side.astype(float))], side))
    assert (apart["x"]["value"], apart["x"]["undefined"]) == (1.0, "at-bound")
    assert sound(source_scores([], np.zeros(0, int)))["x"]["undefined"] == "too-few"
    with pytest.raises(ValueError, match="differ in length"):
        source_scores([Feature("x", np.zeros(3))], side)
    many = sound(source_scores([Feature("x", np.arange(800.0) % 7)], np.arange(800) % 2, most=100))
    assert many["used"] == {"target": 100, "candidate": 100}
