"""The fields of step 2: one role for each column, and what the roles ask."""

from __future__ import annotations

from typing import Any

from django import forms

DIRECTIONS = [("yes", "Higher is better for the person"), ("no", "Lower is better")]
MOST_VALUES = 200
LONGEST_TITLE = 60
Json = dict[str, Any]
Fields = dict[str, forms.Field]


def role(column: Json, given: str, roles: list[tuple[str, str]]) -> forms.ChoiceField:
    """What a column is."""
    return forms.ChoiceField(
        label=f"Role of {column['name']}", choices=roles, required=False, initial=given
    )


def values(column: Json, first: list[str]) -> forms.MultipleChoiceField:
    """Which values of a label or a decision are favourable."""
    return forms.MultipleChoiceField(
        label=f"Favourable values of {column['name']}",
        choices=[(item["value"], item["value"]) for item in column.get("top") or []],
        initial=first,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": f"Tick at least one favourable value of {column['name']}",
            "invalid_choice": f"%(value)s is no value of {column['name']}",
        },
    )


def score(first: Json) -> Fields:
    """Direction and range of a score."""
    made: Fields = {
        "direction": forms.ChoiceField(
            label="Direction of the score",
            choices=DIRECTIONS,
            initial=first["direction"],
            widget=forms.RadioSelect,
        )
    }
    for name, words in (("low", "Lowest possible score"), ("high", "Highest possible score")):
        made[name] = forms.FloatField(
            label=words,
            initial=first[name],
            widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            error_messages={
                "required": f"Enter the {words.lower()}",
                "invalid": f"{words}: enter a number such as 0 or 1",
            },
        )
    return made


def attribute(column: Json, first: Json, place: int, *, cut: bool) -> Fields:
    """Name, cuts and value names of a sensitive column."""
    made: Fields = {
        f"title-{place}": forms.CharField(
            label="Name in the report",
            max_length=LONGEST_TITLE,
            initial=first[f"title-{place}"],
            error_messages={
                "required": f"Enter a name for {column['name']}",
                "max_length": "Name in the report: at most %(limit_value)d characters,"
                " and these are %(show_value)d",
            },
        )
    }
    if cut:
        made[f"cuts-{place}"] = forms.CharField(
            label="Cuts",
            required=False,
            initial=first[f"cuts-{place}"],
            help_text="Each number begins a new group. Without cuts each value is a group.",
        )
    if column["distinct"] <= MOST_VALUES:
        made[f"words-{place}"] = forms.CharField(
            label="Names of the values",
            required=False,
            initial=first[f"words-{place}"],
            help_text="One line for each value: value = name. Names are used without cuts.",
            widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
        )
    return made
