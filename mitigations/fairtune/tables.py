"""What a search found, as tables and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mitigations.contract import Context, Table
from mitigations.device import AGREEMENT, describe
from mitigations.fairtune import objective, work
from mitigations.fairtune.groups import BIASES
from mitigations.fairtune.search import Found
from mitigations.fairtune.study import Result


def precision(context: Context) -> str:
    """What matrix products are computed in."""
    return "bfloat16" if context.device.startswith("cuda") else "float32"


def tables(found: Sequence[Found], loaded: work.Loaded, context: Context) -> dict[str, Table]:
    """Trials, configurations trained again, arms, importance of parts, and how it was computed.

    No time is among them: the same seed gives the same document.
    """
    search = found[0]
    metric = objective.WORDS[loaded.objective.kind]
    trained = [
        describe(context.device)["device"], precision(context),
        sum(f.trainings for f in found), AGREEMENT[precision(context)],
    ]  # fmt: skip
    rerank = [
        [c.words, c.lr, len(c.values), *_spread(c.values)] for c in search.reranked if c.values
    ]
    arms = [
        [f.arm.label, f.trainings, *_spread([x.value for x in f.finals]), f.chosen.words,
         f.chosen.lr, metric]
        for f in found
    ]  # fmt: skip
    out = {
        "training": _table("device precision trainings tolerance", [trained], ""),
        "trials": _table(
            "number kind mask lr epochs state value overall metric",
            [[*_trial(r), metric] for r in search.trials],
            "",
        ),
        "rerank": _table("configuration lr seeds mean sd worst", rerank, ""),
        "arms": _table("arm trainings mean sd worst configuration lr metric", arms, ""),
        "importance": _table("group effect with without", importance(search, loaded), ""),
    }
    return {name: table for name, table in out.items() if table.rows}


def _table(columns: str, rows: list[list[Any]], caption: str) -> Table:
    return Table(tuple(columns.split()), tuple(tuple(row) for row in rows), caption)


def _trial(r: Result) -> list[Any]:
    kind = "search" if r.anchor is None else "anchor"
    state = "failed" if r.notes.get("failed") else r.state
    value = r.value if r.value is not None and math.isfinite(r.value) else None
    return [
        r.slot, kind, str(r.notes.get("words", "")), r.notes.get("lr"), r.notes.get("epochs"),
        state, value if state != "failed" else None, r.notes.get("overall"),
    ]  # fmt: skip


def _spread(values: Sequence[float]) -> list[float | None]:
    """Mean, SD and worst."""
    good = [v for v in values if math.isfinite(v)]
    if not good:
        return [None, None, None]
    sd = float(np.std(good, ddof=1)) if len(good) > 1 else None
    return [float(np.mean(good)), sd, float(min(good))]


def importance(search: Found, loaded: work.Loaded) -> list[list[Any]]:
    """Mean value of complete trials that trained a part, less that of those that did not."""
    good = [r for r in search.trials if r.state == "complete" and r.value is not None]
    out = []
    for group in (*loaded.masks.by_group, BIASES):
        on = [float(r.value or 0.0) for r in good if group in r.notes["mask"]]
        off = [float(r.value or 0.0) for r in good if group not in r.notes["mask"]]
        if on and off:
            effect = float(np.mean(on) - np.mean(off))
            out.append([_named(group), effect, len(on), len(off)])
    return out


def _named(group: str) -> str:
    """A group for people, blocks counted from 1: ``norm of block 2``."""
    if group == BIASES:
        return "all biases"
    if not group.startswith("blocks."):
        return group.replace("_", " ").replace(".", " of ")
    _, block, kind = group.split(".")
    return f"{kind} of block {int(block) + 1}"


def remarks(found: Sequence[Found]) -> list[str]:
    """What went wrong in trials, and how much stopping early saved."""
    out = []
    trials = [r for f in found for r in f.trials]
    for why in sorted({str(r.notes["failed"]) for r in trials if r.notes.get("failed")}):
        n = sum(r.notes.get("failed") == why for r in trials)
        noun = "training" if n == 1 else "trainings"
        out.append(f"{n} {noun} failed ({why}); the others are not affected.")
    lost = [r for r in trials if "epochs" not in r.notes and not r.notes.get("failed")]
    if lost:
        out.append(f"{len(lost)} trials were given up, since their process ended twice.")
    cut = sum(r.state == "pruned" and not r.notes.get("failed") for r in trials)
    if cut:
        out.append(f"{cut} of {len(trials)} trials were stopped early.")
    halved = sum(int(r.notes.get("pieces") or 1) > 1 for r in trials)
    if halved:
        out.append(f"Memory ran out in {halved} trainings, which went on with half a batch.")
    return out
