"""What the trials of a search share: rows and start in one folder that any process may read.

``data/`` holds the rows and the start, every step of every arm has a folder of its own with
``step.json``. Nothing is pickled.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from mitigations.fairtune import networks, trial
from mitigations.fairtune.cache import Cache
from mitigations.fairtune.checkpoint import Checkpoint, read, write
from mitigations.fairtune.groups import groups, in_words
from mitigations.fairtune.images import OnDisk
from mitigations.fairtune.objective import Objective
from mitigations.fairtune.offers import read_arrays, write_arrays
from mitigations.fairtune.space import LR, Masks
from mitigations.fairtune.threads import threads

if TYPE_CHECKING:
    from mitigations.fairtune.study import Ask

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Tick = Callable[[int, int, str], None]
Sides = Mapping[str, Mapping[str, NDArray[Any]]]

TARGET = "mitigations.fairtune.work:objective"
DATA, START, OPTIONS, STEP, KEPT = "data", "start", "options.json", "step.json", "kept"
#: Pictures of one side are read into memory up to so many bytes.
MOST_PICTURES = 1 << 30


@dataclass(frozen=True)
class Loaded:
    """Rows, start and masks of a search, as a trial needs them."""

    start: Checkpoint
    data: trial.Data
    objective: Objective
    masks: Masks
    options: Json
    cache: Cache | None

    def recipe(self, mask: frozenset[str], lr: float, seed: int) -> trial.Recipe:
        """A training with the options of the search."""
        o = self.options
        return trial.Recipe(
            mask, lr, int(o["epochs"]), int(o["batch"]), seed, float(o["decay"]), o["frozen"]
        )


def save(folder: Path, start: Checkpoint, sides: Sides, options: Json) -> None:
    """Write what trials need.

    Parameters
    ----------
    sides
        ``train`` and ``valid``: ``y``, ``group``, perhaps ``weight``, and ``numbers`` with
        ``codes`` or ``pictures``.
    """
    write(folder / START, start.config, start.arrays)
    for name, arrays in sides.items():
        write_arrays(folder / name, arrays)
    (folder / OPTIONS).write_text(json.dumps(options))


def load(folder: Path, device: str) -> Loaded:
    """Read what `save` wrote, once in a process."""
    return _load(str(folder.resolve()), device)


@lru_cache(maxsize=2)
def _load(name: str, device: str) -> Loaded:
    folder = Path(name)
    options = json.loads((folder / OPTIONS).read_text())
    start = read(folder / START)
    train, valid = (_split(read_arrays(folder / side), device) for side in ("train", "valid"))
    objective = Objective(
        options["objective"]["kind"], valid.y, valid.group, tuple(options["objective"]["codes"])
    )
    by_group = groups(start.arch, networks.skeleton(start.config))
    low, middle, high = options["rates"]
    masks = Masks(by_group, options["free"], options["biases"], (low, middle, high))
    cache = Cache() if options["cache"] else None
    return Loaded(start, trial.Data(train, valid, objective), objective, masks, options, cache)


def pace(loaded: Loaded, device: str, steps: int = 20) -> float:
    """Seconds of a training of everything, from so many timed steps."""
    epochs, batch = int(loaded.options["epochs"]), int(loaded.options["batch"])
    train = loaded.data.train
    whole = math.ceil(len(train) / batch) * epochs
    rows = np.arange(min(steps * batch, len(train)))
    split = trial.Split(trial.Some(train.inputs, rows), train.y[rows], train.group[rows])
    data = trial.Data(split, trial.Split(trial.Some(train.inputs, rows[:1]), train.y[:1],
                                         train.group[:1]), lambda _: 0.0)  # fmt: skip
    recipe = trial.Recipe(frozenset(loaded.masks.by_group), 1e-5, 1, batch)
    with threads(int(loaded.options["threads"])):
        trial.run(loaded.start, recipe, data, device=device)  # the first steps load libraries
        found = trial.run(loaded.start, recipe, data, device=device)
    return found.seconds / max(math.ceil(len(rows) / batch), 1) * whole


def forget() -> None:
    """Let go of what `load` keeps."""
    _load.cache_clear()


def _split(arrays: Mapping[str, NDArray[Any]], device: str) -> trial.Split:
    y = np.array(arrays["y"], np.int64)
    if "pictures" in arrays:
        pictures = arrays["pictures"]
        inputs: trial.Inputs = (
            OnDisk(pictures)
            if pictures.nbytes > MOST_PICTURES
            else trial.Tensors((torch.from_numpy(np.array(pictures)).to(device),))
        )
    else:
        inputs = trial.Tensors(
            (
                torch.from_numpy(np.array(arrays["numbers"], np.float32)).to(device),
                torch.from_numpy(np.array(arrays["codes"], np.int64)).to(device),
            )
        )
    weight = None if "weight" not in arrays else np.array(arrays["weight"], np.float32)
    return trial.Split(inputs, y, np.array(arrays["group"], np.int64), weight)


@dataclass(frozen=True)
class Step:
    """One step of one arm: what `objective` does with what a study asks.

    Parameters
    ----------
    masks
        Mask of each slot, the last one for all further slots; None where the study draws it.
    seeds
        Seed of each slot; none where the study gives it.
    fresh
        Train from new weights.
    keep
        Keep what was trained, in `KEPT`.
    """

    masks: tuple[tuple[str, ...], ...] | None = None
    seeds: tuple[int, ...] = ()
    fresh: bool = False
    keep: bool = False

    def write(self, folder: Path) -> None:
        """As ``step.json``."""
        masks = None if self.masks is None else [list(mask) for mask in self.masks]
        told = {"masks": masks, "seeds": list(self.seeds), "fresh": self.fresh, "keep": self.keep}
        (folder / STEP).write_text(json.dumps(told))

    @classmethod
    def read(cls, folder: Path) -> Step:
        """From ``step.json``."""
        told = json.loads((folder / STEP).read_text())
        masks = None if told["masks"] is None else tuple(tuple(mask) for mask in told["masks"])
        return cls(masks, tuple(told["seeds"]), bool(told["fresh"]), bool(told["keep"]))


def objective(folder: Path, device: str, tick: Tick) -> Callable[[Ask], float]:
    """What one trial of a step does."""
    return partial(_do, folder, Step.read(folder), device, tick)


def _do(folder: Path, step: Step, device: str, tick: Tick, ask: Ask) -> float:
    loaded = load(folder.parent / DATA, device)
    if step.masks is None:
        mask = loaded.masks.mask(ask.params)
    else:
        mask = frozenset(step.masks[min(ask.slot, len(step.masks) - 1)])
    seed = step.seeds[ask.slot] if ask.slot < len(step.seeds) else ask.seed
    lr = float(ask.params[LR])
    words = "everything, from new weights" if step.fresh else None
    words = in_words(mask, loaded.masks.by_group) if words is None else words
    ask.note(mask=sorted(mask), words=words, lr=lr)
    try:
        with threads(int(loaded.options["threads"])):
            found = trial.run(
                loaded.start,
                loaded.recipe(mask, lr, seed),
                loaded.data,
                device=device,
                tick=lambda: tick(0, 1, words),
                report=lambda epoch, value: ask.report(epoch, _finite(value)),
                cache=loaded.cache,
                fresh=step.fresh,
            )
    except torch.OutOfMemoryError:
        ask.note(failed="out of memory with half a batch as well")
        return math.nan
    ask.note(
        overall=_number(loaded.objective.overall(found.valid)),
        epochs=len(found.history),
        seconds=found.seconds,
        pieces=found.pieces,
        stage=found.stage,
    )
    if found.diverged:
        ask.note(failed="the loss was no number")
        return math.nan
    if step.keep and not found.pruned:
        _keep(folder, ask.slot, loaded.start, found)
    return found.value


def _finite(value: float) -> float:
    """What a pruner can compare: worse than anything for what is no number."""
    return value if math.isfinite(value) else -1e9


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _keep(folder: Path, slot: int, start: Checkpoint, found: trial.Trained) -> None:
    """Write what moved: whole, or not there."""
    place = folder / KEPT
    place.mkdir(exist_ok=True)
    part = place / f".{slot}-{id(found)}.safetensors"
    write(part, start.config, found.arrays)
    part.replace(place / f"{slot}.safetensors")


def kept(folder: Path, slot: int) -> dict[str, NDArray[Any]] | None:
    """What moved in the training of a slot; None where it failed."""
    path = folder / KEPT / f"{slot}.safetensors"
    return read(path).arrays if path.is_file() else None
