"""Step 3 of a new audit: the question, the limits, and the words for the cover."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.datasets.keys import natural_sorted
from auditapp.datasets.sizes import group_sizes
from auditapp.forms import goals as words_of
from auditapp.forms import policy_fields as fields
from auditapp.forms.kinds import BINARY, kind_of

Json = dict[str, Any]


class PolicyForm(forms.Form):
    """Goal, limits, comparisons, words. `scored` says whether there is a threshold to choose."""

    goal = forms.ChoiceField(
        label=gettext_lazy("What should be equal"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose what should be equal")},
    )
    tolerance = forms.FloatField(
        label=gettext_lazy("Limit for a gap"),
        min_value=0,
        max_value=50,
        help_text=gettext_lazy("In points. The report compares every gap with it."),
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            gettext_lazy("Limit for a gap: enter a number of points from 0 to 50"),
        ),
    )
    tolerance_unit = forms.ChoiceField(
        label=gettext_lazy("The limit counts in"), choices=fields.UNITS
    )
    k = fields.whole(
        gettext_lazy("Places at the top"),
        1,
        100_000,
        gettext_lazy("How many of a list count as chosen."),
    )
    floor = fields.whole(
        gettext_lazy("Smallest group"),
        1,
        10_000,
        gettext_lazy("Groups with fewer people are listed, not compared."),
    )
    threshold = forms.FloatField(
        label=gettext_lazy("Threshold"),
        help_text=gettext_lazy("A score at or above it is a favourable decision."),
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages=dict.fromkeys(
            ("required", "invalid"),
            gettext_lazy("Threshold: enter a number in the units of the score, such as 0.5"),
        ),
    )
    intersections = forms.ChoiceField(
        label=gettext_lazy("How deep to look"), choices=fields.DEPTHS
    )
    denominator_floor = fields.whole(
        gettext_lazy("Smallest denominator"),
        1,
        10_000,
        gettext_lazy("A rate is compared when at least so many people stand under its line."),
    )
    draws = fields.whole(
        gettext_lazy("Draws"),
        100,
        20_000,
        gettext_lazy("Used for intervals that have no formula."),
    )
    seed = fields.whole(
        gettext_lazy("Seed"),
        0,
        2**32 - 1,
        gettext_lazy("The same seed and data give the same result."),
    )
    title = forms.CharField(
        label=gettext_lazy("Title of the report"),
        max_length=200,
        error_messages={"required": gettext_lazy("Enter a title, such as Income model, national")},
    )
    system = fields.text(gettext_lazy("System"), gettext_lazy("Name of the system that decides."))
    version = fields.text(gettext_lazy("Version"), size=60)
    outcome = fields.text(
        gettext_lazy("The favourable decision in words"),
        gettext_lazy("As it should stand in a sentence: “A prediction of income above $50,000”."),
    )
    purpose = fields.text(
        gettext_lazy("Purpose"), gettext_lazy("What the system is used for."), 1000, 3
    )
    population = fields.text(gettext_lazy("People"), gettext_lazy("Who the rows stand for."))
    period = fields.text(gettext_lazy("Period"), gettext_lazy("When the data were collected."), 80)
    prepared_for = fields.text(gettext_lazy("Prepared for"))
    prepared_by = fields.text(gettext_lazy("Prepared by"))

    ABOUT = (
        "title",
        "system",
        "version",
        "outcome",
        "purpose",
        "population",
        "period",
        "prepared_for",
        "prepared_by",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        draft: Json,
        profile: Json,
        title: str,
        model_format: str | None = None,
    ) -> None:
        self.draft = draft
        self.kind = kind_of(draft.get("outcome"))
        self.has_label = bool(draft.get("label"))
        self.profile = {column["name"]: column for column in profile["columns"]}
        super().__init__(data, initial=self._initial(title))
        self.goal_words = words_of.goals(self.kind)
        self.fields["goal"].choices = [(slug, words) for slug, words, _ in self.goal_words]
        self._fit_kind()
        self._add_searches(model_format)
        if not self.scored:
            del self.fields["threshold"]
        elif self._decided:
            self.fields["threshold"].help_text = fields.THRESHOLD_SHOWN
        elif (self.draft.get("score") or {}).get("favourable") is False:
            self.fields["threshold"].help_text = fields.THRESHOLD_BELOW
        for i, spec in enumerate(self.attributes):
            self.fields[f"reference-{i}"] = forms.ChoiceField(
                label=_("{title} is compared with").format(title=spec["title"]),
                choices=[("", fields.LARGEST), *self._choices(spec)],
                required=False,
                initial=spec.get("reference") or "",
            )
        for field in self.fields.values():
            if isinstance(field.widget, forms.Select) and not field.widget.allow_multiple_selected:
                field.widget.attrs["class"] = "input"

    def _fit_kind(self) -> None:
        """Leave out what this kind of outcome does not ask, and ask the rest in its words."""
        if self.kind in fields.IN_WORDS:
            field = self.fields["outcome"]
            field.label, field.help_text = fields.IN_WORDS[self.kind]
        if self.kind != "ranking":
            del self.fields["k"]
        if self.kind != "regression":
            del self.fields["tolerance_unit"]
            return
        fields.any_number(self.fields["tolerance"])

    def _add_searches(self, model_format: str | None) -> None:
        """Deeper searches as boxes, and the site that rows may be added to."""
        offered = words_of.searches(self.kind, model_format)
        skipped = set(self.draft.get("skip") or [])
        self.search_words = offered
        if offered:
            self.fields["searches"] = fields.searches(offered, skipped)
        site = self.draft.get("site")
        trained = (self.draft.get("model") or {}).get("kind") == "train"
        if site and trained and self.kind == BINARY:
            chosen = self.draft.get("target")
            self.fields["target"] = fields.target(site, self._choices(site), chosen)

    @property
    def attributes(self) -> list[Json]:
        """Sensitive columns as step 2 left them."""
        return list(self.draft.get("attributes") or [])

    @property
    def scored(self) -> bool:
        """Whether decisions come from a score with a threshold."""
        if self.kind != BINARY:
            return False
        kind = (self.draft.get("model") or {}).get("kind")
        return kind != "columns" or bool((self.draft.get("score") or {}).get("column"))

    @property
    def _decided(self) -> bool:
        """Whether decisions come from a column of their own, and not from the score."""
        kind = (self.draft.get("model") or {}).get("kind")
        return kind == "columns" and bool((self.draft.get("decision") or {}).get("column"))

    @property
    def goals(self) -> list[Json]:
        """Goals with their plain words, and whether a label is missing for them."""
        chosen = self["goal"].value()
        return [
            {
                "slug": slug,
                "words": words,
                "hint": hint,
                "checked": slug == chosen,
                "missing": words_of.needs_label(slug) and not self.has_label,
            }
            for slug, words, hint in self.goal_words
        ]

    @property
    def search_boxes(self) -> list[Json]:
        """Deeper searches with what each answers."""
        if "searches" not in self.fields:
            return []
        chosen = self["searches"].value() or []
        return [
            {"slug": slug, "words": words, "hint": hint, "checked": slug in chosen}
            for slug, words, hint in self.search_words
        ]

    @property
    def limit_unit(self) -> str:
        """What the limit for a gap counts in, where that is no choice."""
        return "" if self.kind == "regression" else "points"

    def _initial(self, title: str) -> Json:
        policy = self.draft.get("policy") or {}
        if kind_of(policy.get("outcome")) != self.kind:
            # A goal and a limit of another kind of outcome say nothing about this one.
            policy = {k: v for k, v in policy.items() if k not in {"goal", "tolerance"}}
        about = self.draft.get("about") or {}
        score = self.draft.get("score") or {}
        low, high = score.get("low"), score.get("high")
        middle = 0.5 if low is None or high is None else (low + high) / 2
        number = self.kind == "regression"
        tolerance = policy.get("tolerance", 0.1 if number else 0.05)
        return {
            "goal": policy.get("goal", words_of.goals(self.kind)[0][0]),
            "tolerance": f"{tolerance if number else 100 * tolerance:.12g}",
            "tolerance_unit": policy.get("tolerance_unit", "sd"),
            "k": policy.get("k", 10),
            "floor": policy.get("floor", 30),
            "threshold": f"{policy.get('threshold', middle):.12g}",
            "intersections": str(
                policy.get("intersections", 2 if len(self.attributes) > 1 else 1)
            ),
            "denominator_floor": policy.get("denominator_floor", 10),
            "draws": policy.get("draws", 1000),
            "seed": policy.get("seed", 0),
            **{name: about.get(name, "") for name in self.ABOUT},
            "title": title,
        }

    def _choices(self, spec: Json) -> list[tuple[str, str]]:
        column = self.profile.get(spec["column"])
        if column is None:
            return []
        if spec.get("cuts"):
            return [(words, words) for words, _ in group_sizes(column, spec)]
        words = spec.get("words") or column.get("words") or {}
        keys = natural_sorted(item["value"] for item in column.get("top") or [])
        return [(key, words.get(key, key)) for key in keys]

    def clean_goal(self) -> str:
        """A goal that compares with a label needs one."""
        goal: str = self.cleaned_data["goal"]
        if words_of.needs_label(goal) and not self.has_label:
            free = next(
                (w for slug, w, _ in self.goal_words if not words_of.needs_label(slug)), ""
            )
            raise forms.ValidationError(
                "This goal compares decisions with labels. Choose a label column in step 2, or"
                f" the goal “{free}”"
            )
        return goal

    def draft_data(self) -> Json:
        """The part of the draft that this step fills in."""
        data = self.cleaned_data
        policy = {
            "outcome": self.kind,
            "goal": data["goal"],
            "tolerance": data["tolerance"] / (1 if self.kind == "regression" else 100),
            "floor": data["floor"],
            "intersections": min(int(data["intersections"]), max(len(self.attributes), 1)),
            "denominator_floor": data["denominator_floor"],
            "draws": data["draws"],
            "seed": data["seed"],
        }
        policy |= {key: data[key] for key in ("threshold", "k", "tolerance_unit") if key in data}
        attributes = [
            {**spec, "reference": data.get(f"reference-{i}") or None}
            for i, spec in enumerate(self.attributes)
        ]
        about = {name: data[name].strip() for name in self.ABOUT}
        return {
            "policy": policy,
            "attributes": attributes,
            "about": about,
            "skip": self._skip(),
            "target": data.get("target") or None,
        }

    def _skip(self) -> list[str]:
        """Searches that are not wanted; those that were not asked about stay as they are."""
        asked = [slug for slug, _, _ in self.search_words]
        wanted = self.cleaned_data.get("searches") or []
        before = [slug for slug in self.draft.get("skip") or [] if slug not in asked]
        return before + [slug for slug in asked if slug not in wanted]
