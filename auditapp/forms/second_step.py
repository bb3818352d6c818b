"""Forms of the sign-in library in our words: codes, a new password, the password again."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ReauthenticateForm, ResetPasswordForm, ResetPasswordKeyForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as MfaReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

PASSWORD_HELP = gettext_lazy("At least 8 characters, not only digits, and no common word.")


def _say(
    form: forms.Form, name: str, *, label: str, empty: str, hint: str = "", **attrs: str
) -> None:
    """Give a field its words; no placeholder stands in for a label."""
    field = form.fields[name]
    field.label, field.help_text = label, hint
    field.error_messages["required"] = empty
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs.update(attrs)
    if hint:
        field.widget.attrs["aria-describedby"] = f"{form[name].id_for_label}_helptext"


class CodeForm(AuthenticateForm):  # type: ignore[misc]
    """The second step while signing in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(
            self, "code", label=_("Code"), empty=_("Enter the code"),
            hint=_("Six digits from your authenticator app, or one of your recovery codes."),
            autocapitalize="off", spellcheck="false",
        )  # fmt: skip


class CodeAgainForm(MfaReauthenticateForm):  # type: ignore[misc]
    """The same before something that only the owner of the account may do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(
            self, "code", label=_("Code"), empty=_("Enter the code"),
            hint=_("Six digits from your authenticator app, or one of your recovery codes."),
            autocapitalize="off", spellcheck="false",
        )  # fmt: skip


class FirstCodeForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new authenticator."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(
            self, "code", label=_("Code that the app shows"), empty=_("Enter the code"),
            hint=_("Six digits."), inputmode="numeric",
        )  # fmt: skip


class AgainForm(ReauthenticateForm):  # type: ignore[misc]
    """The password again, before something that only the owner of the account may do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, "password", label=_("Password"), empty=_("Enter your password"))


class ResetForm(ResetPasswordForm):  # type: ignore[misc]
    """Where the link for a new password goes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(
            self,
            "email",
            label=_("Email"),
            empty=_("Enter your email address"),
            autocomplete="email",
        )
        words = _("Enter an email address such as name@example.org")
        self.fields["email"].error_messages["invalid"] = words


class NewPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, by a link that came by email."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(
            self,
            "password1",
            label=_("New password"),
            empty=_("Enter a password"),
            hint=PASSWORD_HELP,
        )
        _say(self, "password2", label=_("The same again"), empty=_("Enter the password again"))
