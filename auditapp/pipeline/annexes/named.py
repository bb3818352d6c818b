"""Columns and classes that a template's answers name, found among those of the audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets.lookup import unknown_column
from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.outcomes import rows
from auditapp.plan import AttributeSpec
from auditapp.regulatory import eeo
from metrics.groups import Attribute

#: Strata beyond this many would each hold too few people to say anything.
MOST_STRATA = 200


def attributes(audited: Audited, names: Sequence[str]) -> list[Attribute]:
    """The sensitive columns of these names or titles, all where none is named.

    Raises
    ------
    AuditError
        ``template-column``: a name is none of them.
    """
    if not names:
        return list(audited.attributes)
    known: dict[str, Attribute] = {}
    for spec, attribute in zip(audited.plan.attributes, audited.attributes, strict=True):
        known.setdefault(spec.title.casefold(), attribute)
    for spec, attribute in zip(audited.plan.attributes, audited.attributes, strict=True):
        known[spec.column.casefold()] = attribute
    found = []
    for name in names:
        if name.strip().casefold() not in known:
            raise AuditError(
                "template-column",
                f"“{name}” is none of the sensitive columns of this audit.",
                f"Choose among: {', '.join(a.column for a in audited.plan.attributes)}.",
                where="templates",
            )
        found.append(known[name.strip().casefold()])
    return list({attribute.name: attribute for attribute in found}.values())


def told(attribute: Attribute) -> tuple[Attribute, list[dict[str, Any]]]:
    """A column without the groups of people who did not say, and those groups with their size.

    `Unknown` or `Declined to answer` is no class: its people count as unknown, so that nobody is
    held against them and they against nobody.
    """
    kept = [j for j, level in enumerate(attribute.levels) if not eeo.untold(level)]
    if len(kept) == len(attribute.levels):
        return attribute, []
    place = np.full(len(attribute.levels) + 1, -1, dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    gone = [
        {"group": {attribute.name: level}, "n": int((attribute.codes == j).sum())}
        for j, level in enumerate(attribute.levels)
        if j not in kept
    ]
    reference = attribute.reference
    if reference is not None:
        reference = int(place[reference]) if place[reference] >= 0 else None
    made = replace(
        attribute,
        levels=tuple(attribute.levels[j] for j in kept),
        codes=place[attribute.codes],
        reference=reference,
    )
    return made, gone


def numbers(audited: Audited, column: str) -> NDArray[np.float64]:
    """A column of the measured rows as numbers, NaN where blank."""
    if not audited.table.has(column):
        raise unknown_column(column, audited.table.names)
    return np.asarray(audited.table.numbers(column)[audited.used], dtype=np.float64)


def strata(audited: Audited, column: str) -> tuple[Attribute, str] | None:
    """The strata of the measured rows and their title.

    A column of this name; without one the site or the legitimate factor of the plan.
    """
    plan = audited.plan
    for spec, found in ((plan.site, audited.site), (plan.control, audited.control)):
        if spec is not None and found is not None and column in ("", spec.column):
            return found, spec.title
    if not column:
        return None
    for own, attribute in zip(plan.attributes, audited.attributes, strict=True):
        if own.column == column:
            return attribute, own.title
    if not audited.table.has(column):
        raise unknown_column(column, audited.table.names)
    made = rows.attribute(audited.table, AttributeSpec(column, column))
    return Attribute(made.name, made.levels, made.codes[audited.used]), column


def place(levels: Iterable[str], name: str) -> int | None:
    """Position of a group by its name, whatever its case."""
    folded = [level.strip().casefold() for level in levels]
    wanted = name.strip().casefold()
    return folded.index(wanted) if wanted in folded else None


def exact(value: float, per: int = 1) -> Fraction:
    """A setting as the decimal it was written as: 0.8 is 4/5."""
    return Fraction(repr(float(value))) / per
