"""Template: four-fifths rule of the Uniform Guidelines, with significance."""

from __future__ import annotations

from auditapp.regulatory.card import Card, Field

CARD = Card(
    slug="four-fifths",
    title="Four-fifths rule with significance",
    jurisdiction="United States, employment",
    rule="29 CFR 1607.4(D), Uniform Guidelines on Employee Selection Procedures",
    version="1978-08-25",
    source="43 FR 38290, https://www.ecfr.gov/current/title-29/section-1607.4; Questions and "
    "Answers, 44 FR 11996, 2 March 1979",
    text="Each group's selection rate against the highest one, with a test, the number of people "
    "short, and whether one or two more selections would lift the ratio to four fifths.",
    compute="auditapp.pipeline.annexes.four_fifths",
    section="auditapp.reports.regulatory.four_fifths",
    fields=(
        Field(
            "job",
            "Job and selection procedure",
            help="Impact is looked at for each job on its own; say which this is.",
        ),
        Field(
            "columns",
            "Columns to compare",
            "names",
            "Sensitive columns by name. Blank: all of them.",
            default=[],
            of="attributes",
        ),
        Field(
            "strata",
            "Column of sites, jobs or months",
            "column",
            "Groups are also compared inside each of its values, and pooled. Blank: the site or "
            "the legitimate factor of the audit, if it has one.",
        ),
        Field(
            "least_share",
            "Least share of applicants, percent",
            "number",
            "A smaller group is shown, but the others are not compared with it.",
            default=2.0,
            low=0.0,
            high=20.0,
        ),
    ),
)
