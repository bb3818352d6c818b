"""Section 2: the answer on one page. It has to stand alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import copy_words, figures, headlines, metric_words, words
from auditapp.reports.blocks import (
    Block,
    Finding,
    Findings,
    Headline,
    NextStep,
    Notice,
    Section,
    Stat,
    Stats,
    bold,
    rich,
)
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts
from auditapp.reports.language import ENGLISH, current, speaking
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, spelled, upper_first
from auditapp.reports.sections import factors, hidden, sources, stability, tradeoffs

MAX_FINDINGS = 3
MAX_DEEPER = 2


def section(facts: Facts) -> Section:
    text, more = headlines.headline(facts)
    blocks: list[Block] = [Headline(facts.verdict, text, more)]
    if facts.about.get("simulated"):
        note = rich(
            bold(_("Simulated data. ")), _("The rows were made by a program with planted gaps.")
        )
        blocks.append(Notice(note, "check", printed=False))
    blocks += copy_words.notice(facts)
    blocks.append(Stats(cards(facts)))
    table = figures.first_strip_table(facts)
    if table is not None:
        metric = figures.strip_metric(facts, table)
        blocks.append(figures.gap_strip(facts, table, metric, anchor="gap-strip"))
    further = deeper(facts)
    found = findings(facts)[: MAX_FINDINGS - len(further)]
    if found:
        blocks.append(
            Findings(
                titles=tuple(_title(found[:k]) for k in range(1, len(found) + 1)),
                items=tuple(
                    Finding(
                        words.finding(facts, g),
                        words.detail(g, facts.unit(g["metric"])),
                        g["verdict"],
                    )
                    for g in found
                ),
                note=_(
                    "The first of each attribute and metric after the one above. Section “Group "
                    "results” has every comparison."
                ),
            )
        )
    if further:
        titles = (_("What the deeper searches add"),) * 2
        blocks.append(Findings(titles, further, language=_foreign()))
    blocks.append(_next(facts))
    return Section(slug="answer", title=_("The answer"), blocks=tuple(blocks))


def _next(facts: Facts) -> NextStep:
    """A setting that keeps the limit for the groups of the headline; else what to look at."""
    head = facts.headline_gap
    same = head is not None and head["by"] == [(facts.doc.get("tradeoff") or {}).get("protect")]
    setting = tradeoffs.next_step(facts) if same else None
    if setting is not None and _foreign():
        name = tradeoffs.recommended(facts)
        setting = rich(
            _(
                "Consider the setting “{name}”; the chapter “Trade-offs” has its gap and its "
                "cost. Test it on new rows before using it."
            ).format(name=name)
        )
    if setting is not None:
        return NextStep(setting, _("See trade-offs"), "tradeoffs")
    return NextStep(headlines.next_step(facts), _("See group results"), "groups")


def _foreign() -> str:
    """English, where the report speaks another language and its deeper chapters do not."""
    return "" if current() == ENGLISH else ENGLISH


def deeper(facts: Facts) -> tuple[Finding, ...]:
    """What the searches beyond the named groups found, differences first.

    Only the search for groups nobody named shares the error rate of the report (verdicts.md
    1.3); the others have tests of their own, so here they stand without a verdict.
    """
    parts = (hidden, factors, sources, stability)
    with speaking(ENGLISH):
        made = [(part, part.finding(facts)) for part in parts]
    found = [(part, finding) for part, finding in made if finding is not None]
    found.sort(key=lambda pair: pair[1].verdict != DIFFERENCE)
    return tuple(
        finding if part is hidden else replace(finding, verdict="")
        for part, finding in found[:MAX_DEEPER]
    )


def _title(found: list[dict[str, Any]]) -> str:
    """A difference is a finding; what was ruled out or not settled is a result."""
    noun = _("finding") if found[0]["verdict"] == DIFFERENCE else _("result")
    if len(found) == 1:
        return _("One further {noun}").format(noun=noun)
    if found[0]["verdict"] == DIFFERENCE:
        return _("{found} further findings, worst first").format(
            found=upper_first(spelled(len(found)))
        )
    return _("{found} further results, widest first").format(
        found=upper_first(spelled(len(found)))
    )


def cards(facts: Facts) -> tuple[Stat, ...]:
    """People, groups, the largest supported gap, and the best setting or what is not settled."""
    rows = facts.rows
    left = copy_words.left_out(facts)
    people = Stat(
        _("People examined"),
        count(rows["used"]),
        note=_("{left} left out of {uploaded} uploaded").format(
            left=left, uploaded=copy_words.uploaded(facts)
        )
        if rows["uploaded"] is not None
        else _("{left} left out").format(left=left),
        short=_("{left} left out").format(left=left),
    )
    levels = [v for v in facts.all_levels() if v["status"] != "empty"]
    small = sum(v["status"] == "below-floor" for v in levels)
    groups = Stat(
        _("Groups examined"),
        count(len(levels) - small),
        _("of {levels}").format(levels=count(len(levels))),
        _("{small} under the floor of {floor} people").format(
            small=count(small), floor=count(facts.floor)
        ),
        _("{small} under the floor of {floor}").format(
            small=count(small), floor=count(facts.floor)
        ),
    )
    best = tradeoffs.best_card(facts)
    return people, groups, _largest(facts), _unsettled(facts) if best is None else best


def _largest(facts: Facts) -> Stat:
    gap = facts.found[0] if facts.found else None
    if gap is None:
        return Stat(
            _("Largest supported gap"),
            _("none"),
            "",
            _("no difference was found"),
            _("no difference was found"),
        )
    top = max(facts.found, key=_support)
    name = (
        _("Largest supported gap") if _support(top) <= _support(gap) else _("Largest primary gap")
    )
    unit = facts.unit(gap["metric"])
    interval = unit.differences(gap["low"], gap["high"])
    return Stat(
        name,
        unit.difference(gap["value"]),
        unit.many,
        _("{metric}, 95% {interval}").format(
            metric=metric_words.title(gap["metric"]), interval=interval
        ),
        _("95%: {interval}").format(interval=interval),
    )


def _support(gap: dict[str, Any]) -> float:
    """How far the nearer end of the adjusted interval lies from zero."""
    return float(min(abs(gap["low"]), abs(gap["high"])))


def _unsettled(facts: Facts) -> Stat:
    total = sum(facts.tally.values())
    open_ones = facts.tally[NOT_ENOUGH]
    if not total:
        note = short = _("nothing could be compared")
    elif open_ones:
        note = _("too few people to settle them")
        short = _("too few people to say")
    else:
        note = short = _("every one has a verdict")
    return Stat(
        _("Comparisons not settled"),
        count(open_ones),
        _("of {total}").format(total=count(total)),
        note,
        short,
    )


def findings(facts: Facts) -> list[dict[str, Any]]:
    """After the headline: the first of each attribute and metric, in the document's order."""
    head = facts.headline_gap
    if head is None:
        return []
    seen = {_story(head)}
    out: list[dict[str, Any]] = []
    for gap in [*facts.found, *facts.unsettled, *facts.settled_none]:
        if _story(gap) in seen:
            continue
        seen.add(_story(gap))
        out.append(gap)
        if len(out) == MAX_FINDINGS:
            break
    return out


def _story(gap: dict[str, Any]) -> tuple[str, str]:
    return ",".join(gap["by"]), str(gap["metric"])
