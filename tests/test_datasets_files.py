"""Kinds of file: Parquet, gz, zip, and everything that is not a table."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditapp.datasets.inspect import child_main, inspect
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.table import Table
from auditapp.errors import AuditError

CSV = b"group,n\na,1\nb,2\na,3\n"


def put(folder: Path, content: bytes, name: str = "source") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def parquet_bytes(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def refusal(folder: Path, content: bytes, name: str, **options: Any) -> AuditError:
    out = folder / "out"
    with pytest.raises(AuditError) as caught:
        inspect(put(folder, content), name, out, ReadOptions(**options))
    assert not out.exists()
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("content", "name", "compression", "inner"),
    [
        (gzip.compress(CSV), "t.csv.gz", "gzip", "t.csv"),
        (zipped({"in/t.csv": CSV, "__MACOSX/t.csv": b"x"}), "t.zip", "zip", "t.csv"),
        (zipped({"../../t.csv": CSV}), "t.zip", "zip", "t.csv"),
    ],
)
def test_it_unpacks_one_member(
    tmp_path: Path, content: bytes, name: str, compression: str, inner: str
) -> None:
    profile = inspect(put(tmp_path, content), name, tmp_path / "out")
    assert profile["rows"] == 3
    assert profile["read"]["compression"] == compression
    assert profile["read"]["inner_name"] == inner
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "profile.json",
        "table.parquet",
    ]


def test_a_packed_parquet_file_is_read(tmp_path: Path) -> None:
    content = gzip.compress(parquet_bytes(pa.table({"a": [1, 2]})))
    assert inspect(put(tmp_path, content), "t.parquet.gz", tmp_path / "out")["format"] == "parquet"


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (gzip.compress(CSV * 500)[:-20], "t.csv.gz", "truncated-file"),
        (zipped({"t.csv": CSV})[:-30], "t.zip", "truncated-file"),
        (zipped({}), "t.zip", "empty-file"),
        (zipped({"t.csv": b""}), "t.zip", "empty-file"),
        (zipped({"a.csv": CSV, "b.csv": CSV}), "t.zip", "several-members"),
        (zipped({"t.zip": zipped({"t.csv": CSV})}), "t.zip", "not-a-table"),
        (zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "t.xlsx", "not-a-table"),
        (zipped({"schema.json": b"{}", "1.npy": b""}), "m.zip", "model-as-table"),
        (pickle.dumps({"a": [1]}), "t.pkl", "pickle-refused"),
        (pickle.dumps({"a": [1]}), "t.csv", "pickle-refused"),
        (b"anything", "t.joblib", "pickle-refused"),
        (b'[{"a": 1}]', "t.json", "not-a-table"),
        (b'{"a": 1}\n{"a": 2}\n', "t.csv", "not-a-table"),
        (b"%PDF-1.7", "t.csv", "not-a-table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "t.xls", "not-a-table"),
        (b"<!DOCTYPE html><html>", "t.csv", "not-a-table"),
        (b"\x08\x07model", "m.onnx", "model-as-table"),
        (b"a,b\n1,2\n", "t.parquet", "damaged-parquet"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, name: str, code: str) -> None:
    assert refusal(tmp_path, content, name).code == code


def test_excel_pickle_and_json_get_a_way_out_to_copy(tmp_path: Path) -> None:
    assert (
        'read_excel("t.xlsx")'
        in refusal(
            tmp_path, zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "t.xlsx"
        ).code_block
    )
    assert 'to_parquet("t.parquet")' in refusal(tmp_path, b"\x80\x05.", "t.pkl").code_block
    assert 'read_json("t.json")' in refusal(tmp_path, b"[1]", "t.json").code_block


def test_a_zip_bomb_is_refused_by_its_own_words_and_by_what_comes_out(tmp_path: Path) -> None:
    zeros = b"0,0\n" * (20 << 20)
    assert refusal(tmp_path, zipped({"t.csv": zeros}), "t.zip").code == "zip-bomb"
    assert refusal(tmp_path, gzip.compress(zeros, 1), "t.csv.gz").code == "zip-bomb"


def test_limits_on_size_name_both_sizes(tmp_path: Path) -> None:
    error = refusal(tmp_path, CSV, "t.csv", max_bytes=10)
    assert error.code == "over-the-limit"
    assert "20 bytes" in error.message
    assert "10 bytes" in error.message
    packed = refusal(tmp_path, gzip.compress(CSV * 10), "t.csv.gz", max_expanded=100)
    assert packed.code == "over-the-limit"


def test_a_cut_parquet_file_is_refused(tmp_path: Path) -> None:
    whole = parquet_bytes(pa.table({"a": list(range(5_000))}))
    assert refusal(tmp_path, whole[:-50], "t.parquet").code == "damaged-parquet"
    assert refusal(tmp_path, whole[:20] + whole[-8:], "t.parquet").code == "damaged-parquet"
    broken = bytearray(whole)
    broken[100:4_000] = bytes(3_900)
    assert refusal(tmp_path, bytes(broken), "t.parquet").code == "damaged-parquet"
    none = pa.table({"a": pa.array([], pa.int64())})
    assert refusal(tmp_path, parquet_bytes(none), "t.parquet").code == "header-only"


def test_parquet_types_are_facts(tmp_path: Path) -> None:
    table = pa.table(
        {
            "zip": ["00501", "10001", "?"],
            "flag": [True, False, None],
            "whole": pa.array([1.0, 2.0, None]),
            "real": [0.5, float("nan"), float("inf")],
            "small": pa.array([1, 2, 3], pa.uint8()),
            "money": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2")]),
            "day": [dt.date(2024, 1, 2), None, dt.date(2024, 2, 3)],
            "cat": pa.array(["x", "y", "x"]).dictionary_encode(),
            "many": [[1], [2], [3]],
            "nothing": pa.nulls(3),
        }
    )
    profile = inspect(put(tmp_path, parquet_bytes(table)), "t.parquet", tmp_path / "out")
    facts = {c["name"]: (c["type"], c["kind"], c["missing"]) for c in profile["columns"]}
    assert facts["zip"] == ("text", "binary", 1)
    assert facts["flag"] == ("boolean", "binary", 1)
    assert facts["whole"] == ("integer", "binary", 1)
    assert facts["real"] == ("number", "constant", 2)
    assert facts["small"] == ("integer", "categorical", 0)
    assert facts["money"] == ("number", "binary", 1)
    assert facts["day"] == ("date", "binary", 1)
    assert facts["cat"][0] == "text"
    assert facts["nothing"] == ("text", "empty", 3)
    assert "many" not in facts
    assert "column-left-out" in [n["code"] for n in profile["notices"]]


def test_numbers_that_fit_64_bits_only_without_sign_are_kept_as_text(tmp_path: Path) -> None:
    columns = {"id": [2**64 - 1, 2**63, None], "small": [1, 2, None]}
    table = pa.table({name: pa.array(values, pa.uint64()) for name, values in columns.items()})
    profile = inspect(put(tmp_path, parquet_bytes(table)), "t.parquet", tmp_path / "out")
    assert [column["type"] for column in profile["columns"]] == ["text", "integer"]
    stored = Table.open(tmp_path / "out")
    assert stored.codes("id")[0] == ["9223372036854775808", "18446744073709551615"]


def test_the_child_entry_returns_json_and_writes_it(tmp_path: Path) -> None:
    ticks: list[tuple[object, ...]] = []
    payload = {
        "source": str(put(tmp_path, CSV)),
        "name": "C:\\files\\people.csv",
        "out": str(tmp_path / "out"),
        "options": {"missing": ["", "a"], "delimiter": None, "unknown": 1},
    }
    profile = child_main(payload, lambda *args, **extra: ticks.append(args))
    assert profile["name"] == "people.csv"
    assert profile["bytes"] == len(CSV)
    assert len(profile["sha256"]) == 64
    assert profile["columns"][0]["missing"] == 2
    assert json.loads((tmp_path / "out" / "profile.json").read_text()) == profile
    assert ticks[-1][:2] == (1, 1)
