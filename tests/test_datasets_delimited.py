"""Delimited text: what is detected, and every refusal with its row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditapp.datasets import delimited
from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.errors import AuditError

Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Inspect bytes as an upload; the profile gains the canonical table's columns."""

    def run(content: bytes | str, name: str = "people.csv", **options: Any) -> dict[str, Any]:
        source = tmp_path / "source"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        profile = inspect(source, name, tmp_path / "out", ReadOptions(**options))
        table = pq.read_table(tmp_path / "out" / "table.parquet")
        return {
            **profile,
            "table": table.to_pydict(),
            "types": [str(t) for t in table.schema.types],
        }

    return run


def refused(read: Read, content: bytes | str, **options: Any) -> AuditError:
    with pytest.raises(AuditError) as caught:
        read(content, **options)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


def codes(profile: dict[str, Any]) -> list[str]:
    return [notice["code"] for notice in profile["notices"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_it_detects_the_delimiter(read: Read, delimiter: str) -> None:
    rows = ["name,note,size", 'a,"x, y; z | w",1', "b,,2"]
    text = "\n".join(row.replace(",", delimiter) for row in rows[:1] + rows[2:])
    profile = read(text + "\n")
    assert profile["read"]["delimiter"] == delimiter
    assert profile["table"]["size"] == [2]


def test_a_quoted_delimiter_and_line_break_stay_inside_the_value(read: Read) -> None:
    profile = read('who,said\n1,"one, two\nthree ""four"""\n2,plain\n')
    assert profile["table"]["said"] == ['one, two\nthree "four"', "plain"]


def test_a_declared_delimiter_wins(read: Read) -> None:
    assert read("a;b\n1;2\n", delimiter=",")["table"] == {"a;b": ["1;2"]}
    assert refused(read, "a,b\n1,2\n", delimiter="ab").code == "bad-delimiter"


def test_one_column_needs_no_delimiter(read: Read) -> None:
    assert read("score\n0.5\n0.25\n")["table"] == {"score": [0.5, 0.25]}


def test_a_table_without_header_gets_numbered_columns(read: Read) -> None:
    profile = read("39, Private, 13\n50, Public, 9\n38, ?, 9\n")
    assert list(profile["table"]) == ["column_1", "column_2", "column_3"]
    assert profile["table"]["column_2"] == [" Private", " Public", None]
    assert profile["read"]["header"] is False
    assert "no-header" in codes(profile)


def test_text_that_recurs_below_is_no_header(read: Read) -> None:
    profile = read("red,small\nblue,large\nred,large\nblue,small\n")
    assert profile["rows"] == 4


def test_years_may_name_columns(read: Read) -> None:
    profile = read("place,2018,2019\nx,5,6\ny,7,8\n")
    assert list(profile["table"]) == ["place", "2018", "2019"]


def test_a_declared_header_wins(read: Read) -> None:
    assert read("1,2\n3,4\n", header=True)["table"] == {"1": [3], "2": [4]}
    assert read("a,b\n3,4\n", header=False)["rows"] == 2


def test_remarks_before_the_table_are_left_out_and_said(read: Read) -> None:
    profile = read("Report of May\n\na,b,c\n1,2,3\n4,5,6\n")
    assert profile["table"]["a"] == [1, 4]
    assert "skipped-lines" in codes(profile)


def test_doubled_and_missing_names_are_made_unique(read: Read) -> None:
    profile = read("a,a,,b,a.2\n1,2,3,4,5\n")
    assert list(profile["table"]) == ["a", "a.3", "column_3", "b", "a.2"]
    assert codes(profile).count("duplicate-header") == 1
    assert [c["was"] for c in profile["columns"]] == ["a", "a", "", "b", "a.2"]


def test_characters_that_break_charts_are_stripped(read: Read) -> None:
    profile = read("gro\x07up,n\na\x07b,1\n\x1fc,2\na\ufffe,3\n")
    assert profile["table"] == {"group": ["ab", "c", "a"], "n": [1, 2, 3]}
    assert {"name-cleaned", "control-characters"} <= set(codes(profile))


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-32", "utf-32"),
    ],
)
def test_it_reads_encodings_that_show_themselves(read: Read, encoding: str, shown: str) -> None:
    profile = read("città,n\nZürich,1\nGenève,2\nParis,3\n".encode(encoding))
    assert profile["table"]["città"] == ["Zürich", "Genève", "Paris"]
    assert profile["read"]["encoding"] == shown


def test_undeclared_cp1252_is_refused_with_the_row_and_read_when_declared(read: Read) -> None:
    content = "city,n\nParis,1\nZürich,2\n".encode("cp1252")
    error = refused(read, content)
    assert error.code == "wrong-encoding"
    assert error.where == "row 3"
    assert "0xFC" in error.message
    assert "cp1252" in error.hint
    assert read(content, encoding="cp1252")["table"]["city"] == ["Paris", "Zürich"]


