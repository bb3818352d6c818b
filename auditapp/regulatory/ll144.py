"""Template: New York City Local Law 144, bias audits of automated employment decision tools."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from auditapp.regulatory.card import Card, Field

MODES = {
    "selection": "Selection rate: the tool selects people or sorts them into groups",
    "score": "Scoring rate: the tool scores people, who are counted above the median",
}
KINDS = {
    "": "Not stated",
    "historical": "Historical data: the tool was used on these people",
    "test": "Test data",
}

#: Years that a day of an audit or of a tool can lie in.
YEARS = range(2000, 2101)


def check(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Days that can be meant: a slip of the keyboard would be printed and published."""
    return [
        (name, f"{settings[name]} lies outside the years {YEARS[0]} to {YEARS[-1]}.")
        for name in ("distribution_date", "audit_date")
        if settings[name] and date.fromisoformat(settings[name]).year not in YEARS
    ]


CARD = Card(
    slug="ll144",
    title="New York City Local Law 144",
    jurisdiction="New York City",
    rule="6 RCNY 5-300 to 5-304",
    version="2023-04-06",
    source="Department of Consumer and Worker Protection, Notice of Adoption of Final Rule, "
    "Automated Employment Decision Tools; NYC Administrative Code 20-870 to 20-874",
    text="Impact ratios by sex, by race and ethnicity, and by both at once, in the tables of the "
    "rule. For employers that use a tool to select or score people for jobs.",
    compute="auditapp.pipeline.annexes.ll144",
    section="auditapp.reports.regulatory.ll144",
    check=check,
    also="A name of the tool is needed for a final report, here or as the system under “Words for "
    "the report”.",
    fields=(
        Field(
            "mode",
            "What the tool does",
            "choice",
            "Scoring rate is the share of a category with a score strictly above the median of "
            "everybody.",
            choices=MODES,
            default="selection",
        ),
        Field(
            "sex_column", "Column of sex", "column", "Blank: found among the sensitive columns."
        ),
        Field(
            "race_column",
            "Column of race",
            "column",
            "Race, or race and ethnicity in one. Blank: found among the sensitive columns.",
        ),
        Field(
            "ethnicity_column",
            "Column of Hispanic or Latino origin",
            "column",
            "Where the column of race does not say it. Blank: found by its values.",
        ),
        Field(
            "categories",
            "Values that are not recognised",
            "names",
            "A line for each, value = category: Caucasian = White. Besides the categories of the "
            "tables there are “other” and “unknown”, and for origin “not Hispanic”.",
            default=[],
        ),
        Field(
            "groups_column",
            "Column of groups the tool sorts people into",
            "column",
            "5-301(b)(4), such as leadership styles: the tables are repeated for each group.",
        ),
        Field(
            "further_columns",
            "Further tables",
            "names",
            "Other sensitive columns to show in the same form, though the rule does not ask.",
            default=[],
            of="columns",
        ),
        Field(
            "tool",
            "Name of the tool",
            help="Blank: the audited system with its version.",
            first=True,
        ),
        Field(
            "distribution_date",
            "Distribution date of the tool",
            "date",
            "When the employer began to use the tool, 5-300.",
            needed=True,
        ),
        Field("audit_date", "Date of the bias audit", "date", "Blank: the day this audit is run."),
        Field("data_kind", "Kind of data", "choice", choices=KINDS, needed=True),
        Field(
            "data_source",
            "Source and explanation of the data",
            "long",
            "Where the data come from, which jobs and months they cover, and whose they are.",
            needed=True,
        ),
        Field(
            "test_why",
            "Why test data, and how they were made",
            "long",
            "Needed with test data, 5-302(b).",
            first=True,
        ),
        Field("supplied_by", "Who supplied the data", needed=True),
        Field("auditor", "Independent auditor", needed=True),
        Field(
            "independence",
            "Statement of independence",
            "long",
            "That the auditor had no part in using, developing or distributing the tool, and no "
            "employment or financial interest, 5-300.",
            needed=True,
        ),
        Field(
            "leave_out",
            "Small categories left out of the ratios",
            "names",
            "Only categories under 2%, 5-301(d). A line for each: Asian, or Female / Asian. A "
            "reason of its own may follow: Asian = why.",
            default=[],
        ),
        Field(
            "justification",
            "Justification for leaving categories out",
            "long",
            "Printed with each category left out that has no reason of its own.",
        ),
        Field(
            "screen",
            "Four-fifths screen",
            "switch",
            "A further column with the mark of 0.80 of federal guidance. The rule sets no mark.",
            default=False,
        ),
    ),
)


def last_day(start: date) -> date:
    """A year later, less a day; from 29 February on, that is the end of February."""
    try:
        return start.replace(year=start.year + 1) - timedelta(days=1)
    except ValueError:
        return date(start.year + 1, 2, 28)
