"""Who did what, when: rows are added and never changed."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.utils import timezone

from auditapp.models.team import User, Workspace

REFUSAL = "Events are added, never changed."


class EventQuerySet(models.QuerySet["Event"]):
    """Rows to read; what would change them is refused."""

    def update(self, **_: Any) -> NoReturn:
        """Refused."""
        raise TypeError(REFUSAL)

    def delete(self) -> NoReturn:
        """Refused."""
        raise TypeError(REFUSAL)

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        raise TypeError(REFUSAL)

    def bulk_create(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: rows are chained one by one, by `services.trail.event_add`."""
        raise TypeError(REFUSAL)


class Event(models.Model):
    """One line of a workspace's trail. The subject may be gone; its name stays here.

    `hash` covers the row and the hash before it (auditapp/chain.py).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="events")
    sequence = models.PositiveBigIntegerField()
    at = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    actor = models.CharField(max_length=254, blank=True, help_text="Email of who did it")
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=20)
    subject_id = models.UUIDField()
    name = models.CharField(max_length=200)
    detail = models.JSONField(default=dict, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-sequence"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-at"], name="event_newest")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "sequence"], name="event_in_order")
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row; changing one is refused."""
        if not self._state.adding:
            raise TypeError(REFUSAL)
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        raise TypeError(REFUSAL)
