"""Settings that were tried, as alternatives with less effect: approval ratios and what they cost.

Everything is read from the remedies of the same result document, on rows they never saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from auditapp.pipeline.annexes import named
from metrics import adverse_impact, lending

Json = dict[str, Any]

RATE = "selection-rate"


def found(
    document: Mapping[str, Any], controls: Sequence[str], bands: tuple[Fraction, Fraction]
) -> Json | None:
    """Every setting with its approval ratios, accuracy and changed decisions.

    Parameters
    ----------
    document
        Sections measured so far; ``tradeoff`` and ``methods`` are read.
    controls
        Names of control classes; the reference of the remedies where none is among the groups.
    bands
        Marks that part the bands.

    Returns
    -------
    dict or None
        ``protect``, ``control``, ``compared``, ``now`` and ``settings[]``; None where nothing
        was tried.
    """
    tradeoff = document.get("tradeoff")
    if not tradeoff or tradeoff.get("failed"):
        return None
    groups = [str(group) for group in tradeoff["compared"]]
    places = (named.place(groups, name) for name in controls)
    chosen = next((groups[place] for place in places if place is not None), None)
    control = chosen if chosen is not None else tradeoff["reference"]
    if control not in groups:
        return None
    classes = [group for group in groups if group != control]
    settings = [
        {
            "method": method["slug"],
            "point": point["id"],
            "heading": method["title"],
            "label": point["label"],
            "many": len(method["points"]),
            "recommended": bool(point.get("recommended")),
            **_measured(point, control, classes, bands),
        }
        for method in document.get("methods") or []
        for point in method["points"]
    ]
    return {
        "protect": tradeoff["protect"],
        "control": control,
        "control_choice": "chosen" if chosen is not None else "reference",
        "compared": classes,
        "now": _measured(tradeoff["baseline"], control, classes, bands),
        "settings": settings,
    }


def _measured(
    point: Mapping[str, Any],
    control: str,
    classes: Sequence[str],
    bands: tuple[Fraction, Fraction],
) -> Json:
    rates = {row["group"]: row for row in point["rates"] if row["metric"] == RATE}
    ratios = [{"group": group} | _ratio(rates, group, control, bands) for group in classes]
    known = [row for row in ratios if row["value"] is not None]
    lowest = min(known, key=lambda row: float(row["value"]), default=None)
    whole = _everybody(point.get("paired"))
    changed = _everybody(point.get("changed"))
    return {
        "ratios": ratios,
        "lowest": None if lowest is None else lowest["group"],
        "accuracy": point["accuracy"],
        "coverage": point["coverage"],
        "accuracy_change": None
        if whole is None
        else {key: whole[key] for key in ("diff", "low", "high")},
        "changed": None
        if changed is None
        else {key: changed[key] for key in ("n", "up", "down", "to_human")},
    }


def _everybody(rows: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any] | None:
    return next((row for row in rows or () if row["group"] is None), None)


def _ratio(
    rates: Mapping[str, Mapping[str, Any]],
    group: str,
    control: str,
    bands: tuple[Fraction, Fraction],
) -> Json:
    here, there = rates.get(group), rates.get(control)
    empty: Json = dict.fromkeys(("numerator", "denominator", "value", "printed", "low", "high"))
    if here is None or there is None or not here["denominator"] or not there["denominator"]:
        return empty | {"band": None, "reason": "empty-denominator"}
    if not there["numerator"]:
        return empty | {"band": None, "reason": "nobody-approved"}
    counts = (
        int(here["numerator"]),
        int(here["denominator"]),
        int(there["numerator"]),
        int(there["denominator"]),
    )
    found = adverse_impact.ratio(*counts, marks=bands)
    return {**found, "band": lending.band(*counts, bands), "reason": None}
