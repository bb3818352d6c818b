"""Parts of a disparity: canonical laws, identities, and another solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metrics import broja, information, pid
from metrics.cells import Floats
from tests.information_laws import ANCHORS, CANONICAL, clarabel_unique, sample

LN2 = np.log(2)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))
TABLES = SHAPES.flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 40)).filter(np.any)
).map(lambda counts: counts.astype(float))
PARTS = ("whole", "local", "unique", "redundant", "masked")


def values(counts: Floats, tolerance: float = 1e-7) -> Floats:
    atoms = pid.decompose(counts, tolerance=tolerance)
    return np.array([getattr(atoms, name) for name in PARTS])


@pytest.mark.parametrize("name", CANONICAL)
def test_canonical_laws_have_their_parts(name: str) -> None:
    shares, expected = CANONICAL[name]
    atoms = pid.decompose(shares, tolerance=1e-9)
    found = np.array([atoms.unique, atoms.redundant, atoms.masked]) / LN2
    assert found == pytest.approx(expected, abs=1e-8)
    assert atoms.gap <= 1e-9


# Bits: unique, redundant, masked.
LABELS = {
    "iid": (0.03798, 0.00014, 0.00017),
    "het": (0, 0.03812, 0.01755),
    "syn": (0, 0.03812, 0.60533),
}


@pytest.mark.parametrize("split", LABELS)
def test_published_parts_of_labels(split: str) -> None:
    atoms = pid.decompose(np.array(ANCHORS[split], dtype=float))
    found = np.array([atoms.unique, atoms.redundant, atoms.masked]) / LN2
    assert found == pytest.approx(LABELS[split], abs=6e-6)


@given(TABLES)
@settings(max_examples=100, deadline=None)
def test_parts_obey_their_identities(counts: Floats) -> None:
    atoms = pid.decompose(counts)
    shares = information.joint(counts)
    site = information.site_information(shares)
    assert min(getattr(atoms, name) for name in (*PARTS, "site_only")) >= 0
    assert atoms.unique + atoms.redundant == pytest.approx(atoms.whole, abs=1e-7)
    assert atoms.unique + atoms.masked == pytest.approx(atoms.local, abs=1e-7)
    total = atoms.unique + atoms.redundant + atoms.masked + atoms.site_only
    assert total == pytest.approx(information.total_information(shares), abs=2e-7)
    assert atoms.redundant <= min(atoms.whole, site) + 1e-7
    assert atoms.unique <= min(atoms.whole, atoms.local)
    assert atoms.unique >= max(0.0, atoms.whole - site) - 1e-7
    assert atoms.gap <= 1e-6


@given(TABLES, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_names_of_levels_do_not_matter(counts: Floats, random: object) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    moved = counts
    for axis, size in enumerate(counts.shape):
        moved = np.take(moved, rng.permutation(size), axis=axis)
    assert values(moved) == pytest.approx(values(counts), abs=3e-7)


@given(TABLES)
@settings(max_examples=40, deadline=None)
def test_splitting_a_site_or_a_decision_in_two_alike_halves_changes_nothing(
    counts: Floats,
) -> None:
    plain = values(counts)
    for axis in (1, 2):
        first = np.take(counts, [0], axis=axis) / 2
        halves = np.concatenate([first, first, np.delete(counts, 0, axis=axis)], axis=axis)
        assert values(halves) == pytest.approx(plain, abs=3e-7)


@given(TABLES)
@settings(max_examples=20, deadline=None)
def test_a_constant_decision_has_no_parts_and_one_site_only_a_unique_one(counts: Floats) -> None:
    assert values(counts.sum(axis=2, keepdims=True)) == pytest.approx(np.zeros(5), abs=1e-12)
    whole, local, unique, redundant, masked = values(counts.sum(axis=1, keepdims=True))
    assert unique == pytest.approx(whole, abs=2e-7)
    assert local == pytest.approx(whole, abs=1e-12)
    assert max(redundant, masked) <= 2e-7


def test_a_batch_gives_what_single_tables_give() -> None:
    rng = np.random.default_rng(3)
    tables = np.stack([sample((3, 5, 2), rng, n=400) for _ in range(7)])
    together = pid.decompose(tables, keep=True)
    apart = [pid.decompose(table) for table in tables]
    assert together.unique == pytest.approx([float(one.unique) for one in apart], abs=1e-9)
    assert together.optimum is not None
    assert together.optimum.sum(axis=3) == pytest.approx(
        information.joint(tables).sum(axis=3), abs=1e-9
    )
    assert pid.decompose(together.optimum).masked == pytest.approx(np.zeros(7), abs=1e-6)


def test_too_few_steps_still_give_honest_bounds() -> None:
    shares = information.joint(sample((3, 6, 3), np.random.default_rng(0)))[None]
    exact = broja.solve(shares, tolerance=1e-9)
    for steps in range(0, 12, 3):
        early = broja.solve(shares, iterations=steps)
        assert -1e-9 <= (early.unique - exact.unique)[0] <= early.gap[0] + 1e-9


@pytest.mark.parametrize("shape", [(2, 200, 2), (4, 1, 3), (1, 3, 2), (2, 3, 1)])
def test_extreme_shapes_are_certified(shape: tuple[int, int, int]) -> None:
    atoms = pid.decompose(sample(shape, np.random.default_rng(1), n=500))
    assert atoms.gap <= 1e-6


def test_an_empty_table_has_no_parts() -> None:
    assert values(np.zeros((2, 3, 2))).tolist() == [0] * 5


def test_another_solver_finds_the_same_unique_part() -> None:
    rng = np.random.default_rng(11)
    shapes = [(2, 2, 2), (2, 5, 2), (3, 4, 3), (2, 10, 2), (4, 3, 2)]
    worst = 0.0
    for number in range(100):
        shares = information.joint(sample(shapes[number % 5], rng))
        worst = max(worst, abs(float(pid.decompose(shares).unique) - clarabel_unique(shares)))
    assert worst <= 1e-6


def test_sparse_sites_are_joined_once_and_listed() -> None:
    counts = np.array([[100, 5, 50, 40, 0], [90, 80, 60, 2, 1]])
    pooled = pid.pool_sites(counts, list("abcde"), floor=30)
    assert pooled.sites == ("a", "c", "other sites")
    assert pooled.members == (1, 3, 4)
    assert pooled.rule == "group"
    assert pooled.apply(counts[:, :, None].astype(float))[:, :, 0].tolist() == [
        [100, 50, 45],
        [90, 60, 83],
    ]


def test_pooling_asks_less_where_it_would_leave_no_two_sites() -> None:
    counts = np.array([[100, 90, 80, 3, 2], [1, 2, 3, 4, 1]])
    pooled = pid.pool_sites(counts, ["a", "b", "c", "d", "other sites"], floor=30)
    assert pooled.rule == "total"
    assert pooled.sites == ("a", "b", "c", "other sites")
    assert pid.pool_sites(counts, list("abcde"), floor=30, rule="none").sites == tuple("abcde")


def test_a_single_sparse_site_keeps_its_name() -> None:
    assert pid.pool_sites(np.array([[50, 60, 3]] * 2), list("abc"), floor=30).members == ()


def test_groups_of_an_intersection_become_a_table_with_sites() -> None:
    cells = np.array([[0, 1, 0], [0, 1, 2], [1, 0, 2]], dtype=np.int32)
    groups, sites, table = pid.site_table(cells, np.array([[1, 2], [3, 4], [5, 6]]))
    assert groups.tolist() == [[0, 1], [1, 0]]
    assert sites.tolist() == [0, 2]
    assert table.tolist() == [[[1, 2], [3, 4]], [[0, 0], [5, 6]]]


def test_corrected_parts_keep_the_identities() -> None:
    parts = {"global": 0.02, "local": 0.03, "unique": 0.01, "redundant": 0.01, "masked": 0.02}
    found = pid.corrected(parts, {"global": 0.001, "local": 0.025})
    assert found["global"] == pytest.approx(found["unique"] + found["redundant"])
    assert found["local"] == pytest.approx(found["unique"] + found["masked"])
    assert found["unique"] == pytest.approx(0.005)
