"""Template: Model card."""

from __future__ import annotations

from auditapp.regulatory.card import Card, Field

CARD = Card(
    slug="model-card",
    title="Model card",
    jurisdiction="No law; a convention of the field",
    rule="Mitchell and others, Model Cards for Model Reporting, 2019",
    version="2019-01-29",
    source="FAT* 2019, pages 220 to 229, https://doi.org/10.1145/3287560.3287596",
    text="The nine headings of a model card, filled from this audit: every number in it stands "
    "in the report as well.",
    compute="auditapp.pipeline.annexes.model_card",
    section="auditapp.reports.regulatory.model_card",
    also="An intended use is needed for a final report, here or as the purpose of the system "
    "under “Words for the report”.",
    outcomes=("binary", "multiclass", "regression", "ranking"),
    fields=(
        Field("developers", "Developed by"),
        Field("date", "Date of the model", "date"),
        Field("kind", "Kind of model", help="Where you can say more than this audit knows."),
        Field("licence", "Licence"),
        Field("contact", "Where to send questions"),
        Field(
            "uses",
            "Intended uses",
            "long",
            "The purpose of the audit stands there if empty.",
            first=True,
        ),
        Field("users", "Intended users", "long"),
        Field("unsuitable", "Uses that are out of scope", "long"),
        Field(
            "factors",
            "Further factors that matter",
            "long",
            "Groups, instruments or surroundings that could change results and were not measured.",
        ),
        Field(
            "evaluation",
            "Why these data were used for evaluation",
            "long",
        ),
        Field("training", "Training data", "long", "What the model learned from."),
        Field(
            "ethics",
            "Ethical considerations",
            "long",
            "Sensitive data, risks to people, what was done about them.",
        ),
        Field("caveats", "Caveats and recommendations", "long"),
    ),
)
