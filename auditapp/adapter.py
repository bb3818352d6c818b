"""How sign-in behaves where it differs from allauth's defaults."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by the operator unless SIGNUP_OPEN says otherwise."""

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
