"""Step 3 of a new audit: the question, the limits, and the words for the cover."""

from __future__ import annotations

from typing import Any

from django import forms

from auditapp.datasets.keys import natural_sorted
from auditapp.datasets.sizes import group_sizes

GOALS = [
    (
        "selection-rate",
        "Chosen equally often",
        "Every group gets the favourable decision at about the same rate. Needs no label.",
    ),
    (
        "tpr",
        "Recognised equally often",
        "Among people with the favourable outcome, every group is recognised at about the same"
        " rate.",
    ),
    (
        "equalized-odds",
        "The same kinds of mistake",
        "Every group has about the same rate of right and of wrong favourable decisions.",
    ),
    (
        "precision",
        "A yes means the same",
        "Among people with the favourable decision, about the same share has the outcome in"
        " every group.",
    ),
    (
        "accuracy",
        "Right equally often",
        "Decisions agree with the label at about the same rate in every group.",
    ),
]
DEPTHS = [
    ("1", "Each column on its own"),
    ("2", "Also where two columns meet"),
    ("3", "Also where three columns meet"),
]
LARGEST = "The largest group"
THRESHOLD_BELOW = "A score below it is a favourable decision."
THRESHOLD_SHOWN = "Decisions come from the decision column; pictures of the score mark it."
Json = dict[str, Any]


def _whole(label: str, low: int, high: int, hint: str) -> forms.IntegerField:
    words = f"{label}: enter a whole number from {low:,} to {high:,}"
    return forms.IntegerField(
        label=label,
        min_value=low,
        max_value=high,
        help_text=hint,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={
            "required": words,
            "invalid": words,
            "min_value": words,
            "max_value": words,
        },
    )


def _text(label: str, hint: str = "", size: int = 200, rows: int = 0) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
    return forms.CharField(
        label=label, help_text=hint, max_length=size, required=False, widget=widget
    )


class PolicyForm(forms.Form):
    """Goal, limits, comparisons, words. `scored` says whether there is a threshold to choose."""

    goal = forms.ChoiceField(
        label="What should be equal",
        choices=[(slug, words) for slug, words, _ in GOALS],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what should be equal"},
    )
    tolerance = forms.FloatField(
        label="Limit for a gap",
        min_value=0,
        max_value=50,
        help_text="In points. The report compares every gap with it.",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            "Limit for a gap: enter a number of points from 0 to 50",
        ),
    )
    floor = _whole(
        "Smallest group",
        1,
        10_000,
        "Groups with fewer people are listed, not compared.",
    )
    threshold = forms.FloatField(
        label="Threshold",
        help_text="A score at or above it is a favourable decision.",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages=dict.fromkeys(
            ("required", "invalid"),
            "Threshold: enter a number in the units of the score, such as 0.5",
        ),
    )
    intersections = forms.ChoiceField(label="How deep to look", choices=DEPTHS)
    denominator_floor = _whole(
        "Smallest denominator",
        1,
        10_000,
        "A rate is compared when at least so many people stand under its line.",
    )
    draws = _whole("Draws", 100, 20_000, "Used for intervals that have no formula.")
    seed = _whole("Seed", 0, 2**32 - 1, "The same seed and data give the same result.")
    title = forms.CharField(
        label="Title of the report",
        max_length=200,
        error_messages={"required": "Enter a title, such as Income model, national"},
    )
    system = _text("System", "Name of the system that decides.")
    version = _text("Version", size=60)
    outcome = _text(
        "The favourable decision in words",
        "As it should stand in a sentence: “A prediction of income above $50,000”.",
    )
    purpose = _text("Purpose", "What the system is used for.", 1000, 3)
    population = _text("People", "Who the rows stand for.")
    period = _text("Period", "When the data were collected.", 80)
    prepared_for = _text("Prepared for")
    prepared_by = _text("Prepared by")

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

    def __init__(self, data: Any = None, *, draft: Json, profile: Json, title: str) -> None:
        self.draft = draft
        self.has_label = bool(draft.get("label"))
        self.profile = {column["name"]: column for column in profile["columns"]}
        super().__init__(data, initial=self._initial(title))
        if not self.scored:
            del self.fields["threshold"]
        elif self._decided:
            self.fields["threshold"].help_text = THRESHOLD_SHOWN
        elif (self.draft.get("score") or {}).get("favourable") is False:
            self.fields["threshold"].help_text = THRESHOLD_BELOW
        for i, spec in enumerate(self.attributes):
            self.fields[f"reference-{i}"] = forms.ChoiceField(
                label=f"{spec['title']} is compared with",
                choices=[("", LARGEST), *self._choices(spec)],
                required=False,
                initial=spec.get("reference") or "",
            )
        for name in ("intersections", *(f"reference-{i}" for i in range(len(self.attributes)))):
            self.fields[name].widget.attrs["class"] = "input"

    @property
    def attributes(self) -> list[Json]:
        """Sensitive columns as step 2 left them."""
        return list(self.draft.get("attributes") or [])

    @property
    def scored(self) -> bool:
        """Whether decisions come from a score with a threshold."""
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
                "missing": slug != "selection-rate" and not self.has_label,
            }
            for slug, words, hint in GOALS
        ]

    def _initial(self, title: str) -> Json:
        policy = self.draft.get("policy") or {}
        about = self.draft.get("about") or {}
        score = self.draft.get("score") or {}
        low, high = score.get("low"), score.get("high")
        middle = 0.5 if low is None or high is None else (low + high) / 2
        return {
            "goal": policy.get("goal", "selection-rate"),
            "tolerance": f"{100 * policy.get('tolerance', 0.05):g}",
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
        if goal != "selection-rate" and not self.has_label:
            raise forms.ValidationError(
                "This goal compares decisions with labels. Choose a label column in step 2, or"
                " the goal “Chosen equally often”"
            )
        return goal

    def draft_data(self) -> Json:
        """The part of the draft that this step fills in."""
        data = self.cleaned_data
        policy = {
            "goal": data["goal"],
            "tolerance": data["tolerance"] / 100,
            "floor": data["floor"],
            "intersections": min(int(data["intersections"]), max(len(self.attributes), 1)),
            "denominator_floor": data["denominator_floor"],
            "draws": data["draws"],
            "seed": data["seed"],
        }
        if "threshold" in data:
            policy["threshold"] = data["threshold"]
        attributes = [
            {**spec, "reference": data.get(f"reference-{i}") or None}
            for i, spec in enumerate(self.attributes)
        ]
        about = {name: data[name].strip() for name in self.ABOUT}
        return {"policy": policy, "attributes": attributes, "about": about}
