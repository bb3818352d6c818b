"""The arithmetic of the trail: every row carries the hash of the row before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: What the first row of a workspace has in place of an earlier hash.
START = "0" * 64
VERSION = "evenhand/trail/1"
#: Fields of a row that its hash covers. The account is not among them: it may be deleted, and
#: `actor` keeps its address.
FIELDS = (
    "workspace_id",
    "sequence",
    "at",
    "actor",
    "verb",
    "subject",
    "subject_id",
    "name",
    "detail",
)


def digest(previous: str, facts: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of one row, the hash before it included."""
    content = {name: _plain(facts[name]) for name in FIELDS}
    content["previous_hash"] = previous
    content["version"] = VERSION
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def as_json(detail: dict[str, Any]) -> dict[str, Any]:
    """A detail as the database gives it back, so that its hash stays the same."""
    plain: dict[str, Any] = json.loads(json.dumps(detail, default=str))
    return plain


@dataclass(frozen=True)
class Fault:
    """The first place where a chain does not hold."""

    sequence: int
    kind: str
    words: str


def first_fault(
    rows: Iterable[dict[str, Any]], *, length: int | None = None, head: str | None = None
) -> Fault | None:
    """Where a chain breaks; None where every row is as it was written.

    Parameters
    ----------
    rows
        In the order of their sequence, with FIELDS, `previous_hash` and `hash`.
    length, head
        How many rows the workspace counted, and the hash of its newest.
    """
    before, expected = START, 1
    for row in rows:
        number = row["sequence"]
        if number != expected:
            many = number - expected
            words = f"{many} row{'s are' if many != 1 else ' is'} missing before row {number}"
            return Fault(expected, "removed", words)
        if row["previous_hash"] != before:
            words = f"row {number} does not follow row {number - 1}: rows were moved or replaced"
            return Fault(number, "reordered", words)
        if digest(before, row) != row["hash"]:
            return Fault(number, "changed", f"row {number} is not as it was written")
        before, expected = row["hash"], number + 1
    if length is not None and expected - 1 != length:
        words = f"the workspace counted {length} rows, and {expected - 1} are here"
        return Fault(expected, "removed", words)
    if head is not None and before != head:
        words = "the newest row is not the one that the workspace noted"
        return Fault(expected - 1, "changed", words)
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if isinstance(value, int | dict | list) or value is None else str(value)
