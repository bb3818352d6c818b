"""Alerts on their way out: by mail to the people of a workspace, by signed webhook to programs.

A delivery is a row. Whoever sends it claims it; what failed waits for its next try. Nothing that
a target does (hang, redirect, refuse) holds up anything else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from auditapp import outward, queue
from auditapp.errors import AuditError
from auditapp.models import Alert, Delivery, DeliveryState, User, Webhook, Workspace
from auditapp.models.team import Role
from auditapp.services import alert_words, leases
from auditapp.services.accounts import base_url
from auditapp.services.failures import unexpected
from auditapp.services.trail import event_add

log = structlog.get_logger(__name__)
Json = dict[str, Any]
JOB = "send_delivery"
#: Seconds to the next try; after the last of them it is given up.
BACK_OFF = (60, 300, 1800, 7200, 21_600, 86_400)
#: A target has this long to take a message, its name looked up and its answer read.
WEBHOOK_SECONDS = 10.0
LEASE_SECONDS = 120.0
#: A message that waits this much longer than its time is sent to the queue again.
RESEND = timedelta(seconds=60)
MOST_WEBHOOKS = 10
SIGNATURE = "Evenhand-Signature"


# --- webhooks --------------------------------------------------------------------------------


@transaction.atomic
def webhook_create(*, workspace: Workspace, user: User | None, url: str) -> Webhook:
    """Send every alert of a workspace to an address; `secret` of the row is shown once.

    Raises
    ------
    AuditError
        ``bad-url``, ``not-https`` or ``too-many-webhooks``.
    """
    outward.check(url)
    if Webhook.objects.filter(workspace=workspace).count() >= MOST_WEBHOOKS:
        raise AuditError(
            "too-many-webhooks",
            f"This workspace has {MOST_WEBHOOKS} webhooks already.",
            "Delete one that is not needed any more.",
            where="url",
        )
    webhook = Webhook.objects.create(
        workspace=workspace, url=url, secret=secrets.token_hex(32), created_by=user
    )
    event_add(subject=webhook, verb="created", user=user)
    return webhook


@transaction.atomic
def webhook_set(*, webhook: Webhook, user: User | None, active: bool) -> Webhook:
    """Switch a webhook on or off."""
    webhook.active = active
    webhook.save(update_fields=["active"])
    event_add(subject=webhook, verb="switched on" if active else "switched off", user=user)
    return webhook


@transaction.atomic
def webhook_delete(*, webhook: Webhook, user: User | None) -> None:
    """Delete a webhook with what waits for it."""
    event_add(subject=webhook, verb="deleted", user=user)
    webhook.delete()


def signature(secret: str, body: bytes, at: int) -> str:
    """`t=…,v1=…`: HMAC-SHA256 of the time, a dot and the body, in hex."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


# --- making ----------------------------------------------------------------------------------


def deliveries_make(*, alert: Alert) -> None:
    """Queue an alert for everyone who is told; inside the transaction that raises it."""
    rows = [
        Delivery(alert=alert, kind="webhook", webhook=webhook, queued_at=timezone.now())
        for webhook in Webhook.objects.filter(workspace=alert.workspace_id, active=True)
    ]
    if settings.EMAIL_SET and alert.schedule.notify_email:
        people = User.objects.filter(
            member__workspace=alert.workspace_id,
            member__role__in=(Role.OWNER, Role.AUDITOR),
            is_active=True,
        )
        rows += [
            Delivery(alert=alert, kind="email", address=email, queued_at=timezone.now())
            for email in people.order_by("email").values_list("email", flat=True)
        ]
    for row in rows:
        row.save()
        queue.enqueue(JOB, row.id)


# --- sending ---------------------------------------------------------------------------------


