"""Due times: cron and intervals, in time zones, caught up and counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery import schedules as celery_schedules
from hypothesis import given, settings
from hypothesis import strategies as st

from auditapp.errors import AuditError
from auditapp.timing import Clock

NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
MONDAYS = Clock("0 6 * * 1", timezone="Europe/Berlin")


def test_a_cron_is_due_at_its_local_time() -> None:
    assert MONDAYS.due_after(NOON) == datetime(2026, 3, 23, 5, tzinfo=UTC)
    # Summer time began on 29 March.
    after = datetime(2026, 3, 24, tzinfo=UTC)
    assert MONDAYS.due_after(after) == datetime(2026, 3, 30, 4, tzinfo=UTC)


def test_an_hour_that_summer_time_leaves_out_comes_later() -> None:
    clock = Clock("30 2 * * *", timezone="Europe/Berlin")
    day = datetime(2026, 3, 29, tzinfo=UTC) - timedelta(hours=1)
    assert clock.due_after(day) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_the_latest_due_time_is_found_and_the_others_are_counted() -> None:
    after = NOON - timedelta(days=30)
    latest = MONDAYS.latest_due(after=after, now=NOON)
    assert latest == datetime(2026, 3, 16, 5, tzinfo=UTC)
    assert MONDAYS.missed(after=after, until=latest) == 3
    assert MONDAYS.latest_due(after=latest, now=NOON) is None


def test_an_interval_keeps_its_beat() -> None:
    clock = Clock(every=15, period="minutes")
    now = NOON + timedelta(minutes=47)
    assert clock.latest_due(after=NOON, now=now) == NOON + timedelta(minutes=45)
    assert clock.missed(after=NOON, until=NOON + timedelta(minutes=45)) == 2
    assert clock.due_after(NOON) == NOON + timedelta(minutes=15)
    assert clock.latest_due(after=NOON, now=NOON + timedelta(minutes=14)) is None


def test_years_without_a_worker_are_no_trouble() -> None:
    clock = Clock("* * * * *")
    after = NOON - timedelta(days=900)
    assert clock.latest_due(after=after, now=NOON) == NOON
    assert clock.missed(after=after, until=NOON) == 10_000


@pytest.mark.parametrize(
    ("clock", "times"),
    [
        (Clock("0 6 1 * *"), 12),
        (Clock("0 6 * * 1"), 52),
        (Clock("0 6 * * *"), 365),
        (Clock("0 6,18 * * *"), 730),
        (Clock("0 0 29 2 *"), 1),
        (Clock(every=30, period="days"), 12),
        (Clock(every=1, period="minutes"), 525_600),
        (Clock(every=366, period="days"), 1),
    ],
)
def test_times_a_year(clock: Clock, times: int) -> None:
    clock.check()
    assert clock.times_a_year() == times


@pytest.mark.parametrize(
    ("clock", "code", "where"),
    [
        (Clock("61 * * * *"), "bad-cron", "cron"),
        (Clock("* * *"), "bad-cron", "cron"),
        (Clock("0 0 * * 7"), "bad-cron", "cron"),
        (Clock("0 0 0 * *"), "bad-cron", "cron"),
        (Clock("0 0 31 2 *"), "never-due", "cron"),
        (Clock("a b c d e"), "bad-cron", "cron"),
        (Clock(), "bad-interval", "every"),
        (Clock(every=0, period="days"), "bad-interval", "every"),
        (Clock(every=367, period="days"), "bad-interval", "every"),
        (Clock(every=10**30, period="days"), "bad-interval", "every"),
        (Clock(every=5, period="weeks"), "bad-interval", "every"),
        (Clock("0 0 * * *", timezone="Mars"), "bad-timezone", "timezone"),
    ],
)
def test_what_is_no_clock_is_refused_by_field(clock: Clock, code: str, where: str) -> None:
    with pytest.raises(AuditError) as caught:
        clock.check()
    assert (caught.value.code, caught.value.where) == (code, where)


def test_a_clock_in_words() -> None:
    assert Clock(every=1, period="hours").words == "every hour"
    assert Clock(every=2, period="days").words == "every 2 days"
    assert MONDAYS.words == "At 06:00 AM, only on Monday (Europe/Berlin)"


@settings(max_examples=40, deadline=None)
@given(
    minute=st.integers(0, 59), hour=st.integers(0, 23), weekday=st.sampled_from(["*", "1-5", "0"]),
    day=st.sampled_from(["*", "1", "1,15", "31"]), minutes=st.integers(0, 500_000),
)  # fmt: skip
def test_cron_is_due_when_beat_says_so(
    minute: int, hour: int, weekday: str, day: str, minutes: int
) -> None:
    clock = Clock(f"{minute} {hour} {day} * {weekday}")
    now = NOON + timedelta(minutes=minutes)
    beat = celery_schedules.crontab(
        minute=str(minute), hour=str(hour), day_of_week=weekday, day_of_month=day,
        nowfun=lambda: now,
    )  # fmt: skip
    last, left, _ = beat.remaining_delta(now)
    assert clock.due_after(now) == (last + left).replace(tzinfo=UTC)
