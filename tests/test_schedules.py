"""Schedules: made, due, caught up, skipped, followed to their audit, and never stuck."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from auditapp import queue
from auditapp.errors import AuditError
from auditapp.models import (
    Alert,
    Audit,
    Dataset,
    Event,
    Run,
    Schedule,
    ScheduleRun,
    UploadState,
)
from auditapp.services import audits, leases, runs, schedule_runs, schedules, sources
from auditapp.services.schedules import Source
from auditapp.timing import Clock
from benchmarks.changes import Year, draw, shares
from tests.factories import Team, make_dataset, make_model, make_team
from tests.schedule_years import (
    COLUMNS,
    MONTHLY,
    PLAN,
    PROFILE,
    WORDS,
    counted,
    make_schedule,
    run_with,
)

pytestmark = pytest.mark.django_db
MINUTELY = Clock(every=1, period="minutes")


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setattr(queue, "send", lambda *_: True)
    return make_team()


def version(team: Team, of: Dataset, sha256: str = "1" * 64, **fields: Any) -> Dataset:
    """A newer version of a table."""
    values = {"profile": {**PROFILE, "sha256": sha256}, "sha256": sha256, **fields}
    return make_dataset(team, series=of.series, **values)


def began(schedule: Schedule) -> ScheduleRun:
    """The run that begins five seconds after the schedule is due."""
    now, clock = timezone.now(), schedules.clock_of(schedule)
    due = clock.due_after(now)
    before = due - timedelta(seconds=1) if clock.cron else now
    Schedule.objects.filter(id=schedule.id).update(last_due=before)
    run = schedule_runs.schedule_due(schedule_id=schedule.id, now=due + timedelta(seconds=5))
    assert run is not None
    return run


def advanced(run: ScheduleRun) -> ScheduleRun:
    schedule_runs.run_advance(run_id=run.id)
    run.refresh_from_db()
    return run


def audited(run: ScheduleRun, state: str = "done", error: dict[str, Any] | None = None) -> None:
    """End the audit of a run."""
    Audit.objects.filter(id=run.audit_id).update(state=state, error=error)
    Run.objects.filter(audit=run.audit_id).update(state=state)


def codes(schedule: Schedule) -> list[str]:
    return [a.kind for a in Alert.objects.filter(schedule=schedule).order_by("created_at")]


# --- making and changing ---------------------------------------------------------------------


def test_a_schedule_has_a_task_of_beat_in_its_time_zone(team: Team) -> None:
    clock = Clock("30 6 * * 1-5", timezone="America/New_York")
    schedule = make_schedule(team, clock=clock)
    task = PeriodicTask.objects.get(name=f"schedule {schedule.id}")
    assert schedule.periodic_task == task
    assert (task.task, json.loads(task.args)) == ("auditapp.run_schedule", [str(schedule.id)])
    assert (task.crontab.minute, task.crontab.hour) == ("30", "6")
    assert str(task.crontab.timezone) == "America/New_York"
    assert task.enabled
    assert task.expire_seconds is not None
    assert schedules.clock_of(schedule) == clock


def test_an_interval_is_one_too(team: Team) -> None:
    schedule = make_schedule(team, clock=MINUTELY)
    task = schedule.periodic_task
    assert (task.interval.every, task.interval.period, task.crontab) == (1, "minutes", None)


def test_it_is_made_from_an_audit_with_its_plan_and_model(team: Team) -> None:
    model = make_model(team)
    plan = {**PLAN, "model": {"kind": "onnx", "name": "m.onnx", "sha256": "1" * 64}}
    plan.pop("decision")
    dataset = make_dataset(team, profile=PROFILE)
    audit = audits.audit_create(
        workspace=team.workspace,
        user=team.alice,
        dataset=dataset,
        model=model,
        draft={},
        title="Hiring",
    )
    Audit.objects.filter(id=audit.id).update(plan=plan, state="done")
    audit.refresh_from_db()
    schedule = make_schedule(team, plan=None, audit=audit, source=Source(dataset=dataset), name="")
    assert (schedule.name, schedule.model, schedule.audit_from) == ("Hiring", model, audit)
    assert schedule.plan["model"]["sha256"] == "1" * 64
    model.delete()
    with pytest.raises(AuditError, match="deleted"):
        make_schedule(team, plan=plan, source=Source(dataset=dataset))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"clock": Clock("x")}, "bad-cron"),
        ({"plan": None}, "no-plan"),
        ({"plan": {**PLAN, "attributes": []}}, "no-sensitive"),
        ({"source": Source()}, "no-source"),
        ({"source": Source(url="http://data.example.org/x.csv")}, "not-https"),
        ({"source": Source(url="https://data.example.org/x.csv")}, "host-not-allowed"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(
    team: Team, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(AuditError) as caught:
        make_schedule(team, **fields)
    assert caught.value.code == code
    assert not Schedule.objects.exists()


def test_somebody_elses_data_is_refused(team: Team) -> None:
    other = make_team_elsewhere(team)
    with pytest.raises(AuditError, match="no such data set"):
        make_schedule(team, source=Source(dataset=other))


def make_team_elsewhere(team: Team) -> Dataset:
    dataset = make_dataset(team)
    elsewhere = team.charlie.workspaces.get()
    Dataset.objects.filter(id=dataset.id).update(workspace=elsewhere)
    dataset.refresh_from_db()
    return dataset


def test_pausing_stops_beat_and_resuming_does_not_catch_up(team: Team) -> None:
    schedule = schedules.schedule_pause(schedule=make_schedule(team), user=team.alice)
    Schedule.objects.filter(id=schedule.id).update(last_due=timezone.now() - timedelta(days=90))
    assert not schedule.periodic_task.enabled
    assert schedule_runs.schedule_due(schedule_id=schedule.id) is None
    schedule = schedules.schedule_resume(schedule=schedule, user=team.alice)
    schedule.periodic_task.refresh_from_db()
    assert schedule.periodic_task.enabled
    assert schedule_runs.schedule_due(schedule_id=schedule.id) is None


def test_another_plan_begins_another_baseline_and_another_name_does_not(team: Team) -> None:
    schedule = make_schedule(team)
    run_with(schedule, None)
    schedule = schedules.schedule_update(schedule=schedule, user=team.alice, name="Other")
    assert (schedule.name, schedule.baseline) == ("Other", 1)
    plan = {**PLAN, "tolerance": 0.1}
    schedule = schedules.schedule_update(schedule=schedule, user=team.alice, plan=plan)
    assert schedule.baseline == 2
    clock = Clock("0 0 * * *")
    schedule = schedules.schedule_update(schedule=schedule, user=team.alice, clock=clock)
    schedule.periodic_task.refresh_from_db()
    assert schedule.periodic_task.crontab.hour == "0"


def test_deleting_leaves_no_task_behind_and_keeps_audits(team: Team) -> None:
    schedule = make_schedule(team)
    advanced(began(schedule))
    schedules.schedule_delete(schedule=schedule, user=team.alice)
    assert not PeriodicTask.objects.filter(name__startswith="schedule ").exists()
    assert Audit.objects.count() == 1
    assert schedule_runs.schedule_due(schedule_id=schedule.id) is None


def test_a_task_without_its_schedule_goes(team: Team) -> None:
    schedule = make_schedule(team)
    Schedule.objects.all().delete()
    assert schedule_runs.schedule_due(schedule_id=schedule.id) is None
    assert not PeriodicTask.objects.filter(name__startswith="schedule ").exists()


def test_everything_done_to_a_schedule_is_in_the_trail(team: Team) -> None:
    schedule = make_schedule(team)
    schedules.schedule_pause(schedule=schedule, user=team.bob)
    schedules.schedule_resume(schedule=schedule, user=team.bob)
    schedules.schedule_update(schedule=schedule, user=team.bob, name="Other")
    schedules.schedule_run_now(schedule=schedule, user=team.bob)
    schedules.schedule_delete(schedule=schedule, user=team.alice)
    found = Event.objects.filter(subject="schedule").order_by("sequence")
    assert list(found.values_list("verb", flat=True)) == [
        "created", "paused", "resumed", "changed", "run by hand", "deleted",
    ]  # fmt: skip


def test_the_trail_has_no_query_of_an_address(team: Team, settings: Any) -> None:
    settings.SOURCE_HOSTS = ["*.example.org"]
    make_schedule(team, source=Source(url="https://data.example.org/x.csv?key=hush"))
    assert "hush" not in json.dumps(Event.objects.get(subject="schedule").detail)


def test_the_database_wants_one_source_and_one_clock(team: Team) -> None:
    schedule = make_schedule(team)
    for broken in ({"source_url": "https://a.example/"}, {"every": 3, "period": "days"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Schedule.objects.filter(id=schedule.id).update(**broken)


# --- due -------------------------------------------------------------------------------------


def test_a_due_time_is_begun_once(team: Team) -> None:
    schedule = make_schedule(team)
    run = began(schedule)
    assert (run.number, run.state, run.step) == (1, "waiting", "data")
    assert schedule_runs.schedule_due(schedule_id=schedule.id) is None
    assert schedule_runs.schedules_follow() == 0
    assert ScheduleRun.objects.count() == 1


def test_a_run_on_time_is_not_late(team: Team) -> None:
    schedule = make_schedule(team, clock=MINUTELY)
    run = began(schedule)
    assert (run.trigger, run.missed) == ("due", 0)
    assert codes(schedule) == []


def test_missed_runs_are_caught_up_once_and_said(team: Team) -> None:
    schedule = make_schedule(team, clock=Clock("0 * * * *"))
    Schedule.objects.filter(id=schedule.id).update(last_due=timezone.now() - timedelta(hours=30))
    assert schedule_runs.schedules_follow() == 1
    run = ScheduleRun.objects.get()
    assert run.trigger == "late"
    assert run.missed == 29
    assert timezone.now() - run.due_at < timedelta(hours=1)
    assert codes(schedule) == ["late"]
    assert "29 times" in Alert.objects.get().title
    assert schedule_runs.schedules_follow() == 0


def test_an_overlap_is_skipped_and_said_and_the_next_run_happens(team: Team) -> None:
    schedule = make_schedule(team, clock=MINUTELY)
    first = advanced(began(schedule))
    second = began(schedule)
    assert (second.state, second.skipped) == ("skipped", "overlap")
    audited(first)
    advanced(first)
    assert first.state == "done"
    assert began(schedule).state == "waiting"


def test_run_now_works_while_paused_and_not_while_a_run_is_open(team: Team) -> None:
    schedule = schedules.schedule_pause(schedule=make_schedule(team), user=team.alice)
    run = schedules.schedule_run_now(schedule=schedule, user=team.bob)
    assert (run.trigger, run.started_by) == ("now", team.bob)
    with pytest.raises(AuditError) as caught:
        schedules.schedule_run_now(schedule=schedule, user=team.bob)
    assert caught.value.code == "run-open"


# --- to the audit ----------------------------------------------------------------------------


def test_a_run_audits_the_newest_version(team: Team) -> None:
    schedule = make_schedule(team)
    first = Dataset.objects.get()
    second = version(team, first)
    run = advanced(began(schedule))
    assert (run.state, run.dataset, run.data_sha256) == ("auditing", second, "1" * 64)
    audit = run.audit
    assert audit.title == "Hiring, run 1"
    assert audit.plan["data"]["sha256"] == "1" * 64
    assert audit.created_by == team.alice
    assert audit.runs.get().state == "queued"
    started = Event.objects.get(verb="started")
    assert started.detail["schedule"] == str(schedule.id)


def test_the_same_table_again_is_skipped_and_by_hand_it_is_not(team: Team) -> None:
    schedule = make_schedule(team)
    first = advanced(began(schedule))
    audited(first)
    advanced(first)
    second = advanced(began(schedule))
    assert (second.state, second.skipped) == ("skipped", "same-data")
    by_hand = advanced(schedules.schedule_run_now(schedule=schedule, user=team.alice))
    assert by_hand.state == "auditing"
    assert codes(schedule) == []


def test_the_next_audit_is_compared_with_the_last_one_unless_the_table_grows(team: Team) -> None:
    for grows in (False, True):
        source = Source(dataset=make_dataset(team, profile=PROFILE), grows=grows)
        schedule = make_schedule(team, source=source)
        first = advanced(began(schedule))
        audited(first)
        advanced(first)
        version(team, source.dataset)
        second = advanced(began(schedule))
        assert second.audit.previous == (None if grows else first.audit)


def test_a_version_that_is_being_checked_is_waited_for(team: Team) -> None:
    schedule = make_schedule(team)
    newer = version(team, Dataset.objects.get(), state=UploadState.CHECKING)
    run = advanced(began(schedule))
    assert (run.state, run.dataset) == ("checking", newer)
    assert not schedule_runs.run_follow(run_id=run.id)
    Dataset.objects.filter(id=newer.id).update(state=UploadState.READY)
    assert schedule_runs.schedules_follow() == 1
    assert advanced(run).audit.dataset == newer


def test_a_version_that_was_refused_is_said_and_the_next_run_happens(team: Team) -> None:
    schedule = make_schedule(team)
    first = Dataset.objects.get()
    error = AuditError("ragged-rows", "Row 7 has 3 fields.", "Export it again.").as_dict()
    bad = version(team, first, state=UploadState.REFUSED, error=error)
    run = advanced(began(schedule))
    assert (run.state, run.error["code"]) == ("failed", "ragged-rows")
    assert codes(schedule) == ["source"]
    assert "Row 7" in Alert.objects.get().title
    bad.delete()
    version(team, first, sha256="2" * 64)
    assert advanced(began(schedule)).state == "auditing"


def test_a_lost_column_is_said_once_and_settles_with_the_next_run(team: Team) -> None:
    schedule = make_schedule(team)
    first = Dataset.objects.get()
    lost = {**PROFILE, "columns": [c for c in COLUMNS if c["name"] != "race"], "sha256": "1" * 64}
    version(team, first, profile=lost)
    for _ in range(2):
        run = advanced(began(schedule))
        assert (run.state, run.error["code"]) == ("failed", "unknown-column")
    alert = Alert.objects.get()
    assert (alert.kind, alert.times, alert.is_open) == ("column", 2, True)
    assert "“race”" in alert.title
    assert not Audit.objects.exists()
    version(team, first, sha256="2" * 64)
    run = advanced(began(schedule))
    audited(run)
    assert advanced(run).state == "done"
    alert.refresh_from_db()
    assert not alert.is_open


def test_an_audit_that_failed_fails_the_run_with_its_words(team: Team) -> None:
    schedule = make_schedule(team)
    run = advanced(began(schedule))
    error = AuditError("one-class", "All labels are alike.", "Check the column.").as_dict()
    audited(run, "failed", error)
    run = advanced(run)
    assert (run.state, run.error["code"]) == ("failed", "one-class")
    assert codes(schedule) == ["failed"]


@pytest.mark.parametrize("how", ["cancelled", "deleted"])
def test_an_audit_that_somebody_stopped_is_no_alert(team: Team, how: str) -> None:
    schedule = make_schedule(team)
    run = advanced(began(schedule))
    if how == "cancelled":
        audited(run, "cancelled")
    else:
        Audit.objects.all().delete()
    run = advanced(run)
    assert (run.state, run.skipped, codes(schedule)) == ("skipped", "cancelled", [])


def test_a_deleted_table_is_said(team: Team) -> None:
    schedule = make_schedule(team)
    Dataset.objects.all().delete()
    run = advanced(began(schedule))
    assert (run.state, run.error["code"]) == ("failed", "no-data")


# --- never stuck -----------------------------------------------------------------------------


def test_a_worker_that_vanished_in_a_step_is_followed(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = make_schedule(team)
    run = began(schedule)
    for losses in (1, 2, 3):
        assert leases.claim(ScheduleRun, run.id) is not None
        past = timezone.now() - timedelta(seconds=1)
        ScheduleRun.objects.filter(id=run.id).update(lease_until=past)
        assert schedule_runs.schedules_follow() == 1
        run.refresh_from_db()
        assert run.losses == losses
    assert (run.state, run.error["code"]) == ("failed", "worker-lost")
    assert codes(schedule) == ["source"]
    assert began(schedule).state == "waiting"


def test_a_message_that_was_lost_is_sent_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = began(make_schedule(team))
    sent: list[Any] = []
    monkeypatch.setattr(queue, "send", lambda *job: sent.append(job) or True)
    schedule_runs.schedules_follow()
    assert sent == []
    ScheduleRun.objects.update(queued_at=timezone.now() - timedelta(minutes=2))
    schedule_runs.schedules_follow()
    schedule_runs.schedules_follow()
    assert sent == [(schedule_runs.JOB, str(run.id))]


def test_one_broken_schedule_keeps_no_other_from_its_run(team: Team) -> None:
    broken, fine = make_schedule(team), make_schedule(team)
    past = timezone.now() - timedelta(days=31)
    Schedule.objects.filter(id=broken.id).update(timezone="Nowhere/Else", last_due=past)
    Schedule.objects.filter(id=fine.id).update(last_due=past)
    assert schedule_runs.schedules_follow() == 1
    assert ScheduleRun.objects.get().schedule == fine


def test_an_unforeseen_error_ends_the_run_with_a_reference(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "latest", lambda **_: 1 / 0)
    schedule = make_schedule(team)
    run = advanced(began(schedule))
    assert (run.state, run.error["code"]) == ("failed", "internal")
    assert "ZeroDivision" not in json.dumps(run.error)


def test_a_whole_run_goes_through_the_services(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit's own process is replaced; what it would count is written beside its report."""
    from pathlib import Path

    from auditapp import sandbox
    from metrics.count import count
    from metrics.groups import Attribute

    rng = np.random.default_rng(0)

    def run_child(_target: str, payload: dict[str, Any], **_: Any) -> dict[str, Any]:
        out = Path(payload["out"])
        out.mkdir()
        sex = Attribute("sex", ("men", "women"), rng.integers(0, 2, 2_000))
        race = Attribute("race", ("a", "b", "c"), rng.integers(0, 3, 2_000))
        count([sex, race], decision=rng.integers(0, 2, 2_000), intersections=1).save(
            out / "counts.npz"
        )
        levels = {"sex": sex.levels, "race": race.levels}
        (out / "counts.json").write_text(json.dumps({**WORDS, "levels": levels}))
        return {"hash": "a" * 64, "summary": None, "pages": 1}

    monkeypatch.setattr(sandbox, "run_child", run_child)
    schedule = make_schedule(team)
    first = Dataset.objects.get()
    for number in (1, 2, 3):
        version(team, first, sha256=str(number) * 64)
        run = advanced(began(schedule))
        runs.run_execute(run_id=run.audit.runs.get().id)
        run = advanced(run)
        assert (run.state, run.facts["rows"]) == ("done", 2_000)
    schedule.refresh_from_db()
    assert schedule.last_run == run
    assert [item["number"] for item in schedule.history["runs"]] == [1, 2, 3]
    assert len(schedule.history["streams"]) == 5
    assert run.facts["scan"]["k"] == 5


def test_versions_share_name_series_and_how_they_are_read(team: Team) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    first = make_dataset(team, read_options={"delimiter": ";"}, simulated=True)
    file = SimpleUploadedFile("new.csv", b"a\n1\n")
    second = sources.version_receive(of=first, user=team.bob, file=file)
    second.refresh_from_db()
    assert (second.series, second.name) == (first.series, first.name)
    assert (second.read_options, second.simulated) == ({"delimiter": ";"}, True)
    assert sources.latest(workspace=team.workspace, series=first.series) == second
    assert sources.newest(workspace=team.workspace, series=first.series) == first
    other = make_dataset(team)
    assert other.series != first.series


def test_monthly_is_what_the_year_is_made_of() -> None:
    assert MONTHLY.times_a_year() == 12
    assert counted(draw(np.random.default_rng(0), shares(), 100), Year()).n == 100
