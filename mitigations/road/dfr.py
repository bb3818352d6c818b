"""Last layer retrained on balanced rows that the rest of the network was not fitted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mitigations import logistic

Floats = NDArray[np.float64]
Layers = list[tuple[Floats, Floats]]

#: Share of the training rows kept for the last layer.
KEPT = 0.2
#: Balanced draws whose last layers are averaged.
DRAWS = 10
#: Rows a cell of group and label needs to be balanced; smaller ones are left out.
FEWEST = 5
#: Ridge of the last layer, per row.
RIDGE = 1e-3


def hidden(layers: Layers, x: Floats) -> Floats:
    """What the last layer of a network sees, (n, width)."""
    value = x
    for weight, bias in layers[:-1]:
        value = np.maximum(value @ weight + bias, 0.0)
    return value


def split(cells: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Rows kept for the last layer: a fifth of every cell, rounded up."""
    kept = np.zeros(cells.size, dtype=bool)
    for cell in np.unique(cells):
        rows = rng.permutation(np.flatnonzero(cells == cell))
        kept[rows[: int(np.ceil(KEPT * rows.size))]] = True
    return kept


def retrain(
    layers: Layers,
    x: Floats,
    y: NDArray[np.int8],
    cells: NDArray[np.int64],
    rng: np.random.Generator,
    tick: Callable[[], None],
) -> Layers:
    """The network with a last layer fitted on rows drawn alike from every cell.

    Parameters
    ----------
    layers
        The network; all but its last layer stay.
    x, y, cells
        Encoded rows kept for it, their labels, and their cells of group and label, -1 for none.

    Returns
    -------
    list
        The network as it was where fewer than two cells, or one label alone, can be balanced.

    References
    ----------
    Kirichenko, Izmailov, Wilson, Last layer re-training is sufficient for robustness to
    spurious correlations, ICLR 2023, section 4 (average over balanced draws).
    """
    known = [np.flatnonzero(cells == c) for c in np.unique(cells[cells >= 0])]
    used = [rows for rows in known if rows.size >= FEWEST]
    size = min((rows.size for rows in used), default=0)
    if len(used) < 2 or np.unique(y[np.concatenate(used)]).size < 2:
        return layers
    seen = hidden(layers, x)
    mean, sd = seen.mean(axis=0), seen.std(axis=0)
    scaled = (seen - mean) / np.where(sd > 1e-8, sd, 1.0) * (sd > 1e-8)
    weights, intercepts = [], []
    for _ in range(DRAWS):
        tick()
        rows = np.concatenate([rng.choice(own, size, replace=False) for own in used])
        found = logistic.fit(scaled[rows], y[rows], np.ones(rows.size), ridge=RIDGE, tick=tick)
        weights.append(found.weights)
        intercepts.append(found.intercept)
    slope = np.mean(weights, axis=0) * (sd > 1e-8) / np.where(sd > 1e-8, sd, 1.0)
    last = (slope[:, None], np.array([np.mean(intercepts) - slope @ mean]))
    return [*layers[:-1], last]


def cells_of(group: NDArray[np.integer], y: NDArray[np.integer], groups: int) -> NDArray[np.int64]:
    """Cell of group and label of each row; unknown groups are a cell per label of their own."""
    code = np.where(group >= 0, group, groups).astype(np.int64)
    return code * 2 + np.asarray(y, dtype=np.int64)


def layers_of(stack: object, seeds: Sequence[int]) -> list[Layers]:
    """Layers of every slice of a stack."""
    return [stack.slice(c) for c in range(len(seeds))]  # type: ignore[attr-defined]
