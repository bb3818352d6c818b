"""One arm: search, train the best again with fresh seeds, and train the chosen one for good."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations.fairtune import offers, work
from mitigations.fairtune.progress import Progress
from mitigations.fairtune.sampling import Params, Real, Space
from mitigations.fairtune.space import LR, Masks
from mitigations.fairtune.study import Result, Study

#: Overall AUC that a configuration may lie below that of the best anchor.
SLACK = 0.02


@dataclass(frozen=True)
class Budget:
    """How often an arm trains.

    Parameters
    ----------
    trials
        Of the search.
    top, again
        Configurations that are trained again, and with how many fresh seeds each.
    final
        Seeds of the chosen configuration.
    """

    trials: int
    top: int = 3
    again: int = 2
    final: int = 3

    @property
    def trainings(self) -> int:
        """At most: fewer where a search ends in fewer different configurations."""
        return self.trials + self.top * self.again + self.final


@dataclass(frozen=True)
class Arm:
    """A way to spend the budget.

    Parameters
    ----------
    slug, label
        ``searched`` searches the mask as well; the others only the learning rate.
    mask
        Fixed mask, None for the search.
    fresh
        From new weights.
    """

    slug: str
    label: str
    mask: frozenset[str] | None = None
    fresh: bool = False


@dataclass(frozen=True)
class Config:
    """A configuration that was trained again."""

    mask: frozenset[str]
    lr: float
    words: str
    slot: int
    values: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Mean of the fresh seeds; minus infinity where none ended well."""
        good = [v for v in self.values if math.isfinite(v)]
        return float(np.mean(good)) if len(good) == len(self.values) > 0 else -math.inf


@dataclass(frozen=True)
class Final:
    """One training of the chosen configuration: its seed, value, and what moved."""

    seed: int
    value: float
    overall: float
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Found:
    """What an arm ended in.

    Parameters
    ----------
    trials
        Of the search.
    reranked
        Configurations that were trained again, the chosen one first.
    finals
        Those that ended well.
    trainings
        Done in all.
    relaxed
        Whether no configuration kept the overall AUC.
    seconds
        Of all trainings.
    """

    arm: Arm
    trials: tuple[Result, ...]
    reranked: tuple[Config, ...]
    finals: tuple[Final, ...]
    trainings: int
    relaxed: bool
    seconds: float

    @property
    def chosen(self) -> Config:
        """The configuration with the best mean over fresh seeds."""
        return self.reranked[0]

    @property
    def valid(self) -> float:
        """Mean validation objective of the final seeds."""
        return float(np.mean([f.value for f in self.finals])) if self.finals else math.nan


class Failed(Exception):
    """No training of an arm ended well."""


