"""When something is due: cron or an interval, in a time zone. Pure; nothing is stored here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from celery.schedules import ParseException, crontab_parser

from auditapp.errors import AuditError

#: A leap year and eight more: 29 February may be that far away.
FURTHEST_DAYS = 366 * 9
YEAR = timedelta(days=365)
#: Due times that were missed are counted up to here.
MOST_MISSED = 10_000
PERIODS = ("minutes", "hours", "days")
_FIELDS = (
    ("minute", 60, 0), ("hour", 24, 0), ("day of month", 31, 1), ("month", 12, 1),
    ("day of week", 7, 0),
)  # fmt: skip


@dataclass(frozen=True)
class Clock:
    """Either five fields of cron, or every so many minutes, hours or days.

    A day has to match both the day of month and the day of week, as in Celery.
    """

    cron: str = ""
    every: int | None = None
    period: str = ""
    timezone: str = "UTC"

    def check(self) -> None:
        """Refuse what is no clock.

        Raises
        ------
        AuditError
            ``bad-timezone``, ``bad-interval``, ``bad-cron`` or ``never-due``; `where` names the
            field.
        """
        if self.timezone not in available_timezones():
            raise AuditError(
                "bad-timezone",
                f"There is no time zone “{self.timezone}”.",
                "Write a name such as Europe/Berlin or UTC.",
                where="timezone",
            )
        if self.cron:
            _ = self._fields
            if next(self._days(datetime.now(self._zone).date()), None) is None:
                raise AuditError(
                    "never-due",
                    f"“{self.cron}” never comes true.",
                    "Choose a day that exists in one of the months.",
                    where="cron",
                )
            return
        # A number of this size is no date any more.
        known = self.period in PERIODS and self.every is not None and 0 < self.every < 10**6
        if not known or self._step > timedelta(days=366):
            raise AuditError(
                "bad-interval",
                "No cron expression and no interval says when the audit is due.",
                "Choose an interval from one minute to 366 days, or write a cron expression.",
                where="every",
            )

    def due_after(self, after: datetime) -> datetime:
        """The first time that is due after `after`."""
        return next(self._times(after))

    def latest_due(self, *, after: datetime, now: datetime) -> datetime | None:
        """The last time in (after, now] that was due; None where none was."""
        if not self.cron:
            steps = (now - after) // self._step
            return after + steps * self._step if steps > 0 else None
        for day in self._days(now.astimezone(self._zone).date(), back=True):
            if day < after.astimezone(self._zone).date():
                return None
            for moment in reversed(self._of(day)):
                if after < moment <= now:
                    return moment
        return None

    def missed(self, *, after: datetime, until: datetime) -> int:
        """How many due times lie strictly between the two, up to 10,000."""
        if not self.cron:
            return max(0, min(-((after - until) // self._step) - 1, MOST_MISSED))
        found = 0
        for moment in islice(self._times(after), MOST_MISSED):
            if moment >= until:
                break
            found += 1
        return found

    def times_a_year(self) -> int:
        """Due times in a year, at least one."""
        if not self.cron:
            return max(1, YEAR // self._step)
        minutes, hours = self._fields[:2]
        first = date(2027, 1, 1)
        days = sum(1 for _ in self._days(first, furthest=YEAR.days))
        return max(1, days * len(hours) * len(minutes))

    @property
    def words(self) -> str:
        """When it is due, as a page says it."""
        if not self.cron:
            unit = self.period.removesuffix("s")
            return f"every {unit}" if self.every == 1 else f"every {self.every} {self.period}"
        from cron_descriptor import get_description

        return f"{get_description(self.cron)} ({self.timezone})"

    @cached_property
    def parts(self) -> dict[str, str]:
        """The five fields by Celery's names."""
        names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        return dict(zip(names, self.cron.split(), strict=True))

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def _step(self) -> timedelta:
        return timedelta(**{self.period: self.every or 0})

    @cached_property
    def _fields(self) -> list[list[int]]:
        texts = self.cron.split()
        if len(texts) != len(_FIELDS):
            raise _bad_cron(self.cron, f"It has {len(texts)} fields, not five.")
        out = []
        for text, (name, size, low) in zip(texts, _FIELDS, strict=True):
            try:
                found = sorted(crontab_parser(size, low).parse(text.lower()))
            except (ParseException, ValueError) as error:
                raise _bad_cron(self.cron, f"“{text}” is no {name}.") from error
            if not found or found[0] < low or found[-1] >= low + size:
                raise _bad_cron(self.cron, f"“{text}” is no {name}.")
            out.append(found)
        return out

    def _times(self, after: datetime) -> Iterator[datetime]:
        if not self.cron:
            at = after
            while True:
                at += self._step
                yield at
        for day in self._days(after.astimezone(self._zone).date()):
            for moment in self._of(day):
                if moment > after:
                    yield moment

    def _days(
        self, first: date, *, back: bool = False, furthest: int = FURTHEST_DAYS
    ) -> Iterator[date]:
        _, _, days, months, weekdays = self._fields
        for k in range(furthest):
            day = first + timedelta(days=-k if back else k)
            fits = day.day in days and day.month in months
            if fits and day.isoweekday() % 7 in weekdays:
                yield day

    def _of(self, day: date) -> list[datetime]:
        """Due times of a day; an hour that summer time leaves out comes an hour later."""
        minutes, hours = self._fields[:2]
        local = (
            datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone)
            for hour in hours
            for minute in minutes
        )
        return sorted({moment.astimezone(UTC) for moment in local})


def _bad_cron(cron: str, why: str) -> AuditError:
    return AuditError(
        "bad-cron",
        f"“{cron}” is no cron expression. {why}",
        "Write minute, hour, day of month, month and day of week (0 is Sunday), such as"
        " “0 6 * * 1”.",
        where="cron",
    )
