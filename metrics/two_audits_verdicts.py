"""One family over two audits: weights, bars and verdicts of all their tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics import compare
from metrics.cells import Floats
from metrics.compare import Record
from metrics.two_audits_evidence import Rules, Three
from metrics.verdicts import (
    DIFFERENCE,
    NO_DIFFERENCE,
    NOT_APPLICABLE,
    NOT_ENOUGH_DATA,
    THICK_ALPHA,
    family,
)

Bar = Callable[[Floats], Three]


@dataclass
class Batch:
    """Tests of one kind, table and rate, before they share the family.

    Parameters
    ----------
    heads
        One record for each test; its verdict is written into it.
    reasons
        Why a test cannot be made, else None.
    p : (K,) float64
        p-values.
    primary
        Whether the rate is one that the goal names.
    bar
        Value, low and high at error rates (K,).
    """

    heads: list[Record]
    reasons: list[str | None]
    p: Floats
    primary: bool
    bar: Bar


def judge(batches: Sequence[Batch], rules: Rules) -> Record:
    """Give every test its weight, bars and verdict; the family as a document writes it."""
    p = np.concatenate([batch.p for batch in batches]) if batches else np.zeros(0)
    enough = np.array([r is None for batch in batches for r in batch.reasons], dtype=np.bool_)
    primary = np.array([batch.primary for batch in batches for _ in batch.heads], dtype=np.bool_)
    active = enough & np.isfinite(p)
    weight, k_primary, k_secondary = family(active, primary)
    at = 0
    for batch in batches:
        part = slice(at, at + len(batch.heads))
        at = part.stop
        _write(batch, weight[part], active[part], rules)
    return {
        "alpha": rules.alpha, "k_primary": k_primary, "k_secondary": k_secondary,
        "k": k_primary + k_secondary,
    }  # fmt: skip


def _write(batch: Batch, weight: Floats, active: NDArray[np.bool_], rules: Rules) -> None:
    level = np.where(active, rules.alpha * weight, np.nan)
    value, low, high = batch.bar(np.where(active, level, rules.alpha))
    _, thick_low, thick_high = batch.bar(np.full(level.shape, THICK_ALPHA))
    p_adjusted = np.minimum(1.0, np.divide(batch.p, weight, out=np.full(weight.shape, np.nan),
                                           where=active))  # fmt: skip
    for i, record in enumerate(batch.heads):
        known = bool(np.isfinite(value[i]))
        ends = float(low[i]), float(high[i])
        thick = float(thick_low[i]), float(thick_high[i])
        inside = known and -rules.tolerance < thick[0] and thick[1] < rules.tolerance
        found = bool(active[i]) and p_adjusted[i] <= rules.alpha and not ends[0] <= 0 <= ends[1]
        reason = batch.reasons[i]
        record |= {
            "primary": batch.primary,
            "value": compare.number(value[i]),
            "low": compare.number(low[i]) if active[i] else None,
            "high": compare.number(high[i]) if active[i] else None,
            "thick_low": compare.number(thick_low[i]),
            "thick_high": compare.number(thick_high[i]),
            "p": compare.number(batch.p[i]) if active[i] else None,
            "p_adjusted": compare.number(p_adjusted[i]),
            "level": compare.number(level[i]),
            "b": max(abs(thick[0]), abs(thick[1])) if known else None,
            "verdict": _verdict(reason, known, found, inside, bool(active[i])),
            "size_class": _size(ends, rules.tolerance, found, inside),
            "reason": reason if reason is not None or known else "empty-denominator",
        }


def _verdict(reason: str | None, known: bool, found: bool, inside: bool, active: bool) -> str:
    if reason in ("reference", "empty-group"):
        return NOT_APPLICABLE
    if found:
        return DIFFERENCE
    if active and inside:
        return NO_DIFFERENCE
    return NOT_ENOUGH_DATA if known or reason is not None else NOT_APPLICABLE


def _size(ends: tuple[float, float], tolerance: float, found: bool, inside: bool) -> str | None:
    if not found:
        return None
    if inside:
        return "below"
    return "above" if ends[0] > tolerance or ends[1] < -tolerance else "near"
