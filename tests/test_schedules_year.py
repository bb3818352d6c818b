"""A year of monthly runs through the services, on simulated count tables."""

from __future__ import annotations

import numpy as np
import pytest

from auditapp import queue
from auditapp.models import Alert, ScheduleRun
from benchmarks.changes import Jump, Year, runs, shares
from tests.factories import Team, make_team
from tests.schedule_years import counted, make_schedule, run_with

pytestmark = pytest.mark.django_db
#: Verdicts.md section 7 item 8.
SCHEDULES, MOST = 200, 16


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setattr(queue, "send", lambda *_: True)
    return make_team()


def first_alert(team: Team, rng: np.random.Generator, year: Year) -> int | None:
    """Number of the run of a schedule's first alert of any kind."""
    schedule = make_schedule(team)
    for drawn in runs(rng, shares(), year):
        run_with(schedule, counted(drawn))
    numbers = Alert.objects.filter(schedule=schedule).values_list("run__number", flat=True)
    return min(numbers, default=None)


@pytest.mark.slow
def test_of_200_schedules_without_a_change_at_most_16_alarm_in_a_year(team: Team) -> None:
    rng = np.random.default_rng(7)
    found = [first_alert(team, rng, Year()) for _ in range(SCHEDULES)]
    assert sum(at is not None for at in found) <= MOST
    assert ScheduleRun.objects.filter(state="done").count() == SCHEDULES * 12


@pytest.mark.parametrize(
    ("group", "rows", "at"),
    [(None, 20_000, 3), (("sex", 1), 20_000, 4), (("race", 1), 4_500, 2)],
)
def test_a_jump_of_five_points_is_raised_within_two_runs(
    team: Team, group: tuple[str, int] | None, rows: int, at: int
) -> None:
    if rows < 20_000:
        rows = int(rows / shares()[1].sum())
    year = Year(rows=rows, runs=at + 1, jump=Jump(at, group=group))
    rng = np.random.default_rng(at)
    found = [first_alert(team, rng, year) for _ in range(50)]
    assert sum(number in (at, at + 1) for number in found) >= 45
