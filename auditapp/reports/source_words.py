"""What a split across sites says, in sentences; numbers in thousandths of a bit."""

from __future__ import annotations

import math
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Rich, Run, bold, rich
from auditapp.reports.charts.gap_parts import amount
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, listing, p_value, percent, plural

Row = dict[str, Any]

ALPHA = 0.05
MAX_NAMED = 12
QUESTIONS = {
    "decision": "Decisions",
    "decision-given-label": "Decisions, same outcome",
    "label": "Recorded outcomes",
}
PARTS = {
    "global": "Over all sites",
    "local": "Within sites",
    "unique": "Unique",
    "redundant": "Redundant",
    "masked": "Masked",
}


def entries(facts: Facts, key: str) -> list[Row]:
    """Entries of one part of the document, none where it failed or was not run."""
    found = facts.doc.get(key)
    return found if isinstance(found, list) else []


def asked(facts: Facts, by: list[str]) -> list[Row]:
    """The questions of one attribute in the order of the document."""
    return [item for item in entries(facts, "pid") if item["by"] == by]


def site_title(facts: Facts) -> str:
    site = facts.plan.get("site") or {}
    return str(site.get("title") or site.get("column") or "Site")


def milli(nats: float) -> float:
    """Thousandths of a bit."""
    return nats / math.log(2) * 1000


def shown(number: Row) -> str:
    """`27 (26 to 28)`: the corrected value and its interval."""
    text = amount(milli(number["corrected"]))
    if number.get("low") is None:
        return text
    return f"{text} ({spread(number)})"


def spread(number: Row) -> str:
    return f"{amount(milli(number['low']))} to {amount(milli(number['high']))}"


def is_shown(number: Row) -> bool:
    """Whether the test of a part excludes chance."""
    return number.get("p") is not None and number["p"] <= ALPHA


def part_of(item: Row, name: str) -> str:
    whole = item["global"]["corrected"]
    return percent(item[name]["corrected"] / whole) if whole > 0 else ""


def reading(facts: Facts, item: Row) -> Rich:
    """What the split of the decisions says about one attribute."""
    name = phrases.lower_first(facts.titles.get(item["by"][0], item["by"][0]))
    whole, masked = item["global"], item["masked"]
    if not is_shown(whole):
        text: list[str | Run] = [
            f"Over all sites together, decisions are not shown to depend on {name}: "
            f"{shown(whole)} thousandths of a bit, {p_value(whole['p'])}."
        ]
    else:
        text = [
            "Over all sites together, decisions tell ",
            bold(f"{amount(milli(whole['corrected']))} thousandths of a bit"),
            f" about {name} ({spread(whole)}).",
            *_split(item),
        ]
    if is_shown(masked):
        text += [
            " Masked, that is hidden from the overall figure: ",
            bold(f"{amount(milli(masked['corrected']))} thousandths of a bit"),
            f" more ({spread(masked)}). They show only once sites are told apart, where gaps "
            "differ between sites or who is seen where makes up for them.",
        ]
    else:
        text.append(
            " That sites hide a gap from the overall figure is not shown "
            f"({p_value(masked['p'])})."
        )
    return rich(*text)


def _split(item: Row) -> list[str | Run]:
    why = {
        "unique": "it stays when people at the same site are compared",
        "redundant": "groups are seen at different sites, and sites decide differently",
    }
    out: list[str | Run] = []
    for name, text in why.items():
        part = item[name]
        if _open(part):
            out.append(f" A {name} part is not shown ({shown(part)}, {p_value(part['p'])}).")
        else:
            share = bold(part_of(item, name))
            size = _thousandths(part)
            out += [" " if out else " Of this ", share, f" is {name} ({size}): {text}."]
    return out


def _thousandths(part: Row) -> str:
    return f"{amount(milli(part['corrected']))} thousandths, {spread(part)}"


def _open(number: Row) -> bool:
    return number.get("p") is not None and number["p"] > ALPHA


