"""Closed forms of how many people must go to a person, against the program."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.abstention_cells import Cells, Wish
from metrics.abstention_region import (
    reach_flipping,
    region,
    share_abstaining,
    share_among_decided,
    share_flipping,
    smallest_share,
)


def shares(rng: np.random.Generator) -> np.ndarray:
    """Two groups of a model that is right more often than not, in shares of a large sample."""
    out = np.zeros((2, 2, 2))
    for g in range(2):
        base, fp, fn = rng.uniform(0.1, 0.6), rng.uniform(0.02, 0.3), rng.uniform(0.02, 0.3)
        out[g, 1] = base * fn, base * (1 - fn)
        out[g, 0] = (1 - base) * (1 - fp), (1 - base) * fp
    return out * 1e6


def rates(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = counts.sum(axis=(1, 2))
    base, selected = counts[:, 1].sum(axis=1) / n, counts[:, :, 1].sum(axis=1) / n
    return base, selected, (counts[:, 0, 1] + counts[:, 1, 0]) / n


def test_the_share_without_flips_is_the_excess_of_the_selection_rate() -> None:
    """Check 9.2 where the group has enough false positives."""
    rng, met = np.random.default_rng(0), 0
    for _ in range(100):
        counts = shares(rng)
        _, selected, error = rates(counts)
        gap = float(rng.uniform(0.0, 0.1))
        high = int(selected.argmax())
        wanted = share_abstaining(selected.tolist(), gap)
        if counts[high, 0, 1] / 1e6 < error[high] * wanted:
            continue
        wish = Wish(reading="whole", gap=gap, share=0.0)
        assert smallest_share(Cells.of(counts), wish) == pytest.approx(wanted, abs=1e-6)
        met += 1
    assert met > 60


def test_the_share_with_free_flips_is_that_of_the_closed_form() -> None:
    """Check 9.2."""
    rng = np.random.default_rng(1)
    for _ in range(100):
        counts = shares(rng)
        base, _, error = rates(counts)
        gap = float(rng.uniform(0.0, 0.05))
        wish = Wish(reading="whole", gap=gap, share=1.0, flips=1.0)
        wanted = share_flipping((base[0], base[1]), (error[0], error[1]), gap)
        found = smallest_share(Cells.of(counts), wish, group=int(base.argmax()))
        assert found == pytest.approx(wanted, abs=1e-4)


def test_a_limit_on_the_difference_of_shares_asks_for_more() -> None:
    counts = np.array([[[300, 20], [20, 660]], [[850, 20], [10, 120]]]) * 1000.0
    base, _, error = rates(counts)
    rest = (base[0], base[1]), (error[0], error[1]), 0.05
    wish = Wish(reading="whole", gap=0.05, share=1.0, flips=1.0, spread=(0.05, 1.0, 1.0))
    found = smallest_share(Cells.of(counts), wish, group=0)
    assert share_flipping(*rest, 0.05) > share_flipping(*rest)
    assert found == pytest.approx(share_flipping(*rest, 0.05), abs=1e-3)


def test_reachable_rates_are_those_the_program_reaches() -> None:
    counts = np.array([[[300, 20], [20, 660]], [[850, 20], [10, 120]]]) * 1000.0
    base, _, error = rates(counts)
    low, high = reach_flipping(base, 0.1, error)
    gap = float(low[0] - high[1])
    for margin, feasible in ((1e-4, True), (-1e-4, False)):
        wish = Wish(reading="whole", gap=gap + margin, share=(0.1, 1.0), flips=1.0)
        found = smallest_share(Cells.of(counts), wish, group=0)
        assert found is not None
        assert (found <= 0.1) is feasible


def test_rates_among_the_decided_need_at_least_the_closed_form() -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        counts = shares(rng)
        _, selected, _ = rates(counts)
        bound = share_among_decided(selected.tolist(), 0.05)
        found = smallest_share(Cells.of(counts), Wish(gap=0.05))
        assert found is None or found >= bound - 1e-6


def test_wider_gaps_need_fewer_people() -> None:
    counts = np.array([[[1200, 200], [300, 400]], [[1500, 60], [200, 150]]])
    found = region(counts, Wish(reading="whole"), [0.0, 0.05, 0.1, 0.2])
    needed = [row["share"] for row in found]
    assert needed == sorted(needed, reverse=True)
    assert needed[-1] == pytest.approx(0.0, abs=1e-9)
    assert needed[0] == pytest.approx(share_abstaining([600 / 2100, 210 / 1910], 0.0), abs=1e-9)
