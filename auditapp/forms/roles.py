"""Step 2 of a new audit: what each column is, and where decisions come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django import forms

from auditapp.datasets.keys import natural_sorted
from auditapp.datasets.sizes import Size, group_sizes
from auditapp.datasets.suggest import attribute_spec, favourable_values, score_spec
from auditapp.forms import model_fields, role_draft
from auditapp.forms import role_fields as fields
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
        self.model = model if data is None else self.models.get(data.get("model", ""))
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

    def stored(self, kind: str, place: int) -> Json:
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
            stored = self.stored(role, place).get("favourable")
            return {f"values-{place}": favourable_values(column) if stored is None else stored}
        if role == "score":
            spec = {**score_spec(column), **self.stored("score", place)}
            direction = "yes" if spec["favourable"] else "no"
            low, high = (f"{spec[end]:.12g}" for end in ("low", "high"))
            return {"direction": direction, "low": low, "high": high}
        stored = self.stored("attribute", place)
        spec = {**attribute_spec(column), **stored}
        keys = natural_sorted(value for value, _ in self.values_of(place))
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
        if self.model is not None and f"model-{self.model.id}" not in self.shown:
            for name, made in model_fields.answer(self._stored_model(), self.model).items():
                self.unseen.append(name)
                full[name] = str(made.initial)
        return full

    def _stored_model(self) -> Json:
        """What the draft says about a model's answer, as long as it is the same model."""
        stored: Json = self.draft.get("model") or {}
        same = self.model is not None and stored.get("id") in {None, str(self.model.id)}
        return stored if same else {}

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
        self.fields.update(model_fields.source(self.draft, self.models, self.model))
        stored = self._stored_model()
        if self.is_bound and self.data.get("output"):
            stored = {**stored, "output": self.data["output"]}
        self.fields.update(model_fields.answer(stored, self.model))

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
        elif source == "upload":
            self._check_positions(data)
        if source == "upload" and "positive" in self.fields and not data.get("positive"):
            self.add_error("positive", "Choose the class whose probability is audited")

    def _check_positions(self, data: Json) -> None:
        """A model that takes columns by position has to get as many as it takes."""
        profile = (self.model.profile if self.model is not None else None) or {}
        takes = profile.get("n_features")
        if profile.get("features") or takes is None:
            return
        given = len(self.places("feature"))
        if data.get("sensitive_features"):
            given += len(self.places("sensitive"))
        if given != takes:
            self.add_error(
                "source",
                f"{self.model} takes {takes:,} columns by position, and gets {given:,}. Give the"
                " role Feature to the columns it was trained with, and only to those; if sensitive"
                " columns are among them, tick that the model gets them",
            )

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
        first = next((name for name in model_fields.ANSWER if name in self.unseen), None)
        if first is not None and self.cleaned_data.get("source") == "upload":
            found.append((first, f"Check how the answer of {self.model} is read"))
        return found

    def checks(self) -> list[Json]:
        """Notices that ask for a look."""
        return [n for n in self.profile.get("notices") or [] if n.get("level") == "check"]

    @property
    def answering(self) -> ModelFile | None:
        """The uploaded model that the fields on its answer are about."""
        return self.model

    def chosen_model(self) -> ModelFile | None:
        """The uploaded model to use, if one is."""
        if self.cleaned_data.get("source") != "upload":
            return None
        return self.models.get(self.cleaned_data.get("model", ""))

    def draft_data(self) -> Json:
        """The part of the draft that this step fills in."""
        return role_draft.draft_data(self)

    def groups(self, place: int) -> list[Size]:
        """Groups of a sensitive column with their sizes, where the profile knows them."""
        return group_sizes(self.columns[place], self.spec_now(place))

    def spec_now(self, place: int) -> Json:
        """Cuts and names as they stand in the form, whether or not it is valid."""
        if not self.is_bound:
            first = self._initial_of(place, "sensitive")
            cuts, words = first[f"cuts-{place}"], first[f"words-{place}"]
        else:
            cuts = self.data.get(f"cuts-{place}", "")
            words = self.data.get(f"words-{place}", "")
        spec: Json = {"column": self.columns[place]["name"], "cuts": [], "words": {}}
        try:
            spec["words"] = parse_words(words, [value for value, _ in self.values_of(place)])
            spec["cuts"] = parse_cuts(cuts) if self.can_cut(place) else []
        except forms.ValidationError:
            pass
        return spec
