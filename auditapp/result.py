"""The result document: one versioned JSON from which page, PDF, CSV and API are rendered."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

SCHEMA = "evenhand/result/1"

#: Keys that may differ between two runs of the same audit, and so stay outside the hash.
OUTSIDE_HASH = ("run", "environment", "timings")

#: Sections that later capabilities fill. A section that was not run is null, never absent.
NOT_RUN = (
    "outcome",
    "subgroups",
    "pid",
    "bounds",
    "shift",
    "transfer",
    "change",
    "strata",
    "levels",
    "references",
    "numerics",
    "tradeoff",
    "annexes",
)

Document = dict[str, Any]
HEX = re.compile(r"[0-9a-f]*")


def canonical(document: Document) -> bytes:
    """Serialise with sorted keys, UTF-8 and shortest floats.

    Raises
    ------
    ValueError
        The document holds NaN or an infinity: undefined values are None with a reason.
    """
    return json.dumps(
        document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def result_hash(document: Document) -> str:
    """SHA-256 of the canonical document without what legitimately varies between runs."""
    hashed = {key: value for key, value in document.items() if key not in OUTSIDE_HASH}
    return hashlib.sha256(canonical(hashed)).hexdigest()


def printed_hash(text: str) -> tuple[str, str] | None:
    """Beginning and end of a hash as people copy it: whole, begun, or as a cover prints it.

    None where it is no SHA-256.
    """
    given = text.strip().lower().removeprefix("sha256").replace("...", "…")
    head, _, tail = given.partition("…")
    head, tail = (re.sub(r"[\s:.-]", "", part) for part in (head, tail))
    known = HEX.fullmatch(head) and HEX.fullmatch(tail) and len(head) + len(tail) <= 64
    return (head, tail) if known else None


def plain(value: Any) -> Any:
    """Turn numpy scalars and tuples into JSON types; a non-finite number becomes None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write(document: Document, path: Path) -> None:
    """Write the document whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(canonical(document) + b"\n")
    partial.replace(path)


def read(path: Path) -> Document:
    """Read a document written by `write`."""
    document: Document = json.loads(path.read_bytes())
    return document
