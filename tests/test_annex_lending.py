"""The fair-lending annex in a whole audit: approvals, terms, imputed classes, alternatives."""

from __future__ import annotations

import copy
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.plan import AttributeSpec, MethodSpec, Model, Score
from auditapp.reports import charts
from auditapp.reports.blocks import Figure, Notice, Prose, Section, Table, plain, walk
from auditapp.reports.export import write_csv
from auditapp.reports.facts import Facts
from auditapp.reports.sections import sections
from tests.annex_people import annex, applicants, audit
from tests.chart_samples import HOSTILE
from tests.documents import sound
from tests.test_report_words import BANNED, _strings

FULL = {
    "higher_worse": ["rate"],
    "lower_worse": ["line"],
    "age": "age",
    "control": ["race: White", "Male"],
    "imputed": True,
    "probabilities": ["White: p_white", "Black: p_black"],
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("lending")
    methods = (MethodSpec("thresholds", {}),)
    return audit(applicants(), folder, {"lending": FULL}, methods=methods)


def chapter(document: dict[str, Any]) -> Section:
    return next(s for s in sections(Facts(document)) if s.slug == "annex-lending")


def text_of(section: Section) -> str:
    return " ".join(plain(b.text) for b in walk(section.blocks) if isinstance(b, (Prose, Notice)))


def approvals(document: dict[str, Any], by: str) -> dict[str, Any]:
    found = next(a for a in annex(document, "lending")["approvals"] if a["by"] == [by])
    return {row["group"][by]: row for row in found["classes"]}


def failed(tmp_path: Path, settings: dict[str, Any]) -> str:
    made = annex(audit(applicants(400), tmp_path, {"lending": settings}), "lending")
    assert [item["code"] for item in made["open"]] == ["failed"]
    return str(made["failed"]["message"])


def test_approvals_are_held_against_the_named_class(document: dict[str, Any]) -> None:
    found = sound(annex(document, "lending"))
    assert [a["control"] for a in found["approvals"]] == [
        {"race": "White"}, {"sex": "Male"}, {"Age, cut at 62": "Under 62"},
    ]  # fmt: skip
    rows = approvals(document, "race")
    assert rows["White"]["role"] == "control"
    assert rows["Black"]["band"] == 0
    assert rows["Black"]["ratio"]["high"] < 0.9
    exact = Fraction(rows["Black"]["approved"], rows["Black"]["applications"]) / Fraction(
        rows["White"]["approved"], rows["White"]["applications"]
    )
    ratio = rows["Black"]["ratio"]
    assert Fraction(ratio["numerator"], ratio["denominator"]) == exact
    assert rows["Asian"]["band"] == 2


def test_applicants_from_62_on_are_a_class_of_their_own(document: dict[str, Any]) -> None:
    rows = approvals(document, "Age, cut at 62")
    age = applicants()["age"]
    assert rows["62 and over"]["applications"] == int((age >= 62).sum())
    assert rows["Under 62"]["applications"] == int((age < 62).sum())


def test_ages_that_were_cut_into_groups_are_cut_at_62_as_well(tmp_path: Path) -> None:
    ages = AttributeSpec("age", "Age", kind="binned", cuts=(40.0, 60.0))
    made = audit(applicants(600), tmp_path, {"lending": {}}, attributes=(ages,))
    assert [a["by"] for a in annex(made, "lending")["approvals"]] == [
        ["age"],
        ["Age, cut at 62"],
    ]


def test_terms_say_which_way_is_worse_and_what_is_for_review(document: dict[str, Any]) -> None:
    terms = {t["column"]: t for t in annex(document, "lending")["terms"]}
    assert [(t["worse"], t["source"]) for t in terms.values()] == [
        ("higher", "term"), ("lower", "term"), ("lower", "score"),
    ]  # fmt: skip
    race = {r["group"]["race"]: r for r in terms["rate"]["attributes"][0]["classes"]}
    assert race["Black"]["smd"]["low"] > 0.3
    assert race["Black"]["worse"]
    assert race["Black"]["review"]
    assert not race["Asian"]["review"]
    age = terms["line"]["attributes"][2]["classes"][1]
    assert age["smd"]["value"] < -0.3
    assert age["worse"]
    blank = terms["rate"]["attributes"][0]["blank"]
    assert blank == int(applicants()["rate"].isna().sum())


def test_a_score_that_is_bad_when_high_is_worse_when_high(tmp_path: Path) -> None:
    table = applicants(600)
    table["risk"] = (1 - table["score"]).round(4)
    made = audit(table, tmp_path, {"lending": {}}, score=Score("risk", favourable=False))
    (term,) = annex(made, "lending")["terms"]
    assert (term["column"], term["worse"]) == ("risk", "higher")
    black = term["attributes"][0]["classes"][1]
    assert black["group"] == {"race": "Black"}
    assert black["worse"]


def test_an_imputed_class_is_weighted_and_banded(document: dict[str, Any]) -> None:
    found = annex(document, "lending")["imputed"]
    white, black = found["classes"]
    assert (found["control"], found["control_choice"]) == ("White", "first")
    assert found["coverage"]["numerator"] == 3000
    assert white["weight"] + black["weight"] == pytest.approx(3000)
    assert black["ratio"]["high"] < 1
    hard = black["sensitivity"]
    assert hard["low"] <= hard["high"] < black["ratio"]["value"]
    assert "known with a probability only" in text_of(chapter(document))


def test_a_guessed_class_without_probabilities_keeps_the_report_a_draft(tmp_path: Path) -> None:
    made = audit(applicants(400), tmp_path, {"lending": {"imputed": True}})
    assert [item["code"] for item in annex(made, "lending")["open"]] == ["hard-labels"]
    assert "1 item open" in text_of(chapter(made))


def test_alternatives_are_those_of_the_chapter_on_trade_offs(document: dict[str, Any]) -> None:
    found = annex(document, "lending")["alternatives"]
    assert (found["protect"], found["control"]) == ("race", "White")
    points = {p["id"]: p for m in document["methods"] for p in m["points"]}
    assert {s["point"] for s in found["settings"]} == set(points)
    for setting in found["settings"]:
        rates = {
            r["group"]: r for r in points[setting["point"]]["rates"]
            if r["metric"] == "selection-rate"
        }  # fmt: skip
        for row in setting["ratios"]:
            here, there = rates[row["group"]], rates["White"]
            assert row["value"] == pytest.approx(here["value"] / there["value"])
        assert setting["accuracy"]["low"] is not None
        assert setting["accuracy_change"] is not None
    section = chapter(document)
    table = next(
        b for b in walk(section.blocks)
        if isinstance(b, Table) and b.anchor == "alternatives-table"
    )  # fmt: skip
    assert table.rows[0][0].text == "Now"
    heads = [c.text for c in table.columns]
    assert heads[:4] == ["Setting", "Accuracy", "Change, points", "AIR, Black"]


def test_without_remedies_the_annex_says_that_nothing_was_tried(tmp_path: Path) -> None:
    made = audit(applicants(400), tmp_path, {"lending": {}})
    assert annex(made, "lending")["alternatives"] is None
    assert "No alternative was tried" in text_of(chapter(made))


def test_bases_that_were_not_looked_at_are_listed(document: dict[str, Any]) -> None:
    bases = {b["code"]: b["columns"] for b in annex(document, "lending")["bases"]}
    assert bases["race"] == ["race"]
    assert bases["sex"] == ["sex"]
    assert bases["age"] == ["age"]
    assert bases["religion"] == []
    assert "not examined" in _strings(chapter(document))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"control": ["Martian"]}, "Martian"),
        ({"control": ["White", "Black"]}, "Two control classes"),
        ({"higher_worse": ["planet"]}, "planet"),
        ({"probabilities": ["Black: planet", "White: p_white"]}, "does not name a class"),
        ({"probabilities": ["Black: p_black", "White: line"]}, "outside 0 to 1"),
        ({"age": "planet"}, "planet"),
    ],
)
def test_settings_that_do_not_fit_fail_this_annex_with_their_reason(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    assert words in failed(tmp_path, settings)


def test_bands_and_their_names_are_settings(tmp_path: Path) -> None:
    given = {"priority": 0.5, "review": 0.6, "bands": ["Red file", "Amber file", "Rest"]}
    made = audit(applicants(2000), tmp_path, {"lending": given})
    assert approvals(made, "race")["Black"]["band"] == 2
    assert "Band: Rest." in text_of(chapter(made))


def test_people_who_did_not_say_are_neither_control_nor_class(tmp_path: Path) -> None:
    table = applicants(1500)
    table["race"] = table["race"].replace("White", "Information not provided by applicant")
    attributes = (AttributeSpec("race", "Race"), AttributeSpec("sex", "Sex"))
    made = audit(table, tmp_path, {"lending": {"lower_worse": ["line"]}}, attributes=attributes)
    found = annex(made, "lending")["approvals"][0]
    assert found["control"] == {"race": "Black"}
    assert found["applications"] + found["unknown"] == 1500
    classes = annex(made, "lending")["terms"][0]["attributes"][0]["classes"]
    assert [row["group"]["race"] for row in classes] == ["Asian", "Black", "Pacific Islander"]
    assert "Counted as unknown, and not as a group" in " ".join(_strings(chapter(made)))


@pytest.mark.parametrize("slug", ["lending", "four-fifths", "ll144"])
def test_decisions_of_a_reference_model_are_not_taken_for_those_that_were_made(
    slug: str, tmp_path: Path
) -> None:
    trained: dict[str, Any] = {
        "model": Model("train", estimator="logistic"), "decision": None, "score": None,
        "features": ("age", "line", "rate"),
    }  # fmt: skip
    made = audit(
        applicants(900).dropna(),
        tmp_path,
        {slug: {}},
        **trained,
    )
    section = next(s for s in sections(Facts(made)) if s.slug == f"annex-{slug}")
    assert "nobody was decided by it" in text_of(section)
    assert "Yes of the reference model" in " ".join(_strings(section))
    codes = {item["code"] for item in annex(made, slug)["open"]}
    assert ("reference-model" in codes) == (slug == "ll144")


def test_given_decisions_have_no_such_notice(document: dict[str, Any]) -> None:
    assert "nobody was decided by it" not in text_of(chapter(document))


def test_nobody_approved_leaves_the_control_class_without_a_ratio(tmp_path: Path) -> None:
    made = audit(applicants(300).assign(approved=0), tmp_path, {"lending": {}})
    tables = [b for b in walk(chapter(made).blocks) if isinstance(b, Table)]
    line = tables[0].rows[0]
    assert (line[0].text, line[4].text) == ("White", "nobody approved")


def test_a_class_under_the_floor_has_a_ratio_and_no_band(tmp_path: Path) -> None:
    made = audit(applicants(1000), tmp_path, {"lending": {}})
    row = approvals(made, "race")["Pacific Islander"]
    assert row["applications"] < 30
    assert row["ratio"]["low"] is not None
    assert (row["band"], row["reason"]) == (None, "below-floor")


def test_a_predicted_price_is_read_off_the_differences_of_the_report(tmp_path: Path) -> None:
    table = applicants(2000).dropna(subset=["rate"])
    made = audit(
        table, tmp_path, {"lending": {"control": ["White"]}}, outcome="regression",
        label=None, decision=None, score=Score("rate"), goal="mean-prediction", tolerance=0.1,
    )  # fmt: skip
    found = annex(made, "lending")
    assert found["approvals"] == []
    (term,) = found["terms"]
    assert (term["worse"], term["source"]) == ("higher", "prediction")
    race = {r["group"]["race"]: r for r in term["attributes"][0]["classes"]}
    assert race["Black"]["review"]
    assert race["Black"]["worse"]
    known = table["race"].notna()
    means = table[known].groupby("race")["rate"].mean()
    expected = (means["Black"] - means["White"]) / table["rate"].std(ddof=0)
    assert race["Black"]["smd"]["value"] == pytest.approx(expected, rel=1e-6)
    assert "for review" in " ".join(_strings(chapter(made)))
    other = audit(
        table, tmp_path / "b", {"lending": {"control": ["Asian"]}}, outcome="regression",
        label=None, decision=None, score=Score("rate"), goal="mean-prediction", tolerance=0.1,
    )  # fmt: skip
    assert "not the reference group" in annex(other, "lending")["failed"]["message"]


def test_house_wording_holds_and_hostile_names_stay_text(document: dict[str, Any]) -> None:
    for text in _strings(chapter(document)):
        plainer = text.replace("Fair lending", "").replace("Less discriminatory", "")
        assert not BANNED.search(plainer), text
    made = copy.deepcopy(document)
    found = annex(made, "lending")
    for approval in found["approvals"]:
        for row, name in zip(approval["classes"], HOSTILE, strict=False):
            row["group"] = {approval["by"][0]: name}
    found["marks"]["labels"] = list(HOSTILE[:3])
    found["terms"][0]["column"] = HOSTILE[0]
    section = chapter(made)
    for figure in (b for b in walk(section.blocks) if isinstance(b, Figure)):
        for variant in ("wide", "narrow", "print"):
            assert "<script>" not in charts.draw(figure.chart, variant)


def test_the_csv_holds_approvals_terms_classes_and_settings(document: dict[str, Any]) -> None:
    lines = [
        line for line in write_csv(Facts(document)).decode().splitlines()
        if line.startswith("annex-lending")
    ]  # fmt: skip
    for part in ("impact-ratio", "standardised-difference", "weighted by probability", "setting"):
        assert any(part in line for line in lines), part


def test_the_mortgages_of_boston_come_out(shared_data: Path, tmp_path: Path) -> None:
    import pandas as pd

    table = pd.read_csv(shared_data / "hmda-boston-1990" / "HMDA.csv")
    table["approved"] = (table["deny"] == "no").astype(int)
    made = audit(
        table, tmp_path, {"lending": {"control": ["no"], "higher_worse": ["pirat"]}},
        label=None, score=None, attributes=(AttributeSpec("afam", "African American"),),
    )  # fmt: skip
    rows = approvals(made, "afam")
    assert (rows["yes"]["approved"], rows["yes"]["applications"]) == (243, 339)
    assert (rows["no"]["approved"], rows["no"]["applications"]) == (1852, 2041)
    assert rows["yes"]["ratio"]["printed"] == "0.79"
    assert rows["yes"]["band"] == 0
    (term,) = annex(made, "lending")["terms"]
    smd = term["attributes"][0]["classes"][1]["smd"]
    values, black = table["pirat"].to_numpy(), (table["afam"] == "yes").to_numpy()
    expected = (values[black].mean() - values[~black].mean()) / np.std(values)
    assert smd["value"] == pytest.approx(expected)
