"""Schedules to test with, and their runs from simulated count tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from auditapp.models import Schedule, ScheduleRun
from auditapp.services import judging, leases, schedule_runs, schedules
from auditapp.services.schedules import Source
from auditapp.timing import Clock
from benchmarks.changes import Year
from metrics.cells import Counts
from metrics.change_tables import RunTables
from tests.factories import Team, make_dataset

MONTHLY = Clock(cron="0 6 1 * *")
PLAN: dict[str, Any] = {
    "data": {"name": "people.csv", "sha256": "0" * 64, "bytes": 7, "rows": 3},
    "model": {"kind": "columns"},
    "attributes": [{"column": "sex", "title": "Sex"}, {"column": "race", "title": "Race"}],
    "decision": {"column": "hired", "favourable": ["1"]},
}
COLUMNS = [{"name": name} for name in ("sex", "race", "hired")]
PROFILE: dict[str, Any] = {
    "schema": "evenhand/profile/1", "name": "people.csv", "bytes": 7, "sha256": "0" * 64,
    "format": "csv", "read": {}, "rows": 3, "columns": COLUMNS, "notices": [],
    "recognised": None,
}  # fmt: skip
WORDS: dict[str, Any] = {
    "titles": {"sex": "Sex", "race": "Race"}, "metrics": ["selection-rate"],
    "tolerance": 0.05, "floor": 30, "denominator_floor": 10,
}  # fmt: skip
START = datetime(2026, 1, 1, 6, tzinfo=UTC)


def make_schedule(team: Team, **fields: Any) -> Schedule:
    """A monthly schedule over a data set."""
    values: dict[str, Any] = {"name": "Hiring", "clock": MONTHLY, "plan": PLAN, **fields}
    if "source" not in values:
        values["source"] = Source(dataset=make_dataset(team, profile=PROFILE))
    return schedules.schedule_create(workspace=team.workspace, user=team.alice, **values)


def counted(drawn: dict[str, Counts], year: Year | None = None) -> RunTables:
    """Simulated counts as a run keeps them."""
    levels = (Year() if year is None else year).levels
    return RunTables({name: levels[name] for name in drawn}, drawn)


def run_with(
    schedule: Schedule, tables: RunTables | None, *, sha256: str = "", **words: Any
) -> ScheduleRun:
    """One run of a schedule whose audit counted these tables."""
    month = timedelta(days=30 * schedule.runs.count())
    run = schedule_runs.run_create(schedule=schedule, due_at=START + month)
    held = leases.claim(ScheduleRun, run.id)
    assert held is not None
    if sha256:
        ScheduleRun.objects.filter(id=run.id).update(data_sha256=sha256)
        held.refresh_from_db()
    judging.counts_take(run=held, tables=tables, words={**WORDS, **words})
    held.refresh_from_db()
    return held
