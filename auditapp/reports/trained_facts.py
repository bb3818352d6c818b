"""What remedies that train networks store beside their settings, read from their tables."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.tradeoff_facts import Setting, Tradeoff

Row = dict[str, Any]

#: Other names that a column of a table may have.
NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "share": ("share_of_rows", "share_of_people", "rows", "people"),
        "weight": ("share_of_weight",),
        "gap": ("estimated_gap", "est_gap", "difference"),
        "n_other": ("n_rest", "n_comparator", "others"),
        "other": ("comparator", "against", "rest"),
        "worst": ("worst_gap", "worst_seed", "worst_auc"),
        "null_p95": ("null_95", "p95", "null_95_percent", "null_q95"),
        "null_mean": ("mean_null",),
        "auc": ("auc_for_group", "auc_for_the_group", "value_auc"),
        "why": ("why_not", "reason"),
        "mean": ("valid_mean", "mean_valid"),
        "value": ("valid_objective", "objective_value", "valid"),
        "mask": ("mask_words", "tuned", "what_trains"),
        "low": ("lower",),
        "high": ("upper",),
        "diff": ("gain", "effect_size"),
        "baseline": ("best_baseline",),
        "evidence": ("shown",),
        "configuration": ("config", "setting"),
    }
)
_CANONICAL = {other: name for name, others in NAMES.items() for other in others}


def _slug(text: Any) -> str:
    return re.sub(r"[^a-z0-9]+", "_", str(text).lower()).strip("_")


def rows_of(method: Row, name: str) -> list[Row]:
    """Rows of a stored table by the names of their columns; empty where there is none.

    A name that is given beats one that merely stands for it.
    """
    table = (method.get("tables") or {}).get(name) or {}
    given = [_slug(column) for column in table.get("columns") or ()]
    named = [
        _CANONICAL[column] if column in _CANONICAL and _CANONICAL[column] not in given else column
        for column in given
    ]
    return [dict(zip(named, row, strict=False)) for row in table.get("rows") or ()]


def caption(method: Row, name: str) -> str:
    """What a table says of itself."""
    found = (method.get("tables") or {}).get(name) or {}
    return str(found.get("caption") or "").strip()


def number(row: Row, key: str) -> float | None:
    """A finite number of a row."""
    found = row.get(key)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return float(found) if math.isfinite(found) else None


def words(row: Row, key: str) -> str:
    """A text of a row, cut where it is very long."""
    found = row.get(key)
    return "" if found is None else phrases.short(str(found))


@dataclass(frozen=True)
class Training:
    """On what a method trained, how often and for how long."""

    device: str
    precision: str
    trainings: int | None
    seconds: float | None
    agree: float | None


def training(method: Row) -> Training | None:
    """The line on device and precision; None where the method trained no network."""
    row = next(iter(rows_of(method, "training")), {})
    where: Row = method.get("compute") or {}
    if not row and not where:
        return None
    many, agree = number(row, "trainings"), number(row, "tolerance")
    return Training(
        device=words(where, "device") or words(row, "device") or "CPU",
        precision=words(where, "precision") or words(row, "precision") or "float32",
        trainings=None if many is None else int(many),
        seconds=number(row, "seconds"),
        agree=agree if agree is not None else number(where, "agreement"),
    )


def is_trained(method: Row) -> bool:
    """Whether a method has something to show that only training methods have."""
    tables = method.get("tables") or {}
    return bool({"training", "weight-went", "local-null", "trials", "arms"} & set(tables))


def form(setting: Setting) -> str:
    """The form of a method that a setting belongs to, in words; empty where it has no forms."""
    found = (setting.point.get("settings") or {}).get("form")
    return "" if not found else FORMS.get(str(found), phrases.short(str(found)))


#: Forms of local fairness by their slugs, as short as a picture needs them.
FORMS: Mapping[str, str] = MappingProxyType(
    {
        "plain": "No penalty",
        "explicit": "Explicit ROAD",
        "newton": "Adversary",
        "kernel": "Kernel penalty",
        "klp": "Kernel penalty",
        "bins": "Declared parts",
        "tree": "Parts found by a tree",
        "conditional": "Adversary that sees parts",
        "groupdro": "GroupDRO",
        "group-dro": "GroupDRO",
        "dfr": "Last layer, balanced",
        "road": "ROAD as published",
        "published-road": "ROAD as published",
        "broad": "BROAD as published",
        "published-broad": "BROAD as published",
    }
)


def forms_of(settings: Sequence[Setting]) -> list[str]:
    """Forms among settings of one method, in their order; empty where there is one at most."""
    found = list(dict.fromkeys(name for name in map(form, settings) if name))
    return found if len(found) > 1 else []


def selected_checkpoint(point: Row) -> bool:
    """Whether the numbers are those of one training picked out of several."""
    return (point.get("settings") or {}).get("checkpoint") == "selected"


def levels_down(method: Row) -> bool:
    """Whether the gap shrinks because every group is told apart worse than before.

    Read from the AUC of every group beside that of the baseline.
    """
    rows = [r for r in rows_of(method, "groups") if number(r, "auc") is not None]
    known = [r for r in rows if number(r, "auc_before") is not None]
    if len(known) < 2:
        return any(r.get("levelling_down") is True for r in rows)
    after = [number(r, "auc") or 0.0 for r in known]
    before = [number(r, "auc_before") or 0.0 for r in known]
    smaller = max(after) - min(after) < max(before) - min(before)
    return smaller and all(a < b for a, b in zip(after, before, strict=True))


def with_seeds(t: Tradeoff, method: Row) -> list[Setting]:
    """Settings of a method that were trained more than once."""
    return [
        s
        for s in t.settings
        if s.key[0] == method["slug"] and (s.point.get("seeds") or {}).get("n", 0) > 1
    ]
