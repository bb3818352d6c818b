"""Alerts: raised once for what changed, accepted, settled, mailed and signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from auditapp import outward, queue
from auditapp.errors import AuditError
from auditapp.models import Alert, AlertKind, Delivery, Event, Schedule, ScheduleRun, Webhook
from auditapp.pipeline import overtime
from auditapp.services import alerts, deliveries, schedules
from auditapp.services.deliveries import BACK_OFF, delivery_send, webhook_create
from auditapp.services.schedules import Source
from auditapp.timing import Clock
from benchmarks.changes import Jump, Year, draw, moved, shares
from metrics.change_tables import RunTables
from tests.factories import Team, make_dataset, make_team
from tests.schedule_years import PLAN, PROFILE, counted, make_schedule, run_with
from tests.web_targets import hangs, says, serve

pytestmark = pytest.mark.django_db
BIG = Jump(1, points=0.09)


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setattr(queue, "send", lambda *_: True)
    return make_team()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def run_of(
    rng: np.random.Generator, points: float = 0.0, group: Any = None, rows: int = 20_000
) -> RunTables:
    """People of one run, with a jump of so many points."""
    return counted(draw(rng, moved(shares(), Jump(1, points, group)), rows))


def growing(team: Team, **fields: Any) -> Schedule:
    source = Source(dataset=make_dataset(team, profile=PROFILE), grows=True)
    return make_schedule(team, source=source, **fields)


def only(schedule: Schedule) -> Alert:
    return Alert.objects.get(schedule=schedule)


# --- changes ---------------------------------------------------------------------------------


def test_a_change_is_raised_once_dated_and_counted_no_more(
    team: Team, rng: np.random.Generator
) -> None:
    schedule = make_schedule(team)
    for _ in range(4):
        run_with(schedule, run_of(rng))
    assert not Alert.objects.exists()
    for _ in range(3):
        run_with(schedule, run_of(rng, 0.09, ("sex", 1)))
    alert = only(schedule)
    assert alert.run.number == 5
    assert alert.detail["baseline"] == 5
    first = alert.detail["streams"][0]
    assert (first["label"], first["since"]) == ("women (Sex)", 5)
    assert first["low"] < first["change"] < first["high"]
    assert alert.title.startswith("The gap of women (Sex) to all others in selection rate went")
    assert Event.objects.filter(subject="alert", verb="raised").count() == 1


def test_a_gap_that_crosses_the_limit_is_called_that(team: Team, rng: np.random.Generator) -> None:
    schedule = make_schedule(team)
    even = np.asarray(shares().mean(axis=(0, 1)) / 18)
    flat = np.broadcast_to(even, shares().shape) / even.sum() / 18
    for _ in range(3):
        run_with(schedule, counted(draw(rng, flat, 20_000)))
    apart = moved(np.array(flat), Jump(1, 0.12, ("sex", 1)))
    run_with(schedule, counted(draw(rng, apart, 20_000)))
    alert = only(schedule)
    assert alert.kind == AlertKind.TOLERANCE
    assert "beyond the limit of 5 points" in alert.title


def test_accepting_begins_a_baseline_at_the_change(team: Team, rng: np.random.Generator) -> None:
    schedule = make_schedule(team)
    for points in (0, 0, 0, 0.09, 0.09):
        run_with(schedule, run_of(rng, points))
    alert = alerts.alert_accept(alert=only(schedule), user=team.bob)
    schedule.refresh_from_db()
    assert (schedule.baseline, alert.accepted_by, alert.is_open) == (4, team.bob, False)
    with pytest.raises(AuditError, match="cannot be accepted"):
        alerts.alert_accept(alert=alert, user=team.bob)
    run = run_with(schedule, run_of(rng, 0.09))
    assert run.facts["baseline"] == 4
    assert run.facts["runs"] == 3
    run_with(schedule, run_of(rng, 0.0))
    assert Alert.objects.filter(schedule=schedule, closed_at=None).count() == 1
    assert Event.objects.get(subject="alert", verb="accepted").user == team.bob


def test_what_the_same_change_did_elsewhere_joins_its_alert(
    team: Team, rng: np.random.Generator
) -> None:
    schedule = make_schedule(team)
    for points in (0, 0, 0, 0.05, 0.05, 0.05, 0.05, 0.05):
        run_with(schedule, run_of(rng, points, ("sex", 1)))
    alert = only(schedule)
    labels = [item["label"] for item in alert.detail["streams"]]
    assert len(labels) > 1
    assert len(set(alert.detail["keys"])) == len(labels)
    assert alert.times == 5


def test_another_group_that_changes_later_is_another_alert(
    team: Team, rng: np.random.Generator
) -> None:
    schedule = make_schedule(team)
    for _ in range(3):
        run_with(schedule, run_of(rng))
    both = moved(shares(), Jump(1, 0.12, ("race", 1)))
    for _ in range(2):
        run_with(schedule, counted(draw(rng, both, 20_000)))
    later = moved(both, Jump(1, 0.12, ("sex", 1)))
    for _ in range(2):
        run_with(schedule, counted(draw(rng, later, 20_000)))
    keys = [set(a.detail["keys"]) for a in Alert.objects.order_by("created_at")]
    assert len(keys) >= 2
    assert not keys[0] & keys[1]


def test_seeing_an_alert_keeps_who_saw_it_first(team: Team, rng: np.random.Generator) -> None:
    schedule = make_schedule(team)
    for points in (0, 0.1):
        run_with(schedule, run_of(rng, points))
    alert = alerts.alert_see(alert=only(schedule), user=team.vera)
    assert alerts.alert_see(alert=alert, user=team.bob).seen_by == team.vera


def test_one_open_alert_for_one_key(team: Team) -> None:
    schedule = make_schedule(team)
    first = alerts.alert_raise(schedule=schedule, kind="rewritten", detail={})
    again = alerts.alert_raise(schedule=schedule, kind="rewritten", detail={})
    assert (first.id, again.times) == (again.id, 2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.create(
            workspace=team.workspace, schedule=schedule, kind="rewritten", key="rewritten"
        )
    Alert.objects.update(closed_at=timezone.now())
    assert alerts.alert_raise(schedule=schedule, kind="rewritten", detail={}).id != first.id


# --- the data --------------------------------------------------------------------------------


def test_other_people_in_the_data_are_drift(team: Team, rng: np.random.Generator) -> None:
    schedule = make_schedule(team)
    for _ in range(3):
        run_with(schedule, run_of(rng))
    cells = shares().copy()
    cells[:, 1] *= 1.3
    for _ in range(2):
        run_with(schedule, counted(draw(rng, cells / cells.sum(), 20_000)))
    alert = Alert.objects.get(kind=AlertKind.DRIFT)
    assert alert.run.number == 4
    assert "groups of Sex" in alert.title
    assert alert.can_be_accepted


def test_a_group_that_vanished_is_said_and_settles_when_it_is_back(
    team: Team, rng: np.random.Generator
) -> None:
    schedule = make_schedule(team)
    for _ in range(2):
        run_with(schedule, run_of(rng))
    gone = run_of(rng)
    gone.tables["race"][6] = 0
    run_with(schedule, gone)
    alert = Alert.objects.get(kind=AlertKind.VANISHED)
    assert alert.title == "Nobody of race 5 (Race) is in run 3"
    run_with(schedule, run_of(rng))
    alert.refresh_from_db()
    assert not alert.is_open


def test_a_new_group_is_no_alert_but_a_fact(team: Team, rng: np.random.Generator) -> None:
    schedule = make_schedule(team)
    first = run_of(rng)
    words = first.levels["sex"]
    run_with(schedule, first)
    more = run_of(rng)
    more.levels["sex"] = (*words, "other")
    extra = np.zeros((1, 3, 4), dtype=np.int64)
    extra[0, 1, 1:3] = 100
    more.tables["sex"] = np.concatenate([more.tables["sex"], extra])
    run = run_with(schedule, more)
    assert run.facts["new"] == [{"by": ["sex"], "group": {"sex": "other"}, "rows": 200}]
    assert not Alert.objects.filter(kind="vanished").exists()


def test_a_growing_table_is_tested_on_its_new_rows(team: Team, rng: np.random.Generator) -> None:
    schedule = growing(team)
    total = run_of(rng)
    run = run_with(schedule, total)
    assert run.facts["rows"] == 20_000
    for points in (0, 0, 0.09):
        total = total + run_of(rng, points)
        run = run_with(schedule, total)
        assert run.facts["rows"] == 20_000
    assert only(schedule).run.number == 4
    same = run_with(schedule, total)
    assert same.facts["undefined"] == "no-new-rows"


def test_a_rewritten_past_is_stated_and_not_tested(team: Team, rng: np.random.Generator) -> None:
    schedule = growing(team)
    total = run_of(rng)
    run_with(schedule, total)
    run = run_with(schedule, run_of(rng, rows=21_000))
    assert (run.facts["undefined"], run.facts["scan"]) == ("past-rewritten", None)
    alert = only(schedule)
    assert alert.kind == AlertKind.REWRITTEN
    latest = overtime.from_json(run.counts["total"])
    run = run_with(schedule, latest + run_of(rng))
    assert run.facts["undefined"] is None
    assert run.facts["rows"] == 20_000
    alert.refresh_from_db()
    assert not alert.is_open


def test_the_same_table_by_hand_is_no_new_evidence(team: Team, rng: np.random.Generator) -> None:
    schedule = make_schedule(team)
    run_with(schedule, run_of(rng), sha256="a" * 64)
    run = run_with(schedule, run_of(rng, 0.2), sha256="a" * 64)
    assert run.facts["undefined"] == "same-data"
    assert not Alert.objects.exists()
    run = run_with(schedule, run_of(rng), sha256="b" * 64)
    assert run.facts["runs"] == 2


def test_an_audit_that_keeps_no_counts_ends_all_the_same(team: Team) -> None:
    run = run_with(make_schedule(team), None)
    assert (run.state, run.facts) == ("done", {"undefined": "not-counted"})


def test_other_columns_begin_anew(team: Team, rng: np.random.Generator) -> None:
    schedule = make_schedule(team)
    run_with(schedule, run_of(rng))
    full = run_of(rng)
    run = run_with(schedule, RunTables({"sex": full.levels["sex"]}, {"sex": full.tables["sex"]}))
    assert run.facts["undefined"] == "first-run"


# --- long histories --------------------------------------------------------------------------


def test_a_new_year_has_a_new_budget_with_the_last_as_its_first_run(
    team: Team, rng: np.random.Generator
) -> None:
    schedule = make_schedule(team, clock=Clock("0 0 1 */4 *"))
    for _ in range(4):
        run = run_with(schedule, run_of(rng))
    assert run.facts["scan"]["looks"] == 3
    assert run.facts["runs"] == 4
    for _ in range(2):
        run = run_with(schedule, run_of(rng, 0.09))
    assert only(schedule).detail["baseline"] == 5


def test_very_many_runs_are_pooled_and_nothing_is_lost(
    team: Team, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overtime, "MOST", 5)
    schedule = make_schedule(team, clock=Clock(every=1, period="hours"))
    for number in range(1, 10):
        run = run_with(schedule, run_of(rng, rows=2_000))
        assert run.facts["runs"] == number
    assert run.counts["pool"]["runs"] == 4
    assert overtime.from_json(run.counts["pool"]["counts"]).n == 8_000
    before = next(s for s in run.facts["scan"]["streams"] if s["by"] == [])
    assert before["before"]["denominator"] + before["after"]["denominator"] == 18_000
    for _ in range(2):
        run = run_with(schedule, run_of(rng, 0.3, rows=2_000))
    alert = Alert.objects.get(kind="change")
    assert alert.detail["baseline"] == 10
    alerts.alert_accept(alert=alert, user=team.alice)
    run = run_with(schedule, run_of(rng, 0.3, rows=2_000))
    assert (run.facts["baseline"], run.counts["pool"]) == (10, None)


def test_the_history_marks_where_changes_began(team: Team, rng: np.random.Generator) -> None:
    schedule = make_schedule(team)
    for points in (0, 0, 0.09, 0.09):
        run_with(schedule, run_of(rng, points))
    schedule.refresh_from_db()
    history = schedule.history
    everybody = next(s for s in history["streams"] if s["by"] == [])
    assert [p["changed"] for p in everybody["points"]] == [False, False, True, False]
    assert [r["number"] for r in history["runs"]] == [1, 2, 3, 4]
    assert everybody["points"][3]["since_first"]["low"] > 0
    json.dumps(history, allow_nan=False)


# --- mail ------------------------------------------------------------------------------------


def told(team: Team, **fields: Any) -> Alert:
    schedule = make_schedule(team, **fields)
    return alerts.alert_raise(schedule=schedule, kind="rewritten", detail={})


def send_all() -> None:
    for key in Delivery.objects.values_list("id", flat=True):
        delivery_send(delivery_id=key)


def test_owners_and_auditors_get_a_mail(team: Team, settings: Any) -> None:
    settings.EMAIL_SET = True
    told(team, name="Hiring\r\nBcc: x@example.org")
    send_all()
    assert sorted(m.to[0] for m in mail.outbox) == ["alice@example.org", "bob@example.org"]
    message = mail.outbox[0]
    assert message.subject.startswith("Hiring")
    assert "\n" not in message.subject
    assert "Rows of earlier versions changed" in message.body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    send_all()
    assert len(mail.outbox) == 2


def test_without_a_mail_server_or_wish_there_is_no_mail(team: Team, settings: Any) -> None:
    told(team)
    settings.EMAIL_SET = True
    told(team, notify_email=False)
    assert not Delivery.objects.exists()


def test_a_mail_server_that_fails_is_tried_again(
    team: Team, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_SET = True

    def broken(*_: Any, **__: Any) -> int:
        raise ConnectionRefusedError("smtp://user:word@mail")

    told(team)
    with monkeypatch.context() as patch:
        patch.setattr(deliveries.EmailMessage, "send", broken)
        send_all()
    row = Delivery.objects.first()
    assert (row.state, row.attempts, row.error["code"]) == ("waiting", 1, "mail-server")
    assert "word" not in json.dumps(row.error)
    Delivery.objects.update(next_try=timezone.now())
    send_all()
    assert len(mail.outbox) == 2


# --- webhooks --------------------------------------------------------------------------------


def hooked(team: Team, settings: Any, origin: str) -> Webhook:
    settings.TRUSTED_TARGETS = [origin]
    return webhook_create(workspace=team.workspace, user=team.alice, url=f"{origin}/in?k=1")


def test_a_webhook_is_signed_and_says_what_happened(team: Team, settings: Any) -> None:
    with serve(says(b"ok", status=202)) as server:
        webhook = hooked(team, settings, server.origin)
        alert = told(team)
        send_all()
    (seen,) = server.seen
    stamp, signed = (
        part.partition("=")[2] for part in seen["headers"]["Evenhand-Signature"].split(",")
    )
    expected = hmac.new(
        webhook.secret.encode(), f"{stamp}.".encode() + seen["body"], hashlib.sha256
    )
    assert hmac.compare_digest(signed, expected.hexdigest())
    assert abs(int(stamp) - time.time()) < 60
    body = json.loads(seen["body"])
    assert (body["event"], body["id"]) == ("alert.rewritten", str(alert.id))
    assert body["schedule"]["name"] == "Hiring"
    assert seen["path"] == "/in?k=1"
    row = Delivery.objects.get()
    assert (row.state, row.code, row.attempts) == ("sent", 202, 1)
    assert seen["headers"]["Evenhand-Delivery"] == str(row.id)


def test_a_target_that_hangs_is_left_and_tried_again_until_given_up(
    team: Team, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "WEBHOOK_SECONDS", 0.3)
    over, began = threading.Event(), time.monotonic()
    with serve(hangs(over)) as server:
        hooked(team, settings, server.origin)
        told(team)
        for tried in range(len(BACK_OFF) + 1):
            before = timezone.now()
            send_all()
            row = Delivery.objects.get()
            assert row.attempts == tried + 1
            assert row.error["code"] == "too-slow"
            if tried < len(BACK_OFF):
                wait = (row.next_try - before).total_seconds()
                assert row.state == "waiting"
                assert BACK_OFF[tried] <= wait < BACK_OFF[tried] + 30
            Delivery.objects.update(next_try=timezone.now())
        over.set()
    assert row.state == "failed"
    assert time.monotonic() - began < 20
    send_all()
    assert Delivery.objects.get().attempts == len(BACK_OFF) + 1


@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_any_other_answer_is_a_failure_and_redirects_are_not_followed(
    status: int, team: Team, settings: Any
) -> None:
    with serve(says(b"", status=status, Location="https://127.0.0.1:1/")) as server:
        hooked(team, settings, server.origin)
        told(team)
        send_all()
    row = Delivery.objects.get()
    assert (row.state, row.code, len(server.seen)) == ("waiting", status, 1)


def test_nothing_is_tried_before_its_time(team: Team, settings: Any) -> None:
    with serve(says(b"", status=500)) as server:
        hooked(team, settings, server.origin)
        told(team)
        send_all()
        send_all()
    assert len(server.seen) == 1


def test_a_webhook_reaches_no_private_address(
    team: Team, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outward, "resolve", lambda _: ["10.0.0.7"])
    webhook_create(workspace=team.workspace, user=team.alice, url="https://hooks.example.org/x")
    told(team)
    send_all()
    assert Delivery.objects.get().error["code"] == "private-address"
    with pytest.raises(AuditError, match="https"):
        webhook_create(workspace=team.workspace, user=team.alice, url="http://hooks.example.org/")


def test_the_follower_sends_what_is_due_and_frees_what_was_lost(
    team: Team, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    hooked(team, settings, "http://127.0.0.1:9")
    told(team)
    monkeypatch.setattr(queue, "send", lambda _name, key, *_: sent.append(key) or True)
    deliveries.deliveries_follow()
    assert sent == []
    past = timezone.now() - timedelta(minutes=5)
    Delivery.objects.update(state="sending", lease_until=past, queued_at=past)
    deliveries.deliveries_follow()
    row = Delivery.objects.get()
    assert (row.state, row.losses, sent) == ("waiting", 1, [str(row.id)])


def test_webhooks_can_be_switched_off_and_deleted(team: Team, settings: Any) -> None:
    webhook = hooked(team, settings, "http://127.0.0.1:9")
    deliveries.webhook_set(webhook=webhook, user=team.alice, active=False)
    told(team)
    assert not Delivery.objects.exists()
    deliveries.webhook_delete(webhook=webhook, user=team.alice)
    assert not Webhook.objects.exists()
    verbs = Event.objects.filter(subject="webhook").order_by("sequence")
    assert list(verbs.values_list("verb", flat=True)) == ["created", "switched off", "deleted"]
    assert webhook.secret not in json.dumps(list(verbs.values_list("detail", "name")))


def test_a_workspace_has_so_many_webhooks_and_no_more(team: Team, settings: Any) -> None:
    for _ in range(deliveries.MOST_WEBHOOKS):
        webhook = hooked(team, settings, "http://127.0.0.1:9")
    with pytest.raises(AuditError, match="already"):
        hooked(team, settings, "http://127.0.0.1:9")
    assert len(webhook.secret) == 64


def test_every_kind_of_alert_has_words() -> None:
    from auditapp.services import alert_words

    assert set(alert_words._TITLES) == set(AlertKind)
    late = {"first_due": "2026-01-01T06:00:00+00:00", "missed": 1, "run": 2}
    assert "one time before run 2" in alert_words.title("late", late)
    assert alert_words.group_name({"x": "a" * 200}, {})[0:58] == "a" * 58


def test_plans_of_other_kinds_of_outcome_are_scheduled_too(team: Team) -> None:
    plan = {**PLAN, "outcome": "multiclass", "goal": "macro-recall"}
    plan["decision"] = {"column": "hired", "favourable": []}
    try:
        schedule = make_schedule(team, plan=plan)
    except AuditError as error:
        assert error.code == "unknown-goal"
        return
    assert run_with(schedule, None).state == "done"
    assert schedules.clock_of(schedule).times_a_year() == 12
    assert ScheduleRun.objects.count() == 1
    assert Year().runs == 12
