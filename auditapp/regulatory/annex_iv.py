"""Items of Annex IV and articles beside it: what each asks, and which sections answer it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One row of the evidence map.

    `sections` are slugs of the report that answer it, `answers` fields of the template and
    `about` words of the cover without which the answer is not whole. `whole` are parts of the
    audit of which one is needed as well, and `lacks` says so where there is none; with `strict`
    the sections answer nothing then. An item with neither sections nor answers is kept elsewhere.
    """

    id: str
    asks: str
    sections: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    lacks: str = ""
    strict: bool = False


ITEMS = (
    Item(
        "1(a)",
        "Intended purpose, provider, version and its relation to earlier ones",
        ("examined", "reproducibility"),
        ("provider", "relation"),
        ("purpose", "version"),
    ),
    Item(
        "1(b)-(h)",
        "Other systems it works with, software and hardware, forms of supply, user interface, "
        "instructions for use",
    ),
    Item("2(a)", "Methods and steps of development, tools of others"),
    Item(
        "2(b)",
        "Logic and design choices, assumptions about groups, what is optimised, trade-offs",
        ("examined", "factors", "tradeoffs"),
        ("design",),
        whole=("tradeoffs",),
        lacks="no remedy was tried, so no trade-off was measured",
    ),
    Item("2(c)", "Architecture and computing resources"),
    Item(
        "2(d)",
        "Data: provenance, scope, main characteristics, selection, labelling, cleaning",
        ("data", "reproducibility"),
        ("provenance",),
    ),
    Item("2(e)", "Human oversight measures (Article 14)", answers=("oversight",)),
    Item("2(f)", "Changes determined beforehand"),
    Item(
        "2(g)",
        "Validation and testing: data, metrics of accuracy, robustness and potentially "
        "discriminatory impacts; test reports, dated and signed",
        (
            "data", "groups", "confusion", "scores", "hidden", "sources", "levels", "references",
            "stability", "numerics", "reproducibility",
        ),
        ("responsible",),
        whole=("numerics", "stability"),
        lacks="robustness was not looked at",
    ),
    Item("2(h)", "Cybersecurity measures"),
    Item(
        "3, accuracy",
        "Capabilities and limits: accuracy overall and for specific persons or groups",
        ("groups", "confusion", "scores"),
        whole=("accuracy",),
        lacks="no recorded outcome was given, so accuracy is not known",
    ),
    Item(
        "3, outcomes",
        "Foreseeable unintended outcomes, risks to fundamental rights and of discrimination",
        ("groups", "hidden", "factors", "limits"),
        ("outcomes",),
    ),
    Item(
        "3, control",
        "Human oversight and specifications on input data",
        ("data", "reproducibility"),
        ("oversight",),
    ),
    Item("4", "Appropriateness of the performance metrics", ("examined",), ("metrics",)),
    Item("5", "Risk management system (Article 9)"),
    Item(
        "6",
        "Relevant changes through the lifecycle",
        ("stability",),
        ("relation",),
        whole=("change",),
        lacks="no earlier audit was compared",
        strict=True,
    ),
    Item("7", "Harmonised standards and other specifications applied"),
    Item("8", "EU declaration of conformity (Article 47)"),
    Item(
        "9",
        "Evaluation after release, with the monitoring plan (Article 72)",
        ("stability",),
        ("monitoring",),
    ),
    Item(
        "Art. 10(2)(f)",
        "Examination of the data for possible biases",
        ("data", "groups", "hidden", "sources", "factors", "levels", "references"),
    ),
    Item(
        "Art. 10(2)(g)",
        "Measures to detect, prevent and mitigate them",
        ("groups", "hidden", "tradeoffs"),
        whole=("tradeoffs",),
        lacks="no remedy was tried",
    ),
    Item("Art. 10(2)(h)", "Data gaps or shortcomings", ("data", "limits")),
    Item(
        "Art. 4a",
        "Why special categories of personal data were needed, and when they are deleted (Article "
        "10(5) before the amendment of 2026)",
        answers=("special",),
    ),
    Item(
        "Art. 15(3)",
        "Level of accuracy declared in the instructions for use, with its metric",
        ("groups", "confusion", "scores"),
        ("declared",),
        whole=("accuracy",),
        lacks="no recorded outcome was given, so accuracy is not known",
        strict=True,
    ),
)  # fmt: skip
