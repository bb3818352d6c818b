"""A schedule: which data, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.errors import AuditError
from auditapp.forms.clock import HOWS, WEEK, clock_of, zones
from auditapp.models import Dataset
from auditapp.services.schedules import Source
from auditapp.services.sources import source_check
from auditapp.timing import PERIODS, Clock

SOURCES = (
    ("series", gettext_lazy("The newest version of a table here")),
    ("url", gettext_lazy("A file behind an HTTPS address")),
)
#: Fields that a choice of the clock needs, beside the time zone.
NEEDS = {
    "interval": ("every", "period"),
    "daily": ("at",),
    "weekly": ("weekday", "at"),
    "monthly": ("day", "at"),
    "cron": ("cron",),
}
MISSING = {
    "every": gettext_lazy("Enter how many minutes, hours or days"),
    "period": gettext_lazy("Choose minutes, hours or days"),
    "at": gettext_lazy("Enter a time such as 06:00"),
    "weekday": gettext_lazy("Choose a day of the week"),
    "day": gettext_lazy("Enter a day of the month from 1 to 28"),
    "cron": gettext_lazy("Enter a cron expression such as 0 6 * * 1"),
}


class ClockForm(forms.Form):
    """When it is due."""

    how = forms.ChoiceField(
        label=gettext_lazy("When it runs"),
        choices=HOWS,
        initial="weekly",
        widget=forms.RadioSelect,
    )
    every = forms.IntegerField(
        label=gettext_lazy("Every"),
        required=False,
        min_value=1,
        initial=1,
        widget=forms.NumberInput(attrs={"class": "input narrow-input"}),
    )
    period = forms.ChoiceField(
        label=gettext_lazy("Unit"),
        required=False,
        initial="days",
        choices=[(p, p) for p in PERIODS],
    )
    weekday = forms.ChoiceField(
        label=gettext_lazy("Day of the week"), required=False, choices=WEEK, initial="1"
    )
    day = forms.IntegerField(
        label=gettext_lazy("Day of the month"),
        required=False,
        min_value=1,
        max_value=28,
        initial=1,
        widget=forms.NumberInput(attrs={"class": "input narrow-input"}),
    )
    at = forms.TimeField(
        label=gettext_lazy("Time"),
        required=False,
        initial="06:00",
        input_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.TimeInput(
            format="%H:%M", attrs={"type": "time", "class": "input narrow-input"}
        ),
    )
    cron = forms.CharField(
        label=gettext_lazy("Cron expression"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Minute, hour, day of month, month, day of week; 0 is Sunday."),
        widget=forms.TextInput(attrs={"class": "input mono", "autocomplete": "off"}),
    )
    timezone = forms.ChoiceField(label=gettext_lazy("Time zone"), initial="UTC")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["timezone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name.replace("_", " ")) for name in zones()]
        for name in ("period", "weekday", "timezone"):
            self.fields[name].widget.attrs["class"] = "input"

    def clean(self) -> dict[str, Any]:
        """Only the fields of the choice count."""
        data: dict[str, Any] = super().clean() or {}
        how = data.get("how")
        if how is None:
            return data
        for name in {n for needed in NEEDS.values() for n in needed} - set(NEEDS[how]):
            self.errors.pop(name, None)
        for name in NEEDS[how]:
            if name not in self.errors and data.get(name) in (None, ""):
                self.add_error(name, MISSING[name])
        if not any(name in self.errors for name in (*NEEDS[how], "timezone")):
            self._check(data)
        return data

    def _check(self, data: dict[str, Any]) -> None:
        clock = clock_of(data)
        try:
            clock.check()
        except AuditError as error:
            self.add_error(error.where if error.where in self.fields else "how", str(error))
        else:
            self.clock: Clock = clock


class ScheduleForm(ClockForm):
    """Everything about a schedule but its plan."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        help_text=gettext_lazy("Alerts and mails begin with it."),
        widget=forms.TextInput(attrs={"class": "input"}),
        error_messages={"required": gettext_lazy("Enter a name")},
    )
    source = forms.ChoiceField(
        label=gettext_lazy("Which data"),
        choices=SOURCES,
        initial="series",
        widget=forms.RadioSelect,
    )
    series = forms.ChoiceField(label=gettext_lazy("Table"), required=False)
    url = forms.CharField(
        label=gettext_lazy("Address"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy(
            "Fetched at every run; it has to begin with https:// and be public."
        ),
        widget=forms.TextInput(
            attrs={"class": "input", "inputmode": "url", "autocomplete": "off"}
        ),
    )
    grows = forms.BooleanField(label=gettext_lazy("The table only grows"), required=False)
    notify_email = forms.BooleanField(
        label=gettext_lazy("Send alerts by email"), required=False, initial=True
    )

    def __init__(self, *args: Any, tables: Sequence[Dataset], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tables = tables
        field = self.fields["series"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(row.series), row.name) for row in tables]
        field.widget.attrs["class"] = "input"
        self.order_fields(["name", "source", "series", "url", "grows", *ClockForm.base_fields])

    def clean(self) -> dict[str, Any]:
        """The source that was chosen has to be there."""
        data = super().clean()
        if data.get("source") == "series":
            self.errors.pop("url", None)
            if "series" not in self.errors and not data.get("series"):
                self.add_error("series", _("Choose a table"))
        elif data.get("source") == "url":
            self.errors.pop("series", None)
            self._check_url(data)
        return data

    def _check_url(self, data: dict[str, Any]) -> None:
        if not data.get("url"):
            self.add_error("url", _("Enter an address that begins with https://"))
            return
        try:
            source_check(data["url"])
        except AuditError as error:
            self.add_error("url", str(error))

    def chosen(self) -> Source:
        """Where the data come from."""
        data = self.cleaned_data
        if data["source"] == "url":
            return Source(url=data["url"], grows=data["grows"])
        table = next(row for row in self.tables if str(row.series) == data["series"])
        return Source(dataset=table, grows=data["grows"])


class WebhookForm(forms.Form):
    """Where alerts are sent."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        help_text=gettext_lazy(
            "A public HTTPS address. Each alert is sent there as JSON by POST."
        ),
        widget=forms.TextInput(
            attrs={"class": "input", "inputmode": "url", "autocomplete": "off"}
        ),
        error_messages={"required": gettext_lazy("Enter an address that begins with https://")},
    )
