"""Answers that are kept for a day, so that a request sent twice is done once.

The key's row and what the request makes are one transaction: either both are there or neither,
and of two that come at once the second waits at the unique key, then gets the first's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from auditapp.errors import AuditError
from auditapp.models import ApiToken, IdempotencyKey

KEPT = timedelta(hours=24)
Answer = tuple[int, dict[str, Any]]


def known(
    *, token: ApiToken, key: str, method: str, path: str, request_hash: str
) -> Answer | None:
    """What was answered to this request before; None where it is new.

    Raises
    ------
    AuditError
        The key was used for another request.
    """
    found = IdempotencyKey.objects.filter(
        token=token, key=key, created_at__gt=timezone.now() - KEPT
    ).first()
    if found is None:
        return None
    if (found.method, found.path, found.request_hash) != (method, path, request_hash):
        raise AuditError(
            "idempotency-key-reused",
            "This Idempotency-Key came with another request before.",
            "Make a new key for every request, and send the same one only to repeat it.",
            where="Idempotency-Key",
            found=f"{found.method} {found.path}",
        )
    return found.status, found.body


def once(
    make: Callable[[], Answer],
    *,
    token: ApiToken,
    key: str,
    method: str,
    path: str,
    request_hash: str,
) -> tuple[Answer, bool]:
    """Do what `make` does unless it was done; the answer, and whether it is a repeated one.

    A request that is refused leaves nothing behind and may be sent again with the same key.
    """
    request: dict[str, Any] = {"method": method, "path": path, "request_hash": request_hash}
    before = known(token=token, key=key, **request)
    if before is not None:
        return before, True
    try:
        with transaction.atomic():
            IdempotencyKey.objects.filter(
                token=token, key=key, created_at__lte=timezone.now() - KEPT
            ).delete()
            row = IdempotencyKey.objects.create(token=token, key=key, status=0, body={}, **request)
            status, body = make()
            IdempotencyKey.objects.filter(id=row.id).update(status=status, body=body)
    except IntegrityError:
        before = known(token=token, key=key, **request)
        if before is None:  # another rule of the database was broken, not this one
            raise
        return before, True
    return (status, body), False


def keys_forget() -> int:
    """Delete what is older than a day."""
    return IdempotencyKey.objects.filter(created_at__lte=timezone.now() - KEPT).delete()[0]
