"""Audits that run by the clock, what they found to have changed, and who is told."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.timezone import now
from django_celery_beat.models import PeriodicTask

from auditapp.models.audit import Audit
from auditapp.models.lease import Leased
from auditapp.models.team import User, Workspace
from auditapp.models.upload import Dataset, ModelFile


class ScheduleState(models.TextChoices):
    """Whether a schedule waits for its next run."""

    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"


class Schedule(models.Model):
    """A plan, where its data come from, and when.

    `cron` has five fields and is empty where an interval (`every`, `period`) is meant. `series`
    names the data set whose newest version is audited; `source_url` is fetched at every run.
    `grows` says that each version holds all rows of the one before. `baseline` is the number of
    the first run that later ones are compared with. `history` is what C11 draws.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="schedules")
    name = models.CharField(max_length=200)
    audit_from = models.ForeignKey(
        Audit, models.SET_NULL, null=True, blank=True, related_name="schedules_made"
    )
    plan = models.JSONField()
    model = models.ForeignKey(
        ModelFile, models.SET_NULL, null=True, blank=True, related_name="schedules"
    )
    series = models.UUIDField(null=True, blank=True)
    source_url = models.CharField(max_length=2000, blank=True)
    grows = models.BooleanField(default=False)
    cron = models.CharField(max_length=200, blank=True)
    every = models.PositiveIntegerField(null=True, blank=True)
    period = models.CharField(
        max_length=10,
        blank=True,
        choices=[("minutes", "Minutes"), ("hours", "Hours"), ("days", "Days")],
    )
    timezone = models.CharField(max_length=64, default="UTC")
    state = models.CharField(
        max_length=10, choices=ScheduleState.choices, default=ScheduleState.ACTIVE
    )
    notify_email = models.BooleanField(default=True)
    periodic_task = models.OneToOneField(
        PeriodicTask, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    last_due = models.DateTimeField(default=now)
    last_number = models.PositiveIntegerField(default=0)
    last_run = models.ForeignKey(
        "ScheduleRun", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    baseline = models.PositiveIntegerField(default=1)
    baseline_at = models.DateTimeField(null=True, blank=True)
    history = models.JSONField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(state__in=ScheduleState.values), name="schedule_state"
            ),
            models.CheckConstraint(
                condition=models.Q(series__isnull=False, source_url="")
                | models.Q(series__isnull=True) & ~models.Q(source_url=""),
                name="schedule_one_source",
            ),
            models.CheckConstraint(
                condition=models.Q(every__isnull=True, period="") & ~models.Q(cron="")
                | models.Q(every__gt=0, cron="") & ~models.Q(period=""),
                name="schedule_one_clock",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether it waits for its next run."""
        return self.state == ScheduleState.ACTIVE


class ScheduleRunState(models.TextChoices):
    """Where a run of a schedule is."""

    WAITING = "waiting", "Waiting"
    WORKING = "working", "Working"
    CHECKING = "checking", "Checking the data"
    AUDITING = "auditing", "Auditing"
    DONE = "done", "Done"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"


OPEN_RUNS = (
    ScheduleRunState.WAITING,
    ScheduleRunState.WORKING,
    ScheduleRunState.CHECKING,
    ScheduleRunState.AUDITING,
)


class ScheduleRun(Leased):
    """One time that a schedule was due: the audit it led to, or why it led to none.

    `step` is what waits or is being worked on: data, audit or judge. `counts` are the people by
    group, label and decision of this run; `facts` are what the comparison with earlier runs said.
    """

    WAITING, HELD = ScheduleRunState.WAITING, ScheduleRunState.WORKING
    GIVEN_UP = ScheduleRunState.FAILED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    trigger = models.CharField(
        max_length=10,
        choices=[("due", "On time"), ("late", "Caught up"), ("now", "Started by hand")],
        default="due",
    )
    due_at = models.DateTimeField()
    missed = models.PositiveIntegerField(default=0, help_text="Due times before that were missed")
    state = models.CharField(
        max_length=10, choices=ScheduleRunState.choices, default=ScheduleRunState.WAITING
    )
    step = models.CharField(max_length=10, default="data")
    skipped = models.CharField(max_length=40, blank=True, help_text="Why, as a code")
    error = models.JSONField(null=True, blank=True)
    dataset = models.ForeignKey(
        Dataset, models.SET_NULL, null=True, blank=True, related_name="schedule_runs"
    )
    data_sha256 = models.CharField(max_length=64, blank=True)
    audit = models.OneToOneField(
        Audit, models.SET_NULL, null=True, blank=True, related_name="schedule_run"
    )
    counts = models.JSONField(null=True, blank=True)
    facts = models.JSONField(null=True, blank=True)
    started_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["schedule", "number"], name="schedule_run_number"),
            models.CheckConstraint(
                condition=models.Q(state__in=ScheduleRunState.values), name="schedule_run_state"
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.number} of {self.schedule}"

    @property
    def is_open(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in OPEN_RUNS

    @property
    def workspace(self) -> Workspace:
        """Whose it is."""
        return self.schedule.workspace


class AlertKind(models.TextChoices):
    """What somebody is told about."""

    CHANGE = "change", "Change"
    TOLERANCE = "tolerance", "Limit crossed"
    VANISHED = "vanished", "Group vanished"
    DRIFT = "drift", "Data drift"
    REWRITTEN = "rewritten", "Past rewritten"
    SOURCE = "source", "Data not fetched"
    COLUMN = "column", "Column lost"
    FAILED = "failed", "Run failed"
    LATE = "late", "Run late"


#: Alerts about the numbers: accepting one makes what is now the baseline.
ABOUT_CHANGE = (AlertKind.CHANGE, AlertKind.TOLERANCE, AlertKind.VANISHED, AlertKind.DRIFT)


class Alert(models.Model):
    """Something that changed, or a run that did not happen as it should.

    `key` names what it is about: while an alert is open nothing else is raised for its key.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="alerts")
    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="alerts")
    run = models.ForeignKey(
        ScheduleRun, models.SET_NULL, null=True, blank=True, related_name="alerts"
    )
    kind = models.CharField(max_length=10, choices=AlertKind.choices)
    key = models.CharField(max_length=200)
    title = models.CharField(max_length=300)
    detail = models.JSONField(default=dict, blank=True)
    times = models.PositiveIntegerField(default=1, help_text="Runs that said so")
    created_at = models.DateTimeField(auto_now_add=True)
    seen_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    seen_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    accepted_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["schedule", "key"],
                condition=models.Q(closed_at__isnull=True),
                name="alert_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=AlertKind.values), name="alert_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether nobody has accepted it, and it has not settled by itself."""
        return self.closed_at is None

    @property
    def can_be_accepted(self) -> bool:
        """Whether accepting it would make a new baseline."""
        return self.is_open and self.kind in ABOUT_CHANGE


class Webhook(models.Model):
    """An address that every alert of a workspace is sent to, signed with `secret`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    secret = models.CharField(max_length=64)
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at"]

    def __str__(self) -> str:
        host = self.url.partition("://")[2].partition("/")[0].partition("?")[0]
        return f"webhook to {host}"


class DeliveryState(models.TextChoices):
    """Where a message to somebody outside is."""

    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class Delivery(Leased):
    """One alert on its way to one address. `attempts` counts what was tried, `code` what came."""

    WAITING, HELD = DeliveryState.WAITING, DeliveryState.SENDING
    GIVEN_UP = DeliveryState.FAILED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=[("email", "Email"), ("webhook", "Webhook")])
    webhook = models.ForeignKey(
        Webhook, models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    address = models.CharField(max_length=254, blank=True)
    state = models.CharField(
        max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    attempts = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField(default=now)
    code = models.PositiveIntegerField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering: ClassVar[list[str]] = ["created_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "next_try"], name="delivery_due")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(state__in=DeliveryState.values), name="delivery_state"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="email", webhook__isnull=True) & ~models.Q(address="")
                | models.Q(kind="webhook", webhook__isnull=False, address=""),
                name="delivery_one_target",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} about {self.alert}"
