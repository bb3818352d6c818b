"""Decisions row by row, kept beside a report so that two audits of the same people can be paired.

No value of the table is kept but the group codes, the recorded outcome and the decision; a person
is known by the row's place in the file, and by a keyed hash of the id column where there is one.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from metrics.groups import Attribute

SCHEMA = "evenhand/rows/1"
ROWS, WORDS = "rows.npz", "rows.json"
#: What reading a damaged file raises.
DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
#: Largest number of rows a file may say it has.
MOST_ROWS = 10**9


@dataclass(frozen=True)
class Kept:
    """Rows that one audit measured.

    Parameters
    ----------
    sha256, n_rows
        The audited file, and how many rows its table has.
    row : (n,) int64
        Place of each measured row in the table, rising.
    decision, label : (n,) int8
        1 favourable, 0 not, 2 abstained, -1 blank; label None where the plan names none.
    attributes
        Sensitive columns of the n rows.
    key : (n,) uint64
        Keyed hash of the person's id, None without an id for every row.
    key_name
        Which key: hashes of different keys do not compare.
    """

    sha256: str
    n_rows: int
    row: NDArray[np.int64]
    decision: NDArray[np.int8]
    label: NDArray[np.int8] | None
    attributes: tuple[Attribute, ...]
    key: NDArray[np.uint64] | None
    key_name: str

    def __len__(self) -> int:
        return len(self.row)


def write(audited: Audited, folder: Path) -> None:
    """Write the measured rows; nothing where rows are weighted, which cannot be paired here."""
    plan = audited.plan
    if plan.weights is not None:
        return
    row = np.flatnonzero(audited.used)
    # Small types instead of compression, which would take seconds of every long audit.
    columns: dict[str, NDArray[Any]] = {
        "used": np.packbits(audited.used),
        "decision": audited.decision.astype(np.int8),
        **{f"codes-{i}": _small(a) for i, a in enumerate(audited.attributes)},
    }
    if audited.label is not None:
        columns["label"] = audited.label.astype(np.int8)
    secret = str(audited.job.get("row_key") or "")
    keys = None if plan.unit is None else _keys(audited.table, plan.unit, secret)
    if keys is not None:
        columns["key"] = keys[row]
    words = {
        "schema": SCHEMA,
        "sha256": plan.data.sha256,
        "rows": int(audited.used.size),
        "attributes": [
            {"name": a.name, "levels": list(a.levels), "reference": a.reference}
            for a in audited.attributes
        ],
        "key": _key_name(secret) if keys is not None else "",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ROWS).open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)
    (folder / WORDS).write_text(json.dumps(words), encoding="utf-8")


def _small(attribute: Attribute) -> NDArray[Any]:
    """Codes from 1, 0 for unknown, in as few bytes as hold them."""
    return (attribute.codes + 1).astype(np.min_scalar_type(len(attribute.levels)))


def _keys(table: Table, column: str, secret: str) -> NDArray[np.uint64] | None:
    """A keyed hash of every row's id; None where ids repeat or are blank."""
    if np.unique(table.units(column)).size != table.n_rows:
        return None
    levels, codes = table.codes(column)
    if len(levels) != table.n_rows or (codes < 0).any():
        return None
    hashed = np.array([_hash(level, secret) for level in levels], dtype=np.uint64)
    return hashed[codes] if np.unique(hashed).size == hashed.size else None


def _hash(text: str, secret: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=secret.encode()[:64])
    return int.from_bytes(digest.digest(), "big")


def _key_name(secret: str) -> str:
    """Tells keys apart without giving one away."""
    return hashlib.sha256(f"evenhand row key {secret}".encode()).hexdigest()[:16]


def read(folder: Path) -> Kept | None:
    """What an audit kept in a folder; None where it kept nothing.

    Raises
    ------
    AuditError
        ``unreadable-rows``: the files are damaged, or something else.
    """
    if not (folder / ROWS).is_file() or not (folder / WORDS).is_file():
        return None
    try:
        words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
        with np.load(folder / ROWS, allow_pickle=False) as columns:
            return _checked(words, {name: columns[name] for name in columns.files})
    except DAMAGED as error:
        raise AuditError(
            "unreadable-rows",
            f"The rows kept in “{folder.name}” cannot be read.",
            "Run the audit again, so that it keeps them anew.",
            found=str(error)[:200],
        ) from error


def _checked(words: dict[str, Any], columns: dict[str, NDArray[Any]]) -> Kept:
    if words["schema"] != SCHEMA:
        raise ValueError("not a file of rows")
    n_rows = int(words["rows"])
    used = columns["used"]
    if not 0 < n_rows <= MOST_ROWS or used.dtype != np.uint8 or used.shape != (-(-n_rows // 8),):
        raise ValueError("no rows")
    row = np.flatnonzero(np.unpackbits(used, count=n_rows))
    decision = _column(columns["decision"], row.size, -1, 2).astype(np.int8)
    label = columns.get("label")
    attributes = tuple(
        Attribute(
            str(item["name"]),
            tuple(str(word) for word in item["levels"]),
            _column(columns[f"codes-{i}"], row.size, 0, len(item["levels"])).astype(np.int64) - 1,
            _reference(item),
        )
        for i, item in enumerate(words["attributes"])
    )
    key = columns.get("key")
    if key is not None and (key.dtype != np.uint64 or key.shape != row.shape):
        raise ValueError("keys do not fit the rows")
    return Kept(
        sha256=str(words["sha256"]), n_rows=n_rows, row=row, decision=decision,
        label=None if label is None else _column(label, row.size, -1, 1).astype(np.int8),
        attributes=attributes, key=key, key_name=str(words["key"]),
    )  # fmt: skip


def _column(values: NDArray[Any], size: int, low: int, high: int) -> NDArray[Any]:
    if values.shape != (size,) or values.dtype.kind not in "iu":
        raise ValueError("columns of different lengths")
    if size and (values.min() < low or values.max() > high):
        raise ValueError("a code out of range")
    return values


def _reference(item: dict[str, Any]) -> int | None:
    found = item.get("reference")
    if found is None:
        return None
    if not 0 <= int(found) < len(item["levels"]):
        raise ValueError("no such reference group")
    return int(found)
