"""What a system gives, and what that makes of the columns: words, roles, models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from auditapp.plan import ESTIMATORS

KINDS = [
    ("binary", "A yes or no decision", "Hired or not, with or without a score behind it."),
    ("multiclass", "One of several classes", "A risk band, a diagnosis, a kind of service."),
    ("regression", "A number", "A predicted price, length of stay or amount."),
    ("ranking", "A ranked list", "Who stands at the top of a list, by a score."),
]
BINARY = "binary"

_UNIT = {"unit": "Household or person"}

#: Roles of each kind with their words, in the order of the list.
ROLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "binary": {
            "unused": "Not used",
            "label": "Label",
            "decision": "Decision",
            "score": "Score",
            "sensitive": "Sensitive",
            "feature": "Feature",
            "site": "Site",
            "control": "Legitimate factor",
            "gold": "Gold label",
            "reference": "Reference decision",
            "weight": "Survey weight",
            **_UNIT,
        },
        "multiclass": {
            "unused": "Not used",
            "label": "True class",
            "decision": "Predicted class",
            "sensitive": "Sensitive",
            "feature": "Feature",
            **_UNIT,
        },
        "regression": {
            "unused": "Not used",
            "label": "Actual number",
            "score": "Predicted number",
            "sensitive": "Sensitive",
            "feature": "Feature",
            **_UNIT,
        },
        "ranking": {
            "unused": "Not used",
            "score": "Ranking score",
            "query": "List",
            "label": "Relevance",
            "sensitive": "Sensitive",
            "feature": "Feature",
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
    "logistic": "Logistic regression",
    "linear": "Ridge regression",
    "boosting": "Gradient boosting",
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
