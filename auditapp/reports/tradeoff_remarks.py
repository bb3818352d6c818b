"""What the chapter on trade-offs says of remedies that fell short, or did not run at all."""

from __future__ import annotations

from auditapp.reports import phrases
from auditapp.reports.blocks import Rich, bold, rich
from auditapp.reports.numbers import listing, plural, upper_first
from auditapp.reports.tradeoff_facts import Tradeoff, apart_from_zero
from auditapp.reports.tradeoff_words import MOST_NAMED, NO_EFFECT


def _by_method(t: Tradeoff, status: str) -> list[tuple[str, int, int]]:
    """Methods with settings of a status: title, how many, of how many."""
    out = []
    for slug in dict.fromkeys(s.key[0] for s in t.settings):
        own = [s for s in t.settings if s.key[0] == slug]
        found = sum(s.point["status"] == status for s in own)
        if found:
            out.append((own[0].title, found, len(own)))
    return out


def statuses(t: Tradeoff) -> list[str]:
    """Settings that are not what was asked for."""
    out = []
    for title, many, own in _by_method(t, "relaxed"):
        which = f"{many} of {plural(own, 'setting')}" if own > 1 else "its setting"
        out.append(
            f"{title}, {which}: more was asked than could be reached, the nearest that could is "
            "measured."
        )
    flat = [phrases.lower_first(s.name) for s in t.settings if s.point["status"] == "collapsed"]
    if flat:
        verb = "decides" if len(flat) == 1 else "decide"
        out.append(
            f"{upper_first(listing(flat, MOST_NAMED))} {verb} everybody alike: a gap of 0 "
            "that way is no remedy, and it is never recommended."
        )
    return out


def ineffective(t: Tradeoff) -> str:
    """Methods none of whose settings change the gap measurably."""
    names = []
    for slug in dict.fromkeys(s.key[0] for s in t.settings):
        own = [s for s in t.settings if s.key[0] == slug and s.measured]
        if own and not any(
            apart_from_zero((s.point.get("change") or {}).get("disparity")) for s in own
        ):
            names.append(own[0].title)
    if not names:
        return ""
    verb = "has" if len(names) == 1 else "have"
    told = upper_first(listing([phrases.lower_first(name) for name in names]))
    return f"{told} {verb} {NO_EFFECT} on the largest gap at any setting."


def not_run(t: Tradeoff) -> list[Rich]:
    """Methods that an error stopped, each with what to do."""
    out = []
    for method in t.methods:
        error = method.get("error")
        if method["status"] != "error" or not error:
            continue
        text = f" This method could not run: {_closed(error['message'])}"
        hint = f" {_closed(error['hint'])}" if error.get("hint") else ""
        out.append(rich(bold(f"{method['title']}."), text, hint))
    return out


def _closed(text: str) -> str:
    text = str(text).strip()
    return text if text.endswith((".", "?")) else f"{text}."
