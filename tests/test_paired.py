"""Paired differences against brute force, exact laws and simulated tables with known truth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from metrics import intervals, paired, rates

SLUGS = ("selection-rate", "tpr", "fpr", "precision", "accuracy")


def people(rng: np.random.Generator, n: int, *, abstain: bool = False) -> tuple[np.ndarray, ...]:
    label = rng.choice([-1, 0, 1], n, p=[0.1, 0.5, 0.4])
    most = 3 if abstain else 2
    first = rng.integers(0, most, n)
    second = np.where(rng.random(n) < 0.8, first, rng.integers(0, most, n))
    return rng.integers(-1, 3, n), label, first, second


def seen(slug: str, label: int, decision: int) -> int:
    """Outside, below or above, from the masks of the registry and nothing else."""
    rate = rates.REGISTRY[slug]
    assert isinstance(rate, rates.Rate)
    at = (rates.LABELS.index("?01"[label + 1]), rates.DECISIONS.index("?01a"[decision + 1]))
    return int(rate.denominator[at]) + int(rate.numerator[at])


@pytest.mark.parametrize("slug", SLUGS)
def test_joint_counts_and_their_nine_places_equal_a_loop_over_people(slug: str) -> None:
    rng = np.random.default_rng(1)
    codes, label, first, second = people(rng, 400, abstain=True)
    counted = paired.joint(codes, 3, label, first, second)
    wanted = np.zeros((4, 3, 3), dtype=int)
    for c, y, a, b in zip(codes, label, first, second, strict=True):
        wanted[c + 1, seen(slug, y, a), seen(slug, y, b)] += 1
    assert (paired.nine(counted, slug) == wanted).all()
    assert counted.sum() == 400


def test_margins_of_the_joint_counts_are_the_counts_of_each_audit_alone() -> None:
    codes, label, first, second = people(np.random.default_rng(2), 1000, abstain=True)
    counted = paired.joint(codes, 3, label, first, second)
    for slug in SLUGS:
        x1, n1, x2, n2 = paired.margins(paired.nine(counted, slug))
        for x, n, other in ((x1, n1, 3), (x2, n2, 2)):
            above, below = rates.tally(counted.sum(axis=other), (slug,))
            assert (x == above[..., 0]).all()
            assert (n == below[..., 0]).all()


def test_the_test_of_a_paired_rate_is_mcnemars_with_the_binomial_law() -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        cells = np.zeros((3, 3), dtype=np.int64)
        cells[1:, 1:] = rng.integers(0, 30, (2, 2))
        up, down = int(cells[1, 2]), int(cells[2, 1])
        wanted = 1.0 if up + down == 0 else stats.binomtest(up, up + down).pvalue
        assert paired.change_p(cells, "tpr") == pytest.approx(wanted, rel=1e-9)


def law(n: int, up: float, down: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every outcome of a trinomial draw that matters, with its probability."""
    u, w = np.array([(i, j) for i, j in product(range(n + 1), repeat=2) if i + j <= n]).T
    p = stats.multinomial.pmf(np.stack([u, w, n - u - w], axis=1), n, [up, down, 1 - up - down])
    keep = p > 1e-14
    return u[keep], w[keep], p[keep]


def as_cells(u: np.ndarray, w: np.ndarray, n: int) -> np.ndarray:
    cells = np.zeros((u.size, 3, 3), dtype=np.int64)
    cells[:, 1, 2], cells[:, 2, 1], cells[:, 2, 2] = u, w, n - u - w
    return cells


@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.002])
@pytest.mark.parametrize(
    ("n", "up", "down"), [(30, 0.15, 0.15), (100, 0.08, 0.02), (100, 0.02, 0.02), (150, 0.3, 0.1)]
)
def test_the_interval_of_a_paired_difference_misses_as_often_as_it_says(
    alpha: float, n: int, up: float, down: float
) -> None:
    u, w, p = law(n, up, down)
    _, low, high = paired.difference(as_cells(u, w, n), "tpr", alpha)
    missed = p[(low > up - down + 1e-12) | (high < up - down - 1e-12)].sum()
    assert missed <= 1.5 * alpha


def test_two_independent_intervals_would_be_far_too_long() -> None:
    cells = as_cells(np.array([30]), np.array([10]), 1000)
    cells[:, 1, 1] = 500
    cells[:, 2, 2] = 460
    _, low, high = paired.difference(cells, "tpr", 0.05)
    first = intervals.jeffreys(470, 1000, 0.05)
    second = intervals.jeffreys(490, 1000, 0.05)
    apart = intervals.square_and_add(0.49, *second, 0.47, *first)
    assert 3 * (high - low)[0] < apart[1] - apart[0]


