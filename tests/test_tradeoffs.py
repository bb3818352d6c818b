"""Comparing a setting with the audited decisions: against plain loops over rows."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.choice import recommend, undominated
from metrics.tradeoffs import (
    Settings,
    changed,
    compared,
    disparity,
    group_gaps,
    group_rates,
    joint,
    paired,
    totals,
)


def rows(n: int = 3000, seed: int = 1) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    group = rng.choice([-1, 0, 1, 2], n, p=[0.05, 0.5, 0.4, 0.05])
    label = rng.choice([-1, 0, 1], n, p=[0.1, 0.5, 0.4])
    before = (rng.random(n) < 0.3 + 0.2 * (group == 0)).astype(int)
    after = np.where(rng.random(n) < 0.1, 2, np.where(rng.random(n) < 0.2, 1, before))
    return group, label, before, after


def test_rates_gaps_and_moves_equal_loops_over_rows() -> None:
    group, label, before, after = rows()
    table = joint(group, label, before, after, 3)
    assert table.sum() == len(group)
    decided = after < 2
    value = {}
    for found in group_rates(table, ("selection-rate", "accuracy", "tpr")):
        mine = np.full(len(group), True) if found["group"] is None else group == found["group"]
        use = mine & decided
        if found["metric"] == "selection-rate":
            assert found["value"] == pytest.approx(after[use].mean())
            value[found["group"]] = found["value"]
        elif found["metric"] == "accuracy":
            use &= label >= 0
            assert found["value"] == pytest.approx((after[use] == label[use]).mean())
        assert found["low"] < found["value"] < found["high"]
    groups = compared(table, Settings())
    assert groups.tolist() == [0, 1, 2]
    spread = max(value[g] for g in (0, 1, 2)) - min(value[g] for g in (0, 1, 2))
    assert disparity(table.sum(axis=2), groups, ("selection-rate",)) == pytest.approx(spread)
    gap = next(g for g in group_gaps(table, 0, Settings()) if g["group"] == 1)
    assert gap["value"] == pytest.approx(value[1] - value[0])
    moves = changed(table)[2]
    mine = group == 1
    assert moves["up"] == ((before == 0) & (after == 1) & mine).sum()
    assert moves["to_human"] == ((after == 2) & mine).sum()


def test_paired_counts_are_those_of_the_rows_decided_both_times() -> None:
    group, label, before, after = rows()
    found = paired(joint(group, label, before, after, 3))[0]
    use = (label >= 0) & (after < 2)
    right = before[use] == label[use], after[use] == label[use]
    assert (found["n01"], found["n10"]) == (
        int((~right[0] & right[1]).sum()),
        int((right[0] & ~right[1]).sum()),
    )
    assert found["low"] < found["diff"] < found["high"]


def test_a_setting_that_changes_nothing_changes_nothing_for_certain() -> None:
    group, label, before, _ = rows()
    table = joint(group, label, before, before, 3)
    found = totals(table, Settings(settings=9), name="same")
    for change in found["change"].values():
        assert (change["value"], change["low"], change["high"]) == (0.0, 0.0, 0.0)
    assert found["coverage"]["value"] == 1.0


def test_bars_of_many_settings_are_wider_and_repeat() -> None:
    group, label, before, after = rows()
    table = joint(group, label, before, after, 3)
    found = totals(table, Settings(settings=9), name="a")
    bar = found["accuracy"]
    assert bar["band_low"] < bar["low"] < bar["value"] < bar["high"] < bar["band_high"]
    assert totals(table, Settings(settings=9), name="a") == found


def test_the_standard_deviation_is_that_of_resampled_rows() -> None:
    group, label, before, after = rows()
    rng = np.random.default_rng(0)
    settings = Settings()
    found = totals(joint(group, label, before, after, 3), settings, name="a")["change"]["accuracy"]
    drawn = []
    for _ in range(400):
        i = rng.integers(0, len(group), len(group))
        use = (label[i] >= 0) & (after[i] < 2)
        known = label[i] >= 0
        drawn.append((after[i] == label[i])[use].mean() - (before[i] == label[i])[known].mean())
    reach = (found["high"] - found["low"]) / 2 / 1.959964
    assert reach == pytest.approx(np.std(drawn), rel=0.12)


def test_small_groups_are_not_compared_and_one_group_has_no_disparity() -> None:
    group, label, before, after = rows()
    table = joint(group, label, before, after, 3)
    assert compared(table, Settings(floor=1000)).tolist() == [0, 1]
    found = totals(table, Settings(floor=1300), name="a")["disparity"]
    assert found["value"] is None
    assert found["undefined"] == "empty-denominator"


def test_the_recommended_setting_keeps_the_limit_at_the_least_cost() -> None:
    points = [(0.20, 0.80, 1.0), (0.04, 0.78, 1.0), (0.03, 0.77, 1.0), (0.01, 0.79, 0.8)]
    assert recommend(points, 0.05) == (1, True)
    assert recommend(points, 0.02) == (2, False)
    assert recommend(points, 0.02, least_coverage=0.5) == (3, True)
    assert recommend([(float("nan"), 0.5, 1.0)], 0.05) == (None, False)


def test_a_point_that_another_beats_in_both_is_dominated() -> None:
    points = [(0.2, 0.8), (0.1, 0.8), (0.05, 0.7), (0.06, 0.69), (float("nan"), 1.0)]
    assert undominated(points) == [False, True, True, False, False]
