"""What a format reader hands to the canonical writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class StagedColumn:
    """One column of a staged Parquet file.

    ``position`` is its place in the staged file, ``name`` the one users see and ``was`` the one
    found in the upload. ``trusted`` says that the file's own type is a fact; otherwise the
    column holds text whose type is decided over the whole file.
    """

    position: int
    name: str
    was: str
    trusted: bool


@dataclass(frozen=True)
class Staged:
    """A readable Parquet file, the columns to take from it, and how it was read.

    ``survey`` is what `auditapp.datasets.pums_profile` says of Census tables.
    """

    path: Path
    columns: tuple[StagedColumn, ...]
    rows: int
    format: Literal["csv", "parquet"]
    read: dict[str, Any]
    notices: tuple[dict[str, Any], ...] = ()
    control: bool = True
    decimal_comma: bool = False
    survey: Mapping[str, Any] | None = None


def notice(
    code: str,
    message: str,
    detail: str = "",
    *,
    level: str = "ok",
    column: str | None = None,
    lines: Sequence[str] = (),
) -> dict[str, Any]:
    """Return one line of the profile's notices; level ``check`` asks for a look.

    Lines are what the detail only begins to list.
    """
    line = {"code": code, "level": level, "message": message, "detail": detail, "column": column}
    return {**line, "lines": list(lines)} if lines else line


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 row`` or ``1,204 rows``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
