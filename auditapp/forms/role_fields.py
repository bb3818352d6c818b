"""The fields of step 2: one role for each column, and what the roles ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.forms.kinds import KINDS

DIRECTIONS = [
    ("yes", gettext_lazy("Higher is better for the person")),
    ("no", gettext_lazy("Lower is better")),
]
ORDERS = [
    ("yes", gettext_lazy("The highest score stands first")),
    ("no", gettext_lazy("The lowest score stands first")),
]
MOST_VALUES = 200
MOST_CLASSES = 30
LONGEST_TITLE = 60
Json = dict[str, Any]
Fields = dict[str, forms.Field]


def role(column: Json, given: str, roles: Mapping[str, str]) -> forms.ChoiceField:
    """What a column is."""
    return forms.ChoiceField(
        label=_("Role of {name}").format(name=column["name"]),
        choices=list(roles.items()),
        required=False,
        initial=given,
    )


def outcome(kind: str) -> forms.ChoiceField:
    """What the system gives."""
    return forms.ChoiceField(
        label=_("What the system gives"),
        choices=[(slug, words) for slug, words, _ in KINDS],
        required=False,
        initial=kind,
        widget=forms.RadioSelect,
    )


def values(column: Json, first: list[str]) -> forms.MultipleChoiceField:
    """Which values of a label or a decision are favourable."""
    return forms.MultipleChoiceField(
        label=_("Favourable values of {name}").format(name=column["name"]),
        choices=[(item["value"], item["value"]) for item in column.get("top") or []],
        initial=first,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Tick at least one favourable value of {name}").format(
                name=column["name"]
            ),
            "invalid_choice": _("%(value)s is no value of {name}").format(name=column["name"]),
        },
    )


def references(columns: list[Json], first: list[str]) -> forms.MultipleChoiceField:
    """Which values of the reference decisions are favourable; the columns share them."""
    found = dict.fromkeys(item["value"] for c in columns for item in c.get("top") or [])
    return forms.MultipleChoiceField(
        label=_("Favourable values of the reference decisions"),
        choices=[(value, value) for value in found],
        initial=first,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Tick at least one favourable value of the reference decisions"),
            "invalid_choice": _("%(value)s is no value of the reference decisions"),
        },
    )


def classes(names: list[str], first: list[str]) -> forms.MultipleChoiceField:
    """Which classes are compared between groups."""
    return forms.MultipleChoiceField(
        label=_("Classes to compare"),
        choices=[(name, name) for name in names],
        initial=first,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Tick at least one class to compare"),
            "invalid_choice": _("%(value)s is no class of these columns"),
        },
    )


def also_feature(place: int, *, first: bool) -> Fields:
    """Whether a site or a factor is given to a model as well."""
    return {
        f"feature-{place}": forms.BooleanField(
            label=_("Give it to the model as well"), required=False, initial=first
        )
    }


def score(first: Json, kind: str) -> Fields:
    """Direction and range of a score; a list needs its order only, a prediction neither."""
    if kind == "regression":
        return {}
    made: Fields = {
        "direction": forms.ChoiceField(
            label=_("Direction of the score"),
            choices=ORDERS if kind == "ranking" else DIRECTIONS,
            initial=first["direction"],
            widget=forms.RadioSelect,
        )
    }
    if kind == "ranking":
        return made
    for name, words in (
        ("low", _("Lowest possible score")),
        ("high", _("Highest possible score")),
    ):
        made[name] = forms.FloatField(
            label=words,
            initial=first[name],
            widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            error_messages={
                "required": _("Enter the {lower}").format(lower=words.lower()),
                "invalid": _("{words}: enter a number such as 0 or 1").format(words=words),
            },
        )
    return made


def attribute(column: Json, first: Json, place: int, *, cut: bool) -> Fields:
    """Name, cuts and value names of a sensitive column."""
    made: Fields = {
        f"title-{place}": forms.CharField(
            label=_("Name in the report"),
            max_length=LONGEST_TITLE,
            initial=first[f"title-{place}"],
            error_messages={
                "required": _("Enter a name for {name}").format(name=column["name"]),
                "max_length": _(
                    "Name in the report: at most %(limit_value)d characters, and these are "
                    "%(show_value)d"
                ),
            },
        )
    }
    if cut:
        made[f"cuts-{place}"] = forms.CharField(
            label=_("Cuts"),
            required=False,
            initial=first[f"cuts-{place}"],
            help_text=_("Each number begins a new group. Without cuts each value is a group."),
        )
    if column["distinct"] <= MOST_VALUES:
        made[f"words-{place}"] = forms.CharField(
            label=_("Names of the values"),
            required=False,
            initial=first[f"words-{place}"],
            help_text=_("One line for each value: value = name. Names are used without cuts."),
            widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
        )
    return made
