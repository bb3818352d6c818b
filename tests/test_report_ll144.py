"""How the annex of Local Law 144 reads: the tables of the rule, on page, in PDF and CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from auditapp.plan import Score
from auditapp.reports import blocks, export
from auditapp.reports.build import build
from auditapp.reports.facts import Facts
from auditapp.reports.regulatory.ll144 import section
from auditapp.reports.regulatory.ll144_tables import number
from tests.ll144_people import annex, hiring, rows
from tests.report_documents import document

SELECTION = ["Category", "# of applicants", "# selected", "Selection rate", "Impact ratio"]
SCORING = ["Category", "# of applicants", "Scoring rate", "Impact ratio"]


def with_annex(made: dict[str, Any]) -> dict[str, Any]:
    return {**document(800, attributes=1), "annexes": [made]}


def chapter(made: dict[str, Any]) -> blocks.Section:
    return section(Facts(with_annex(made)), made)


def tables(found: blocks.Section) -> dict[str, blocks.Table]:
    return {b.title: b for b in found.blocks if isinstance(b, blocks.Table)}


def words(found: blocks.Section) -> str:
    """All prose, facts and bullets of a chapter."""
    said = [blocks.plain(found.lede)]
    for block in found.blocks:
        if isinstance(block, blocks.Prose | blocks.Notice):
            said.append(blocks.plain(block.text))
        elif isinstance(block, blocks.FactList):
            said += [f"{row.label}: {blocks.plain(row.value)}" for row in block.rows]
        elif isinstance(block, blocks.Bullets):
            said += [blocks.plain(item) for item in block.items]
    return "\n".join(said)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return annex(hiring(), tmp_path_factory.mktemp("whole"))


def heads(table: blocks.Table) -> list[str]:
    return [column.text for column in table.columns]


def test_the_tables_have_exactly_the_columns_of_the_rule(whole: dict[str, Any]) -> None:
    found = tables(chapter(whole))
    assert heads(found["Sex"]) == SELECTION
    assert heads(found["Race and ethnicity"]) == SELECTION
    assert heads(found["Intersectional"]) == ["Ethnicity", "Sex", "Race", *SELECTION[1:]]
    assert heads(found["Other categories of race and ethnicity"]) == SELECTION


def test_scores_drop_the_selected_and_print_the_median(tmp_path: Path) -> None:
    made = annex(
        hiring(), tmp_path, score=Score("score", high=100.0), settings={"mode": "score"}
    )  # fmt: skip
    found = chapter(made)
    assert heads(tables(found)["Sex"]) == SCORING
    assert heads(tables(found)["Intersectional"]) == ["Ethnicity", "Sex", "Race", *SCORING[1:]]
    median = f"{made['sample']['median']:g}"
    assert f"Median score of 3,000 people: {median}. Strictly above it counts" in words(found)


def test_groups_of_a_scoring_tool_count_who_is_placed_in_them(tmp_path: Path) -> None:
    made = annex(
        hiring(), tmp_path, score=Score("score", high=100.0),
        settings={"mode": "score", "groups_column": "style"},
    )  # fmt: skip
    found = tables(chapter(made))
    assert heads(found["Sex"]) == SCORING
    assert heads(found["Sex, placed in “Analyst”"]) == SELECTION


def test_the_line_of_unknowns_is_printed_also_with_none(tmp_path: Path) -> None:
    made = annex(rows((50, 20, "M", "White"), (50, 10, "F", "Hispanic")), tmp_path)
    text = words(chapter(made))
    assert "not in these calculations because their sex, race or ethnicity is unknown: 0." in text
    assert "item" not in text.partition("\n")[0]


def test_the_line_of_unknowns_says_in_which_tables_they_are_not(tmp_path: Path) -> None:
    columns = rows((50, 20, "M", "White"), (50, 10, "F", "Hispanic"), (7, 1, "Unknown", "White"),
                   (1, 0, "F", "Declined"))  # fmt: skip
    text = words(chapter(annex(columns, tmp_path)))
    assert (
        "unknown: 8. 7 people of unknown sex are not in the table of sex, 1 of unknown race or "
        "ethnicity not in that of race and ethnicity, and none of the 8 in the intersectional"
    ) in text


def test_rows_that_are_not_counted_are_named(whole: dict[str, Any]) -> None:
    made = with_annex(whole)
    made["rows"] = {
        "uploaded": 900,
        "used": 800,
        "left_out": [{"reason": "No decision", "n": 100}],
    }
    text = words(section(Facts(made), whole))
    assert "Of 900 rows of the file, 800 are counted here. Left out: 100 (No decision)." in text
    made["rows"] = {"uploaded": 800, "used": 800, "left_out": []}
    assert "Left out: " not in words(section(Facts(made), whole))


def test_where_all_scores_are_the_median_nobody_counts(tmp_path: Path) -> None:
    columns = rows((50, 20, "M", "White"), (50, 10, "F", "Hispanic"))
    columns["score"] = [5] * 100
    settings = {"mode": "score"}
    made = annex(columns, tmp_path, score=Score("score", high=100.0), settings=settings)
    row = tables(chapter(made))["Sex"].rows[0]
    assert [cell.text for cell in row] == ["Male", "50", "0.0%", "nobody counted"]


def test_there_is_no_mark_unless_it_is_asked_for(whole: dict[str, Any], tmp_path: Path) -> None:
    assert "0.80" not in words(chapter(whole))
    cells = ((50_000, 50_000, "M", "White"), (100_000, 79_996, "F", "Hispanic"))
    found = chapter(annex(rows(*cells), tmp_path, settings={"screen": True}))
    table = tables(found)["Sex"]
    assert heads(table)[-1] == "Four-fifths screen"
    assert [cell.text for cell in table.rows[1]][-2:] == ["0.79996", "under"]
    assert "federal guidance" in words(found)


def test_a_category_left_out_is_printed_with_people_rate_and_reason(tmp_path: Path) -> None:
    cells = ((981, 490, "M", "White"), (900, 300, "F", "Hispanic"), (9, 3, "F", "Asian"))
    settings = {"leave_out": ["Asian"], "justification": "Nine people only."}
    found = chapter(annex(rows(*cells), tmp_path, settings=settings))
    line = "Asian (race and ethnicity): 9 applicants, selection rate 33.3%. Nine people only."
    assert line in words(found)
    asian = next(r for r in tables(found)["Race and ethnicity"].rows if r[0].text == "Asian")
    assert [cell.text for cell in asian] == ["Asian", "9", "3", "33.3%", "left out"]
    assert "of 1,890 people" in words(found)


def test_the_head_says_until_when_the_audit_may_be_used(tmp_path: Path) -> None:
    columns = rows((50, 20, "M", "White"), (50, 10, "F", "Hispanic"))
    made = annex(columns, tmp_path, settings={"audit_date": "2024-02-29", "tool": "Screener 2"})
    text = words(chapter(made))
    assert "Most recent audit: 29 February 2024; valid for use until 28 February 2025" in text
    assert "Tool: Screener 2; distribution date 1 September 2025" in text
    blank = annex(columns, tmp_path / "blank")
    assert "22 November 2026; valid for use until 21 November 2027" in words(chapter(blank))


def test_what_is_open_stands_at_the_top(tmp_path: Path) -> None:
    made = annex(rows((50, 20, "M", "White"), (50, 10, "F", "Asian")), tmp_path)
    first = chapter(made).blocks[0]
    assert isinstance(first, blocks.Notice)
    assert "Hispanic or Latino origin is not recorded" in blocks.plain(first.text)


def test_page_pdf_and_csv_are_made_and_say_the_same(whole: dict[str, Any], tmp_path: Path) -> None:
    result = with_annex(whole)
    facts = Facts(result)
    listed = list(csv.DictReader(io.StringIO(export.write_csv(facts).decode("utf-8-sig"))))
    mine = [row for row in listed if row["table"] == "annex-ll144"]
    shown = tables(section(facts, whole))["Race and ethnicity"]
    for cells in shown.rows:
        row = next(
            r for r in mine
            if (r["by"], r["group"], r["metric"])
            == ("Race and ethnicity", cells[0].text, "selection-rate")
        )  # fmt: skip
        assert f"{int(row['denominator']):,}" == cells[1].text
        assert f"{int(row['numerator']):,}" == cells[2].text
        assert abs(float(row["value"]) * 100 - float(cells[3].text[:-1])) <= 0.05 + 1e-9
    unknown = [r for r in mine if r["metric"] == "unknown"]
    assert [int(r["n"]) for r in unknown] == list(whole["unknown"].values())
    made = build(result, tmp_path)
    assert made["pages"] >= 2
    assert "annex-ll144" in (tmp_path / "report.json").read_text()


def test_hostile_categories_stand_as_text_and_as_no_formula(tmp_path: Path) -> None:
    bad = '=HYPERLINK("http://x")<b>#let x'
    cells = ((50, 20, "M", "White"), (50, 10, "F", "Hispanic"), (30, 9, "F", bad))
    made = annex(rows(*cells), tmp_path)
    result = with_annex(made)
    assert f"'{bad[:6]}" in export.write_csv(Facts(result)).decode()
    other = tables(chapter(made))["Other categories of race and ethnicity"]
    assert other.rows[0][0].text == bad
    build(result, tmp_path / "out")


def test_a_failed_annex_says_so(tmp_path: Path) -> None:
    made = annex(
        rows((50, 20, "M", "White"), (50, 10, "F", "Asian")), tmp_path,
        settings={"sex_column": "nowhere"},
    )  # fmt: skip
    assert "could not be computed" in words(chapter(made))


def test_printed_numbers_keep_every_decimal_they_were_given() -> None:
    assert [number(text) for text in ("0.79996", "1.00", "0.00", "44.0")] == [
        "0.79996", "1.00", "0.00", "44.0",
    ]  # fmt: skip
