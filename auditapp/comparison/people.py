"""People of two audits, counted: the same ones with both decisions, or each audit's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.comparison.match import MOST_OTHER, Match
from auditapp.pipeline.diagnose import earlier
from auditapp.pipeline.kept import Kept
from auditapp.result import Document
from metrics import paired
from metrics.cells import Counts
from metrics.groups import Attribute, largest
from metrics.two_audits import Apart, Groups, Paired

Row = dict[str, Any]
Codes = NDArray[np.int64]

#: Cells an intersection may have.
MOST_CELLS = 20_000


@dataclass(frozen=True)
class Pairs:
    """People decided twice.

    `relabelled` rows have another outcome in the second audit and count as blank, `regrouped`
    rows another group and count as unknown there.
    """

    attributes: list[Attribute]
    label: NDArray[np.int8] | None
    first: NDArray[np.int8]
    second: NDArray[np.int8]
    relabelled: int
    regrouped: dict[str, int]
    left_out: list[Row]

    def everybody(self) -> Paired:
        """All of them as one group."""
        codes = np.zeros(self.first.size, dtype=np.int64)
        return Paired(self._joint(codes, 1)[1:])

    def table(self, attributes: Sequence[Attribute]) -> Groups:
        """Groups of one column against its reference, or cells of several against the rest."""
        if len(attributes) == 1:
            return self._single(attributes[0])
        codes, cells = _crossed(attributes)
        words = tuple(
            tuple(a.levels[j] for a, j in zip(attributes, cell, strict=True)) for cell in cells
        )
        counts = self._joint(codes, len(words))[1:]
        return Groups(tuple(a.name for a in attributes), words, Paired(counts), None)

    def _single(self, attribute: Attribute) -> Groups:
        counts = self._joint(attribute.codes.astype(np.int64), len(attribute.levels))[1:]
        n = counts.sum(axis=(1, 2, 3))
        chosen = attribute.reference is not None and n[attribute.reference] > 0
        reference = attribute.reference if chosen else largest(n)
        return Groups(
            (attribute.name,), tuple((word,) for word in attribute.levels), Paired(counts),
            reference, "chosen" if chosen else "largest",
        )  # fmt: skip

    def _joint(self, codes: Codes, size: int) -> Counts:
        return paired.joint(codes, size, self.label, self.first, self.second)


def _crossed(attributes: Sequence[Attribute]) -> tuple[Codes, list[tuple[int, ...]]]:
    """Cells that somebody is in, and everybody's cell; -1 where a column is blank."""
    known = np.all([a.codes >= 0 for a in attributes], axis=0)
    widths = [len(a.levels) for a in attributes]
    flat = np.zeros(known.size, dtype=np.int64)
    for attribute, width in zip(attributes, widths, strict=True):
        flat = flat * width + np.maximum(attribute.codes, 0)
    seen, inverse = np.unique(flat[known], return_inverse=True)
    if seen.size > MOST_CELLS:
        seen, inverse = seen[:0], inverse[:0]
        known = np.zeros_like(known)
    codes = np.full(known.size, -1, dtype=np.int64)
    codes[known] = inverse
    cells = [tuple(int(v) for v in np.unravel_index(cell, widths)) for cell in seen]
    return codes, cells


def pair(rows: tuple[Kept, Kept], found: Match, names: Sequence[str], *, labelled: bool) -> Pairs:
    """Join the kept rows of both audits.

    Parameters
    ----------
    rows, found
        What each audit kept, and which row belongs to which.
    names
        Group columns both plans define alike.
    labelled
        Whether rates that need a recorded outcome are compared.
    """
    a, b = rows
    attributes: list[Attribute] = []
    left_out: list[Row] = []
    regrouped: dict[str, int] = {}
    for name in names:
        one, other = (next(x for x in side.attributes if x.name == name) for side in rows)
        attribute = _joined(one, other, found)
        mine = np.where(one.codes[found.first] >= 0, attribute.codes < 0, False)
        n = int(mine.sum())
        if n > MOST_OTHER * len(found):
            left_out.append({"by": name, "reason": "other-people"})
            continue
        attributes.append(attribute)
        if n:
            regrouped[name] = n
    label, relabelled = None, 0
    if labelled and a.label is not None and b.label is not None:
        mine, theirs = a.label[found.first], b.label[found.second]
        other_label = (mine >= 0) & (theirs >= 0) & (mine != theirs)
        relabelled = int(other_label.sum())
        label = np.where((mine == theirs), mine, -1).astype(np.int8)
    return Pairs(
        attributes, label, a.decision[found.first], b.decision[found.second],
        relabelled, regrouped, left_out,
    )  # fmt: skip


def _joined(one: Attribute, other: Attribute, found: Match) -> Attribute:
    """The column of both, unknown where they differ."""
    levels = (*one.levels, *(word for word in other.levels if word not in one.levels))
    place = np.array([levels.index(word) for word in other.levels] + [-1], dtype=np.int64)
    mine, theirs = one.codes[found.first], place[other.codes[found.second]]
    reference = one.reference
    if reference is None and other.reference is not None:
        reference = int(place[other.reference])
    codes = np.where(mine == theirs, mine, -1).astype(np.int64)
    return Attribute(one.name, levels, codes, reference)


@dataclass(frozen=True)
class Counted:
    """People of one audit by group, label and decision; the same words in both audits."""

    tables: dict[str, Counts]
    levels: dict[str, Sequence[str]]


def counted(documents: Sequence[Document], names: Sequence[str]) -> tuple[Counted, Counted]:
    """The counts of both documents under the groups of either."""
    levels: dict[str, Sequence[str]] = {}
    for name in names:
        words: dict[str, None] = {}
        for document in documents:
            words |= dict.fromkeys(_words(document, name))
        levels[name] = tuple(words)
    first, second = (
        Counted({name: earlier.counts(doc, name, tuple(levels[name])) for name in names}, levels)
        for doc in documents
    )
    return first, second


def _words(document: Document, name: str) -> list[str]:
    table = next(t for t in document["groups"] if t["by"] == [name])
    return [str(level["group"][name]) for level in table["levels"]]


def apart(sides: tuple[Counted, Counted], name: str, documents: Sequence[Document]) -> Groups:
    """One column of both audits, against the reference of the first."""
    first, second = (side.tables[name][1:] for side in sides)
    words = tuple(sides[0].levels[name])
    n = np.minimum(first.sum(axis=(1, 2)), second.sum(axis=(1, 2)))
    reference, choice = largest(n), "largest"
    for document in documents:
        table = next(t for t in document["groups"] if t["by"] == [name])
        given = (table.get("reference") or {}).get(name)
        if table.get("reference_choice") == "chosen" and given in words:
            at = words.index(str(given))
            if n[at] > 0:
                reference, choice = at, "chosen"
                break
    return Groups((name,), tuple((w,) for w in words), Apart(first, second), reference, choice)


def whole(sides: tuple[Counted, Counted], name: str) -> Apart:
    """Everybody, those of unknown groups among them."""
    first, second = (side.tables[name].sum(axis=0, keepdims=True) for side in sides)
    return Apart(first, second)
