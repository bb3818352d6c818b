"""Step 2 of a new audit: what each column is, and where decisions come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django import forms

from auditapp.datasets.suggest import attribute_spec, favourable_values
from auditapp.forms import role_fields as fields
from auditapp.forms.guesses import fits_unit, groups_of, natural
from auditapp.forms.role_fields import MOST_VALUES
from auditapp.forms.words import cuts_text, parse_cuts, parse_words, shortened, words_text
from auditapp.models import ModelFile

ROLES = [
    ("unused", "Not used"),
    ("label", "Label"),
    ("decision", "Decision"),
    ("score", "Score"),
    ("sensitive", "Sensitive"),
    ("feature", "Feature"),
    ("unit", "Household or person"),
]
ONCE = ("label", "decision", "score", "unit")
Json = dict[str, Any]


class RolesForm(forms.Form):
    """Roles of the columns by their place in the profile, with what each role has to say.

    Fields of a column are called `role-3`, `title-3` and so on; `shown` lists the places whose
    details were on the page that was sent, so that nothing is accepted unseen.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        profile: Json,
        draft: Json,
        models: list[ModelFile],
        model: ModelFile | None,
    ) -> None:
        self.profile = profile
        self.columns: list[Json] = profile["columns"]
        self.draft = draft
        self.models = {str(item.id): item for item in models}
        self.model = model
        self.roles = self._roles(data)
        self.shown = set(data.getlist("shown")) if data is not None else set()  # type: ignore[attr-defined]
        self.unseen: list[str] = []
        if data is not None:
            data = self._with_guesses(data)
        super().__init__(data)
        self._add_fields()

    def _roles(self, data: Mapping[str, Any] | None) -> list[str]:
        known = {slug for slug, _ in ROLES}
        stored = self.draft.get("roles") or {}
        roles = []
        for i, column in enumerate(self.columns):
            role = stored.get(column["name"], "unused")
            if data is not None:
                role = data.get(f"role-{i}", "unused")
            roles.append(role if role in known else "unused")
        return roles

    def places(self, role: str) -> list[int]:
        """Where the columns of a role are."""
        return [i for i, given in enumerate(self.roles) if given == role]

    def column(self, place: int) -> Json:
        """The profile of a column."""
        return self.columns[place]

    def values_of(self, place: int) -> list[tuple[str, int]]:
        """Values of a column with their counts, as the profile lists them."""
        return [(item["value"], item["n"]) for item in self.columns[place].get("top") or []]

    def _stored(self, kind: str, place: int) -> Json:
        """What the draft says about a label, a decision, a score or an attribute."""
        name = self.columns[place]["name"]
        if kind == "attribute":
            items = self.draft.get("attributes") or []
        else:
            items = [self.draft.get(kind) or {}]
        return next((item for item in items if item.get("column") == name), {})

    def _initial_of(self, place: int, role: str) -> Json:
        column = self.columns[place]
        if role in {"label", "decision"}:
            stored = self._stored(role, place).get("favourable")
            return {f"values-{place}": favourable_values(column) if stored is None else stored}
        if role == "score":
            stored = self._stored("score", place)
            unit = fits_unit(column)
            return {
                "direction": "no" if stored.get("favourable") is False else "yes",
                "low": stored.get("low", 0 if unit else column.get("min")),
                "high": stored.get("high", 1 if unit else column.get("max")),
            }
        stored = self._stored("attribute", place)
        spec = {**attribute_spec(column), **stored}
        keys = sorted((value for value, _ in self.values_of(place)), key=natural)
        return {
            f"title-{place}": shortened(spec["title"], fields.LONGEST_TITLE),
            f"cuts-{place}": cuts_text(spec["cuts"]),
            f"words-{place}": words_text(spec["words"], keys),
        }

    def _with_guesses(self, data: Mapping[str, Any]) -> Any:
        """Fill in the details of columns that got their role only now."""
        full = data.copy()  # type: ignore[attr-defined]
        for role in ("label", "decision", "score", "sensitive"):
            for place in self.places(role):
                if f"{role}-{place}" in self.shown:
                    continue
                self.unseen.append(f"{role}-{place}")
                for name, value in self._initial_of(place, role).items():
                    if isinstance(value, list):
                        full.setlist(name, value)
                    else:
                        full[name] = "" if value is None else str(value)
        return full

    def _add_fields(self) -> None:
        for i, column in enumerate(self.columns):
            self.fields[f"role-{i}"] = fields.role(column, self.roles[i], ROLES)
        for role in ("label", "decision"):
            for place in self.places(role)[:1]:
                name = f"values-{place}"
                first = self._initial_of(place, role)[name]
                self.fields[name] = fields.values(self.columns[place], first)
        for place in self.places("score")[:1]:
            self.fields.update(fields.score(self._initial_of(place, "score")))
        for place in self.places("sensitive"):
            first = self._initial_of(place, "sensitive")
            made = fields.attribute(self.columns[place], first, place, cut=self.can_cut(place))
            self.fields.update(made)
        self.fields.update(fields.source(self.draft, self.models, self.model))

    def can_cut(self, place: int) -> bool:
        """Whether the column holds numbers that make groups only when cut."""
        column = self.columns[place]
        numbers = column["type"] in {"integer", "number"}
        return numbers and column["distinct"] > 2 and not column.get("words")

    def clean(self) -> Json:
        """Check what concerns several fields, and collect the draft."""
        data: Json = super().clean() or {}
        for role in ONCE:
            for place in self.places(role)[1:]:
                first = self.columns[self.places(role)[0]]["name"]
                words = dict(ROLES)[role].lower()
                self.add_error(f"role-{place}", f"{first} is the {words} already; choose one")
        self._check_columns()
        for role in ("label", "decision"):
            for place in self.places(role)[:1]:
                self._check_values(place, role, data)
        if not self.places("sensitive"):
            self.add_error(None, "Give at least one column the role Sensitive")
        for place in self.places("sensitive"):
            self._check_attribute(place, data)
        if {"low", "high"} <= data.keys() and data["low"] >= data["high"]:
            self.add_error("high", "The highest score must be above the lowest")
        self._check_source(data)
        return data

    def _check_columns(self) -> None:
        """Refuse columns that could only stop the audit later."""
        for role in ("label", "decision", "score", "sensitive"):
            for place in self.places(role):
                column, name = self.columns[place], f"role-{place}"
                if column["distinct"] == 0:
                    self.add_error(name, f"{column['name']} is blank in every row; choose another")
                elif role == "score" and column["type"] not in {"integer", "number"}:
                    self.add_error(name, f"{column['name']} holds no numbers, and a score is one")

    def _check_values(self, place: int, role: str, data: Json) -> None:
        column = self.columns[place]
        if column["distinct"] > MOST_VALUES:
            self.add_error(
                f"role-{place}",
                f"{column['name']} has {column['distinct']:,} different values; a {role} has two"
                " sides. Add a column that says yes or no, and upload the table again",
            )
        chosen = data.get(f"values-{place}") or []
        if column["distinct"] > 1 and len(chosen) == column["distinct"]:
            self.add_error(
                f"values-{place}", f"Every value of {column['name']} is ticked; leave one out"
            )

    def _check_attribute(self, place: int, data: Json) -> None:
        column = self.columns[place]
        keys = [value for value, _ in self.values_of(place)]
        parsers: dict[str, Callable[[str], Any]] = {
            f"cuts-{place}": parse_cuts,
            f"words-{place}": partial(parse_words, keys=keys),
        }
        for name, parse in parsers.items():
            if name not in self.fields:
                continue
            try:
                data[name] = parse(data.get(name) or "")
            except forms.ValidationError as error:
                self.add_error(name, error)
        if column["distinct"] > MOST_VALUES and not data.get(f"cuts-{place}"):
            self.add_error(
                f"cuts-{place}" if self.can_cut(place) else f"role-{place}",
                f"{column['name']} has {column['distinct']:,} different values, and a group"
                f" column has at most {MOST_VALUES}",
            )

    def _check_source(self, data: Json) -> None:
        source = data.get("source")
        if source == "train" and not self.places("label"):
            self.add_error("source", "To train a model, give one column the role Label")
        if source == "train" and not self.places("feature"):
            self.add_error("source", "To train a model, give some columns the role Feature")
        if source == "columns" and not (self.places("decision") or self.places("score")):
            self.add_error("source", "Give one column the role Decision or Score")
        if source == "upload" and not data.get("model"):
            self.add_error("model", "Choose a model, or upload one in step 1")

    def unseen_choices(self) -> list[tuple[str, str]]:
        """Choices that were filled in for the user, who has not seen them yet."""
        found = []
        for role in ("label", "decision"):
            for place in self.places(role)[:1]:
                if f"{role}-{place}" in self.unseen:
                    name = self.columns[place]["name"]
                    found.append((f"values-{place}", f"Check the favourable values of {name}"))
        if any(f"score-{place}" in self.unseen for place in self.places("score")[:1]):
            found.append(("direction", "Check the direction and range of the score"))
        return found

    def checks(self) -> list[Json]:
        """Notices that ask for a look."""
        return [n for n in self.profile.get("notices") or [] if n.get("level") == "check"]

    def chosen_model(self) -> ModelFile | None:
        """The uploaded model to use, if one is."""
        if self.cleaned_data.get("source") != "upload":
            return None
        return self.models.get(self.cleaned_data.get("model", ""))

    def draft_data(self) -> Json:
        """The part of the draft that this step fills in."""
        data = self.cleaned_data
        return {
            "roles": {
                column["name"]: role
                for column, role in zip(self.columns, self.roles, strict=True)
                if role != "unused"
            },
            "label": self._outcome("label"),
            "decision": self._outcome("decision"),
            "score": self._score(),
            "attributes": [self._attribute(place) for place in self.places("sensitive")],
            "model": {
                "kind": data.get("source"),
                "estimator": data.get("estimator") or "logistic",
                "output": data.get("output") or None,
                "positive": data.get("positive") or None,
            },
            "sensitive_features": bool(data.get("sensitive_features")),
        }

    def _outcome(self, role: str) -> Json | None:
        for place in self.places(role)[:1]:
            return {
                "column": self.columns[place]["name"],
                "favourable": self.cleaned_data.get(f"values-{place}") or [],
            }
        return None

    def _score(self) -> Json | None:
        for place in self.places("score")[:1]:
            data = self.cleaned_data
            return {
                "column": self.columns[place]["name"],
                "favourable": data.get("direction") != "no",
                "low": data.get("low"),
                "high": data.get("high"),
            }
        return None

    def _attribute(self, place: int) -> Json:
        data, column = self.cleaned_data, self.columns[place]
        cuts = data.get(f"cuts-{place}")
        cuts = cuts if isinstance(cuts, list) else []
        words = data.get(f"words-{place}")
        words = words if isinstance(words, dict) else {}
        stored = self._stored("attribute", place)
        return {
            "column": column["name"],
            "title": data.get(f"title-{place}") or column["name"],
            "kind": "binned" if cuts else "categorical",
            "cuts": cuts,
            "words": {} if cuts else {k: w for k, w in words.items() if k != w},
            "reference": stored.get("reference"),
        }

    def groups(self, place: int) -> list[tuple[str, int | None]]:
        """Groups of a sensitive column with their sizes, where the profile knows them."""
        return groups_of(self.columns[place], self._now(place))

    def _now(self, place: int) -> Json:
        """Cuts and names as they stand in the form, whether or not it is valid."""
        if not self.is_bound:
            first = self._initial_of(place, "sensitive")
            cuts, words = first[f"cuts-{place}"], first[f"words-{place}"]
        else:
            cuts = self.data.get(f"cuts-{place}", "")
            words = self.data.get(f"words-{place}", "")
        try:
            return {
                "cuts": parse_cuts(cuts) if self.can_cut(place) else [],
                "words": parse_words(words, [value for value, _ in self.values_of(place)]),
            }
        except forms.ValidationError:
            return {"cuts": [], "words": {}}
