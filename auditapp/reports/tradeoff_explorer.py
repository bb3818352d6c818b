"""Stored numbers a reader may try settings and thresholds with on the page."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.blocks import Explorer
from auditapp.reports.charts.frontier import MOST
from auditapp.reports.numbers import limit
from auditapp.reports.score_scale import Scale
from auditapp.reports.tradeoff_facts import Tradeoff, of_group, value
from auditapp.reports.tradeoff_figures import drawn
from auditapp.reports.tradeoff_words import SEEN

Row = dict[str, Any]

DIGITS = 6
MOST_GROUPS = 10
#: Settings that can be chosen; more would not be found again in a list.
MOST_SETTINGS = 150


def explorer(t: Tradeoff) -> Explorer | None:
    """Settings to compare with now, and thresholds to try where scores were kept."""
    settings = [s for s in t.settings if s.measured][:MOST_SETTINGS]
    sweep = _sweep(t)
    if not settings and sweep is None:
        return None
    groups = t.groups[:MOST_GROUPS]
    shown = {s.key for s in drawn(t)}
    title = "Try settings and thresholds" if sweep else "Compare settings with now"
    data: Row = {
        "id": "trade-off-explorer-data",
        "title": title,
        "seen": f"{SEEN}: what you find here may not hold on new rows. Test it there. The report "
        "itself does not change.",
        "rate": t.rate,
        "group": t.facts.titles.get(t.doc["protect"], "Group"),
        "x": "Largest gap, points (← lower is better)",
        "y": "Accuracy",
        "limit": t.tolerance,
        "limit_label": f"Your limit: {limit(t.tolerance)} points",
        "metrics": [{"slug": m, "title": metric_words.title(m)} for m in t.metrics],
        "groups": [phrases.short(g) for g in groups],
        "now": _entry(t, t.baseline, groups),
        "settings": [
            {
                "name": s.name, "method": s.title, "label": str(s.point["label"]),
                "look": min(s.look, MOST) + 1, "all": s.decides_all, "drawn": s.key in shown,
                "recommended": bool(s.point["recommended"]),
                **_entry(t, s.point, groups),
            }
            for s in settings
        ],
        "steps": [[_short(x), _short(y)] for x, y in t.steps],
        "sweep": sweep,
    }  # fmt: skip
    return Explorer("trade-off-explorer", title, data)


def _short(number: float | None) -> float | None:
    return None if number is None else round(float(number), DIGITS)


def _three(found: Row | None) -> list[float | None] | None:
    if found is None or found.get("value") is None:
        return None
    return [_short(found[key]) for key in ("value", "low", "high")]


def _entry(t: Tradeoff, point: Row, groups: list[str]) -> Row:
    everybody = of_group(point.get("changed"), None)
    moves = None
    if everybody is not None and everybody["n"]:
        moves = [_short(everybody[k] / everybody["n"]) for k in ("up", "down", "to_human")]
    return {
        "gap": _three(point["disparity"]),
        "accuracy": _three(point["accuracy"]),
        "person": _short(1.0 - (value(point, "coverage") or 1.0)),
        "rates": [[_three(of_group(point.get("rates"), g, m)) for g in groups] for m in t.metrics],
        "moves": moves,
    }


def _sweep(t: Tradeoff) -> Row | None:
    """Counts at each threshold; without recorded outcomes only who would be chosen."""
    found = t.doc.get("sweep")
    if not found or not set(t.metrics) <= {
        "selection-rate",
        "tpr",
        "fpr",
        "precision",
        "accuracy",
    }:
        return None
    by_name = {g["group"]: g for g in found["groups"]}
    groups = [by_name[g] for g in t.groups[:MOST_GROUPS] if g in by_name]
    if len(groups) < 2 or len(groups) < len(t.groups[:MOST_GROUPS]):
        return None
    scale = Scale.of(t.facts)
    steps = [float(v) for v in found["thresholds"]]
    threshold = float(found.get("now", t.facts.plan.get("threshold", 0.5)))
    now = min(range(len(steps)), key=lambda i: abs(steps[i] - threshold))
    exact = _exact(t, groups, now)
    texts = [scale.text(scale.back(v)).replace(",", "") for v in steps]
    if exact:
        texts[now] = scale.text(scale.threshold).replace(",", "")
    counts = [_counts(g) for g in groups]
    if not scale.favourable:
        texts, now = texts[::-1], len(texts) - 1 - now
        counts = [{k: v[::-1] if isinstance(v, list) else v for k, v in c.items()} for c in counts]
    return {
        "thresholds": texts,
        "now": now,
        "exact": exact,
        "chosen": "at or above" if scale.favourable else "below",
        "back": f"Back to {'the audited threshold' if exact else texts[now]}",
        "groups": counts,
    }


def _counts(group: Row) -> Row:
    out = {"n": group["n"], "selected": group["selected"]}
    right = group.get("true_positives")
    if right is None or group.get("positives") is None:
        return out | {"labelled": 0, "positives": 0, "right": None, "wrong": None}
    wrong = group.get("false_positives")
    if wrong is None:
        wrong = [s - r for s, r in zip(group["selected"], right, strict=True)]
    return out | {
        "labelled": group.get("labelled", group["n"]),
        "positives": group["positives"],
        "right": right,
        "wrong": wrong,
    }


def _exact(t: Tradeoff, groups: list[Row], now: int) -> bool:
    """Whether the stored threshold gives the audited decisions, so that moves can be counted."""
    for group in groups:
        found = of_group(t.baseline.get("rates"), group["group"], "selection-rate")
        if found is None:
            return False
        if t.facts.plan.get("weights"):
            if abs((found["value"] or 0.0) * group["n"] - group["selected"][now]) > 0.51:
                return False
        elif found["numerator"] != group["selected"][now]:
            return False
    return True
