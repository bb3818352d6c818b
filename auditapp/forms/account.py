"""Signing in, and one's own name and password."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.models import User


class SignInForm(forms.Form):
    """Email and password; the limits on failed tries are the sign-in adapter's."""

    email = forms.EmailField(
        label=gettext_lazy("Email"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": gettext_lazy("Enter your email address"),
            "invalid": gettext_lazy("Enter an email address such as name@example.org"),
        },
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": gettext_lazy("Enter your password")},
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    def clean(self) -> dict[str, Any]:
        """Check both together, so that nobody learns which addresses exist."""
        data: dict[str, Any] = super().clean() or {}
        if "email" not in data or "password" not in data:
            return data
        try:
            self.user = get_adapter(self.request).authenticate(
                self.request, email=data["email"].lower(), password=data["password"]
            )
        except forms.ValidationError as error:
            raise forms.ValidationError(
                "There were too many failed tries. Wait five minutes, then sign in again",
                code="too-many",
            ) from error
        if self.user is None:
            raise forms.ValidationError(
                "The email address and the password do not belong together", code="mismatch"
            )
        if not self.user.is_active:
            raise forms.ValidationError("This account is closed", code="closed")
        return data


class AccountForm(forms.Form):
    """Name, and a new password; the old one is asked where there is one."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Shown in reports you start."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    old_password = forms.CharField(
        label=gettext_lazy("Current password"),
        required=False,
        strip=False,
        help_text=gettext_lazy("Only needed to change it."),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password = forms.CharField(
        label=gettext_lazy("New password"),
        required=False,
        strip=False,
        help_text=gettext_lazy("At least 8 characters, not only digits, and no common word."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.request = request
        if not user.has_usable_password():
            del self.fields["old_password"]
            self.fields["new_password"].label = _("Password")

    def clean_new_password(self) -> str:
        """Apply the installation's rules for passwords."""
        password: str = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        """Nobody changes a password without knowing the old one, or guesses it for long."""
        data: dict[str, Any] = super().clean() or {}
        wanted = data.get("new_password")
        if wanted and "old_password" in self.fields:
            limit = {"action": "change_password", "user": self.user}
            if not ratelimit.consume(self.request, **limit):
                self.add_error("old_password", _("There were too many tries. Wait five minutes"))
            elif not self.user.check_password(data.get("old_password", "")):
                self.add_error("old_password", _("This is not the current password"))
            else:
                ratelimit.clear(self.request, **limit)
        return data
