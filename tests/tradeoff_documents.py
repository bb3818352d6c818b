"""Result documents with remedies that were made up and measured on simulated people.

The rules here only imitate remedies; what they do is measured by `metrics.tradeoffs`, so that
counts, intervals and changes of a document agree with one another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from auditapp.result import plain
from metrics import rate_bounds, tradeoffs
from metrics.choice import recommend, undominated
from metrics.no_harm import joint_cells, no_harm
from tests.report_documents import RACES, SHARES, SHIFTS, cached

GROUPS = RACES[:5]
TOLERANCE = 0.05
Codes = np.ndarray[Any, Any]


class People:
    """Group, recorded outcome and score of so many simulated people."""

    def __init__(self, n: int, groups: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shares = np.array(SHARES[:groups]) / sum(SHARES[:groups])
        self.group = rng.choice(groups, size=n, p=shares)
        shift = np.array(SHIFTS[:groups])[self.group]
        merit = rng.normal(size=n) - 0.35
        noise = rng.normal(scale=0.8, size=n)
        self.label = (merit + 0.5 * shift + noise > 0).astype(np.int8)
        self.score = 1 / (1 + np.exp(-1.7 * (merit + 0.75 * shift)))
        self.luck = rng.random(n)
        self.now = (self.score >= 0.5).astype(np.int8)


def decided(people: People, cuts: Codes, *, share: float = 1.0, human: float = 0.0) -> Codes:
    """Thresholds by group for a share of people, the nearest to them sent to a person."""
    after = np.where(people.luck < share, people.score >= cuts[people.group], people.now)
    away = np.abs(people.score - cuts[people.group])
    if human:
        far = np.array([np.quantile(away[people.group == g], human) for g in range(len(cuts))])
        after = np.where(away < far[people.group], 2, after)
    return after.astype(np.int8)


def cuts_for(people: People, strength: float) -> Codes:
    """Thresholds that bring every group's rate so far towards that of everybody."""
    overall = people.now.mean()
    out = []
    for g in range(int(people.group.max()) + 1):
        own = people.group == g
        rate = (1 - strength) * people.now[own].mean() + strength * overall
        out.append(np.quantile(people.score[own], 1 - rate))
    return np.array(out)


class Measured:
    """Points of one document, chosen on the first people and measured on the second."""

    def __init__(self, n: int, groups: int, goal: str, settings: int, seed: int) -> None:
        self.valid, self.audit = (People(n, groups, seed + i) for i in range(2))
        self.words = GROUPS[:groups]
        self.policy = tradeoffs.Settings(goal=goal, draws=200, settings=settings)

    def point(self, name: str, label: str, rule: Any, **more: Any) -> dict[str, Any]:
        chosen = self._numbers(self.valid, rule(self.valid), name)
        people, after = self.audit, rule(self.audit)
        table = tradeoffs.joint(people.group, people.label, people.now, after, len(self.words))
        rates = (*self.policy.metrics, "accuracy", "abstention-rate")
        out = {
            "id": name, "label": label, "settings": {}, "status": "ok", "chosen_on": "valid",
            "uses_group": True, "randomised": False,
            "valid": {k: chosen[k]["value"] for k in ("disparity", "accuracy", "coverage")},
            **tradeoffs.totals(table, self.policy, name=name),
            "value_expected": None,
            "rates": self._named(tradeoffs.group_rates(table, tuple(dict.fromkeys(rates)))),
            "gaps": self._named(tradeoffs.group_gaps(table, 0, self.policy)),
            "paired": self._named(tradeoffs.paired(table)),
            "changed": self._named(tradeoffs.changed(table)),
            "no_harm": None, "seeds": None, "pareto": False, "recommended": False,
            "rule": {"id": name, "file": f"rules/{name}.json", "onnx": None},
        }  # fmt: skip
        if (after == 2).any():
            out["no_harm"] = self._harm(people, after)
        return {**out, **more}

    def _harm(self, people: People, after: Codes) -> dict[str, Any]:
        found = no_harm(
            joint_cells(people.group, people.label, people.now, after, len(self.words))
        )
        for word, row in zip(self.words, found["groups"], strict=True):
            row["group"] = word
        return plain(found)  # type: ignore[no-any-return]

    def _numbers(self, people: People, after: Codes, name: str) -> dict[str, Any]:
        table = tradeoffs.joint(people.group, people.label, people.now, after, len(self.words))
        return tradeoffs.totals(table, self.policy, name=f"valid/{name}")

    def _named(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**r, "group": None if r["group"] is None else self.words[r["group"]]} for r in rows
        ]

    def bound(self) -> list[dict[str, Any]]:
        counts = np.zeros((len(self.words), 2, 2))
        np.add.at(counts, (self.audit.group, self.audit.label, self.audit.now), 1)
        gaps = [0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4]
        out = []
        for rule in ("free", "group"):
            found = rate_bounds.windows(counts, self.policy.goal, rule=rule)
            if found is not None:
                curve = rate_bounds.frontier(found, gaps)
                out.append({"rule": rule, "points": [list(p) for p in curve]})
        return out

    def sweep(self) -> dict[str, Any]:
        steps = [i / 100 for i in range(101)]
        groups = []
        for g, word in enumerate(self.words):
            own = self.audit.group == g
            above = self.audit.score[own][None, :] >= np.array(steps)[:, None]
            label = self.audit.label[own].astype(bool)
            groups.append(
                {
                    "group": word, "n": int(own.sum()), "labelled": int(own.sum()),
                    "positives": int(label.sum()),
                    "selected": above.sum(axis=1).tolist(),
                    "true_positives": above[:, label].sum(axis=1).tolist(),
                    "false_positives": above[:, ~label].sum(axis=1).tolist(),
                }
            )  # fmt: skip
        return {"thresholds": steps, "now": 0.5, "groups": groups}


