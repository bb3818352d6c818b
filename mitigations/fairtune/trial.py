"""One training: some parts of a network move, the others stay as they are."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mitigations.fairtune import networks
from mitigations.fairtune.cache import Cache
from mitigations.fairtune.checkpoint import Checkpoint
from mitigations.fairtune.groups import HEAD, groups, trained

Floats = NDArray[np.float64]
Objective = Callable[[Floats], float]
Report = Callable[[int, float], bool]

#: Rows scored at a time: what comes out does not depend on the batch of the training.
BLOCK = 1024
#: Last learning rate as a share of the first.
FLOOR = 0.01


class Inputs(Protocol):
    """Inputs of a network for n rows, wherever they lie."""

    def __len__(self) -> int: ...

    def batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, ...]:
        """What the network's ``prefix`` takes, for these positions (B,) long on the CPU."""


@dataclass(frozen=True)
class Tensors:
    """Inputs that are whole in memory; on the device, if there is room."""

    arrays: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.arrays[0])

    def batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, ...]:
        at = self.arrays[0].device
        index = rows.to(at)
        return tuple(a[index].to(device, non_blocking=True) for a in self.arrays)


@dataclass(frozen=True)
class Some:
    """Some rows of other inputs."""

    inputs: Inputs
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, ...]:
        return self.inputs.batch(torch.as_tensor(self.rows)[rows], device)


@dataclass(frozen=True)
class Split:
    """Rows of one part.

    Parameters
    ----------
    inputs
        Of the network.
    y : (n,) int64
        1 favourable.
    group : (n,) int64
        -1 unknown.
    weight : (n,) float32, optional
        Of the loss.
    """

    inputs: Inputs
    y: NDArray[np.int64]
    group: NDArray[np.int64]
    weight: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Data:
    """Rows to learn from, rows to choose by, and what is to be large on those."""

    train: Split
    valid: Split
    objective: Objective


@dataclass(frozen=True)
class Recipe:
    """A configuration of one training.

    Parameters
    ----------
    mask
        Groups that move (`groups.groups`), and `groups.BIASES`; the head always does.
    lr, epochs, batch
        First learning rate, passes over the rows, rows of a step.
    seed
        Of the order of rows, and of a head that is new.
    decay
        Weight decay, of what moves alone.
    frozen
        ``eval``: what does not move also keeps its statistics and drops nothing out.
    """

    mask: frozenset[str]
    lr: float = 1e-3
    epochs: int = 10
    batch: int = 64
    seed: int = 0
    decay: float = 0.01
    frozen: Literal["eval", "train"] = "eval"


@dataclass(frozen=True)
class Trained:
    """What a training ended in.

    Parameters
    ----------
    arrays
        State of what moved, statistics included.
    history
        Objective after each epoch.
    valid : (n,) float64
        Chances of the favourable outcome on the validation rows.
    value
        The last objective; NaN where the training diverged.
    pruned
        Whether it was told to stop early.
    pieces
        Parts a step was cut into for lack of memory.
    stage
        Stages before it were run once (0: none).
    seconds
        Of this training.
    """

    arrays: dict[str, NDArray[Any]] = field(repr=False)
    history: tuple[float, ...]
    valid: Floats = field(repr=False)
    value: float
    pruned: bool
    pieces: int
    stage: int
    seconds: float

    @property
    def diverged(self) -> bool:
        """Whether the loss was no number any more."""
        return not math.isfinite(self.value) and not self.pruned


class Diverged(Exception):
    """The loss is no number."""


