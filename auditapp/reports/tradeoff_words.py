"""What the chapter on trade-offs says, in sentences. Effects that may be none are said to be."""

from __future__ import annotations

import math
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Rich, Run, bold, rich
from auditapp.reports.charts.people_changed import per_1000
from auditapp.reports.numbers import (
    count,
    hundred,
    limit,
    listing,
    percent,
    plural,
    points,
    size,
    span,
)
from auditapp.reports.tradeoff_facts import (
    Setting,
    Tradeoff,
    apart_from_zero,
    harm,
    margin,
    of_group,
    value,
)
from auditapp.reports.words import reason

Row = dict[str, Any]

NO_EFFECT = "no measurable effect"
SEEN = "Chosen after seeing these rows"
MOST_NAMED = 4
RULES = {
    "score": "Any rule on these scores",
    "free": "Any rule at all",
    "group": "These decisions without their scores, changed at random by group",
    "blind": "These decisions without their scores, changed at random for everybody alike",
}
BEYOND = {
    "score": "Out of reach for any rule on these scores",
    "free": "Out of reach for any rule at all",
}


def short_share(share: float) -> str:
    """A share with one decimal where it has one."""
    return f"{limit(round(share, 3))}%" if share >= 0.0005 else "0"


def ceiling(share: float) -> float:
    """A share rounded up to what is printed, so that nothing lies above it."""
    return math.ceil(1000 * share - 1e-9) / 1000


def setting_name(setting: Setting) -> str:
    """A setting as a sentence quotes it."""
    return f"“{setting.name}”"


def digits(*values: float | None) -> int:
    """Whole points, or one decimal where whole ones would hide what is said."""
    known = [v for v in values if v is not None]
    whole = [hundred(v, 0) for v in known]
    return 1 if len(set(whole)) < len(whole) or any(abs(w) < 3 for w in whole) else 0


def within(low: float, high: float) -> str:
    """An interval of sizes, the smaller first."""
    a, b = sorted((low, high))
    return span(a, b, 1, signed=False) if a >= 0 else span(a, b)


def accuracy_change(setting: Setting) -> Row | None:
    """The paired comparison of everybody, where there is one."""
    found = of_group(setting.point.get("paired"), None, "accuracy")
    return None if found is None or found.get("diff") is None else found


def gap_effect(t: Tradeoff, setting: Setting) -> Rich:
    """What the setting does to the largest gap."""
    was, now = value(t.baseline, "disparity"), value(setting.point, "disparity")
    change = (setting.point.get("change") or {}).get("disparity") or {}
    if was is None or now is None:
        return rich(f" has no gap in {t.rate} that can be measured")
    way = apart_from_zero(change)
    if not way:
        between = span(change["low"], change["high"]) if change.get("low") is not None else ""
        between = f" (change {between} points)" if between else ""
        return rich(" has ", bold(NO_EFFECT), f" on the largest gap in {t.rate}{between}")
    d = digits(was, now)
    verb = "cuts" if way < 0 else "widens"
    return rich(
        f" {verb} the largest gap in {t.rate} from ",
        bold(size(was, d)),
        " to ",
        bold(f"{size(now, d)} points"),
    )


def cost(setting: Setting) -> Rich:
    """What the setting does to accuracy: a paired comparison of the same people."""
    found = accuracy_change(setting)
    if found is None:
        return ()
    of_decided = "" if setting.decides_all else " among the people it decides"
    way = apart_from_zero(found)
    if not way:
        return rich(
            "has ", bold(NO_EFFECT), f" on accuracy{of_decided} "
            f"(change {span(found['low'], found['high'])} points)",
        )  # fmt: skip
    low, high = abs(found["low"]), abs(found["high"])
    return rich(
        "costs " if way < 0 else "gains ",
        bold(size(found["diff"], 1)),
        f" points of accuracy{of_decided} ({within(low, high)})",
    )


def moved(setting: Setting) -> str:
    """`About 39 in 1,000 decisions would change: 23 to yes, 16 to no.`"""
    found = of_group(setting.point.get("changed"), None)
    if found is None or not found["n"]:
        return ""
    up, down = (found[key] / found["n"] for key in ("up", "down"))
    human = found["to_human"] / found["n"]
    bits = [f"{per_1000(up)} to yes", f"{per_1000(down)} to no"]
    if human:
        bits.append(f"{per_1000(human)} to a person")
    total = per_1000(up + down + human)
    if total == "0":
        return " No decision would change."
    return f" About {total} in 1,000 decisions would change: {listing(bits)}."


def effect(t: Tradeoff, setting: Setting) -> Rich:
    """One sentence on gap and cost, one on the people it concerns."""
    price = cost(setting)
    joined = (Run(" and "), *price) if price else ()
    return (Run(setting_name(setting)), *gap_effect(t, setting), *joined, Run("."),
            Run(moved(setting)))  # fmt: skip


def lede(t: Tradeoff) -> Rich:
    """What the chapter comes to."""
    best = t.recommended
    if best is None:
        return rich(none_recommended(t))
    if t.kept:
        return (Run("Setting "), *effect(t, best))
    return (
        Run(
            f"No setting kept your limit of {limit(t.tolerance)} points on the rows that settings "
            "are chosen by. The nearest, "
        ),
        *effect(t, best),
    )


