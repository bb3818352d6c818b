"""Labels and decisions as 0/1, sensitive columns as group codes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from auditapp.datasets.keys import folded, key_of
from auditapp.datasets.sizes import bin_words
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditapp.datasets.table import Table

MAX_LEVELS = 200

_SHOWN = 10


def binary(
    table: Table,
    column: str,
    favourable: str | Sequence[object],
    *,
    require_two: bool = False,
) -> NDArray[np.int8]:
    """Return 1 where a column holds a favourable value, 0 elsewhere, -1 where blank.

    Values are compared after trimming and without regard to case, ``1`` equals ``1.0``.

    Parameters
    ----------
    table, column
        Where to look.
    favourable
        One or several values that count as favourable.
    require_two
        Raise when only one class is present, as training needs two.

    Returns
    -------
    (n,) int8 array

    Raises
    ------
    AuditError
        ``unknown-column``; ``column-blank`` when no row has a value; ``value-not-found`` when a
        favourable value is absent from a column with several values; ``one-class``.
    """
    wanted_values = [favourable] if isinstance(favourable, str) else list(favourable)
    if not wanted_values:
        raise AuditError(
            "no-favourable-value",
            f"No value of “{column}” is named as the favourable one.",
            "Name one or several of its values.",
            where=column,
            found=_listed(table.counts(column)),
        )
    levels, codes = table.codes(column)
    if not levels:
        raise AuditError(
            "column-blank",
            f"Column “{column}” is blank in all {counted(table.n_rows, 'row')}.",
            "Choose another column, or fill it in.",
            where=column,
        )
    wanted = {folded(value) for value in wanted_values}
    present = {folded(level) for level in levels}
    absent = [str(value) for value in wanted_values if folded(value) not in present]
    if absent and len(present) > 1:
        raise AuditError(
            "value-not-found",
            f"Column “{column}” has no value “{absent[0]}”.",
            "Name values that are in the column."
            + (
                " A column of amounts first needs a limit that makes two classes of it."
                if len(levels) > _SHOWN
                else ""
            ),
            where=column,
            found=_listed(table.counts(column)),
        )
    hits = np.array([folded(level) in wanted for level in levels] + [False], dtype=np.int8)
    result = hits[codes]
    result[codes < 0] = -1
    if require_two and (hits[:-1].all() or not hits.any()):
        raise AuditError(
            "one-class",
            f"Column “{column}” has one class only: every row with a value is "
            f"{'favourable' if hits.any() else 'not favourable'}.",
            "A model needs rows of both classes to be trained. Choose another label, or audit "
            "the decisions without training.",
            where=column,
            found=_listed(table.counts(column)),
        )
    return result


def attribute(
    table: Table, spec: Mapping[str, Any], max_levels: int = MAX_LEVELS
) -> tuple[list[str], list[str], NDArray[np.int32]]:
    """Return a sensitive column as group words, keys and codes.

    Parameters
    ----------
    table
        Where to look.
    spec
        ``{"column", "kind": "categorical" | "binned", "cuts", "words"}`` of the plan. Values
        given the same word become one group.
    max_levels
        Largest number of groups.

    Returns
    -------
    words : list of str
        What the report shows, in natural order of the keys.
    keys : list of str
        Keys of the groups: the first key of a merged group, or a bin's words.
    codes : (n,) int32 array
        Position in both lists; -1 where unknown.

    Raises
    ------
    AuditError
        ``unknown-column``, ``column-blank``, ``too-many-levels``, ``bad-cuts``, ``not-numeric``.
    """
    column = str(spec["column"])
    if spec.get("kind") == "binned":
        return _binned(table, column, spec.get("cuts"), max_levels)
    levels, codes = table.codes(column)
    if not levels:
        raise blank(table, column)
    shown = {key_of(key): str(word) for key, word in (spec.get("words") or {}).items()}
    every = [shown.get(level, level) for level in levels]
    words = list(dict.fromkeys(every))
    if len(words) > max_levels:
        raise AuditError(
            "too-many-levels",
            f"Column “{column}” has {len(words):,} different values; a group column may have "
            f"at most {max_levels:,}.",
            "Choose another column, merge values into fewer groups, or bin it when it holds "
            "numbers.",
            where=column,
        )
    place = {word: i for i, word in enumerate(words)}
    lookup = np.array([place[word] for word in every] + [-1], dtype=np.int32)
    keys = [levels[every.index(word)] for word in words]
    return words, keys, lookup[codes]


def _binned(
    table: Table, column: str, cuts: Sequence[Any] | None, max_levels: int
) -> tuple[list[str], list[str], NDArray[np.int32]]:
    points = [float(cut) for cut in cuts or []]
    increasing = all(a < b for a, b in pairwise(points))
    if not points or not increasing or not all(math.isfinite(p) for p in points):
        raise AuditError(
            "bad-cuts",
            f"The cut points of “{column}” are not numbers in increasing order.",
            "Write them like 25, 35, 45, 55, 65.",
            where=column,
            found=", ".join(str(cut) for cut in cuts or []) or "no cut points",
        )
    if len(points) + 1 > max_levels:
        raise AuditError(
            "too-many-levels",
            f"{len(points):,} cut points make more than {max_levels:,} groups of “{column}”.",
            "Use fewer cut points.",
            where=column,
        )
    numbers = table.numbers(column)
    known = np.isfinite(numbers)
    if not known.any():
        raise blank(table, column)
    codes = np.searchsorted(points, numbers, side="right").astype(np.int32)
    codes[~known] = -1
    whole = all(p == math.floor(p) for p in points)
    whole = whole and bool(np.all(numbers[known] == np.floor(numbers[known])))
    words = bin_words(points, whole=whole)
    return words, list(words), codes


def blank(table: Table, column: str) -> AuditError:
    return AuditError(
        "column-blank",
        f"Column “{column}” is blank in all {counted(table.n_rows, 'row')}.",
        "Choose another column, or fill it in.",
        where=column,
    )


def _listed(counts: list[tuple[str, int]]) -> str:
    if len(counts) > MAX_LEVELS:
        return f"{len(counts):,} different values"
    shown = ", ".join(f"“{value}”: {counted(n, 'row')}" for value, n in counts[:_SHOWN])
    more = len(counts) - _SHOWN
    return shown + (f" and {more:,} other values" if more > 0 else "")
