"""A schedule over a growing table with nothing replaced: checked, audited, counted, compared."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from auditapp import queue
from auditapp.datasets.simulated import acs_like
from auditapp.models import Alert, Dataset, Schedule, ScheduleRun
from auditapp.services import runs, schedule_runs, schedules, sources, uploads
from auditapp.services.schedules import Source
from tests.factories import make_team
from tests.schedule_years import MONTHLY

PLAN: dict[str, Any] = {
    "data": {"name": "", "sha256": "", "bytes": 0, "rows": 0},
    "model": {"kind": "columns"},
    "attributes": [{"column": "SEX", "title": "Sex"}],
    "decision": {"column": "decision", "favourable": ["yes"]},
    "skip": ["subgroups", "pid", "bounds", "strata", "levels", "references", "numerics"],
    "draws": 100,
}


def table(months: int) -> SimpleUploadedFile:
    """Everybody up to a month; in the third month nobody is refused any more."""
    people = acs_like(2000 * months, seed=5)
    chosen = people["score"] >= np.where(np.arange(len(people)) < 4000, 0.5, 0.2)
    people["decision"] = np.where(chosen, "yes", "no")
    text = io.StringIO()
    people[["SEX", "decision"]].to_csv(text, index=False)
    return SimpleUploadedFile("people.csv", text.getvalue().encode())


@pytest.mark.slow
@pytest.mark.django_db
def test_three_runs_over_a_growing_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda *_: True)
    team = make_team()
    first = uploads.dataset_receive(workspace=team.workspace, user=team.alice, file=table(1))
    schedule = schedules.schedule_create(
        workspace=team.workspace, user=team.alice, name="Hiring", clock=MONTHLY, plan=PLAN,
        source=Source(dataset=first, grows=True),
    )  # fmt: skip
    for month in (1, 2, 3):
        if month > 1:
            sources.version_receive(of=first, user=team.alice, file=table(month))
        Schedule.objects.update(last_due=timezone.now() - timedelta(days=32))
        run = schedule_runs.schedule_due(schedule_id=schedule.id)
        assert run is not None
        schedule_runs.run_advance(run_id=run.id)
        assert ScheduleRun.objects.get(id=run.id).state == "checking"
        newest = Dataset.objects.order_by("-created_at")[0]
        uploads.dataset_inspect(dataset_id=newest.id)
        schedule_runs.run_advance(run_id=run.id)
        run.refresh_from_db()
        assert run.state == "auditing", run.error
        runs.run_execute(run_id=run.audit.runs.get().id)
        schedule_runs.run_advance(run_id=run.id)
        run.refresh_from_db()
        assert run.state == "done", run.error
        assert run.facts["rows"] == 2000
    alert = Alert.objects.get(kind__in=("change", "tolerance"))
    assert alert.detail["baseline"] == 3
    assert run.audit.report.folder.joinpath("counts.npz").is_file()
