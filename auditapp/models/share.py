"""What a workspace shows outside: links to reports, and reports that hold two audits together."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from django.db import models
from django.utils import timezone

from auditapp import storage
from auditapp.models.audit import OPEN_STATES, Audit, Report
from auditapp.models.lease import Leased, State
from auditapp.models.team import User, Workspace


class ShareLink(Leased):
    """A link that shows one report to whoever holds it; only the token's hash is kept.

    With `smallest` above 0 the link shows a copy of the report in which cells of fewer people
    are suppressed; `path` is the folder of that copy once it is made.
    """

    WAITING, HELD, GIVEN_UP = State.QUEUED, State.RUNNING, State.FAILED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.ForeignKey(Report, models.CASCADE, related_name="share_links")
    token_hash = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12)
    note = models.CharField(max_length=120, blank=True)
    password = models.CharField(max_length=200, blank=True, help_text="Hashed; empty for none")
    smallest = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DONE)
    path = models.CharField(max_length=200, blank=True)
    result_hash = models.CharField(max_length=64, blank=True)
    error = models.JSONField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    views = models.PositiveIntegerField(default=0)
    last_viewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]

    def __str__(self) -> str:
        return f"link {self.prefix} to {self.report_id}"

    @property
    def works(self) -> bool:
        """Whether it still opens the report."""
        return self.revoked_at is None and self.expires_at > timezone.now()


class Comparison(Leased):
    """Two finished audits held against each other: a document, a page and a PDF of its own."""

    WAITING, HELD, GIVEN_UP = State.QUEUED, State.RUNNING, State.FAILED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="comparisons")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    first = models.ForeignKey(Audit, models.CASCADE, related_name="+")
    second = models.ForeignKey(Audit, models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    result_hash = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=200, blank=True)
    pages = models.PositiveIntegerField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "number"], name="comparison_number"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def report_id(self) -> str:
        """What people call it, such as EC-2026-0007."""
        year = self.created_at.year if self.created_at is not None else 0
        return f"EC-{year:04d}-{self.number:04d}"

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in OPEN_STATES

    @property
    def folder(self) -> Path:
        """Absolute folder of the files."""
        return storage.absolute(self.path)
