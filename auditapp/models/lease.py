"""Rows that a worker works on: who holds them, until when, and which attempt it is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

#: A row whose worker vanished this many times is given up with a readable error.
MOST_ATTEMPTS = 3


class State(models.TextChoices):
    """States of an audit and of its runs."""

    DRAFT = "draft", "Draft"
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Leased(models.Model):
    """Fields of a row that is claimed by conditional update.

    `attempt` only ever goes up and fences every later write of its holder; `losses` counts
    holders that vanished, and is what limits the attempts.
    """

    WAITING: ClassVar[str]
    HELD: ClassVar[str]
    GIVEN_UP: ClassVar[str]

    attempt = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