STRENGTHS = {15: 0.5, 10: 0.68, 4: 0.88, 2: 0.95, 0: 1.0}


def _methods(made: Measured) -> list[dict[str, Any]]:
    base = cuts_for(made.valid, 0.0)

    def thresholds(strength: float, **more: float) -> Any:
        cuts = cuts_for(made.valid, strength)
        return lambda people: decided(people, cuts, **more)

    def noisy(strength: float, noise: float) -> Any:
        cuts = cuts_for(made.valid, strength)
        return lambda p: ((p.score + noise * (p.luck - 0.5)) >= cuts[p.group]).astype(np.int8)

    def by_group(strengths: dict[int, float]) -> list[dict[str, Any]]:
        label = "Gap of at most {} points"
        return [made.point(f"r-{k}", label.format(k), thresholds(v)) for k, v in strengths.items()]

    gradient = [
        made.point(
            f"eps-{k}", f"Gap of at most {k} points", noisy(s, 0.12), randomised=True,
            uses_group=False, status="relaxed" if k == 1 else "ok",
        )
        for k, s in ((10, 0.6), (5, 0.8), (1, 0.9))
    ]  # fmt: skip
    human = [
        made.point(
            f"human-{k}", f"Up to {k}% to a person",
            thresholds(0.35 + k / 60, human=k / 100),
            status="relaxed" if k < 4 else "ok",
        )
        for k in (2, 5, 10, 15, 20)
    ]  # fmt: skip
    return [
        _method("thresholds", "Thresholds by group", by_group(STRENGTHS)),
        _method(
            "exponentiated-gradient", "Exponentiated gradient", gradient, kind="retrain",
            uses_group_at_decision=False,
            notes=["The limit of 1 point was not reached; the nearest was 5 points."],
        ),
        _method(
            "reweighing", "Reweighing",
            [made.point("full", "Full strength", noisy(0.5, 0.1), uses_group=False)],
            kind="retrain", uses_group_at_decision=False,
        ),
        _method(
            "correlation-remover", "Correlation remover",
            [made.point("a-0", "Strength 0", lambda p: decided(p, base, share=0.02)),
             made.point("a-1", "Strength 1", noisy(0.12, 0.02))],
            kind="retrain",
        ),
        _method("abstention", "Abstention by score bins", human, kind="abstain"),
        _method(
            "counterfactual", "Counterfactual distributions",
            [made.point("repair", "Repair to the limit", noisy(0.82, 0.08), randomised=True)],
            kind="transport", tables={"profile": profile()},
        ),
        _method(
            "penalty", "Penalised regression", [], status="error",
            error={
                "code": "too-few-labels",
                "message": "Only 12 rows of the training part have the favourable outcome.",
                "hint": "Give a larger training share, or leave this remedy out.",
            },
        ),
    ]  # fmt: skip


def _method(slug: str, title: str, points: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "slug": slug, "title": title, "text": "What it does.", "source": "Source, section 1",
        "kind": "postprocess", "uses_group_at_decision": True, "settings": {}, "status": "ok",
        "error": None, "notes": [], "tables": {}, "points": points, **more,
    }  # fmt: skip


