"""Can a classifier tell audited from fitted rows, and each site from the others?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from auditapp.datasets import split
from auditapp.datasets.keys import folded
from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from auditapp.predictors import features as inputs
from metrics.logistic import Feature
from metrics.source import source_scores

Tick = Callable[[float, str], None]

#: the largest sites are told from the rest; the others are counted
MOST_SITES = 20
#: rows of each source that a classifier of sites sees; 20 of them stay within seconds
MOST_ROWS = 2_500
#: rows of each side for the one comparison of audited and fitted rows
MOST_FITTED = 6_000
MOST_FEATURES = 40
#: values of a categorical column that are told apart
MOST_LEVELS = 15
#: a text column with more different values than this share of the rows names rows
NAMES_ROWS = 0.5


def scan(audited: Audited, tick: Tick) -> tuple[dict[str, Any] | None, str | None]:
    """Scores of every source against its target, or the reason why there is none."""
    fitted = None if audited.part is None else audited.part == split.TRAIN
    against_fit = fitted is not None and bool(fitted.any())
    if not against_fit and audited.every_site is None:
        return None, "one-source"
    tick(0.0, "reading columns")
    names, left_out = columns(audited)
    if not names:
        return None, "no-features"
    features = read(audited, names)
    if not features:
        return None, "no-features"
    out: dict[str, Any] = {
        "features": [feature.name for feature in features],
        "left_out": left_out,
        "unlisted": 0,
        "scores": [],
    }
    if against_fit and fitted is not None:
        tick(0.05, "audited and fitted rows")
        source = np.where(fitted, 0, np.where(audited.used, 1, -1)).astype(np.int8)
        head = {"kind": "fitted", "source": None, "against": None}
        out["scores"].append(head | _score(audited, features, source, "fitted", MOST_FITTED))
    if audited.every_site is not None:
        _sites(audited, features, out, tick)
    return out, None


def _sites(audited: Audited, features: list[Feature], out: dict[str, Any], tick: Tick) -> None:
    site = audited.every_site
    if site is None:
        return
    n = np.bincount(site.codes[site.codes >= 0], minlength=len(site.levels))
    order = [int(s) for s in np.argsort(-n, kind="stable") if n[s] > 0]
    out["unlisted"] = max(0, len(order) - MOST_SITES)
    if len(order) < 2:
        return
    target = target_code(audited)
    against = None if target is None else site.levels[target]
    others = [s for s in order[:MOST_SITES] if s != target]
    for done, s in enumerate(others):
        tick(0.15 + 0.85 * done / len(others), site.levels[s])
        home = site.codes >= 0 if target is None else site.codes == target
        source = np.where(site.codes == s, 1, np.where(home, 0, -1)).astype(np.int8)
        name = f"site/{site.levels[s]}"
        found = _score(audited, features, source, name, MOST_ROWS)
        head = {"kind": "site", "source": site.levels[s], "against": against}
        out["scores"].append(head | found)


def target_code(audited: Audited) -> int | None:
    """Position of the plan's target among the sites, by its word or by its key."""
    site, spec = audited.every_site, audited.plan.site
    if site is None or spec is None or audited.plan.target is None:
        return None
    wanted = folded(audited.plan.target)
    words = {folded(key): word for key, word in spec.words.items()}
    named = folded(words.get(wanted, audited.plan.target))
    found = [folded(level) for level in site.levels]
    return found.index(named) if named in found else None


def _score(
    audited: Audited, features: list[Feature], source: NDArray[np.int8], name: str, most: int
) -> dict[str, Any]:
    label = audited.every_label if audited.plan.outcome == "binary" else None
    # The matrices are small: a second thread costs ten times what it saves on a busy machine.
    with threadpool_limits(limits=1):
        return source_scores(
            features, source, label=label, seed=audited.plan.seed, name=name, most=most
        )


def columns(audited: Audited) -> tuple[list[str], int]:
    """What a classifier of sources may see, and how many columns that leaves out.

    The features of the plan; without them every column that is no role, no row's name.
    """
    plan = audited.plan
    roles = {spec.column for spec in (plan.label, plan.decision, plan.gold) if spec is not None}
    if plan.score is not None and plan.score.column is not None:
        roles.add(plan.score.column)
    roles |= {name for name in (plan.unit, plan.split.column, plan.query) if name is not None}
    roles |= {plan.site.column} if plan.site is not None else set()
    if plan.references is not None:
        roles |= set(plan.references.columns)
    wanted = audited.table.names if plan.features is None else plan.features
    names = [name for name in wanted if name not in roles]
    if plan.features is None:
        names = [name for name in names if not _names_rows(audited, name)]
    return names[:MOST_FEATURES], max(0, len(names) - MOST_FEATURES)


def _names_rows(audited: Audited, name: str) -> bool:
    """Whether nearly every row has a value of its own, as a person's number does."""
    units = audited.table.units(name)
    known = units[units >= 0]
    if known.size == 0 or np.unique(known).size <= NAMES_ROWS * known.size:
        return False
    levels, _ = audited.table.codes(name)
    return not any("." in level for level in levels[:200])


def read(audited: Audited, names: list[str]) -> list[Feature]:
    """Columns as the source classifier takes them."""
    everybody = np.ones(audited.table.n_rows, dtype=bool)
    try:
        found, _ = inputs.read(audited.table, names, everybody, most_levels=MOST_LEVELS)
    except AuditError as error:
        if error.code == "no-features":
            return []
        raise
    out = []
    for column in found:
        if column.codes is not None:
            out.append(Feature(column.name, column.codes, categorical=True))
        elif column.values is not None:
            out.append(Feature(column.name, column.values))
    return out