def delivery_send(*, delivery_id: UUID | str) -> None:
    """Worker: try to send one message."""
    waits = Delivery.objects.filter(id=delivery_id, next_try__gt=timezone.now())
    if waits.filter(state=DeliveryState.WAITING).exists():
        return
    row = leases.claim(Delivery, delivery_id, seconds=LEASE_SECONDS)
    if row is None:
        return
    row = Delivery.objects.select_related("alert__schedule", "alert__run", "webhook").get(
        id=row.id
    )
    send: Callable[[Delivery], int | None] = _webhook if row.kind == "webhook" else _email
    try:
        code = send(row)
    except AuditError as error:
        _again(row, error)
    except Exception as error:
        _again(row, unexpected(error, "sending an alert", delivery=str(row.id)))
    else:
        leases.held_by(row).update(
            state=DeliveryState.SENT, code=code, error=None, lease_until=None,
            attempts=F("attempts") + 1, sent_at=timezone.now(),
        )  # fmt: skip


def deliveries_follow() -> int:
    """Beat: free what vanished workers held, and send what is due; how many."""
    done = 0
    for row in leases.over(Delivery):
        done += leases.free(row) is not None
    now = timezone.now()
    due = Delivery.objects.filter(state=DeliveryState.WAITING, next_try__lte=now)
    for row in due.filter(queued_at__lt=now - RESEND) | due.filter(queued_at=None):
        Delivery.objects.filter(id=row.id).update(queued_at=now)
        done += queue.send(JOB, str(row.id))
    return done


def body_of(alert: Alert, delivery: Delivery) -> Json:
    """What a webhook receives."""
    return {
        "event": f"alert.{alert.kind}",
        "id": str(alert.id),
        "delivery": str(delivery.id),
        "created": alert.created_at.isoformat(),
        "title": alert.title,
        "lines": alert_words.lines(alert.kind, alert.detail),
        "schedule": {"id": str(alert.schedule_id), "name": alert.schedule.name},
        "run": alert.detail.get("run"),
        "audit": None if alert.run is None else _text(alert.run.audit_id),
        "detail": alert.detail,
        "url": place_of(alert),
    }


def place_of(alert: Alert) -> str:
    """The page of an alert's schedule."""
    try:
        path = reverse("schedule-detail", args=[alert.schedule_id])
    except NoReverseMatch:
        path = "/"
    return base_url() + path


def _webhook(row: Delivery) -> int:
    webhook, alert = row.webhook, row.alert
    if webhook is None:
        raise AuditError("no-webhook", "The webhook was deleted.")
    body = json.dumps(body_of(alert, row), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "Evenhand-Event": f"alert.{alert.kind}",
        "Evenhand-Delivery": str(row.id),
        SIGNATURE: signature(webhook.secret, body, int(time.time())),
    }
    with outward.request(
        "POST", webhook.url, seconds=WEBHOOK_SECONDS, headers=headers, body=body
    ) as answer:
        status = answer.status
    if not 200 <= status < 300:
        raise AuditError(
            "http-status",
            f"The target answered with {status}.",
            "It has to answer with 200 to 299.",
            found=str(status),
            permanent=False,
        )
    return status


def _email(row: Delivery) -> None:
    alert = row.alert
    context = {
        "alert": alert,
        "lines": alert_words.lines(alert.kind, alert.detail),
        "url": place_of(alert),
    }
    subject = " ".join(f"{alert.schedule.name}: {alert.title}".split())
    message = EmailMessage(
        subject if len(subject) <= 200 else f"{subject[:199]}…",
        render_to_string("mail/alert.txt", context),
        None,
        [row.address],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except (OSError, ValueError) as error:
        raise AuditError(
            "mail-server",
            "The mail server did not take the message.",
            "Check EMAIL_URL.",
            found=type(error).__name__,
            permanent=False,
        ) from error


def _again(row: Delivery, error: AuditError) -> None:
    """Wait for the next try, or give up after the last."""
    tried = row.attempts
    last = tried >= len(BACK_OFF)
    leases.held_by(row).update(
        state=DeliveryState.FAILED if last else DeliveryState.WAITING,
        next_try=timezone.now() + timedelta(seconds=0 if last else BACK_OFF[tried]),
        queued_at=None,
        attempts=tried + 1,
        error=error.as_dict(),
        code=int(error.found) if error.code == "http-status" else None,
        lease_until=None,
    )
    log.warning("an alert could not be sent", delivery=str(row.id), kind=row.kind, code=error.code)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
