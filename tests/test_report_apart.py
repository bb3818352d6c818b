"""The chapters on factors held equal, on three levels, and on reference decisions."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from auditapp.plan import AttributeSpec, Outcome, Score
from auditapp.reports import build, charts
from auditapp.reports.blocks import Bullets, Figure, Prose, Table, plain, walk
from auditapp.reports.export import write_csv
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts
from auditapp.reports.sections import factors, levels, limits, references, reproducibility
from tests.apart_people import audit, panels, people
from tests.test_report_words import BANNED, _strings

MADE = (factors.section, levels.section, references.section)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """People with a reversal and wrong labels of women, beside 25 panels."""
    table = people(wrong=0.15)
    folder = tmp_path_factory.mktemp("apart")
    return audit(table, folder, gold=Outcome("second", ("1",)), references=panels(table))


def words(section: Any) -> str:
    """Everything a section says outside of tables and figures."""
    out = []
    for block in walk(section.blocks):
        if isinstance(block, Prose):
            out.append(plain(block.text))
        if isinstance(block, Bullets):
            out += [plain(item) for item in block.items]
    return " ".join(out)


def changed(document: dict[str, Any], **keys: Any) -> Facts:
    return Facts({**copy.deepcopy(document), **keys})


def test_a_reversal_is_told_with_both_differences(document: dict[str, Any]) -> None:
    facts = Facts(document)
    text = words(factors.section(facts))
    assert text.startswith("Women were chosen ")
    assert " points less often than men among all people, and " in text
    assert " points more often with department held equal." in text
    assert "in all 6 values of department" in text
    found = factors.finding(facts)
    assert found is not None
    assert found.verdict == DIFFERENCE
    assert "Selection rate, all people −" in found.detail


def test_the_drawing_holds_the_whole_every_stratum_and_the_pool(document: dict[str, Any]) -> None:
    made = factors.section(Facts(document))
    assert made is not None
    figure = next(b for b in walk(made.blocks) if isinstance(b, Figure))
    labels = [row["label"] for row in figure.chart["rows"]]
    assert labels[0] == "All people"
    assert labels[-1] == "Department held equal"
    assert len(labels) == 8
    for variant in ("wide", "narrow", "print"):
        assert "Department" in charts.draw(figure.chart, variant)


def test_a_turn_that_may_be_chance_is_told_as_unsettled(document: dict[str, Any]) -> None:
    strata = copy.deepcopy(document["strata"])
    for row in strata["comparisons"]:
        turned = row["metric"] == "selection-rate" and row["group"] == {"sex": "Women"}
        row["reversal"]["kind"] = "estimates" if turned else "none"
    facts = changed(document, strata=strata)
    assert "Held equal, the difference may be zero" in words(factors.section(facts))
    found = factors.finding(facts)
    assert found is not None
    assert found.verdict == NOT_ENOUGH


def test_without_a_turn_there_is_no_finding(tmp_path: Path) -> None:
    facts = Facts(audit(people(1500, panels=0), tmp_path, control=AttributeSpec("race", "Race")))
    assert factors.finding(facts) is None
    assert "turns around with race held equal" in words(factors.section(facts))


def test_wrong_labels_are_named_before_scores_and_threshold(document: dict[str, Any]) -> None:
    text = words(levels.section(Facts(document)))
    assert "carry a second, careful label. The two agree for 8" in text
    assert "% of women and 100% of men. In all, 3 of 9 comparisons differ." in text
    assert "A difference shows already at the labels." in text


def test_one_careful_label_compares_no_groups(tmp_path: Path) -> None:
    table = people(300, panels=0)
    table["second"] = table["second"].where(table.index == (table["second"] != "").idxmax())
    facts = Facts(audit(table, tmp_path, gold=Outcome("second", ("1",))))
    text = words(levels.section(facts))
    assert "1 row carries a second, careful label." in text
    assert "No two groups have enough rows to be compared." in text


def test_the_limits_say_which_tests_stand_beside_the_family(document: dict[str, Any]) -> None:
    text = words(limits.section(Facts(document)))
    assert "What is said of held-equal factors and labels, scores and decisions" in text


def test_every_column_that_was_read_has_its_coding(document: dict[str, Any]) -> None:
    made = reproducibility.section(Facts(document))
    table = next(b for b in walk(made.blocks) if isinstance(b, Table) and b.title)
    roles = {row[1].text for row in table.rows}
    assert roles >= {"legitimate factor", "second, careful label", "reference decisions"}


def test_labels_that_were_not_checked_are_said_to_be(tmp_path: Path) -> None:
    facts = Facts(audit(people(1500, panels=0), tmp_path))
    text = words(levels.section(facts))
    assert "Labels. Not checked: no second, careful labels were given." in text
    assert "Not checked: the labels." in text
    made = levels.section(facts)
    assert made is not None
    table = next(b for b in walk(made.blocks) if isinstance(b, Table))
    assert [c.text for c in table.columns][2:] == [
        "Outcome beside score", "At equal scores", "Same meaning test", "Near the threshold",
    ]  # fmt: skip


def test_a_score_of_few_values_names_those_at_the_threshold(tmp_path: Path) -> None:
    table = people(3000, panels=0)
    table["score"] = 1 + (9 * (1 - table["score"])).round()
    score = Score("score", favourable=False, low=1, high=10)
    made = levels.section(Facts(audit(table, tmp_path, score=score, threshold=5)))
    assert made is not None
    table_block = next(b for b in walk(made.blocks) if isinstance(b, Table))
    assert "scores of 5" in " ".join(table_block.foot)
    assert "Outcome beside score" not in [c.text for c in table_block.columns]


def test_no_level_at_all_gives_no_chapter(tmp_path: Path) -> None:
    table = people(300, panels=0)
    assert levels.section(Facts(audit(table, tmp_path, label=None))) is None


def test_the_share_of_references_carries_its_interval(document: dict[str, Any]) -> None:
    made = references.section(Facts(document))
    assert made is not None
    assert document["references"][0]["as_good"] == 0
    assert "none of 25 references (0%; 95%: 0 to 14%)" in words(made)
    found = copy.deepcopy(document["references"])
    found[0]["as_good"] = 3
    section = references.section(changed(document, references=found))
    assert "3 of 25 references" in words(section)
    shares, listed = (b for b in walk(made.blocks) if isinstance(b, Table))
    assert [cell.note for cell in shares.rows[0][1:]] == [
        cell.note for cell in shares.rows[0][1:] if " to " in cell.note
    ]
    assert len(listed.rows) == 25
    assert listed.print_rows == 8


@pytest.mark.parametrize("key", ["strata", "levels", "references"])
def test_a_failed_part_says_so_and_an_absent_one_is_left_out(
    document: dict[str, Any], key: str
) -> None:
    make = dict(zip(("strata", "levels", "references"), MADE, strict=True))[key]
    broken = changed(document, **{key: {"failed": {"code": "x", "message": "<b>Broken</b>."}}})
    made = make(broken)
    assert made is not None
    assert plain(made.blocks[0].text) == "This part could not be computed. <b>Broken</b>."
    assert make(changed(document, **{key: None})) is None
    assert factors.finding(broken) is None or key != "strata"


@pytest.mark.parametrize("odd", ["one-class", "one-score", "lone-strata", "one-group", "tiny"])
def test_odd_data_are_said_in_house_wording(odd: str, tmp_path: Path) -> None:
    table = people(20 if odd == "tiny" else 400, panels=1)
    if odd == "one-class":
        table["outcome"] = 1
    elif odd == "one-score":
        table["score"] = 0.5
    elif odd == "lone-strata":
        table["department"] = [f"d{i // 2}" for i in range(len(table))]
    elif odd == "one-group":
        table["sex"] = "Men"
    given = {"gold": Outcome("second", ("1",)), "references": panels(table)}
    facts = Facts(audit(table, tmp_path, **given))
    for make in MADE:
        made = make(facts)
        for text in _strings(made) if made is not None else []:
            assert not BANNED.search(text), text
            assert "None" not in text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    table = people(1200, panels=1)
    evil = "<script>alert(1)</script>#{x}"
    table["department"] = table["department"].where(table["department"] != "Law", evil)
    table = table.rename(columns={"panel 1": "panel <img src=x>"})
    document = audit(
        table,
        tmp_path,
        references=panels(table),
        control=AttributeSpec("department", "<u>Department</u> *x*"),
    )
    build.build(document, tmp_path / "report")
    assert (tmp_path / "report" / "report.pdf").stat().st_size > 10_000
    text = (tmp_path / "report" / "charts" / "inside-sex.wide.svg").read_text()
    assert "<script" not in text


def test_the_csv_holds_every_comparison_of_the_three(document: dict[str, Any]) -> None:
    lines = write_csv(Facts(document)).decode().splitlines()
    for name in ("strata", "levels", "references"):
        assert any(line.startswith(f"{name},") for line in lines)
    held = [line for line in lines if line.startswith("strata,") and ",held equal," in line]
    assert len(held) == len(document["strata"]["comparisons"])