def run(
    start: Checkpoint,
    recipe: Recipe,
    data: Data,
    *,
    device: str = "cpu",
    tick: Callable[[], None] | None = None,
    report: Report | None = None,
    cache: Cache | None = None,
    fresh: bool = False,
) -> Trained:
    """Train once.

    Parameters
    ----------
    start
        Weights to start from.
    recipe
        What moves, and how.
    data
        Rows on both sides.
    tick
        Called at every step; raises to stop.
    report
        ``report(epoch, value)`` after each epoch, from 1; True to stop.
    cache
        Of what comes out of frozen stages: only for one start and one data.
    fresh
        Forget the weights of the start: a training from scratch.

    Raises
    ------
    torch.OutOfMemoryError
        There is too little memory for half a batch as well.
    """
    began = time.monotonic()
    place = torch.device(device)
    with deterministic(recipe.seed, place):
        work = _Work(start, recipe, data, place, cache, fresh)
        history: list[float] = []
        valid = np.full(len(data.valid), np.nan)
        pruned = False
        try:
            for epoch in range(recipe.epochs):
                work.epoch(epoch, tick)
                valid = work.scores()
                history.append(float(data.objective(valid)))
                if report is not None and report(epoch + 1, history[-1]):
                    pruned = True
                    break
        except Diverged:
            history.append(math.nan)
        if recipe.epochs == 0:
            valid = work.scores()
            history.append(float(data.objective(valid)))
        arrays = work.moved()
    seconds = time.monotonic() - began
    return Trained(
        arrays, tuple(history), valid, history[-1], pruned, work.pieces, work.stage, seconds
    )


def scores(
    checkpoint: Checkpoint, inputs: Inputs, *, device: str = "cpu",
    tick: Callable[[], None] | None = None,
) -> Floats:  # fmt: skip
    """Chances of the favourable outcome, (n,)."""
    place = torch.device(device)
    with deterministic(0, place):
        net = networks.load(checkpoint).to(place).eval()
        return _scores(net, inputs, int(checkpoint.config["positive"]), place, tick=tick)


class _Work:
    """The state of one training."""

    def __init__(
        self, start: Checkpoint, recipe: Recipe, data: Data, device: torch.device,
        cache: Cache | None, fresh: bool,
    ) -> None:  # fmt: skip
        self.recipe, self.data, self.device = recipe, data, device
        self.positive = int(start.config["positive"])
        net = networks.build(start.config) if fresh else networks.load(start)
        self.net: Any = net.to(device)
        self.names = self._freeze(start.arch)
        moving = [p for p in self.net.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            moving, lr=recipe.lr, weight_decay=recipe.decay, foreach=True
        )
        self.pieces = 1
        self.stage = 0
        self.train, self.valid = data.train.inputs, data.valid.inputs
        if cache is not None and not fresh and recipe.frozen == "eval":
            self._cut(cache)
        whole = len(data.train)
        self.steps = max(1, math.ceil(whole / recipe.batch))
        self.order = torch.Generator().manual_seed(recipe.seed)
        target = np.where(data.train.y == 1, self.positive, _other(self.positive))
        self.y = torch.as_tensor(target, dtype=torch.long, device=device)
        weight = data.train.weight
        self.weight = (
            None
            if weight is None
            else torch.as_tensor(weight / weight.mean(), dtype=torch.float32, device=device)
        )

    def _freeze(self, arch: str) -> set[str]:
        """Let only what the mask names move; everything else keeps its statistics."""
        names = [name for name, _ in self.net.named_parameters()]
        on = set(trained(self.recipe.mask, groups(arch, self.net), names))
        for name, parameter in self.net.named_parameters():
            parameter.requires_grad_(name in on)
        set_modes(self.net, self.recipe.frozen)
        return on

    def _cut(self, cache: Cache) -> None:
        """Run everything before the first stage that moves once."""
        first = min(self.net.stage_of(name) for name in self.names)
        if first < 1:
            return
        found = [
            cache.take(side, first, partial(self._prefix, first, part))
            for side, part in (("train", self.train), ("valid", self.valid))
        ]
        if found[0] is None or found[1] is None:
            return
        self.stage = first
        self.train, self.valid = Tensors((found[0],)), Tensors((found[1],))

    def _prefix(self, stage: int, inputs: Inputs) -> Iterator[Tensor]:
        was = self.net.training
        with torch.no_grad(), self._autocast():
            self.net.eval()
            for rows in _blocks(len(inputs)):
                yield self.net.prefix(stage, *inputs.batch(rows, self.device))
        self.net.train(was)
        set_modes(self.net, self.recipe.frozen)

    def _autocast(self) -> Any:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")

    def epoch(self, epoch: int, tick: Callable[[], None] | None) -> None:
        """One pass over the rows in a new order."""
        n, batch = len(self.train), self.recipe.batch
        total = torch.zeros((), device=self.device)
        order = torch.randperm(n, generator=self.order)
        for step, rows in enumerate(torch.split(order, batch)):
            if tick is not None:
                tick()
            share = (epoch * self.steps + step) / (self.recipe.epochs * self.steps)
            rate = self.recipe.lr * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * share)))
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            total += self._step(rows)
        if not bool(torch.isfinite(total)):
            raise Diverged

    def _step(self, rows: Tensor) -> Tensor:
        """One step; where memory ran out, once more in twice as many pieces."""
        try:
            return self._descend(rows)
        except torch.OutOfMemoryError:
            if self.pieces > 1 or len(rows) < 2:
                raise
            self.pieces = 2
        self.optimiser.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return self._descend(rows)

    def _descend(self, rows: Tensor) -> Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        at = rows.to(self.device)
        for piece in rows.chunk(self.pieces):
            here = at if self.pieces == 1 else piece.to(self.device)
            with self._autocast():
                logits = self._logits(piece)
            losses = functional.cross_entropy(logits.float(), self.y[here], reduction="none")
            if self.weight is not None:
                losses = losses * self.weight[here]
            loss = losses.sum() / len(rows)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        self.optimiser.step()
        return total

    def _logits(self, rows: Tensor) -> Tensor:
        inputs = self.train.batch(rows, self.device)
        out: Tensor = self.net.suffix(self.stage, *inputs) if self.stage else self.net(*inputs)
        return out

    def scores(self) -> Floats:
        """Chances on the validation rows."""
        self.net.eval()
        out = _scores(
            self.net, self.valid, self.positive, self.device, stage=self.stage,
            autocast=self._autocast(),
        )  # fmt: skip
        set_modes(self.net, self.recipe.frozen)
        return out

    def moved(self) -> dict[str, NDArray[Any]]:
        """State of what moved: parameters, and statistics of modules in training."""
        modules = {name for name, m in self.net.named_modules() if m.training}
        keep = set(self.names)
        for name, _ in self.net.named_buffers():
            if name.rpartition(".")[0] in modules:
                keep.add(name)
        state = self.net.state_dict()
        return {n: state[n].detach().cpu().numpy().copy() for n in state if n in keep}


