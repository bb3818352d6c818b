"""Whose row of the first audit is whose row of the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditapp.pipeline.kept import Kept

SAME_FILE, SAME_ID, SAME_ORDER = "same-file", "same-id", "same-order"
#: Share of the smaller audit's people that has to be found in the other one by id.
ENOUGH = 0.5
#: Rows from which equal outcomes and groups in equal order are no coincidence.
FEWEST = 100
#: Share of rows that may have another group or outcome than before: data are corrected.
MOST_OTHER = 0.05


@dataclass(frozen=True)
class Match:
    """Pairs of rows.

    Parameters
    ----------
    basis
        How they were found: `SAME_FILE`, `SAME_ID` or `SAME_ORDER`.
    first, second : (m,) int64
        Positions in either audit's kept rows.
    """

    basis: str
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)


def match(first: Kept, second: Kept) -> Match | None:
    """The people of both audits; None where nothing says that they are the same."""
    if first.sha256 == second.sha256 and first.n_rows == second.n_rows:
        return _by_row(first, second, SAME_FILE)
    by_id = _by_key(first, second)
    if by_id is not None:
        return by_id
    if first.n_rows != second.n_rows or first.n_rows < FEWEST:
        return None
    found = _by_row(first, second, SAME_ORDER)
    return found if len(found) >= FEWEST and _identical(first, second, found) else None


def _by_row(first: Kept, second: Kept, basis: str) -> Match:
    _, i, j = np.intersect1d(first.row, second.row, assume_unique=True, return_indices=True)
    return Match(basis, i.astype(np.int64), j.astype(np.int64))


def _by_key(first: Kept, second: Kept) -> Match | None:
    if first.key is None or second.key is None or first.key_name != second.key_name:
        return None
    _, i, j = np.intersect1d(first.key, second.key, return_indices=True)
    if i.size < ENOUGH * min(len(first), len(second)) or not i.size:
        return None
    order = np.argsort(i)
    return Match(SAME_ID, i[order].astype(np.int64), j[order].astype(np.int64))


def _identical(first: Kept, second: Kept, found: Match) -> bool:
    """Whether outcomes and every common group column run through the rows alike and vary."""
    if first.label is None or second.label is None:
        return False
    if (first.label[found.first] != second.label[found.second]).any():
        return False
    others = {a.name: a for a in second.attributes}
    kinds = [first.label[found.first].astype(np.int64)]
    for attribute in first.attributes:
        other = others.get(attribute.name)
        if other is None or other.levels != attribute.levels:
            continue
        codes = attribute.codes[found.first]
        if (codes != other.codes[found.second]).any():
            return False
        kinds.append(codes.astype(np.int64))
    if len(kinds) < 2:
        return False
    # Rows sorted by group and outcome would look alike in any two files of equal counts.
    turns = np.any([np.diff(kind) != 0 for kind in kinds], axis=0)
    return bool(turns.mean() >= 0.1)
