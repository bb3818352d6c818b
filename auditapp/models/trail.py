"""Who did what, when: rows are added and never changed."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models

from auditapp.models.team import User, Workspace


class Event(models.Model):
    """One line of a workspace's trail. The subject may be gone; its name stays here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=20)
    subject_id = models.UUIDField()
    name = models.CharField(max_length=200)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-at"], name="event_newest")
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row; changing one is refused."""
        if not self._state.adding:
            raise TypeError("Events are added, never changed.")
        super().save(*args, **kwargs)
