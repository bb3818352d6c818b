"""What the PDF prints of a report whose page keeps everything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from auditapp.reports import blocks, build, charts, pdf, stamps
from auditapp.reports.charts.config import HALF
from auditapp.reports.facts import Facts
from auditapp.reports.sections import sections
from tests.chart_samples import SAMPLES
from tests.report_documents import cached


def _figures(facts: Facts) -> list[blocks.Figure]:
    every = [b for s in sections(facts) for b in blocks.walk(s.blocks)]
    return [b for b in every if isinstance(b, blocks.Figure)]


@pytest.mark.parametrize("kind", sorted(charts.HALVES))
def test_text_of_charts_side_by_side_is_nine_points_or_more(kind: str) -> None:
    svg = charts.draw(SAMPLES[kind](), "half")
    scale = 80 / 25.4 * 72 / HALF.width
    sizes = {float(s) for s in re.findall(r'font-size="([\d.]+)px"', svg)}
    assert min(sizes) * scale >= 9
    assert f'width="{HALF.width}"' in svg


def test_figures_that_stand_side_by_side_can_be_drawn_so() -> None:
    figures = [f for f in _figures(Facts(cached(n=8000))) if f.print_half]
    assert figures
    assert {f.chart["kind"] for f in figures} <= charts.HALVES


def test_a_figure_that_is_not_printed_has_drawings_for_the_page_only(tmp_path: Path) -> None:
    figure = next(f for f in _figures(Facts(cached(n=8000))) if f.chart["kind"] == "group-sizes")
    assert build._draw(replace(figure, printed=False), tmp_path) == []
    assert sorted(p.suffixes[0] for p in tmp_path.iterdir()) == [".narrow", ".wide"]


def test_what_is_printed_otherwise_stays_out_of_the_page() -> None:
    """The drawings of the page come from `chart` alone."""
    for figure in _figures(Facts(cached(n=8000))):
        data = blocks.to_json(figure)
        assert "print_chart" not in data
        assert not set(figure.print_chart) - {"across", *figure.chart}


def test_the_printed_calibration_shows_the_group_that_its_title_names() -> None:
    for figure in _figures(Facts(cached(n=8000))):
        if figure.chart["kind"] != "calibration" or " for " not in figure.title:
            continue
        drawn = [s["label"] for s in figure.print_chart["series"]]
        assert len(drawn) <= 4
        assert figure.chart["series"][0]["label"] in drawn


def _text(file: bytes) -> str:
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not installed")
    made = subprocess.run([tool, "-", "-"], input=file, capture_output=True, check=True)
    return " ".join(made.stdout.decode().split())


def test_an_audit_of_two_attributes_has_ten_pages_at_most(tmp_path: Path) -> None:
    made = build.build(cached(n=8000), tmp_path)
    assert made["pages"] <= 10


def test_a_table_left_to_the_page_is_named_in_the_pdf(tmp_path: Path) -> None:
    document = cached(n=8000)
    build.build(document, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    data = next(s for s in report["sections"] if s["slug"] == "data")
    table = next(b for b in data["blocks"] if b["kind"] == "table" and b["title"] == "Rows")
    table["printed"] = False
    file, _ = pdf.render(
        report,
        charts=tmp_path / "charts",
        result=b"{}",
        tables=b"",
        when=stamps.moment(Facts(document)),
    )
    assert "On the report page, not printed here: Rows." in _text(file)
