"""Pages of schedules, alerts and webhooks."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Schedule, ScheduleRun, User, Webhook
from auditapp.services.schedule_charts import history_draw
from tests.factories import Team, make_team
from tests.schedule_pages import (
    finished,
    make_alert,
    make_history,
    make_runs,
    make_schedule,
    make_webhook,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(user: User, name: str, *args: Any, query: str = "", **headers: str) -> str:
    response = client_of(user).get(reverse(name, args=args) + query, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def answers(audit: Any, **changes: str) -> dict[str, str]:
    return {
        "audit": str(audit.id), "name": "Weekly", "source": "series",
        "series": str(audit.dataset.series), "how": "weekly", "weekday": "1", "at": "06:00",
        "every": "", "day": "", "cron": "", "period": "days", "timezone": "Europe/Berlin",
        "notify_email": "on", **changes,
    }  # fmt: skip


def test_without_a_schedule_the_page_teaches_what_one_is(team: Team) -> None:
    assert "An audit that repeats itself" in page(team.alice, "schedules")
    assert reverse("audit-new") in page(team.alice, "schedules")
    finished(team)
    assert reverse("schedule-new") in page(team.alice, "schedules")
    assert reverse("schedule-new") not in page(team.vera, "schedules")


def test_a_finished_audit_is_chosen_first(team: Team) -> None:
    assert "No audit here is finished yet" in page(team.alice, "schedule-new")
    audit = finished(team)
    assert f"?audit={audit.id}" in page(team.alice, "schedule-new")
    form = page(team.alice, "schedule-new", query=f"?audit={audit.id}")
    assert audit.report_id in form
    assert "Every Monday at 06:00, UTC" in form


def test_a_schedule_is_made_from_plain_words(team: Team) -> None:
    audit = finished(team)
    client = client_of(team.bob)
    response = client.post(reverse("schedule-new"), answers(audit))
    made = Schedule.objects.get()
    assert response["Location"] == reverse("schedule-detail", args=[made.id])
    assert (made.cron, made.timezone, made.series) == (
        "0 6 * * 1",
        "Europe/Berlin",
        audit.dataset.series if audit.dataset else None,
    )
    shown = page(team.bob, "schedule-detail", made.id)
    assert "Every Monday at 06:00, Europe/Berlin" in shown
    assert shown.count("Mon ") >= 3


@pytest.mark.parametrize(
    ("changes", "clock"),
    [
        ({"how": "interval", "every": "2", "period": "hours"}, ("", 2, "hours")),
        ({"how": "daily"}, ("0 6 * * *", None, "")),
        ({"how": "monthly", "day": "15", "at": "23:30"}, ("30 23 15 * *", None, "")),
        ({"how": "cron", "cron": " */5  * * * * "}, ("*/5 * * * *", None, "")),
    ],
)
def test_every_way_of_saying_when(
    team: Team, changes: dict[str, str], clock: tuple[str, int | None, str]
) -> None:
    client_of(team.alice).post(reverse("schedule-new"), answers(finished(team), **changes))
    made = Schedule.objects.get()
    assert (made.cron, made.every, made.period) == clock
    form = page(team.alice, "schedule-edit", made.id)
    assert f'value="{changes["how"]}" id="id_how_' in form


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Enter a name"),
        ({"how": "interval", "every": ""}, "Enter how many"),
        ({"how": "daily", "at": ""}, "Enter a time"),
        ({"how": "cron", "cron": "1 2 3"}, "not five"),
        ({"how": "cron", "cron": "0 0 31 2 *"}, "never comes true"),
        ({"timezone": "Nowhere/None"}, "Nowhere/None"),
        ({"source": "url", "url": "http://example.org/a.csv"}, "http:"),
        ({"source": "url", "url": ""}, "https://"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    team: Team, changes: dict[str, str], words: str
) -> None:
    response = client_of(team.alice).post(
        reverse("schedule-new"), answers(finished(team), **changes)
    )
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Schedule.objects.exists()


def test_the_next_times_of_a_form_are_in_its_zone(team: Team) -> None:
    query = "?how=daily&at=06:00&timezone=Asia/Tokyo"
    shown = page(team.alice, "schedule-times", query=query)
    assert shown.count(", 06:00") == 3
    assert "Asia/Tokyo" in shown
    assert "Fill in when" in page(team.alice, "schedule-times", query="?how=daily")


def test_a_schedule_shows_what_came_of_each_run(team: Team) -> None:
    audit = finished(team)
    schedule = make_schedule(team, audit)
    assert "It has not run yet" in page(team.vera, "schedule-detail", schedule.id)
    make_runs(schedule, audit)
    shown = page(team.alice, "schedule-detail", schedule.id)
    for words in (
        "The run before was still going on.",
        "Column “sex” is not in the table any more.",
        "Upload a version that has it.",
        "caught up, 2 due times missed",
        "The audit runs",
        "First run: later ones are compared with it.",
        reverse("audit", args=[audit.id]),
    ):
        assert words in shown, words
    assert "Run now" not in page(team.vera, "schedule-detail", schedule.id)
    part = page(team.alice, "schedule-detail", schedule.id, **{"HX-Request": "true"})
    assert "<!doctype" not in part
    listed = page(team.alice, "schedules")
    assert "Europe/Berlin" in listed
    assert "Difference found" in listed


def test_the_history_is_drawn_by_a_worker_and_stands_in_a_table(team: Team) -> None:
    schedule = make_schedule(team)
    Schedule.objects.filter(id=schedule.id).update(history=make_history([-0.1, -0.11, -0.25]))
    shown = page(team.alice, "schedule-detail", schedule.id)
    assert "Selection rate: gaps by Sex" in shown
    assert "−25.0" in shown
    assert "<path" not in shown.partition("history-card")[2].partition("</section>")[0]
    history_draw(schedule_id=schedule.id)
    shown = page(team.alice, "schedule-detail", schedule.id)
    assert shown.partition("history-card")[2].partition("</section>")[0].count("<svg") == 2


def test_one_run_makes_no_history(team: Team) -> None:
    schedule = make_schedule(team)
    Schedule.objects.filter(id=schedule.id).update(history=make_history([-0.1]))
    history_draw(schedule_id=schedule.id)
    assert "history-card" not in page(team.alice, "schedule-detail", schedule.id)


def test_pause_resume_and_run_now(team: Team) -> None:
    schedule = make_schedule(team)
    client = client_of(team.bob)
    client.post(reverse("schedule-pause", args=[schedule.id]))
    assert "None while it is paused" in page(team.bob, "schedule-detail", schedule.id)
    client.post(reverse("schedule-resume", args=[schedule.id]))
    assert client.post(reverse("schedule-run-now", args=[schedule.id])).status_code == 302
    assert ScheduleRun.objects.get().trigger == "now"
    again = client.post(reverse("schedule-run-now", args=[schedule.id]))
    assert again.status_code == 409
    assert "is open already" in again.content.decode()


def test_change_and_delete(team: Team) -> None:
    audit = finished(team)
    schedule = make_schedule(team, audit)
    client = client_of(team.alice)
    client.post(
        reverse("schedule-edit", args=[schedule.id]), answers(audit, how="daily", name="Daily")
    )
    schedule.refresh_from_db()
    assert (schedule.name, schedule.cron) == ("Daily", "0 6 * * *")
    assert "cannot be undone" in page(team.alice, "schedule-delete", schedule.id)
    client.post(reverse("schedule-delete", args=[schedule.id]))
    assert not Schedule.objects.exists()


def test_alerts_are_seen_and_accepted(team: Team) -> None:
    assert "there is none here yet" in page(team.alice, "alerts")
    schedule = make_schedule(team)
    assert "No schedule has anything to tell" in page(team.alice, "alerts")
    alert, other = make_alert(schedule), make_alert(schedule, "source")
    shown = page(team.alice, "alerts")
    assert alert.title in shown
    assert shown.count(">Accept<") == 1
    assert ">Accept<" not in page(team.vera, "alerts")
    client = client_of(team.bob)
    client.post(reverse("alert-seen", args=[other.id]), {"next": "https://evil.example/"})
    assert "Seen by Bob" in page(team.bob, "alerts")
    client.post(reverse("alert-accept", args=[alert.id]))
    assert alert.title not in page(team.bob, "alerts")
    assert "Accepted by Bob" in page(team.bob, "alerts", query="?show=over")
    schedule.refresh_from_db()
    assert schedule.baseline == 2


def test_a_secret_is_shown_once_and_to_owners_only(team: Team) -> None:
    client = client_of(team.alice)
    made = client.post(reverse("webhooks"), {"url": "https://hooks.example.org/in?key=abc"})
    secret = Webhook.objects.get().secret
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    shown = page(team.alice, "webhooks")
    assert secret not in shown
    assert "key=abc" not in shown
    refused = client.post(reverse("webhooks"), {"url": "http://hooks.example.org/"})
    assert refused.status_code == 422
    assert client_of(team.bob).get(reverse("webhooks")).status_code == 403


def test_a_webhook_is_switched_and_deleted(team: Team) -> None:
    hook = make_webhook(team)
    client = client_of(team.alice)
    client.post(reverse("webhook-switch", args=[hook.id]))
    assert "Switch on" in page(team.alice, "webhooks")
    assert "key=secret" not in page(team.alice, "webhook-delete", hook.id)
    client.post(reverse("webhook-delete", args=[hook.id]))
    assert not Webhook.objects.exists()
