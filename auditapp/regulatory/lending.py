"""Template: fair lending, approvals and terms against a control class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.regulatory.card import Card, Field

WORSE = {
    "higher": "Higher is worse for the applicant, as with a price",
    "lower": "Lower is worse for the applicant, as with a credit line",
}


def check(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Bands in order with a name each, terms in one list only, two classes or none."""
    found = []
    if not settings["priority"] < settings["review"]:
        found.append(("review", "The first band does not end below the second one."))
    if len(settings["bands"]) != 3:
        names = len(settings["bands"])
        found.append(("bands", f"There are three bands, and {names} names of them."))
    both = [name for name in settings["lower_worse"] if name in settings["higher_worse"]]
    if both:
        found.append(("lower_worse", f"The term “{both[0]}” is named twice."))
    if len(settings["probabilities"]) == 1:
        text = "One column of class probabilities is named; a comparison needs two."
        found.append(("probabilities", text))
    return found


CARD = Card(
    slug="lending",
    title="Fair lending",
    jurisdiction="United States, credit",
    rule="Equal Credit Opportunity Act (15 USC 1691), Regulation B (12 CFR 1002)",
    version="2011-12-21",
    source="76 FR 79442, https://www.ecfr.gov/current/title-12/part-1002; ratios, bands and "
    "marks are customs of the industry and not law",
    text="Approval rates of each class against a named control class (AIR), prices and terms in "
    "standard deviations (SMD), classes that are known with a probability only, and "
    "alternatives with less effect.",
    compute="auditapp.pipeline.annexes.lending",
    section="auditapp.reports.regulatory.lending",
    outcomes=("binary", "regression"),
    check=check,
    fields=(
        Field(
            "columns",
            "Columns of protected classes",
            "names",
            "Sensitive columns by name. Blank: all of them.",
            default=[],
            of="attributes",
        ),
        Field(
            "control",
            "Control classes",
            "names",
            "The class that policy compares with: White; Male, or column: class. Blank: the "
            "reference group of the audit, which is not the one with the highest rate.",
            default=[],
        ),
        Field(
            "age",
            "Column of ages in years",
            "column",
            "Adds applicants aged 62 and over against younger ones. Blank: a sensitive column of "
            "ages that was cut into groups.",
        ),
        Field(
            "higher_worse",
            "Terms where higher is worse",
            "names",
            "Columns of numbers, such as an annual percentage rate or a fee.",
            default=[],
            of="columns",
        ),
        Field(
            "lower_worse",
            "Terms where lower is worse",
            "names",
            "Columns of numbers, such as a credit line.",
            default=[],
            of="columns",
        ),
        Field(
            "outcome_worse",
            "Where a number is what is audited",
            "choice",
            "Which way a predicted price or line is worse.",
            choices=WORSE,
            default="higher",
        ),
        Field(
            "priority",
            "First band: ratios below",
            "number",
            default=0.8,
            low=0.1,
            high=1.0,
        ),
        Field(
            "review",
            "Second band: ratios below",
            "number",
            default=0.9,
            low=0.1,
            high=1.0,
        ),
        Field(
            "bands",
            "Names of the three bands",
            "names",
            "From the lowest ratios to the highest.",
            default=["Priority", "Review", "Monitor"],
        ),
        Field(
            "smd",
            "Review terms from standard deviations",
            "number",
            default=0.3,
            low=0.01,
            high=5.0,
        ),
        Field(
            "imputed",
            "A class is imputed from names, places or the like",
            "switch",
            "A class that was guessed is never shown as if it were known.",
            default=False,
        ),
        Field(
            "probabilities",
            "Columns of class probabilities",
            "names",
            "A line for each class, class: column, such as Black: prob_black.",
            default=[],
        ),
    ),
)
