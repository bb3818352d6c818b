"""What the sign-in library reports, for the trail."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import password_reset
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.dispatch import receiver

from auditapp.services.accounts import links_void
from auditapp.services.trail import person_event

VERBS = {
    authenticator_added: "second step added",
    authenticator_removed: "second step removed",
    authenticator_reset: "recovery codes renewed",
}


@receiver([authenticator_added, authenticator_removed, authenticator_reset])
def second_step(signal: Any, user: Any, authenticator: Authenticator, **_: Any) -> None:
    """A second step came, went, or has new recovery codes."""
    codes = authenticator.type == Authenticator.Type.RECOVERY_CODES
    # Recovery codes come and go with the step that they stand in for.
    if codes == (signal is authenticator_reset):
        person_event(user=user, verb=VERBS[signal])


@receiver(password_reset)
def new_password(user: Any, **_: Any) -> None:
    """A password was set by the link of a mail."""
    links_void(user=user)
    person_event(user=user, verb="password reset")
