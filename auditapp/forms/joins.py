"""How a second table is joined: by which columns, and what becomes of rows without a match."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.datasets.roles import slug, tokens

Json = dict[str, Any]
KEEP = [
    ("all", gettext_lazy("Keep them, blank in the added columns")),
    ("matched", gettext_lazy("Leave them out")),
]
DUPLICATES = [
    ("refuse", gettext_lazy("Refuse the join, and say which ids they are")),
    ("first", gettext_lazy("Take the first row of each id")),
]
_IDS = frozenset({"id", "key", "number", "no", "code", "index"})


class JoinForm(forms.Form):
    """Id columns of both tables, columns to add, and what to do with odd rows."""

    on = forms.ChoiceField()
    second_on = forms.ChoiceField()
    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Columns to add"), widget=forms.CheckboxSelectMultiple, required=False
    )
    keep = forms.ChoiceField(
        label=gettext_lazy("Rows without a match"),
        choices=KEEP,
        widget=forms.RadioSelect,
        initial="all",
    )
    duplicates = forms.ChoiceField(
        label=gettext_lazy("Ids on several rows"),
        choices=DUPLICATES,
        widget=forms.RadioSelect,
        initial="refuse",
    )

    def __init__(
        self, data: Any = None, *, first: Json, second: Json, names: tuple[str, str], again: Json
    ) -> None:
        self.second = second
        found = suggest_ids(first["columns"], second["columns"])
        initial = {key: again[key] for key in ("keep", "duplicates") if again.get(key)}
        super().__init__(data, initial=initial)
        for name, profile, words, guess in zip(
            ("on", "second_on"), (first, second), names, found, strict=True
        ):
            columns = [column["name"] for column in profile["columns"]]
            field = forms.ChoiceField(
                label=_("Id column of {words}").format(words=words),
                choices=[("", _("Choose a column")), *((column, column) for column in columns)],
                initial=again.get(name) or guess,
                error_messages={
                    "required": _("Choose the column of {words} that holds the ids").format(
                        words=words
                    )
                },
            )
            field.widget.attrs["class"] = "input"
            self.fields[name] = field
        every = [column["name"] for column in second["columns"]]
        self.fields["columns"].choices = [(name, name) for name in every]
        added = [name for name in every if name != found[1]]
        self.fields["columns"].initial = again.get("columns") or added

    def clean(self) -> Json:
        """The id is in the first table already; something else has to come along."""
        data: Json = super().clean() or {}
        if "second_on" in data and not self._added(data):
            self.add_error("columns", _("Tick at least one column besides the id"))
        return data

    def _added(self, data: Json) -> list[str]:
        return [name for name in data.get("columns") or [] if name != data.get("second_on")]

    def how(self) -> Json:
        """Arguments of the service."""
        data = self.cleaned_data
        return {
            "on": data["on"],
            "second_on": data["second_on"],
            "columns": self._added(data),
            "keep": data["keep"],
            "duplicates": data["duplicates"],
        }


def suggest_ids(first: list[Json], second: list[Json]) -> tuple[str, str]:
    """Return the pair of columns that most looks like ids, or two empty names."""
    pairs = [
        (_looks(one) + _looks(other) + same, one["name"], other["name"])
        for one in first
        for other in second
        for same in [2 if slug(str(one["name"])) == slug(str(other["name"])) else 0]
        if _looks(one) and _looks(other)
    ]
    best = max(pairs, key=lambda pair: pair[0], default=(0, "", ""))
    return best[1], best[2]


def _looks(column: Json) -> int:
    """How much a column looks like an id: by what it holds, and by its name."""
    named = bool(set(tokens(str(column["name"]))) & _IDS)
    return 2 * (column["kind"] == "identifier") + named
