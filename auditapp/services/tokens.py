"""Tokens of programs: made and shown once, kept as a hash, used, revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from auditapp.errors import AuditError
from auditapp.models import ApiToken, User, Workspace
from auditapp.selectors import EDITORS, role_of
from auditapp.services.trail import event_add

#: What every token begins with, so that scanners for leaked keys and our own logs know one.
MARK = "evh_"
#: What a program may do: look at everything; upload, start and cancel; delete.
SCOPES = ("read", "write", "admin")
LONGEST_DAYS = 366
#: How exactly the time of the last use is kept: one write a minute, not one a request.
USED_SECONDS = 60
#: No token is longer; more is not worth hashing.
MOST_CHARACTERS = 200


@transaction.atomic
def token_create(
    *, workspace: Workspace, user: User, name: str, scopes: Sequence[str], days: int
) -> tuple[ApiToken, str]:
    """Make a token; the second value is the only copy of the key there will ever be.

    Raises
    ------
    AuditError
        The user may not do there what the token should, or there is no such scope.
    """
    role = role_of(user=user, workspace=workspace)
    wanted = [scope for scope in SCOPES if scope in scopes]
    if len(wanted) != len(set(scopes)) or not wanted:
        raise AuditError(
            "no-scope",
            "Nothing says what the token may be used for.",
            f"Choose among: {', '.join(SCOPES)}.",
            where="scopes",
        )
    if role is None or (wanted != ["read"] and role not in EDITORS):
        raise AuditError(
            "scope-over-role",
            "A viewer changes nothing in this workspace, and neither does a viewer's token.",
            "Choose reading only, or ask an owner to change your role.",
            where="scopes",
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise AuditError(
            "token-days",
            f"The token is to work for {days} days.",
            f"Choose 1 to {LONGEST_DAYS} days.",
            where="days",
        )
    prefix = MARK + secrets.token_hex(4)
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        workspace=workspace,
        user=user,
        name=name.strip()[:80],
        prefix=prefix,
        token_hash=hashed(secret),
        scopes=wanted,
        expires_at=timezone.now() + timedelta(days=days),
    )
    event_add(
        subject=workspace, verb="token made", user=user,
        token=prefix, purpose=token.name, scopes=wanted, days=days,
    )  # fmt: skip
    return token, secret


@transaction.atomic
def token_revoke(*, token: ApiToken, user: User | None) -> ApiToken:
    """End a token at once; ending it again changes nothing."""
    now = timezone.now()
    if ApiToken.objects.filter(id=token.id, revoked_at=None).update(revoked_at=now) == 1:
        event_add(subject=token.workspace, verb="token revoked", user=user, token=token.prefix)
    token.refresh_from_db()
    return token


def token_find(*, secret: str) -> ApiToken | None:
    """The token of a key, whatever became of it."""
    if not secret.startswith(MARK) or len(secret) > MOST_CHARACTERS:
        return None
    found = ApiToken.objects.filter(token_hash=hashed(secret))
    return found.select_related("user", "workspace").first()


def token_used(*, token: ApiToken) -> None:
    """Note that a program just used it."""
    now = timezone.now()
    last = token.last_used_at
    if last is None or (now - last).total_seconds() > USED_SECONDS:
        ApiToken.objects.filter(id=token.id).update(last_used_at=now)


def hashed(secret: str) -> str:
    """SHA-256 of a key: it is long and random, so nothing slower is needed."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
