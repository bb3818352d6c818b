"""An earlier result document: may it be compared with this audit, and what did it count?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.pipeline.audited import Audited
from auditapp.result import SCHEMA, Document
from metrics.cells import Counts
from metrics.groups import Attribute

BLANK, NO, YES = 0, 1, 2
NONE, REFUSED, CHOSEN, ABSTAINED = 0, 1, 2, 3
#: more are in no table; tests multiply such counts
MOST_PEOPLE = 10**12


@dataclass(frozen=True)
class Alike:
    """An attribute that both audits have, with the groups of both.

    Parameters
    ----------
    attribute
        As the present audit has it.
    levels
        Its groups, then those that only the earlier audit has.
    codes : (n,) int
        Group of each measured row; -1 unknown.
    before : (a + 1, 3, 4) int64
        What the earlier audit counted, the unknown ones first.
    """

    attribute: Attribute
    levels: tuple[str, ...]
    codes: NDArray[np.integer[Any]]
    before: Counts


def refusal(audited: Audited, document: Document) -> str | None:
    """Why the two audits cannot be compared at all."""
    plan, past = audited.plan, document["plan"]
    if document.get("schema") != SCHEMA:
        return "other-schema"
    if plan.outcome != "binary" or past.get("outcome", "binary") != "binary":
        return "binary-only"
    if past.get("goal", "selection-rate") != plan.goal:
        return "other-goal"
    label = past.get("label")
    mine = None if plan.label is None else sorted(plan.label.favourable)
    if label is not None and mine is not None and sorted(label["favourable"]) != mine:
        return "other-label"
    return None


def also(audited: Audited, document: Document) -> list[str]:
    """What else is different between the two audits, as codes with words in the report."""
    plan, past = audited.plan.to_json(), document["plan"]
    out = []
    if any(past.get("model", {}).get(key) != plan["model"].get(key) for key in plan["model"]):
        out.append("model")
    if past.get("threshold") != plan["threshold"]:
        out.append("threshold")
    if past.get("tolerance") != plan["tolerance"]:
        out.append("tolerance")
    names = [(p.get("label") or {}).get("column") for p in (past, plan)]
    if names[0] != names[1]:
        out.append("label")
    return out


def alike(audited: Audited, document: Document) -> tuple[list[Alike], list[dict[str, str]]]:
    """The attributes of both audits, and the others with the reason they are left out."""
    past = {spec["column"]: spec for spec in document["plan"]["attributes"]}
    tables = {t["by"][0]: t for t in document["groups"] if len(t["by"]) == 1}
    specs = {spec.column: spec for spec in audited.plan.attributes}
    found, left_out = [], []
    for attribute in audited.attributes:
        name = attribute.name
        if name not in tables or name not in past:
            left_out.append({"by": name, "reason": "only-now"})
            continue
        words = [str(level["group"][name]) for level in tables[name]["levels"]]
        same = set(words) == set(attribute.levels)
        spec = specs[name]
        coded = {"kind": spec.kind, "cuts": list(spec.cuts), "words": dict(spec.words)}
        if not same and any(past[name].get(key) != value for key, value in coded.items()):
            left_out.append({"by": name, "reason": "other-groups"})
            continue
        extra = tuple(word for word in words if word not in attribute.levels)
        levels = (*attribute.levels, *extra)
        found.append(Alike(attribute, levels, attribute.codes, counts(document, name, levels)))
    now = {attribute.name for attribute in audited.attributes}
    left_out += [{"by": name, "reason": "only-before"} for name in tables if name not in now]
    return found, left_out


def counts(document: Document, name: str, levels: tuple[str, ...]) -> Counts:
    """People by group, label and decision, exactly as counted, from a document's estimates.

    The numerators and denominators of five rates fix every cell, so that a document need not
    hold its tables: P and TP from the true positive rate, N and FP from the false positive
    rate, the labelled from the base rate, the decided from the selection rate.
    """
    known: dict[str, dict[str, tuple[int, int]]] = {word: {} for word in levels}
    everybody: dict[str, tuple[int, int]] = {}
    n, total = dict.fromkeys(levels, 0), 0
    for item in document["estimates"]:
        if item.get("subject", "baseline") != "baseline" or item["by"] not in ([], [name]):
            continue
        pair = tuple(0 if item[k] is None else int(item[k]) for k in ("numerator", "denominator"))
        if not item["by"]:
            everybody[item["metric"]], total = (pair[0], pair[1]), int(item["n"])
        elif item["group"][name] in known:
            known[item["group"][name]][item["metric"]] = (pair[0], pair[1])
            n[item["group"][name]] = int(item["n"])
    out = np.zeros((len(levels) + 1, 3, 4), dtype=np.int64)
    for j, word in enumerate(levels):
        out[j + 1] = _cells(known[word], n[word])
    out[0] = _cells(everybody, total) - out[1:].sum(axis=0)
    if out.min() < 0 or out.max() > MOST_PEOPLE:
        raise ValueError(f"the earlier document's counts of {name!r} do not add up")
    return out


def _cells(rate: dict[str, tuple[int, int]], n: int) -> Counts:
    out = np.zeros((3, 4), dtype=np.int64)
    if not n:
        return out
    chosen, decided = rate["selection-rate"]
    hit, positive = rate.get("tpr", (0, 0))
    false, negative = rate.get("fpr", (0, 0))
    favourable, labelled = rate.get("base-rate", (0, 0))
    abstained, seen = rate.get("abstention-rate", (0, decided))
    out[YES, CHOSEN], out[YES, REFUSED] = hit, positive - hit
    out[NO, CHOSEN], out[NO, REFUSED] = false, negative - false
    out[BLANK, CHOSEN] = chosen - hit - false
    out[BLANK, REFUSED] = decided - chosen - out[1:, REFUSED].sum()
    # Rows without a decision are in no audit, so that whoever is labelled and not decided
    # abstained.
    out[YES, ABSTAINED] = favourable - positive
    out[NO, ABSTAINED] = labelled - favourable - negative
    out[BLANK, ABSTAINED] = abstained - out[1:, ABSTAINED].sum()
    out[BLANK, NONE] = n - seen
    return out
