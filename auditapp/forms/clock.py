"""When a schedule is due: choices in plain words, and the cron expression they stand for."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.timing import Clock

DAYS = (
    gettext_lazy("Sunday"),
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
)
WEEK = tuple((str(k % 7), DAYS[k % 7]) for k in range(1, 8))
HOWS = (
    ("interval", gettext_lazy("At an interval")),
    ("daily", gettext_lazy("Every day")),
    ("weekly", gettext_lazy("Every week")),
    ("monthly", gettext_lazy("Every month")),
    ("cron", gettext_lazy("By a cron expression")),
)
_PLAIN = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|[0-6])")


def zones() -> list[str]:
    """Names of time zones that people know, UTC first."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/",
             "Pacific/")  # fmt: skip
    return ["UTC", *sorted(name for name in available_timezones() if name.startswith(areas))]


def clock_of(data: dict[str, Any]) -> Clock:
    """The clock that the fields of a form describe."""
    how, zone = data["how"], data["timezone"]
    if how == "interval":
        return Clock(every=data["every"], period=data["period"], timezone=zone)
    if how == "cron":
        return Clock(cron=" ".join(data["cron"].split()), timezone=zone)
    at = data["at"]
    day = str(data["day"]) if how == "monthly" else "*"
    weekday = data["weekday"] if how == "weekly" else "*"
    return Clock(cron=f"{at.minute} {at.hour} {day} * {weekday}", timezone=zone)


def fields_of(clock: Clock) -> dict[str, Any]:
    """What the form shows for a clock."""
    if not clock.cron:
        return {"how": "interval", "every": clock.every, "period": clock.period}
    plain = _PLAIN.fullmatch(clock.cron)
    if plain is None or (plain[3] != "*" and plain[4] != "*"):
        return {"how": "cron", "cron": clock.cron}
    shown = {"at": f"{int(plain[2]):02d}:{int(plain[1]):02d}", "cron": clock.cron}
    if plain[3] != "*":
        return shown | {"how": "monthly", "day": int(plain[3])}
    if plain[4] != "*":
        return shown | {"how": "weekly", "weekday": plain[4]}
    return shown | {"how": "daily"}


def words(clock: Clock) -> str:
    """When it is due, in plain words with the time zone."""
    shown = fields_of(clock)
    if shown["how"] == "interval":
        return clock.words
    if shown["how"] == "cron":
        return _("by “{cron}”, {timezone}").format(cron=clock.cron, timezone=clock.timezone)
    on = {
        "daily": _("every day"),
        "weekly": _("every {days}").format(days=DAYS[int(shown.get("weekday", 0))]),
        "monthly": _("on day {value} of every month").format(value=shown.get("day")),
    }[shown["how"]]
    return _("{on} at {at}, {timezone}").format(on=on, at=shown["at"], timezone=clock.timezone)
