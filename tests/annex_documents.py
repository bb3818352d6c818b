"""Result documents with annexes, for the tests of templates that are filled from a report."""

from __future__ import annotations

import json
from typing import Any

from auditapp.pipeline.annexes import _one
from auditapp.plan import Plan
from auditapp.regulatory import card
from tests.report_documents import cached

#: Every answer that a final report needs.
ANSWERS: dict[str, dict[str, Any]] = {
    "ai-act": {
        "provider": "Riverside Analytics GmbH",
        "metrics": "Equal selection rates, since the score opens the door to an interview.",
        "special": "no",
        "responsible": "Ada Moreno, head of model audit",
    },
    "disclosure": {
        "organisation": "Riverside Analytics",
        "contact": "fair@riverside.example",
        "part": "sorts",
        "data_kinds": "Age and education, from the application form.",
        "review": "Write to us within 60 days.",
        "correction": "Log in and open My data.",
    },
    "model-card": {},
}


class _Planned:
    """A plan that is its own JSON."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan

    def to_json(self) -> dict[str, Any]:
        return self.plan


def annexed(
    slug: str,
    settings: dict[str, Any] | None = None,
    changes: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """A document with one annex; `changes` are keys of the document, `options` its people."""
    document = cached(**options)
    document.update(changes or {})
    given = ANSWERS[slug] if settings is None else settings
    measured = {key: value for key, value in document.items() if key != "plan"}
    plan: Plan = _Planned(document["plan"])  # type: ignore[assignment]
    made = _one(plan, None, measured, card(slug), given)
    document["annexes"] = [json.loads(json.dumps(made, allow_nan=False))]
    return document