def message(facts: Facts, item: Row) -> str:
    """The title of the bars says what they show."""
    name = phrases.lower_first(facts.titles.get(item["by"][0], item["by"][0]))
    whole, masked = item["global"], item["masked"]
    if is_shown(masked) and masked["corrected"] > whole["corrected"]:
        return f"Sites hide more of the gap by {name} than the overall figure shows"
    if is_shown(whole):
        if item["unique"]["corrected"] >= item["redundant"]["corrected"]:
            return f"Most of the gap by {name} stays when people at the same site are compared"
        return f"Most of the gap by {name} comes from who is seen at which site"
    if is_shown(item["local"]):
        return f"A gap by {name} shows within sites, not over all of them"
    return f"No gap by {name} is shown, neither over all sites nor within them"


def alt(facts: Facts, item: Row) -> str:
    name = facts.titles.get(item["by"][0], item["by"][0])
    parts = ", ".join(f"{PARTS[k].lower()} {shown(item[k])}" for k in list(PARTS)[2:])
    return f"{name}, decisions, thousandths of a bit: {parts}; total {shown(item['total'])}."


def against_labels(facts: Facts, item: Row, label: Row | None) -> Rich | None:
    """Whether decisions tell more about the group than what was recorded of people."""
    if label is None or label.get("undefined") or item.get("undefined"):
        return None
    name = phrases.lower_first(facts.titles.get(item["by"][0], item["by"][0]))
    own, other = item["local"], label["local"]
    figures = f"{shown(own)} against {shown(other)}"
    if own["low"] > other["high"]:
        said = f"Within sites, decisions tell more about {name} than recorded outcomes do"
    elif own["high"] < other["low"]:
        said = f"Within sites, decisions tell less about {name} than recorded outcomes do"
    else:
        said = (
            f"Within sites, it is not settled whether decisions or recorded outcomes tell more "
            f"about {name}"
        )
    return rich(f"{said}: {figures} thousandths of a bit.")


def held_equal(facts: Facts, item: Row) -> Rich:
    """The same split among people with the same recorded outcome."""
    if item.get("undefined"):
        return rich(f"Among people with the same recorded outcome: {undefined(item)}.")
    words = [s["given"] for s in item["strata"]]
    who = "the same recorded outcome"
    if len(words) == 1:
        who = f"a recorded outcome that is {words[0]}"
    parts = ", ".join(f"{PARTS[k].lower()} {shown(item[k])}" for k in list(PARTS)[2:])
    return rich(
        f"Among people with {who}, decisions tell {shown(item['global'])} thousandths of a bit "
        f"over all sites and {shown(item['local'])} within them: {parts}."
    )


def undefined(item: Row) -> str:
    """Why there are no parts."""
    if item.get("undefined") == "one-site" and item["pooled"]:
        return "too few people at each site; all were joined, so nothing can be told apart by site"
    return {
        "no-rows": "nobody has all of the columns filled in",
        "one-group": "only one group was seen",
        "constant-decision": "everybody was decided alike, so there is no gap to split",
        "one-site": "everybody was seen at one site, so nothing can be told apart by site",
    }.get(str(item.get("undefined")), "not computed")


def notes(item: Row) -> list[str]:
    """What was joined or left out, and how the numbers were made."""
    out = []
    pooled = item["pooled"]
    if pooled:
        why = "people of some group" if item["pool_rule"] == "group" else "people"
        names = [f"{phrases.short(p['site'])} ({count(p['n'])})" for p in pooled]
        out.append(
            f"{plural(len(pooled), 'site')} with fewer than {count(item['floor'])} {why} "
            f"{'is' if len(pooled) == 1 else 'are'} joined as “{item['sites'][-1]}”: "
            f"{listing(names, MAX_NAMED)}."
        )
    joined = item.get("joined_groups") or []
    if joined:
        names = [f"{phrases.short(g['group'])} ({count(g['n'])})" for g in joined]
        out.append(
            f"The {count(len(joined))} smallest groups are joined as “{item['z_levels'][-1]}”, "
            f"so that the split can be computed: {listing(names, MAX_NAMED)}."
        )
    if item.get("not_counted"):
        out.append(f"{plural(item['not_counted'], 'row')} with a blank in one of the columns "
                   f"{'is' if item['not_counted'] == 1 else 'are'} not counted here.")  # fmt: skip
    return out


def uncertified(item: Row) -> str | None:
    """What to say of a split whose error could not be bounded."""
    certificate = item.get("certificate")
    if not certificate or certificate["certified"]:
        return None
    return (
        "The solver did not prove its split to the usual precision: each part may be off by up "
        f"to {amount(milli(certificate['gap']))} thousandths of a bit."
    )
