"""The family, the four verdicts and their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metrics import verdicts
from metrics.intervals import jeffreys
from metrics.significance import fisher_central
from metrics.verdicts import Judgement, comparisons_of, family, join, judge, order


def one(
    x1: int, n1: int, x2: int, n2: int, *, tolerance: float = 0.05, **more: float
) -> Judgement:
    """Judge a report with a single comparison."""
    comparisons = comparisons_of([n2, n1], [x2, x1], [n2, n1], kind="attribute", reference=0)
    return judge(comparisons, tolerance=tolerance, **more)  # type: ignore[arg-type]


def test_weights_put_four_fifths_on_primary_metrics() -> None:
    weight, k1, k2 = family([True] * 6, [True, True, False, False, False, False])
    assert (k1, k2) == (2, 4)
    assert weight == pytest.approx([0.4, 0.4, 0.05, 0.05, 0.05, 0.05])


@pytest.mark.parametrize("primary", [True, False])
def test_weights_are_equal_where_one_kind_is_empty(primary: bool) -> None:
    weight, _, _ = family([True, True, False, True, True], [primary] * 5)
    assert weight == pytest.approx([0.25, 0.25, 0, 0.25, 0.25])


def test_a_complement_is_no_further_test() -> None:
    names = ["tpr a", "tpr b", "tpr a", "fpr a"]
    weight, k1, k2 = family([True] * 4, [True, True, False, False], names)
    assert (k1, k2) == (2, 1)
    assert weight == pytest.approx([0.4, 0.4, 0.4, 0.2])


def test_an_empty_family_has_no_weight() -> None:
    weight, k1, k2 = family([False, False], [True, False])
    assert weight.tolist() == [0, 0]
    assert (k1, k2) == (0, 0)
    assert family([], [])[0].size == 0


def test_a_single_comparison_keeps_the_whole_level() -> None:
    j = one(60, 200, 4000, 10_000)
    assert j.level[0] == 0.05
    assert j.p_adjusted[0] == j.p[0] == fisher_central(60, 200, 4000, 10_000)


def test_bars_are_jeffreys_limits_joined_at_their_levels() -> None:
    j = one(60, 200, 4000, 10_000, alpha=0.04)
    for level, low, high in ((0.04, j.low, j.high), (0.10, j.thick_low, j.thick_high)):
        (l1, u1), (l2, u2) = jeffreys(60, 200, level), jeffreys(4000, 10_000, level)
        assert low[0] == pytest.approx(-0.1 - np.hypot(0.3 - l1, u2 - 0.4))
        assert high[0] == pytest.approx(-0.1 + np.hypot(u1 - 0.3, 0.4 - l2))
    assert j.value[0] == pytest.approx(-0.1)
    assert j.b[0] == -j.thick_low[0]


@pytest.mark.parametrize(
    ("counts", "verdict", "size_class"),
    [
        ((500, 2000, 8000, 20_000), verdicts.DIFFERENCE, "above"),
        ((700, 2000, 8000, 20_000), verdicts.DIFFERENCE, "near"),
        ((8500, 20_000, 8000, 20_000), verdicts.DIFFERENCE, "below"),
        ((800, 2000, 8000, 20_000), verdicts.NO_DIFFERENCE, ""),
        ((80, 200, 8000, 20_000), verdicts.NOT_ENOUGH_DATA, ""),
    ],
)
def test_each_verdict_is_reached(
    counts: tuple[int, int, int, int], verdict: str, size_class: str
) -> None:
    j = one(*counts)
    assert j.verdict.tolist() == [verdict]
    assert j.size_class.tolist() == [size_class]
    mirrored = one(
        *(
            n - x if k == 0 else n
            for x, n in zip(counts[::2], counts[1::2], strict=True)
            for k in (0, 1)
        )
    )
    assert mirrored.verdict.tolist() == [verdict]
    assert mirrored.low[0] == pytest.approx(-j.high[0])


def test_a_ruled_out_gap_is_smaller_than_the_tolerance() -> None:
    j = one(800, 2000, 8000, 20_000)
    assert 0 < j.b[0] < 0.05


def test_a_tolerance_of_zero_never_finds_no_difference() -> None:
    j = one(400_000, 1_000_000, 400_000, 1_000_000, tolerance=0.0)
    assert j.verdict.tolist() == [verdicts.NOT_ENOUGH_DATA]
    assert np.isnan(j.rows_needed[0])
    found = one(500, 2000, 8000, 20_000, tolerance=0.0)
    assert found.size_class.tolist() == ["above"]


@pytest.mark.parametrize(
    ("counts", "enough"),
    [
        ((10, 30, 50, 100), True),
        ((10, 29, 50, 100), False),
        ((5, 40, 5, 10), True),
        ((5, 40, 5, 9), False),
    ],
)
def test_floors_are_inclusive(counts: tuple[int, int, int, int], enough: bool) -> None:
    j = one(*counts)
    assert j.in_family.tolist() == [enough]
    assert j.reason.tolist() == ["" if enough else verdicts.BELOW_FLOOR]


def test_the_denominator_has_a_floor_of_its_own() -> None:
    c = comparisons_of([400, 50, 60], [90, 4, 5], [200, 9, 10], kind="attribute")
    j = judge(c, tolerance=0.05)
    assert j.in_family.tolist() == [True, False, True]
    assert j.weight.tolist() == [0.5, 0.0, 0.5]
    assert j.verdict[1] == verdicts.NOT_ENOUGH_DATA
    assert np.isnan(j.low[1])
    assert np.isnan(j.p[1])
    assert np.isfinite(j.b[1])


def test_what_lies_below_the_floor_costs_the_others_nothing() -> None:
    few = comparisons_of([200, 90], [40, 20], [200, 90], kind="attribute", table="sex")
    many = comparisons_of([5] * 40, [1] * 40, [5] * 40, kind="intersection", table="cells")
    assert judge(join([few, many]), tolerance=0.05).level[0] == 0.05


def test_one_group_and_an_empty_metric_do_not_apply() -> None:
    j = judge(
        join(
            [
                comparisons_of([90], [30], [90], kind="attribute", table="a"),
                comparisons_of([0, 90], [0, 30], [0, 90], kind="intersection", table="b"),
                comparisons_of([90, 90], [0, 0], [0, 0], kind="attribute", table="c"),
            ]
        ),
        tolerance=0.05,
    )
    assert j.verdict.tolist() == [verdicts.NOT_APPLICABLE] * 3
    assert (j.k_primary, j.k_secondary) == (0, 0)
    assert order(j, [False] * 3).size == 0


def test_no_comparisons_at_all_are_judged_quietly() -> None:
    j = judge(join([]), tolerance=0.05)
    assert j.verdict.size == 0
    assert order(j, []).size == 0


def test_a_described_metric_gets_a_pointwise_bar_and_no_verdict() -> None:
    judged = comparisons_of([900, 800], [90, 300], [900, 800], kind="attribute", table="a")
    told = comparisons_of([900, 800], [90, 300], [900, 800], kind="attribute", judged=False)
    j = judge(join([judged, told]), tolerance=0.05)
    assert j.verdict.tolist() == [verdicts.DIFFERENCE, ""]
    assert j.weight.tolist() == [1.0, 0.0]
    assert j.low[1] == j.low[0]
    assert order(j, [False, False]).tolist() == [0]


def test_complement_metrics_get_mirrored_bars_and_one_verdict() -> None:
    rows = [900, 800, 700]
    tpr = comparisons_of(rows, [300, 320, 400], [500, 450, 480], kind="attribute", metric="tpr")
    fnr = comparisons_of(rows, [200, 130, 80], [500, 450, 480], kind="attribute", metric="fnr")
    alone, both = judge(tpr, tolerance=0.05), judge(join([tpr, fnr]), tolerance=0.05)
    assert both.k_secondary == 3
    assert both.level[:3].tolist() == alone.level.tolist()
    assert both.low[:3] == pytest.approx(-both.high[3:])
    assert both.verdict[:3].tolist() == both.verdict[3:].tolist()


@pytest.mark.parametrize(("x1", "x2"), [(0, 20_000), (20_000, 0), (0, 0), (20_000, 20_000)])
def test_rates_of_zero_and_one_need_no_special_case(x1: int, x2: int) -> None:
    j = one(x1, 20_000, x2, 20_000)
    for numbers in (j.value, j.p, j.p_adjusted, j.low, j.high, j.b, j.rows_needed, j.mdd):
        assert np.isfinite(numbers).all()
    expected = verdicts.NO_DIFFERENCE if x1 == x2 else verdicts.DIFFERENCE
    assert j.verdict.tolist() == [expected]


def test_rows_needed_and_detectable_difference_follow_their_formulas() -> None:
    j = one(100, 300, 20_000 // 3, 20_000)
    assert j.rows_needed[0] == pytest.approx(792, abs=2)
    pooled = (100 + 20_000 // 3) / 20_300
    spread = np.sqrt(pooled * (1 - pooled) * (1 / 300 + 1 / 20_000))
    z = stats.norm.isf(0.025) + 0.8416
    assert j.mdd[0] == pytest.approx(z * spread)
    assert np.isinf(one(30, 90, 100, 300).rows_needed[0])


def test_a_settled_zero_is_seen_in_four_of_five_groups_of_the_needed_size() -> None:
    needed = int(one(100, 300, 20_000 // 3, 20_000).rows_needed[0])
    rng = np.random.default_rng(0)
    x1, x2 = rng.binomial(needed, 1 / 3, 4000), rng.binomial(20_000, 1 / 3, 4000)
    limits = [one(a, needed, b, 20_000) for a, b in zip(x1[:600], x2[:600], strict=True)]
    settled = np.mean([j.verdict[0] == verdicts.NO_DIFFERENCE for j in limits])
    assert 0.75 <= settled <= 0.87


def test_findings_come_first_primary_before_others_and_by_supported_gap() -> None:
    def table(name: str, x: int, n: int, *, primary: bool) -> verdicts.Comparisons:
        return comparisons_of(
            [20_000, n], [8000, x], [20_000, n], kind="attribute", table=name, primary=primary
        )

    parts = [
        table("quiet", 2000, 5000, primary=False),
        table("tiny", 6, 15, primary=True),
        table("other, huge", 200, 2000, primary=False),
        table("first, wide but few", 30, 120, primary=True),
        table("first, narrow and many", 2500, 9000, primary=True),
        table("unsettled", 75, 200, primary=False),
        table("unsettled first", 79, 200, primary=True),
    ]
    c = join(parts)
    j = judge(c, tolerance=0.05)
    assert abs(j.value[3]) > abs(j.value[4])
    assert order(j, c.primary).tolist() == [4, 3, 2, 6, 5, 1, 0]


def test_equal_findings_keep_their_order() -> None:
    same = [
        comparisons_of([900, 800], [90, 300], [900, 800], kind="attribute", table=name)
        for name in "abc"
    ]
    j = judge(join(same), tolerance=0.05)
    assert order(j, [False] * 3).tolist() == [0, 1, 2]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=2, max_size=8))
def test_relabelling_cells_relabels_the_verdicts(cells: list[tuple[int, int]]) -> None:
    n = np.array([a + b for a, b in cells])
    x = np.array([a for a, _ in cells])
    back = np.arange(len(cells))[::-1]
    plain = judge(comparisons_of(n, x, n, kind="intersection"), tolerance=0.05)
    turned = judge(comparisons_of(n[back], x[back], n[back], kind="intersection"), tolerance=0.05)
    assert plain.verdict.tolist() == turned.verdict[::-1].tolist()
    assert plain.low == pytest.approx(turned.low[::-1], nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=8))
def test_verdicts_and_bars_agree_for_any_counts(cells: list[tuple[int, int]]) -> None:
    n = np.array([a + b for a, b in cells])
    x = np.array([a for a, _ in cells])
    c = join([comparisons_of(n, x, n, kind="intersection", primary=True)])
    j = judge(c, tolerance=0.08)
    found, quiet = j.verdict == verdicts.DIFFERENCE, j.verdict == verdicts.NO_DIFFERENCE
    assert ((j.low[found] > 0) | (j.high[found] < 0)).all()
    assert (j.p_adjusted[found] <= 0.05).all()
    assert (j.b[quiet] < 0.08).all()
    assert (j.low[j.in_family] <= j.thick_low[j.in_family] + 1e-12).all()
    assert (j.high[j.in_family] >= j.thick_high[j.in_family] - 1e-12).all()
    assert j.weight.sum() == pytest.approx(1.0 if j.in_family.any() else 0.0)
    assert (found == (j.size_class != "")).all()


@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_a_level_that_turns_the_bars_round_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        one(9, 40, 9, 40, alpha=alpha)


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the tolerance -0\.1 is negative"):
        one(9, 40, 9, 40, tolerance=-0.1)
