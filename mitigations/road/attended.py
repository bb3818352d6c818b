"""Where the weight of training goes: at which people, and at which parts of them in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metrics.subgroup_columns import Binned, Descriptor, describe, quantiles
from metrics.subgroup_tree import Region

if TYPE_CHECKING:
    from mitigations.road.data import Rows

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

#: Parts shown, columns that describe one, bins of a column, and share of the rows that a part
#: needs.
PARTS, COLUMNS, BINS, SMALLEST = 6, 2, 12, 0.04


@dataclass(frozen=True)
class Attended:
    """One part of the people.

    Parameters
    ----------
    region
        In words.
    rows
        Positions.
    share, weight
        Of all rows, and of all weight.
    """

    region: str
    rows: Places
    share: float
    weight: float


def parts(descriptors: Sequence[Descriptor], weight: Floats, most: int = PARTS) -> list[Attended]:
    """Divide rows where their weight differs most, the most pressed part first.

    The part whose division takes away most of the squared differences from its mean weight is
    divided first, until there are `most` or no part can be.

    Parameters
    ----------
    descriptors
        Columns of the n rows.
    weight : (n,)
        Not negative.
    """
    columns = [quantiles(d, BINS) for d in descriptors]
    everybody = np.arange(weight.size)
    smallest = max(1, int(np.ceil(SMALLEST * weight.size)))
    found: list[tuple[Region, Places]] = [(Region({}), everybody)]
    while len(found) < most:
        splits = [
            _split(columns, weight, rows, smallest, _open(region, len(columns)))
            for region, rows in found
        ]
        worth = [0.0 if split is None else split[0] for split in splits]
        best = int(np.argmax(worth))
        split = splits[best]
        if split is None or split[0] <= 1e-9 * float((weight**2).sum()):
            break
        region, rows = found.pop(best)
        _, place, left = split
        codes = columns[place].codes[rows]
        inside = np.append(left, False)[codes]
        blank = codes < 0
        found.append((region.narrowed(place, left), rows[inside]))
        found.append((region.narrowed(place, ~left), rows[~inside & ~blank]))
    total = max(float(weight.sum()), 1e-300)
    out = [
        Attended(
            describe(region.conditions(columns)),
            rows,
            rows.size / weight.size,
            float(weight[rows].sum()) / total,
        )
        for region, rows in found
        if rows.size
    ]
    return sorted(out, key=lambda part: -part.weight / part.share)


def _open(region: Region, columns: int) -> Sequence[int]:
    """Columns that a part may still be divided by."""
    return sorted(region.allowed) if len(region.allowed) >= COLUMNS else range(columns)


def _split(
    columns: Sequence[Binned], weight: Floats, rows: Places, smallest: int, places: Sequence[int]
) -> tuple[float, int, NDArray[np.bool_]] | None:
    """Sum of squares taken away, column, and bins of one side of the best division."""
    best: tuple[float, int, NDArray[np.bool_]] | None = None
    for place in places:
        column = columns[place]
        codes = column.codes[rows]
        known = codes >= 0
        if column.size < 2 or not known.any():
            continue
        n = np.bincount(codes[known], minlength=column.size).astype(np.float64)
        total = np.bincount(codes[known], weights=weight[rows][known], minlength=column.size)
        mean = total / np.maximum(n, 1.0)
        order = np.arange(column.size) if column.ordered else np.argsort(mean, kind="stable")
        below, sums = np.cumsum(n[order])[:-1], np.cumsum(total[order])[:-1]
        above, rest = n.sum() - below, total.sum() - sums
        gain = np.zeros(below.size)
        fine = (below >= smallest) & (above >= smallest)
        gain[fine] = (
            sums[fine] ** 2 / below[fine]
            + rest[fine] ** 2 / above[fine]
            - total.sum() ** 2 / n.sum()
        )
        cut = int(np.argmax(gain))
        if fine[cut] and (best is None or gain[cut] > best[0]):
            left = np.zeros(column.size, dtype=bool)
            left[order[: cut + 1]] = True
            best = float(gain[cut]), place, left
    return best


def estimated(rows: Rows, output: Floats, tau: float) -> tuple[dict[int, Floats], Floats]:
    """What explicit ROAD sees of a network: gaps at every row, and the weight it gives them.

    Parameters
    ----------
    rows
        Training rows.
    output : (n,)
        Of the network.
    tau
        Temperature.

    Returns
    -------
    gaps, weight
        By group of the first axis, the estimated gap of decisions against the rest, (n,); the
        weight of both directions and all groups, mean 1.
    """
    import torch

    from mitigations.road.explicit import HEIGHT, Explicit

    term = Explicit(rows, torch.tensor([tau]))
    z = torch.as_tensor(output, dtype=torch.float32, device=rows.y.device)[None]
    term.settle(lambda _: z)
    # The contrast times a decision is half its gap, and soft decisions go up to HEIGHT.
    gaps = term.gaps(0).cpu().numpy().astype(np.float64) * 2.0 / HEIGHT
    own = [j for j, one in enumerate(term.comparisons) if one.axis == 0]
    codes = dict.fromkeys(term.comparisons[j].code for j in own)
    by_group = {
        code: gaps[[j for j in own if term.comparisons[j].code == code]].mean(axis=0)
        for code in codes
    }
    return by_group, term.attention()[0].cpu().numpy().astype(np.float64)
