"""What a system gives, and what that makes of the columns: words, roles, models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext_lazy

from auditapp.plan import ESTIMATORS

KINDS = [
    (
        "binary",
        gettext_lazy("A yes or no decision"),
        gettext_lazy("Hired or not, with or without a score behind it."),
    ),
    (
        "multiclass",
        gettext_lazy("One of several classes"),
        gettext_lazy("A risk band, a diagnosis, a kind of service."),
    ),
    (
        "regression",
        gettext_lazy("A number"),
        gettext_lazy("A predicted price, length of stay or amount."),
    ),
    (
        "ranking",
        gettext_lazy("A ranked list"),
        gettext_lazy("Who stands at the top of a list, by a score."),
    ),
]
BINARY = "binary"

_UNIT = {"unit": gettext_lazy("Household or person")}

#: Roles of each kind with their words, in the order of the list.
ROLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "binary": {
            "unused": gettext_lazy("Not used"),
            "label": gettext_lazy("Label"),
            "decision": gettext_lazy("Decision"),
            "score": gettext_lazy("Score"),
            "sensitive": gettext_lazy("Sensitive"),
            "feature": gettext_lazy("Feature"),
            "site": gettext_lazy("Site"),
            "control": gettext_lazy("Legitimate factor"),
            "gold": gettext_lazy("Gold label"),
            "reference": gettext_lazy("Reference decision"),
            "weight": gettext_lazy("Survey weight"),
            **_UNIT,
        },
        "multiclass": {
            "unused": gettext_lazy("Not used"),
            "label": gettext_lazy("True class"),
            "decision": gettext_lazy("Predicted class"),
            "sensitive": gettext_lazy("Sensitive"),
            "feature": gettext_lazy("Feature"),
            **_UNIT,
        },
        "regression": {
            "unused": gettext_lazy("Not used"),
            "label": gettext_lazy("Actual number"),
            "score": gettext_lazy("Predicted number"),
            "sensitive": gettext_lazy("Sensitive"),
            "feature": gettext_lazy("Feature"),
            **_UNIT,
        },
        "ranking": {
            "unused": gettext_lazy("Not used"),
            "score": gettext_lazy("Ranking score"),
            "query": gettext_lazy("List"),
            "label": gettext_lazy("Relevance"),
            "sensitive": gettext_lazy("Sensitive"),
            "feature": gettext_lazy("Feature"),
            **_UNIT,
        },
    }
)
#: Every role under the words of the first kind that has it.
ALL_ROLES: Mapping[str, str] = MappingProxyType(
    {slug: words for kind in reversed(list(ROLES)) for slug, words in ROLES[kind].items()}
)
#: Roles that one column can have at most.
ONCE = ("label", "decision", "score", "unit", "site", "control", "gold", "query", "weight")
_ESTIMATOR_WORDS = {
    "logistic": gettext_lazy("Logistic regression"),
    "linear": gettext_lazy("Ridge regression"),
    "boosting": gettext_lazy("Gradient boosting"),
}


def estimators(kind: str) -> list[tuple[str, str]]:
    """Models that can be trained here for a kind of outcome."""
    return [(slug, _ESTIMATOR_WORDS.get(slug, slug)) for slug in ESTIMATORS[kind]]


def estimator_words(slug: str | None) -> str:
    """What a model that is trained here is called."""
    return _ESTIMATOR_WORDS.get(slug or "logistic", slug or "")


def kind_of(slug: object) -> str:
    """A known kind; a draft without one is about a yes or no decision."""
    return str(slug) if slug in ROLES else BINARY


def kind_words(slug: str) -> str:
    """The kind as it is chosen."""
    return next(words for key, words, _ in KINDS if key == kind_of(slug))
