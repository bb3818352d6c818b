"""A new token: what it is for, what it may do, how long it works."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

#: What each choice lets a program do, and the scopes it stands for.
ACCESS = {
    "read": (gettext_lazy("Read"), ["read"]),
    "write": (gettext_lazy("Read and write: upload, start, cancel"), ["read", "write"]),
    "admin": (gettext_lazy("Read, write and delete"), ["read", "write", "admin"]),
}
DAYS = [
    ("7", gettext_lazy("7 days")),
    ("30", gettext_lazy("30 days")),
    ("90", gettext_lazy("90 days")),
    ("365", gettext_lazy("One year")),
]


class TokenForm(forms.Form):
    """The fields; a viewer is offered reading only."""

    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=80,
        help_text=gettext_lazy(
            "Such as nightly upload, or the pipeline that audits each release."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Enter what the token is for")},
    )
    access = forms.ChoiceField(label=gettext_lazy("It may"))
    days = forms.ChoiceField(label=gettext_lazy("It works for"), choices=DAYS, initial="90")

    def __init__(self, *args: Any, edit: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = list(ACCESS) if edit else ["read"]
        self.fields["access"].choices = [(name, ACCESS[name][0]) for name in names]

    @property
    def scopes(self) -> list[str]:
        """Scopes of the choice."""
        return list(ACCESS[self.cleaned_data["access"]][1])
