"""Which columns of a table describe people, and in what words: for the search of subgroups."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets.suggest import may_be_feature, plain_title
from auditapp.pipeline.audited import Audited
from auditapp.plan import AttributeSpec, Plan
from metrics.subgroups import Descriptor

Column = Mapping[str, Any]

MOST_COLUMNS = 40
FEWEST_COLUMNS = 8
#: Rows times columns times searches, about twenty seconds on one core.
MOST_WORK = 10**8
#: Columns of numbers with so few values are also taken value by value.
FEW_VALUES = 20
#: A column of which nobody said that it describes people is left out where it removes so much of
#: the uncertainty about decision or label: it probably was made from them.
TELLS = 0.5
#: Ranges of a column of numbers while that is measured.
RANGES = 20

#: Why a column describes nobody: reason codes of the result document.
ROLE, ONE_VALUE, TEXT, IDENTIFIER, WEIGHT, NOT_CHOSEN, BEYOND_CAP, TOLD = (
    "has-a-role", "one-value", "free-text", "identifier", "weight", "not-a-feature", "beyond-cap",
    "tells-the-outcome",
)  # fmt: skip
_KINDS = {"empty": ONE_VALUE, "constant": ONE_VALUE, "text": TEXT, "identifier": IDENTIFIER}


@dataclass(frozen=True)
class Columns:
    """Columns that describe people, and why the others do not."""

    descriptors: tuple[Descriptor, ...]
    left_out: tuple[tuple[str, str], ...]


def columns_of(audited: Audited, searches: int) -> Columns:
    """Read the columns that may describe people, as many as there is time for."""
    plan, names, left_out = audited.plan, [], []
    known = {str(column["name"]): column for column in _profile(audited)}
    for name in (*_named(plan), *known):
        if name in names or name not in known:
            continue
        reason = _refused(plan, known[name])
        if reason is None:
            names.append(name)
        elif (name, reason) not in left_out:
            left_out.append((name, reason))
    work = int(np.count_nonzero(audited.used)) * max(searches, 1)
    most = min(MOST_COLUMNS, max(FEWEST_COLUMNS, MOST_WORK // max(work, 1)))
    chosen = {*_named(plan), *(plan.features or ())}
    found: list[Descriptor] = []
    for done, name in enumerate(names):
        if len(found) == most:
            left_out.append((name, BEYOND_CAP))
            continue
        audited.tick(0.2 * done / len(names), f"column {done + 1:,} of {len(names):,}")
        descriptor = _descriptor(audited, known[name])
        if descriptor is None:
            left_out.append((name, ONE_VALUE))
        elif name not in chosen and _tells(audited, descriptor):
            left_out.append((name, TOLD))
        else:
            found.append(descriptor)
    return Columns(tuple(found), tuple(left_out))


def _tells(audited: Audited, descriptor: Descriptor) -> bool:
    """Whether a column nearly tells the decision or the label by itself."""
    if descriptor.levels:
        codes = np.asarray(descriptor.values, dtype=np.int64)
    else:
        values = np.asarray(descriptor.values, dtype=np.float64)
        edges = np.unique(np.nanquantile(values, np.linspace(0, 1, RANGES + 1)[1:-1]))
        codes = np.searchsorted(edges, values, side="right")
        codes[np.isnan(values)] = -1
    outcomes = [o for o in (audited.decision, audited.label) if o is not None]
    return any(_explained(codes, outcome) >= TELLS for outcome in outcomes)


def _explained(codes: NDArray[np.int64], outcome: NDArray[np.int8]) -> float:
    """Share of an outcome's entropy that a column removes, less what chance would remove."""
    known = outcome >= 0
    if not known.any():
        return 0.0
    place = (codes[known] + 1) * 3 + outcome[known]
    table = np.bincount(place, minlength=3 * (int(codes.max()) + 2)).reshape(-1, 3) / known.sum()
    whole = _entropy(table.sum(axis=0))
    if whole == 0.0:
        return 0.0
    bins, classes = (int(np.count_nonzero(table.sum(axis=axis))) for axis in (1, 0))
    chance = (bins - 1) * (classes - 1) / (2 * int(known.sum()))
    both = _entropy(table.sum(axis=1)) + whole - _entropy(table.ravel())
    return (both - chance) / whole


