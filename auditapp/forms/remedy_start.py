"""What remedies that fine-tune start from: rows of another population, or an uploaded network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from auditapp.models import ModelFile

Json = Mapping[str, Any]

#: Most values of a column that can tell populations apart.
MOST_VALUES = 60
#: The same where they are numbers to count with: a few years, no ages.
MOST_NUMBERS = 12
#: Columns of these roles are what is audited, not where rows come from.
TAKEN = frozenset(
    {"label", "decision", "score", "sensitive", "unit", "gold", "reference", "query"}
)


def columns(draft: Json, profile: Json) -> list[dict[str, Any]]:
    """Columns whose values may name populations, a column of sites first."""
    roles: Mapping[str, str] = draft.get("roles") or {}
    found = [
        column
        for column in profile["columns"]
        if roles.get(column["name"]) not in TAKEN
        and not column.get("capped")
        and column.get("type") != "number"
        and 2 <= (column.get("distinct") or 0) <= _most(column)
        and len(column.get("top") or ()) >= (column.get("distinct") or 0)
    ]
    site = (draft.get("site") or {}).get("column")
    return sorted(found, key=lambda column: column["name"] != site)


def _most(column: Json) -> int:
    return MOST_NUMBERS if column.get("kind") == "numeric" else MOST_VALUES


def networks(models: Sequence[ModelFile]) -> list[ModelFile]:
    """Uploaded networks whose check is done."""
    return [m for m in models if (m.profile or {}).get("format") == "network"]


def field_of(place: int) -> str:
    """Name of the boxes with the values of one column."""
    return f"source-{place}"


def fields(draft: Json, found: Sequence[Json], models: Sequence[ModelFile]) -> dict[str, Any]:
    """Fields for source population and starting network."""
    stored = draft.get("source") or {}
    names = [(column["name"], column.get("title") or column["name"]) for column in found]
    made: dict[str, forms.Field] = {}
    if names:
        made["source"] = forms.ChoiceField(
            label=_("Column that tells the populations apart"),
            choices=[("", _("No other population")), *names],
            required=False,
            initial=stored.get("column") or "",
            widget=forms.Select(attrs={"class": "input"}),
            error_messages={"invalid_choice": _("“%(value)s” cannot tell populations apart")},
        )
        for place, column in enumerate(found):
            chosen = stored.get("values") or () if stored.get("column") == column["name"] else ()
            values = [str(item["value"]) for item in column["top"]]
            made[field_of(place)] = forms.MultipleChoiceField(
                label=_("Values of {name} to learn from").format(name=column["name"]),
                choices=[(value, value) for value in values],
                required=False,
                initial=[value for value in chosen if value in values],
                widget=forms.CheckboxSelectMultiple,
                error_messages={
                    "invalid_choice": _("“%(value)s” is no value of {name}").format(
                        name=column["name"]
                    )
                },
            )
    if models:
        start = draft.get("checkpoint") or {}
        made["checkpoint"] = forms.ChoiceField(
            label=_("Starting network"),
            choices=[("", _("The audited one, or one trained here")),
                     *((str(m.id), m.name) for m in models)],
            required=False,
            initial=str(start.get("id") or ""),
            widget=forms.Select(attrs={"class": "input"}),
            error_messages={"invalid_choice": _("That network is not in this workspace any more")},
        )  # fmt: skip
    return made


def boxes(form: Any, found: Sequence[Json]) -> list[dict[str, Any]]:
    """The values of every column, as the page lists them."""
    out = []
    for place, column in enumerate(found):
        name = field_of(place)
        chosen = form[name].value() or ()
        words = column.get("words") or {}
        out.append(
            {
                "column": column["name"],
                "name": name,
                "values": [
                    {
                        "value": str(item["value"]), "n": item["n"],
                        "share": item["n"] / max(sum(i["n"] for i in column["top"]), 1),
                        "words": words.get(str(item["value"]), ""),
                        "checked": str(item["value"]) in chosen,
                        "id": f"id_{name}_{i}",
                    }
                    for i, item in enumerate(column["top"])
                ],
            }
        )  # fmt: skip
    return out


def draft_data(data: Json, found: Sequence[Json], models: Sequence[ModelFile]) -> dict[str, Any]:
    """The keys ``source`` and ``checkpoint`` of the draft."""
    source = None
    name = data.get("source")
    for place, column in enumerate(found):
        if column["name"] == name:
            source = {"column": name, "values": list(data.get(field_of(place)) or ())}
    model = next((m for m in models if str(m.id) == data.get("checkpoint")), None)
    start = None
    if model is not None:
        start = {"id": str(model.id), "name": model.name, "sha256": model.sha256}
    return {"source": source, "checkpoint": start}


def check(data: Json, found: Sequence[Json]) -> tuple[str, str] | None:
    """Field and message where the choice of a population is not a choice of some rows."""
    name = data.get("source")
    for place, column in enumerate(found):
        if column["name"] != name:
            continue
        chosen = set(data.get(field_of(place)) or ())
        everything = {str(item["value"]) for item in column["top"]}
        if not chosen:
            return "source", _("Tick the values of {name} whose rows are learnt from").format(
                name=name
            )
        if chosen >= everything and not column.get("missing"):
            text = _(
                "Every value of {name} is ticked, so that nobody is left to be measured"
            ).format(name=name)
            return "source", _("{text}. Untick the people this audit is about").format(text=text)
    return None
