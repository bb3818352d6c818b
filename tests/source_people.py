"""People at sites with a planted split of the gap, and their part of a result document."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets.table import Table
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.diagnose import bounds, pid
from auditapp.plan import AttributeSpec, Data, Model, Outcome, Plan
from metrics.audit import Attribute
from tests.documents import sound
from tests.report_documents import cached

Codes = NDArray[Any]


def planted(kind: str, n: int = 6000, sites: int = 4, seed: int = 0) -> dict[str, Codes]:
    """Group, site, label and decision: ``unique``, ``redundant``, ``masked`` or ``none``."""
    rng = np.random.default_rng(seed)
    group, site = rng.integers(0, 2, n), rng.integers(0, sites, n)
    if kind == "redundant":
        group = (rng.random(n) < np.where(site % 2 == 1, 0.8, 0.2)).astype(int)
    chance = {
        "unique": 0.7 - 0.3 * group,
        "redundant": 0.7 - 0.3 * (site % 2),
        "masked": 0.5 + 0.25 * np.where(site % 2 == 1, 1, -1) * np.where(group == 1, 1, -1),
        "none": np.full(n, 0.5),
    }[kind]
    decision = (rng.random(n) < chance).astype(np.int8)
    label = np.where(rng.random(n) < 0.8, decision, 1 - decision).astype(np.int8)
    return {"group": group.astype(np.int8), "site": site, "label": label, "decision": decision}


def audited(people: dict[str, Any], **changes: Any) -> Audited:
    """The measured rows of an audit; `people` may lack a site, a label or rows."""
    group, decision = people["group"], people["decision"]
    n = decision.size
    attribute = _column("SEX", group, "group")
    site = None if people.get("site") is None else _column("ST", people["site"], "site")
    label = people.get("label")
    plan = Plan(
        **{
            "data": Data("people.csv", "ab" * 32, 1, n),
            "model": Model("columns"),
            "attributes": (AttributeSpec("SEX", "Sex"),),
            "label": None if label is None else Outcome("Y", ("1",)),
            "decision": Outcome("D", ("1",)),
            "site": None if site is None else AttributeSpec("ST", "Site"),
            "draws": 100,
            **changes,
        }
    )
    return Audited(
        plan=plan, table=Table.__new__(Table), used=np.ones(n, dtype=bool),
        attributes=[attribute], label=label, decision=decision, score=None, site=site,
        control=None, everyone=[attribute], every_site=site, every_label=label, part=None,
        job={}, tick=lambda *_: None,
    )  # fmt: skip


def _column(name: str, codes: NDArray[Any], word: str) -> Attribute:
    most = int(codes.max(initial=0))
    return Attribute(
        name, tuple(f"{word} {j}" for j in range(most + 1)), codes.astype(np.int32), None
    )


@lru_cache(maxsize=8)
def _parts_of(kind: str) -> str:
    return json.dumps(document(planted(kind)))


def planted_document(kind: str) -> dict[str, Any]:
    """The document of a planted split, computed once; every caller gets a fresh copy."""
    made: dict[str, Any] = json.loads(_parts_of(kind))
    return made


def document(people: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A result document whose split and bounds are those of these people."""
    made = audited(people, **changes)
    out = cached(n=4000)
    site = None if made.site is None else {"column": "ST", "title": "Hospital"}
    out["plan"]["goal"] = made.plan.goal
    out["plan"]["site"] = site
    return {**out, **sound({"pid": pid.run(made), "bounds": bounds.run(made)})}
