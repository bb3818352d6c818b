"""A link to a report: for whom, how long, with what."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.services.shares import SHORTEST_PASSWORD

#: Sizes below which cells are suppressed, 0 for the whole report.
SIZES = (0, 5, 10, 20, 50)


def shown(size: int) -> str:
    """What a link of this size shows, in words."""
    return (
        _("A copy without cells below {size} people").format(size=size)
        if size
        else _("The whole report")
    )


class ShareForm(forms.Form):
    """The fields of a new link."""

    note = forms.CharField(
        label=gettext_lazy("Who it is for"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Only your workspace sees this, beside the link."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    smallest = forms.TypedChoiceField(
        label=gettext_lazy("It shows"),
        coerce=int,
        initial="10",
        choices=[(str(size), shown(size)) for size in SIZES],
        help_text=gettext_lazy(
            "A copy leaves out small cells, and every part they could be worked out from."
        ),
    )
    days = forms.IntegerField(
        label=gettext_lazy("It works for"),
        min_value=1,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages={
            "required": gettext_lazy("Enter for how many days the link works"),
            "invalid": gettext_lazy("Enter a whole number of days"),
            "min_value": gettext_lazy("Enter 1 day or more"),
        },
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        min_length=SHORTEST_PASSWORD,
        max_length=200,
        help_text=f"{SHORTEST_PASSWORD} characters or more, or none. Send it another way than"
        " the link.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"min_length": f"Enter {SHORTEST_PASSWORD} characters or more, or none"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = settings.SHARE_DAYS_MOST
        days = self.fields["days"]
        days.initial = min(settings.SHARE_DAYS, most)
        days.help_text = _("{most} days at most.").format(most=most)
        days.widget.attrs["max"] = most

    def clean_days(self) -> int:
        """The installation says how long a link may work."""
        days: int = self.cleaned_data["days"]
        if days > settings.SHARE_DAYS_MOST:
            raise forms.ValidationError(f"Enter {settings.SHARE_DAYS_MOST} days or fewer")
        return days


class CopyForm(forms.Form):
    """A copy for a download, without a link."""

    smallest = forms.TypedChoiceField(
        label=gettext_lazy("Suppress cells below"),
        coerce=int,
        initial="10",
        choices=[(str(size), f"{size} people") for size in SIZES if size],
        error_messages={
            "required": gettext_lazy("Choose a size"),
            "invalid_choice": gettext_lazy("Choose a size"),
        },
    )


class PasswordForm(forms.Form):
    """What a link may ask for."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=200,
        help_text=gettext_lazy("Whoever sent you the link has it."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Enter the password")},
    )
