"""What can be decided about people, and what should then be equal between their groups."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Goal of a yes/no decision or of one class against the rest, and the metrics it makes primary.
GOALS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "selection-rate": ("selection-rate",),
        "tpr": ("tpr",),
        "equalized-odds": ("tpr", "fpr"),
        "precision": ("precision",),
        "accuracy": ("accuracy",),
    }
)

#: Kinds of outcome and their goals, the first of each its default.
OUTCOMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "binary": tuple(GOALS),
        "multiclass": tuple(GOALS),
        "regression": ("bias", "mae", "mean-prediction"),
        "ranking": ("selection-at-k", "exposure", "ndcg"),
    }
)
GOALS_WITHOUT_LABEL = frozenset(
    {"selection-rate", "mean-prediction", "selection-at-k", "exposure"}
)
GOALS_NEEDING_LABEL = frozenset().union(*OUTCOMES.values()) - GOALS_WITHOUT_LABEL

#: Models that can be trained here.
ESTIMATORS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "binary": ("logistic", "boosting"),
        "multiclass": ("logistic", "boosting"),
        "regression": ("linear", "boosting"),
        "ranking": (),
    }
)

#: Searches a plan may skip: keys of the result document.
SEARCHES = (
    "subgroups",
    "pid",
    "bounds",
    "shift",
    "transfer",
    "change",
    "strata",
    "levels",
    "references",
    "numerics",
)


def goals_for(outcome: str) -> tuple[str, ...]:
    """Goals that a kind of outcome can have, its default first."""
    return OUTCOMES[outcome]
