"""Remedies in words: how they are grouped, what they need and for how long they work."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: Kinds of method under one heading: slug, kinds, heading, what they have in common.
GROUPS = (
    (
        "keep",
        ("postprocess", "abstain"),
        gettext_lazy("The model stays as it is"),
        gettext_lazy(
            "Other thresholds for its score, or a person who decides where the model is "
            "unsure. Quick to try and to take back."
        ),
    ),
    (
        "repair",
        ("transport",),
        gettext_lazy("Inputs are repaired"),
        gettext_lazy("The model stays; what it is told about people is moved before it answers."),
    ),
    (
        "retrain",
        ("retrain", "tune"),
        gettext_lazy("A new model is trained"),
        gettext_lazy("On the same rows, by other rules. It takes the place of the audited model."),
    ),
    (
        "explain",
        ("diagnose",),
        gettext_lazy("Explanations"),
        gettext_lazy("They change nothing, and say what drives a gap."),
    ),
)
OTHERS = ("others", gettext_lazy("Other remedies"), "")

#: Ticked in a new audit where it has what they need.
FIRST = ("thresholds", "abstention")

#: What a method may need: what is missing, and what to do.
NEEDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "label": (gettext_lazy("Needs a label column."), gettext_lazy("Choose one in step 2.")),
        "score": (
            gettext_lazy("Needs a score."),
            gettext_lazy("Choose a score column in step 2, or a model instead of decisions."),
        ),
        "features": (
            gettext_lazy("Needs columns that a model can learn from."),
            gettext_lazy("Give columns the role feature in step 2."),
        ),
        "model": (
            gettext_lazy("Needs a model that can be asked about changed inputs."),
            gettext_lazy("Upload the model, or train a reference model in step 2."),
        ),
        "two-groups": (
            gettext_lazy("Works between exactly two groups."),
            gettext_lazy("Choose a sensitive column with two groups in step 2."),
        ),
        "start": (
            gettext_lazy("Goes on from a network."),
            gettext_lazy(
                "Upload one in step 1, or use a table with a column that tells populations apart."
            ),
        ),
        "checkpoint": (
            gettext_lazy("Needs the weights of a network."),
            gettext_lazy("Upload one in step 1."),
        ),
        "images": (gettext_lazy("Needs images."), gettext_lazy("This audit has none.")),
        "source": (
            gettext_lazy("Needs rows of another population."),
            gettext_lazy(
                "Use a table with a column that tells populations apart, such as a state."
            ),
        ),
    }
)

#: Seconds with settings as they are: for any audit, and for each 100,000 rows up to so many rows.
#: Measured on one core with ten columns and four groups.
_SECONDS: Mapping[str, tuple[float, float, int]] = MappingProxyType(
    {
        "thresholds": (1.0, 0.5, 10_000_000),
        "threshold-optimizer": (1.0, 2.0, 10_000_000),
        "abstention": (11.0, 1.0, 10_000_000),
        "reject": (5.0, 10.0, 10_000_000),
        "counterfactual": (2.0, 12.0, 10_000_000),
        "exponentiated-gradient": (1.0, 30.0, 60_000),
        "grid-search": (0.5, 4.0, 60_000),
        "correlation-remover": (0.5, 1.0, 200_000),
        "reweighing": (0.5, 1.0, 200_000),
        "penalty": (0.5, 1.5, 200_000),
    }
)
_UNMEASURED = (5.0, 10.0, 1_000_000)
#: Splitting the rows, and measuring the audited decisions again beside the remedies.
_ALL = (2.0, 2.0, 10_000_000)


def seconds(slug: str, rows: int) -> float:
    """How long a remedy takes with its settings as they are, roughly."""
    return _seconds(_SECONDS.get(slug, _UNMEASURED), rows)


def seconds_once(rows: int) -> float:
    """What the first remedy adds, whichever it is."""
    return _seconds(_ALL, rows)


def _seconds(item: tuple[float, float, int], rows: int) -> float:
    base, slope, most = item
    return base + slope * min(rows, most) / 100_000


def roughly(spent: float) -> str:
    """Seconds as people guess them."""
    if spent <= 8:
        return _("a few seconds")
    if spent < 50:
        return _("about {spent} seconds").format(spent=10 * max(round(spent / 10), 1))
    minutes = max(round(spent / 60), 1)
    if minutes < 90:
        return (
            _("about a minute")
            if minutes == 1
            else _("about {minutes} minutes").format(minutes=minutes)
        )
    return _("about {spent} hours").format(spent=int(spent / 3600 + 0.5))
