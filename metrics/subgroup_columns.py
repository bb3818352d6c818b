"""Descriptor columns as bins, and the conditions that describe a set of people in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]
Condition = dict[str, Any]

FINE = 32
"""Most bins of one column in a tree search; a column with more levels merges the rarest."""


@dataclass(frozen=True)
class Descriptor:
    """One column that may describe a subgroup.

    Parameters
    ----------
    name
        Column name.
    values : (n,) float or int
        Numbers, NaN blank; with `levels` codes into them, -1 blank.
    levels
        Words of the codes; empty for a column of numbers.
    cuts
        Declared cut points of a column of numbers, ascending: a value equal to a cut belongs
        to the bin above it.
    ordered
        Whether the order of `levels` means something.
    title
        What a sentence calls the column; None takes the name.
    """

    name: str
    values: NDArray[Any]
    levels: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    ordered: bool = False
    title: str | None = None

    @property
    def declared(self) -> bool:
        """Whether the auditor said how to divide it."""
        return bool(self.levels) or bool(self.cuts)


@dataclass(frozen=True)
class Binned:
    """A descriptor cut into bins.

    Parameters
    ----------
    name, title
        As the descriptor's.
    codes : (n,) int32
        Bin of each row, -1 blank.
    edges : (size - 1,) float
        Lower ends of all bins but the first; empty for levels.
    levels
        Words of the levels in each bin; empty for numbers.
    ordered
        Whether neighbouring bins belong together.
    """

    name: str
    title: str
    codes: Codes
    edges: Floats
    levels: tuple[tuple[str, ...], ...]
    ordered: bool

    @property
    def size(self) -> int:
        """Number of bins without the blank."""
        return len(self.levels) if self.levels else len(self.edges) + 1

    def conditions(self, allowed: Mask) -> list[Condition]:
        """Conditions that hold in exactly the allowed bins, blank rows excluded.

        Parameters
        ----------
        allowed : (size,) bool
            Of a column of numbers, neighbouring bins.
        """
        base = {"column": self.name, "title": self.title}
        if self.levels:
            words = [word for bin_ in np.flatnonzero(allowed) for word in self.levels[bin_]]
            every = sum(len(bin_) for bin_ in self.levels)
            if 2 * len(words) > every + 1 and len(words) > 2:
                kept = set(words)
                rest = [word for bin_ in self.levels for word in bin_ if word not in kept]
                return [{**base, "op": "not-in", "levels": rest}] if rest else []
            return [{**base, "op": "in", "levels": words}]
        places = np.flatnonzero(allowed)
        first, last = int(places[0]), int(places[-1])
        out = []
        if first > 0:
            out.append({**base, "op": ">=", "value": float(self.edges[first - 1])})
        if last < len(self.edges):
            out.append({**base, "op": "<", "value": float(self.edges[last])})
        return out

    def bin_conditions(self, code: int) -> list[Condition]:
        """Conditions of one bin, -1 the blank one."""
        if code < 0:
            return [{"column": self.name, "title": self.title, "op": "blank"}]
        allowed = np.zeros(self.size, dtype=bool)
        allowed[code] = True
        return self.conditions(allowed)


def declared(descriptor: Descriptor) -> Binned:
    """Bins of a declared descriptor: one for each level, or between its cuts."""
    if descriptor.levels:
        return _binned(
            descriptor,
            np.asarray(descriptor.values, dtype=np.int32),
            levels=tuple((word,) for word in descriptor.levels),
        )
    return _cut(descriptor, np.asarray(descriptor.cuts, dtype=np.float64))


def quantiles(descriptor: Descriptor, bins: int) -> Binned:
    """At most `bins` bins of about equal size; of levels the most frequent and one for the rest.

    A column of numbers with at most `bins` different values keeps each of them. Cut points are
    rounded as far as that moves them by at most a tenth of a bin.

    Parameters
    ----------
    descriptor
        The column.
    bins
        Most bins, at least 2.
    """
    if descriptor.levels:
        return _frequent(descriptor, bins)
    values = np.asarray(descriptor.values, dtype=np.float64)
    ranked = np.sort(values[np.isfinite(values)])
    if ranked.size == 0:
        return _cut(descriptor, np.empty(0))
    steps = np.flatnonzero(ranked[1:] > ranked[:-1]) + 1
    if steps.size < bins:
        return _cut(descriptor, ranked[steps])
    at = np.arange(1, bins) * ranked.size // bins
    edges = np.unique(ranked[at])
    edges = edges[edges > ranked[0]]
    return _cut(descriptor, _rounded(edges, float(ranked[0]), float(ranked[-1])))


def _cut(descriptor: Descriptor, edges: Floats) -> Binned:
    values = np.asarray(descriptor.values, dtype=np.float64)
    codes = np.searchsorted(edges, values, side="right").astype(np.int32)
    codes[np.isnan(values)] = -1
    return _binned(descriptor, codes, edges=edges)


def _frequent(descriptor: Descriptor, bins: int) -> Binned:
    codes = np.asarray(descriptor.values, dtype=np.int32)
    words = descriptor.levels
    if len(words) <= bins:
        return declared(descriptor)
    n = np.bincount(codes[codes >= 0], minlength=len(words))
    if descriptor.ordered:
        # Neighbours are merged until each bin holds its share of the rows.
        share = np.cumsum(n) - n
        into = np.minimum(share * bins // max(int(n.sum()), 1), bins - 1)
        into = np.unique(into, return_inverse=True)[1]
    else:
        ranked = np.argsort(-n, kind="stable")
        into = np.full(len(words), bins - 1)
        into[np.sort(ranked[: bins - 1])] = np.arange(bins - 1)
    members = tuple(
        tuple(words[i] for i in np.flatnonzero(into == b)) for b in range(int(into.max()) + 1)
    )
    merged = np.append(into, -1).astype(np.int32)[codes]
    return _binned(descriptor, merged, levels=members)


def _binned(
    descriptor: Descriptor,
    codes: Codes,
    *,
    edges: Floats | None = None,
    levels: tuple[tuple[str, ...], ...] = (),
) -> Binned:
    return Binned(
        name=descriptor.name,
        title=descriptor.name if descriptor.title is None else descriptor.title,
        codes=codes,
        edges=np.empty(0) if edges is None else edges,
        levels=levels,
        ordered=descriptor.ordered or not levels,
    )


def _rounded(edges: Floats, low: float, high: float) -> Floats:
    """Round each edge as far as that moves it by at most a tenth of the narrower bin beside it."""
    around = np.concatenate([[low], edges, [high]])
    room = 0.1 * np.minimum(np.diff(around)[:-1], np.diff(around)[1:])
    out = edges.copy()
    top = int(np.ceil(np.log10(max(abs(low), abs(high), 1e-300)))) + 1
    undone = np.ones(edges.size, dtype=bool)
    for digits in range(-top, -top + 17):
        near = np.round(edges, digits)
        take = undone & (np.abs(near - edges) <= room)
        out[take] = near[take]
        undone &= ~take
    return np.unique(out)


def members(conditions: Sequence[Condition], descriptors: Sequence[Descriptor]) -> Mask:
    """Rows in which all conditions hold.

    Parameters
    ----------
    conditions
        From a result document.
    descriptors
        The columns they were found in.
    """
    by_name = {d.name: d for d in descriptors}
    inside = np.ones(len(descriptors[0].values), dtype=bool)
    for condition in conditions:
        column = by_name[condition["column"]]
        values, op = np.asarray(column.values), condition["op"]
        blank = values < 0 if column.levels else np.isnan(values)
        if op == "blank":
            inside &= blank
        elif op in ("in", "not-in"):
            named = np.isin(column.levels, condition["levels"])
            inside &= ~blank & (named[values] == (op == "in"))
        else:
            inside &= values >= condition["value"] if op == ">=" else values < condition["value"]
    return inside


def describe(conditions: Sequence[Condition]) -> str:
    """Conditions as words, such as "age from 40 to under 60 and sex Female".

    Parameters
    ----------
    conditions
        From a result document; an empty list stands for everybody.
    """
    if not conditions:
        return "everybody"
    parts: list[str] = []
    for column in dict.fromkeys(c["column"] for c in conditions):
        own = {c["op"]: c for c in conditions if c["column"] == column}
        parts.append(f"{next(iter(own.values()))['title']} {_words(own)}")
    return " and ".join(parts)


def _words(own: dict[str, Condition]) -> str:
    if "blank" in own:
        return "blank"
    if "in" in own:
        return _listed(own["in"]["levels"], "or")
    if "not-in" in own:
        return f"not {_listed(own['not-in']['levels'], 'or')}"
    low, high = (number(own[op]["value"]) if op in own else "" for op in (">=", "<"))
    if not low:
        return f"under {high}"
    return f"from {low} to under {high}" if high else f"from {low} up"


def _listed(words: Sequence[str], joint: str, most: int = 6) -> str:
    shown = list(words[:most])
    if len(words) > most:
        shown.append(f"{len(words) - most} others")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}"


def number(value: float) -> str:
    """Write a value with thousands separators and no needless decimals."""
    value += 0.0  # turns -0.0 into 0.0
    text = f"{value:,.6f}" if 1e-3 <= abs(value) < 1e9 or value == 0 else f"{value:.6g}"
    text = text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    return text.replace("-", "−")
