"""Who asks: a bearer token, its scopes, and the role its user has at this moment."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja.security import HttpBearer

from auditapp import selectors
from auditapp.api import limits
from auditapp.api.problems import Problem
from auditapp.models import ApiToken
from auditapp.services import tokens

HEADERS = {"WWW-Authenticate": 'Bearer realm="Evenhand"'}


class Bearer(HttpBearer):
    """Lets a token in that has the scope; scopes that change something need an editor too."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiToken:
        """The token, whose user becomes the user of the request."""
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise _unknown(
                request,
                "no-token",
                "The request has no token.",
                "Send the header Authorization: Bearer TOKEN. Tokens are made under Account.",
            )
        return self.authenticate(request, secret.strip())

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        """Check the key, then what it may do."""
        found = tokens.token_find(secret=token)
        if found is None:
            raise _unknown(
                request, "unknown-token", "There is no such token.", "Check it, or make another."
            )
        role = _role(request, found)
        limits.count(f"token:{found.id}", limits.reads())
        if self.scope != "read":
            limits.count(f"changes:{found.id}", limits.writes())
        if self.scope not in found.scopes:
            raise Problem(
                403,
                "wrong-scope",
                f"The token {found.prefix} has no scope “{self.scope}”.",
                "Make a token with that scope under Account.",
                found=", ".join(found.scopes),
            )
        if self.scope != "read" and role not in selectors.EDITORS:
            raise Problem(
                403,
                "viewer",
                "A viewer can read this workspace, and change nothing in it.",
                "Ask an owner of the workspace to change the role.",
            )
        tokens.token_used(token=found)
        request.user = found.user
        return found


READ, WRITE, ADMIN = Bearer("read"), Bearer("write"), Bearer("admin")


def _role(request: HttpRequest, found: ApiToken) -> str:
    """The role of the token's user, while both the token and the membership hold."""
    if found.revoked_at is not None:
        raise _unknown(request, "revoked-token", "The token was revoked.", "Make another.")
    if found.expired:
        day = f"{found.expires_at:%Y-%m-%d}"
        raise _unknown(
            request, "expired-token", f"The token expired on {day}.", "Make another under Account."
        )
    role = selectors.role_of(user=found.user, workspace=found.workspace)
    if role is None or not found.user.is_active:
        raise _unknown(
            request,
            "not-a-member",
            "The token's user is no member of its workspace any more.",
            "Ask an owner of the workspace for an invitation.",
        )
    return role


def _unknown(request: HttpRequest, code: str, message: str, hint: str) -> Problem:
    """401, or 429 after too many of them from one address."""
    try:
        address = get_adapter(request).get_client_ip(request)
    except PermissionDenied:
        address = "unknown"
    limits.count(f"refused:{address}", limits.reads())
    return Problem(401, code, message, hint, headers=HEADERS)