def profile() -> dict[str, Any]:
    """The move profile of a repair: shares now, wanted, and of the reference."""
    rows = [
        ["Education", "Bachelor's degree", 0.142, 0.231, 0.262],
        ["Education", "High school", 0.351, 0.268, 0.225],
        ["Occupation", "Management", 0.081, 0.139, 0.171],
        ["Occupation", "Service", 0.244, 0.183, 0.122],
        ["Hours a week", "40 and more", 0.642, 0.688, 0.734],
        ["Class of worker", "Self-employed", 0.052, 0.071, 0.102],
        ["Marital status", "Never married", 0.482, 0.447, 0.331],
        ["Class of worker", "Federal government", 0.041, 0.039, 0.023],
    ]
    return {
        "columns": ["column", "level", "now", "target", "reference"],
        "rows": rows,
        "caption": "Black or African American people, weights fitted on the training rows.",
        "split": "train",
    }


def _choose(made: Measured, base: dict[str, Any], methods: list[dict[str, Any]]) -> Any:
    """Marks and recommendations, as the pipeline makes them, from the validation rows."""
    pairs = [(m, p) for m in methods for p in m["points"]]
    full = [(m, p) for m, p in pairs if p["valid"]["coverage"] > 1 - 1e-12]
    marked = [base, *(p for _, p in full)]
    marks = undominated([(p["valid"]["disparity"], p["valid"]["accuracy"]) for p in marked])
    for point, mark in zip(marked, marks, strict=True):
        point["pareto"] = mark

    def best(found: list[Any], coverage: float) -> Any:
        numbers = [
            (p["valid"]["disparity"], p["valid"]["accuracy"], p["valid"]["coverage"])
            for _, p in found
        ]
        index, kept = recommend(numbers, TOLERANCE, least_coverage=coverage)
        if index is None:
            return None
        return {"method": found[index][0]["slug"], "point": found[index][1]["id"], "kept": kept}

    chosen = None
    reason: str | None = "baseline-keeps-limit"
    if base["valid"]["disparity"] > TOLERANCE:
        chosen = best(full, 1.0)
        reason = None if chosen else "no-setting"
    for m, p in full:
        p["recommended"] = bool(
            chosen and chosen["method"] == m["slug"] and chosen["point"] == p["id"]
        )
    human = best([pair for pair in pairs if pair[1]["no_harm"]], 0.0)
    return chosen, reason, human


def _yardstick(methods: list[dict[str, Any]]) -> list[list[float]] | None:
    """Measured points of the thresholds, each better than those with a smaller gap."""
    own = [m for m in methods if m["slug"] == "thresholds"]
    out: list[list[float]] = []
    for gap, right in sorted(
        (p["disparity"]["value"], p["accuracy"]["value"]) for m in own for p in m["points"]
    ):
        if not out or right > out[-1][1]:
            out.append([gap, right])
    return out or None


def document(
    n: int = 20_000,
    *,
    groups: int = 5,
    goal: str = "selection-rate",
    keep: tuple[str, ...] | None = None,
    seed: int = 3,
    more: tuple[Callable[[Measured], dict[str, Any]], ...] = (),
) -> dict[str, Any]:
    """The document of an audit by race with made-up remedies.

    `keep` names the methods of this file, `more` makes those of another.
    """
    made = Measured(n, groups, goal, 18, seed)
    methods = [m for m in _methods(made) if keep is None or m["slug"] in keep]
    methods += [make(made) for make in more]
    base = made.point("now", "Now", lambda p: p.now)
    for key in ("id", "label", "settings", "rule", "recommended"):
        del base[key]
    chosen, reason, human = _choose(made, base, methods)
    doc = cached(n=4000, races=list(GROUPS[:groups]), goal=goal)
    doc["plan"]["protect"] = "RAC1P"
    doc["methods"] = methods
    doc["tradeoff"] = {
        "protect": "RAC1P", "groups": list(made.words), "compared": list(made.words),
        "reference": made.words[0], "goal": goal, "metrics": list(made.policy.metrics),
        "tolerance": TOLERANCE,
        "rows": {"train": int(n * 5 / 3), "valid": n, "audit": n, "unused": 0},
        "baseline": base, "bound": made.bound(),
        "yardstick": _yardstick(methods),
        "recommended": chosen, "reason": reason, "human": human, "sweep": made.sweep(),
    }  # fmt: skip
    return doc


@lru_cache(maxsize=8)
def _cached(key: str) -> str:
    return json.dumps(document(**json.loads(key)))


def sample(**options: Any) -> dict[str, Any]:
    """As `document`, made once for the same options; every caller gets a fresh copy."""
    found: dict[str, Any] = json.loads(_cached(json.dumps(options, sort_keys=True)))
    return found
