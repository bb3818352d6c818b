"""An annex as one CSV: its facts and sentences, and its tables with exactly their columns."""

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
    """An annex in its order, as it is printed; None where it has no table."""
    for section in document.get("sections", ()):
        if section["slug"] == PREFIX + slug:
            found = next(_tables(section["blocks"]), None) is not None
            return _written(section["title"], section["blocks"], document) if found else None
    return None


def _tables(blocks: list[Row]) -> Iterator[Row]:
    for block in blocks:
        if block["kind"] == "table":
            yield block
        yield from _tables([*block.get("blocks", ()), *block.get("parts", ())])


def _written(title: str, blocks: list[Row], document: Row) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    status = _status(document)
    writer.writerow([guarded(title), *([guarded(status)] if status else [])])
    for lines in map(_lines, _leaves(blocks)):
        if lines:
            writer.writerow([])
            writer.writerows([[guarded(cell) for cell in line] for line in lines])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _status(document: Row) -> str:
    """Whether the report is a draft, as its cover says."""
    blocks = [block for section in document["sections"] for block in section["blocks"]]
    return next((str(block["status"]) for block in blocks if block["kind"] == "cover"), "")


def _leaves(blocks: list[Row]) -> Iterator[Row]:
    for block in blocks:
        yield block
        yield from _leaves([*block.get("blocks", ()), *block.get("parts", ())])


def _lines(block: Row) -> list[list[str]]:
    """Rows of the CSV for a block; none for what is only drawn."""
    kind = block["kind"]
    if kind == "table":
        heads = [column["text"] for column in block["columns"]]
        return [
            [block["title"]],
            heads,
            *([_value(cell) for cell in row] for row in block["rows"]),
        ]
    title = [[block["title"]]] if block.get("title") else []
    if kind == "facts":
        return [*title, *([row["label"], _plain(row["value"])] for row in block["rows"])]
    if kind == "bullets":
        return [*title, *([_plain(item)] for item in block["items"])]
    if kind in ("prose", "notice"):
        return [[_plain(block["text"])]]
    return title if kind == "part" else []


def _plain(runs: list[Row]) -> str:
    return "".join(str(run["t"]) for run in runs)


def _value(cell: Row) -> str:
    """What a cell shows, with its note; whole thousands without commas."""
    text = str(cell["text"])
    if THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    links = "; ".join(str(link["text"]) for link in cell.get("links") or ())
    note = f" ({cell['note']})" if cell["note"] else ""
    return f"{text or links}{note}"
