"""Template: EU AI Act, Annex IV evidence."""

from __future__ import annotations

from auditapp.regulatory.card import Card, Field

#: Areas of Annex III.
AREAS = {
    "": "Not stated",
    "1": "Biometrics (point 1)",
    "2": "Critical infrastructure (point 2)",
    "3": "Education and vocational training (point 3)",
    "4": "Employment and management of workers (point 4)",
    "5": "Essential private and public services, credit, insurance (point 5)",
    "6": "Law enforcement (point 6)",
    "7": "Migration, asylum and border control (point 7)",
    "8": "Justice and democratic processes (point 8)",
    "none": "Not in Annex III",
}
SPECIAL = {"": "Not stated", "yes": "Yes", "no": "No"}

CARD = Card(
    slug="ai-act",
    title="EU AI Act, Annex IV evidence",
    jurisdiction="European Union",
    rule="Regulation (EU) 2024/1689, Annex IV and Articles 4a, 10 and 15",
    version="2024-07-12",
    source="OJ L, 2024/1689, 12.7.2024, http://data.europa.eu/eli/reg/2024/1689/oj",
    text="Says for each item of the technical documentation where this report answers it, and "
    "what has to be written or kept elsewhere. For providers of high-risk systems.",
    compute="auditapp.pipeline.annexes.ai_act",
    section="auditapp.reports.regulatory.ai_act",
    also="The purpose of the system is needed for a final report, under “Words for the report”.",
    outcomes=("binary", "multiclass", "regression", "ranking"),
    fields=(
        Field("provider", "Provider", help="Name of the provider, item 1(a).", needed=True),
        Field("area", "Area of Annex III", "choice", choices=AREAS),
        Field(
            "relation",
            "Relation to earlier versions",
            help="Item 1(a). For example: replaces version 2.3 of March.",
        ),
        Field(
            "design",
            "Design choices and trade-offs",
            "long",
            "Item 2(b): what the system optimises for, what was assumed about groups, and why "
            "this balance was chosen.",
        ),
        Field(
            "provenance",
            "Where the data come from",
            "long",
            "Item 2(d): how data were collected, selected, labelled and cleaned.",
        ),
        Field(
            "metrics",
            "Why these metrics suit the system",
            "long",
            "Item 4: why the question asked and the limit set are the right ones here.",
            needed=True,
        ),
        Field(
            "declared",
            "Declared accuracy, percent",
            "number",
            "Article 15(3): the level in the instructions for use, if one is declared.",
            low=0,
            high=100,
        ),
        Field(
            "outcomes",
            "Foreseeable unintended outcomes",
            "long",
            "Item 3: what could go wrong for people, and for which groups.",
        ),
        Field(
            "oversight",
            "Human oversight",
            "long",
            "Items 2(e) and 3: who can stop, correct or overrule the system, and how.",
        ),
        Field(
            "monitoring",
            "Plan for monitoring after release",
            "long",
            "Item 9: how often it is audited again, and who acts on a change.",
        ),
        Field(
            "special",
            "Special categories of personal data used to look for bias",
            "choice",
            "Such as ethnic origin, health, religion. Article 4a, before the amendment of 2026 "
            "Article 10(5).",
            choices=SPECIAL,
            needed=True,
        ),
        Field(
            "special_why",
            "Why they were needed",
            "long",
            "Why other data, also synthetic or anonymous ones, would not have done. Needed if "
            "they were used.",
            first=True,
        ),
        Field(
            "special_deleted",
            "When they are deleted",
            help="A day, or what ends their use. Needed if they were used.",
            first=True,
        ),
        Field(
            "responsible",
            "Responsible for this test report",
            help="Item 2(g): name and role of whoever signs it.",
            needed=True,
        ),
        Field(
            "elsewhere",
            "Where the other items are kept",
            "long",
            "A line for each item, such as 2(h): security concept, version 3.",
        ),
    ),
)
