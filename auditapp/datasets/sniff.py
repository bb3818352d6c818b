"""Tell an upload's kind by its first bytes; foreign kinds are refused with a way out."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Literal

from auditapp.errors import AuditError

Kind = Literal["csv", "parquet", "gzip", "zip"]

HEAD = 1 << 12

_BINARY: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"ARROW1", "an Arrow or Feather file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"RDX2", "an R data file"),
    (b"RDX3", "an R data file"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"$FL2", "an SPSS file"),
    (b"<stata_dta>", "a Stata file"),
)
_PICKLE_SUFFIXES = {".pkl", ".pickle", ".joblib", ".p"}
_MODEL_SUFFIXES = {".onnx", ".skops", ".safetensors"}
_WAY_OUT = 'import pandas as pd\n\ntable = {reader}\ntable.to_parquet("{stem}.parquet")'


def file_kind(head: bytes, name: str) -> Kind:
    """Return the kind of a file from its first bytes and its name.

    Raises
    ------
    AuditError
        ``pickle-refused``, ``not-a-table`` or ``model-as-table`` for files of another kind.
    """
    suffix = PurePath(name).suffix.lower()
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PARE"):
        raise AuditError(
            "encrypted-file",
            f"{name} is an encrypted Parquet file, which cannot be opened.",
            "Upload it without encryption.",
        )
    if suffix in {".parquet", ".pq"}:
        raise damaged_parquet(name, "It does not begin with the Parquet signature PAR1.")
    _refuse_pickle(head, name, suffix)
    _refuse_model(name, suffix)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if suffix == ".zip":
        raise _no_zip(head, name)
    _refuse_structured(head, name, suffix)
    for signature, words in _BINARY:
        if head.startswith(signature):
            raise not_a_table(name, words)
    return "csv"


def read_head(path: Path, size: int = HEAD) -> bytes:
    """Return the first bytes of a file."""
    with path.open("rb") as file:
        return file.read(size)


def not_a_table(name: str, words: str, *, code_block: str = "") -> AuditError:
    """Return the refusal of a file that is something else."""
    return AuditError(
        "not-a-table",
        f"{name} is {words}, not a CSV or Parquet table.",
        "Export the table as CSV or Parquet and upload that file.",
        code_block=code_block,
    )


def damaged_parquet(name: str, found: str) -> AuditError:
    """Return the refusal of a Parquet file that cannot be read to its end."""
    return AuditError(
        "damaged-parquet",
        f"{name} cannot be read as a Parquet file: it is cut off or damaged.",
        "Export it again, compare the file size with the original, and upload the new file.",
        found=found,
    )


def xlsx_refused(name: str) -> AuditError:
    """Return the refusal of an Excel workbook."""
    stem = _stem(name)
    return not_a_table(
        name,
        "an Excel workbook",
        code_block=_WAY_OUT.format(reader=f'pd.read_excel("{stem}.xlsx")', stem=stem),
    )


def _stem(name: str) -> str:
    """The name without its ending, safe between quotes in lines that people copy and run."""
    return re.sub(r"[^\w.() -]", "_", PurePath(name).stem)


def _refuse_pickle(head: bytes, name: str, suffix: str) -> None:
    protocol = len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5
    if not protocol and suffix not in _PICKLE_SUFFIXES:
        return
    stem = _stem(name)
    reader = "joblib.load" if suffix == ".joblib" else "pd.read_pickle"
    way_out = _WAY_OUT.format(reader=f'{reader}("{stem}{suffix}")', stem=stem)
    raise AuditError(
        "pickle-refused",
        "Pickle files can run code when opened, so Evenhand never opens one.",
        "Where the table was made, save it as Parquet and upload that file.",
        where=name,
        code_block=f"import joblib\n{way_out}" if suffix == ".joblib" else way_out,
    )


def _refuse_model(name: str, suffix: str) -> None:
    if suffix in _MODEL_SUFFIXES:
        raise AuditError(
            "model-as-table",
            f"{name} is a model, not a table.",
            "Upload it in the field for the model, and a CSV or Parquet file here.",
        )


def _no_zip(head: bytes, name: str) -> AuditError:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    page = start.startswith((b"<!doctype html", b"<html", b"<?xml"))
    what = "a web page and no zip file" if page else "no zip file"
    return AuditError(
        "not-a-zip",
        f"{name} is {what}: the server that gave it probably answered with an error.",
        "Look at the address it came from and load it again.",
        where=name,
        found="".join(c for c in head[:60].decode("ascii", "replace") if c.isprintable()),
    )


def _refuse_structured(head: bytes, name: str, suffix: str) -> None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    stem = _stem(name)
    if suffix in {".json", ".jsonl", ".ndjson"} or start.startswith((b'{"', b'[{"', b"[{")):
        raise not_a_table(
            name,
            "a JSON file",
            code_block=_WAY_OUT.format(reader=f'pd.read_json("{stem}{suffix}")', stem=stem),
        )
    if start.startswith((b"<!doctype html", b"<html")):
        raise not_a_table(name, "a web page")
    if start.startswith(b"<?xml"):
        raise not_a_table(name, "an XML file")