@dataclass(frozen=True)
class Searcher:
    """Runs arms in a folder.

    Parameters
    ----------
    folder
        With `work.DATA` in it.
    root
        Folder that helpers see, None where there are none.
    store
        Of the studies.
    name
        Prefix of their names.
    """

    folder: Path
    masks: Masks
    budget: Budget
    seed: int
    name: str
    device: str
    progress: Progress
    root: Path | None = None
    store: str | None = None
    prune: bool = True
    pareto: bool = False

    def run(self, arm: Arm, floor: float | None = None) -> Found:
        """Everything an arm does.

        Parameters
        ----------
        floor
            Overall AUC that a configuration has to keep; None for that of the best anchor of
            this very search, less `SLACK`.

        Raises
        ------
        Failed
            No training ended well.
        """
        low, middle, high = self.masks.rates
        if arm.mask is None:
            space, anchors = self.masks.space(), self.masks.anchors()
        else:
            space, anchors = {LR: Real(low, high, log=True)}, {"default": {LR: middle}}
        step = work.Step(None if arm.mask is None else (_listed(arm.mask),), fresh=arm.fresh)
        most = max(self.budget.trials, len(anchors))
        trials = self._study(arm, "search", step, space, anchors, most)
        kept = best_anchor(trials) - SLACK if floor is None else floor
        best, relaxed = top(trials, kept, self.budget.top)
        if not best:
            raise Failed(arm.label)
        done = list(trials)
        again = self._again(arm, best, done)
        for place, config in enumerate(again):
            finals = self._final(arm, config, f"final-{place}", done)
            if finals:
                chosen = (config, *(c for c in again if c is not config))
                return Found(
                    arm, tuple(trials), chosen, finals,
                    sum(r.state in ("complete", "pruned") for r in done), relaxed,
                    float(sum(r.notes.get("seconds", 0.0) for r in done)),
                )  # fmt: skip
        raise Failed(arm.label)

    def _again(self, arm: Arm, best: Sequence[Config], done: list[Result]) -> list[Config]:
        """The best configurations with fresh seeds, the best mean first."""
        total = self.budget.top * self.budget.again
        if total == 0:
            return list(best)
        # Where fewer configurations are left they get more seeds: budgets stay equal.
        runs = [(i % len(best), i // len(best)) for i in range(total)]
        seeds = self._seeds("again", runs[-1][1] + 1)
        step = work.Step(
            tuple(_listed(best[i].mask) for i, _ in runs),
            tuple(seeds[j] for _, j in runs),
            arm.fresh,
        )
        anchors: dict[str, Params] = {f"{best[i].slot}-{j}": {LR: best[i].lr} for i, j in runs}
        results = self._study(arm, "again", step, self._rates(), anchors, len(runs))
        done += results
        values = {r.slot: _value(r) for r in results if r.state == "complete"}
        found = [
            Config(c.mask, c.lr, c.words, c.slot,
                   tuple(values.get(slot, math.nan) for slot, (k, _) in enumerate(runs) if k == i))
            for i, c in enumerate(best)
        ]  # fmt: skip
        return sorted(found, key=lambda c: (-c.mean, c.slot))

    def _final(self, arm: Arm, config: Config, name: str, done: list[Result]) -> tuple[Final, ...]:
        """The chosen configuration with the seeds that every arm uses at the end."""
        seeds = self._seeds("final", self.budget.final)
        step = work.Step((_listed(config.mask),), seeds, arm.fresh, keep=True)
        anchors: dict[str, Params] = {f"seed {i}": {LR: config.lr} for i in range(len(seeds))}
        results = self._study(arm, name, step, self._rates(), anchors, len(seeds))
        done += results
        out = []
        for result in sorted(results, key=lambda r: r.slot):
            arrays = work.kept(self._folder(arm, name), result.slot)
            if result.state == "complete" and arrays is not None:
                overall = float(result.notes.get("overall") or math.nan)
                out.append(Final(seeds[result.slot], _value(result), overall, arrays))
        return tuple(out)

    def _rates(self) -> Space:
        low, _, high = self.masks.rates
        return {LR: Real(low, high, log=True)}

    def _folder(self, arm: Arm, name: str) -> Path:
        return self.folder / f"{arm.slug}-{name}"

    def _study(
        self, arm: Arm, name: str, step: work.Step, space: Space, anchors: dict[str, Params],
        requested: int,
    ) -> list[Result]:  # fmt: skip
        """Do a study with whoever helps; its trials that were not lost, by slot."""
        folder = offers.prepared(self.folder, f"{arm.slug}-{name}", step.write)
        if self.pareto and arm.mask is None and name == "search":
            return self._curve(arm, folder, space, anchors, requested)
        study = Study(
            store=self.store,
            name=f"{self.name}/{arm.slug}/{name}",
            direction="maximize",
            anchors=anchors,
            space=space,
            requested=requested,
            seed=self.seed,
            prune=self.prune,
        )

        def tick(done: int, total: int, text: str) -> None:
            self.progress(arm.label, done if total == requested and text == "trials" else None)

        offers.run(study, work.TARGET, folder, root=self.root, device=self.device, tick=tick)
        self.progress.finished(requested)
        by_slot = {r.slot: r for r in study.results() if r.state in ("complete", "pruned")}
        return [by_slot[slot] for slot in sorted(by_slot)]

    def _curve(
        self, arm: Arm, folder: Path, space: Space, anchors: dict[str, Params], requested: int
    ) -> list[Result]:
        """The search with two objectives, in this process alone."""
        from mitigations.fairtune import pareto

        def tick(done: int, total: int, text: str) -> None:
            self.progress(arm.label)

        found = pareto.run(
            work.objective(folder, self.device, tick), space, anchors, requested=requested,
            seed=_seed(f"{self.seed}/curve"), tick=lambda done: self.progress(arm.label, done),
            seed_of=lambda slot: _seed(f"{self.seed}/curve/{slot}"),
        )  # fmt: skip
        self.progress.finished(requested)
        return found

    def front(self, found: Found) -> list[tuple[Config, tuple[Final, ...]]]:
        """Further configurations of the curve, trained with the final seeds."""
        from mitigations.fairtune import pareto

        chosen, out = found.chosen, []
        for config in pareto.front(found.trials):
            if (config.mask, config.lr) != (chosen.mask, chosen.lr):
                finals = self._final(found.arm, config, f"curve-{config.slot}", [])
                if finals:
                    out.append((config, finals))
        return out

    def _seeds(self, name: str, count: int) -> tuple[int, ...]:
        """Seeds that are the same for every arm, so that arms are compared in pairs."""
        return tuple(_seed(f"{self.seed}/{name}/{i}") for i in range(count))


def _seed(words: str) -> int:
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=4).digest(), "big") >> 1


def _listed(mask: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(mask))


def _value(result: Result) -> float:
    return math.nan if result.value is None else float(result.value)


def best_anchor(trials: Sequence[Result]) -> float:
    """Overall AUC of the best anchor; minus infinity where none ended well."""
    found = [
        float(r.notes["overall"])
        for r in trials
        if r.anchor is not None and r.state == "complete" and r.notes.get("overall") is not None
    ]
    return max(found, default=-math.inf)


def top(trials: Sequence[Result], floor: float, most: int) -> tuple[list[Config], bool]:
    """Different configurations with the best values, of those that keep the overall AUC.

    Returns
    -------
    configs
        At most `most`, the best first.
    relaxed
        Whether none kept it, and the best of all are given instead.
    """
    good = [r for r in trials if r.state == "complete" and math.isfinite(_value(r))]
    keeping = [r for r in good if (r.notes.get("overall") or -math.inf) >= floor]
    relaxed = not keeping and bool(good)
    out: dict[tuple[frozenset[str], str], Config] = {}
    for r in sorted(good if relaxed else keeping, key=lambda r: (-_value(r), r.slot)):
        mask, lr = frozenset(r.notes["mask"]), float(r.notes["lr"])
        out.setdefault((mask, f"{lr:.3g}"), Config(mask, lr, str(r.notes["words"]), r.slot))
    return list(out.values())[:most], relaxed
