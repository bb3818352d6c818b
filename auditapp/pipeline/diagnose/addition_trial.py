"""Should another site's rows train the target's model? Tried with the reference model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auditapp.datasets import split
from auditapp.datasets.table import Table
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.decide import oriented
from auditapp.pipeline.diagnose.source_scan import target_code
from auditapp.predictors import reference
from metrics.addition import Source, addition_section
from metrics.groups import Attribute

Tick = Callable[[float, str], None]

#: rows of each source that train, and of the target that are decided
MOST_ROWS = 10_000
MOST_SOURCES = 8
#: fewest rows a source, or either part of the target, has to have
FEWEST = 100


def trial(
    audited: Audited, sources: dict[str, Any] | None, tick: Tick
) -> tuple[dict[str, Any] | None, str | None]:
    """Steps of adding sources to the target, or the reason why nothing was tried."""
    plan, site = audited.plan, audited.every_site
    if site is None or plan.target is None:
        return None, "no-site" if site is None else "no-target"
    if plan.model.kind != "train" or audited.part is None or audited.every_label is None:
        return None, "no-trained-model"
    target = target_code(audited)
    if target is None:
        return None, "unknown-target"
    parts = _parts(audited, target)
    if min(parts.valid.size, parts.train[target].size) < FEWEST:
        return None, "target-too-small"
    shift = _shift(sources)
    candidates = [
        Source(site.levels[s], shift.get(site.levels[s]), int(rows.size))
        for s, rows in parts.train.items()
        if s != target and rows.size >= FEWEST
    ]
    if not candidates:
        return None, "one-source"
    # The largest ones: their effect can be seen.
    candidates = sorted(candidates, key=lambda s: (-s.rows, s.name))
    tried = candidates[:MOST_SOURCES]
    with tempfile.TemporaryDirectory(dir=audited.job.get("out")) as folder:
        steps = _steps(audited, parts, target, tried, Path(folder), tick)
    return {
        "target": site.levels[target],
        "rows": {"train": int(parts.train[target].size), "decided": int(parts.valid.size)},
        "most_rows": MOST_ROWS,
        "unlisted": len(candidates) - len(tried),
        "estimator": plan.model.estimator or "logistic",
        "attributes": steps,
    }, None


@dataclass(frozen=True)
class _Parts:
    """Rows of the table: each site's training rows, and the target's rows to decide."""

    train: dict[int, NDArray[np.intp]]
    valid: NDArray[np.intp]


def _parts(audited: Audited, target: int) -> _Parts:
    site, label, part = audited.every_site, audited.every_label, audited.part
    if site is None or label is None or part is None:
        raise AssertionError
    random = split.stream("addition", audited.plan.seed)
    fitting = (part == split.TRAIN) & (label >= 0)

    def some(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
        return np.sort(random.permutation(np.flatnonzero(mask))[:MOST_ROWS])

    train = {s: some(fitting & (site.codes == s)) for s in range(len(site.levels))}
    held = (part != split.TRAIN) & (label >= 0) & (site.codes == target)
    return _Parts(train, some(held))


def _shift(sources: dict[str, Any] | None) -> dict[str, float | None]:
    """Source classifier's score of each site: on features and label, else on features."""
    out: dict[str, float | None] = {}
    for item in (sources or {}).get("scores", []):
        if item["kind"] == "site":
            both = item["xy"]["value"]
            out[item["source"]] = item["x"]["value"] if both is None else both
    return out


def _steps(
    audited: Audited,
    parts: _Parts,
    target: int,
    candidates: list[Source],
    folder: Path,
    tick: Tick,
) -> list[dict[str, Any]]:
    site, label, plan = audited.every_site, audited.every_label, audited.plan
    if site is None or label is None:
        raise AssertionError
    rows = {site.levels[s]: found for s, found in parts.train.items()}
    home = site.levels[target]
    kept = np.concatenate([rows[name] for name in (home, *(c.name for c in candidates))])
    kept = np.concatenate([kept, parts.valid])
    table = excerpt(audited.table, kept, folder)
    source = site.codes[kept]
    held = np.zeros(kept.size, dtype=bool)
    held[-parts.valid.size :] = True
    decided: dict[tuple[str, ...], NDArray[np.int8]] = {}
    codes = {level: s for s, level in enumerate(site.levels)}

    def train(added: tuple[str, ...]) -> NDArray[np.int8]:
        if added not in decided:
            tick(len(decided) / (len(candidates) + 1), f"training with {len(added) + 1} sources")
            mask = ~held & np.isin(source, [codes[name] for name in (home, *added)])
            scores, _ = reference.fit(
                table,
                list(plan.features or ()),
                label[kept],
                mask,
                estimator=plan.model.estimator or "logistic",
                seed=plan.seed,
            )
            decided[added] = oriented(scores[held], plan)[1]
        return decided[added]

    return [
        addition_section(
            candidates,
            train,
            Attribute(a.name, a.levels, a.codes[parts.valid], a.reference, a.title),
            label[parts.valid],
            seed=plan.seed,
            draws=plan.draws,
            floor=plan.floor,
            stop=False,
        )
        for a in audited.everyone
    ]


def excerpt(table: Table, rows: NDArray[np.intp], folder: Path) -> Table:
    """The chosen rows as a table of their own, so that a training reads no others."""
    pq.write_table(pq.read_table(table.path, memory_map=True).take(rows), folder / "table.parquet")
    profile = table.path.parent / "profile.json"
    if profile.is_file():
        shutil.copyfile(profile, folder / "profile.json")
    return Table.open(folder)
