"""Regulatory templates: what there is, and what each asks."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from auditapp.api.answers import answers
from auditapp.api.auth import READ
from auditapp.regulatory import cards
from auditapp.regulatory.card import Card

router = Router(tags=["Templates"])
Json = dict[str, Any]


class QuestionOut(Schema):
    """One thing a template asks; `settings` of an audit's `template` answer it by name."""

    name: str
    label: str
    kind: Literal["text", "long", "choice", "switch", "number", "date", "column", "names"]
    help: str
    choices: dict[str, str] = Field(description="Slug and words, where `kind` is choice")
    default: Any = Field(description="What stands where nothing is said")
    low: float | None = Field(description="Smallest number")
    high: float | None = Field(description="Largest number")
    needed: bool = Field(description="While it is empty, the report stays a draft")


class TemplateOut(Schema):
    """An annex in the form that a rule asks for."""

    slug: str
    title: str
    jurisdiction: str
    rule: str
    version: str = Field(description="Day of the text that is followed")
    source: str
    text: str
    outcomes: list[str] = Field(description="Kinds of outcome it can speak of")
    needs_label: bool
    questions: list[QuestionOut]


class TemplatesOut(Schema):
    """All of them."""

    items: list[TemplateOut]


@router.get(
    "/templates", auth=READ, response=answers({200: TemplatesOut}), summary="List templates"
)
def templates_get(request: HttpRequest) -> Json:
    """In the order in which annexes are printed."""
    return {"items": [_shown(card) for card in cards()]}


def _shown(card: Card) -> Json:
    names = ("slug", "title", "jurisdiction", "rule", "version", "source", "text", "needs_label")
    asked = ("name", "label", "kind", "help", "default", "low", "high", "needed")
    return {
        **{name: getattr(card, name) for name in names},
        "outcomes": list(card.outcomes),
        "questions": [
            {**{name: getattr(item, name) for name in asked}, "choices": dict(item.choices)}
            for item in card.fields
        ],
    }
