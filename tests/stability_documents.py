"""Result documents with sites, sources, added sources and an earlier audit, all simulated."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from auditapp.pipeline.diagnose.change import history
from metrics import change, sites
from metrics.audit import Attribute
from metrics.drift import drift_section
from metrics.shift import shift_section
from tests.report_documents import cached

SEXES = ("Men", "Women")


def people(
    n: int, places: int, *, odd: float = 0.0, seed: int = 0
) -> tuple[Attribute, Attribute, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Sex, site, label and decision; women of site 1 are chosen `odd` more rarely."""
    rng = np.random.default_rng(seed)
    sex, site = rng.integers(0, 2, n), rng.integers(0, places, n)
    label = (rng.random(n) < 0.4).astype(np.int8)
    p = 0.45 - 0.08 * sex - odd * (sex == 1) * (site == 1)
    decision = (rng.random(n) < p).astype(np.int8)
    words = tuple(f"Site {s:03d}" for s in range(places))
    return Attribute("SEX", SEXES, sex, 0), Attribute("site", words, site), label, decision


def shift(n: int = 12_000, places: int = 9, *, odd: float = 0.2, few: int = 0) -> dict[str, Any]:
    """The key `shift`; `few` further sites have 0 or 1 row of a group."""
    sex, site, label, decision = people(n, places, odd=odd)
    if few:
        codes = site.codes.copy()
        codes[: 2 * few] = places + np.arange(2 * few) // 2
        small = tuple(f"Small {s:03d}" for s in range(few))
        site = Attribute("site", (*site.levels, *small), codes)
    return {
        "diagnosis": shift_section(
            [sex], label, decision=decision, classes=("not favourable", "favourable"), draws=100
        ),
        "sites": sites.site_section([sex], site, label=label, decision=decision),
        "sources": _sources(places),
        "addition": None,
        "reasons": {"addition": "no-target"},
    }


def _sources(places: int) -> dict[str, Any]:
    def auc(value: float) -> dict[str, Any]:
        limits = {"low": value - 0.02, "high": value + 0.02}
        return {"value": value, **limits, "p": 0.2, "undefined": None}

    nothing = dict.fromkeys(("value", "low", "high", "p")) | {"undefined": "too-few"}
    size = {"used": {"target": 2500, "candidate": 2500}, "rows": {"target": 9, "candidate": 9}}
    head = {"kind": "fitted", "source": None, "against": None}
    scores = [head | size | {"x": auc(0.5), "xy": auc(0.51)}]
    for s in range(min(places, 20)):
        head = {"kind": "site", "source": f"Site {s:03d}", "against": None}
        scores.append(head | size | {"x": auc(0.5 + s / 100), "xy": auc(0.5 + s / 90)})
    scores[-1] |= {"x": nothing, "xy": nothing}
    return {"features": ["age", "hours"], "left_out": 0, "unlisted": 0, "scores": scores}


def changed(
    move: float = 0.15, runs: int = 2, *, same_rows: bool = False, n: int = 6000
) -> dict[str, Any]:
    """The key `change` after some audits; the gap moves by `move` at the second of them."""
    document: dict[str, Any] = {}
    for run in range(1, runs):
        sides = []
        for at in (run - 1, run):
            sex, _, label, decision = people(n, 3, seed=at)
            lost = (sex.codes == 1) & (np.random.default_rng(at).random(n) < 2 * move * (at > 0))
            decision = np.where(lost, 0, decision)
            sides.append(change.tables([("SEX", 2, sex.codes)], label, decision))
        levels = {"SEX": SEXES}
        made = change.change_section(
            sides[0],
            sides[1],
            levels,
            {"SEX": 0},
            metrics=("selection-rate",),
            same_rows=same_rows,
        )
        past: dict[str, Any] = {
            "run": {"id": f"EH-{run}", "date": f"20{20 + run}-05-01T00:00:00Z"},
            "rows": {"used": n},
            "plan": {"about": {}},
            "inputs": {"data": {"sha256": "ab" * 32}},
            "change": document.get("change"),
        }
        document["change"] = {
            "undefined": None, "previous": _facts(past), "left_out": [], "same_rows": same_rows,
            "also": ["threshold"], "drift_undefined": "same-rows" if same_rows else None,
            "drift": None if same_rows else drift_section(sides[0], sides[1], {"SEX": SEXES}),
            **made, "history": history(past, made["gaps"]),
        }  # fmt: skip
    found: dict[str, Any] = document["change"]
    return found


def _facts(past: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": past["run"]["id"], "date": past["run"]["date"], "hash": "cd" * 32,
        "rows": past["rows"]["used"], "period": "", "data": "ab" * 32,
    }  # fmt: skip


def document(**parts: Any) -> dict[str, Any]:
    """A whole result document with these parts."""
    made = cached(n=3000) | parts
    whole: dict[str, Any] = json.loads(json.dumps(made, allow_nan=False))
    return whole