def set_modes(net: nn.Module, frozen: str) -> None:
    """Modules that move are in training, others keep their statistics.

    A module without parameters, such as dropout, does as the module around it.
    """
    if frozen == "train":
        net.train()
        return
    moves = {
        name: any(p.requires_grad for p in module.parameters())
        for name, module in net.named_modules()
    }
    bare = {name for name, m in net.named_modules() if next(m.parameters(), None) is None}
    for name, module in net.named_modules():
        owner = name
        while owner in bare and owner:
            owner = owner.rpartition(".")[0]
        module.training = moves[owner]


def _scores(
    net: Any, inputs: Inputs, positive: int, device: torch.device, *, stage: int = 0,
    autocast: Any = None, tick: Callable[[], None] | None = None,
) -> Floats:  # fmt: skip
    out: list[Tensor] = []
    with torch.no_grad(), _nothing() if autocast is None else autocast:
        for rows in _blocks(len(inputs)):
            if tick is not None:
                tick()
            given = inputs.batch(rows, device)
            logits = net.suffix(stage, *given) if stage else net(*given)
            out.append(torch.softmax(logits.double(), dim=1)[:, positive])
    return np.asarray(torch.cat(out).cpu().numpy() if out else np.zeros(0), np.float64)


def _blocks(n: int) -> Sequence[Tensor]:
    return torch.split(torch.arange(n), BLOCK)


def _other(positive: int) -> int:
    return 1 - positive


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def deterministic(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's random numbers from this seed, deterministic operators, and all as before after."""
    devices: Sequence[torch.device] = [device] if device.type == "cuda" else []
    strict = torch.are_deterministic_algorithms_enabled()
    warn = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=devices), warnings.catch_warnings():
        if device.type == "cuda":  # on a GPU some operators have no deterministic form
            warnings.simplefilter("ignore", UserWarning)
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict, warn_only=warn)


__all__ = ["HEAD", "Data", "Inputs", "Recipe", "Split", "Tensors", "Trained", "run", "scores"]
