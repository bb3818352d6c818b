"""Codes, numbers and frames of a canonical table; labels and groups from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditapp.datasets import groups
from auditapp.datasets.sizes import bin_words
from auditapp.datasets.table import Table
from auditapp.errors import AuditError


def table_of(folder: Path, **columns: Any) -> Table:
    """Write a canonical table in two row groups and open it."""
    data = pa.table(columns)
    pq.write_table(data, folder / "table.parquet", row_group_size=max(1, len(data) // 2 + 1))
    return Table.open(folder)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return table_of(
        tmp_path,
        group=[" b", "a", "b ", None, "a", "B"],
        size=[10, 9, 100, 10, None, 9],
        whole=[1.0, 0.0, 1.0, None, 0.0, float("nan")],
        real=[0.5, 1.5, 0.25, 2.0, None, 0.5],
        flag=[True, False, None, True, True, False],
        odd=["1", "2.5", "x", "x", "y", None],
        blank=pa.nulls(6, pa.string()),
        label=["Yes", "no ", " yes", "Maybe", None, "NO"],
        fine=["1", "0", " 1", "0", None, "1.0"],
        id=[7, 7, 8, 8, 9, 9],
    )


def test_codes_are_trimmed_keys_in_natural_order(table: Table) -> None:
    levels, codes = table.codes("group")
    assert levels == ["a", "B", "b"]
    assert codes.tolist() == [2, 0, 2, -1, 0, 1]
    assert codes.dtype == np.int32
    assert table.codes("size")[0] == ["9", "10", "100"]
    assert table.codes("size")[1].tolist() == [1, 0, 2, 1, -1, 0]
    assert table.codes("whole")[0] == ["0", "1"]
    assert table.codes("whole")[1].tolist() == [1, 0, 1, -1, 0, -1]
    assert table.codes("flag")[0] == ["false", "true"]
    assert table.codes("blank")[0] == []
    assert table.codes("blank")[1].tolist() == [-1] * 6


def test_counts_put_the_most_frequent_first(table: Table) -> None:
    assert table.counts("group") == [("a", 2), ("b", 2), ("B", 1)]


def test_numbers_keep_blanks_apart(table: Table) -> None:
    np.testing.assert_array_equal(table.numbers("size"), [10, 9, 100, 10, np.nan, 9])
    np.testing.assert_array_equal(table.numbers("flag"), [1, 0, np.nan, 1, 1, 0])
    np.testing.assert_array_equal(table.numbers("fine"), [1, 0, 1, 0, np.nan, 1])
    assert np.isnan(table.numbers("blank")).all()


def test_numbers_name_what_is_not_numeric(table: Table) -> None:
    with pytest.raises(AuditError) as caught:
        table.numbers("odd")
    assert caught.value.code == "not-numeric"
    assert "“odd”" in caught.value.message
    assert "3 rows" in caught.value.message
    assert caught.value.found == "“x” 2, “y” 1"


def test_many_odd_values_are_counted_not_listed(tmp_path: Path) -> None:
    names = table_of(tmp_path, name=[f"Jane {i}" for i in range(50)])
    with pytest.raises(AuditError) as caught:
        names.numbers("name")
    assert caught.value.found == "50 different values"
    with pytest.raises(AuditError) as caught:
        groups.binary(table_of(tmp_path, name=[f"Jane {i}" for i in range(300)]), "name", "1")
    assert "Jane" not in str(caught.value.as_dict())


def test_an_unknown_column_names_close_ones(table: Table) -> None:
    assert table.has("group")
    assert not table.has("Group")
    for name in ("Group", "groups"):
        with pytest.raises(AuditError) as caught:
            table.codes(name)
        assert caught.value.code == "unknown-column"
        assert "group" in caught.value.hint
    with pytest.raises(AuditError, match="There is no column"):
        table.numbers("zzz")


def test_units_are_equal_where_values_are(table: Table) -> None:
    assert table.units("id").tolist() == [7, 7, 8, 8, 9, 9]
    units = table.units("group")
    assert units[3] == -1
    assert units[1] == units[4] != units[0]


def test_a_frame_suits_models(table: Table) -> None:
    frame = table.frame(["group", "size", "id", "flag", "real"])
    assert list(frame.columns) == ["group", "size", "id", "flag", "real"]
    assert isinstance(frame["group"].dtype, pd.CategoricalDtype)
    assert frame["group"].tolist()[:2] == [" b", "a"]
    assert frame["group"].isna().sum() == 1
    assert frame["id"].dtype == np.int64
    assert frame["size"].dtype == frame["flag"].dtype == np.float64
    assert len(frame) == table.n_rows == 6


def test_binary_matches_after_trim_and_case(table: Table) -> None:
    assert groups.binary(table, "label", ["YES"]).tolist() == [1, 0, 1, 0, -1, 0]
    assert groups.binary(table, "label", ["yes", "maybe"]).tolist() == [1, 0, 1, 1, -1, 0]
    assert groups.binary(table, "fine", "1").tolist() == [1, 0, 1, 0, -1, 1]
    assert groups.binary(table, "whole", ["1.0"]).tolist() == [1, 0, 1, -1, 0, -1]
    assert groups.binary(table, "flag", ["True"]).tolist() == [1, 0, -1, 1, 1, 0]
    assert groups.binary(table, "flag", ["true"]).dtype == np.int8


def test_binary_names_the_values_when_one_is_not_there(table: Table) -> None:
    with pytest.raises(AuditError) as caught:
        groups.binary(table, "label", ["yes", "perhaps"])
    assert caught.value.code == "value-not-found"
    assert "“perhaps”" in caught.value.message
    assert "“Maybe”: 1 row" in caught.value.found
    assert caught.value.where == "label"


def test_a_blank_label_is_refused(table: Table) -> None:
    with pytest.raises(AuditError) as caught:
        groups.binary(table, "blank", ["1"])
    assert caught.value.code == "column-blank"
    assert "all 6 rows" in caught.value.message
    with pytest.raises(AuditError) as caught:
        groups.binary(table, "label", [])
    assert caught.value.code == "no-favourable-value"


@pytest.mark.parametrize(("favourable", "expected"), [("1", 1), ("0", 0)])
def test_one_class_is_an_error_only_where_training_needs_two(
    tmp_path: Path, favourable: str, expected: int
) -> None:
    constant = table_of(tmp_path, y=[1, 1, 1])
    assert groups.binary(constant, "y", [favourable]).tolist() == [expected] * 3
    with pytest.raises(AuditError) as caught:
        groups.binary(constant, "y", [favourable], require_two=True)
    assert caught.value.code == "one-class"
    assert "“1”: 3 rows" in caught.value.found


def test_groups_show_words_and_keep_unknown(table: Table) -> None:
    words, keys, codes = groups.attribute(table, {"column": "group", "words": {"a": "First"}})
    assert (words, keys) == (["First", "B", "b"], ["a", "B", "b"])
    assert codes.tolist() == [2, 0, 2, -1, 0, 1]


def test_values_with_one_word_become_one_group(table: Table) -> None:
    spec = {"column": "group", "kind": "categorical", "words": {"B": "Two", "b": "Two"}}
    words, keys, codes = groups.attribute(table, spec)
    assert (words, keys) == (["a", "Two"], ["a", "B"])
    assert codes.tolist() == [1, 0, 1, -1, 0, 1]


def test_numbers_are_binned_with_readable_names(tmp_path: Path) -> None:
    ages = table_of(tmp_path, age=[17, 24, 25, 34, 35, 64, 65, None], x=[0.1] * 8)
    spec = {"column": "age", "kind": "binned", "cuts": [25, 35, 65]}
    words, keys, codes = groups.attribute(ages, spec)
    assert words == ["under 25", "25 to 34", "35 to 64", "65 and over"]
    assert keys == words
    assert codes.tolist() == [0, 0, 1, 1, 2, 2, 3, -1]
    assert codes.dtype == np.int32
    assert groups.attribute(ages, {"column": "x", "kind": "binned", "cuts": [0.5, 0.75]})[0] == [
        "under 0.5", "0.5 to under 0.75", "0.75 and over",
    ]  # fmt: skip
    assert bin_words([1, 2, 5_000], whole=True) == [
        "under 1", "1", "2 to 4,999", "5,000 and over",
    ]  # fmt: skip


@pytest.mark.parametrize("cuts", [[], None, [3, 2], [2, 2], [float("nan")]])
def test_bad_cuts_are_refused(table: Table, cuts: list[float] | None) -> None:
    with pytest.raises(AuditError) as caught:
        groups.attribute(table, {"column": "size", "kind": "binned", "cuts": cuts})
    assert caught.value.code == "bad-cuts"


def test_binning_text_is_refused(table: Table) -> None:
    with pytest.raises(AuditError) as caught:
        groups.attribute(table, {"column": "odd", "kind": "binned", "cuts": [1]})
    assert caught.value.code == "not-numeric"


def test_more_than_200_groups_are_refused(tmp_path: Path) -> None:
    wide = table_of(tmp_path, code=list(range(201)), blank=pa.nulls(201, pa.int64()))
    with pytest.raises(AuditError) as caught:
        groups.attribute(wide, {"column": "code"})
    assert caught.value.code == "too-many-levels"
    assert "201" in caught.value.message
    merged = {"column": "code", "words": {str(i): "x" if i < 9 else str(i) for i in range(201)}}
    assert len(groups.attribute(wide, merged)[0]) == 193
    for kind, cuts in (("categorical", None), ("binned", [1])):
        with pytest.raises(AuditError) as caught:
            groups.attribute(wide, {"column": "blank", "kind": kind, "cuts": cuts})
        assert caught.value.code == "column-blank"
