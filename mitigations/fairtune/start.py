"""The network that fine-tuning starts from: given, audited, or trained on another population."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mitigations.contract import Context, MethodError, Part, Problem
from mitigations.fairtune import columns, images, networks, trial
from mitigations.fairtune.checkpoint import SCHEMA, Checkpoint, read
from mitigations.fairtune.objective import auc
from mitigations.fairtune.threads import threads

#: Rows of the other population that are learnt from at most.
MOST_ROWS = 200_000
BATCH, RATE, HELD = 256, 2e-3, 0.1


@dataclass(frozen=True)
class Start:
    """A network to start from.

    Parameters
    ----------
    checkpoint
        With two classes.
    places
        Where it finds its columns; none for pictures.
    known_head
        Whether its head tells the two outcomes apart already.
    notes
        What to say of it.
    trainings
        It took.
    """

    checkpoint: Checkpoint
    places: tuple[columns.Place, ...]
    known_head: bool
    notes: tuple[str, ...] = ()
    trainings: int = 0


@dataclass(frozen=True)
class Shape:
    """What a network that is trained here looks like."""

    arch: str = "residual-mlp"
    width: int = 64
    depth: int = 3
    epochs: int = 6


def start_of(problem: Problem, context: Context, shape: Shape) -> Start:
    """The checkpoint if there is one, else a network trained on the other population.

    Raises
    ------
    MethodError
        ``needs-start``, ``bad-checkpoint``, ``missing-column``, ``needs-images``.
    """
    if problem.checkpoint is not None:
        return _given(problem, read(problem.checkpoint))
    if problem.source is None:
        raise MethodError(
            "needs-start",
            "There is no network to fine-tune and no other population to train one on.",
            "Give a network (--checkpoint), audit one, or name the rows of another population "
            "(--source).",
        )
    return _trained(problem, context, shape)


def _given(problem: Problem, found: Checkpoint) -> Start:
    config = dict(found.config)
    known = int(config["classes"]) == 2
    if not known:
        config |= {"classes": 2, "positive": 1}
        found = Checkpoint(config, {n: a for n, a in found.arrays.items() if n[:5] != "head."})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = networks.load(found)
        known &= networks.fits_head(found, module)
        whole = {name: tensor.numpy().copy() for name, tensor in module.state_dict().items()}
    notes = [] if known else ["The head of the network is new: it told other things apart."]
    if found.tabular:
        where = columns.places(config, problem.columns)
        notes += _unseen(config, where, problem)
        return Start(Checkpoint(config, whole), where, known, tuple(notes))
    _check_pictures(problem.train)
    return Start(Checkpoint(config, whole), (), known, tuple(notes))


def _check_pictures(part: Part) -> None:
    """A network brings pictures to its own size; there only have to be some."""
    if images.BLOB not in part.blobs:
        raise MethodError(
            "needs-images",
            "The network takes pictures, and the data have none.",
            "Audit an image set, or give pictures with --images.",
        )


def _unseen(
    config: Mapping[str, Any], where: tuple[columns.Place, ...], problem: Problem
) -> list[str]:
    """Columns with values the network never saw: they share the row of unknown values."""
    said = []
    for wanted, place in zip(config["columns"], where, strict=True):
        if wanted["kind"] != "categorical" or not len(problem.train):
            continue
        values = problem.train.x[:, place.slot]
        new = np.isfinite(values) & (place.of(problem.train.x) == 0)
        if new.any():
            said.append(f"{wanted['name']} ({new.mean():.1%} of the rows)")
    if not said:
        return []
    return [
        "Values that the network never saw share one embedding, which is trained with the others "
        f"of the column: {', '.join(said[:8])}."
    ]


def labelled(part: Part) -> NDArray[np.bool_]:
    """Rows with a label and a weight."""
    if part.y is None:
        raise MethodError(
            "needs-label", "There is no label.", "Name the column with the true outcome."
        )
    rows = part.y >= 0
    return rows if part.weight is None else rows & (part.weight > 0.0)


def inputs_of(
    start: Checkpoint, where: tuple[columns.Place, ...], part: Part, device: str
) -> trial.Inputs:
    """What the network takes, for the rows of a part."""
    if not start.tabular:
        return images.inputs(part, device)
    numbers, codes = columns.encode(start.config, where, part.x)
    return trial.Tensors(
        (torch.from_numpy(numbers).to(device), torch.from_numpy(codes).to(device))
    )


def _trained(problem: Problem, context: Context, shape: Shape) -> Start:
    assert problem.source is not None
    rng = context.rng("fairtune/source")
    rows = np.flatnonzero(labelled(problem.source))
    if rows.size < 100 or np.unique(problem.source.y[rows]).size < 2:  # type: ignore[index]
        raise MethodError(
            "small-source",
            f"The other population has {rows.size} labelled rows, or all of one outcome.",
            "Name more rows of it, or give a network to start from.",
        )
    if rows.size > MOST_ROWS:
        rows = np.sort(rng.choice(rows, MOST_ROWS, replace=False))
    held = rng.random(rows.size) < HELD
    config = _config(problem, problem.source.take(rows[~held]), shape)
    empty = Checkpoint(config, {})
    where = columns.places(config, problem.columns) if empty.tabular else ()
    sides = [_side(empty, where, problem.source.take(r), context.device)
             for r in (rows[~held], rows[held])]  # fmt: skip
    everything = frozenset(_groups(empty))
    seed = int(rng.integers(2**31))
    recipe = trial.Recipe(everything, RATE, shape.epochs, BATCH, seed)
    data = trial.Data(sides[0], sides[1], lambda chance: auc(sides[1].y, chance))
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        total = shape.epochs * math.ceil(len(sides[0]) / BATCH)
        context.tick(done, total, "training the network to start from")

    with threads(context.threads):
        found = trial.run(empty, recipe, data, device=context.device, tick=tick, fresh=True)
    if found.diverged:
        raise MethodError(
            "start-diverged",
            "Training the network on the other population ended in no number.",
            "Check its columns for huge values.",
        )
    note = (
        f"The network starts from {len(sides[0]):,} rows of the other population; on "
        f"{len(sides[1]):,} further rows of it its AUC is {found.value:.3f}."
    )
    notes = (note, *(_unseen(config, where, problem) if empty.tabular else ()))
    return Start(Checkpoint(config, found.arrays), where, True, notes, 1)


def _groups(empty: Checkpoint) -> dict[str, list[str]]:
    from mitigations.fairtune.groups import groups

    return groups(empty.arch, networks.skeleton(empty.config))


def _config(problem: Problem, part: Part, shape: Shape) -> dict[str, Any]:
    if images.BLOB in part.blobs:
        arch = shape.arch if shape.arch in images.ARCHITECTURES else "vit"
        return images.config(arch, int(part.blobs[images.BLOB].shape[-1]))
    if not problem.columns:
        raise MethodError(
            "needs-features",
            "There are no columns for a network to learn from.",
            "Give columns the role feature.",
        )
    heads = next(h for h in (4, 2, 1) if shape.width % h == 0)
    return {
        "schema": SCHEMA, "arch": shape.arch, "classes": 2, "positive": 1, "width": shape.width,
        "depth": shape.depth, "heads": heads, "columns": columns.learn(problem.columns, part.x),
    }  # fmt: skip


def _side(
    start: Checkpoint, where: tuple[columns.Place, ...], part: Part, device: str
) -> trial.Split:
    assert part.y is not None
    weight = None if part.weight is None else part.weight.astype(np.float32)
    return trial.Split(
        inputs_of(start, where, part, device), part.y.astype(np.int64),
        part.group.astype(np.int64), weight,
    )  # fmt: skip
