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


class SharedCopy(Leased):
    """A report in which cells of fewer than `smallest` people are suppressed.

    It holds for every link and download that asks for the same size. `status` is that of the
    report when the copy was made; `path` keeps the last copy while a new one is made, and
    `written` every PDF and JSON there ever was: status by SHA-256.
    """

    WAITING, HELD, GIVEN_UP = State.QUEUED, State.RUNNING, State.FAILED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.ForeignKey(Report, models.CASCADE, related_name="copies")
    smallest = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    status = models.CharField(max_length=10, blank=True)
    path = models.CharField(max_length=200, blank=True)
    result_hash = models.CharField(max_length=64, blank=True)
    written = models.JSONField(default=dict, blank=True)
    error = models.JSONField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["smallest"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["report", "smallest"], name="shared_copy_once"),
            models.CheckConstraint(
                condition=models.Q(smallest__gte=2), name="shared_copy_smallest"
            ),
        ]

    def __str__(self) -> str:
        return f"copy of {self.report_id} without cells below {self.smallest}"

    @property
    def is_open(self) -> bool:
        """Whether it waits or is being made."""
        return self.state in OPEN_STATES

    @property
    def ready(self) -> bool:
        """Whether there are files, if perhaps of an earlier status."""
        return bool(self.path)

    @property
    def folder(self) -> Path:
        """Absolute folder of the files."""
        return storage.absolute(self.path)


class ShareLink(models.Model):
    """A link that shows one report to whoever holds it; only the token's hash is kept.

    With a `copy` the link shows that, and nothing of the whole report.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.ForeignKey(Report, models.CASCADE, related_name="share_links")
    copy = models.ForeignKey(
        SharedCopy, models.CASCADE, null=True, blank=True, related_name="links"
    )
    token_hash = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12)
    note = models.CharField(max_length=120, blank=True)
    password = models.CharField(max_length=200, blank=True, help_text="Hashed; empty for none")
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
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= timezone.now()

    @property
    def works(self) -> bool:
        """Whether it still opens the report."""
        return self.revoked_at is None and not self.expired


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
    verdict = models.CharField(max_length=20, blank=True)
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
