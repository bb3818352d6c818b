"""Step 3 in words: what should be equal, how a limit counts, and what may be looked for."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from auditapp.forms.kinds import BINARY
from auditapp.plan import GOALS_NEEDING_LABEL, goals_for
from auditapp.reports.metric_words import words

_DECISION = {
    "selection-rate": (
        gettext_lazy("Chosen equally often"),
        gettext_lazy(
            "Every group gets the favourable decision at about the same rate. Needs no label."
        ),
    ),
    "tpr": (
        gettext_lazy("Recognised equally often"),
        gettext_lazy(
            "Among people with the favourable outcome, every group is recognised at about "
            "the same rate."
        ),
    ),
    "equalized-odds": (
        gettext_lazy("The same kinds of mistake"),
        gettext_lazy(
            "Every group has about the same rate of right and of wrong favourable decisions."
        ),
    ),
    "precision": (
        gettext_lazy("A yes means the same"),
        gettext_lazy(
            "Among people with the favourable decision, about the same share has the "
            "outcome in every group."
        ),
    ),
    "accuracy": (
        gettext_lazy("Right equally often"),
        gettext_lazy("Decisions agree with the label at about the same rate in every group."),
    ),
}
_CLASS = {
    "selection-rate": (
        gettext_lazy("Put in each class equally often"),
        gettext_lazy("Every group is put in a class at about the same rate. Needs no true class."),
    ),
    "tpr": (
        gettext_lazy("Recognised equally often"),
        gettext_lazy(
            "Among people who belong in a class, every group is recognised at about the same rate."
        ),
    ),
    "equalized-odds": (
        gettext_lazy("The same kinds of mistake"),
        gettext_lazy(
            "Every group is put in a class rightly, and wrongly, at about the same rates."
        ),
    ),
    "precision": (
        gettext_lazy("A class means the same"),
        gettext_lazy(
            "Among people put in a class, about the same share belongs there in every group."
        ),
    ),
    "accuracy": (
        gettext_lazy("Right equally often"),
        gettext_lazy("Predicted and true class agree at about the same rate in every group."),
    ),
}
_ASKS = {
    "bias": gettext_lazy(
        "Predictions are too high or too low by about the same amount in every group."
    ),
    "mae": gettext_lazy(
        "Predictions are off by about the same amount in every group, either way."
    ),
    "mean-prediction": gettext_lazy(
        "Every group gets about the same number on average. Needs no label."
    ),
    "selection-at-k": gettext_lazy(
        "Every group is among the first places at about the same rate."
    ),
    "exposure": gettext_lazy("Every group stands at places that are seen about as much."),
    "ndcg": gettext_lazy("The order is about as good for every group. Needs a relevance column."),
}

#: Searches that a person can leave out: slug, what it looks for, what it answers.
SEARCHES = [
    (
        "subgroups",
        gettext_lazy("Hidden groups"),
        gettext_lazy("Which combination of columns fares worst, beyond what chance explains?"),
    ),
    (
        "bounds",
        gettext_lazy("The best that is possible"),
        gettext_lazy("How far is the model from what any model could do?"),
    ),
    (
        "shift",
        gettext_lazy("Shift"),
        gettext_lazy("Do sites or samples differ, and would more rows of a site help?"),
    ),
    (
        "numerics",
        gettext_lazy("Number formats"),
        gettext_lazy("Do decisions flip for some groups when the model runs in fewer bits?"),
    ),
]


def goals(kind: str) -> list[tuple[str, str, str]]:
    """Goals of a kind of outcome: slug, title, what it means."""
    known = {BINARY: _DECISION, "multiclass": _CLASS}.get(kind, {})
    return [(slug, *known.get(slug, _from_metric(slug))) for slug in goals_for(kind)]


def needs_label(goal: str) -> bool:
    """Whether a goal compares with what turned out to be true."""
    return goal in GOALS_NEEDING_LABEL


def searches(kind: str, model_format: str | None) -> list[tuple[str, str, str]]:
    """Searches that such an audit makes; not every model runs in several number formats."""
    if kind != BINARY:
        return []
    again = model_format in {"onnx", "network"}
    return [item for item in SEARCHES if item[0] != "numerics" or again]


def _from_metric(slug: str) -> tuple[str, str]:
    metric = words(slug)
    return metric.title, _ASKS.get(slug, metric.asks)
