"""Groups: combinations, unknowns, empty levels, reference."""

from __future__ import annotations

import numpy as np

from metrics.count import count
from metrics.groups import Attribute, combine, grouping, largest

SEX = Attribute("sex", ("Male", "Female"), np.array([0, 1, 1, -1, 0]))
RACE = Attribute("race", ("A", "B", "C"), np.array([0, 0, 2, 2, -1]))


def test_every_single_column_comes_first_then_every_combination():
    assert combine(["a", "b", "c"], 2) == [
        ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"),
    ]  # fmt: skip
    assert combine(["a", "b", "c"], 3)[-1] == ("a", "b", "c")
    assert combine(["a", "b"], 1) == [("a",), ("b",)]


def test_unknowns_are_counted_apart_and_empty_levels_are_listed():
    counted = count([SEX, RACE], decision=np.array([1, 0, 1, 1, 0]))
    race = counted.outcome_groups(("race",))
    assert race.n.tolist() == [2, 0, 2]
    assert race.unknown.sum() == 1
    both = counted.outcome_groups(("sex", "race"))
    assert both.cells.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert both.n.tolist() == [1, 0, 0, 1, 0, 1]
    assert both.unknown.sum() == 2
    assert counted.outcome_groups(()).n.tolist() == [5]


def test_only_observed_cells_are_listed_when_there_are_very_many():
    codes = np.arange(40)
    wide = [Attribute(name, tuple(map(str, codes)), codes) for name in ("a", "b")]
    counted = count(wide, decision=np.ones(40, dtype=int))
    assert len(grouping(counted.outcomes[0], ("a", "b")).cells) == 40


def test_unknown_only_gives_no_known_group():
    gone = Attribute("race", ("A", "B"), np.full(4, -1))
    groups = count([gone], decision=np.ones(4, dtype=int)).outcome_groups(("race",))
    assert groups.n.tolist() == [0, 0]
    assert groups.unknown.sum() == 4
    assert largest(groups.n) is None


def test_the_largest_group_is_the_reference_and_ties_take_the_lower_code():
    assert largest(np.array([3, 5, 5])) == 1
    assert largest(np.array([], dtype=np.int64)) is None


def test_a_heading_falls_back_on_the_column_name():
    assert RACE.heading == "race"
    assert Attribute("r", ("A",), np.zeros(1, int), title="Race").heading == "Race"
