"""A whole audit whose file, columns and groups are written to break things: they stay text."""

from __future__ import annotations

import csv
import io
import json
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pikepdf
import pytest
from django.template.loader import render_to_string

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.pipeline.execute import execute
from auditapp.plan import (
    About,
    AttributeSpec,
    Data,
    MethodSpec,
    Model,
    Outcome,
    Plan,
    TemplateSpec,
)
from auditapp.regulatory import REGISTRY

FILE = "=HYPERLINK(1)\u202egnp.<b>.csv"
SEX = '<img src=x onerror="alert(1)">'
RACE = '#import "a": *; $x$ ```raw``` <l> @ref' + "r" * 260
LABEL = "{% include 'x' %}{{ 7|add:7 }}"
SITE = "=cmd|' /C calc'!A0"
RACES = (
    "White",
    "<script>alert(1)</script>",
    "@SUM(1+1)*cmd",
    "\u202e\u2066turned\u2069 \u200fround",
    '#eval("1") *strong* _it_ \\ \\u{41}',
    "日本語 עברית",
    "L" * 300,
)
SEXES = ("'; DROP TABLE audit;--", "-2+3")


def people(n: int = 4000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    race, sex = rng.integers(0, len(RACES), n), rng.integers(0, 2, n)
    merit = rng.normal(size=n) - 0.1 * race - 0.3 * sex
    return pd.DataFrame(
        {
            SEX: np.array(SEXES)[sex],
            RACE: np.array(RACES)[race],
            "merit": merit.round(3),
            SITE: np.where(rng.random(n) < 0.5, "<b>north</b>", "+south"),
            LABEL: np.where(merit + rng.normal(size=n) > 0, "</title><i>yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    people().to_csv(folder / "in.csv", index=False)
    inspect(folder / "in.csv", FILE, folder / "table", ReadOptions(), lambda *_, **__: None)
    profile = json.loads((folder / "table" / "profile.json").read_text())
    names = [column["name"] for column in profile["columns"]]
    sex, race, merit, site, label = names
    plan = Plan(
        data=Data(profile["name"], profile["sha256"], profile["bytes"], profile["rows"]),
        model=Model("train", "logistic"),
        about=About(title='</h1><b>#eval("1")', system="$sum_(i=0)$", prepared_for="=1+1"),
        attributes=(AttributeSpec(race, race), AttributeSpec(sex, sex)),
        label=Outcome(label, ("</title><i>yes",)),
        features=(merit, sex),
        site=AttributeSpec(site, site),
        draws=100,
        methods=(MethodSpec("thresholds"), MethodSpec("abstention")),
        templates=tuple(TemplateSpec(slug) for slug in REGISTRY),
    )
    job = {"plan": plan.to_json(), "table_dir": str(folder / "table"), "out": str(folder / "out")}
    execute(job)
    return folder / "out"


class _Elements(HTMLParser):
    """Names of elements, and of attributes that run something."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.runs: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.runs |= {name for name, _ in attrs if name.startswith("on") or name == "srcdoc"}


def _page(out: Path) -> str:
    report = json.loads((out / "report.json").read_text())
    return render_to_string("report/body.html", {"document": report, "folder": out})


def test_the_audit_ran_whole(out: Path) -> None:
    document = json.loads((out / "result.json").read_text())
    assert [annex["slug"] for annex in document["annexes"]] == list(REGISTRY)
    assert not [annex for annex in document["annexes"] if "failed" in annex]
    assert not [method for method in document["methods"] if method["error"]]


def test_names_are_text_on_the_page(out: Path) -> None:
    page = _page(out)
    found = _Elements()
    found.feed(page)
    assert not found.runs
    assert not found.seen & {"img", "iframe", "object", "embed", "b", "i", "l"}
    text = unescape(page)
    for name in ("<script>alert(1)</script>", "日本語", "{{ 7|add:7 }}", 'onerror="alert(1)"'):
        assert name in text
    assert not set("\u202e\u2066\u2069\u200f") & set(page)


def test_names_are_text_in_every_drawing(out: Path) -> None:
    drawings = sorted((out / "charts").glob("*.svg"))
    assert drawings
    for path in drawings:
        found = _Elements()
        found.feed(path.read_text())
        assert not found.runs, path.name
        assert not found.seen & {"script", "img", "foreignobject", "b", "i", "iframe"}, path.name


def test_the_pdf_sets_names_without_reading_them(out: Path) -> None:
    with pikepdf.open(out / "report.pdf") as pdf:
        assert str(pdf.docinfo["/Title"]) == '</h1><b>#eval("1")'
        assert "/JavaScript" not in pdf.Root.get("/Names", {})
        assert "/OpenAction" not in pdf.Root
        for page in pdf.pages:
            for note in page.get("/Annots", []):
                target = note.get("/A", {})
                assert "/URI" not in target and "/JS" not in target


def test_no_cell_of_the_table_is_a_formula(out: Path) -> None:
    text = (out / "tables.csv").read_bytes().decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert not cell.startswith(("=", "@", "\t", "\r")), cell[:80]
            assert not cell.startswith(("+", "-")) or _number(cell), cell[:80]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_names_of_files_say_what_was_uploaded(out: Path) -> None:
    document: dict[str, Any] = json.loads((out / "result.json").read_text())
    assert document["inputs"]["data"]["name"].endswith(".csv")
