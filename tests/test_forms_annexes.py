"""Questions of regulatory templates in a form: what is refused at once, and what stands open."""

from __future__ import annotations

from typing import Any

import pytest

from auditapp.errors import AuditError
from auditapp.forms.annexes import AnnexesForm
from auditapp.plan import AttributeSpec, Data, Model, Outcome, Plan, TemplateSpec
from auditapp.plan.checks import check
from auditapp.regulatory import cards, columns


def column(name: str, values: dict[str, int]) -> dict[str, Any]:
    top = [{"value": value, "n": n} for value, n in values.items()]
    return {"name": name, "type": "text", "top": top, "distinct": len(top)}


PROFILE = {
    "columns": [
        column("gender", {"F": 600, "M": 500, "X": 5, "Prefer not to say": 4}),
        column("race", {"White": 970, "Black": 100, "Hawaiian": 9, "Pacific Islander": 10,
                        "Native American": 15, "Unknown": 5}),
        column("plan", {"a": 1100, "b": 9}),
    ]
}  # fmt: skip
DRAFT = {
    "outcome": "binary",
    "attributes": [{"column": name} for name in ("gender", "race", "plan")],
}


def form(**given: Any) -> AnnexesForm:
    data = {"templates": list({name.partition("__")[0].replace("_", "-") for name in given})}
    data |= {name.replace("__", "--").replace("four_", "four-"): v for name, v in given.items()}
    return AnnexesForm(data, draft=DRAFT, profile=PROFILE)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lending__priority": "0.95", "lending__review": "0.9"}, "does not end below"),
        ({"lending__priority": "0.95"}, "does not end below"),
        ({"lending__bands": "one\ntwo"}, "2 names"),
        ({"lending__higher_worse": "fee", "lending__lower_worse": "fee"}, "named twice"),
        ({"lending__probabilities": "Black: p"}, "needs two"),
        ({"ll144__audit_date": "9999-12-31"}, "outside the years 2000 to 2100"),
        ({"ll144__distribution_date": "0026-01-31"}, "outside the years 2000 to 2100"),
    ],
)
def test_answers_that_do_not_go_together_are_refused_at_once(
    given: dict[str, str], words: str
) -> None:
    made = form(**given)
    assert not made.is_valid()
    assert words in str(made.errors)
    assert form(lending__priority="0.7").is_valid()


def test_small_categories_are_those_of_the_rule() -> None:
    made = AnnexesForm(draft=DRAFT, profile=PROFILE)
    box = next(box for box in made.boxes if box["card"].slug == "ll144")
    assert box["small"] == [
        {
            "title": "race",
            "groups": [
                {"words": "Native Hawaiian or Pacific Islander", "n": 19},
                {"words": "Native American or Alaska Native", "n": 15},
            ],
            "total": 1104,
        }
    ]


def test_what_may_be_needed_stands_open() -> None:
    made = AnnexesForm(draft=DRAFT, profile=PROFILE)
    for box in made.boxes:
        folded = [q["item"] for part in box["questions"] if part["folded"] for q in part["items"]]
        assert not any("Needed" in item.help for item in folded), box["card"].slug


def plan(slug: str, settings: dict[str, Any]) -> Plan:
    return Plan(
        data=Data("people.csv", "0" * 64, 1, 100),
        model=Model("columns"),
        attributes=(AttributeSpec("race", "Race of the person"),),
        decision=Outcome("approved", ("1",)),
        templates=(TemplateSpec(slug, settings),),
    )


@pytest.mark.parametrize("slug", ["four-fifths", "lending"])
def test_a_plan_names_its_own_sensitive_columns(slug: str) -> None:
    with pytest.raises(AuditError) as refused:
        check(plan(slug, {"columns": ["planet"]}))
    assert refused.value.code == "template-column"
    assert "planet" in refused.value.message
    check(plan(slug, {"columns": ["RACE"]}))
    check(plan(slug, {"columns": "race of the person"}))


def test_a_plan_with_bands_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(AuditError, match="does not end below"):
        check(plan("lending", {"priority": 0.9, "review": 0.8}))


def test_columns_of_terms_are_columns_of_the_table() -> None:
    given = {"higher_worse": "apr; fee", "age": "years", "control": ["White"]}
    assert sorted(columns("lending", given)) == ["apr", "fee", "years"]


def test_every_list_of_columns_says_of_which() -> None:
    for found in cards():
        for item in found.fields:
            assert item.of in ("", "columns", "attributes")
            assert item.kind == "names" or not item.of
