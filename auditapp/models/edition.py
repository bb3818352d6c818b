"""Every PDF that this installation wrote for a report: as a draft, final, superseded."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from auditapp.models.audit import OPEN_STATES, Report, ReportStatus
from auditapp.models.lease import Leased, State
from auditapp.models.team import User


class Edition(Leased):
    """The files of a report in one status; a later one replaces them and never what was measured.

    The hashes stay when files are replaced, so that a copy somebody downloaded is known by its
    bytes. `date` is printed as the day the report got its status, and `signature` is the signed
    statement about all files with the PDF.
    """

    WAITING, HELD, GIVEN_UP = State.QUEUED, State.RUNNING, State.FAILED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.ForeignKey(Report, models.CASCADE, related_name="editions")
    status = models.CharField(max_length=10, choices=ReportStatus.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    date = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    supersedes = models.BooleanField(default=False)
    pdf_hash = models.CharField(max_length=64, blank=True, db_index=True)
    json_hash = models.CharField(max_length=64, blank=True, db_index=True)
    signature = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["report"],
                condition=models.Q(state__in=OPEN_STATES),
                name="edition_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=ReportStatus.values), name="edition_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} edition of {self.report_id}"

    @property
    def is_open(self) -> bool:
        """Whether it waits or is being written."""
        return self.state in OPEN_STATES