@pytest.mark.parametrize("alpha", [0.05, 0.002])
def test_the_interval_of_precision_covers_though_its_people_differ(alpha: float) -> None:
    rng = np.random.default_rng(4)
    # below both lines: right, wrong; only the first: right, wrong; only the second; neither
    p = np.array([0.20, 0.08, 0.03, 0.05, 0.06, 0.02, 0.56])
    drawn = rng.multinomial(300, p, 20_000)
    cells = np.zeros((len(drawn), 3, 3), dtype=np.int64)
    for at, j in (((2, 2), 0), ((1, 1), 1), ((2, 0), 2), ((1, 0), 3), ((0, 2), 4), ((0, 1), 5)):
        cells[:, *at] = drawn[:, j]
    cells[:, 0, 0] = drawn[:, 6]
    truth = (p[0] + p[4]) / (p[[0, 1, 4, 5]].sum()) - (p[0] + p[2]) / p[:4].sum()
    value, low, high = paired.difference(cells, "precision", alpha)
    assert value.mean() == pytest.approx(truth, abs=1e-3)
    assert ((low > truth) | (high < truth)).mean() <= 1.5 * alpha + 5e-4
    assert np.sqrt(paired.variance(cells, "precision")).mean() == pytest.approx(
        value.std(), rel=0.05
    )


@pytest.mark.parametrize("alpha", [0.05, 0.002])
@pytest.mark.parametrize(
    ("sizes", "group", "other"),
    [
        ((60, 400), (0.3, 0.3), (0.05, 0.05)),
        ((100, 5000), (0.05, 0.05), (0.01, 0.01)),
        ((100, 5000), (0.03, 0.0), (0.08, 0.05)),
        ((400, 5000), (0.15, 0.15), (0.15, 0.15)),
    ],
)
def test_an_unchanged_gap_is_called_changed_no_more_often_than_the_level(
    alpha: float, sizes: tuple[int, int], group: tuple[float, float], other: tuple[float, float]
) -> None:
    rng = np.random.default_rng(5)

    def draw(n: int, up: float, down: float) -> np.ndarray:
        return rng.multinomial(n, [up, down, 1 - up - down], 30_000)[:, :2]

    both, times = np.unique(
        np.hstack([draw(sizes[0], *group), draw(sizes[1], *other)]), axis=0, return_counts=True
    )
    own, rest = as_cells(*both.T[:2], sizes[0]), as_cells(*both.T[2:], sizes[1])
    _, low, high = paired.gap_change(own, rest, "tpr", alpha)
    p = paired.gap_change_p(own, rest, "tpr")
    alarms = times @ ((p <= alpha) & ((low > 0) | (high < 0))) / times.sum()
    assert alarms <= 1.2 * alpha + 5e-4


def test_identical_decisions_have_no_difference_and_an_honest_width() -> None:
    cells = np.zeros((1, 3, 3), dtype=np.int64)
    cells[0, 1, 1], cells[0, 2, 2] = 70, 30
    value, low, high = paired.difference(cells, "tpr", 0.05)
    assert value[0] == 0
    assert low[0] == -high[0]
    # Of 100 people none changed: up to 2.5 in 100 might.
    assert 0.02 < high[0] < 0.05
    assert paired.change_p(cells, "tpr")[0] == 1


def test_swapping_the_two_decisions_turns_every_number_round() -> None:
    codes, label, first, second = people(np.random.default_rng(6), 2000, abstain=True)
    there = paired.joint(codes, 3, label, first, second)
    back = paired.joint(codes, 3, label, second, first)
    for slug in SLUGS:
        one = paired.difference(paired.nine(there, slug), slug, 0.05)
        two = paired.difference(paired.nine(back, slug), slug, 0.05)
        assert one[0] == pytest.approx(-two[0])
        assert one[1] == pytest.approx(-two[2])
        assert paired.change_p(paired.nine(there, slug), slug) == pytest.approx(
            paired.change_p(paired.nine(back, slug), slug)
        )


def test_nobody_below_the_line_is_no_number() -> None:
    cells = np.zeros((1, 3, 3), dtype=np.int64)
    cells[0, 0, 0] = 5
    for value in (*paired.difference(cells, "tpr", 0.05), paired.change_p(cells, "tpr")):
        assert np.isnan(value[0])


def test_everybody_turned_round_stays_inside_the_range_of_a_difference() -> None:
    cells = as_cells(np.array([40]), np.array([0]), 40)
    value, low, high = paired.difference(cells, "tpr", 0.05)
    assert (value[0], high[0]) == (1.0, 1.0)
    assert 0.85 < low[0] < 1.0


def test_a_rate_that_is_no_proportion_is_refused() -> None:
    with pytest.raises(ValueError, match="no proportion"):
        paired.places("predicted-actual-ratio")
