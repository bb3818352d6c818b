"""Claiming rows for a worker: conditional updates, so that no job is done twice.

A worker claims a waiting row and holds it for LEASE_SECONDS, renewing every second. Whoever
finds a held row whose lease is over frees it. The attempt number fences the late writes of a
holder that was taken for dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import OperationalError, models, transaction
from django.db.models import F
from django.utils import timezone

from auditapp.errors import AuditError
from auditapp.models.lease import MOST_ATTEMPTS, Leased

log = structlog.get_logger(__name__)
Row = TypeVar("Row", bound=Leased)


def lost_error() -> AuditError:
    """What a row says after its last attempt."""
    return AuditError(
        "worker-lost",
        f"The worker stopped {MOST_ATTEMPTS} times while it worked on this.",
        "It most likely ran out of memory. Use a smaller table or a machine with more memory,"
        " then start again.",
        permanent=True,
    )


@transaction.atomic
def claim(model: type[Row], key: UUID | str, *, seconds: float | None = None) -> Row | None:
    """Take the row if it waits, or if its holder is gone; None where somebody else has it.

    ``seconds`` is for work that cannot renew the lease; the default is LEASE_SECONDS.
    """
    row = model._default_manager.filter(id=key).first()
    if row is None:
        return None
    if row.state == model.HELD and _is_over(row):
        free(row)
    taken = model._default_manager.filter(id=key, state=model.WAITING).update(
        state=model.HELD, attempt=F("attempt") + 1, lease_until=_until(seconds)
    )
    return model._default_manager.get(id=key) if taken == 1 else None


def free(row: Leased, *, lost: bool = True) -> str | None:
    """Let the row wait again, or give it up after too many losses; the new state, if changed.

    ``lost`` false is for a holder that was stopped on purpose: that counts as no loss.
    """
    model = type(row)
    losses = row.losses + int(lost)
    given_up = losses >= MOST_ATTEMPTS
    state = model.GIVEN_UP if given_up else model.WAITING
    changes: dict[str, Any] = {"state": state, "losses": losses, "lease_until": None}
    if given_up:
        changes["error"] = lost_error().as_dict()
    changed = held_by(row).update(**changes)
    return str(state) if changed == 1 else None


def held_by(row: Leased) -> models.QuerySet[Any]:
    """The row as long as this very attempt holds it."""
    model = type(row)
    return model._default_manager.filter(id=row.pk, attempt=row.attempt, state=model.HELD)


def held(model: type[Row]) -> models.QuerySet[Row]:
    """Rows that somebody holds."""
    return model._default_manager.filter(state=model.HELD)


def over(model: type[Row]) -> models.QuerySet[Row]:
    """Held rows whose lease is over."""
    return held(model).filter(lease_until__lt=timezone.now())


def alive(model: type[Leased]) -> int:
    """How many rows are held by somebody who renewed the lease lately."""
    return held(model).filter(lease_until__gte=timezone.now()).count()


def unsent(model: type[Row], *, seconds: float) -> models.QuerySet[Row]:
    """Rows that have waited so long that their message may never have been sent."""
    before = timezone.now() - timedelta(seconds=seconds)
    return model._default_manager.filter(state=model.WAITING, queued_at__lt=before)


def waits(model: type[Leased], **where: Any) -> bool:
    """Whether a row waits for a worker."""
    return bool(model._default_manager.filter(state=model.WAITING, **where).exists())


class Holder:
    """Keeps a claimed row alive while its child process works.

    ``progress`` takes the child's messages; ``should_stop`` is asked twice a second, writes
    the latest message at most once a second, and answers why to stop.
    """

    def __init__(
        self,
        row: Leased,
        *,
        time_limit: float,
        shape: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        every: float = 1.0,
    ) -> None:
        self.row = row
        self.lost = False
        self._shape = shape
        self._every = every
        self._started = time.monotonic()
        self._deadline = self._started + time_limit
        self._next = 0.0
        self._latest: dict[str, Any] | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the claim."""
        return time.monotonic() - self._started

    def progress(self, message: dict[str, Any]) -> None:
        """Remember the latest message of the child."""
        self._latest = message

    def should_stop(self) -> str | None:
        """Renew the lease; `cancel` when it was lost or the user wants so, `deadline` late."""
        now = time.monotonic()
        if now >= self._deadline:
            return "deadline"
        if now < self._next:
            return None
        self._next = now + self._every
        try:
            return self._renew()
        except OperationalError as error:  # a busy database: the lease has slack for retries
            log.warning("the lease was not renewed", row=str(self.row.pk), error=str(error))
            return None

    def _renew(self) -> str | None:
        changes: dict[str, Any] = {"lease_until": _until()}
        if self._shape is not None and self._latest is not None:
            changes["progress"] = self._shape(self._latest)
        if held_by(self.row).update(**changes) != 1:
            self.lost = True
            return "cancel"
        if not hasattr(self.row, "cancel_requested"):
            return None
        return "cancel" if held_by(self.row).filter(cancel_requested=True).exists() else None


def _until(seconds: float | None = None) -> Any:
    lease = settings.LEASE_SECONDS if seconds is None else seconds
    return timezone.now() + timedelta(seconds=lease)


def _is_over(row: Leased) -> bool:
    return row.lease_until is None or row.lease_until < timezone.now()
