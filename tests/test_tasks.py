"""Tasks are names and ids; each calls one service."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.conf import settings

from auditapp import queue, tasks
from auditapp.celery import app
from auditapp.services import (
    deliveries,
    helpers,
    runs,
    schedule_runs,
    schedules,
    upkeep,
    uploads,
)
from auditapp.services.uploads import JOBS


def test_every_name_that_is_sent_is_a_task() -> None:
    names = {"execute_run", *JOBS.values(), deliveries.JOB, schedule_runs.JOB}
    names.add(schedules.TASK.removeprefix("auditapp."))
    names |= {entry["task"].removeprefix("auditapp.") for entry in app.conf.beat_schedule.values()}
    assert {f"auditapp.{name}" for name in names} <= set(app.tasks)


@pytest.mark.parametrize(
    ("task", "service", "name"),
    [
        (tasks.execute_run, (runs, "run_execute"), "run_id"),
        (tasks.help_study, (helpers, "study_help"), "run_id"),
        (tasks.inspect_dataset, (uploads, "dataset_inspect"), "dataset_id"),
        (tasks.inspect_model, (uploads, "model_inspect"), "model_id"),
        (tasks.run_schedule, (schedule_runs, "schedule_due"), "schedule_id"),
        (tasks.advance_schedule_run, (schedule_runs, "run_advance"), "run_id"),
        (tasks.send_delivery, (deliveries, "delivery_send"), "delivery_id"),
    ],
)
def test_a_task_calls_its_service(
    task: Any, service: tuple[Any, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(*service, lambda **arguments: calls.append(arguments))
    task("some-id")
    assert calls == [{name: "some-id"}]


def test_the_beat_tasks_call_upkeep(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(queue, "worker_seen", lambda: calls.append("seen"))
    monkeypatch.setattr(runs, "requeue_stale", lambda: calls.append("requeue"))
    monkeypatch.setattr(helpers, "tidy", lambda: calls.append("tidy"))
    monkeypatch.setattr(helpers, "invite_idle", lambda: calls.append("invite"))
    monkeypatch.setattr(upkeep, "sweep", lambda: calls.append("sweep"))
    monkeypatch.setattr(schedule_runs, "schedules_follow", lambda: calls.append("follow"))
    tasks.requeue_stale()
    tasks.sweep()
    tasks.follow_schedules()
    assert calls == ["seen", "requeue", "tidy", "invite", "sweep", "follow"]


def test_messages_are_sent_after_the_commit_only(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(queue, "send", lambda *job: sent.append(job))
    key = uuid.uuid4()
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue("execute_run", key, lane="gpu")
        assert sent == []
    assert sent == [("execute_run", str(key), "gpu")]


def test_a_message_outlives_the_longest_audit() -> None:
    options = app.conf.broker_transport_options
    assert options["visibility_timeout"] > settings.AUDIT_TIME_LIMIT
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.accept_content == ["json"]
