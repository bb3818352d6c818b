"""Numbers of the template: EU AI Act, Annex IV evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auditapp.pipeline.audited import Audited
from auditapp.regulatory.ai_act import CARD
from auditapp.regulatory.annex_iv import ITEMS, Item

Json = Mapping[str, Any]

#: What stands for accuracy, by kind of outcome.
ACCURACY = {"binary": "accuracy", "multiclass": "accuracy", "regression": "mae", "ranking": "ndcg"}
#: Keys of the result document without which a section has nothing to say.
BEHIND = {
    "scores": ("scores",),
    "hidden": ("subgroups",),
    "sources": ("pid", "bounds"),
    "factors": ("strata",),
    "levels": ("levels",),
    "references": ("references",),
    "tradeoffs": ("methods",),
    "stability": ("change", "transfer"),
    "numerics": ("numerics",),
    "change": ("change",),
}
LABELS = {item.name: item.label for item in CARD.fields}
ABOUT = {"purpose": "Purpose", "version": "Version"}
LINE = re.compile(r"\s*(\d)\s*(?:\(?\s*([a-h])\s*\)?)?\s*[:.]\s*(\S.*)")


def run(audited: Audited | None, document: Json, settings: Json) -> dict[str, Any]:
    """Which item is answered where, what is missing, and the groups of lowest accuracy."""
    about = document["plan"].get("about") or {}
    accuracy = _accuracy(document, settings)
    has = {name for name, keys in BEHIND.items() if any(_made(document, key) for key in keys)}
    has |= {"stability"} if _sites(document) else set()
    has |= {"examined", "data", "groups", "limits", "reproducibility"}
    has |= {"confusion"} if document["plan"].get("outcome") == "multiclass" else set()
    has |= {"accuracy"} if accuracy["measured"] else set()
    kept, further = _kept(str(settings["elsewhere"]))
    return {
        "items": [_item(item, has, settings, about, kept) for item in ITEMS],
        "further": further,
        "accuracy": accuracy,
        "open": _open(settings, about),
    }


def _made(document: Json, key: str) -> bool:
    """Whether a part of the document was computed and says something."""
    found = document.get(key)
    return bool(found) and not (isinstance(found, dict) and "failed" in found)


def _sites(document: Json) -> bool:
    """Whether results were held against each other by site, source or added rows."""
    shift = document.get("shift") or {}
    return any(bool(shift.get(key)) for key in ("sites", "sources", "addition"))


def _item(
    item: Item, has: set[str], settings: Json, about: Json, kept: Mapping[str, list[str]]
) -> dict[str, Any]:
    sections = [slug for slug in item.sections if slug in has]
    lacking = [f"“{LABELS[name]}” is empty" for name in item.answers if settings[name] == ""]
    lacking += [f"“{ABOUT[name]}” is empty" for name in item.about if not about.get(name)]
    if item.whole and not has.intersection(item.whole):
        lacking.append(item.lacks)
        sections = [] if item.strict else sections
    here = kept.get(item.id, [])
    answered = sections or any(settings[name] != "" for name in item.answers)
    needed = {field.name for field in CARD.fields if field.needed}
    if any(settings[name] == "" for name in needed.intersection(item.answers)):
        status = "open"
    elif answered:
        status = "part" if lacking else "here"
    else:
        status = "elsewhere" if here else "not-covered"
    if item.id.startswith("Art. 4a") and settings["special"] == "yes" and _undone(settings):
        status, lacking = "open", _undone(settings)
    return {
        "id": item.id,
        "status": status,
        "sections": sections,
        "missing": lacking if status != "elsewhere" else [],
        "kept": here,
    }


def _undone(settings: Json) -> list[str]:
    """What has to be said of special categories once they were used."""
    names = ("special_why", "special_deleted")
    return [f"“{LABELS[name]}” is empty" for name in names if settings[name] == ""]


def _open(settings: Json, about: Json) -> list[dict[str, str]]:
    found = []
    if not about.get("purpose"):
        found.append({"code": "purpose", "text": "The purpose of the system is not given."})
    if settings["special"] == "yes":
        found += [{"code": "special", "text": f"{text}."} for text in _undone(settings)]
    return found


def _kept(text: str) -> tuple[dict[str, list[str]], list[str]]:
    """Lines such as `2(h): security concept` by their item, and those without one."""
    ids = {item.id for item in ITEMS}
    found: dict[str, list[str]] = {}
    further = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = LINE.fullmatch(line)
        number, letter, words = match.groups() if match is not None else ("", "", line)
        name = f"{number}({letter})" if letter else number
        if name in ids:
            found.setdefault(name, []).append(words)
        elif number == "1" and letter:
            found.setdefault("1(b)-(h)", []).append(f"({letter}) {words}")
        elif number == "3":
            found.setdefault("3, control", []).append(words)
        else:
            further.append(line)
    return found, further


def _accuracy(document: Json, settings: Json) -> dict[str, Any]:
    """Groups of the lowest and highest accuracy by attribute, and the declared level."""
    plan = document["plan"]
    metric = ACCURACY[plan.get("outcome") or "binary"]
    rows = [
        row
        for row in document.get("estimates") or ()
        if row["metric"] == metric
        and row.get("subject", "baseline") == "baseline"
        and row.get("class") is None
        and row.get("value") is not None
        and not row.get("below_floor")
    ]
    whole = next((row for row in rows if not row["by"]), None)
    singles: dict[str, list[Json]] = {}
    for row in rows:
        if len(row["by"]) == 1:
            singles.setdefault(row["by"][0], []).append(row)
    by = []
    for column, found in singles.items():
        ordered = sorted(found, key=lambda row: row["value"])
        by.append(
            {"column": column, "lowest": ordered[0]["group"], "highest": ordered[-1]["group"]}
        )
    declared = settings["declared"] if metric == "accuracy" else ""
    level = None if declared == "" else float(declared) / 100.0
    return {
        "metric": metric,
        "measured": whole is not None,
        "by": by,
        "declared": level,
        "against": None if level is None or whole is None else _against(whole, level),
        "below": [
            row["group"]
            for column in singles
            for row in singles[column]
            if level is not None and row["high"] is not None and row["high"] < level
        ],
    }


def _against(row: Json, level: float) -> str | None:
    """Where the interval lies from the declared level."""
    if row["low"] is None:
        return None
    return "below" if row["high"] < level else "above" if row["low"] > level else "around"
