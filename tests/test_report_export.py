"""tables.csv: complete, unrounded, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from auditapp.reports.csv_cells import guarded
from auditapp.reports.export import FIELDS, write_csv
from auditapp.reports.facts import Facts
from tests.report_documents import RACES, cached


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\tx", "\rx", "=-1", "-inf"])
def test_a_cell_that_could_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == "'" + text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.25, "-0.25"), (3, "3"), ("-12", "-12"), ("+1.5e3", "+1.5e3"), ("White", "White"),
     (None, ""), (True, "true"), ("", "")],
)  # fmt: skip
def test_numbers_and_words_stay_as_they_are(value: object, text: str) -> None:
    assert guarded(value) == text


def test_it_holds_every_estimate_and_comparison_unrounded() -> None:
    document = cached(n=4000, unknown=5)
    rows = list(csv.DictReader(io.StringIO(write_csv(Facts(document)).decode("utf-8-sig"))))
    assert set(rows[0]) == set(FIELDS)
    by_table = {name: [r for r in rows if r["table"] == name] for name in ("estimates", "gaps")}
    assert len(by_table["estimates"]) == len(document["estimates"])
    assert len(by_table["gaps"]) == len(document["gaps"])
    assert [float(r["value"]) for r in by_table["gaps"] if r["value"]] == [
        g["value"] for g in document["gaps"] if g["value"] is not None
    ]
    assert any(r["group"] == "Unknown" and r["n"] == "5" for r in rows)


def test_a_hostile_group_name_cannot_become_a_formula() -> None:
    races = ["=HYPERLINK(1)", *RACES[1:]]
    text = write_csv(Facts(cached(n=2000, races=races))).decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text)):
        assert not any(cell.startswith("=") for cell in row)
