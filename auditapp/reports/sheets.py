"""The tables of an annex as one CSV, with exactly its columns: what is published beside a tool."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from auditapp.reports.csv_cells import guarded

Row = dict[str, Any]

PREFIX = "annex-"
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def annexes(document: Row) -> list[Row]:
    """Slug and title of the annexes with tables, from the blocks of a report."""
    return [
        {"slug": section["slug"].removeprefix(PREFIX), "title": section["title"]}
        for section in document.get("sections", ())
        if section["slug"].startswith(PREFIX) and next(_tables(section["blocks"]), None)
    ]


def sheet(document: Row, slug: str) -> bytes | None:
    """Every table of an annex under its title, as it is printed; None where there is none."""
    for section in document.get("sections", ()):
        if section["slug"] == PREFIX + slug:
            found = list(_tables(section["blocks"]))
            return _written(section["title"], found) if found else None
    return None


def _tables(blocks: list[Row]) -> Iterator[Row]:
    for block in blocks:
        if block["kind"] == "table":
            yield block
        yield from _tables([*block.get("blocks", ()), *block.get("parts", ())])


def _written(title: str, tables: list[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([guarded(title)])
    for table in tables:
        writer.writerow([])
        writer.writerow([guarded(table["title"])])
        writer.writerow([guarded(column["text"]) for column in table["columns"]])
        for row in table["rows"]:
            writer.writerow([_value(cell) for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _value(cell: Row) -> str:
    """What a cell shows, with its note; whole thousands without commas."""
    text = str(cell["text"])
    if THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    links = "; ".join(str(link["text"]) for link in cell.get("links") or ())
    note = f" ({cell['note']})" if cell["note"] else ""
    return guarded(f"{text or links}{note}")
