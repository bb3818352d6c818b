"""The annex of Local Law 144: who is in which category, and what keeps it a draft."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auditapp.plan import Score
from auditapp.regulatory import eeo
from tests.documents import sound
from tests.ll144_people import annex, codes, hiring, rows, table

ORDER = ["Male", "Female"]


@pytest.fixture(scope="module")
def people() -> dict:
    return hiring()


@pytest.fixture(scope="module")
def whole(people: dict, tmp_path_factory: pytest.TempPathFactory) -> dict:
    return annex(people, tmp_path_factory.mktemp("whole"))


def test_every_table_lists_the_categories_of_the_rule_in_its_order(whole: dict) -> None:
    sound(whole)
    assert list(table(whole, "sex")) == ORDER
    assert list(table(whole, "race")) == list(eeo.RACES)
    both = list(table(whole, "intersectional"))
    assert both[:2] == ["Hispanic or Latino / Male / ", "Hispanic or Latino / Female / "]
    assert both[2] == "Not Hispanic or Latino / Male / White"
    assert len(both) == 14
    assert whole["open"] == []


def test_counts_are_those_of_a_plain_loop_over_people(whole: dict, people: dict) -> None:
    hispanic = table(whole, "race")["Hispanic or Latino"]["rate"]
    keep = [
        (d, s) for d, e, s in zip(people["decision"], people["ethnicity"], people["sex"],
                                  strict=True) if e.startswith("Hisp")
    ]  # fmt: skip
    assert hispanic["denominator"] == len(keep)
    assert hispanic["numerator"] == sum(d == "1" for d, _ in keep)
    cell = table(whole, "intersectional")["Not Hispanic or Latino / Female / Asian"]["rate"]
    chosen = [
        d for d, e, s, r in zip(people["decision"], people["ethnicity"], people["sex"],
                                people["race"], strict=True)
        if (e, s, r) == ("Not Hispanic or Latino", "Female", "Asian")
    ]  # fmt: skip
    assert (cell["denominator"], cell["numerator"]) == (len(chosen), chosen.count("1"))


def test_everybody_is_in_a_table_or_unknown_or_of_another_category(whole: dict) -> None:
    n = whole["sample"]["people"]
    for kind, unknown, outside in (("sex", "sex", "sex"), ("race", "race", "race")):
        listed = sum(r["rate"]["denominator"] for r in table(whole, kind).values())
        other = sum(r["rate"]["denominator"] for r in table(whole, f"other-{kind}").values())
        assert listed + other + whole["unknown"][unknown] == n
        assert other == whole["outside"][outside]
    assert whole["unknown"]["either"] <= whole["unknown"]["sex"] + whole["unknown"]["race"]


def test_unknowns_are_counted_also_when_there_are_none(tmp_path: Path) -> None:
    made = annex(rows((50, 20, "M", "White"), (50, 10, "F", "Black")), tmp_path)
    assert made["unknown"] == {"sex": 0, "race": 0, "either": 0}


def test_a_blank_is_unknown_and_nobody_selected_nowhere(tmp_path: Path) -> None:
    columns = rows((50, 20, "M", "White"), (50, 10, "F", "Black"), (7, 7, "", "White"))
    columns["sex"] = [s or None for s in columns["sex"]]
    made = annex(columns, tmp_path)
    assert made["unknown"] == {"sex": 7, "race": 0, "either": 7}
    assert table(made, "race")["White"]["rate"]["numerator"] == 27
    assert table(made, "sex")["Male"]["rate"]["denominator"] == 50


def test_without_origin_the_annex_cannot_be_final_and_has_no_hispanic_rows(
    tmp_path: Path,
) -> None:
    made = annex(rows((50, 20, "M", "White"), (50, 10, "F", "Black")), tmp_path)
    assert codes(made) == {"no-ethnicity"}
    assert made["hispanic"] == "none"
    assert "Hispanic or Latino" not in table(made, "race")
    assert next(iter(table(made, "intersectional"))) == "Male / White"
    assert len(table(made, "intersectional")) == 12


def test_hispanic_as_a_race_needs_no_column_of_origin(tmp_path: Path) -> None:
    cells = ((50, 20, "Male", "Caucasian"), (40, 10, "Female", "Hispanic"))
    made = annex(rows(*cells), tmp_path)
    assert (made["hispanic"], made["open"]) == ("race", [])
    assert table(made, "intersectional")["Hispanic or Latino / Female / "]["rate"][
        "denominator"
    ] == 40  # fmt: skip


def test_origin_is_found_in_a_census_column_that_is_no_sensitive_one(tmp_path: Path) -> None:
    columns = rows((50, 20, "Male", "White"), (50, 10, "Female", "White"))
    columns["HISP"] = [1] * 60 + [2] * 30 + [24] * 10
    made = annex(columns, tmp_path)
    assert made["columns"] == {"sex": "sex", "race": "race", "ethnicity": "HISP"}
    assert table(made, "race")["Hispanic or Latino"]["rate"]["denominator"] == 40
    assert made["open"] == []


def test_unknown_origin_is_unknown_ethnicity_unless_the_race_says_hispanic(tmp_path: Path) -> None:
    columns = rows((40, 20, "M", "White"), (40, 20, "F", "Black"), (10, 5, "F", "Hispanic"))
    columns["ethnicity"] = ["No"] * 30 + [None] * 50 + [None] * 10
    made = annex(columns, tmp_path, settings={"ethnicity_column": "ethnicity"})
    assert made["unknown"]["race"] == 50
    assert table(made, "race")["Hispanic or Latino"]["rate"]["denominator"] == 10
    assert table(made, "race")["White"]["rate"]["denominator"] == 30


def test_codes_without_words_block_a_final_report_until_they_are_named(tmp_path: Path) -> None:
    columns = rows((50, 20, "1", "White"), (50, 10, "2", "Hispanic"))
    given = {"sex_column": "sex"}
    assert codes(annex(columns, tmp_path / "a", settings=given)) == {"unrecognised-sex"}
    named = {**given, "categories": ["1 = Male", "2 = Female"]}
    made = annex(columns, tmp_path / "b", settings=named)
    assert codes(made) == set()
    assert table(made, "sex")["Female"]["rate"]["numerator"] == 10


def test_an_answer_that_names_no_category_stops_the_annex_and_says_why(tmp_path: Path) -> None:
    columns = rows((50, 20, "M", "White"), (50, 10, "F", "Hispanic"))
    made = annex(columns, tmp_path, settings={"categories": ["M = Martian"]})
    assert made["failed"]["code"] == "bad-category"
    assert codes(made) == {"failed"}


def test_a_category_at_exactly_two_percent_stays_in_the_ratios(tmp_path: Path) -> None:
    cells = ((980, 490, "M", "White"), (20, 19, "F", "Hispanic"))
    settings = {"leave_out": ["Female"], "justification": "Too few."}
    made = annex(rows(*cells), tmp_path, settings=settings)
    row = table(made, "sex")["Female"]
    assert (row["small"], row["left_out"], row["ratio"]["printed"]) == (False, False, "1.00")
    assert codes(made) == {"not-small"}


def test_a_left_out_category_with_the_highest_rate_is_not_the_denominator(tmp_path: Path) -> None:
    cells = (
        (981, 490, "M", "White"), (900, 300, "F", "Hispanic"), (19, 19, "F", "Asian"),
    )  # fmt: skip
    settings = {"leave_out": ["Asian = Nineteen people only.", "Female / Asian"]}
    made = annex(rows(*cells), tmp_path / "a", settings=settings)
    race = table(made, "race")
    assert race["White"]["ratio"]["printed"] == "1.00"
    assert race["Asian"]["ratio"]["undefined"] == "left-out"
    assert race["Asian"]["rate"]["printed"] == "100.0"
    assert race["Asian"]["justification"] == "Nineteen people only."
    cell = table(made, "intersectional")["Not Hispanic or Latino / Female / Asian"]
    assert (cell["left_out"], cell["justification"]) == (True, "")
    assert [item["code"] for item in made["open"]] == ["no-justification"]
    kept = annex(rows(*cells), tmp_path / "b")
    assert table(kept, "race")["Asian"]["ratio"]["printed"] == "1.00"
    assert kept["open"] == []


@pytest.mark.parametrize(
    "name",
    ["Hawaiian", "Native Hawaiian or Pacific Islander", "NHPI", "Hawaiian/Pacific Islander"],
)
def test_a_category_is_left_out_by_the_word_of_the_file_too(name: str, tmp_path: Path) -> None:
    cells = ((990, 490, "M", "White"), (300, 90, "F", "Hispanic"), (9, 2, "F", "Hawaiian"))
    settings = {"leave_out": [f"{name} = Nine people."]}
    made = annex(rows(*cells), tmp_path, settings=settings)
    assert table(made, "race")["Native Hawaiian or Pacific Islander"]["left_out"]
    assert made["open"] == []


@pytest.mark.parametrize(
    "name", ["F / Xyz", "Xyz, Female", "Not Hispanic or Latino, Female, Asian"]
)
def test_a_cell_is_left_out_whatever_the_order_of_its_parts(name: str, tmp_path: Path) -> None:
    cells = ((990, 490, "M", "White"), (300, 90, "F", "Hispanic"), (9, 2, "F", "Xyz"))
    settings = {"leave_out": [f"{name} = Nine people."], "categories": ["Xyz = Asian"]}
    made = annex(rows(*cells), tmp_path, settings=settings)
    assert table(made, "intersectional")["Not Hispanic or Latino / Female / Asian"]["left_out"]
    assert not table(made, "race")["Asian"]["left_out"]
    assert made["open"] == []


def test_a_file_of_one_sex_has_its_table(tmp_path: Path) -> None:
    made = annex(rows((50, 20, "Female", "White"), (50, 10, "Female", "Hispanic")), tmp_path)
    assert made["open"] == []
    assert table(made, "sex")["Male"]["ratio"]["undefined"] == "no-applicants"
    assert table(made, "sex")["Female"]["rate"]["numerator"] == 30


def test_a_tool_without_a_name_keeps_the_report_a_draft(tmp_path: Path) -> None:
    columns = rows((50, 20, "M", "White"), (50, 10, "F", "Hispanic"))
    assert codes(annex(columns, tmp_path, settings={"tool": ""})) == {"no-tool"}


def test_a_blank_justification_keeps_the_report_a_draft(tmp_path: Path) -> None:
    cells = ((990, 490, "M", "White"), (300, 90, "F", "Hispanic"), (9, 2, "F", "Asian"))
    made = annex(rows(*cells), tmp_path, settings={"leave_out": ["Asian", "Martian"]})
    assert sorted(item["code"] for item in made["open"]) == [
        "no-justification",
        "unknown-category",
    ]


def test_needed_answers_that_are_empty_keep_the_report_a_draft(tmp_path: Path) -> None:
    columns = rows((50, 20, "M", "White"), (50, 10, "F", "Hispanic"))
    blank = {"distribution_date": "", "auditor": " ", "data_kind": "test", "test_why": ""}
    made = annex(columns, tmp_path, settings=blank)
    assert sorted(i["code"] for i in made["open"]) == ["empty", "empty", "no-test-explanation"]


def test_a_ratio_of_0_79996_stays_under_the_mark_where_the_screen_is_on(tmp_path: Path) -> None:
    cells = ((50_000, 50_000, "M", "White"), (100_000, 79_996, "F", "Hispanic"))
    on = annex(rows(*cells), tmp_path / "on", settings={"screen": True})
    ratio = table(on, "sex")["Female"]["ratio"]
    assert (ratio["printed"], ratio["below"]) == ("0.79996", True)
    off = annex(rows(*cells), tmp_path / "off")
    assert table(off, "sex")["Female"]["ratio"]["printed"] == "0.80"
    assert table(off, "sex")["Female"]["ratio"]["below"] is None


def test_scores_count_strictly_above_the_median_of_everybody(tmp_path: Path) -> None:
    columns = rows((4, 0, "M", "White"), (4, 0, "F", "Hispanic"), (2, 0, "Unknown", "White"))
    columns["score"] = [1.0, 2.0, 5.0, 5.0, 5.0, 5.0, 7.0, 8.0, 9.0, 9.0]
    made = annex(
        columns, tmp_path, score=Score("score", high=10.0), settings={"mode": "score"}
    )  # fmt: skip
    assert made["sample"] == {
        "people": 10, "without_score": 0, "median": 5.0, "at_median": 4, "above": 4,
        "higher_is_better": True, "scale": "column",
    }  # fmt: skip
    assert table(made, "sex")["Male"]["rate"]["numerator"] == 0
    assert table(made, "sex")["Female"]["rate"]["numerator"] == 2
    assert table(made, "sex")["Male"]["ratio"]["printed"] == "0.00"


def test_a_score_that_is_better_when_low_counts_below_the_median(tmp_path: Path) -> None:
    columns = rows((2, 0, "M", "White"), (3, 0, "F", "Hispanic"))
    columns["score"] = [1.0, 2.0, 3.0, 8.0, None]
    made = annex(
        columns, tmp_path, score=Score("score", favourable=False, high=10.0),
        settings={"mode": "score"},
    )  # fmt: skip
    assert made["sample"]["median"] == 2.5
    assert made["sample"]["without_score"] == 1
    assert table(made, "sex")["Male"]["rate"]["printed"] == "100.0"
    assert table(made, "sex")["Female"]["rate"]["printed"] == "0.0"


def test_the_tables_are_repeated_for_each_group_the_tool_sorts_people_into(
    people: dict, tmp_path: Path
) -> None:
    made = annex(people, tmp_path, settings={"groups_column": "style"})
    groups = {t["group"] for t in made["tables"]}
    assert groups == {None, "Analyst", "Driver", "Mediator"}
    per_group = [table(made, "sex", g)["Male"]["rate"] for g in ("Analyst", "Driver", "Mediator")]
    assert sum(r["numerator"] for r in per_group) == per_group[0]["denominator"]


def test_further_columns_get_tables_in_the_same_form(people: dict, tmp_path: Path) -> None:
    made = annex(people, tmp_path, settings={"further_columns": ["style"]})
    assert set(table(made, "further")) == {"Analyst", "Driver", "Mediator"}


def test_only_measured_rows_are_counted(tmp_path: Path) -> None:
    columns = rows((50, 20, "M", "White"), (50, 10, "F", "Hispanic"))
    used = np.arange(100) % 2 == 0
    made = annex(columns, tmp_path, used=used)
    assert made["sample"]["people"] == 50
    assert table(made, "sex")["Male"]["rate"]["numerator"] == 10


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("White, not Hispanic", "White"), ("White Hispanic", "Hispanic or Latino"),
        ("Amer-Indian-Eskimo", "Native American or Alaska Native"),
        ("Asian-Pac-Islander", "other"), ("Asian or Pacific Islander", "other"),
        ("AIAN, other tribes", "Native American or Alaska Native"),
        ("Native Hawaiian and Other Pacific Islander", "Native Hawaiian or Pacific Islander"),
        ("2 or more minority races", "Two or More Races"), ("Race Not Available", "unknown"),
        ("Some other race", "other"), ("Prefer not to say", "unknown"), ("", "unknown"),
        ("African-American", "Black or African American"), ("Caucasian", "White"),
    ],
)  # fmt: skip
def test_words_of_real_files_are_read_as_categories(word: str, category: str) -> None:
    assert eeo.race(word) == category


@pytest.mark.parametrize(
    ("word", "untold"),
    [
        ("Unknown", True), ("Prefer not to say", True), ("N/A", True), ("Not applicable", True),
        ("Information not provided by applicant in mail", True), ("Joint", False),
        ("Not Hispanic or Latino", False), ("Other", False), ("None", False), ("Female", False),
    ],
)  # fmt: skip
def test_groups_of_people_who_did_not_say_are_told_apart(word: str, *, untold: bool) -> None:
    assert eeo.untold(word) is untold


def test_no_origin_is_hispanic_because_it_says_that_it_is_not() -> None:
    for word in ("Not Hispanic", "Not Spanish/Hispanic/Latino", "non-Hispanic", "No", "0"):
        assert eeo.ethnicity(word) == eeo.NOT_HISPANIC, word
    for word in ("Hispanic or Latino", "Mexican", "Yes", "Other Hispanic", "1"):
        assert eeo.ethnicity(word) == eeo.HISPANIC, word
    assert eeo.ethnicity("Ethnicity Not Available") == eeo.UNKNOWN
