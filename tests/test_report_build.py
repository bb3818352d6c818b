"""From a result document to files: PDF, report.json, drawings, page."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.template.loader import render_to_string

from auditapp.reports import build
from auditapp.reports.facts import Facts
from auditapp.result import result_hash
from tests.report_documents import cached

HOSTILE = (
    '#import "x": *',
    "<script>alert(1)</script>",
    "$sum_(i=0)$ *bold* _it_",
    "bell\u0007 turn\u202e round",
    "日本語",
    "{{ 7|add:7 }} {% load x %}",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, dict[str, Any]]:
    document = cached(n=8000)
    out = tmp_path_factory.mktemp("report")
    ticks: list[tuple[int, int]] = []
    made = build.build(document, out, lambda done, total, text: ticks.append((done, total)))
    assert ticks[-1][0] == ticks[-1][1]
    return document, out, made


def _tags(pdf: pikepdf.Pdf) -> tuple[Counter[str], int]:
    seen: Counter[str] = Counter()
    without = 0
    todo: list[Any] = [pdf.Root.StructTreeRoot.K]
    while todo:
        node = todo.pop()
        if isinstance(node, pikepdf.Array):
            todo.extend(node)
        elif isinstance(node, pikepdf.Dictionary):
            kind = str(node.get("/S", ""))
            seen[kind] += 1
            without += kind == "/Figure" and "/Alt" not in node
            if "/K" in node:
                todo.append(node["/K"])
    return seen, without


def test_the_pdf_is_tagged_titled_and_every_figure_has_words(built: Any) -> None:
    document, out, made = built
    with pikepdf.open(out / "report.pdf") as pdf:
        assert len(pdf.pages) == made["pages"] <= 14
        assert str(pdf.Root.Lang) == "en"
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.docinfo["/Title"]) == document["plan"]["about"]["title"]
        with pdf.open_metadata() as meta:
            assert meta["pdfaid:part"] == "3"
            assert meta["pdfaid:conformance"] == "A"
            assert meta["pdfuaid:part"] == "1"
        tags, without = _tags(pdf)
        assert without == 0
        assert tags["/Title"] == 1
        assert tags["/TH"] > 20
        with pdf.open_outline() as outline:
            assert [item.title for item in outline.root][:2] == ["The answer", "What was examined"]


def test_the_pdf_carries_the_document_that_proves_it(built: Any) -> None:
    document, out, made = built
    with pikepdf.open(out / "report.pdf") as pdf:
        attached = json.loads(pdf.attachments["result.json"].get_file().read_bytes())
        table = pdf.attachments["tables.csv"].get_file().read_bytes()
    assert attached == document
    assert result_hash(attached) == made["hash"]
    assert table == (out / "tables.csv").read_bytes()


def test_one_document_gives_the_same_bytes_again(built: Any, tmp_path: Path) -> None:
    document, out, _ = built
    build.build(document, tmp_path)
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        again = tmp_path / path.relative_to(out)
        assert (
            hashlib.sha256(path.read_bytes()).digest()
            == hashlib.sha256(again.read_bytes()).digest()
        ), path.name


def test_every_figure_is_drawn_for_page_phone_and_print(built: Any) -> None:
    _, out, _ = built
    figures = list(_figures(json.loads((out / "report.json").read_text())["sections"]))
    assert {f["chart"] for f in figures} >= {
        "gap-strip", "group-sizes", "rates", "intersection-grid", "threshold-sweep",
        "calibration", "score-histogram",
    }  # fmt: skip
    for figure in figures:
        for variant in ("wide", "narrow"):
            assert (out / "charts" / f"{figure['anchor']}.{variant}.svg").is_file()
        assert figure["print_charts"]


def _figures(items: list[dict[str, Any]]) -> Any:
    for item in items:
        if item.get("kind") == "figure":
            yield item
        yield from _figures([*item.get("blocks", []), *item.get("parts", [])])


def test_the_summary_says_what_the_report_says(built: Any) -> None:
    document, _, made = built
    summary = made["summary"]
    assert summary["verdict"] == "difference"
    assert summary["rows"] == document["rows"]["used"]
    assert summary["largest"]["value"] == next(
        g["value"] for g in document["gaps"] if g["id"] == document["verdicts"][0]
    )


def _page(out: Path) -> str:
    report = json.loads((out / "report.json").read_text())
    return render_to_string("report/body.html", {"document": report, "folder": out})


def test_the_page_holds_the_numbers_without_any_markup_of_its_own(built: Any) -> None:
    _, out, made = built
    html = _page(out)
    assert made["summary"]["headline"].replace("'", "&#x27;") in html
    assert " style=" not in html
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]*(type=\"application/json\"|src=))", html)
    assert not re.search(r"\son\w+=", html)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for link in re.findall(r'href="#([^"]+)"', html):
        assert link in ids
    levels = [int(h) for h in re.findall(r"<h(\d)", html)]
    assert set(levels) <= {2, 3, 4}
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_long_and_foreign_titles_have_short_addresses_of_their_own() -> None:
    document = json.loads(json.dumps(cached()))
    titles = iter(["الجنس", "العرق", "s" * 300, "s" * 200])
    for attribute in document["plan"]["attributes"]:
        attribute["title"] = next(titles)
    facts = Facts(document)
    anchors = [facts.anchor(table) for table in facts.tables]
    assert len(set(anchors)) == len(anchors)
    assert all(build.ANCHOR.fullmatch(f"calibration-{anchor}") for anchor in anchors)
    titled = [{"column": a["column"], "title": "s" * 300} for a in document["plan"]["attributes"]]
    document["plan"]["attributes"] = titled
    facts = Facts(document)
    assert len({facts.anchor(table) for table in facts.tables}) == len(anchors)


def test_hostile_names_appear_as_text_everywhere(tmp_path: Path) -> None:
    about = {"title": '<b>#eval("1")</b> 日本', "outcome": "<img src=x onerror=alert(1)>"}
    document = cached(n=3000, races=list(HOSTILE), about=about)
    build.build(document, tmp_path)
    html = _page(tmp_path)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "{{ 7|add:7 }}" in html
    assert "\u202e" not in html
    assert "日本語" in html
    with pikepdf.open(tmp_path / "report.pdf") as pdf:
        assert str(pdf.docinfo["/Title"]) == '<b>#eval("1")</b> [U+65E5][U+672C]'


@pytest.mark.parametrize(
    "options",
    [
        {"n": 3000, "label": False, "score": False, "attributes": 1},
        {"n": 40, "floor": 100},
        {"n": 3000, "blank_labels": 300, "unknown": 50, "goal": "equalized-odds", "score": False},
    ],
    ids=["decisions only", "all under the floor", "two primary metrics"],
)
def test_unusual_audits_give_a_page_and_a_pdf(options: dict[str, Any], tmp_path: Path) -> None:
    made = build.build(cached(**options), tmp_path)
    assert made["pages"] >= 5
    assert 'id="answer"' in _page(tmp_path)


@pytest.mark.slow
def test_ninety_cells_stay_readable_and_are_all_in_the_table(tmp_path: Path) -> None:
    document = cached(n=20_000, attributes=3, intersections=3)
    made = build.build(document, tmp_path)
    assert made["pages"] <= 24
    table = (tmp_path / "tables.csv").read_bytes()
    assert table.count(b"\r\n") > len(document["gaps"])


def test_the_page_side_needs_no_heavy_library() -> None:
    import subprocess

    code = (
        "import sys; import auditapp.templatetags.report_tags;"
        "print([m for m in ('scipy','pandas','typst','vl_convert','numpy') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
