"""Types are decided by every value of the whole column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditapp.datasets.infer import Tally
from auditapp.datasets.inspect import inspect
from auditapp.datasets.keys import folded, key_of, natural_sorted
from auditapp.datasets.options import ReadOptions

MARKS = ReadOptions().marks()


def column(tmp_path: Path, values: list[str], **options: Any) -> tuple[dict[str, Any], list[Any]]:
    source = tmp_path / "source"
    source.write_text("v\tn\n" + "".join(f"{value}\t1\n" for value in values))
    profile = inspect(source, "t.tsv", tmp_path / "out", ReadOptions(**options))
    return profile, pq.read_table(tmp_path / "out" / "table.parquet")["v"].to_pylist()


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        (["1", "-2", "+3"], "integer", [1, -2, 3]),
        (["1", " 2 ", "NA"], "integer", [1, 2, None]),
        (["1.0", "2.0"], "integer", [1.0, 2.0]),
        (["1", "2.5", ".5", "5.", "-1e-3", "1E5"], "number", [1, 2.5, 0.5, 5.0, -0.001, 1e5]),
        (["1,5", "2"], "number", [1.5, 2.0]),
        (["1,234", "2"], "text", ["1,234", "2"]),
        (["1,234", "2,5"], "number", [1.234, 2.5]),
        (["1e999", "2"], "text", ["1e999", "2"]),
        (["inf", "1"], "text", ["inf", "1"]),
        (["00501", "10001"], "text", ["00501", "10001"]),
        (["0", "0.5"], "number", [0.0, 0.5]),
        (["123456789012345678", "1"], "integer", [123456789012345678, 1]),
        (["1234567890123456789012", "1"], "text", ["1234567890123456789012", "1"]),
        (["TRUE", "false"], "boolean", [True, False]),
        (["yes", "no"], "text", ["yes", "no"]),
        (["TRUE", "1"], "text", ["TRUE", "1"]),
        (["2024-01-02", "2024-01-02T10:00:00Z"], "date", ["2024-01-02", "2024-01-02T10:00:00Z"]),
        (["1/2/2024", "12/31/2023"], "date", ["1/2/2024", "12/31/2023"]),
        (["?", "n/a", "", "NaN", "null", "#N/A"], "text", [None] * 6),
    ],
)
def test_it_decides_the_type(
    tmp_path: Path, values: list[str], kind: str, read: list[Any]
) -> None:
    profile, found = column(tmp_path, values, header=True)
    assert profile["columns"][0]["type"] == kind
    assert found == read


def test_one_late_text_makes_the_column_text_and_says_how_many(tmp_path: Path) -> None:
    profile, found = column(tmp_path, [str(i) for i in range(999)] + ["12o", "1o"])
    assert profile["columns"][0]["type"] == "text"
    assert found[0] == "0"
    notice = next(n for n in profile["notices"] if n["code"] == "not-all-numbers")
    assert notice["message"].startswith("2 values of 1,001 in v are not numbers")
    assert "“12o” 1" in notice["detail"]


def test_a_repeated_letter_is_offered_as_a_missing_mark(tmp_path: Path) -> None:
    profile, _ = column(tmp_path, ["1", "2", "N", "N", "3"])
    notice = next(n for n in profile["notices"] if n["code"] == "possible-mark")
    assert notice["level"] == "check"
    assert "2 values" in notice["message"]
    profile, found = column(tmp_path, ["1", "2", "N", "N", "3"], missing=("", "N"))
    assert found == [1, 2, None, None, 3]
    assert profile["read"]["missing"] == ["", "N"]


def test_missing_marks_are_shown_with_counts(tmp_path: Path) -> None:
    profile, _ = column(tmp_path, ["a", "?", "?", "NA", "b", ""])
    shown = [n["message"] for n in profile["notices"] if n["code"] == "missing-mark"]
    assert shown == [
        "Blank is read as missing: 1 value in 1 column.",
        "“?” is read as missing: 2 values in 1 column.",
        "“NA” is read as missing: 1 value in 1 column.",
    ]


def test_no_mark_need_be_missing(tmp_path: Path) -> None:
    _, found = column(tmp_path, ["?", "NA"], missing=())
    assert found == ["?", "NA"]


def test_leading_zeros_are_said(tmp_path: Path) -> None:
    profile, _ = column(tmp_path, ["00501", "10001", "02139"])
    notice = next(n for n in profile["notices"] if n["code"] == "leading-zeros")
    assert notice["message"] == "v is kept as text: 2 values begin with 0, as codes do."


def test_batches_add_up() -> None:
    parts, whole = Tally(), Tally()
    values = ["1", "2.5", "x", None, "true", "07", "?", "2024-01-01"]
    for value in values:
        parts.add(pa.array([value], pa.string()), MARKS)
    whole.add(pa.array(values, pa.string()), MARKS)
    assert parts == whole
    assert (whole.integers, whole.numbers, whole.other, whole.missing) == (1, 1, 1, 2)
    assert (whole.leading_zeros, whole.booleans, whole.dates) == (1, 1, 1)


def test_keys_are_one_text_form() -> None:
    assert [key_of(v) for v in (1, 1.0, " a ", True, 0.5, -0.0)] == [
        "1", "1", "a", "true", "0.5", "0",
    ]  # fmt: skip
    assert folded("1.0") == folded(1) == folded("+1") == "1"
    assert folded(" YES ") == folded("yes")
    assert natural_sorted(["10", "9", "b2", "b10", "A", "-1"]) == [
        "-1",
        "9",
        "10",
        "A",
        "b2",
        "b10",
    ]
