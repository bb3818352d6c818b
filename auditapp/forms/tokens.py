"""A new token: what it is for, what it may do, how long it works."""

from __future__ import annotations

from typing import Any

from django import forms

#: What each choice lets a program do, and the scopes it stands for.
ACCESS = {
    "read": ("Read", ["read"]),
    "write": ("Read and write: upload, start, cancel", ["read", "write"]),
    "admin": ("Read, write and delete", ["read", "write", "admin"]),
}
DAYS = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "One year")]


class TokenForm(forms.Form):
    """The fields; a viewer is offered reading only."""

    name = forms.CharField(
        label="What it is for",
        max_length=80,
        help_text="Such as nightly upload, or the pipeline that audits each release.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter what the token is for"},
    )
    access = forms.ChoiceField(label="It may")
    days = forms.ChoiceField(label="It works for", choices=DAYS, initial="90")

    def __init__(self, *args: Any, edit: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = list(ACCESS) if edit else ["read"]
        self.fields["access"].choices = [(name, ACCESS[name][0]) for name in names]

    @property
    def scopes(self) -> list[str]:
        """Scopes of the choice."""
        return list(ACCESS[self.cleaned_data["access"]][1])
