"""The fields of the settings of remedies."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from mitigations.parameters import Parameter

#: Longest setting that is read.
LONGEST = 400


def setting_name(slug: str, parameter: Parameter) -> str:
    """Name of the field of one setting."""
    return f"{slug}--{parameter.name}"


def field(parameter: Parameter, value: Any) -> forms.Field:
    """The box of a setting; what is typed is read by the setting itself."""
    shared = {"label": parameter.label, "help_text": parameter.help, "required": False}
    if parameter.kind == "switch":
        return forms.BooleanField(initial=bool(value), **shared)
    if parameter.kind == "choice":
        return forms.CharField(
            initial=value,
            max_length=LONGEST,
            widget=forms.Select(attrs={"class": "input"}, choices=parameter.choices),
            **shared,
        )
    mode = {"whole": "numeric", "number": "decimal"}.get(parameter.kind, "text")
    return forms.CharField(
        initial=parameter.shown(value),
        max_length=LONGEST,
        widget=forms.TextInput(attrs={"inputmode": mode}),
        error_messages={
            "max_length": _("{label}: enter at most {longest} characters").format(
                label=parameter.label, longest=LONGEST
            )
        },
        **shared,
    )
