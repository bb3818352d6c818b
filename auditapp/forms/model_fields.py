"""The fields of step 2 about the model: where decisions come from, and how its answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.forms.kinds import BINARY, estimators
from auditapp.models import ModelFile

SOURCES = [
    ("train", gettext_lazy("Train a reference model")),
    ("upload", gettext_lazy("Use an uploaded model")),
    ("columns", gettext_lazy("Use a score or decision column")),
]
ANSWER = ("output", "positive")
Json = dict[str, Any]
Fields = dict[str, forms.Field]


def source(
    draft: Json, models: Mapping[str, ModelFile], model: ModelFile | None, outcome: str
) -> Fields:
    """Where decisions come from."""
    stored = draft.get("model") or {}
    kind = stored.get("kind") or ("upload" if model is not None else "train")
    trained = estimators(outcome)
    first = stored.get("estimator")
    if first not in dict(trained):
        first = trained[0][0] if trained else None
    made: Fields = {
        "source": forms.ChoiceField(
            label=_("Where decisions come from"),
            choices=SOURCES,
            initial="upload" if kind in {"onnx", "skops", "network"} else kind,
            widget=forms.RadioSelect,
            error_messages={"required": _("Choose where decisions come from")},
        ),
        "estimator": forms.ChoiceField(
            label=_("Kind of reference model"),
            choices=trained,
            required=False,
            initial=first,
        ),
        "sensitive_features": forms.BooleanField(
            label=_("Give the sensitive columns to the model as well"),
            required=False,
            initial=bool(draft.get("sensitive_features")),
        ),
        "model": forms.ChoiceField(
            label=_("Uploaded model"),
            choices=[("", _("Choose a model")), *((key, m.name) for key, m in models.items())],
            required=False,
            initial=str(model.id) if model is not None else "",
        ),
    }
    for name in ("estimator", "model"):
        made[name].widget.attrs["class"] = "input"
    return made


def answer(stored: Json, model: ModelFile | None, outcome: str = BINARY) -> Fields:
    """How a model's answer is read: what its file says is filled in, for people to confirm."""
    profile: Json = (model.profile or {}) if model is not None else {}
    made: Fields = {}
    outputs = [item for item in profile.get("outputs") or [] if item.get("role", "") is not None]
    chosen = stored.get("output") or profile.get("output") or ""
    if outputs:
        made["output"] = forms.ChoiceField(
            label=_("Output that holds the score"),
            choices=[(item["name"], _output_words(item)) for item in outputs],
            required=False,
            initial=chosen or outputs[0]["name"],
        )
    given = next((item for item in outputs if item["name"] == chosen), None)
    classes = _classes(profile, given) if outcome == BINARY else []
    if classes:
        found = stored.get("positive") or profile.get("positive")
        if found is None and len(classes) == 2:
            found = classes[1]
        made["positive"] = forms.ChoiceField(
            label=_("Favourable class of the model"),
            help_text=_("The audit looks at the probability of this class."),
            choices=[("", _("Choose a class")), *((c, c) for c in classes)],
            required=False,
            initial=found or "",
        )
    for name in made:
        made[name].widget.attrs["class"] = "input"
    return made


def _classes(profile: Json, output: Json | None) -> list[str]:
    """Classes as the file names them; without names the numbers of the columns of its answer."""
    if profile.get("classes"):
        return [str(name) for name in profile["classes"]]
    shape = (output or {}).get("shape") or []
    if len(shape) == 2 and isinstance(shape[1], int) and shape[1] > 1:
        return [str(i) for i in range(shape[1])]
    return ["1", "0"] if output is not None and output.get("role") == "label" else []


def _output_words(item: Json) -> str:
    """The name of an output with what it holds."""
    shape = item.get("shape") or []
    many = str(item.get("type", "")).startswith("seq(map(")
    many = many or (len(shape) == 2 and isinstance(shape[1], int) and shape[1] > 1)
    if item.get("role") == "label":
        return _("{name}: the decision itself").format(name=item["name"])
    if item.get("role") == "probability":
        return _("{name}: one number for each {maybe}").format(
            name=item["name"], maybe=_("class") if many else _("row")
        )
    return str(item["name"])