def _entropy(share: NDArray[np.float64]) -> float:
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def _profile(audited: Audited) -> list[Column]:
    path = audited.table.path.parent / "profile.json"
    columns: list[Column] = json.loads(path.read_text(encoding="utf-8"))["columns"]
    return columns


def _specs(plan: Plan) -> dict[str, AttributeSpec]:
    """Columns that the auditor described: sensitive ones, the site, what is held equal."""
    named = [*plan.attributes, *(s for s in (plan.site, plan.control) if s is not None)]
    return {spec.column: spec for spec in reversed(named)}


def _named(plan: Plan) -> list[str]:
    named = [*plan.attributes, *(s for s in (plan.site, plan.control) if s is not None)]
    return [spec.column for spec in named]


def _refused(plan: Plan, column: Column) -> str | None:
    """Why a column cannot describe people; None where it can."""
    name = str(column["name"])
    outcomes = (plan.label, plan.decision, plan.score, plan.gold)
    taken = {o.column for o in outcomes if o is not None}
    taken |= {plan.unit, plan.query, plan.split.column if plan.split.kind == "column" else None}
    taken |= set() if plan.references is None else set(plan.references.columns)
    if plan.weights is not None and name in (plan.weights.column, *plan.weights.replicates):
        return WEIGHT
    if name in taken:
        return ROLE
    if column["kind"] in _KINDS and name not in _specs(plan):
        return _KINDS[column["kind"]]
    if column["guess"] == "weight":
        return WEIGHT
    if name in _specs(plan) or name in (plan.features or ()):
        return None
    if plan.features is None and (column["guess"] == "sensitive" or may_be_feature(column)):
        return None
    return NOT_CHOSEN


def _descriptor(audited: Audited, column: Column) -> Descriptor | None:
    """One column of the measured rows; None where all of them hold the same."""
    name, spec = str(column["name"]), _specs(audited.plan).get(str(column["name"]))
    title = title_of(audited.plan, name, column)
    words = (spec.words if spec is not None and spec.words else column["words"]) or {}
    binned = spec is not None and spec.kind == "binned"
    few = column["distinct"] <= FEW_VALUES and column["kind"] != "binary"
    numeric = column["type"] in {"integer", "number"} and (column["kind"] == "numeric" or few)
    if binned or (numeric and not words):
        return _numbers(audited, name, title, () if spec is None else spec.cuts)
    levels, codes = audited.table.codes(name)
    shown = {str(key): str(word) for key, word in words.items()}
    every = [shown.get(level, level) for level in levels]
    merged = list(dict.fromkeys(every))
    place = {word: i for i, word in enumerate(merged)}
    lookup = np.array([*(place[word] for word in every), -1], dtype=np.int32)
    values = lookup[codes[audited.used]]
    n = np.bincount(values + 1, minlength=len(merged) + 1)
    if np.count_nonzero(n) < 2:
        return None
    return Descriptor(name, values, levels=tuple(merged), title=title)


def _numbers(
    audited: Audited, name: str, title: str, cuts: tuple[float, ...]
) -> Descriptor | None:
    """A column of numbers; one with few values is also taken value by value."""
    values = audited.table.numbers(name)[audited.used]
    known = values[np.isfinite(values)]
    different = np.unique(known)
    if different.size == 0 or (different.size == 1 and known.size == values.size):
        return None
    if not cuts and different.size <= FEW_VALUES:
        cuts = tuple(float(value) for value in different[1:])
    return Descriptor(name, values, cuts=cuts, title=title)


def title_of(plan: Plan, name: str, column: Column | None = None) -> str:
    spec = _specs(plan).get(name)
    if spec is not None and spec.title:
        return spec.title
    return str((column or {}).get("title") or plain_title(name))
