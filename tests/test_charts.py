"""The registry of charts: every kind in every variant."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from auditapp.errors import AuditError
from auditapp.reports import charts
from auditapp.reports.charts.config import CELL_DARK, CELL_LIGHT, VARIANTS
from tests.chart_samples import SAMPLES, gap_strip, relabelled, threshold_sweep

ROOT = Path(__file__).resolve().parent.parent
EACH = [(kind, variant) for kind in charts.REGISTRY for variant in VARIANTS]


def texts(svg: str) -> list[str]:
    return [e.text or "" for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text")]


def size(svg: str) -> tuple[float, float]:
    root = ElementTree.fromstring(svg)
    return float(root.attrib["width"]), float(root.attrib["height"])


def placed(svg: str) -> list[tuple[str, float, float, str]]:
    """Text, x, y and anchor of every label."""
    found = re.findall(
        r'<text text-anchor="(\w+)" transform="translate\(([-\d.]+),([-\d.]+)\)"[^>]*>([^<]*)', svg
    )
    return [(text, float(x), float(y), anchor) for anchor, x, y, text in found]


def test_there_is_a_sample_of_every_kind() -> None:
    assert set(SAMPLES) == set(charts.REGISTRY)


@pytest.mark.parametrize(("kind", "variant"), EACH)
def test_it_draws(kind: str, variant: str) -> None:
    svg = charts.draw(SAMPLES[kind](), variant)
    width, _ = size(svg)
    assert width in {VARIANTS[variant].width, 720 if variant == "wide" else width}
    assert texts(svg)
    assert "NaN" not in svg
    assert "undefined" not in svg
    assert "#FE0" not in svg


@pytest.mark.parametrize(("kind", "variant"), EACH)
def test_hostile_text_neither_breaks_nor_escapes(kind: str, variant: str) -> None:
    svg = charts.draw(relabelled(SAMPLES[kind]()), variant)
    assert "<script" not in svg
    shown = "".join(texts(svg))
    assert not re.search("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\uffff]", shown)


@pytest.mark.parametrize(("kind", "variant"), EACH)
def test_no_text_leaves_the_drawing(kind: str, variant: str) -> None:
    svg = charts.draw(SAMPLES[kind](), variant)
    width, height = size(svg)
    for text, x, y, anchor in placed(svg):
        room = len(text) * 5
        start = {"start": x, "middle": x - room / 2, "end": x - room}[anchor]
        assert start >= -1, text
        assert start + room <= width + 1, text
        assert 0 < y < height, text


@pytest.mark.parametrize("kind", charts.REGISTRY)
def test_printed_text_is_nine_points_or_more(kind: str) -> None:
    svg = charts.draw(SAMPLES[kind](), "print")
    scale = 166 / 25.4 * 72 / VARIANTS["print"].width
    sizes = {float(s) for s in re.findall(r'font-size="([\d.]+)px"', svg)}
    assert min(sizes) * scale >= 9


@pytest.mark.parametrize("kind", charts.REGISTRY)
def test_every_colour_follows_the_theme(kind: str) -> None:
    css = (ROOT / "static/css/charts.css").read_text(encoding="utf-8")
    mapped = set(re.findall(r'\[(fill|stroke)="(#[0-9A-F]{6})"\]', css))
    svg = charts.draw(SAMPLES[kind](), "wide")
    used = set(re.findall(r' (fill|stroke)="(#\w+)"', svg))
    fixed = {CELL_DARK, CELL_LIGHT}
    left = {(where, color) for where, color in used - mapped if color not in fixed}
    if kind == "intersection-grid":
        left = {pair for pair in left if pair[0] != "fill"}
    assert not left


def test_the_bytes_are_the_same_in_another_process_and_order() -> None:
    script = (
        "import sys, json, hashlib\n"
        "from auditapp.reports import charts\n"
        "from tests.chart_samples import SAMPLES\n"
        "out = {}\n"
        "for kind in reversed(list(charts.REGISTRY)):\n"
        "    svg = charts.draw(SAMPLES[kind](), 'wide')\n"
        "    out[kind] = hashlib.sha256(svg.encode()).hexdigest()\n"
        "print(json.dumps(out))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    here = {
        kind: hashlib.sha256(charts.draw(SAMPLES[kind](), "wide").encode()).hexdigest()
        for kind in charts.REGISTRY
    }
    assert json.loads(run.stdout) == here


def test_a_warm_chart_is_quick() -> None:
    chart = SAMPLES["rates"]()
    charts.draw(chart, "wide")
    best = 9.0
    for _ in range(5):
        start = time.perf_counter()
        charts.draw(chart, "wide")
        best = min(best, time.perf_counter() - start)
    assert best < 0.1


@pytest.mark.parametrize("kind", charts.REGISTRY)
def test_an_empty_chart_is_refused(kind: str) -> None:
    content = charts.REGISTRY[kind].content
    with pytest.raises(AuditError) as caught:
        charts.draw({**SAMPLES[kind](), content: []}, "wide")
    assert caught.value.code == "chart-empty"


def test_panels_without_rows_are_empty() -> None:
    with pytest.raises(AuditError):
        charts.draw({"kind": "rates", "panels": [{"title": "Rate", "rows": []}]}, "wide")


def test_lines_without_values_are_empty() -> None:
    chart = threshold_sweep(1)
    for point in chart["series"][0]["points"]:
        point["value"] = None
    with pytest.raises(AuditError):
        charts.draw(chart, "wide")


def many(n: int) -> dict[str, Any]:
    chart = gap_strip()
    row = chart["rows"][0]
    chart["rows"] = [
        {**row, "label": f"Group {i}", "value": i / 1000 - 0.04, "low": -0.1, "high": 0.1}
        for i in range(n)
    ]
    return chart


@pytest.mark.parametrize("kind", charts.REGISTRY)
def test_a_small_chart_is_one_page(kind: str) -> None:
    for variant in VARIANTS:
        assert len(charts.pages(SAMPLES[kind](), variant)) == 1


def test_a_tall_chart_is_cut_into_pages_of_one_scale() -> None:
    parts = charts.pages(many(90), "print")
    assert sum(len(p["rows"]) for p in parts) == 90
    assert len({tuple(p["domain"]) for p in parts}) == 1
    for part in parts:
        _, height = size(charts.draw(part, "print"))
        assert height <= 900
    labels = [row["label"] for p in parts for row in p["rows"]]
    assert labels == [f"Group {i}" for i in range(90)]


def test_ninety_rows_are_all_named() -> None:
    shown = texts(charts.draw(many(90), "wide"))
    assert {f"Group {i}" for i in range(90)} <= set(shown)
