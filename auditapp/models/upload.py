"""Uploaded tables and models."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from django.db import models

from auditapp import storage
from auditapp.models.lease import Leased
from auditapp.models.team import User, Workspace


class UploadState(models.TextChoices):
    """From the moment the bytes are here until the file is known."""

    RECEIVED = "received", "Waiting"
    CHECKING = "checking", "Checking"
    READY = "ready", "Ready"
    REFUSED = "refused", "Refused"


class Upload(Leased):
    """What data sets and models have in common."""

    WAITING, HELD, GIVEN_UP = UploadState.RECEIVED, UploadState.CHECKING, UploadState.REFUSED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="%(class)ss")
    name = models.CharField(max_length=200)
    original_name = models.CharField(max_length=255)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200, help_text="Folder, relative to DATA_DIR")
    state = models.CharField(
        max_length=10, choices=UploadState.choices, default=UploadState.RECEIVED
    )
    error = models.JSONField(null=True, blank=True)
    profile = models.JSONField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(state__in=UploadState.values), name="%(class)s_state"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """Absolute folder of the files."""
        return storage.absolute(self.path)

    @property
    def source(self) -> Path:
        """The file as it was uploaded."""
        return self.folder / "source"

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {UploadState.READY, UploadState.REFUSED}


class Dataset(Upload):
    """A table of people; ready means table.parquet and profile.json exist.

    Versions of one table share a `series`; the newest that is ready is what schedules audit.
    """

    series = models.UUIDField(default=uuid.uuid4, db_index=True, editable=False)
    rows = models.PositiveBigIntegerField(null=True, blank=True)
    simulated = models.BooleanField(default=False)
    read_options = models.JSONField(default=dict, blank=True)
    joined = models.JSONField(
        null=True, blank=True, help_text="Ids of the two data sets it is made of, and how"
    )
    made = models.JSONField(
        null=True, blank=True, help_text="How it was made, where it is no single uploaded table"
    )
    progress = models.JSONField(
        null=True, blank=True, help_text="While it is being read: text, and percent if known"
    )


class ModelFile(Upload):
    """An uploaded model."""

    class Meta(Upload.Meta):
        verbose_name = "model"