def none_recommended(t: Tradeoff) -> str:
    """Why there is no recommended setting."""
    code = t.doc.get("reason")
    words = f"{limit(t.tolerance)} points"
    if code == "baseline-keeps-limit":
        return (
            f"The audited decisions keep your limit of {words} on the rows that settings are "
            "chosen by, so no setting is recommended."
        )
    if not t.settings:
        return "No remedy could be tried on these data, so no setting is recommended."
    if code == "no-setting":
        return (
            "No setting decides everybody and has a gap that can be measured on the rows that "
            "settings are chosen by, so none is recommended."
        )
    return f"No setting is recommended: {reason(code)}."


def caution(t: Tradeoff) -> Rich:
    """Where the measured gap of the recommended setting may lie, held against the limit."""
    best = t.recommended
    found = {} if best is None else best.point["disparity"]
    if best is None or found.get("low") is None:
        return ()
    where = f"{size(found['value'], 1)} points ({within(found['low'], found['high'])})"
    start = f"It was picked on {count(t.doc['rows']['valid'])} validation rows. On "
    start += f"{count(t.doc['rows']['audit'])} rows that it never saw its gap is {where}"
    if found["high"] <= t.tolerance:
        return rich(f"{start}: the whole interval lies within your limit.")
    if found["low"] > t.tolerance:
        return rich(f"{start}: ", bold("above your limit"), ".")
    return rich(f"{start}: it may be above your limit of {limit(t.tolerance)} points.")


def to_a_person(t: Tradeoff) -> Rich:
    """What sending people to a person does, in the words of the no-harm test."""
    best = t.human
    if best is None:
        return ()
    share = short_share(best.to_person)
    rows = [r for r in best.point.get("changed") or [] if r["group"] is not None and r["n"]]
    most = max((r["to_human"] / r["n"] for r in rows), default=best.to_person)
    groups = harm(best.point)
    gap = value(best.point, "disparity")
    who = f"Sending {share} of cases to a person (no group above {short_share(ceiling(most))})"
    left = "" if gap is None else f" and leaves a gap of {size(gap, digits(gap))} points"
    shown = [g for g in groups if g["shown"]]
    if groups and len(shown) == len(groups):
        better = all(g["diff"] is not None and g["diff"] >= 0 for g in groups)
        kept = "at least as high as now" if better else "about as high as now"
        return rich(
            who, f" keeps every group's accuracy {kept}{left}. A loss of "
            f"{size(margin(best.point), 0)} point or more is ruled out in every group (95%, each "
            "on its own), among the people still decided.",
        )  # fmt: skip
    unsure = [g["group"] for g in groups if not g["shown"]]
    names = listing([phrases.short(str(g)) for g in unsure], MOST_NAMED)
    text = f"No setting meets all limits; the closest sends {share} of cases to a person{left}."
    return rich(text, f" That it costs no accuracy is not shown for {names}." if names else "")


def message(t: Tradeoff) -> str:
    """The title of the picture says what it shows."""
    now = value(t.baseline, "accuracy")
    cheap = t.cheap
    if t.recommended is not None and t.kept:
        change = accuracy_change(t.recommended)
        found = value(t.recommended.point, "disparity") or 0.0
        start = f"A gap of {size(found, digits(found))} points"
        if change is not None and apart_from_zero(change) >= 0:
            return f"{start} costs no measurable accuracy"
        if change is not None:
            return f"{start} costs about {size(change['diff'], 1)} points of accuracy"
    if t.doc.get("reason") == "baseline-keeps-limit":
        return f"The audited decisions keep your limit of {limit(t.tolerance)} points as they are"
    was = value(t.baseline, "disparity")
    if cheap is not None and was is not None and now is not None:
        gap = value(cheap.point, "disparity") or 0.0
        if apart_from_zero((cheap.point.get("change") or {}).get("disparity")) < 0:
            return f"Within a point of accuracy the gap falls to {size(gap, digits(gap))} points"
    many = plural(len(t.settings), "setting")
    return f"What {many} would do to the gap and to accuracy"


def alt(t: Tradeoff) -> str:
    """`At {x0} disparity the best measured accuracy is ...`"""
    parts = []
    was, right = value(t.baseline, "disparity"), value(t.baseline, "accuracy")
    if was is not None and right is not None:
        parts.append(f"Now: gap {size(was, 1)} points, accuracy {percent(right, 1)}.")
    for gap, top in t.steps[:: max(1, len(t.steps) // 2)][:2]:
        parts.append(
            f"At {size(gap, 1)} points disparity the best measured accuracy is {percent(top, 1)}."
        )
    best = t.recommended
    if best is not None and best.drawn:
        parts.append(
            f"Recommended: {best.name}, gap {size(value(best.point, 'disparity') or 0.0, 1)} "
            f"points, accuracy {percent(value(best.point, 'accuracy') or 0.0, 1)}."
        )
    return " ".join(parts)


def change_cell(found: Row | None, key: str = "value") -> tuple[str, str]:
    """A change with its interval, or that it has no measurable effect."""
    if found is None or found.get(key) is None:
        return "not computed", ""
    between = span(found["low"], found["high"]) if found.get("low") is not None else ""
    return points(found[key]), between
