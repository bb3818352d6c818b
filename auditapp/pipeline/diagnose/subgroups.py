"""Groups nobody named: search every other column for where groups are decided most unlike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from auditapp.datasets.suggest import may_be_feature, plain_title
from auditapp.pipeline.audited import Audited
from auditapp.plan import GOALS, AttributeSpec, Plan
from metrics.groups import Attribute
from metrics.subgroups import Descriptor, Search, subgroups_section

Column = Mapping[str, Any]

#: All searches of a report together spend this of its 5%; comparisons of named groups keep the
#: rest.
LEVEL = 0.01
MOST_COLUMNS = 40
FEWEST_COLUMNS = 8
MOST_SEARCHES = 8
#: Rows times columns times searches, about twenty seconds on one core.
MOST_WORK = 10**8
MOST_LEVELS = 200
MOST_CROSSED = 500
#: Columns of numbers with so few values are also taken value by value.
FEW_VALUES = 20
LISTED = 20
#: Searches at a time, and how often, in seconds, somebody may stop them.
THREADS = 2
EVERY = 0.25

#: Why a column describes nobody: reason codes of the result document.
ROLE, ONE_VALUE, TEXT, IDENTIFIER, WEIGHT, NOT_CHOSEN, BEYOND_CAP = (
    "has-a-role", "one-value", "free-text", "identifier", "weight", "not-a-feature", "beyond-cap",
)  # fmt: skip
_KINDS = {"empty": ONE_VALUE, "constant": ONE_VALUE, "text": TEXT, "identifier": IDENTIFIER}


@dataclass(frozen=True)
class Columns:
    """Columns that describe people, and why the others do not."""

    descriptors: tuple[Descriptor, ...]
    left_out: tuple[tuple[str, str], ...]


def run(audited: Audited) -> list[dict[str, Any]] | None:
    """Search once for each sensitive column and each metric of the goal.

    Returns
    -------
    list of dict or None
        Sections of `metrics.subgroups.subgroups_section`, each with ``columns`` that were
        searched, ``columns_left_out`` by reason, ``searches`` and ``searches_left_out``. None
        where nothing is decided with yes or no.
    """
    plan = audited.plan
    if plan.outcome != "binary" or plan.goal not in GOALS:
        return None
    every = [(a, metric) for a in audited.attributes for metric in GOALS[plan.goal]]
    chosen = every[:MOST_SEARCHES]
    columns = _columns(audited, len(chosen))
    names = _names(plan, chosen)
    sections: list[dict[str, Any]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(_section, audited, columns, *one, len(chosen)) for one in chosen]
        try:
            for done, future in enumerate(waiting):
                while not future.done():
                    audited.tick(0.2 + 0.8 * done / len(chosen), names[done])
                    wait([future], timeout=EVERY)
                sections.append({**future.result(), "searches_left_out": len(every) - len(chosen)})
        finally:
            pool.shutdown(cancel_futures=True)
    return sections


def _names(plan: Plan, chosen: list[tuple[Attribute, str]]) -> list[str]:
    return [
        f"by {_title(plan, attribute.name)}, search {i + 1} of {len(chosen)}"
        for i, (attribute, _) in enumerate(chosen)
    ]


def _section(
    audited: Audited, columns: Columns, attribute: Attribute, metric: str, searches: int
) -> dict[str, Any]:
    mine = [d for d in columns.descriptors if d.name != attribute.name]
    section = subgroups_section(
        attribute,
        mine,
        decision=audited.decision,
        label=audited.label,
        metric=metric,
        search=_search(audited.plan, mine, searches),
    )
    return {
        **section,
        "columns": [d.name for d in mine],
        "columns_left_out": _by_reason(columns.left_out, attribute.name),
        "searches": searches,
    }


def _search(plan: Plan, descriptors: list[Descriptor], searches: int) -> Search:
    return Search(
        declared=tuple(_crossed(descriptors)),
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
        seed=plan.seed,
        level=LEVEL,
        searches=searches,
        tolerance=plan.tolerance,
    )


def _crossed(descriptors: list[Descriptor]) -> Iterator[tuple[str, ...]]:
    """Columns alone, then pairs of them, the coarse ones first: a family has only so much room."""
    size = {d.name: len(d.levels) or len(d.cuts) + 1 for d in descriptors if d.declared}
    fit = sorted((name for name, n in size.items() if n <= MOST_LEVELS), key=size.__getitem__)
    yield from ((name,) for name in fit)
    pairs = [(size[a] * size[b], (a, b)) for a, b in combinations(fit, 2)]
    for cells, pair in sorted(pairs, key=lambda item: item[0]):
        if cells <= MOST_CROSSED:
            yield pair


def _columns(audited: Audited, searches: int) -> Columns:
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
    found: list[Descriptor] = []
    for done, name in enumerate(names):
        if len(found) == most:
            left_out.append((name, BEYOND_CAP))
            continue
        audited.tick(0.2 * done / len(names), f"column {done + 1:,} of {len(names):,}")
        descriptor = _descriptor(audited, known[name])
        if descriptor is None:
            left_out.append((name, ONE_VALUE))
        else:
            found.append(descriptor)
    return Columns(tuple(found), tuple(left_out))


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
    title = _title(audited.plan, name, column)
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


def _title(plan: Plan, name: str, column: Column | None = None) -> str:
    spec = _specs(plan).get(name)
    if spec is not None and spec.title:
        return spec.title
    return str((column or {}).get("title") or plain_title(name))


def _by_reason(left_out: tuple[tuple[str, str], ...], searched: str) -> list[dict[str, Any]]:
    """Columns that were not searched, by reason; of many the first."""
    out: dict[str, list[str]] = {}
    for name, reason in left_out:
        if name != searched:
            out.setdefault(reason, []).append(name)
    return [
        {"reason": reason, "n": len(names), "columns": names[:LISTED]}
        for reason, names in out.items()
    ]
