"""Step 4 of a new audit: remedies to try, and their settings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from auditapp.forms import remedy_costs, remedy_fields, remedy_needs, remedy_start
from auditapp.forms import remedy_words as words_of
from auditapp.forms.remedy_fields import setting_name
from auditapp.models import ModelFile
from mitigations.catalogue import Entry, catalogue
from mitigations.contract import MethodError

Json = dict[str, Any]


class RemediesForm(forms.Form):
    """Which remedies, with which settings, between the groups of which column.

    Parameters
    ----------
    draft, profile, rows
        The draft of the audit, the profile of its data set and how many rows that has.
    model
        Profile of the uploaded model, if one is audited.
    models
        Uploaded models of the workspace: networks among them may be started from.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        draft: Json,
        profile: Json,
        rows: int,
        model: Json | None = None,
        models: Sequence[ModelFile] = (),
    ) -> None:
        super().__init__(data)
        self.draft, self.rows = draft, rows
        self.entries = catalogue()
        self._networks = remedy_start.networks(models)
        self._populations = remedy_start.columns(draft, profile)
        self._own = (model or {}).get("format") == "network"
        self._has = remedy_needs.has(draft, profile, model)
        self._has |= {"checkpoint", "start"} if self._networks or self._own else frozenset()
        self._has |= {"source", "start"} if self._populations else frozenset()
        self._groups = remedy_needs.group_counts(draft, profile)
        usable = [entry for entry in self.entries if not self.missing(entry)]
        self._add_choices(usable)
        if any(entry.card.kind == "transport" for entry in usable):
            self._add_fixed(remedy_needs.inputs(draft, profile, model))
        self.starts = any(starts(entry) for entry in usable)
        if self.starts:
            self.fields |= remedy_start.fields(draft, self._populations, self._networks)
        stored = {m["slug"]: m.get("settings") or {} for m in draft.get("methods") or ()}
        for entry in usable:
            for parameter in entry.parameters:
                value = stored.get(entry.slug, {}).get(parameter.name, parameter.default)
                self.fields[setting_name(entry.slug, parameter)] = remedy_fields.field(
                    parameter, value
                )

    def _add_choices(self, usable: Sequence[Entry]) -> None:
        slugs = [entry.slug for entry in usable]
        chosen = (
            [method["slug"] for method in self.draft["methods"]]
            if "methods" in self.draft
            else words_of.FIRST
        )
        self.fields["methods"] = forms.MultipleChoiceField(
            label=_("Remedies to try"),
            choices=[(entry.slug, entry.card.title) for entry in usable],
            required=False,
            initial=[slug for slug in chosen if slug in slugs],
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "invalid_choice": _("The remedy “%(value)s” cannot be tried in this audit")
            },
        )
        columns = [(a["column"], a.get("title") or a["column"]) for a in self.attributes]
        before = self.draft.get("protect")
        first = columns[0][0] if columns else ""
        self.fields["protect"] = forms.ChoiceField(
            label=_("Between the groups of"),
            choices=columns,
            required=len(columns) > 1 and remedy_needs.offered(self.draft),
            initial=before if before in dict(columns) else first,
            help_text=_("Remedies make what you chose in step 3 more equal between these groups."),
            widget=forms.Select(attrs={"class": "input"}),
            error_messages=dict.fromkeys(
                ("required", "invalid_choice"), _("Choose one of the sensitive columns")
            ),
        )

    def _add_fixed(self, inputs: Sequence[str]) -> None:
        """Columns that no remedy may move; sensitive ones are never moved."""
        sensitive = {spec["column"] for spec in self.attributes}
        columns = [name for name in inputs if name not in sensitive]
        before = self.draft.get("immutable") or ()
        self.fields["immutable"] = forms.MultipleChoiceField(
            label=_("Columns that stay as they are"),
            choices=[(name, name) for name in columns],
            required=False,
            initial=[name for name in before if name in columns],
            widget=forms.CheckboxSelectMultiple,
            error_messages={"invalid_choice": _("“%(value)s” is no input of the model")},
        )

    @property
    def fixed(self) -> list[Json]:
        """Boxes of the columns that no remedy may move."""
        if "immutable" not in self.fields:
            return []
        chosen = self["immutable"].value() or ()
        return [
            {"name": name, "checked": name in chosen, "id": f"id_immutable_{place}"}
            for place, (name, _) in enumerate(self.fields["immutable"].choices)
        ]

    @property
    def attributes(self) -> list[Json]:
        """Sensitive columns as the earlier steps left them."""
        return list(self.draft.get("attributes") or [])

    def missing(self, entry: Entry) -> str:
        """The first need of a method that this audit does not meet; empty if it meets all."""
        return next(
            (need for need in words_of.NEEDS if need in entry.card.needs - self._has),
            next(iter(sorted(entry.card.needs - self._has)), ""),
        )

    @property
    def groups(self) -> list[Json]:
        """Cards of the methods under their headings, headings without any left out."""
        chosen = set(self["methods"].value() or ())
        known = {kind for _, kinds, _, _ in words_of.GROUPS for kind in kinds}
        found = []
        for slug, kinds, title, text in words_of.GROUPS:
            cards = [self._card(e, chosen) for e in self.entries if e.card.kind in kinds]
            found.append({"slug": slug, "title": title, "text": text, "cards": cards})
        slug, title, text = words_of.OTHERS
        cards = [self._card(e, chosen) for e in self.entries if e.card.kind not in known]
        found.append({"slug": slug, "title": title, "text": text, "cards": cards})
        found = [group for group in found if group["cards"]]
        cards = [card for group in found for card in group["cards"]]
        for place, card in enumerate(cards):
            card["id"] = f"id_methods_{place}"  # what `auditapp.forms.errors.anchor` leads to
        return found

    def _card(self, entry: Entry, chosen: set[str]) -> Json:
        missing = self.missing(entry)
        settings = (
            []
            if missing
            else [
                (self[setting_name(entry.slug, parameter)], parameter)
                for parameter in entry.parameters
            ]
        )
        cost = remedy_costs.cost(entry, self._settings_of(entry), self.rows)
        return {
            "slug": entry.slug,
            "card": entry.card,
            "page": f"methods/{entry.slug}",
            "missing": words_of.NEEDS.get(missing, (f"Needs {missing}.", "")) if missing else None,
            "checked": entry.slug in chosen,
            "settings": settings,
            "open": any(bound.errors for bound, _ in settings),
            "seconds": round(cost.seconds, 1),
            "trainings": cost.trainings,
            "time": cost.words,
            "starts": starts(entry),
        }

    @property
    def time(self) -> Json:
        """How many are ticked, and how much longer the audit takes for them."""
        chosen = set(self["methods"].value() or ())
        costs = [
            remedy_costs.cost(entry, self._settings_of(entry), self.rows)
            for entry in self.entries
            if entry.slug in chosen
        ]
        once = words_of.seconds_once(self.rows)
        whole = remedy_costs.Cost(
            sum(cost.trainings for cost in costs), once + sum(cost.seconds for cost in costs)
        )
        return {
            "count": len(costs),
            "once": round(once, 1),
            "words": whole.words if costs else "",
            "trainings": whole.trainings,
            "measured": remedy_costs.measured(),
        }

    def costs(self) -> Json:
        """What the page says of time, for every method and for those that are ticked."""
        return {
            "time": self.time,
            "methods": {
                card["slug"]: {k: card[k] for k in ("seconds", "trainings", "time")}
                for group in self.groups
                for card in group["cards"]
                if not card["missing"]
            },
        }

    def _settings_of(self, entry: Entry) -> Json:
        """Settings as they stand in the form; what cannot be read counts as it was."""
        found = {}
        for parameter in entry.parameters:
            name = setting_name(entry.slug, parameter)
            value = parameter.default
            if name in self.fields:
                with suppress(MethodError):
                    value = parameter.read(self[name].value())
            found[parameter.name] = value
        return found

    @property
    def populations(self) -> list[Json]:
        """Columns that may tell populations apart, with a box for each value."""
        if "source" not in self.fields:
            return []
        return remedy_start.boxes(self, self._populations)

    def clean_methods(self) -> list[str]:
        """Each once, in the order of the page."""
        chosen = self.cleaned_data["methods"]
        return [entry.slug for entry in self.entries if entry.slug in chosen]

    def clean(self) -> Json:
        """Settings of the chosen methods as their types; the others are not looked at."""
        data = super().clean() or self.cleaned_data
        self.settings: dict[str, Json] = {}
        for entry in self.entries:
            if entry.slug not in data.get("methods", ()):
                continue
            self._check_groups(entry, data)
            self.settings[entry.slug] = {}
            for parameter in entry.parameters:
                name = setting_name(entry.slug, parameter)
                if name not in data:
                    continue
                try:
                    value = parameter.read(data[name])
                except MethodError as error:
                    words = f"{entry.card.title}: {error.message} {error.hint}"
                    self.add_error(name, words)
                    continue
                self.settings[entry.slug][parameter.name] = (
                    list(value) if isinstance(value, tuple) else value
                )
        self._check_start(data)
        return data

    def _check_start(self, data: Json) -> None:
        """What is fine-tuned starts from something; other remedies leave those fields alone."""
        chosen = [e for e in self.entries if e.slug in data.get("methods", ()) and starts(e)]
        if not chosen or not self.starts:
            return
        wrong = remedy_start.check(data, self._populations)
        if wrong is not None:
            self.add_error(*wrong)
        if not (data.get("source") or data.get("checkpoint") or self._own):
            field = "checkpoint" if "checkpoint" in self.fields else "source"
            self.add_error(
                field if field in self.fields else "methods",
                _(
                    "{title} starts from a network. Choose one, or another population to train "
                    "one "
                    "on"
                ).format(title=chosen[0].card.title),
            )

    def _check_groups(self, entry: Entry, data: Json) -> None:
        """A method between two groups works on a column that has two."""
        n = self._groups.get(data.get("protect") or self._first, 0)
        if "two-groups" in entry.card.needs and n != 2:
            self.add_error(
                "protect",
                _(
                    "{title} works between exactly two groups, and this column has {n:,}. Choose "
                    "another column, or leave the remedy out"
                ).format(title=entry.card.title, n=n),
            )

    @property
    def _first(self) -> str:
        return str(self.attributes[0]["column"]) if self.attributes else ""

    def draft_data(self) -> Json:
        """The part of the draft that this step fills in."""
        chosen = self.cleaned_data["methods"]
        return {
            "methods": [{"slug": slug, "settings": self.settings[slug]} for slug in chosen],
            "protect": (self.cleaned_data["protect"] or self._first) if chosen else None,
            "immutable": self.cleaned_data.get("immutable") or [],
            **self._start(),
        }

    def _start(self) -> Json:
        """Population and network to start from, where a chosen remedy starts from something."""
        chosen = self.cleaned_data["methods"]
        if not any(starts(entry) for entry in self.entries if entry.slug in chosen):
            return {"source": None, "checkpoint": None}
        return remedy_start.draft_data(self.cleaned_data, self._populations, self._networks)


def starts(entry: Entry) -> bool:
    """Whether a method goes on from a network that was trained before."""
    return bool(entry.card.needs & {"start", "checkpoint", "source"}) or entry.card.kind == "tune"
