"""Template: Facts for disclosure."""

from __future__ import annotations

from auditapp.regulatory.card import Card, Field

ROLES = {
    "deployer": "We use the system to decide about people (deployer)",
    "developer": "We make the system for others (developer)",
    "both": "Both",
}
PARTS = {
    "": "Not stated",
    "alone": "The system decides alone",
    "guides": "A person decides and sees what the system says",
    "sorts": "The system sorts or scores people for somebody who decides",
}
DOMAINS = {
    "": "Not stated",
    "education": "Education",
    "employment": "Employment",
    "housing": "Housing",
    "finance": "Financial or lending services",
    "insurance": "Insurance",
    "health": "Health care",
    "government": "Essential government services and public benefits",
    "other": "Something else",
}

CARD = Card(
    slug="disclosure",
    title="Facts for disclosure",
    jurisdiction="Colorado, from 1 January 2027; usable elsewhere",
    rule="Colorado SB 26-189 (C.R.S. 6-1-1701 and following)",
    version="2026-05-14",
    source="Colorado General Assembly, SB 26-189, https://leg.colorado.gov/bills/sb26-189",
    text="Facts in plain words for the notices and explanations that people and deployers are "
    "owed: what the system does, what was found, how to ask for a person.",
    compute="auditapp.pipeline.annexes.disclosure",
    section="auditapp.reports.regulatory.disclosure",
    also="The purpose of the system is needed for a final report, under “Words for the report”.",
    outcomes=("binary", "multiclass", "regression", "ranking"),
    fields=(
        Field("role", "Your part", "choice", choices=ROLES, default="deployer"),
        Field("organisation", "Organisation", help="Who answers for the system.", needed=True),
        Field(
            "contact",
            "Where people can ask",
            help="Address, telephone or page, as people can reach it.",
            needed=True,
        ),
        Field("domain", "What is decided about", "choice", choices=DOMAINS),
        Field("part", "Part of the system in the decision", "choice", choices=PARTS, needed=True),
        Field(
            "data_kinds",
            "Kinds and sources of personal data",
            "long",
            "What the system is told about a person, and where that comes from. Needed from "
            "deployers.",
            first=True,
        ),
        Field(
            "review",
            "How a person looks at a decision again",
            "long",
            "How to ask for it, who looks, and how long it takes. Needed for a final report.",
            first=True,
        ),
        Field(
            "correction",
            "How people see and correct their data",
            "long",
            "Needed from deployers.",
            first=True,
        ),
        Field(
            "misuse",
            "Harmful or unsuitable uses",
            "long",
            "What the system must not be used for. Needed from developers.",
            first=True,
        ),
        Field(
            "training",
            "Kinds of data the system learned from",
            "long",
            "Needed from developers.",
            first=True,
        ),
        Field(
            "limits",
            "Known limits beside those of this report",
            "long",
        ),
        Field("updated", "Last material change of the system", "date"),
    ),
)
