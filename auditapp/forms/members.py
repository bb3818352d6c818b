"""Inviting somebody, joining, and changing a role."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy, pgettext_lazy

from auditapp.forms.second_step import PASSWORD_HELP
from auditapp.models import User
from auditapp.models.team import Role

#: What each role may do, as the page says it.
MAY = {
    Role.OWNER: gettext_lazy("all of it, and invites, changes roles and reads the activity"),
    Role.AUDITOR: gettext_lazy("uploads, starts, cancels and deletes"),
    Role.VIEWER: gettext_lazy("reads audits and reports, and changes nothing"),
}


class RoleForm(forms.Form):
    """Another role for a member."""

    role = forms.ChoiceField(label=pgettext_lazy("member", "Role"), choices=Role.choices)


class InviteForm(forms.Form):
    """Who is to come, and as what."""

    email = forms.EmailField(
        label=gettext_lazy("Email"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": gettext_lazy("Enter the email address of the person"),
            "invalid": gettext_lazy("Enter an email address such as name@example.org"),
        },
    )
    role = forms.ChoiceField(
        label=pgettext_lazy("member", "Role"), choices=Role.choices, initial=Role.AUDITOR
    )


class JoinForm(forms.Form):
    """The account that an invitation makes."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Shown in reports you start."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        help_text=PASSWORD_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": gettext_lazy("Choose a password")},
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        """Apply the installation's rules for passwords."""
        password: str = self.cleaned_data["password"]
        validate_password(password, User(email=self.email))
        return password
