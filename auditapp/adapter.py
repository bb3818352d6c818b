"""How sign-in behaves where it differs from allauth's defaults."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any, ClassVar

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

log = structlog.get_logger(__name__)

#: What the sign-in library has to say, in our words; what is not here is not said.
WORDS = {
    "account/messages/password_changed.txt": "Your new password is set.",
    "mfa/messages/totp_activated.txt": "Signing in now takes a second step.",
    "mfa/messages/totp_deactivated.txt": "The second step is off.",
    "mfa/messages/recovery_codes_generated.txt": "",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by the operator or by invitation, unless SIGNUP_OPEN says otherwise."""

    error_messages: ClassVar[dict[str, str]] = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_password": "This is not your password",
        "too_many_login_attempts": "There were too many wrong tries. Wait five minutes",
        "rate_limited": "There were too many tries. Wait five minutes",
        "password_reset_invalid_key": "This link was used, or is too old",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether a stranger may make an account."""
        return bool(settings.SIGNUP_OPEN)

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        """Give a new account a workspace of its own."""
        from auditapp.services.accounts import workspace_create

        user = super().save_user(request, user, form, commit)
        if commit:
            workspace_create(user=user, name=f"Workspace of {user.email}")
        return user

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        message: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Our own words, or none."""
        words = message if message else WORDS.get(message_template or "", "")
        if words:
            messages.add_message(request, level, words)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Note who came in, and how, once every step is done."""
        from auditapp.services.trail import person_event

        records = get_authentication_records(request, user)
        ways = list(dict.fromkeys(_way(record) for record in records))
        person_event(user=user, verb="signed in", by_way_of=ways)
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Back to the form."""
        messages.error(request, "This account is closed.")
        return redirect("signin")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that does not answer is no reason for an error page.

        Nor may its answer tell a stranger which addresses have an account.
        """
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, ValueError) as error:
            log.error("a mail could not be sent", template=template_prefix, error=str(error))


class SecondStepAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Codes of an authenticator app; their secrets are encrypted with SECRET_KEY."""

    error_messages: ClassVar[dict[str, str]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This is not the current code. Codes change every 30 seconds",
    }

    def encrypt(self, text: str) -> str:
        """What the database keeps."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret; one that no code fits where the key is lost, so that nobody gets in."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            log.error("a second step cannot be read: SECRET_KEY is not the one it was made with")
            return base64.b32encode(os.urandom(20)).decode()


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    made = [hashlib.sha256(f"evenhand second step {key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in made])


def _way(record: dict[str, Any]) -> str:
    """One step of signing in, in a word."""
    if record.get("method") != "mfa":
        return str(record.get("method", ""))
    return {"totp": "code", "recovery_codes": "recovery code"}.get(str(record.get("type")), "code")
