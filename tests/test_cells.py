"""Count tables: folding, adding, marginals, and the file they are kept in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import cells
from metrics.cells import DECISION, LABEL, Axis, CellTable, cover, index_cells


def fold(codes, axes, label, decision, **options):
    index = index_cells(codes, axes)
    return CellTable.fold(index, (label, decision), (LABEL, DECISION), **options)


def rows(seed, n=400, sizes=(4, 3, 2)):
    rng = np.random.default_rng(seed)
    axes = [Axis(f"a{j}", size) for j, size in enumerate(sizes)]
    codes = [rng.integers(-1, size - 1, n).astype(np.int8) for size in sizes]
    return codes, axes, rng.integers(-1, 2, n), rng.integers(-1, 3, n)


def as_dict(table):
    return {tuple(c): n.tolist() for c, n in zip(table.cells.tolist(), table.counts, strict=True)}


def test_it_counts_every_row_where_it_belongs():
    codes, axes, label, decision = rows(0)
    table = fold(codes, axes, label, decision)
    assert table.n == 400
    for cell, counts in as_dict(table).items():
        here = np.all([c == v for c, v in zip(codes, cell, strict=True)], axis=0)
        for y in (-1, 0, 1):
            for d in (-1, 0, 1, 2):
                assert counts[y + 1][d + 1] == int((here & (label == y) & (decision == d)).sum())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 400))
def test_shards_add_to_the_whole_and_the_order_of_rows_is_nothing(seed, cut):
    codes, axes, label, decision = rows(seed)
    whole = fold(codes, axes, label, decision)
    parts = [
        fold([c[part] for c in codes], axes, label[part], decision[part])
        for part in (slice(cut), slice(cut, None))
    ]
    assert as_dict(parts[0] + parts[1]) == as_dict(whole)
    order = np.random.default_rng(seed).permutation(400)
    shuffled = fold([c[order] for c in codes], axes, label[order], decision[order])
    assert as_dict(shuffled) == as_dict(whole)
    assert (shuffled.cells == whole.cells).all()


@pytest.mark.parametrize("names", [("a0",), ("a2", "a0"), ("a0", "a1", "a2"), ()])
def test_a_marginal_equals_counting_those_columns_alone(names):
    codes, axes, label, decision = rows(3)
    table = fold(codes, axes, label, decision)
    part = table.marginal(names)
    assert part.n == table.n
    if names:
        keep = [int(name[1]) for name in names]
        alone = fold([codes[j] for j in keep], [axes[j] for j in keep], label, decision)
        assert as_dict(part) == as_dict(alone)


@pytest.mark.parametrize(("dense", "bitmap"), [(1, 1 << 26), (1, 1)])
def test_many_combinations_are_numbered_by_those_observed(monkeypatch, dense, bitmap):
    codes, axes, label, decision = rows(5)
    plain = fold(codes, axes, label, decision)
    monkeypatch.setattr(cells, "DENSE", dense)
    monkeypatch.setattr(cells, "BITMAP", bitmap)
    assert as_dict(fold(codes, axes, label, decision)) == as_dict(plain)


def test_weights_are_summed_beside_the_counts():
    codes, axes, label, decision = rows(6)
    weight = np.random.default_rng(6).random(400)
    table = fold(codes, axes, label, decision, weight=weight)
    assert table.weights.sum() == pytest.approx(weight.sum())
    assert table.marginal(["a1"]).weights.sum() == pytest.approx(weight.sum())
    assert (table + table).weights.sum() == pytest.approx(2 * weight.sum())
    with pytest.raises(ValueError, match="weighted"):
        table + fold(codes, axes, label, decision)


def test_a_saved_table_comes_back_without_pickle(tmp_path: Path):
    codes, axes, label, decision = rows(7)
    table = fold(codes, axes, label, decision, weight=np.ones(400))
    path = tmp_path / "table.npz"
    table.save(path)
    with np.load(path, allow_pickle=False) as data:
        assert {"axes", "cells", "counts", "weights"} == set(data)
    again = CellTable.load(path)
    assert (again.axes, again.tail) == (table.axes, table.tail)
    assert as_dict(again) == as_dict(table)
    assert (again.weights == table.weights).all()


def test_a_code_outside_its_axis_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="'sex' run from 0 to 5"):
        index_cells([np.array([0, 5])], [Axis("sex", 3)])
    with pytest.raises(ValueError, match="differ in length"):
        index_cells([np.zeros(2, int), np.zeros(3, int)], [Axis("a", 2), Axis("b", 2)])
    with pytest.raises(ValueError, match="at least one"):
        index_cells([], [])
    with pytest.raises(ValueError, match="do not add"):
        fold(*rows(0)) + fold(*rows(0, sizes=(5, 3, 2)))


@pytest.mark.parametrize("dense", [1, cells.DENSE])
def test_a_column_of_unknowns_and_an_empty_table_are_counted(monkeypatch, dense):
    monkeypatch.setattr(cells, "DENSE", dense)
    nothing = np.full(3, -1)
    table = fold([nothing], [Axis("a", 1)], nothing, nothing)
    assert as_dict(table) == {(-1,): [[3, 0, 0, 0], [0] * 4, [0] * 4]}
    empty = np.zeros(0, dtype=int)
    none = fold([empty], [Axis("a", 3)], empty, empty)
    assert (none.n, len(none.cells)) == (0, 0)
    assert (none + none).n == 0
    assert none.marginal([]).n == 0


def test_one_joint_table_is_kept_while_it_fits_and_the_largest_combinations_after():
    sizes = {"a": 10, "b": 10, "c": 10}
    wanted = [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]
    assert cover(sizes, wanted, width=12, budget=12_000) == (("a", "b", "c"),)
    assert cover(sizes, wanted, width=12, budget=11_999) == (("a", "b"), ("a", "c"), ("b", "c"))
