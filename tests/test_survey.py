"""Rao-Scott: exact where the answer is known by other means, and right in how often it rejects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from benchmarks import nulls
from metrics import significance, survey

Floats = NDArray[np.float64]


def drawn(seed: int = 0, groups: int = 4) -> tuple[Floats, Floats, Floats, Floats, int]:
    """One table of the simulated household survey."""
    shares = tuple(np.linspace(1, 2, groups))
    tables = nulls.survey_tables(shares, 0.3, people=1500, tables=seed + 1)
    for x, n, x_draws, n_draws, rows in tables:
        found = x, n, x_draws, n_draws, int(rows.sum())
    return found


def with_covariance(v: Floats, rates: Floats) -> Floats:
    """Make replicate rates whose covariance around the rates is v when the factor is 1."""
    return np.asarray(rates + np.linalg.cholesky(v).T)


def test_replicates_are_centred_at_the_estimate_and_scaled_by_four_over_their_number() -> None:
    found = survey.replicate_covariance(
        [1.0, 2.0], [[1.5, 2.0], [1.5, 3.0], [1.0, 2.0], [1.0, 2.0]]
    )
    assert found.tolist() == [[0.5, 0.5], [0.5, 1.0]]
    one = survey.replicate_covariance([0.0], [[1.0], [3.0]], factor=0.5)
    assert one.tolist() == [[5.0]]


def test_two_groups_give_the_t_test_of_their_difference() -> None:
    x, n, x_draws, n_draws, rows = drawn(groups=2)
    found = survey.rao_scott(x, n, x_draws, n_draws, rows=rows)
    gap = x[1] / n[1] - x[0] / n[0]
    gaps = x_draws[:, 1] / n_draws[:, 1] - x_draws[:, 0] / n_draws[:, 0]
    error = np.sqrt(4 / 80 * ((gaps - gap) ** 2).sum())
    assert found["df"] == pytest.approx(1.0)
    assert found["df_error"] == pytest.approx(79.0)
    assert found["statistic"] == pytest.approx((gap / error) ** 2)
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(gap / error), 79))


def test_a_multinomial_covariance_gives_pearsons_test() -> None:
    n = np.array([400.0, 250.0, 150.0, 200.0])
    x = np.array([130.0, 75.0, 66.0, 55.0])
    pooled = x.sum() / n.sum()
    draws = with_covariance(np.diag(pooled * (1 - pooled) / n), x / n)
    found = survey.rao_scott(
        x, n, draws * n, np.tile(n, (4, 1)), rows=1000, factor=1.0, df_design=1e9
    )
    plain = significance.chi_square(x, n, rng=np.random.default_rng(0))
    assert found["pearson"] == pytest.approx(plain["statistic"])
    assert found["design_effect"] == pytest.approx(1.0)
    assert found["df"] == pytest.approx(3.0)
    assert found["p"] == pytest.approx(plain["p"], rel=1e-6)


def test_every_answer_counted_three_times_gives_the_test_of_the_answers() -> None:
    n = np.array([400.0, 250.0, 150.0])
    x = np.array([130.0, 75.0, 66.0])
    pooled = x.sum() / n.sum()
    draws = with_covariance(np.diag(pooled * (1 - pooled) / n), x / n)
    sizes = np.tile(n, (3, 1))
    once = survey.rao_scott(x, n, draws * n, sizes, rows=800, factor=1.0)
    thrice = survey.rao_scott(3 * x, 3 * n, 3 * draws * n, 3 * sizes, rows=2400, factor=1.0)
    assert thrice["design_effect"] == pytest.approx(3.0)
    assert thrice["pearson"] == pytest.approx(3 * once["pearson"])  # type: ignore[operator]
    assert thrice["p"] == pytest.approx(once["p"])


def test_design_effects_of_one_and_three_are_averaged_by_hand() -> None:
    # Delta has the eigenvalues 1 and 3: db = 2, 1 + c = 10 / 8, nu = 2 / 1.25 = 1.6.
    n = np.array([300.0, 300.0, 300.0])
    x = np.array([90.0, 120.0, 105.0])
    pooled = 0.35
    v0 = pooled * (1 - pooled) * (np.diag([1 / 300] * 2) + 1 / 300)
    root = np.linalg.cholesky(v0)
    v = root @ np.diag([1.0, 3.0]) @ root.T
    rates = x / n
    draws = np.tile(rates, (2, 1))
    draws[:, 1:] += np.linalg.cholesky(v).T
    found = survey.rao_scott(
        x, n, draws * n, np.tile(n, (2, 1)), rows=900, factor=1.0, df_design=79
    )
    assert found["design_effect"] == pytest.approx(2.0)
    assert found["df"] == pytest.approx(1.6)
    assert found["df_error"] == pytest.approx(79 * 1.6)
    pearson = float((300 * (rates - pooled) ** 2).sum() / (pooled * (1 - pooled)))
    assert found["pearson"] == pytest.approx(pearson)
    assert found["statistic"] == pytest.approx(pearson / 4)
    assert found["p"] == pytest.approx(stats.f.sf(pearson / 4, 1.6, 79 * 1.6))


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(4)), st.floats(0.01, 100))
def test_neither_the_order_of_groups_nor_the_unit_of_weights_matters(
    order: list[int], unit: float
) -> None:
    x, n, x_draws, n_draws, rows = drawn()
    first = survey.rao_scott(x, n, x_draws, n_draws, rows=rows)
    second = survey.rao_scott(
        unit * x[order],
        unit * n[order],
        unit * x_draws[:, order],
        unit * n_draws[:, order],
        rows=rows,
    )
    for key in ("statistic", "df", "p", "design_effect"):
        assert second[key] == pytest.approx(first[key])


def test_undefined_is_a_reason() -> None:
    x, n, x_draws, n_draws, rows = drawn()

    def why(*values: Floats) -> str | None:
        found = survey.rao_scott(*values, rows=rows)
        assert found["p"] is None
        return found["undefined"]

    assert why(x[:1], n[:1], x_draws[:, :1], n_draws[:, :1]) == "one-group"
    assert why(0 * x, n, 0 * x_draws, n_draws) == "one-class"
    assert why(n, n, n_draws, n_draws) == "one-class"
    broken = n_draws.copy()
    broken[3, 1] = -2.0
    assert why(x, n, x_draws, broken) == "empty-replicate"
    assert why(x, n, np.tile(x, (80, 1)), np.tile(n, (80, 1))) == "no-variance"


def test_an_empty_group_is_left_out() -> None:
    x, n, x_draws, n_draws, rows = drawn()
    first = survey.rao_scott(x, n, x_draws, n_draws, rows=rows)
    pad = np.zeros((80, 1))
    second = survey.rao_scott(
        np.append(x, 0.0),
        np.append(n, 0.0),
        np.hstack([x_draws, pad]),
        np.hstack([n_draws, pad]),
        rows=rows,
    )
    assert second == first


def test_deflated_counts_keep_the_weighted_rate() -> None:
    counts, sizes = survey.deflated([30.0, 0.0, 5.0], [100.0, 50.0, 0.0], [80, 40, 0], 2.0)
    assert (counts.tolist(), sizes.tolist()) == ([12, 0, 0], [40, 20, 0])
    assert survey.deflated([30.0], [100.0], [80], 0.5)[1].tolist() == [80]


def test_the_replicates_of_the_simulation_are_orthogonal() -> None:
    matrix = nulls.hadamard()
    assert np.array_equal(matrix @ matrix.T, 80 * np.eye(80))
    factors = nulls.sdr_factors(500)
    assert factors.min() > 0.29
    assert factors.mean() == pytest.approx(1.0, abs=0.01)
