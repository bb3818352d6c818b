"""The seeded split: reproducible, stratified, whole units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditapp.datasets import split
from auditapp.errors import AuditError


def test_it_is_fixed_by_its_seed() -> None:
    first = split.seeded(1_000, seed=7)
    assert first.dtype == np.int8
    np.testing.assert_array_equal(first, split.seeded(1_000, seed=7))
    assert (first != split.seeded(1_000, seed=8)).any()
    assert split.seeded(12, seed=0).tolist() == [0, 0, 0, 0, 2, 0, 1, 2, 2, 1, 0, 2]


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 400),
    levels=st.integers(1, 6),
    seed=st.integers(0, 2**31),
    shares=st.tuples(*[st.integers(0, 100)] * 3).filter(lambda s: sum(s) > 0),
)
def test_every_stratum_is_within_one_row_of_its_shares(
    n: int, levels: int, seed: int, shares: tuple[int, int, int]
) -> None:
    random = np.random.default_rng(seed)
    label, group = random.integers(-1, 2, n), random.integers(0, levels, n)
    part = split.seeded(n, shares=shares, seed=seed, strata=[label, group])
    for y in (-1, 0, 1):
        for g in range(levels):
            rows = (label == y) & (group == g)
            for k, share in enumerate(shares):
                expected = rows.sum() * share / sum(shares)
                assert abs((part[rows] == k).sum() - expected) < 1 + 1e-9


def test_no_group_is_favoured_on_average() -> None:
    single = np.arange(300)
    counts = np.bincount(split.seeded(300, strata=single, seed=3), minlength=3)
    np.testing.assert_allclose(counts / 300, [0.5, 0.2, 0.3], atol=0.08)


def test_units_stay_whole_and_blank_ones_stand_alone() -> None:
    random = np.random.default_rng(1)
    unit = random.integers(0, 400, 2_000)
    unit[:200] = -1
    part = split.seeded(2_000, unit=unit, strata=random.integers(0, 2, 2_000), seed=5)
    for value in np.unique(unit[200:]):
        assert len(set(part[unit == value])) == 1
    assert len(set(part[:200])) == 3
    np.testing.assert_allclose(np.bincount(part) / 2_000, [0.5, 0.2, 0.3], atol=0.05)


def test_one_part_may_hold_everything() -> None:
    assert set(split.seeded(50, shares=(0, 0, 1))) == {split.AUDIT}
    assert split.seeded(0).tolist() == []


@pytest.mark.parametrize("shares", [(0, 0, 0), (1, 2), (50, -1, 20), (float("nan"), 1, 1)])
def test_unusable_shares_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(AuditError) as caught:
        split.seeded(10, shares=shares)
    assert caught.value.code == "bad-shares"


def test_streams_of_different_names_differ() -> None:
    assert split.stream("a", 0).random() != split.stream("b", 0).random()
