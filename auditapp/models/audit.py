"""Audits, their runs and the reports they end in."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from django.db import models

from auditapp import storage
from auditapp.models.lease import Leased, State
from auditapp.models.team import User, Workspace
from auditapp.models.upload import Dataset, ModelFile

OPEN_STATES = (State.QUEUED, State.RUNNING)


class Audit(models.Model):
    """One question asked of one data set; `plan` is frozen when it starts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="audits")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    dataset = models.ForeignKey(
        Dataset, models.SET_NULL, null=True, blank=True, related_name="audits"
    )
    model = models.ForeignKey(
        ModelFile, models.SET_NULL, null=True, blank=True, related_name="audits"
    )
    draft = models.JSONField(default=dict, blank=True)
    plan = models.JSONField(null=True, blank=True)
    summary = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    previous = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="later"
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    saved_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "number"], name="audit_number"),
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="audit_state"),
            models.CheckConstraint(
                condition=models.Q(state=State.DRAFT) | models.Q(plan__isnull=False),
                name="audit_started_has_plan",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def report_id(self) -> str:
        """What people call the report, such as EH-2026-0007."""
        year = self.created_at.year if self.created_at is not None else 0
        return f"EH-{year:04d}-{self.number:04d}"

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in OPEN_STATES


class Run(Leased):
    """One piece of an audit's work: the baseline, or one method."""

    WAITING, HELD, GIVEN_UP = State.QUEUED, State.RUNNING, State.FAILED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    audit = models.ForeignKey(Audit, models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=40, default="baseline")
    lane = models.CharField(max_length=3, choices=[("cpu", "CPU"), ("gpu", "GPU")], default="cpu")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.JSONField(default=dict, blank=True)
    cancel_requested = models.BooleanField(default=False)
    error = models.JSONField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["audit", "kind"], name="run_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=[s for s in State.values if s != "draft"]),
                name="run_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.audit_id}"


class ReportStatus(models.TextChoices):
    """How far people stand behind a report; it never changes what was measured."""

    DRAFT = "draft", "Draft"
    FINAL = "final", "Final"
    SUPERSEDED = "superseded", "Superseded"


class Report(models.Model):
    """The stored result document and everything drawn from it.

    `signature` is the installation's signed statement about the files
    (`auditapp.signing`), `pdf_hash` the SHA-256 of the PDF it speaks of.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    audit = models.OneToOneField(Audit, models.CASCADE, related_name="report")
    result_hash = models.CharField(max_length=64)
    path = models.CharField(max_length=200, help_text="Folder, relative to DATA_DIR")
    pages = models.PositiveIntegerField(null=True, blank=True)
    status = models.CharField(
        max_length=10, choices=ReportStatus.choices, default=ReportStatus.DRAFT
    )
    final_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    final_at = models.DateTimeField(null=True, blank=True)
    superseded_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="supersedes"
    )
    pdf_hash = models.CharField(max_length=64, blank=True)
    signature = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(status__in=ReportStatus.values), name="report_status"
            ),
        ]

    def __str__(self) -> str:
        return f"report {self.result_hash[:12]}"

    @property
    def folder(self) -> Path:
        """Absolute folder of the files."""
        return storage.absolute(self.path)
