"""Regulatory templates in step 3 of a new audit: which, and what each asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from auditapp.datasets.sizes import group_sizes
from auditapp.errors import AuditError
from auditapp.forms.kinds import kind_of
from auditapp.regulatory import cards, eeo
from auditapp.regulatory.card import LONGEST, Card, Field

Json = dict[str, Any]

NEEDED = "Needed for a final report."
#: Fields as wide as the page: several lines, or many names.
WIDE = frozenset({"long", "names"})
#: A category of n of N people is small in the sense of 6 RCNY 5-301(d) where 100 n < 2 N.
SMALL_PER, SMALL_OF = 100, 2


class Day(forms.TextInput):
    """A day from the calendar of the browser; it is sent as 2026-01-31."""

    input_type = "date"


def field_name(slug: str, item: Field) -> str:
    """Name of the box of one question."""
    return f"{slug}--{item.name}"


class AnnexesForm(forms.Form):
    """Boxes for the templates, and a field for each question of each.

    Parameters
    ----------
    draft, profile
        The draft of the audit, and the profile of its data set.
    """

    def __init__(self, data: Any = None, *, draft: Json, profile: Json) -> None:
        super().__init__(data)
        self.draft, self.profile = draft, profile
        self.cards = cards()
        self.settings: dict[str, Json] = {}
        columns = [(c["name"], c["name"]) for c in profile["columns"]]
        stored = {
            item["slug"]: item.get("settings") or {} for item in draft.get("templates") or ()
        }
        usable = [card for card in self.cards if not self.missing(card)]
        self.fields["templates"] = forms.MultipleChoiceField(
            label="Regulatory annexes",
            choices=[(card.slug, card.title) for card in usable],
            required=False,
            initial=[card.slug for card in usable if card.slug in stored],
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "invalid_choice": "The template “%(value)s” cannot be filled in this audit"
            },
        )
        for card in usable:
            given = stored.get(card.slug, {})
            for item in card.fields:
                value = given.get(item.name, item.default)
                self.fields[field_name(card.slug, item)] = _box(item, value, columns)

    def missing(self, card: Card) -> str:
        """Why a template cannot be filled in this audit; empty where it can."""
        if kind_of(self.draft.get("outcome")) not in card.outcomes:
            return "It speaks of yes/no decisions, and this audit has none."
        if card.needs_label and not self.draft.get("label"):
            return "Needs a label column. Choose one in step 2."
        return ""

    @property
    def boxes(self) -> list[Json]:
        """Every template with its questions, as the page lists them."""
        chosen = set(self["templates"].value() or ())
        return [
            {
                "card": card,
                "id": f"id_templates_{place}",
                "page": f"templates/{card.slug}",
                "missing": self.missing(card),
                "checked": card.slug in chosen,
                "questions": [] if self.missing(card) else self._questions(card),
                "small": self._small() if card.slug == "ll144" else [],
            }
            for place, card in enumerate(self.cards)
        ]

    def _questions(self, card: Card) -> list[Json]:
        """What is needed or mostly is stands open; the rest is behind one line."""
        asked = [
            {"bound": self[field_name(card.slug, item)], "item": item, "wide": item.kind in WIDE}
            for item in card.fields
        ]
        first = [one for one in asked if _stands_open(one["item"])]
        rest = [one for one in asked if one not in first]
        found = [{"items": first, "folded": False}] if first else []
        if rest:
            found.append({"items": rest, "folded": True, "open": any(map(_answered, rest))})
        return found

    def _small(self) -> list[Json]:
        """Categories of the rule with under two percent of the people in one, by column."""
        columns = {column["name"]: column for column in self.profile["columns"]}
        found = []
        for spec in self.draft.get("attributes") or ():
            column = columns.get(spec["column"])
            sizes = group_sizes(column, spec) if column is not None else []
            listed = _listed([(words, n) for words, n in sizes if n is not None])
            total = sum(listed.values())
            small = [
                {"words": words, "n": n}
                for words, n in listed.items()
                if SMALL_PER * n < SMALL_OF * total
            ]
            if small:
                title = spec.get("title") or spec["column"]
                found.append({"title": title, "groups": small, "total": total})
        return found

    def clean(self) -> Json:
        """Answers of the chosen templates as their kinds; the others are not looked at."""
        data: Json = super().clean() or self.cleaned_data
        for card in self.cards:
            if card.slug not in data.get("templates", ()):
                continue
            self.settings[card.slug] = {}
            for item in card.fields:
                self._read(card, item, data.get(field_name(card.slug, item)))
            if any(field_name(card.slug, item) in self.errors for item in card.fields):
                continue
            for name, text in card.problems(self.settings[card.slug]):
                self.add_error(f"{card.slug}--{name}", f"{card.title}: {text}")
        return data

    def _read(self, card: Card, item: Field, value: Any) -> None:
        """Keep an answer that says something else than the default."""
        if value in ("", None):
            return
        try:
            found = item.read(value)
        except AuditError as error:
            words = f"{card.title}: {error.message} {error.hint}"
            self.add_error(field_name(card.slug, item), words)
            return
        if found != item.default:
            self.settings[card.slug][item.name] = found

    def draft_data(self) -> Json:
        """The part of the draft that these questions fill in."""
        chosen = self.cleaned_data["templates"]
        return {
            "templates": [
                {"slug": card.slug, "settings": self.settings[card.slug]}
                for card in self.cards
                if card.slug in chosen
            ]
        }


def _stands_open(item: Field) -> bool:
    return item.needed or item.first or item.kind == "choice"


def _listed(sizes: list[tuple[str, int]]) -> dict[str, int]:
    """People by category of the rule, where the groups of a column are sexes or races."""
    for read, known, least in ((eeo.sex, eeo.SEXES, 1), (eeo.race, eeo.RACES, 2)):
        made = dict.fromkeys(known, 0)
        for words, n in sizes:
            if read(words) in made:
                made[read(words)] += n
        listed = {name: n for name, n in made.items() if n}
        if len(listed) >= least:
            return listed
    return {}


def _answered(question: Json) -> bool:
    """Whether an answer differs from the default, or was refused."""
    bound, item = question["bound"], question["item"]
    value = bound.value()
    shown = bool(item.default) if item.kind == "switch" else _shown(item, item.default)
    return bool(bound.errors) or (value not in (None, "") and value != shown)


def _box(item: Field, value: Any, columns: list[tuple[str, str]]) -> forms.Field:
    """The box of a question; what is typed is read by the question itself."""
    hint = " ".join(part for part in (item.help, NEEDED if item.needed else "") if part)
    shared: Json = {"label": item.label, "help_text": hint, "required": False}
    if item.kind == "switch":
        return forms.BooleanField(initial=bool(value), **shared)
    return forms.CharField(
        initial=_shown(item, value),
        max_length=4 * LONGEST if item.kind == "names" else LONGEST,
        widget=_widget(item, columns),
        error_messages={"max_length": f"{item.label}: enter at most {LONGEST:,} characters"},
        **shared,
    )


def _widget(item: Field, columns: list[tuple[str, str]]) -> forms.Widget:
    if item.kind == "choice":
        return forms.Select(attrs={"class": "input"}, choices=list(item.choices.items()))
    if item.kind == "column":
        return forms.Select(attrs={"class": "input"}, choices=[("", "Not chosen"), *columns])
    if item.kind in WIDE:
        return forms.Textarea(attrs={"rows": 2})
    if item.kind == "date":
        return Day()
    return forms.TextInput(attrs={"inputmode": "decimal"} if item.kind == "number" else {})


def _shown(item: Field, value: Any) -> Any:
    if item.kind == "names":
        return "\n".join(str(name) for name in value or ())
    if item.kind == "number" and value not in ("", None):
        return f"{float(value):.12g}"
    return value


def titles(templates: list[Mapping[str, Any]] | None) -> str:
    """Titles of the chosen templates in a line."""
    known = {card.slug: card.title for card in cards()}
    return "; ".join(known.get(item["slug"], item["slug"]) for item in templates or ())
