"""Delimiter, quote, header and column names of a delimited file, from its first rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.datasets.keys import clean, is_number
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.staged import counted, notice
from auditapp.errors import AuditError

HEAD_CHARS = 1 << 20
_ROWS = 200
_PREAMBLE = 10
_DELIMITERS = (",", ";", "\t", "|")
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}

Rows = list[list[str]]


@dataclass(frozen=True)
class Dialect:
    """How to cut a file into cells. `skip` lines come before the header or the first row."""

    delimiter: str
    quote: str
    skip: int
    header: bool
    names: tuple[str, ...]
    was: tuple[str, ...]
    notices: tuple[dict[str, Any], ...]
    header_only: bool = False


def detect(head: str, complete: bool, options: ReadOptions) -> Dialect:
    """Return the dialect of a file whose first characters are `head`.

    Parameters
    ----------
    head
        First characters, decoded.
    complete
        Whether `head` is the whole file; otherwise its last row may be cut and is not used.
    options
        What the user declared wins over what is detected.
    """
    text = head.lstrip("\ufeff")
    delimiter = _declared(options.delimiter)
    quote = options.quote if options.quote is not None else _quote(text)
    if delimiter is None:
        delimiter = _delimiter(text, quote, complete)
    rows = _rows(text, delimiter, quote, complete)
    skip, width = _preamble(rows)
    body = [row for row in rows[skip:] if row]
    if not body:
        raise AuditError(
            "empty-file", "The file holds no rows.", "Export the table again and upload it."
        )
    header = options.header if options.header is not None else _is_header(body)
    notices = []
    if skip and any(rows[:skip]):
        notices.append(
            notice(
                "skipped-lines",
                f"{counted(skip, 'line')} before the table left out.",
                f"The rows after that have {width:,} fields.",
                level="check",
            )
        )
    was = tuple(body[0]) if header else tuple("" for _ in body[0])
    names, about_names = column_names(was, header=header)
    if not header and options.header is None:
        about_names.append(
            notice(
                "no-header",
                "The first row looks like data, not like column names.",
                f"The columns are called {names[0]} to {names[-1]}. "
                "If the first row holds names, choose “First row holds the names”.",
                level="check",
            )
        )
    alone = complete and header and len(body) == 1
    return Dialect(delimiter, quote, skip, header, names, was, tuple(notices + about_names), alone)


def column_names(
    was: Sequence[str], *, header: bool = True
) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Return unique, printable column names, and notices about every change."""
    notices: list[dict[str, Any]] = []
    names: list[str] = []
    taken: set[str] = set()
    present = {" ".join(clean(found).split()) for found in was}
    unnamed = 0
    for position, found in enumerate(was, start=1):
        name = " ".join(clean(found).split())
        if not name:
            name = f"column_{position}"
            unnamed += header
        unique, copy = name, 1
        while unique in taken or (copy > 1 and unique in present):
            copy += 1
            unique = f"{name}.{copy}"
        if copy > 1:
            notices.append(
                notice(
                    "duplicate-header",
                    f"Column “{name}” occurs more than once; number {position:,} is called "
                    f"“{unique}”.",
                    level="check",
                    column=unique,
                )
            )
        taken.add(unique)
        names.append(unique)
    if any(clean(found) != found for found in was):
        notices.append(
            notice("name-cleaned", "Characters that cannot be shown left out of column names.")
        )
    if unnamed:
        notices.append(
            notice(
                "unnamed-column",
                f"{counted(unnamed, 'column')} without a name, called by position.",
            )
        )
    return tuple(names), notices


def _declared(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    plain = _NAMED.get(delimiter.lower(), delimiter)
    if len(plain) != 1 or plain in '"\r\n':
        raise AuditError(
            "bad-delimiter",
            f"“{delimiter}” cannot separate columns.",
            "Choose one character: comma, semicolon, tab or vertical bar.",
        )
    return plain


def _rows(text: str, delimiter: str, quote: str, complete: bool) -> Rows:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    rows: Rows = []
    try:
        for row in reader:
            rows.append(row)
            if len(rows) > _ROWS:
                return rows[:-1]
    except csv.Error:
        return rows
    return rows if complete or len(rows) < 2 else rows[:-1]


def _quote(text: str) -> str:
    sample = text[: 1 << 16]
    wrapped = sum(sample.count(f"{d}'") for d in _DELIMITERS)
    closed = sum(sample.count(f"'{d}") for d in _DELIMITERS)
    if wrapped > 20 and abs(wrapped - closed) <= 0.1 * wrapped and sample.count('"') == 0:
        return "'"
    return '"'


def _delimiter(text: str, quote: str, complete: bool) -> str:
    best, chosen = (0.0, 0), ","
    for candidate in _DELIMITERS:
        widths = [len(row) for row in _rows(text, candidate, quote, complete) if row]
        if not widths:
            continue
        width, count = Counter(widths).most_common(1)[0]
        if width > 1 and (round(count / len(widths), 1), width) > best:
            best, chosen = (round(count / len(widths), 1), width), candidate
    return chosen


def _preamble(rows: Rows) -> tuple[int, int]:
    """Return how many lines come before the table, and the table's usual width."""
    widths = Counter(len(row) for row in rows if row)
    width = widths.most_common(1)[0][0] if widths else 0
    blank = next((i for i, row in enumerate(rows) if row), 0)
    skip = blank
    while (
        skip < min(_PREAMBLE, len(rows) - 1)
        and width > 1
        and (not rows[skip] or _is_remark(rows[skip], width))
    ):
        skip += 1
    return skip, width


def _is_remark(row: list[str], width: int) -> bool:
    if row[0].lower().startswith("sep=") and not any(row[1:]):
        return True
    if len(row) == width:
        return False
    marked = row[0].lstrip().startswith(("#", "%", "|", "//", "--"))
    return marked or (len(row) == 1 and width > 2)


def _is_header(rows: Rows) -> bool:
    first = [cell.strip() for cell in rows[0]]
    body = [row for row in rows[1:] if len(row) == len(first) and row != rows[0]]
    numeric = [i for i, cell in enumerate(first) if is_number(cell)]
    if numeric:
        return bool(body) and _are_years(first, body, numeric)
    if "?" in first:
        return False
    if not body:
        return True
    recurring = 0
    for i, cell in enumerate(first):
        column = [row[i].strip() for row in body]
        present = [value for value in column if value not in {"", "?", "NA", "N/A"}]
        if cell and present and all(is_number(value) for value in present):
            return True
        recurring += bool(cell) and cell in present
    return recurring * 2 < max(1, sum(bool(cell) for cell in first))


def _are_years(first: list[str], body: Rows, numeric: list[int]) -> bool:
    years = [first[i] for i in numeric]
    if len(set(years)) < len(years) or len(numeric) == len(first):
        return False
    if not all(year.isdigit() and 1900 <= int(year) <= 2100 for year in years):
        return False
    return any(row[i].strip() not in years for row in body for i in numeric)
