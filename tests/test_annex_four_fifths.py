"""The four-fifths annex in a whole audit: what it counts, what it says, what it refuses."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from auditapp.plan import AttributeSpec
from auditapp.reports import charts
from auditapp.reports.blocks import Figure, Notice, Prose, Section, Table, plain, walk
from auditapp.reports.export import write_csv
from auditapp.reports.facts import Facts
from auditapp.reports.sections import sections
from tests.annex_people import annex, applicants, audit
from tests.chart_samples import HOSTILE
from tests.documents import sound
from tests.test_report_words import BANNED, _strings


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Applicants with a planted gap of 20 points, compared inside months."""
    folder = tmp_path_factory.mktemp("four-fifths")
    return audit(applicants(), folder, {"four-fifths": {"strata": "month", "job": "Loans"}})


def chapter(document: dict[str, Any]) -> Section:
    return next(s for s in sections(Facts(document)) if s.slug == "annex-four-fifths")


def rows_of(document: dict[str, Any], by: str = "race") -> dict[str, Any]:
    found = annex(document, "four-fifths")["attributes"]
    own = next(a for a in found if a["by"] == [by])
    return {row["group"][by]: row for row in own["groups"]}


def text_of(section: Section) -> str:
    return " ".join(plain(b.text) for b in walk(section.blocks) if isinstance(b, (Prose, Notice)))


def test_a_planted_gap_is_practical_and_statistical(document: dict[str, Any]) -> None:
    found = sound(annex(document, "four-fifths"))
    assert found["open"] == []
    assert found["attributes"][0]["highest"] == {"race": "Asian"}
    rows = rows_of(document)
    assert rows["Black"]["reading"] == "practical-and-statistical"
    assert rows["White"]["reading"] == "no-evidence"
    # One in a hundred cannot be the one that others are compared with.
    assert rows["Pacific Islander"]["small"]
    assert rows["Pacific Islander"]["ratio"]["value"] > 1
    assert {row["reading"] for row in rows_of(document, "sex").values()} == {None, "no-evidence"}


def test_every_measured_row_is_accounted_for(document: dict[str, Any]) -> None:
    for found in annex(document, "four-fifths")["attributes"]:
        total = found["applicants"] + found["unknown"] + found["undecided"]
        assert total == document["rows"]["used"]
        assert sum(row["applicants"] for row in found["groups"]) == found["applicants"]
    assert annex(document, "four-fifths")["attributes"][0]["unknown"] > 0


def test_months_are_pooled_and_the_gap_is_the_same_in_each(document: dict[str, Any]) -> None:
    found = rows_of(document)["Black"]["pooled"]
    assert annex(document, "four-fifths")["strata"]["values"] == 3
    assert (found["shared_strata"], found["strata"]) == (3, 3)
    assert found["odds_ratio"]["high"] < 1
    assert found["p"] < 0.001
    assert found["homogeneity"]["p"] > 0.05


def test_without_a_column_the_factor_of_the_audit_is_the_stratum(tmp_path: Path) -> None:
    table = applicants(600)
    given = AttributeSpec("month", "Month")
    made = annex(audit(table, tmp_path, {"four-fifths": {}}, control=given), "four-fifths")
    assert made["strata"]["heading"] == "Month"
    assert made["attributes"][0]["groups"][1]["pooled"]["strata"] == 3


