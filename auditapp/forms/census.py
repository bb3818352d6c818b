"""Choosing or writing a task for a Census table, and asking for files of the Census."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.datasets.lookup import unknown_column
from auditapp.errors import AuditError
from auditapp.folktables import Task, bridge, find
from auditapp.folktables.census import FIRST_YEAR, HORIZONS, Wanted, wanted
from auditapp.folktables.nodes import columns_of
from auditapp.folktables.tasks import LONGEST_NAME, make

Json = dict[str, Any]
OWN = "own"
MODES = [
    (
        "corrected",
        gettext_lazy("Corrected"),
        gettext_lazy("Blanks stay blank. Where the target asks about a blank there is no label."),
    ),
    (
        "compatible",
        gettext_lazy("As the folktables package"),
        gettext_lazy("Blanks become 0 and blank targets negative: repeats published numbers."),
    ),
]
RECORDS = [("person", gettext_lazy("Persons")), ("housing", gettext_lazy("Housing units"))]
MOST_STATES = 52
OWN_FIELDS = ("name", "title", "target", "filter", "features", "group")
#: Left out of the features on request, as `auditapp.folktables.apply` does.
SENSITIVE = frozenset({"RAC1P", "SEX", "AGEP"})
_PLACE = re.compile(r"(\w+)(?: (\d+))?(?:, .*)?")


class TaskForm(forms.Form):
    """One of the eight tasks as far as the table has its columns, or a task of one's own."""

    choice = forms.ChoiceField(
        label=gettext_lazy("Task"),
        error_messages={"required": gettext_lazy("Choose a task, or write one of your own")},
    )
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=LONGEST_NAME)
    title = forms.CharField(
        label=gettext_lazy("The positive class in words"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("Such as: more than 40 hours a week."),
    )
    target = forms.CharField(
        label=gettext_lazy("Positive where"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("A condition on columns: WKHP > 40, or ESR in {1, 2}."),
    )
    filter = forms.CharField(
        label=gettext_lazy("Rows to keep"),
        required=False,
        help_text=gettext_lazy(
            "One condition on each line, and every row meets all: 18 <= AGEP < 65."
        ),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    features = forms.CharField(
        label=gettext_lazy("Features"),
        required=False,
        help_text=gettext_lazy("Columns a model sees, separated by spaces, commas or lines."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    group = forms.CharField(
        label=gettext_lazy("Groups"),
        required=False,
        help_text=gettext_lazy("The column whose groups are compared."),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Blank cells"),
        choices=[(slug, words) for slug, words, _ in MODES],
        required=False,
        initial="corrected",
        widget=forms.RadioSelect,
    )
    drop_sensitive = forms.BooleanField(
        label=gettext_lazy("Leave race, sex and age out of the features"), required=False
    )
    adjinc = forms.BooleanField(label=gettext_lazy("Multiply dollars by ADJINC"), required=False)

    def __init__(self, *args: Any, profile: Json, made: Json | None = None, **kwargs: Any) -> None:
        self.columns: list[Json] = profile["columns"]
        self.names = [str(column["name"]) for column in self.columns]
        self.states: list[Json] = (profile.get("survey") or {}).get("tasks") or []
        self.task: Task | None = None
        self.caret, self.caret_field = "", ""
        super().__init__(*args, initial=_initial(made, self.states), **kwargs)
        self.fields["choice"].choices = [
            *((state["name"], state["name"]) for state in self.states if _possible(state)),
            (OWN, _("A task of your own")),
        ]
        if "ADJINC" not in {name.upper() for name in self.names}:
            del self.fields["adjinc"]
        for name in ("target", "filter", "features", "group", "name"):
            attrs = self.fields[name].widget.attrs
            attrs |= {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
        for name in ("target", "filter", "features", "group"):
            self.fields[name].widget.attrs["class"] = "mono"
        self.fields["group"].widget.attrs["list"] = "task-columns"

    def clean(self) -> Json:
        """Make the task, or say under which field it cannot be made."""
        data: Json = super().clean() or {}
        chosen = data.get("choice")
        if chosen == OWN:
            self._own(data)
        elif chosen:
            self.task = find(chosen)
        if self.task is not None and data.get("drop_sensitive"):
            gone = {*SENSITIVE, self.task.group.upper()}
            if all(name.upper() in gone for name in self.task.features):
                words = _("Every feature of {name} is sensitive, so none would be left").format(
                    name=self.task.name
                )
                self.add_error("drop_sensitive", words)
        return data

    def left_out(self) -> list[str]:
        """Features of a task of the catalogue that the table has not."""
        if self.task is None or self.cleaned_data["choice"] == OWN:
            return []
        return list(bridge.missing(self.task, self.names))

    def how(self) -> Json:
        """How blanks, dollars and sensitive features are treated."""
        data = self.cleaned_data
        return {
            "mode": data.get("mode") or "corrected",
            "adjinc": bool(data.get("adjinc")),
            "drop_sensitive": bool(data.get("drop_sensitive")),
            "common_codes": False,
        }

    def _own(self, data: Json) -> None:
        given = {name: str(data.get(name) or "").strip() for name in OWN_FIELDS}
        given["group"] = given["group"] or "RAC1P"
        if not given["target"]:
            self.add_error("target", _("Write when a row is positive: WKHP > 40"))
        if not given["name"]:
            self.add_error("name", _("Give the task a name"))
        if self.errors:
            return
        try:
            task = make(given)
        except AuditError as error:
            self._say(error)
            return
        reads = {
            "target": columns_of(task.positive),
            "features": task.features,
            "group": (task.group,),
        }
        for i, condition in enumerate(task.conditions, start=1):
            self._known("filter", columns_of(condition), _("Line {i}: ").format(i=i))
        for field, names in reads.items():
            self._known(field, names)
        if not self.errors:
            self.task = task

    def _known(self, field: str, names: tuple[str, ...], lead: str = "") -> None:
        """Refuse columns that the table has under no name, with those that come close."""
        found = bridge.sources(names, self.names)
        for name in names:
            if name not in found:
                error = unknown_column(name, self.names)
                self.add_error(field, f"{lead}{error.message} {error.hint}")
                return

    def _say(self, error: AuditError) -> None:
        """Put what `make` says under the field that it is about."""
        place = _PLACE.fullmatch(error.where)
        field = place[1] if place is not None and place[1] in self.fields else None
        lead = _("Line {place}: ").format(place=place[2]) if place is not None and place[2] else ""
        self.add_error(field, f"{lead}{error.message} {error.hint}".strip())
        self.caret = error.code_block if field in {"target", "filter"} else ""
        self.caret_field = field if field is not None else ""


class LoadForm(forms.Form):
    """States, year and kind of the files that are to be loaded."""

    states = forms.CharField(
        label=gettext_lazy("States"),
        help_text=gettext_lazy("Postal codes or names, separated by commas: CA, New York."),
        error_messages={"required": gettext_lazy("Name at least one state")},
    )
    year = forms.TypedChoiceField(label=gettext_lazy("Survey year"), coerce=int)
    horizon = forms.ChoiceField(
        label=gettext_lazy("Period"),
        choices=[
            (HORIZONS[0], gettext_lazy("1 year")),
            (HORIZONS[1], gettext_lazy("5 years, ending in that year")),
        ],
    )
    record = forms.ChoiceField(label=gettext_lazy("Rows are"), choices=RECORDS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        last = datetime.now(UTC).year - 1
        self.fields["year"].choices = [(y, str(y)) for y in range(last, FIRST_YEAR - 1, -1)]
        self.fields["year"].initial = min(2018, last)
        for name in ("year", "horizon", "record"):
            self.fields[name].widget.attrs["class"] = "input"
        self.wanted: list[Wanted] = []

    def clean(self) -> Json:
        """Read the states; every error stands under the field it is about."""
        data: Json = super().clean() or {}
        names = [part.strip() for part in str(data.get("states") or "").split(",")]
        names = list(dict.fromkeys(name for name in names if name))
        if len(names) > MOST_STATES:
            self.add_error(
                "states",
                _("At most {most_states} states are loaded at a time").format(
                    most_states=MOST_STATES
                ),
            )
        if self.errors:
            return data
        for name in names:
            try:
                item = wanted(name, data["year"], data["horizon"], data["record"])
            except AuditError as error:
                field = {"state": "states", "horizon": "horizon"}.get(error.where, "year")
                self.add_error(field, f"{error.message} {error.hint}")
                return data
            if item not in self.wanted:
                self.wanted.append(item)
        if not self.wanted:
            self.add_error("states", _("Name at least one state"))
        return data


def _possible(state: Mapping[str, Any]) -> bool:
    return bool(state["computable"] or state["reduced"])


def _initial(made: Json | None, states: list[Json]) -> Json:
    """What was chosen the last time, else the first task that can be computed."""
    if made is None or made.get("kind") != "task":
        ready = [state["name"] for state in states if state["computable"]]
        few = [state["name"] for state in states if _possible(state)]
        first = next(iter([*ready, *few]), OWN)
        return {"choice": first, "group": "RAC1P", "mode": "corrected"}
    task, how = made["task"], made["settings"]
    catalogue = {state["name"] for state in states}
    found = {key: how.get(key) for key in ("mode", "adjinc", "drop_sensitive")}
    if task["name"] in catalogue and task.get("version"):
        return {**found, "choice": task["name"], "group": "RAC1P"}
    return {
        **found,
        **{key: task[key] for key in ("name", "title", "target", "group")},
        "choice": OWN,
        "filter": "\n".join(task["filter"]),
        "features": " ".join(task["features"]),
    }
