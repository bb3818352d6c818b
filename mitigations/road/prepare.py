"""From a problem to rows on the device: encoded columns, groups of every axis, declared bins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Context, MethodError, Part, Problem
from mitigations.encode import Encoder
from mitigations.parity import FEWEST_CASES, Compared, labelled
from mitigations.regions import Regions
from mitigations.road import data as rows_module
from mitigations.road import describe
from mitigations.road.card import among, names
from mitigations.road.data import Rows
from mitigations.road.features import Features, length_scale
from mitigations.training import training

if TYPE_CHECKING:
    from mitigations.road.method import Road

Ints = NDArray[np.int64]
Parity = Literal["selection-rate", "equalized-odds", "tpr"]

#: People of the smallest group that a part is to hold where the parts were not declared.
LEAST = 30
#: Columns whose bins are crossed.
MOST_CROSSED = 2


@dataclass(frozen=True)
class Prepared:
    """Everything that the forms are trained on.

    Parameters
    ----------
    part, valid
        Labelled rows to fit on, and to stop and choose by.
    encoder
        From raw columns to the inputs of the networks.
    rows, valid_rows
        The same on the device.
    to
        What is compared, between which groups.
    regions
        Where local gaps are looked for.
    described
        The columns that describe parts, and why others do not.
    axes
        Names of the sensitive columns of ``rows.s``.
    codes
        Groups of the protected axis behind its codes there.
    notes
        What was chosen or left out.
    """

    part: Part
    valid: Part
    encoder: Encoder
    rows: Rows
    valid_rows: Rows
    to: Compared
    regions: Regions
    described: describe.Described
    axes: tuple[str, ...]
    codes: tuple[int, ...]
    notes: tuple[str, ...]

    def group_names(self, problem: Problem) -> list[str]:
        """Words of the groups of the protected axis, in the order of ``rows.s``."""
        return [problem.group_names[code] for code in self.codes]


def prepare(method: Road, problem: Problem, context: Context) -> Prepared:
    """Encode, choose descriptors and regions, and lay rows out on the device.

    Raises
    ------
    MethodError
        Those of `mitigations.training.training` and `mitigations.road.describe.choose`;
        ``unknown-column``; ``needs-validation``.
    """
    data = training(problem, context, name="road/rows", rows=method.rows, equal=method.equal)
    valid = problem.valid.take(np.flatnonzero(_usable(problem.valid)))
    notes = list(data.notes)
    axes, codes, sizes, more = _axes(method, problem, data.part, valid)
    notes += more
    described = describe.choose(
        names(method.descriptors), problem, data.part, codes[0][:, 0], context
    )
    regions = _regions(method, problem, data.part, described, data.to.parity)
    bins = _compact(regions.codes(problem, data.part), regions.codes(problem, valid))
    parity: Parity = "equalized-odds" if data.to.parity == "fpr" else data.to.parity  # type: ignore[assignment]
    if data.to.parity == "fpr":
        notes.append("False and true positive rates are both pressed on, inside each part.")
    # A column of codes has several places of which one is 1: it counts as one column.
    features = Features.fit(
        described.matrix(data.part.x), context.rng("road/features"), batch=method.batch,
        length=length_scale(len(described.columns)),
    )  # fmt: skip
    made = []
    for which, part in enumerate((data.part, valid)):
        encoded = data.encoder.transform(part.x)
        a = described.matrix(part.x)
        made.append(
            rows_module.of(
                encoded, np.asarray(part.y), codes[which], sizes,
                features.descriptors(a), features(a),
                parity=parity,
                bins=bins[which] if regions.declared else None,
                weight=data.weight if which == 0 else None,
                device=context.device,
            )
        )  # fmt: skip
    return Prepared(
        data.part, valid, data.encoder, made[0], made[1], data.to, regions, described, axes,
        _enough(problem, data.part.group), (*notes, *described.notes),
    )  # fmt: skip


def _usable(part: Part) -> NDArray[np.bool_]:
    try:
        return labelled(part)
    except MethodError as error:
        raise MethodError(
            "needs-validation",
            f"Of the validation rows, which stop the training: {error.message[0].lower()}"
            f"{error.message[1:]}",
            "Give the validation part of the split a larger share.",
        ) from error


def _axes(
    method: Road, problem: Problem, part: Part, valid: Part
) -> tuple[tuple[str, ...], tuple[Ints, Ints], tuple[int, ...], list[str]]:
    """Group codes (n, axes) of both parts; groups with too few rows count as unknown."""
    wanted = {"protected": (part.group, valid.group)}
    if method.axes == "all":
        wanted |= {
            name: (part.groups[name], valid.groups[name])
            for name in part.groups
            if not np.array_equal(part.groups[name], part.group)
        }
    kept, train_codes, valid_codes, sizes, notes = [], [], [], [], []
    for name, (own, other) in wanted.items():
        enough = np.array(_enough(problem, own), dtype=np.int64)
        if enough.size < 2:
            notes.append(f"“{name}” has fewer than two groups with enough rows.")
            continue
        table = np.full(max(int(own.max(initial=0)), int(other.max(initial=0)), 0) + 2, -1)
        table[enough] = np.arange(enough.size)
        train_codes.append(table[own])
        valid_codes.append(table[other])
        kept.append(name)
        sizes.append(int(enough.size))
    if not kept or kept[0] != "protected":
        raise MethodError(
            "too-few-groups",
            "Fewer than two groups have enough rows for a penalty.",
            "Merge groups, lower the floor, or give more rows.",
        )
    both = np.stack(train_codes, axis=1), np.stack(valid_codes, axis=1)
    return tuple(kept), both, tuple(sizes), notes


def _enough(problem: Problem, own: NDArray[np.int32]) -> tuple[int, ...]:
    """Groups with enough rows for a penalty of their own."""
    n = np.bincount(own[own >= 0])
    return tuple(np.flatnonzero(n >= max(problem.group_floor, FEWEST_CASES)).tolist())


def _regions(
    method: Road, problem: Problem, part: Part, described: describe.Described, parity: str
) -> Regions:
    protected = {
        name for name, codes in problem.train.groups.items()
        if np.array_equal(codes, problem.train.group)
    }  # fmt: skip
    others = [name for name in problem.axis_names if name not in protected]
    inputs = [column.name for column in problem.columns]
    wanted = among(
        names(method.regions), [*others, *(n for n in inputs if n not in others)],
        "The declared parts",
    )[:MOST_CROSSED]  # fmt: skip
    given = replace(problem, train=part)
    declared = wanted if wanted else tuple(others)[:MOST_CROSSED]
    if declared:
        return Regions.fit(given, declared, described.used, parity)
    declared = described.used[:MOST_CROSSED]
    return Regions.fit(given, declared, described.used, parity, least=LEAST)


def _compact(train: Ints, valid: Ints) -> tuple[Ints, Ints]:
    """Cells that training rows have, numbered from 0."""
    used = np.unique(train[train >= 0])
    if used.size == 0:
        return train, np.full_like(valid, -1)

    def numbered(codes: Ints) -> Ints:
        place = np.searchsorted(used, codes).clip(0, used.size - 1)
        return np.where(used[place] == codes, place, -1)

    return numbered(train), numbered(valid)