def test_a_column_that_is_itself_the_stratum_is_not_pooled(tmp_path: Path) -> None:
    made = annex(
        audit(applicants(600), tmp_path, {"four-fifths": {"strata": "sex"}}), "four-fifths"
    )
    race, sex = made["attributes"]
    assert any("pooled" in row for row in race["groups"])
    assert not any("pooled" in row for row in sex["groups"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"strata": "planet"}, "planet")],
)
def test_a_column_that_is_not_there_fails_this_annex_alone(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    made = audit(applicants(400), tmp_path, {"four-fifths": settings})
    found = annex(made, "four-fifths")
    assert words in found["failed"]["message"]
    assert [item["code"] for item in found["open"]] == ["failed"]
    assert "could not be computed" in text_of(chapter(made))
    assert made["gaps"]


def test_columns_are_chosen_by_name_or_title(tmp_path: Path) -> None:
    made = annex(audit(applicants(400), tmp_path, {"four-fifths": {"columns": ["SEX"]}}),
                 "four-fifths")  # fmt: skip
    assert [a["by"] for a in made["attributes"]] == [["sex"]]


def test_the_share_that_makes_a_group_comparable_is_a_setting(tmp_path: Path) -> None:
    made = annex(
        audit(applicants(), tmp_path, {"four-fifths": {"least_share": 0.5}}), "four-fifths"
    )
    assert made["attributes"][0]["highest"] == {"race": "Pacific Islander"}


def test_the_chapter_says_the_finding_and_what_it_would_take(document: dict[str, Any]) -> None:
    section = chapter(document)
    text = text_of(section)
    row = rows_of(document)["Black"]
    assert f"Black people were selected at {row['ratio']['printed']} of the rate" in text
    assert "more than chance explains" in text
    assert f"{row['shortfall']} more selections would make the rates equal" in text
    assert "not legal advice" in text
    tables = [b for b in walk(section.blocks) if isinstance(b, Table) and b.anchor]
    heads = [column.text for column in tables[0].columns]
    assert heads == ["Race", "Applicants", "Selected", "Rate", "Impact ratio", "Points", "Test",
                     "Short", "Reading"]  # fmt: skip
    assert "unknown" in tables[0].foot[0]


def test_ratio_and_test_are_both_in_every_row(document: dict[str, Any]) -> None:
    for table in (b for b in walk(chapter(document).blocks) if isinstance(b, Table)):
        if table.title != "Selection rates and impact ratios":
            continue
        for row in table.rows[1:]:
            assert row[4].text
            assert row[4].note
            assert row[6].text.startswith("p ")
            assert row[8].text


def test_house_wording_holds_and_pictures_are_drawn(document: dict[str, Any]) -> None:
    section = chapter(document)
    for text in _strings(section):
        assert not BANNED.search(text), text
    figures = [b for b in walk(section.blocks) if isinstance(b, Figure)]
    assert len(figures) == 2
    for figure in figures:
        assert 0 < len(figure.alt) <= 250
        assert "four fifths" in charts.draw(figure.chart, "wide")


def test_a_hair_below_four_fifths_is_never_printed_as_on_it(tmp_path: Path) -> None:
    n = 100_000
    group = np.repeat(["A", "B"], n)
    chosen = np.concatenate([np.arange(n) < 50_000, np.arange(n) < 39_998]).astype(int)
    table = pd.DataFrame({"race": group, "sex": "x", "month": "1", "approved": chosen})
    made = audit(
        table, tmp_path, {"four-fifths": {}}, label=None, score=None,
        attributes=(AttributeSpec("race", "Race"),),
    )  # fmt: skip
    row = rows_of(made)["B"]
    assert row["ratio"]["printed"] == "0.79996"
    assert row["below"]
    assert "0.79996" in text_of(chapter(made))


def test_the_csv_holds_every_number_of_the_annex(document: dict[str, Any]) -> None:
    lines = [
        line.split(",") for line in write_csv(Facts(document)).decode().splitlines()
        if line.startswith("annex-four-fifths")
    ]  # fmt: skip
    metrics = {line[1] for line in lines}
    assert metrics >= {"impact-ratio", "shortfall", "selections-to-four-fifths", "breslow-day"}
    ratio = next(x for x in lines if x[1] == "impact-ratio" and x[3] == "Black")
    assert float(ratio[10]) == rows_of(document)["Black"]["ratio"]["value"]


def test_hostile_names_stay_text(document: dict[str, Any]) -> None:
    made = copy.deepcopy(document)
    for found in annex(made, "four-fifths")["attributes"]:
        for row, name in zip(found["groups"], HOSTILE, strict=False):
            row["group"] = {found["by"][0]: name}
    annex(made, "four-fifths")["strata"]["heading"] = HOSTILE[0]
    section = chapter(made)
    for figure in (b for b in walk(section.blocks) if isinstance(b, Figure)):
        for variant in ("wide", "narrow", "print"):
            assert "<script>" not in charts.draw(figure.chart, variant)


def test_people_who_did_not_say_are_unknown_and_no_group(tmp_path: Path) -> None:
    table = applicants(2000)
    table["race"] = table["race"].where(table["race"] != "Asian", "Declined to answer")
    asked = int((table["race"] == "Declined to answer").sum())
    whole = audit(table, tmp_path, {"four-fifths": {"columns": ["race"]}})
    found = annex(whole, "four-fifths")["attributes"][0]
    assert {row["group"]["race"] for row in found["groups"]} == {
        "White", "Black", "Pacific Islander",
    }  # fmt: skip
    assert found["applicants"] + found["unknown"] == 2000
    assert found["unknown"] == asked + int(table["race"].isna().sum())
    assert found["untold"] == [{"group": {"race": "Declined to answer"}, "n": asked}]
    assert f"“Declined to answer” ({asked})" in " ".join(_strings(chapter(whole)))


def test_where_nobody_said_there_is_nothing_to_compare(tmp_path: Path) -> None:
    table = applicants(300).assign(race="Unknown", sex="Prefer not to say")
    wanted = {"four-fifths": {}, "lending": {}}
    attributes = (AttributeSpec("race", "Race"), AttributeSpec("sex", "Sex"))
    whole = audit(table, tmp_path, wanted, attributes=attributes)
    assert [a["groups"] for a in annex(whole, "four-fifths")["attributes"]] == [[], []]
    assert "Nobody's group is known" in text_of(chapter(whole))
    assert "tests, each at 5%" not in text_of(chapter(whole))
    lending = next(s for s in sections(Facts(whole)) if s.slug == "annex-lending")
    assert "Nothing can be compared: nobody's class is known" in text_of(lending)
    for section in (chapter(whole), lending):
        assert all(b.rows for b in walk(section.blocks) if isinstance(b, Table))
        assert "Counted as unknown, and not as a group: “Unknown” (300)" in text_of(section)


def test_the_decision_is_named_as_it_stands_in_the_file(document: dict[str, Any]) -> None:
    assert "“1” in column approved" in _strings(chapter(document))


def test_a_title_does_not_rule_out_what_an_interval_reaches(tmp_path: Path) -> None:
    table = applicants(600, gap=0.05, seed=3)
    whole = audit(table, tmp_path, {"four-fifths": {"columns": ["race"]}})
    rows = rows_of(whole).values()
    assert not any(row["below"] for row in rows)
    assert any(row["ratio"]["low"] < 0.8 for row in rows if row["ratio"])
    assert "reaches below" in " ".join(_strings(chapter(whole)))


def test_nobody_selected_is_said(tmp_path: Path) -> None:
    made = audit(applicants(300).assign(approved=0), tmp_path, {"four-fifths": {}})
    assert annex(made, "four-fifths")["attributes"][0]["highest"] is None
    assert "Nobody of a group that is large enough was selected" in text_of(chapter(made))


def test_fire_officers_of_ricci_come_out_as_the_court_had_them(
    shared_data: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(shared_data / "ricci" / "ricci_race.csv")
    made = audit(
        table.assign(approved=(table["Promoted"] == 1).astype(int)), tmp_path,
        {"four-fifths": {"strata": "Position"}}, label=None, score=None,
        attributes=(AttributeSpec("Race", "Race"),),
    )  # fmt: skip
    rows = rows_of(made, "Race")
    own = table.groupby("Race")["Promoted"].agg(lambda v: int((v == 1).sum()))
    for name, row in rows.items():
        assert row["selected"] == own[name]
    assert rows["Non-White"]["method"] == "fisher"
    assert rows["Non-White"]["below"]
    assert rows["Non-White"]["reading"] == "practical-and-statistical"
    assert rows["Non-White"]["pooled"]["shared_strata"] == 2
