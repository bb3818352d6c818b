"""Roles beyond label and groups that a column's name suggests: site, gold label, references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.datasets.roles import SENSITIVE, slug, tokens

MOST_SITES = 200

_SITES = frozenset(
    {"site", "hospital", "clinic", "state", "branch", "campus", "school", "store", "office"}
    | {"facility", "plant", "centre", "center", "court", "precinct", "agency", "location"}
)
_CODED = frozenset({"id", "name", "code", "no", "number", "key"})
_GOLD = frozenset({"gold", "relabel", "relabeled", "relabelled", "adjudicated"})
_OTHERS = frozenset(
    {"human", "legacy", "reference", "reviewer", "rater", "officer", "judge", "manual", "expert"}
    | {"previous", "annotator"}
)
_DECIDED = frozenset({"decision", "decided", "prediction", "pred", "selected", "recommendation"})
_LISTS = frozenset(
    {"query", "qid", "query_id", "list", "list_id", "search_id", "session_id", "request_id"}
    | {"impression_id", "position_id", "vacancy_id", "job_id", "auction_id"}
)

Column = Mapping[str, Any]


def one_of_each(columns: Sequence[Column], roles: dict[str, str]) -> None:
    """Leave one label, decision and score: a table that was joined suggests those of both.

    A gold label is no label where there is another, and what people decided is no decision of
    the system where there is one, or a score.
    """
    for role, others in (("label", _is_gold), ("decision", _is_reference), ("score", None)):
        found = [column for column in columns if roles[column["name"]] == role]
        own = [column for column in found if others is None or not others(column)]
        scored = role == "decision" and "score" in roles.values()
        kept = own[:1] if own or scored else found[:1]
        for column in found:
            if column not in kept:
                roles[column["name"]] = "unused"


def site(columns: Sequence[Column], roles: Mapping[str, str]) -> str | None:
    """The column that seems to say where a row comes from: site, hospital_id, state..."""
    for column in columns:
        free = roles.get(column["name"], "unused") in {"feature", "unused", "identifier"}
        if free and _names_a_site(column):
            return str(column["name"])
    return None


def gold(columns: Sequence[Column], roles: Mapping[str, str]) -> str | None:
    """The column that seems to hold second, careful labels, where there is a first."""
    if "label" not in roles.values():
        return None
    for column in columns:
        if roles.get(column["name"]) != "label" and _is_gold(column):
            return str(column["name"])
    return None


def references(columns: Sequence[Column], roles: Mapping[str, str]) -> list[str]:
    """Columns that seem to hold what somebody else decided on the same rows."""
    return [
        str(column["name"])
        for column in columns
        if roles.get(column["name"]) in {"feature", "unused", None} and _is_reference(column)
    ]


def query(columns: Sequence[Column]) -> str | None:
    """The column that seems to say which list a row belongs to."""
    for column in columns:
        if slug(str(column["name"])) in _LISTS and column["distinct"] > 1:
            return str(column["name"])
    return None


def _names_a_site(column: Column) -> bool:
    words = tokens(str(column["name"]))
    if set(words) & set(SENSITIVE) or not 2 <= column["distinct"] <= MOST_SITES:
        return False
    if column["type"] not in {"text", "integer"} or column["capped"] or not column["top"]:
        return False
    named = [word for word in words if word not in _CODED]
    survey = slug(str(column["name"])) == "st" and bool(column["words"])
    return survey or (len(named) == 1 and named[0] in _SITES)


def _is_gold(column: Column) -> bool:
    return _two(column) and bool(set(tokens(str(column["name"]))) & _GOLD)


def _is_reference(column: Column) -> bool:
    words = tokens(str(column["name"]))
    if not _two(column) or not set(words) & _OTHERS:
        return False
    alone = words[0] in _OTHERS and all(word.isdigit() or word in _OTHERS for word in words)
    return alone or bool(set(words) & _DECIDED)


def _two(column: Column) -> bool:
    return bool(column["distinct"] == 2 and column["top"])
