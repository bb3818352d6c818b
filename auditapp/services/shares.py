"""Links that show a report to people without an account: made, opened, revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from auditapp.errors import AuditError
from auditapp.models import Report, SharedCopy, ShareLink, User
from auditapp.services.copies import copy_ensure
from auditapp.services.trail import event_add

#: Characters of the token that people know a link by.
SHOWN = 6
#: Links of one report that work at the same time.
MOST_LINKS = 50
SHORTEST_PASSWORD = 8
#: No token is longer; more is not worth hashing.
MOST_CHARACTERS = 200


@transaction.atomic
def share_create(
    *,
    report: Report,
    user: User,
    days: int,
    note: str = "",
    password: str = "",
    smallest: int = 0,
) -> tuple[ShareLink, str]:
    """Make a link; the second value is the only copy of its token there will ever be.

    With `smallest` the link shows a copy in which cells of fewer people are suppressed, and
    nothing before that copy is made.

    Raises
    ------
    AuditError
        The time, the password or the size is out of bounds, or there are too many links.
    """
    most = settings.SHARE_DAYS_MOST
    if not 1 <= days <= most:
        raise AuditError(
            "share-days", f"The link is to work for {days} days.",
            f"Choose 1 to {most} days.", where="days",
        )  # fmt: skip
    if password and len(password) < SHORTEST_PASSWORD:
        raise AuditError(
            "share-password", f"The password has {len(password)} characters.",
            f"Take {SHORTEST_PASSWORD} or more, or none.", where="password",
        )  # fmt: skip
    workspace = report.audit.workspace
    now = timezone.now()
    working = ShareLink.objects.filter(report=report, revoked_at=None, expires_at__gt=now)
    if working.count() >= MOST_LINKS:
        raise AuditError(
            "share-links", f"{MOST_LINKS} links to this report work already.",
            "Revoke one that nobody needs any more.", permanent=False,
        )  # fmt: skip
    copy = copy_ensure(report=report, smallest=smallest, user=user) if smallest else None
    token = secrets.token_urlsafe(32)
    link = ShareLink.objects.create(
        report=report,
        copy=copy,
        token_hash=hashed(token),
        prefix=token[:SHOWN],
        note=" ".join(note.split())[:120],
        password=make_password(password) if password else "",
        created_by=user,
        expires_at=now + timedelta(days=days),
    )
    event_add(
        subject=report.audit, verb="shared", user=user, workspace=workspace,
        report=report.audit.report_id, link=link.prefix, note=link.note, days=days,
        password=bool(password), cells_below=smallest,
    )  # fmt: skip
    return link, token


@transaction.atomic
def share_revoke(*, link: ShareLink, user: User | None) -> ShareLink:
    """End a link at once; ending it again changes nothing."""
    now = timezone.now()
    if ShareLink.objects.filter(id=link.id, revoked_at=None).update(revoked_at=now) == 1:
        audit = link.report.audit
        event_add(
            subject=audit, verb="link revoked", user=user,
            report=audit.report_id, link=link.prefix, views=link.views,
        )  # fmt: skip
    link.refresh_from_db()
    return link


def share_find(*, token: str) -> ShareLink | None:
    """The link of a token if it works; None where it is unknown, revoked or ran out."""
    if len(token) > MOST_CHARACTERS:
        return None
    found = ShareLink.objects.filter(
        token_hash=hashed(token), revoked_at=None, expires_at__gt=timezone.now()
    )
    return found.select_related("copy", "report__audit__workspace").first()


def password_fits(*, link: ShareLink, password: str) -> bool:
    """Whether this is the password of the link."""
    return bool(link.password) and check_password(password, link.password)


@transaction.atomic
def share_viewed(*, link: ShareLink) -> None:
    """Count a view; the trail notes that a link was opened, once a day at most."""
    now = timezone.now()
    ShareLink.objects.filter(id=link.id).update(views=F("views") + 1, last_viewed_at=now)
    if link.last_viewed_at is None or link.last_viewed_at.date() != now.date():
        _noted(link, "link opened")


@transaction.atomic
def share_downloaded(*, link: ShareLink, file: str) -> None:
    """Note that a file left the installation through a link."""
    _noted(link, "downloaded", file=file)


def shares_forget() -> int:
    """Delete links that ended more than 90 days ago; the trail keeps what they were."""
    before = timezone.now() - timedelta(days=90)
    return ShareLink.objects.filter(expires_at__lt=before).delete()[0]


def hashed(token: str) -> str:
    """SHA-256 of a token: it is long and random, so nothing slower is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _noted(link: ShareLink, verb: str, **detail: str) -> None:
    audit = link.report.audit
    smallest = 0 if link.copy_id is None else _smallest(link)
    event_add(
        subject=audit, verb=verb, report=audit.report_id, link=link.prefix, note=link.note,
        cells_below=smallest, **detail,
    )  # fmt: skip


def _smallest(link: ShareLink) -> int:
    return SharedCopy.objects.values_list("smallest", flat=True).get(id=link.copy_id)
