"""What an audit has that a remedy may need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.datasets.sizes import group_sizes
from auditapp.datasets.suggest import may_be_feature
from auditapp.forms.kinds import BINARY, kind_of

Json = Mapping[str, Any]


def offered(draft: Json) -> bool:
    """Whether remedies can be tried at all: they are judged by a yes/no label."""
    return kind_of(draft.get("outcome")) == BINARY and bool(draft.get("label"))


def has(draft: Json, profile: Json, model: Json | None) -> frozenset[str]:
    """Which needs of `mitigations.contract.Card` are met.

    Parameters
    ----------
    draft, profile
        Of the audit and of its data set.
    model
        Profile of the uploaded model that is audited, if there is one.
    """
    found = set()
    asked = (draft.get("model") or {}).get("kind") != "columns"
    if draft.get("label"):
        found.add("label")
    if asked:
        found |= {"model"}
    if asked or (draft.get("score") or {}).get("column"):
        found.add("score")
    if inputs(draft, profile, model):
        found.add("features")
    if any(n == 2 for n in group_counts(draft, profile).values()):
        found.add("two-groups")
    return frozenset(found)


def group_counts(draft: Json, profile: Json) -> dict[str, int]:
    """Groups of each sensitive column that are large enough to be compared."""
    columns = {column["name"]: column for column in profile["columns"]}
    floor = (draft.get("policy") or {}).get("floor", 30)
    out = {}
    for spec in draft.get("attributes") or []:
        column = columns.get(spec["column"])
        sizes = [] if column is None else group_sizes(column, spec)
        out[spec["column"]] = sum(n is None or n >= floor for _, n in sizes)
    return out


def inputs(draft: Json, profile: Json, model: Json | None) -> list[str]:
    """Columns that are inputs: of the model, or that could be some, in the order of the table."""
    roles: Mapping[str, str] = draft.get("roles") or {}
    columns: Sequence[Json] = profile["columns"]
    kind = (draft.get("model") or {}).get("kind")
    if kind == "columns":
        free = {"feature", "unused", None}
        return [c["name"] for c in columns if may_be_feature(c) and roles.get(c["name"]) in free]
    wanted = {"feature", "sensitive"} if draft.get("sensitive_features") else {"feature"}
    named = set((model or {}).get("features") or ())
    return [c["name"] for c in columns if c["name"] in named or roles.get(c["name"]) in wanted]
