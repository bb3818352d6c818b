"""Train, validation and audit parts: seeded, stratified, whole units together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from auditapp.datasets.keys import folded
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditapp.datasets.table import Table

TRAIN, VALID, AUDIT = 0, 1, 2
#: Rows of another population: in no part.
SOURCE = 3

WORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("valid", "val", "validation"), VALID),
    **dict.fromkeys(("audit", "test"), AUDIT),
}
"""What a column may call the parts."""


def stream(name: str, seed: int) -> np.random.Generator:
    """Return the random stream of a name and a seed; different names are independent."""
    digest = hashlib.sha256(f"evenhand/{name}/{seed}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def seeded(
    n: int,
    *,
    shares: Sequence[float] = (50, 20, 30),
    seed: int = 0,
    strata: Sequence[NDArray[np.integer]] | NDArray[np.integer] | None = None,
    unit: NDArray[np.integer] | None = None,
) -> NDArray[np.int8]:
    """Return each row's part: 0 train, 1 validation, 2 audit.

    Rows of every stratum (label and group) are shuffled and dealt out by systematic sampling with
    a random start, so each part's count per stratum is within one of its share.

    Parameters
    ----------
    n
        Number of rows.
    shares
        Three shares in any unit, such as (50, 20, 30).
    seed
        Equal seeds give equal splits on every machine.
    strata
        One (n,) array of codes or several; -1 is a value of its own.
    unit
        (n,) ids of households or persons that are never split; -1 stands alone. A unit counts in
        the stratum of its first row.

    Returns
    -------
    (n,) int8 array

    Raises
    ------
    AuditError
        ``bad-shares``.
    """
    weights = np.asarray(shares, dtype=float)
    if weights.shape != (3,) or not np.isfinite(weights).all() or weights.min() < 0:
        raise _bad_shares(shares)
    if weights.sum() == 0:
        raise _bad_shares(shares)
    first, member = _units(n, unit)
    stratum = _strata(n, strata)[first]
    random = stream("split/1", seed)
    draws = random.random(len(first))
    order = np.lexsort((draws, stratum))
    sizes = np.bincount(stratum)
    starts = np.cumsum(sizes) - sizes
    offsets = random.random(len(sizes))
    ranked = stratum[order]
    place = (np.arange(len(first)) - starts[ranked] + offsets[ranked]) / sizes[ranked]
    edges = np.cumsum(weights)[:2] / weights.sum()
    part = np.empty(len(first), dtype=np.int8)
    part[order] = np.searchsorted(edges, place, side="right")
    return part[member]


def from_column(table: Table, column: str) -> NDArray[np.int8]:
    """Return the part that a column names for each row.

    Parameters
    ----------
    table, column
        Where to look; the words are those of `WORDS`, without regard to case.

    Returns
    -------
    (n,) int8 array
        `TRAIN`, `VALID` or `AUDIT`.

    Raises
    ------
    AuditError
        ``unknown-column``; ``bad-split`` for blanks and other words, with their counts.
    """
    levels, codes = table.codes(column)
    known = np.array([WORDS.get(folded(level), -1) for level in levels] + [-1], dtype=np.int8)
    parts = known[codes]
    if (parts < 0).any():
        other = [
            f"“{word}”: {counted(n, 'row')}"
            for word, n in table.counts(column)
            if folded(word) not in WORDS
        ]
        blank = int((codes < 0).sum())
        other += [f"blank: {counted(blank, 'row')}"] if blank else []
        raise AuditError(
            "bad-split",
            f"Column “{column}” does not say for {int((parts < 0).sum()):,} of {table.n_rows:,} "
            "rows whether they train a model or are measured.",
            "Write train, valid or audit in every row, or give shares like 50/20/30.",
            where=column,
            found=", ".join(other[:10]) + (" and others" if len(other) > 10 else ""),
        )
    return parts


def _units(n: int, unit: NDArray[np.integer] | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first row of every unit and the unit of every row."""
    if unit is None:
        rows = np.arange(n)
        return rows, rows
    ids = np.asarray(unit, dtype=np.int64).copy()
    alone = ids < 0
    ids[alone] = ids.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    _, first, member = np.unique(ids, return_index=True, return_inverse=True)
    by_row = np.argsort(first, kind="stable")
    rank = np.empty_like(by_row)
    rank[by_row] = np.arange(len(by_row))
    return first[by_row], rank[member]


def _strata(
    n: int, strata: Sequence[NDArray[np.integer]] | NDArray[np.integer] | None
) -> NDArray[np.intp]:
    combined = np.zeros(n, dtype=np.int64)
    if strata is None:
        return combined
    several = [strata] if isinstance(strata, np.ndarray) and strata.ndim == 1 else list(strata)
    for codes in several:
        _, own = np.unique(np.asarray(codes), return_inverse=True)
        _, combined = np.unique(combined * (own.max(initial=0) + 1) + own, return_inverse=True)
    return combined


def _bad_shares(shares: Sequence[float]) -> AuditError:
    return AuditError(
        "bad-shares",
        "The split needs three shares that are not negative: train, validation and audit.",
        "Write them like 50/20/30.",
        found="/".join(str(share) for share in shares),
    )
