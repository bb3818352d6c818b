"""The PDF as assistive technology finds it, and the same numbers wherever a report shows them."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.template.loader import render_to_string

from auditapp.reports import blocks, build
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import percent, percent_span
from auditapp.reports.sections import sections
from tests.report_documents import cached

DOCUMENT = {"n": 8000}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("structure")
    build.build(cached(**DOCUMENT), folder)
    return folder


def _nodes(node: Any) -> Any:
    """Every element of the structure tree in reading order."""
    if isinstance(node, pikepdf.Array):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from _nodes(node["/K"])


def _tree(pdf: pikepdf.Pdf) -> list[Any]:
    return list(_nodes(pdf.Root.StructTreeRoot.K))


def test_no_level_of_headings_is_skipped(out: Path) -> None:
    with pikepdf.open(out / "report.pdf") as pdf:
        kinds = [str(node["/S"]) for node in _tree(pdf)]
    levels = [int(kind[2:]) for kind in kinds if re.fullmatch(r"/H[1-6]", kind)]
    assert kinds.count("/Title") == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_cells_of_headers_are_marked_with_their_scope(out: Path) -> None:
    with pikepdf.open(out / "report.pdf") as pdf:
        tree = _tree(pdf)
        heads = [node for node in tree if str(node["/S"]) == "/TH"]
        tables = [node for node in tree if str(node["/S"]) == "/Table"]
        assert len(heads) > 20
        assert all("/Scope" in str(dict(_attributes(node))) for node in heads)
        for table in tables:
            assert "/THead" in {str(node["/S"]) for node in _nodes(table["/K"])}


def _attributes(node: Any) -> Any:
    found = node.get("/A", pikepdf.Dictionary())
    for item in found if isinstance(found, pikepdf.Array) else [found]:
        yield from item.items()


def test_figures_have_words_of_a_length_that_is_read_out(out: Path) -> None:
    with pikepdf.open(out / "report.pdf") as pdf:
        figures = [node for node in _tree(pdf) if str(node["/S"]) == "/Figure"]
        assert figures
        assert all(0 < len(str(node["/Alt"])) <= build.LONGEST_ALT for node in figures)


def test_every_chapter_has_a_bookmark(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    with pikepdf.open(out / "report.pdf") as pdf, pdf.open_outline() as outline:
        marks = [item.title for item in outline.root]
    assert marks == [s["title"] for s in report["sections"] if s["slug"] != "cover"]


def test_attachments_say_what_they_are_to_the_document(out: Path) -> None:
    with pikepdf.open(out / "report.pdf") as pdf:
        said = {name: str(file.obj["/AFRelationship"]) for name, file in pdf.attachments.items()}
        assert len(pdf.Root.AF) == len(said)
    assert said["result.json"] == "/Source"
    assert said["tables.csv"] == "/Data"


@pytest.mark.parametrize("words", ["", "  ", "x" * 251])
def test_a_figure_without_words_stops_the_build(words: str, tmp_path: Path) -> None:
    made = sections(Facts(cached(**DOCUMENT)))
    figures = (b for s in made for b in blocks.walk(s.blocks) if isinstance(b, blocks.Figure))
    with pytest.raises(ValueError, match="alt text"):
        build._draw(replace(next(figures), alt=words), tmp_path)


def _words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_page_pdf_csv_and_document_show_the_same_numbers(out: Path) -> None:
    """Acceptance check 3: every rate of a named group, rounded once, wherever it is shown."""
    document = cached(**DOCUMENT)
    wanted = [
        e
        for e in document["estimates"]
        if len(e["by"]) == 1
        and e["metric"] == "selection-rate"
        and e["value"] is not None
        and e["n"] >= document["plan"]["floor"]
    ]
    report = json.loads((out / "report.json").read_text())
    page = _words(render_to_string("report/body.html", {"document": report, "folder": out}))
    rows = list(csv.DictReader(io.StringIO((out / "tables.csv").read_bytes().decode("utf-8-sig"))))
    tool = shutil.which("pdftotext")
    printed = ""
    if tool is not None:
        file = str(out / "report.pdf")
        done = subprocess.run([tool, "-layout", file, "-"], capture_output=True, check=True)
        printed = _words(done.stdout.decode())
    assert len(wanted) > 8
    for estimate in wanted:
        shown = percent(estimate["value"], 1)
        interval = percent_span(estimate["low"], estimate["high"])
        assert shown in page
        assert interval in page
        assert not printed or (shown in printed and interval in printed)
        label = next(iter(estimate["group"].values()))
        own = [r for r in rows if label in r.values() and str(estimate["numerator"]) in r.values()]
        assert any(percent(float(v), 1) == shown for r in own for v in r.values() if _number(v))


def _number(text: str | None) -> bool:
    try:
        return text is not None and 0 <= float(text) <= 1
    except ValueError:
        return False
