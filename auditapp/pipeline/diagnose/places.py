"""The sites of a shift study: rows that train, rows that set thresholds, rows that are tested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import split
from auditapp.pipeline import weights as survey
from auditapp.pipeline.audited import Audited
from metrics import design
from metrics.groups import Attribute

Rows = NDArray[np.intp]

#: Sites that are studied, the largest, and rows of each in each part.
MOST_SITES, MOST_ROWS = 12, 20_000
#: Rows each part of a site needs.
FEWEST = 100
#: Replicates drawn for each cell where a survey has none of its own.
DRAWS = 100


@dataclass(frozen=True)
class Site:
    """One site: rows of the table by what they are for."""

    name: str
    code: int
    train: Rows
    valid: Rows
    held: Rows


@dataclass(frozen=True)
class Weights:
    """Survey weights of the kept rows, and their replicates."""

    weight: NDArray[np.float64]
    replicates: NDArray[np.float32]
    scheme: design.Scheme

    def of(self, part: Attribute, label: Any, decision: Any, at: Rows) -> design.Weighted:
        """Weighted counts of some of them."""

        def columns() -> Iterator[NDArray[np.float64]]:
            for column in self.replicates:
                yield column[at].astype(np.float64)

        return design.weigh(
            [part], label=label, decision=decision, weight=self.weight[at],
            replicates=columns(), scheme=self.scheme, intersections=1,
        )  # fmt: skip


@dataclass(frozen=True)
class Places:
    """The sites, how many are left out, and every row that is used, in order."""

    sites: tuple[Site, ...]
    unlisted: int
    rows: Rows
    most: int = MOST_ROWS

    def weights(self, audited: Audited) -> Weights | None:
        """Survey weights of the kept rows; None where every row counts once."""
        plan, table = audited.plan, audited.table
        if plan.weights is None:
            return None
        weight = np.maximum(np.nan_to_num(table.numbers(plan.weights.column))[self.rows], 0.0)
        if plan.weights.replicates:
            found = [table.numbers(name)[self.rows] for name in plan.weights.replicates]
            stacked = np.nan_to_num(np.stack(found)).astype(np.float32)
            return Weights(weight, stacked, survey.scheme_of(plan.weights))
        unit = None if plan.unit is None else table.units(plan.unit)[self.rows]
        drawn = design.drawn(weight, unit, split.stream("transfer/survey", plan.seed), DRAWS)
        stacked = np.stack([column.astype(np.float32) for column in drawn])
        kind: design.Kind = "rows" if unit is None else "clusters"
        return Weights(weight, stacked, design.Scheme.drawn(kind, self.rows.size, DRAWS))


def places(audited: Audited) -> Places:
    """The largest sites with enough labelled rows in every part."""
    site, label = audited.every_site, audited.every_label
    assert site is not None and label is not None
    parts = _parts(audited)
    random = split.stream("transfer", audited.plan.seed)
    known = label >= 0
    scored = audited.used | (parts == split.TRAIN)

    def some(mask: NDArray[np.bool_]) -> Rows:
        return np.sort(random.permutation(np.flatnonzero(mask))[:MOST_ROWS])

    n = np.bincount(site.codes[site.codes >= 0], minlength=len(site.levels))
    found = []
    for code in np.argsort(-n, kind="stable").tolist():
        here = known & scored & (site.codes == code)
        made = [some(here & (parts == part)) for part in (split.TRAIN, split.VALID, split.AUDIT)]
        if audited.plan.model.kind != "train":
            made[0] = np.zeros(0, dtype=np.intp)
        if min(rows.size for rows in made[1:]) < FEWEST or _one_class(label, made[2]):
            continue
        if audited.plan.model.kind == "train" and (
            made[0].size < FEWEST or _one_class(label, made[0])
        ):
            continue
        found.append(Site(site.levels[code], code, *made))
    kept = tuple(found[:MOST_SITES])
    used = [rows for s in kept for rows in (s.train, s.valid, s.held)]
    every = np.sort(np.concatenate(used)) if used else np.zeros(0, dtype=np.intp)
    return Places(kept, int((n > 0).sum()) - len(kept), every)


def _one_class(label: NDArray[np.int8], rows: Rows) -> bool:
    return np.unique(label[rows]).size < 2


def _parts(audited: Audited) -> NDArray[np.int8]:
    """The split of the plan; where nothing was trained, half of each site sets thresholds."""
    if audited.part is not None and (audited.part == split.TRAIN).any():
        return audited.part
    plan, table, site = audited.plan, audited.table, audited.every_site
    assert site is not None and audited.every_label is not None
    unit = None if plan.unit is None else table.units(plan.unit)
    dealt = split.seeded(
        table.n_rows, shares=(0, 50, 50), seed=plan.seed,
        strata=[audited.every_label, site.codes], unit=unit,
    )  # fmt: skip
    return dealt if audited.source is None else np.where(audited.source, split.SOURCE, dealt)
