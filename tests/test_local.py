"""Gaps inside regions: counts, intervals and the null of the widest, beside brute force."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import beta

from metrics import local, local_families
from metrics.local_families import Family
from metrics.subgroup_columns import Descriptor, declared

RNG = np.random.default_rng


def family(codes: np.ndarray, size: int) -> Family:
    return Family("declared", (codes.astype(np.int64),), tuple(f"r{i}" for i in range(size)))


def rows(n: int, seed: int, regions: int = 4, groups: int = 2) -> tuple[np.ndarray, ...]:
    rng = RNG(seed)
    return (
        rng.integers(-1, regions, n), rng.integers(-1, groups, n), rng.random(n) < 0.4,
        rng.random(n) < 0.9,
    )  # fmt: skip


@pytest.mark.parametrize("groups", [2, 3])
def test_a_gap_is_the_difference_of_the_highest_and_the_lowest_rate(groups: int) -> None:
    region, group, hit, counted = rows(600, 1, groups=groups)
    found = local.measure(family(region, 4), group, hit, counted, groups, rng=RNG(0), draws=19)
    for gap in found.gaps:
        r = int(gap.region[1:])
        rates = []
        for g in range(groups):
            mine = (region == r) & (group == g) & counted
            assert gap.n[g] == mine.sum()
            rates.append(hit[mine].mean())
        assert gap.gap == pytest.approx(max(rates) - min(rates))
        assert rates[gap.more] == max(rates) and rates[gap.less] == min(rates)
    widths = [gap.gap for gap in found.gaps]
    assert widths == sorted(widths, reverse=True) and found.worst == widths[0]


def test_an_interval_is_that_of_the_beta_distribution_by_hand() -> None:
    group = np.repeat([0, 1], [40, 25])
    hit = np.r_[np.arange(40) < 30, np.arange(25) < 5]
    found = local.measure(
        family(np.zeros(65), 1), group, hit, np.ones(65, bool), 2, rng=RNG(0), draws=19
    )
    (gap,) = found.gaps

    def limits(x: int, n: int) -> tuple[float, float, float]:
        return x / n, *beta.ppf([0.025, 0.975], x + 0.5, n - x + 0.5)

    p1, l1, u1 = limits(30, 40)
    p2, l2, u2 = limits(5, 25)
    assert gap.low == pytest.approx(p1 - p2 - np.hypot(p1 - l1, u2 - p2))
    assert gap.high == pytest.approx(p1 - p2 + np.hypot(u1 - p1, p2 - l2))


def test_an_interval_of_the_widest_of_three_pairs_shares_the_level() -> None:
    group = np.repeat([0, 1, 2], 30)
    hit = np.r_[np.arange(30) < 20, np.arange(30) < 15, np.arange(30) < 10]
    everybody = np.ones(90, bool)
    three = local.measure(family(np.zeros(90), 1), group, hit, everybody, 3, rng=RNG(0), draws=9)
    ends = group != 1
    two = local.measure(
        family(np.zeros(60), 1), group[ends], hit[ends], everybody[ends], 3, rng=RNG(0), draws=9,
        alpha=0.05 / 3,
    )  # fmt: skip
    assert (three.gaps[0].low, three.gaps[0].high) == (two.gaps[0].low, two.gaps[0].high)


def test_a_region_needs_ten_rows_of_two_groups() -> None:
    region = np.repeat([0, 1], 30)
    group = np.r_[np.repeat([0, 1], [21, 9]), np.repeat([0, 1], [20, 10])]
    found = local.measure(
        family(region, 2), group, np.arange(60) % 2 == 0, np.ones(60, bool), 2, rng=RNG(0)
    )
    assert [gap.region for gap in found.gaps] == ["r1"] and found.left_out == 1
    none = local.measure(
        family(region, 2), group, np.ones(60, bool), np.ones(60, bool), 2, rng=RNG(0), least=25
    )
    assert none.worst is None and none.p is None and none.left_out == 2


def test_the_null_is_that_of_every_order_of_the_outcomes() -> None:
    """Five rows in each of two regions: all 120 x 120 orders, counted out."""
    group = np.array([0, 0, 1, 1, 1])
    first, second = np.array([1, 0, 1, 0, 0]), np.array([1, 1, 0, 1, 0])

    def widths(hit: np.ndarray) -> np.ndarray:
        return np.array(
            [abs(np.mean(np.array(o)[group == 0]) - np.mean(np.array(o)[group == 1]))
             for o in permutations(hit)]
        )  # fmt: skip

    exact = np.maximum(widths(first)[:, None], widths(second)[None, :]).ravel()
    found = local.measure(
        family(np.repeat([0, 1], 5), 2), np.tile(group, 2), np.r_[first, second] == 1,
        np.ones(10, bool), 2, rng=RNG(3), least=2, draws=20_000,
    )  # fmt: skip
    assert found.null_mean == pytest.approx(exact.mean(), abs=0.005)
    assert found.null_p95 == pytest.approx(np.quantile(exact, 0.95), abs=1e-9)
    assert found.worst is not None
    assert found.p == pytest.approx((exact >= found.worst - 1e-12).mean(), abs=0.012)


def test_the_null_agrees_with_shuffling_rows() -> None:
    region, group, hit, counted = rows(500, 4, groups=3)
    found = local.measure(family(region, 4), group, hit, counted, 3, rng=RNG(0), draws=4000)
    rng = RNG(9)
    seen = []
    used = (group >= 0) & counted & (region >= 0)
    for _ in range(800):
        mixed = hit.copy()
        for r in range(4):
            at = np.flatnonzero(used & (region == r))
            mixed[at] = hit[rng.permutation(at)]
        widest = []
        for r in range(4):
            rates = [mixed[used & (region == r) & (group == g)].mean() for g in range(3)]
            widest.append(max(rates) - min(rates))
        seen.append(max(widest))
    assert found.null_mean == pytest.approx(np.mean(seen), abs=0.006)
    assert found.null_p95 == pytest.approx(np.quantile(seen, 0.95), abs=0.02)


def test_a_p_value_is_as_rarely_small_as_it_says() -> None:
    small = 0
    for seed in range(200):
        region, group, hit, counted = rows(400, seed)
        p = local.measure(family(region, 4), group, hit, counted, 2, rng=RNG(seed), draws=199).p
        assert p is not None
        small += p <= 0.1
    assert 8 <= small <= 34


def test_a_rank_gap_needs_no_threshold() -> None:
    region, group, _, counted = rows(300, 5)
    score = RNG(0).normal(size=300) + 0.5 * (group == 1)
    found = local.rank_gap(family(region, 4), group, score, counted, 2)
    order = (score[:, None] > score).sum(axis=1) + 1
    by_hand = []
    for r in range(4):
        means = [order[(region == r) & (group == g) & counted].mean() / 300 for g in range(2)]
        by_hand.append(max(means) - min(means))
    assert found == pytest.approx(max(by_hand))
    again = local.rank_gap(family(region, 4), group, np.exp(score), counted, 2)
    assert again == pytest.approx(found)
    assert np.isnan(local.rank_gap(family(region, 4), group, score, counted, 2, least=200))


def test_declared_regions_cross_columns_and_leave_blanks_out() -> None:
    age = np.array([20.0, 30.0, 40.0, 50.0, np.nan])
    sex = np.array([0, 1, 0, 1, 1])
    made = local_families.declared(
        [declared(Descriptor("age", age, cuts=(35.0,))),
         declared(Descriptor("sex", sex, levels=("women", "men")))]
    )  # fmt: skip
    assert [made.words[c] if c >= 0 else None for c in made.layers[0]] == [
        "age under 35 and sex women",
        "age under 35 and sex men",
        "age from 35 up and sex women",
        "age from 35 up and sex men",
        None,
    ]


def test_quantile_regions_are_bins_of_one_column_each() -> None:
    rng = RNG(0)
    made = local_families.quantile(
        [Descriptor("a", rng.normal(size=400)), Descriptor("b", rng.normal(size=400))]
    )
    assert len(made) == 8 and len(made.layers) == 2
    assert np.bincount(made.layers[0]).min() >= 80
    assert set(made.layers[1]) == {4, 5, 6, 7}
    assert made.words[0].startswith("a under") and made.words[-1].startswith("b from")


def test_a_tree_is_measured_on_rows_it_was_not_found_on() -> None:
    rng = RNG(2)
    n = 6000
    age, group = rng.uniform(20, 80, n), rng.integers(0, 2, n)
    hit = rng.random(n) < np.where((age < 40) & (group == 1), 0.2, 0.6)
    everybody = np.ones(n, bool)
    columns = [Descriptor("age", age), Descriptor("noise", rng.normal(size=n))]
    made = local_families.tree(columns, group, hit, everybody, 2, rng=RNG(0))
    assert made.words[0].startswith("age under") and made.words[1] == "everybody else"
    measured = made.layers[0] >= 0
    assert measured.sum() == n // 2
    found = local.measure(made, group, hit, everybody, 2, rng=RNG(1))
    assert found.worst == pytest.approx(0.4, abs=0.08) and found.p == 0.001
    flipped = hit.copy()
    flipped[measured] = ~hit[measured]
    other = local_families.tree(columns, group, flipped, everybody, 2, rng=RNG(0))
    np.testing.assert_array_equal(other.layers[0], made.layers[0])
    quiet = local_families.tree(
        columns, group, rng.random(n) < 0.5, everybody, 2, rng=RNG(0), split=0.001
    )
    assert len(quiet) == 0 and local.measure(
        quiet, group, hit, everybody, 2, rng=RNG(1)
    ).worst is None  # fmt: skip


def test_random_regions_keep_their_sizes() -> None:
    region = rows(300, 6)[0]
    made = local_families.random(family(region, 4), RNG(0))
    np.testing.assert_array_equal(np.bincount(made.layers[0] + 1), np.bincount(region + 1))
    assert (made.layers[0] != region).any() and made.name == "random"


def test_regions_can_be_divided_by_the_label() -> None:
    region, group, hit, counted = rows(600, 8)
    label = RNG(3).integers(0, 2, 600)
    made = family(region, 4).crossed(label, ("refused", "granted"))
    found = local.measure(made, group, hit, counted, 2, rng=RNG(0), draws=9)
    shown = next(gap for gap in found.gaps if gap.region == "r2, granted")
    mine = (region == 2) & (label == 1) & counted
    assert shown.n == tuple(int((mine & (group == g)).sum()) for g in range(2))


def test_scores_that_are_all_alike_have_no_spread() -> None:
    assert local.score_sd(np.full(10, 0.5)) == 0.0
    assert local.score_sd(np.array([0.0, 1.0])) == 0.5
