"""Groups nobody named: search every other column for where groups are decided most unlike."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import combinations
from typing import Any

from auditapp.pipeline.audited import Audited
from auditapp.pipeline.diagnose.descriptors import Columns, columns_of, title_of
from auditapp.pipeline.weights import effect_of, of_rows
from auditapp.plan import GOALS, Plan
from metrics.groups import Attribute
from metrics.subgroups import Descriptor, Search, subgroups_section

#: All searches of a report together spend this of its 5%; comparisons of named groups keep the
#: rest.
LEVEL = 0.01
MOST_SEARCHES = 8
MOST_LEVELS = 200
MOST_CROSSED = 500
LISTED = 20
#: Searches at a time, and how often, in seconds, somebody may stop them.
THREADS = 2
EVERY = 0.25


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
    columns = columns_of(audited, len(chosen))
    names = _names(plan, chosen)
    sections: list[dict[str, Any]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(_section, audited, columns, *one, len(chosen)) for one in chosen]
        try:
            for done, future in enumerate(waiting):
                audited.tick(0.2 + 0.8 * done / len(chosen), names[done])
                while wait([future], timeout=EVERY).not_done:
                    audited.tick(0.2 + 0.8 * done / len(chosen), names[done])
                sections.append({**future.result(), "searches_left_out": len(every) - len(chosen)})
        finally:
            pool.shutdown(cancel_futures=True)
    return sections


def _names(plan: Plan, chosen: list[tuple[Attribute, str]]) -> list[str]:
    return [
        f"by {title_of(plan, attribute.name)}, search {i + 1} of {len(chosen)}"
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
        weight=None if audited.design is None else of_rows(audited),
        effect=effect_of(audited, attribute, (metric,)),
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
