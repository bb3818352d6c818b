"""The best accuracy that any rule can reach, and how far the audited decisions are from it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.pipeline.audited import Audited
from auditapp.pipeline.diagnose.pid import Codes, counted, fewer_groups
from metrics.audit import Attribute
from metrics.bounds_section import bounds_section

Row = dict[str, Any]

EVERYBODY = "everybody"
RULES = ("free", "group")
#: Points of a surface that all attributes together may take, times the variables of each: about
#: three seconds of one core.
BUDGET = 12_000
LARGEST_GRID, SMALLEST_GRID = 12, 3
#: Variables above which sites are left out: two points alone would take seconds.
MOST_VARIABLES = 4_000


def run(audited: Audited) -> list[Row] | None:
    """One entry for each sensitive column, within the sites where there are any."""
    label = audited.label
    if audited.plan.outcome != "binary" or label is None:
        return None
    site = audited.site
    groups = [a for a in audited.attributes if site is None or a.name != site.name]
    out: list[Row] = []
    for done, attribute in enumerate(groups):
        audited.tick(done / len(groups), attribute.name)
        out.append(_entry(audited, label, attribute, len(groups)))
    return out


def _entry(audited: Audited, label: Codes, attribute: Attribute, of: int) -> Row:
    plan, site = audited.plan, audited.site
    places = (EVERYBODY,) if site is None else site.levels
    # Whoever abstained is neither right nor wrong, and is left out.
    table = counted(
        (label, (0, 1)),
        (attribute.codes, tuple(range(len(attribute.levels)))),
        (np.zeros(label.size, dtype=np.int8) if site is None else site.codes,
         tuple(range(len(places)))),
        (audited.decision, (0, 1)),
    )  # fmt: skip
    table, z_levels, joined = fewer_groups(table, attribute.levels)
    left_out = _variables(table) * of > MOST_VARIABLES and len(places) > 1
    if left_out:
        table, places = table.sum(axis=2, keepdims=True), (EVERYBODY,)
    grid = _grid(_variables(table), of)
    found = bounds_section(
        table.transpose(1, 2, 0, 3),
        by=[attribute.name],
        site=None if site is None or left_out else site.name,
        z_levels=z_levels,
        sites=places,
        rules=RULES,
        grid=grid,
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
        draws=plan.draws,
        limit=plan.tolerance,
        seed=plan.seed,
    )
    return {
        **found,
        "grid": grid,
        "sites_left_out": left_out,
        "joined_groups": joined,
        "not_counted": int(label.size - table.sum()),
    }


def _variables(table: NDArray[np.int64]) -> int:
    """Chances of the freest rule on a (y, z, s, yh) table."""
    z = (table.sum(axis=(0, 2, 3)) > 0).sum()
    s = (table.sum(axis=(0, 1, 3)) > 0).sum()
    return int(z * s) * 2


def _grid(variables: int, attributes: int) -> int:
    """Limits along each axis that the budget allows; 0 where too few would say anything."""
    size = int((BUDGET / (max(variables, 1) * attributes)) ** 0.5)
    return 0 if size < SMALLEST_GRID else min(size, LARGEST_GRID)
