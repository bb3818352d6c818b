"""Whether adding a source helps the target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.diagnoses import add_one, ordering
from metrics.addition import Source, addition_section, order
from metrics.groups import Attribute
from tests.documents import sound


def scripted(right: dict[tuple[str, ...], tuple[int, int]]) -> tuple[Any, ...]:
    """Return a trainer with a scripted number of right decisions in two groups of 100."""
    label = np.zeros(200, dtype=int)
    group = Attribute("sex", ("Men", "Women"), np.repeat([0, 1], 100))

    def train(names: tuple[str, ...]) -> np.ndarray:
        decision = np.ones(200, dtype=int)
        men, women = right[names]
        decision[:men] = 0
        decision[100 : 100 + women] = 0
        return decision

    return train, group, label


def test_sources_come_in_order_of_shift() -> None:
    listed = [Source("b", 0.6, 1), Source("a", None, 1), Source("d", 0.5, 1), Source("c", 0.5, 1)]
    assert [s.name for s in order(listed)] == ["c", "d", "b", "a"]


def test_it_stops_where_the_worst_group_drops() -> None:
    right = {(): (80, 60), ("a",): (80, 90), ("a", "b"): (85, 60), ("a", "b", "c"): (99, 99)}
    train, group, label = scripted(right)
    sources = [Source("c", 0.9, 10), Source("a", 0.5, 10), Source("b", 0.7, 10)]
    out = sound(addition_section(sources, train, group, label))
    assert out["chosen"] == ["a"]
    assert out["stopped_at"] == "b"
    assert [step["worst"]["value"] for step in out["steps"]] == [0.6, 0.8, 0.6]
    first = out["steps"][1]
    assert first["answer"] == "helps"
    assert first["change"]["worst"]["value"] == pytest.approx(0.2)
    assert first["change"]["accuracy"]["p"] == pytest.approx(2 * 0.5**30)
    assert first["gap"] == pytest.approx(0.1)
    assert out["steps"][2]["answer"] == "harms"
    every = addition_section(sources, train, group, label, stop=False)
    assert len(every["steps"]) == 4
    assert every["chosen"] == ["a"]


def test_a_copy_of_the_target_changes_little_and_flipped_labels_harm() -> None:
    copy, flipped = add_one("copy"), add_one("flipped")
    assert copy["xy"] == pytest.approx(0.5, abs=0.03)
    assert copy["accuracy"] >= -0.005
    assert flipped["x"] == pytest.approx(0.5, abs=0.03)
    assert flipped["xy"] >= 0.6
    assert flipped["worst"] <= -0.05
    assert flipped["harms"] == 1


def test_the_order_by_shift_beats_a_random_one() -> None:
    wins, ties = ordering(6)
    # One-sided sign test: six of six has p = 1/64.
    assert (wins, ties) == (6, 0)


def test_nothing_to_measure_has_a_reason() -> None:
    train, group, label = scripted({(): (50, 50)})
    assert sound(addition_section([], train, group, label))["chosen"] == []
    assert addition_section([], train, group, label, floor=500)["undefined"] == "below-floor"
    assert addition_section([], train, group, np.full(200, -1))["undefined"] == "no-label"
    with pytest.raises(ValueError, match="decisions came back"):
        addition_section([], lambda _: np.zeros(3, int), group, label)
