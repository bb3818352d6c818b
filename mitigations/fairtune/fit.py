"""From a problem to points: prepare, search, compare with the baselines, hand out rules."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Context, MethodError, Outcome, Part, Problem
from mitigations.fairtune import card, columns, images, made, offers, tables, work
from mitigations.fairtune.objective import choose
from mitigations.fairtune.progress import Progress
from mitigations.fairtune.search import SLACK, Arm, Budget, Failed, Found, Searcher, best_anchor
from mitigations.fairtune.start import Shape, Start, labelled, start_of
from mitigations.rules.base import digest

if TYPE_CHECKING:
    from mitigations.fairtune.method import FairTune

Json = dict[str, Any]
Sides = Mapping[str, Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class Prepared:
    """What all arms share."""

    problem: Problem
    start: Start
    searcher: Searcher
    loaded: work.Loaded
    notes: tuple[str, ...]
    data: str


def fit(method: FairTune, problem: Problem, context: Context) -> Outcome:
    """Everything; see `FairTune`."""
    with _folder(context) as root:
        try:
            prepared = _prepare(method, problem, context, root)
            found, notes = _arms(method, prepared)
            points, arms = made.points(method, prepared, found)
            if method.objective == "pareto":
                curve = prepared.searcher.front(found[0])
                points = (*points, *made.curve(method, prepared, found[0], curve))
            shown = tables.tables(found, prepared.loaded, context)
        finally:
            work.forget()
    context.record(precision=tables.precision(context))
    return Outcome(points, shown, (*prepared.notes, *notes), arms=arms)


def _prepare(method: FairTune, problem: Problem, context: Context, root: Path) -> Prepared:
    parts = {
        name: part.take(np.flatnonzero(labelled(part)))
        for name, part in (("training", problem.train), ("validation", problem.valid))
    }
    _check(method, parts)
    valid = parts["validation"]
    assert valid.y is not None
    objective, notes = choose(
        method.objective, valid.y.astype(np.int64), valid.group.astype(np.int64),
        problem.group_names, problem.group_floor,
    )  # fmt: skip
    context.tick(0, 1, "preparing the network to start from")
    shape = Shape(method.arch, method.width, method.depth, method.source_epochs)
    start = start_of(problem, context, shape)
    sides = {"train": _side(start, parts["training"]), "valid": _side(start, valid)}
    options = _options(method, objective.state(), context)
    name = _name(method, start, sides, options)
    folder = root / name
    offers.prepared(
        folder, work.DATA, lambda path: work.save(path, start.checkpoint, sides, options)
    )
    context.tick(0, 1, "timing 20 steps")
    loaded = work.load(folder / work.DATA, context.device)
    searcher = Searcher(
        folder=folder,
        masks=loaded.masks,
        budget=Budget(method.trials, method.top, method.again, method.final),
        seed=context.seed,
        name=name,
        device=context.device,
        progress=Progress(context, card.count(method), work.pace(loaded, context.device)),
        root=None if context.shared is None else root,
        store=context.store,
        prune=method.prune,
        pareto=method.objective == "pareto",
    )
    data = digest({f"{side}/{k}": a for side, arrays in sides.items() for k, a in arrays.items()})
    return Prepared(problem, start, searcher, loaded, (*notes, *start.notes), data)


def _check(method: FairTune, parts: Mapping[str, Part]) -> None:
    for name, part in parts.items():
        assert part.y is not None
        if np.unique(part.y).size < 2:
            raise MethodError(
                "one-label",
                f"The {len(part):,} labelled {name} rows do not hold both outcomes.",
                "Give more rows, or check which outcome is favourable.",
            )
    if method.lr_low > method.lr_high:
        raise MethodError(
            "bad-setting", "The lowest learning rate is above the highest.", "Exchange the two."
        )
    if method.width % 4:
        raise MethodError(
            "bad-setting", f"The width {method.width} is no multiple of 4.", "Enter 32, 64 or 128."
        )


def _side(start: Start, part: Part) -> dict[str, NDArray[Any]]:
    assert part.y is not None
    out: dict[str, NDArray[Any]] = {
        "y": part.y.astype(np.int64),
        "group": part.group.astype(np.int64),
    }
    if part.weight is not None:
        out["weight"] = part.weight.astype(np.float32)
    if start.checkpoint.tabular:
        config = start.checkpoint.config
        out["numbers"], out["codes"] = columns.encode(config, start.places, part.x)
    else:
        out["pictures"] = np.asarray(part.blobs[images.BLOB])
    return out


def _options(method: FairTune, objective: Json, context: Context) -> Json:
    middle = min(max(method.lr, method.lr_low), method.lr_high)
    return {
        "objective": objective, "epochs": method.epochs, "batch": method.batch, "decay": 0.01,
        "frozen": method.frozen, "free": method.space == "free", "biases": method.biases,
        "rates": [method.lr_low, middle, method.lr_high], "cache": True,
        "threads": context.threads,
    }  # fmt: skip


def _name(method: FairTune, start: Start, sides: Sides, options: Json) -> str:
    """The same for the same search: a second attempt goes on where the first was killed."""
    told = [options, method.trials, method.top, method.again, method.final,
            method.baseline_trials, method.prune]  # fmt: skip
    seen = [start.checkpoint.sha256, *(digest(sides[name]) for name in sorted(sides))]
    text = "|".join([*seen, json.dumps(told, sort_keys=True)])
    return f"fairtune-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@contextmanager
def _folder(context: Context) -> Iterator[Path]:
    """Where searches lie: with the helpers, else a folder that goes with this fit."""
    if context.shared is not None:
        yield context.shared
        return
    with tempfile.TemporaryDirectory(prefix="fairtune-", dir=context.scratch) as name:
        yield Path(name)


def _arms(method: FairTune, prepared: Prepared) -> tuple[list[Found], list[str]]:
    """The search and its baselines, each with the same budget and the same final seeds."""
    search, notes = prepared.searcher, []
    try:
        found = [search.run(Arm("searched", card.SEARCHED))]
    except Failed as error:
        raise MethodError(
            "search-failed",
            "No training of the search ended well.",
            "Lower the highest learning rate or the rows of a step.",
        ) from error
    if found[0].relaxed:
        notes.append(
            f"No configuration kept the AUC of everybody within {SLACK:g} of the best fixed "
            "start; the best of all was taken."
        )
    floor = best_anchor(found[0].trials) - SLACK
    others = method.baseline_trials if method.baseline_trials > 0 else method.trials
    search = replace(search, budget=replace(search.budget, trials=others))
    masks = search.masks.masks()
    wanted = {"probe": "head", "full": "everything", "norms": "norms", "scratch": "everything"}
    for slug, mask in wanted.items():
        if slug == "scratch" and not method.scratch:
            continue
        label = card.BASELINES[slug]
        try:
            found.append(search.run(Arm(slug, label, masks[mask], slug == "scratch"), floor))
        except Failed:
            notes.append(f"{label}: no training ended well, so it is not compared.")
    return found, [*notes, *tables.remarks(found)]
