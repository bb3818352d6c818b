"""Fine-tuning in parts: time of a trial, what caching and stopping early save, and the gain."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mitigations.contract import Context, Problem
from mitigations.fairtune import trial, work
from mitigations.fairtune.cache import Cache
from mitigations.fairtune.fit import _prepare
from mitigations.fairtune.method import FairTune
from mitigations.fairtune.objective import auc
from mitigations.fairtune.search import Arm, Searcher
from mitigations.fairtune.threads import one_thread
from mitigations.parameters import build
from tests import fairtune_fixtures as made

#: Sizes of fairtune.md section 6.
SIZES = {"source": 20_000, "train": 1200, "valid": 800}
TEST = 20_000
SEEDS = 3
SETTINGS = {"trials": 20, "epochs": 8, "width": 64, "depth": 3, "source_epochs": 4}


def run() -> str:
    """Every table."""
    with one_thread():
        return "\n".join([*_times(), "", *_pruner(), "", *_experiment()])


def _method(**more: Any) -> FairTune:
    method: FairTune = build(FairTune, {**SETTINGS, **more})
    return method


def _prepared(problem: Problem, folder: Path, seed: int = 0) -> Any:
    return _prepare(_method(), problem, Context(seed=seed), folder)


def _seconds(task: Callable[[], object], times: int = 3) -> float:
    task()
    started = time.process_time()
    for _ in range(times):
        task()
    return (time.process_time() - started) / times


def _times() -> list[str]:
    """CPU seconds of one training with and without the frozen part run once."""
    lines = [
        f"{SIZES['train']:,} training and {SIZES['valid']:,} validation rows, "
        f"{SETTINGS['epochs']} epochs, one core, CPU seconds per training.",
        "",
        "| what trains | every step in full | frozen part run once | saved |",
        "|---|---|---|---|",
    ]
    with TemporaryDirectory() as name:
        loaded = _prepared(made.pair(**SIZES), Path(name)).loaded
        for label, mask in loaded.masks.masks().items():
            recipe = loaded.recipe(mask, 1e-3, 0)
            cache = Cache()
            slow, fast = (
                _seconds(partial(trial.run, loaded.start, recipe, loaded.data, cache=c))
                for c in (None, cache)
            )
            lines.append(
                f"| {label} | {slow:.2f} s | {fast:.2f} s | {max(1 - fast / slow, 0.0):.0%} |"
            )
        work.forget()
    return lines


def _pruner() -> list[str]:
    """Epochs of a search with and without stopping early, and the value of its winner."""
    lines = [
        "| search of 30 trials | epochs | CPU time | best validation value |",
        "|---|---|---|---|",
    ]
    found: dict[bool, tuple[int, float]] = {}
    with TemporaryDirectory() as name:
        prepared = _prepared(made.pair(**SIZES), Path(name))
        for prune in (False, True):
            budget = replace(prepared.searcher.budget, trials=30, top=1, again=0, final=1)
            searcher: Searcher = replace(
                prepared.searcher, prune=prune, budget=budget, name=f"bench-{prune}"
            )
            started = time.process_time()
            trials = searcher.run(Arm("searched", "Searched parts")).trials
            spent = time.process_time() - started
            epochs = sum(int(r.notes.get("epochs", 0)) for r in trials)
            best = max(r.value for r in trials if r.state == "complete" and r.value is not None)
            found[prune] = epochs, best
            label = "weak trials stopped early" if prune else "every trial to its end"
            lines.append(f"| {label} | {epochs} | {spent:.1f} s | {best:.4f} |")
        work.forget()
    saved = 1 - found[True][0] / found[False][0]
    lines += ["", f"Epochs saved: {saved:.0%} (bound: at least 30 %); difference of the winners: "
              f"{found[True][1] - found[False][1]:+.4f} (bound: within 0.02)."]  # fmt: skip
    return lines


def _experiment() -> list[str]:
    """Lowest AUC of a group on test rows, mean over data seeds and final seeds."""
    scores: dict[str, list[list[float]]] = {}
    spent: dict[str, int] = {}
    for seed in range(SEEDS):
        outcome = _method(prune=True).fit(made.pair(seed, **SIZES), Context(seed=seed))
        rows = made.audit(seed, TEST)
        assert rows.y is not None
        for arm in outcome.arms:
            found = []
            for rule in arm.rules:
                score = rule.scores(rows)  # type: ignore[attr-defined]
                y = rows.y.astype(np.int64)
                parts = (rows.group == g for g in (0, 1))
                found.append(min(auc(y[m], score[m]) for m in parts))
            scores.setdefault(arm.label, []).append(found)
            spent[arm.label] = arm.trainings
    lines = [
        f"Two simulated states ({SIZES['source']:,} rows of A; of B {SIZES['train']:,} to train, "
        f"{SIZES['valid']:,} to validate, {TEST:,} to test), {SEEDS} data seeds, 3 final seeds.",
        "",
        "| arm | trainings | lowest AUC of a group, mean | per data seed | worst training |",
        "|---|---|---|---|---|",
    ]
    for label, by_seed in scores.items():
        means = [float(np.mean(v)) for v in by_seed]
        worst = min(min(v) for v in by_seed)
        each = " ".join(f"{m:.3f}" for m in means)
        lines.append(f"| {label} | {spent[label]} | {np.mean(means):.3f} | {each} | {worst:.3f} |")
    ours = np.array([np.mean(v) for v in scores["Searched parts"]])
    lines += ["", "Searched parts less each baseline, by data seed: " + "; ".join(
        f"{label} {np.mean(ours - [np.mean(v) for v in by_seed]):+.3f}"
        for label, by_seed in scores.items() if label != "Searched parts"
    ) + "."]  # fmt: skip
    return lines
