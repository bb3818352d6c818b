"""The penalised logistic regression behind the linear remedies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from mitigations import logistic
from mitigations.contract import Cancelled, MethodError
from mitigations.logistic import Fit, Penalty


def data(n: int = 500, d: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.5)
    y = (rng.random(n) < 1 / (1 + np.exp(-x[:, 0] + 0.5 * x[:, 1] - 0.3))).astype(np.int8)
    return x, y, rng.exponential(size=n)


def penalty(squared: bool = True, strength: float = 0.5) -> Penalty:
    directions = np.random.default_rng(1).normal(size=(3, 5))
    return Penalty(directions, np.full(3, strength), squared)


def test_without_a_penalty_it_is_the_logistic_regression_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    x, y, weight = data()
    weight *= weight.size / weight.sum()
    theirs = LogisticRegression(C=2.0, solver="newton-cholesky", tol=1e-10, max_iter=500)
    theirs.fit(x, y, sample_weight=weight)
    mine = logistic.fit(x, y, weight, ridge=1 / (2.0 * len(y)))
    np.testing.assert_allclose(mine.weights, theirs.coef_[0], atol=1e-6)
    assert mine.intercept == pytest.approx(theirs.intercept_[0], abs=1e-6)


@pytest.mark.parametrize("squared", [True, False])
def test_two_random_starts_end_at_the_same_objective(squared: bool) -> None:
    x, y, weight = data()
    rng = np.random.default_rng(4)
    found = [
        logistic.fit(
            x,
            y,
            weight,
            ridge=1e-3,
            penalty=penalty(squared),
            start=Fit(rng.normal(0, 5, 5), float(rng.normal(0, 5)), 0.0),
        )
        for _ in range(2)
    ]
    assert found[0].objective == pytest.approx(found[1].objective, rel=1e-6)
    np.testing.assert_allclose(found[0].weights, found[1].weights, atol=1e-4)


@pytest.mark.parametrize("squared", [True, False])
def test_the_optimum_is_that_of_a_general_minimiser(squared: bool) -> None:
    from scipy.optimize import minimize

    x, y, weight = data()
    given = penalty(squared)

    def objective(beta: np.ndarray) -> float:
        margin = (2 * y - 1) * (x @ beta[:-1] + beta[-1])
        loss = weight @ np.logaddexp(0, -margin) / weight.sum()
        z = given.directions @ beta[:-1]
        phi = z**2 if squared else np.abs(z)
        return float(loss + 0.005 * beta[:-1] @ beta[:-1] + given.strength @ phi)

    wanted = minimize(objective, np.zeros(6), method="Powell", options={"xtol": 1e-9})
    mine = logistic.fit(x, y, weight, ridge=0.01, penalty=given)
    # The size of a difference is rounded off near zero: by at most 1e-3 for each of three.
    room = 1e-7 if squared else 2e-3
    assert objective(np.append(mine.weights, mine.intercept)) <= wanted.fun + room


def test_sparse_rows_give_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, weight = data()
    dense = logistic.fit(x, y, weight, ridge=0.01)
    monkeypatch.setattr(logistic, "CHUNK", 64)
    sparse = logistic.fit(csr_array(x), y, weight, ridge=0.01)
    np.testing.assert_allclose(sparse.weights, dense.weights, atol=1e-8)


def test_features_may_be_given_as_products() -> None:
    x, y, weight = data()
    lift = np.random.default_rng(2).normal(size=(5, 3))
    whole = logistic.fit(x @ lift, y, weight, ridge=0.01, penalty=None)
    lifted = logistic.fit(csr_array(x), y, weight, ridge=0.01, lift=lift)
    np.testing.assert_allclose(lifted.weights, whole.weights, atol=1e-8)


def test_classes_that_a_plane_parts_are_no_obstacle() -> None:
    x = np.linspace(-1, 1, 50)[:, None]
    found = logistic.fit(x, (x[:, 0] > 0).astype(np.int8), ridge=1e-6)
    assert np.isfinite(found.weights).all() and found.weights[0] > 10


def test_one_label_alone_ends_in_an_answer_or_an_error() -> None:
    x, y, _ = data(50)
    try:
        found = logistic.fit(x, np.ones_like(y), ridge=0.1)
    except MethodError as error:
        assert error.code == "solver"
    else:
        assert found.intercept > 0


def test_the_work_stops_between_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "CHUNK", 100)
    x, y, _ = data()
    seen = []

    def tick() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        logistic.fit(x, y, ridge=0.1, tick=tick)
    assert len(seen) == 3
