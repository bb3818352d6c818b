"""Celery tasks: fetch by id, call one service."""

from __future__ import annotations

from auditapp import queue
from auditapp.celery import app
from auditapp.services import (
    comparisons,
    copies,
    deliveries,
    finals,
    helpers,
    runs,
    schedule_runs,
    upkeep,
    uploads,
)


@app.task(name="auditapp.inspect_dataset")  # type: ignore[untyped-decorator]
def inspect_dataset(key: str) -> None:
    """Profile an uploaded table."""
    uploads.dataset_inspect(dataset_id=key)


@app.task(name="auditapp.inspect_model")  # type: ignore[untyped-decorator]
def inspect_model(key: str) -> None:
    """Look at an uploaded model."""
    uploads.model_inspect(model_id=key)


@app.task(name="auditapp.execute_run")  # type: ignore[untyped-decorator]
def execute_run(key: str) -> None:
    """Do the work of a run."""
    runs.run_execute(run_id=key)


@app.task(name="auditapp.write_edition")  # type: ignore[untyped-decorator]
def write_edition(key: str) -> None:
    """Write the files of a report in another status."""
    finals.edition_write(edition_id=key)


@app.task(name="auditapp.make_copy")  # type: ignore[untyped-decorator]
def make_copy(key: str) -> None:
    """Make a copy of a report without small cells."""
    copies.copy_make(copy_id=key)


@app.task(name="auditapp.make_comparison")  # type: ignore[untyped-decorator]
def make_comparison(key: str) -> None:
    """Compare two audits."""
    comparisons.comparison_make(comparison_id=key)


@app.task(name="auditapp.help_study")  # type: ignore[untyped-decorator]
def help_study(key: str) -> None:
    """Share the searches of a run while nothing else waits."""
    helpers.study_help(run_id=key)


@app.task(name="auditapp.run_schedule")  # type: ignore[untyped-decorator]
def run_schedule(key: str) -> None:
    """Begin the run of a schedule that is due."""
    schedule_runs.schedule_due(schedule_id=key)


@app.task(name="auditapp.advance_schedule_run")  # type: ignore[untyped-decorator]
def advance_schedule_run(key: str) -> None:
    """Do what a run of a schedule is ready for."""
    schedule_runs.run_advance(run_id=key)


@app.task(name="auditapp.send_delivery")  # type: ignore[untyped-decorator]
def send_delivery(key: str) -> None:
    """Send an alert to one address."""
    deliveries.delivery_send(delivery_id=key)


@app.task(name="auditapp.follow_schedules")  # type: ignore[untyped-decorator]
def follow_schedules() -> None:
    """Catch up and move on what schedules left standing."""
    schedule_runs.schedules_follow()


@app.task(name="auditapp.requeue_stale")  # type: ignore[untyped-decorator]
def requeue_stale() -> None:
    """Free what vanished workers held."""
    queue.worker_seen()
    runs.requeue_stale()
    helpers.tidy()
    helpers.invite_idle()


@app.task(name="auditapp.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Tidy up."""
    upkeep.sweep()
