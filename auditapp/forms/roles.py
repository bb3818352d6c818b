"""Step 2 of a new audit: what each column is, and where decisions come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from auditapp.datasets.further import query
from auditapp.datasets.sizes import Size, group_sizes
from auditapp.forms import model_fields, role_checks, role_draft, role_first, weights
from auditapp.forms import role_fields as fields
from auditapp.forms.kinds import ALL_ROLES, BINARY, ONCE, ROLES, estimators, kind_of
from auditapp.forms.role_checks import GROUPED
from auditapp.forms.words import parse_cuts, parse_words
from auditapp.models import ModelFile

#: Roles that ask which values are favourable.
VALUED = ("label", "decision", "gold")
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
        stored = draft.get("outcome")
        self.kind = kind_of(stored if data is None else data.get("outcome", stored))
        self.roles = self._roles(data)
        self.family_places = weights.replicate_places(self)
        for place in self.family_places:
            self.roles[place] = "unused"
        self.shown = set(data.getlist("shown")) if data is not None else set()  # type: ignore[attr-defined]
        self.unseen: list[str] = []
        self.posted = data
        if data is not None:
            data = self._with_guesses(data)
        super().__init__(data)
        self._add_fields()

    @property
    def offered(self) -> Mapping[str, str]:
        """Roles of this kind of outcome, with their words."""
        return ROLES[self.kind]

    def _roles(self, data: Mapping[str, Any] | None) -> list[str]:
        stored = role_first.stored_roles(self.draft)
        roles = []
        for i, column in enumerate(self.columns):
            role = stored.get(column["name"], "unused")
            if data is not None:
                role = data.get(f"role-{i}", "unused")
            roles.append(role if role in ALL_ROLES else "unused")
        return roles

    def places(self, role: str) -> list[int]:
        """Where the columns of a role are; none for a role of another kind of outcome."""
        if role not in self.offered:
            return []
        return [i for i, given in enumerate(self.roles) if given == role]

    def first_place(self, role: str) -> int | None:
        """Where the column of a role is that only one can have."""
        return next(iter(self.places(role)), None)

    def once(self, role: str) -> list[int]:
        """The places whose details are asked: of several for such a role only the first."""
        return self.places(role)[:1] if role in ONCE else self.places(role)

    def column(self, place: int) -> Json:
        """The profile of a column."""
        return self.columns[place]

    def values_of(self, place: int) -> list[tuple[str, int]]:
        """Values of a column with their counts, as the profile lists them."""
        return [(item["value"], item["n"]) for item in self.columns[place].get("top") or []]

    def class_names(self) -> list[str]:
        """Classes that the columns of a choice among several hold."""
        return role_first.class_names(self)

    def suggested_query(self) -> str | None:
        """The column that seems to name the list of each row."""
        return query(self.columns)

    def _asked(self) -> list[tuple[str, int]]:
        """Roles that ask something, with their places, in the order of the page."""
        roles = ("label", "decision", "gold", "reference", "score", *GROUPED)
        binary = self.kind == BINARY
        return [
            (role, place)
            for role in roles
            for place in self.once(role)
            if binary or role not in VALUED
        ]

    def _with_guesses(self, data: Mapping[str, Any]) -> Any:
        """Fill in the details of columns that got their role only now."""
        full = data.copy()  # type: ignore[attr-defined]
        for role, place in self._asked():
            token = self.token(role, place)
            if token in self.shown:
                continue
            self.unseen.append(token)
            _fill(full, role_first.initial_of(self, place, role))
        place = self.first_place("weight")
        if place is not None and f"weight-{place}" not in self.shown:
            _fill(full, weights.initial(self))
        if self.kind == "multiclass" and self.classes_token() not in self.shown:
            full.setlist("classes", self.class_names())
        trained = [slug for slug, _ in estimators(self.kind)]
        if data.get("estimator") not in trained:
            full["estimator"] = next(iter(trained), "")
        if self.model is not None and f"model-{self.model.id}" not in self.shown:
            made = model_fields.answer(self._stored_model(), self.model, self.kind)
            for name, field in made.items():
                self.unseen.append(name)
                full[name] = str(field.initial)
        return full

    def token(self, role: str, place: int) -> str:
        """Names the details of a column: a score is asked other things for a ranked list."""
        return f"{self.kind}-{role}-{place}" if role == "score" else f"{role}-{place}"

    def classes_token(self) -> str:
        """Names the columns whose classes were on the page."""
        return f"classes-{self.first_place('label')}-{self.first_place('decision')}"

    def _stored_model(self) -> Json:
        """What the draft says about a model's answer, as long as it is the same model."""
        stored: Json = self.draft.get("model") or {}
        same = self.model is not None and stored.get("id") in {None, str(self.model.id)}
        return stored if same else {}

    def _add_fields(self) -> None:
        self.fields["outcome"] = fields.outcome(self.kind)
        for i, column in enumerate(self.columns):
            self.fields[f"role-{i}"] = fields.role(column, self.roles[i], ALL_ROLES)
        for role, place in self._asked():
            first = role_first.initial_of(self, place, role)
            column = self.columns[place]
            if role in VALUED:
                name = f"values-{place}"
                self.fields[name] = fields.values(column, first[name])
            elif role == "reference":
                columns = [self.columns[i] for i in self.places("reference")]
                self.fields["references"] = fields.references(columns, first["references"])
            elif role == "score":
                self.fields.update(fields.score(first, self.kind))
            else:
                cut = self.can_cut(place)
                self.fields.update(fields.attribute(column, first, place, cut=cut))
                if role != "sensitive":
                    given = bool(first[f"feature-{place}"])
                    self.fields.update(fields.also_feature(place, first=given))
        names = self.class_names() if self.kind == "multiclass" else []
        if names:
            chosen = self.draft.get("classes") or names
            self.fields["classes"] = fields.classes(names, chosen)
        self.fields.update(weights.fields(self))
        self.fields.update(model_fields.source(self.draft, self.models, self.model, self.kind))
        stored = self._stored_model()
        if self.is_bound and self.data.get("output"):
            stored = {**stored, "output": self.data["output"]}
        self.fields.update(model_fields.answer(stored, self.model, self.kind))

    def can_cut(self, place: int) -> bool:
        """Whether the column holds numbers that make groups only when cut."""
        column = self.columns[place]
        numbers = column["type"] in {"integer", "number"}
        return numbers and column["distinct"] > 2 and not column.get("words")

    def clean(self) -> Json:
        """Check what concerns several fields, and collect the draft."""
        data: Json = super().clean() or {}
        role_checks.check(self, data)
        return data

    def unseen_choices(self) -> list[tuple[str, str]]:
        """Choices that were filled in for the user, who has not seen them yet."""
        found = []
        for role in VALUED:
            for place in self.once(role):
                if f"{role}-{place}" in self.unseen and f"values-{place}" in self.fields:
                    name = self.columns[place]["name"]
                    found.append(
                        (
                            f"values-{place}",
                            _("Check the favourable values of {name}").format(name=name),
                        )
                    )
        if any(f"reference-{place}" in self.unseen for place in self.places("reference")):
            words = _("Check the favourable values of the reference decisions")
            found.append(("references", words))
        scores = self.once("score") if "direction" in self.fields else []
        if any(self.token("score", place) in self.unseen for place in scores):
            both = _("direction and range") if self.kind == BINARY else "order"
            found.append(("direction", _("Check the {both} of the score").format(both=both)))
        first = next((name for name in model_fields.ANSWER if name in self.unseen), None)
        if first is not None and self.cleaned_data.get("source") == "upload":
            found.append(
                (first, _("Check how the answer of {model} is read").format(model=self.model))
            )
        return found

    def checks(self) -> list[Json]:
        """Notices that ask for a look at a column; those of a join are about rows."""
        return [
            notice
            for notice in self.profile.get("notices") or []
            if notice.get("level") == "check" and not notice["code"].startswith("join")
        ]

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
        """Groups that a column makes with their sizes, where the profile knows them."""
        return group_sizes(self.columns[place], self.spec_now(place))

    def spec_now(self, place: int) -> Json:
        """Cuts and names as they stand in the form, whether or not it is valid."""
        if not self.is_bound:
            first = role_first.initial_of(self, place, self.roles[place])
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


def _fill(full: Any, values: Json) -> None:
    """Write first values into what was sent."""
    for name, value in values.items():
        if isinstance(value, list):
            full.setlist(name, value)
        elif isinstance(value, bool):
            full.pop(name, None)
            if value:
                full[name] = "on"
        else:
            full[name] = "" if value is None else str(value)
