"""Data dictionaries of the Census: NAME lines introduce a variable, VAL lines its codes.

NAME,SEX,C,1,"Sex"
VAL,SEX,C,1,"1","1","Male"
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LARGEST = 8 << 20
MOST_CODES = 2_000
_LONGEST = 120


@dataclass(frozen=True)
class Dictionary:
    """Titles of columns, and the words of their codes; keys are without leading zeros."""

    titles: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def beside(self, other: Dictionary) -> Dictionary:
        """Both dictionaries; the first one's words win."""
        return Dictionary({**other.titles, **self.titles}, {**other.codes, **self.codes})

    def __bool__(self) -> bool:
        return bool(self.titles)


def is_dictionary(head: bytes) -> bool:
    """Whether text begins as a Census data dictionary does."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"NAME,", b'"NAME",')) and b"VAL" in head


def in_file(source: Path) -> Dictionary | None:
    """Read a dictionary, or return None when the file is something else."""
    with source.open("rb") as file:
        if not is_dictionary(file.read(1 << 16)):
            return None
        file.seek(0)
        return read(file)


def read(stream: IO[bytes]) -> Dictionary:
    """Read a dictionary; lines of another form are left out."""
    text = stream.read(LARGEST).decode("utf-8-sig", errors="replace")
    titles: dict[str, str] = {}
    codes: dict[str, dict[str, str]] = {}
    for line in csv.reader(io.StringIO(text)):
        if len(line) >= 5 and line[0] == "NAME":
            titles.setdefault(line[1].upper(), _words(line[4]))
        elif len(line) >= 7 and line[0] == "VAL" and line[4] == line[5]:
            book = codes.setdefault(line[1].upper(), {})
            code = line[4].strip()
            blank = not code.strip("b")
            if not blank and len(book) < MOST_CODES:
                book.setdefault(code.lstrip("0") or "0", _words(line[6]))
    return Dictionary(titles, codes)


def _words(text: str) -> str:
    shown = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1].rstrip() + "…"
