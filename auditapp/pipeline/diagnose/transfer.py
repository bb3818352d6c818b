"""Models of one site used in another: accuracy, gaps, and thresholds moved along.

With a reference model one is trained at each site. An audited model, or a score of the table, is
one source. Thresholds that close the gap are set at home and moved abroad.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import split
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.decide import oriented
from auditapp.pipeline.diagnose import source_scan
from auditapp.pipeline.diagnose.addition_trial import excerpt
from auditapp.pipeline.diagnose.places import Places, places
from auditapp.pipeline.outcomes.binary import policy, threshold
from auditapp.pipeline.remedies import keys
from auditapp.predictors import reference
from metrics.estimates import Policy
from metrics.groups import Attribute
from metrics.source import source_scores
from metrics.transfer import moved
from mitigations.contract import Context, MethodError, Part, Problem
from mitigations.rules import Rule, decide
from mitigations.thresholds import Thresholds

Json = dict[str, Any]
Tick = Callable[[float, str], None]

#: Rows of each site that a classifier of two sites sees.
MOST_TOLD = 2_000
AUDITED = "audited"


def run(audited: Audited) -> Json | None:
    """Every source in every target; None where there is one place only, a reason where too few."""
    if audited.every_site is None or audited.plan.outcome != "binary":
        return None
    if audited.every_label is None:
        return {"reason": "no-label"}
    trained = audited.plan.model.kind == "train"
    if not trained and audited.score is None:
        return {"reason": "no-score"}
    found = places(audited)
    if len(found.sites) < 2:
        return {"reason": "one-site", "unlisted": found.unlisted}
    study = _Study(audited, found)
    with tempfile.TemporaryDirectory(dir=audited.job.get("out")) as folder:
        cells = list(study.cells(Path(folder), _span(audited.tick, 0.0, 0.7)))
    return {
        "reason": None,
        "trained": trained,
        "estimator": (audited.plan.model.estimator or "logistic") if trained else None,
        "attribute": study.attribute.name,
        "metrics": list(study.policy.primary),
        "sites": [{"site": s.name, "train": s.train.size, "tested": s.held.size}
                  for s in found.sites],
        "unlisted": found.unlisted,
        "most_rows": found.most,
        "thresholds": study.moves,
        "cells": cells,
        "told": _told(audited, found, _span(audited.tick, 0.7, 0.3)),
    }  # fmt: skip


def _span(tick: Tick, start: float, share: float) -> Tick:
    return lambda done, text: tick(start + share * done, text)


@dataclass(frozen=True)
class _Home:
    """A model with its scores of all kept rows, and the thresholds set where it is at home."""

    name: str
    score: NDArray[np.float64]
    decision: NDArray[np.int8]
    rule: Rule | None


class _Study:
    """Rows of all places side by side, and what is measured of every source in them."""

    def __init__(self, audited: Audited, found: Places) -> None:
        self.audited, self.found = audited, found
        plan = audited.plan
        names = [attribute.column for attribute in plan.attributes]
        place = 0 if plan.protect is None else names.index(plan.protect)
        whole = audited.everyone[place]
        self.rows = found.rows
        codes = whole.codes[self.rows]
        n = np.bincount(codes[codes >= 0], minlength=len(whole.levels))
        first = int(np.argmax(n)) if whole.reference is None else whole.reference
        self.attribute = Attribute(whole.name, whole.levels, codes, first, whole.title)
        assert audited.every_label is not None
        self.label = audited.every_label[self.rows]
        self.policy: Policy = replace(policy(plan), intersections=1, draws=0)
        self.moves = True
        self.weights = found.weights(audited)

    def cells(self, folder: Path, tick: Tick) -> Iterator[Json]:
        """Each source in each target."""
        total = len(self.found.sites) ** 2
        done = 0
        for home in self._homes(folder, tick):
            for target in self.found.sites:
                tick(done / total, f"{home.name} in {target.name}")
                done += 1
                held = np.searchsorted(self.rows, target.held)
                yield {
                    "source": home.name,
                    "target": target.name,
                    **self._measured(held, home.decision[held]),
                    "moved": self._moved(home, held),
                }

    def _homes(self, folder: Path, tick: Tick) -> Iterator[_Home]:
        audited = self.audited
        if audited.plan.model.kind != "train":
            score = np.full(audited.table.n_rows, np.nan)
            score[audited.used] = audited.score
            decision = np.full(audited.table.n_rows, -1, dtype=np.int8)
            decision[audited.used] = np.where(audited.decision > 1, -1, audited.decision)
            for site in self.found.sites:
                home = _Home(site.name, score[self.rows], decision[self.rows], None)
                yield replace(home, rule=self._rule(home, site.valid))
            return
        table = excerpt(audited.table, self.rows, folder)
        for i, site in enumerate(self.found.sites):
            tick(i / len(self.found.sites), f"training in {site.name}")
            mask = np.zeros(self.rows.size, dtype=bool)
            mask[np.searchsorted(self.rows, site.train)] = True
            raw, _ = reference.fit(
                table, list(audited.plan.features or ()), self.label, mask,
                estimator=audited.plan.model.estimator or "logistic", seed=audited.plan.seed,
            )  # fmt: skip
            score, decision = oriented(raw, audited.plan)
            home = _Home(site.name, score, decision, None)
            yield replace(home, rule=self._rule(home, site.valid))

    def _rule(self, home: _Home, valid: NDArray[np.intp]) -> Rule | None:
        """Thresholds of each group that leave no gap among the rows kept for it at home."""
        part = self._part(home, np.searchsorted(self.rows, valid), label=True)
        problem = Problem(
            train=part,
            valid=part,
            columns=(),
            group_names=self.attribute.levels,
            group_floor=self.policy.floor,
            threshold=threshold(self.audited.plan),
            goal=self.audited.plan.goal,
        )
        context = Context(seed=self.audited.plan.seed)
        try:
            method = Thresholds(limits=(0.0,), deterministic=False)
            return method.fit(problem, context).points[0].rules[0]
        except MethodError:
            return None

    def _part(self, home: _Home, at: NDArray[np.intp], *, label: bool = False) -> Part:
        return Part(
            x=np.zeros((at.size, 0), np.float32),
            group=self.attribute.codes[at].astype(np.int32),
            row_key=self.keys[at],
            y=self.label[at] if label else None,
            score=home.score[at],
            decision=home.decision[at],
        )

    @property
    def keys(self) -> NDArray[np.uint64]:
        """What a rule draws by; the groups alone would draw alike for many people."""
        if not hasattr(self, "_keys"):
            plan = self.audited.plan
            names = [*(plan.features or ()), *(a.column for a in plan.attributes)]
            whole = keys.of(self.audited.table, names)[self.rows]
            # People who are alike in every column are still drawn one by one.
            self._keys = whole ^ (self.rows.astype(np.uint64) << np.uint64(20))
        return self._keys

    def _moved(self, home: _Home, held: NDArray[np.intp]) -> Json | None:
        if home.rule is None:
            return None
        decision = decide(home.rule, self._part(home, held))
        return self._measured(held, np.where(decision > 1, -1, decision).astype(np.int8))

    def _measured(self, held: NDArray[np.intp], decision: NDArray[np.int8]) -> Json:
        whole = self.attribute
        part = Attribute(whole.name, whole.levels, whole.codes[held], whole.reference, whole.title)
        label = self.label[held]
        design = None
        if self.weights is not None:
            design = self.weights.of(part, label, decision, held)
        return moved(part, label=label, decision=decision, policy=self.policy, design=design)


def _told(audited: Audited, found: Places, tick: Tick) -> list[Json]:
    """How well every two sites are told apart by the columns a model sees."""
    from threadpoolctl import threadpool_limits

    names, _ = source_scan.columns(audited)
    features = source_scan.read(audited, names) if names else []
    if not features:
        return []
    site = audited.every_site
    assert site is not None
    out: list[Json] = []
    pairs = [(a, b) for i, a in enumerate(found.sites) for b in found.sites[i + 1 :]]
    for done, (a, b) in enumerate(pairs):
        tick(done / len(pairs), f"telling {a.name} from {b.name}")
        source = np.where(site.codes == a.code, 0, np.where(site.codes == b.code, 1, -1))
        if audited.part is not None:
            source[audited.part == split.SOURCE] = -1
        with threadpool_limits(limits=1):
            told = source_scores(
                features, source.astype(np.int8), seed=audited.plan.seed,
                name=f"transfer/{a.name}/{b.name}", most=MOST_TOLD,
            )  # fmt: skip
        out.append({"sites": [a.name, b.name], **told["x"]})
    return out
