"""The fields of step 3 that are made alike, and the words of their choices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

Json = dict[str, Any]
Choices = list[tuple[str, str]]
DEPTHS = [
    ("1", gettext_lazy("Each column on its own")),
    ("2", gettext_lazy("Also where two columns meet")),
    ("3", gettext_lazy("Also where three columns meet")),
]
#: What the field on the outcome is called where no decision is favourable as such.
IN_WORDS = {
    "multiclass": (
        gettext_lazy("The classes in words"),
        gettext_lazy("As they should stand in a sentence: “The risk band given at intake”."),
    ),
    "regression": (
        gettext_lazy("The number in words"),
        gettext_lazy("As it should stand in a sentence: “The predicted length of stay in days”."),
    ),
    "ranking": (
        gettext_lazy("The list in words"),
        gettext_lazy(
            "As it should stand in a sentence: “The list of applicants shown to recruiters”."
        ),
    ),
}
LARGEST = gettext_lazy("The largest group")
NO_TARGET = gettext_lazy("None")
UNITS = [
    ("sd", gettext_lazy("Standard deviations of the actual numbers")),
    ("units", gettext_lazy("Units of the numbers")),
]
THRESHOLD_BELOW = gettext_lazy("A score below it is a favourable decision.")
THRESHOLD_SHOWN = gettext_lazy(
    "Decisions come from the decision column; pictures of the score mark it."
)


def whole(label: str, low: int, high: int, hint: str) -> forms.IntegerField:
    words = _("{label}: enter a whole number from {low:,} to {high:,}").format(
        label=label, low=low, high=high
    )
    return forms.IntegerField(
        label=label,
        min_value=low,
        max_value=high,
        help_text=hint,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={
            "required": words,
            "invalid": words,
            "min_value": words,
            "max_value": words,
        },
    )


def text(label: str, hint: str = "", size: int = 200, rows: int = 0) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
    return forms.CharField(
        label=label, help_text=hint, max_length=size, required=False, widget=widget
    )


def searches(offered: list[tuple[str, str, str]], skipped: set[str]) -> forms.MultipleChoiceField:
    """Deeper searches as boxes; all are ticked until somebody takes one away."""
    return forms.MultipleChoiceField(
        label=_("What else to look for"),
        choices=[(slug, words) for slug, words, _ in offered],
        required=False,
        initial=[slug for slug, _, _ in offered if slug not in skipped],
        widget=forms.CheckboxSelectMultiple,
    )


def target(site: Json, choices: Choices, first: str | None) -> forms.ChoiceField:
    """The site that rows of others may be added to."""
    return forms.ChoiceField(
        label=_("Target site, by {title}").format(title=site["title"]),
        help_text=_("The report says which other sites' rows would help a model for it."),
        choices=[("", NO_TARGET), *choices],
        required=False,
        initial=first or "",
    )


def any_number(field: forms.Field) -> None:
    """Let a limit count in what is predicted: from 0 up, without an end."""
    limit: Any = field
    limit.max_value, limit.validators = None, [MinValueValidator(0)]
    limit.help_text = _("The report compares every gap with it.")
    limit.error_messages |= dict.fromkeys(
        ("required", "invalid", "min_value"), _("Limit for a gap: enter a number from 0 up")
    )