def test_a_wrong_declared_encoding_is_refused(read: Read) -> None:
    assert refused(read, "ü,n\na,1\n", encoding="ascii").code == "wrong-encoding"
    assert refused(read, "a,n\na,1\n", encoding="klingon").code == "unknown-encoding"
    assert refused(read, "a,n\na,1\n", encoding="hex").code == "unknown-encoding"


def test_ragged_rows_are_refused_with_numbers_expected_and_found(read: Read) -> None:
    error = refused(read, "a,b,c\n1,2,3\n4,5\n6,7,8\n9,10,11,12\n")
    assert error.code == "ragged-rows"
    assert "2 rows" in error.message
    assert error.where == "row 3: 2; row 5: 4"
    assert error.found.startswith("3 fields expected")


def test_a_hopeless_file_stops_early(read: Read) -> None:
    error = refused(read, "a,b,c\n" + "1,2,3\n" * 300 + "1,2\n" * 20_000)
    assert error.code == "ragged-rows"
    assert error.message.startswith("At least 10,000 rows")


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('a,b\n1,"2\n3,4\n5,6\n', 2),
        ('a,b\n1,x\n"2,y\n3,z\n', 3),
        ('a,b\n1,"2\n3,4\n5,"6\n7,8\n', 2),
    ],
)
def test_an_unclosed_quote_is_refused_with_its_row(read: Read, text: str, row: int) -> None:
    error = refused(read, text)
    assert error.code == "unclosed-quote"
    assert error.where == f"row {row}"


def test_a_lone_quote_inside_a_value_is_text(read: Read) -> None:
    assert read('pipe,n\n5" steel,1\n6 in,2\n')["table"]["pipe"] == ['5" steel', "6 in"]


def test_quotes_can_be_turned_off(read: Read) -> None:
    assert read('a,b\n"1,x\n2,y\n', quote="")["table"]["a"] == ['"1', "2"]


def test_a_field_larger_than_a_block_is_refused(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "BLOCKS", (1_000, 2_000))
    error = refused(read, "a,b\n" + "1,2\n" * 10 + "3," + "x" * 5_000 + "\n4,5\n")
    assert error.code == "field-too-large"
    assert read("a,b\n" + "1,2\n" * 10 + "3," + "x" * 1_500 + "\n4,5\n")["rows"] == 12


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"\n\n", "empty-file"),
        (b"a,b,c\n", "header-only"),
        (b"a,b,c", "header-only"),
        (b"a,b\n1,\x002\n", "nul-bytes"),
        (b"a,b\n" + b"\x00" * 50, "nul-bytes"),
    ],
)
def test_empty_and_binary_files_are_refused(read: Read, content: bytes, code: str) -> None:
    assert refused(read, content).code == code


def test_nul_bytes_are_counted_and_placed(read: Read) -> None:
    error = refused(read, b"a,b\n1,2\n3,\x00\x00\n")
    assert "2 NUL bytes" in error.message
    assert error.where == "first in row 3"


def test_too_many_columns_are_refused(read: Read) -> None:
    names = ",".join(f"c{i}" for i in range(5_001))
    assert refused(read, f"{names}\n{names}\n", header=True).code == "too-many-columns"


def test_many_row_groups_give_the_same_table(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "n,word\n" + "".join(f"{i},w{i % 7}\n" for i in range(5_000))
    whole = read(text)
    monkeypatch.setattr(delimited, "_GROUP_ROWS", 500)
    monkeypatch.setattr(delimited, "BLOCKS", (4_000,))
    parts = read(text)
    assert parts == whole


def test_nothing_is_left_behind_by_a_refusal(tmp_path: Path) -> None:
    source = tmp_path / "x.csv"
    source.write_text("a,b\n1\n")
    fresh, used = tmp_path / "fresh", tmp_path / "used"
    used.mkdir()
    (used / "source").write_text("kept")
    for out in (fresh, used):
        with pytest.raises(AuditError):
            inspect(source, "x.csv", out)
    assert not fresh.exists()
    assert [p.name for p in used.iterdir()] == ["source"]


def test_messages_do_not_quote_rows(read: Read) -> None:
    error = refused(read, "name,n\nJane Roe,1\nJohn Doe\n")
    assert "Doe" not in str(error.as_dict())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_a_missing_last_one_do_not_matter(read: Read, end: str) -> None:
    for text in ("a,b\n1,2\n3,4\n", "a,b\n1,2\n3,4"):
        assert read(text.replace("\n", end))["table"] == {"a": [1, 3], "b": [2, 4]}


def test_a_hint_for_excel_is_followed(read: Read) -> None:
    assert read("sep=;\na;b\n1;2\n")["table"] == {"a": [1], "b": [2]}


def test_single_quotes_are_detected(read: Read) -> None:
    profile = read("'a','b'\n" + "'x','y, z'\n" * 30)
    assert profile["table"]["b"][0] == "y, z"
