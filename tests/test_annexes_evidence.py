"""Templates filled from the report: evidence map, facts for disclosure, model card."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from auditapp.errors import AuditError
from auditapp.headless import arguments
from auditapp.pipeline.annexes import _one
from auditapp.pipeline.annexes.ai_act import LABELS, _kept
from auditapp.regulatory import REGISTRY, card, cards
from auditapp.regulatory.annex_iv import ITEMS
from auditapp.regulatory.card import KINDS
from auditapp.reports import blocks
from auditapp.reports.facts import Facts
from auditapp.reports.regulatory import frame
from auditapp.reports.sections import sections
from tests.annex_documents import ANSWERS, annexed
from tests.number_documents import unequal_lists, unequal_pay

OWN = tuple(ANSWERS)


def texts(section: blocks.Section) -> str:
    """Every word of a chapter."""
    return json.dumps(blocks.to_json(section), ensure_ascii=False)


def chapter(document: dict[str, Any]) -> blocks.Section:
    (found,) = (s for s in sections(Facts(document)) if s.slug.startswith("annex-"))
    return found


def items(document: dict[str, Any]) -> dict[str, Any]:
    return {item["id"]: item for item in document["annexes"][0]["items"]}


@pytest.mark.parametrize("slug", REGISTRY)
def test_a_card_says_rule_jurisdiction_day_and_source(slug: str) -> None:
    found = card(slug)
    assert found.slug == slug
    assert all((found.title, found.jurisdiction, found.rule, found.source, found.text))
    assert len(found.version) == 10
    assert {item.kind for item in found.fields} <= KINDS
    assert len({item.name for item in found.fields}) == len(found.fields)
    defaults = found.settings({})
    assert found.settings({n: v for n, v in defaults.items() if v != ""}) == defaults


def test_a_choice_has_its_default_among_its_choices() -> None:
    for found in cards():
        for item in found.fields:
            assert item.kind != "choice" or item.default in item.choices, (found.slug, item.name)


def test_the_evidence_map_names_fields_and_sections_that_exist() -> None:
    known = {s.slug for s in sections(Facts(annexed("ai-act")))}
    known |= {"hidden", "sources", "factors", "levels", "references", "tradeoffs", "stability",
              "numerics", "confusion"}  # fmt: skip
    for item in ITEMS:
        assert set(item.sections) <= known, item.id
        assert set(item.answers) <= set(LABELS), item.id


@pytest.mark.parametrize("slug", OWN)
def test_a_complete_annex_leaves_nothing_open(slug: str) -> None:
    document = annexed(slug)
    assert document["annexes"][0]["open"] == []
    assert "keep this report a draft" not in texts(chapter(document))


@pytest.mark.parametrize(("slug", "n"), [("ai-act", 4), ("disclosure", 6), ("model-card", 0)])
def test_what_is_needed_and_empty_keeps_the_report_a_draft(slug: str, n: int) -> None:
    document = annexed(slug, {})
    assert len(document["annexes"][0]["open"]) == n
    found = texts(chapter(document))
    assert ("They keep this report a draft" in found) == (n > 0)


def test_a_system_without_a_purpose_has_no_final_annex() -> None:
    for slug in OWN:
        document = annexed(slug, about={"purpose": ""})
        assert len(document["annexes"][0]["open"]) == 1, slug


def test_sections_are_named_by_the_number_they_have() -> None:
    document = annexed("ai-act")
    made = sections(Facts(document))
    numbers = {s.slug: s.number for s in made}
    assert [s.number for s in made if s.number] == list(range(1, len(made)))
    (table,) = (
        b for s in made if s.slug == "annex-ai-act" for b in s.blocks
        if isinstance(b, blocks.Table) and b.title == "Evidence map"
    )  # fmt: skip
    assert len(table.rows) == len(ITEMS) == 24
    links = [link for row in table.rows for link in row[2].links]
    assert links
    for link in links:
        assert link.text.startswith(f"{numbers[link.anchor]}. ")


def test_what_this_audit_cannot_know_is_said() -> None:
    found = items(annexed("ai-act"))
    assert found["2(h)"]["status"] == "not-covered"
    assert found["4"]["status"] == "here"
    assert found["3, accuracy"]["status"] == "here"
    assert found["2(b)"]["status"] == "part"
    assert "no remedy was tried, so no trade-off was measured" in found["2(b)"]["missing"]
    assert found["Art. 4a"]["status"] == "here"


def test_sites_alone_say_nothing_of_changes() -> None:
    sites = {"sites": [{"by": "state"}]}
    assert items(annexed("ai-act", changes={"shift": sites}))["6"]["status"] == "not-covered"
    given = {**ANSWERS["ai-act"], "relation": "Replaces version 0.9."}
    found = items(annexed("ai-act", given, changes={"shift": sites}))["6"]
    assert (found["status"], found["sections"]) == ("part", [])
    found = items(annexed("ai-act", given, changes={"change": {"gaps": [1]}}))["6"]
    assert (found["status"], found["sections"]) == ("here", ["stability"])


def test_a_chapter_that_found_no_sites_is_no_evidence_of_robustness() -> None:
    nothing = {"sites": None, "sources": None, "addition": None, "reasons": {"sites": "no-site"}}
    found = items(annexed("ai-act", changes={"shift": nothing, "numerics": None}))["2(g)"]
    assert "stability" not in found["sections"]
    assert "robustness was not looked at" in found["missing"]
    told = items(annexed("ai-act", changes={"shift": {**nothing, "sites": [1]}}))["2(g)"]
    assert "stability" in told["sections"]


def test_an_item_answered_in_words_says_where_they_stand() -> None:
    given = {**ANSWERS["ai-act"], "oversight": "A loan officer may overrule."}
    document = annexed("ai-act", given)
    table = next(
        b for b in chapter(document).blocks
        if isinstance(b, blocks.Table) and b.anchor == "ai-act-map"
    )  # fmt: skip
    where = {row[0].text: row[2].text for row in table.rows}
    assert where["2(e)"] == "Below, in words"
    assert where["2(h)"] == "None"


@pytest.mark.parametrize(("text", "number"), [("91,5", 91.5), ("91.5", 91.5), ("1,2345", 1.2345)])
def test_a_decimal_comma_is_read(text: str, number: float) -> None:
    assert card("ai-act").settings({"declared": text})["declared"] == number


def test_a_comma_of_thousands_is_not_taken_for_a_decimal_one() -> None:
    with pytest.raises(AuditError):
        card("ai-act").settings({"declared": "1,000"})


def test_without_labels_no_accuracy_is_claimed() -> None:
    document = annexed("ai-act", label=False)
    assert document["annexes"][0]["accuracy"]["measured"] is False
    assert items(document)["3, accuracy"]["status"] == "part"
    assert items(document)["Art. 15(3)"]["status"] == "not-covered"
    assert "Accuracy overall" not in texts(chapter(document))


def test_a_no_to_special_categories_stands_beside_the_columns_that_speak_of_one() -> None:
    said = texts(chapter(annexed("ai-act")))
    assert "No, as the provider states" in said
    assert "Groups by Race, which by name is such a category" in said
    used = {**ANSWERS["ai-act"], "special": "yes"}
    assert "which by name is such" not in texts(chapter(annexed("ai-act", used)))


def test_disclosure_gives_no_words_that_nobody_wrote() -> None:
    document = annexed("disclosure")
    about = {k: v for k, v in document["plan"]["about"].items() if k != "outcome"}
    document["plan"] = {**document["plan"], "about": about}
    facts = [b for b in chapter(document).blocks if isinstance(b, blocks.FactList)]
    said = {row.label: blocks.plain(row.value) for found in facts for row in found.rows}
    assert said["The favourable decision"] == "Not given"


def test_a_search_that_failed_is_no_evidence() -> None:
    broken = {"failed": {"code": "subgroups-failed", "message": "An error stopped it."}}
    found = items(annexed("ai-act", changes={"subgroups": broken}))
    assert "hidden" not in found["Art. 10(2)(f)"]["sections"]
    found = items(annexed("ai-act", changes={"subgroups": [{"by": ["SEX"]}]}))
    assert "hidden" in found["Art. 10(2)(f)"]["sections"]


def test_special_categories_that_were_used_need_a_reason_and_an_end() -> None:
    used = {**ANSWERS["ai-act"], "special": "yes"}
    document = annexed("ai-act", used)
    assert [one["code"] for one in document["annexes"][0]["open"]] == ["special", "special"]
    assert items(document)["Art. 4a"]["status"] == "open"
    done = {**used, "special_why": "No other data would do.", "special_deleted": "2027-01-31"}
    assert annexed("ai-act", done)["annexes"][0]["open"] == []


def test_items_kept_elsewhere_are_named_in_their_rows() -> None:
    given = {**ANSWERS["ai-act"], "elsewhere": "2(h): security concept\n5. risk file\nbinder 7"}
    document = annexed("ai-act", given)
    found = items(document)
    assert (found["2(h)"]["status"], found["2(h)"]["kept"]) == ("elsewhere", ["security concept"])
    assert found["5"]["kept"] == ["risk file"]
    assert document["annexes"][0]["further"] == ["binder 7"]
    assert "security concept" in texts(chapter(document))


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("2(h): x", "2(h)"), ("2 (h) : x", "2(h)"), ("2h: x", "2(h)"), ("1(c): x", "1(b)-(h)"),
        ("3: x", "3, control"), ("9: x", "9"),
    ],
)  # fmt: skip
def test_a_line_finds_its_item(line: str, item: str) -> None:
    kept, further = _kept(line)
    assert (list(kept), further) == ([item], [])


@pytest.mark.parametrize("line", ["2(z): x", "17: x", "see the binder", "2(h):", "<b>2</b>"])
def test_a_line_without_an_item_is_not_lost(line: str) -> None:
    assert _kept(line) == ({}, [line])


@pytest.mark.parametrize(("declared", "against"), [(95, "below"), (50, "above")])
def test_a_declared_accuracy_is_held_against_the_interval(declared: int, against: str) -> None:
    document = annexed("ai-act", {**ANSWERS["ai-act"], "declared": declared})
    found = document["annexes"][0]["accuracy"]
    assert found["against"] == against
    assert found["declared"] == declared / 100
    assert bool(found["below"]) == (against == "below")
    assert f"lies {against} the declared level" in texts(chapter(document))


def test_lowest_and_highest_accuracy_are_those_of_the_document() -> None:
    document = annexed("ai-act")
    for ends in document["annexes"][0]["accuracy"]["by"]:
        rows = [
            e for e in document["estimates"]
            if e["metric"] == "accuracy" and e["by"] == [ends["column"]] and not e["below_floor"]
        ]  # fmt: skip
        values = {json.dumps(e["group"]): e["value"] for e in rows}
        assert values[json.dumps(ends["lowest"])] == min(values.values())
        assert values[json.dumps(ends["highest"])] == max(values.values())


def test_the_part_in_the_law_decides_what_is_owed() -> None:
    given = {**ANSWERS["disclosure"], "role": "both"}
    found = annexed("disclosure", given)["annexes"][0]["open"]
    assert [one["text"] for one in found] == [
        "“Harmful or unsuitable uses” is empty.",
        "“Kinds of data the system learned from” is empty.",
    ]
    developer = texts(chapter(annexed("disclosure", {**given, "role": "developer"})))
    assert "For whoever uses the system" in developer
    assert "After an adverse decision" not in developer


def test_disclosure_speaks_to_people_who_set_no_limit() -> None:
    found = texts(chapter(annexed("disclosure")))
    assert "points less" in found
    assert "you set" not in found
    assert "before deciding" not in found
    alike = texts(chapter(annexed("disclosure", fair=True, tolerance=0.2)))
    assert "No difference was seen in" in alike


def test_a_model_card_has_the_nine_headings_in_order() -> None:
    section = chapter(annexed("model-card"))
    titles = [str(getattr(block, "title", "")) for block in section.blocks]
    wanted = ["Model details", "Intended use", "Factors", "Metrics", "Evaluation data",
              "Training data", "Unitary results by race", "Unitary results by sex",
              "Intersectional results: race and sex", "Ethical considerations",
              "Caveats and recommendations"]  # fmt: skip
    assert [title for title in titles if title in wanted] == wanted


def test_numbers_of_a_model_card_are_those_of_the_group_results() -> None:
    document = annexed("model-card")
    facts = Facts(document)
    shown = texts(chapter(document))
    group = {"SEX": "Women"}
    row = facts.estimate(facts.lead, group)
    assert row is not None
    assert facts.unit(facts.lead).value(row["value"]) in shown


@pytest.mark.parametrize("slug", OWN)
def test_what_people_write_is_text(slug: str) -> None:
    odd = "#set page(fill: red) <script>alert(1)</script> =1+1 \u202e"
    given = {item.name: odd for item in card(slug).fields if item.kind in {"text", "long"}}
    found = texts(chapter(annexed(slug, {**ANSWERS[slug], **given})))
    assert "<script>alert(1)</script>" in found


@pytest.mark.parametrize(("slug", "answer"), [("ai-act", {"declared": "180"}),
                                              ("disclosure", {"updated": "yesterday"}),
                                              ("model-card", {"authors": "me"})])  # fmt: skip
def test_an_answer_of_another_kind_is_refused(slug: str, answer: dict[str, str]) -> None:
    with pytest.raises(AuditError) as error:
        card(slug).settings(answer)
    assert error.value.where == "templates"


@pytest.mark.parametrize(("make", "metric"), [(unequal_pay, "mae"), (unequal_lists, "ndcg")])
@pytest.mark.parametrize("slug", OWN)
def test_annexes_speak_of_every_kind_of_outcome(slug: str, make: Any, metric: str) -> None:
    document = {**make(), "annexes": None}
    document["plan"] = {**document["plan"], "about": {"purpose": "Pay people."}}
    planned: Any = SimpleNamespace(to_json=lambda: document["plan"])
    measured = {key: value for key, value in document.items() if key != "plan"}
    made = _one(planned, None, measured, card(slug), ANSWERS[slug])
    document["annexes"] = [json.loads(json.dumps(made, allow_nan=False))]
    assert made["open"] == []
    found = texts(chapter(document))
    assert frame.ADVICE in found
    if slug == "ai-act":
        assert made["accuracy"]["metric"] == metric
        assert made["accuracy"]["measured"] is True
        assert "ai-act-accuracy" in found


def test_answers_stand_on_the_command_line_or_in_a_file(tmp_path: Path) -> None:
    read = arguments.template
    assert read("model-card") == ("model-card", {})
    assert read('disclosure:"organisation=Acme, Inc.",data-kinds=age') == (
        "disclosure",
        {"organisation": "Acme, Inc.", "data_kinds": "age"},
    )
    file = tmp_path / "answers.json"
    file.write_text('{"provider": "Acme", "declared": 81.5, "special-why": "a, b"}')
    assert read(f"ai-act:@{file}") == (
        "ai-act",
        {"provider": "Acme", "declared": 81.5, "special_why": "a, b"},
    )
    file.write_text("[1]")
    for wrong in (f"ai-act:@{file}", "ai-act:@nowhere.json", "ai-act:provider"):
        with pytest.raises(argparse.ArgumentTypeError):
            read(wrong)


def test_a_model_card_of_one_comparison_speaks_of_one() -> None:
    document = annexed("model-card")
    document["family"] = {**document["family"], "k": 1}
    said = texts(chapter(document))
    assert "one comparison, so nothing to adjust for" in said
    assert "all 1 comparisons" not in said
