"""Section 12: what these numbers cannot say."""

from __future__ import annotations

from auditapp.reports import class_words, copy_words, kind_words, phrases
from auditapp.reports.blocks import Block, Bullets, Rich, Section, bold, rich
from auditapp.reports.facts import NOT_ENOUGH, Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.language import ngettext
from auditapp.reports.numbers import comparisons, count, listing, percent, plural

#: What the search for groups nobody named spends of the report's error rate (verdicts.md 1.3).
SEARCH_ALPHA = 0.01


def section(facts: Facts) -> Section:
    blocks: tuple[Block, ...] = (
        Bullets(tuple(_limits(facts)), _("Limits of the numbers")),
        Bullets(tuple(_would_change(facts)), _("What would change the verdict")),
    )
    return Section("limits", _("Limits"), blocks)


def _limits(facts: Facts) -> list[Rich]:
    items = []
    if kind_words.special(facts):
        items += kind_words.limits(facts)
    elif facts.classes:
        items += class_words.limits(facts)
    elif facts.plan.get("label"):
        items.append(
            rich(
                bold(_("Recorded outcomes. ")),
                _(
                    "Metrics other than the selection rate take the recorded outcome as true. If "
                    "it was recorded differently for different groups, these rates inherit that, "
                    "in either direction."
                ),
            )
        )
    else:
        items.append(
            rich(
                bold(_("No recorded outcome. ")),
                _(
                    "Only who was chosen could be compared. Whether decisions were right is not "
                    "known."
                ),
            )
        )
    names = listing([phrases.lower_first(facts.table_title(t)) for t in facts.singles])
    items.append(
        rich(
            bold(_("Group columns. ")),
            _(
                "Groups by {names} are taken as the file records them. Wrong or coarse coding "
                "hides gaps and moves people between groups."
            ).format(names=names),
        )
    )
    people = plural(facts.rows["used"], "person", "people")
    items.append(
        rich(
            bold(_("Sample. ")),
            _(
                "Intervals describe chance among {people} drawn like these. They do not cover "
                "people the file never reached."
            ).format(people=people),
        )
    )
    items += copy_words.limit(facts)
    items += _looks(facts)
    items.append(
        rich(
            bold(_("Association. ")),
            _("A difference between groups says that outcomes differ, not why."),
        )
    )
    unknown = sum(t.get("unknown") or 0 for t in facts.singles)
    if unknown:
        items.append(
            rich(
                bold(_("Unknown groups. ")),
                _("{unknown} blank group entries count in totals and in no comparison.").format(
                    unknown=count(unknown)
                ),
            )
        )
    return items


def _looks(facts: Facts) -> list[Rich]:
    family = facts.doc.get("family") or {}
    k = family.get("k")
    if not k:
        return []
    searched = isinstance(facts.doc.get("subgroups"), list)
    spent = family["alpha"] + (SEARCH_ALPHA if searched else 0.0)
    together = _(" and the search for groups nobody named") if searched else ""
    return [
        rich(
            bold(_("Many looks. ")),
            ngettext("{k} was made.", "{k} were made.", k).format(k=comparisons(k))
            + _(
                " Thin intervals and verdicts are adjusted for all{together} together: if no "
                "groups differed at all, a report like this would name a difference in at most "
                "{spent} of cases. {single} intervals are not adjusted.{families}"
            ).format(
                together=together,
                spent=percent(spent),
                single=_("Single-value") if facts.kind == "regression" else _("Single-rate"),
                families=_own_families(facts),
            ),
        )
    ]


def _own_families(facts: Facts) -> str:
    """Sections whose tests stand beside the family of verdicts, each at its own level."""
    parts = {
        _("held-equal factors"): facts.doc.get("strata"),
        _("labels, scores and decisions"): facts.doc.get("levels"),
        _("sites"): (facts.doc.get("shift") or {}).get("sites"),
        _("change since the last audit"): facts.doc.get("change"),
    }
    named = [name for name, found in parts.items() if found and "failed" not in found]
    if not named:
        return ""
    own = _("its own tests only") if len(named) == 1 else _("their own tests only, each by itself")
    return _(" What is said of {named} is adjusted for {own}, on top of these.").format(
        named=listing(named), own=own
    )


def _would_change(facts: Facts) -> list[Rich]:
    items = []
    head = facts.headline_gap
    if head is not None:
        items.append(
            rich(
                _(
                    "Another limit: {limit_words} was set by the auditor. It does not change "
                    "whether a difference is found, only whether it is above the limit and "
                    "whether "
                    "a small one can be ruled out."
                ).format(limit_words=facts.limit_words)
            )
        )
    open_ones = facts.tally[NOT_ENOUGH]
    if open_ones:
        items.append(
            rich(
                _(
                    "More people: {open_ones} could not be settled at this size. The table of "
                    "each "
                    "attribute says which."
                ).format(open_ones=comparisons(open_ones))
            )
        )
    items.append(rich(_("Another coding of groups, another reference group or another period.")))
    if facts.plan.get("label"):
        what = _("relevance") if facts.kind == "ranking" else _("recorded outcomes")
        items.append(rich(_("Corrected {what}.").format(what=what)))
    return items
