"""Error rates, power and coverage of the verdicts over whole simulated reports.

The benchmark of the same name runs the full numbers of draws against tighter bounds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import verdicts as measured
from benchmarks.populations import acs, simulated
from metrics import scores

ACS = pytest.param("acs", marks=pytest.mark.shared_data)


@pytest.fixture(scope="module", params=["simulated", ACS])
def shares(request: pytest.FixtureRequest) -> np.ndarray:
    """Population the reports are drawn from."""
    if request.param == "simulated":
        return simulated()
    folder: Path = request.getfixturevalue("shared_data")
    return acs(folder / "acs-folktables-2018")


@pytest.mark.slow
def test_fair_data_give_a_finding_in_at_most_one_report_of_twenty(shares: np.ndarray) -> None:
    count = measured.false_reports(shares, draws=200, seed=1)
    assert count["procedure"] <= 16
    assert count["test_only"] == 0
    assert count["unadjusted"] > 150


def test_shuffling_keeps_the_groups_and_the_pairs() -> None:
    rng = np.random.default_rng(0)
    counts = next(measured.samples(simulated(), 20_000, 1, rng))
    other = measured.shuffled(counts, rng)
    assert (other.sum(axis=(3, 4)) == counts.sum(axis=(3, 4))).all()
    assert (other.sum(axis=(0, 1, 2)) == counts.sum(axis=(0, 1, 2))).all()
    assert (other != counts).any()


@pytest.mark.slow
@pytest.mark.parametrize("gap", [0.10, -0.10])
@pytest.mark.parametrize("layout", range(2))
def test_ten_points_in_a_cell_of_500_are_found_and_named_first(layout: int, gap: float) -> None:
    sizes, cell = list(measured.planted_layouts(simulated()).values())[layout]
    result = measured.planted(sizes, cell, gap=gap, draws=200, seed=2)
    assert result.found >= 160
    assert result.first >= 160


@pytest.mark.parametrize("n", [300, 1000, 2000])
def test_a_gap_at_the_tolerance_is_rarely_called_none_and_never_above(n: int) -> None:
    said = measured.at_tolerance(n, draws=20_000, seed=3)
    assert said["no-difference"] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 20_000)
    assert said["above"] <= 0.001


@pytest.mark.slow
@pytest.mark.shared_data
def test_all_true_differences_of_real_data_lie_inside_their_thin_bars(shared_data: Path) -> None:
    held = measured.coverage(acs(shared_data / "acs-folktables-2018"), draws=1000)
    assert held["Jeffreys"] >= 0.94
    assert held["Wilson"] < 0.94


@pytest.mark.slow
def test_all_true_differences_of_simulated_data_lie_inside_their_thin_bars() -> None:
    held = measured.coverage(simulated(), draws=400)
    assert held["Jeffreys"] >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / 400)
    assert held["Wilson"] < held["Jeffreys"]


@pytest.mark.parametrize("seed", range(5))
def test_the_auc_variance_is_delongs_on_tied_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive, negative = rng.integers(3, 12, 23), rng.integers(0, 9, 31)
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    expected = wins.mean(1).var(ddof=1) / 23 + wins.mean(0).var(ddof=1) / 31
    counts = [np.bincount(v, minlength=12) for v in (positive, negative)]
    auc, variance = scores.delong(*counts)
    assert float(auc) == pytest.approx(wins.mean(), abs=1e-12)
    assert float(variance) == pytest.approx(expected, abs=1e-12)


def test_the_logit_interval_of_an_auc_covers_at_fifty_rows() -> None:
    assert 0.94 <= measured.auc_coverage(50, draws=3000) <= 0.97


@pytest.mark.parametrize("n", [50, 1000])
def test_the_calibration_test_keeps_its_level(n: int) -> None:
    assert 0.035 <= measured.calibration_size(n, draws=2000) <= 0.065


def test_a_whole_verdict_pass_is_quick() -> None:
    number, seconds = measured.pass_time(simulated(), repeats=7)
    assert number == 329
    # Five times the bound of the benchmark: the machine may be busy.
    assert seconds <= 0.1
