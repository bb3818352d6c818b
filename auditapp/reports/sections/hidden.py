"""Section 7: groups nobody named, found by a search and held against what chance finds."""

from __future__ import annotations

from typing import Any

from auditapp.reports import hidden_words
from auditapp.reports.blocks import (
    Block,
    Bullets,
    Figure,
    Finding,
    Findings,
    Legend,
    Prose,
    Rich,
    Section,
    bold,
    rich,
)
from auditapp.reports.captions import clip
from auditapp.reports.facts import DIFFERENCE, NOT_APPLICABLE, Facts
from auditapp.reports.numbers import count, limit, listing, percent, plural, size, spelled
from auditapp.reports.numbers import upper_first as capital
from auditapp.reports.sections.failed import failed
from auditapp.reports.words import VERDICT_WORDS, reason

Row = dict[str, Any]

SLUG = "hidden"
TITLE = "Groups nobody named"
MOST_TOLD = 3
LISTED = 8


def section(facts: Facts) -> Section | None:
    stopped = failed(SLUG, TITLE, facts.doc.get("subgroups"))
    if stopped is not None:
        return stopped
    rows = hidden_words.searches(facts)
    if not rows:
        return None
    lede = (
        "A gap can sit in a part of the people that nobody thought of naming. Every part that "
        "the other columns describe was searched for the two groups decided most unlike. What a "
        "search names is held against what it names when decisions are shuffled."
    )
    blocks: list[Block] = [*_told(facts, rows)]
    figure = _figure(facts, rows)
    if figure is not None:
        blocks.append(figure)
    if any(s["families"] for s in rows):
        blocks.append(hidden_words.table(facts, rows))
    blocks += [Prose(line, "note") for line in _how(facts, rows)]
    return Section(SLUG, TITLE, tuple(blocks), rich(lede))


def finding(facts: Facts) -> Finding | None:
    """One finding for the answer page: a part where the gap is shown to be larger than outside.

    A gap that is as large everywhere is the finding of a named group already.
    """
    if failed(SLUG, TITLE, facts.doc.get("subgroups")) is not None:
        return None
    for search in hidden_words.searches(facts):
        if search["verdict"] == DIFFERENCE and hidden_words.confined(search["found"]):
            return _finding(facts, search)
    return None


def _finding(facts: Facts, search: Row) -> Finding:
    return Finding(
        hidden_words.statement(facts, search), hidden_words.detail(search), search["verdict"]
    )


def _told(facts: Facts, rows: list[Row]) -> list[Block]:
    """The first findings with their chips; every other search in one line."""
    found = [s for s in rows if s["verdict"] == DIFFERENCE]
    shown, blocks = found[:MOST_TOLD], list[Block]()
    if shown:
        titles = tuple(_heading(k, len(rows)) for k in range(1, len(shown) + 1))
        blocks.append(Findings(titles, tuple(_finding(facts, s) for s in shown)))
    rest = [s for s in rows if s not in shown]
    if rest:
        items = tuple(hidden_words.statement(facts, s) for s in rest)
        blocks.append(Bullets(items, "Further searches" if shown else "What was found"))
    return blocks


def _heading(k: int, of: int) -> str:
    if of == 1:
        return "One part stands out"
    if k == of == 2:
        return "Both searches name a part"
    verb = "names" if k == 1 else "name"
    return f"{capital(spelled(k))} of {spelled(of)} searches {verb} a part"


def _figure(facts: Facts, rows: list[Row]) -> Figure | None:
    drawn = [(s, f) for s in rows if (f := hidden_words.leading(s)) is not None]
    drawn = [(s, f) for s, f in drawn if s["reason"] != "constant-decision"]
    if not drawn:
        return None
    standing = [pair for pair in drawn if pair[0]["verdict"] == DIFFERENCE]
    chart = {
        "kind": "hidden-gaps",
        "rows": [_row(facts, s, f) for s, f in drawn],
        "tolerance": facts.tolerance,
    }
    shapes = {hidden_words.standing(s, f) for s, f in drawn}
    words = {slug: VERDICT_WORDS[slug] for slug in VERDICT_WORDS if slug in shapes}
    return Figure(
        anchor="hidden-gaps",
        title=_message(drawn, standing),
        subtitle="Largest supported gap of each search, in percentage points. Thin bars: 95%, "
        "adjusted for every comparison of the search; thick bars: 90%. Shaded: what the same "
        "search names in 95% of shuffles, its mean as a line. Dotted rule: your limit of "
        f"{limit(facts.tolerance)} points.",
        alt=_alt(facts, drawn, standing),
        table=hidden_words.table(facts, [s for s, _ in drawn], lead=True),
        chart=chart,
        legend=(
            *(Legend(slug, text) for slug, text in words.items()),
            Legend("diamond", "The same two groups outside the part"),
            Legend("band", "By chance"),
        ),
    )


def _row(facts: Facts, search: Row, family: Row) -> Row:
    worst = family["worst"]
    name = hidden_words.title(facts, search)
    return {
        "label": f"{name}: {hidden_words.label(facts, worst)}",
        "value": worst["gap"],
        **{k: worst[k] for k in ("low", "high", "thick_low", "thick_high")},
        "null_mean": family["null_mean"],
        "null_p95": family["null_p95"],
        "elsewhere": None if worst["elsewhere"] is None else worst["elsewhere"]["gap"],
        "verdict": hidden_words.standing(search, family),
    }


def _message(drawn: list[tuple[Row, Row]], standing: list[tuple[Row, Row]]) -> str:
    if not standing:
        return "No search names a gap that chance does not explain"
    most = size(max(search["found"]["gap"] for search, _ in standing))
    if len(drawn) == 1:
        return f"The gap named, {most} points, is more than chance shows"
    how = "All" if len(standing) == len(drawn) > 2 else capital(spelled(len(standing)))
    if len(standing) == len(drawn) == 2:
        return f"Both searches name a gap that chance does not explain, up to {most} points"
    of = "" if how == "All" else f" of {spelled(len(drawn))}"
    verb = "names" if len(standing) == 1 else "name"
    return f"{how}{of} searches {verb} a gap that chance does not explain, up to {most} points"


def _alt(facts: Facts, drawn: list[tuple[Row, Row]], standing: list[tuple[Row, Row]]) -> str:
    search, family = (standing or drawn)[0]
    worst, other = family["worst"], family["worst"]["elsewhere"]
    out = "" if other is None else f", {hidden_words.bare(other['gap'])} outside it"
    return clip(
        f"{len(standing)} of {len(drawn)} searches stand out. "
        f"{hidden_words.title(facts, search)}: {hidden_words.bare(worst['gap'])} points among "
        f"{hidden_words.part(facts, worst)}{out}; shuffled decisions show under "
        f"{size(family['null_p95'], 1)} in 95% of searches."
    )


def _how(facts: Facts, rows: list[Row]) -> list[Rich]:
    """What was searched, what was not, and which part of the report's error it may spend."""
    made = [s for s in rows if s["verdict"] != NOT_APPLICABLE]
    out: list[Rich] = []
    if made:
        alpha = (facts.doc.get("family") or {}).get("alpha")
        rest = f"; comparisons of named groups have {percent(alpha)}" if alpha else ""
        many = len(made) > 1
        out.append(
            rich(
                bold("Error. "),
                f"If no part held a gap, {'these searches together' if many else 'this search'} "
                f"would name one in at most {percent(made[0]['level'])} of reports{rest}. A part "
                "describes where a gap is largest; it does not explain it.",
            )
        )
    names = list(dict.fromkeys(name for s in made for name in s.get("columns") or []))
    if names:
        shown = f"{plural(len(names), 'column')}: {listing(names, LISTED)}."
        out.append(rich(bold("Searched. "), shown, _left(rows)))
    return out


def _left(rows: list[Row]) -> str:
    first = rows[0]
    bits = [
        f"{listing(item['columns'], 3) if item['n'] <= LISTED else count(item['n']) + ' columns'} "
        f"({reason(item['reason'])})"
        for item in first.get("columns_left_out") or []
    ]
    text = f" Not searched: {'; '.join(bits)}." if bits else ""
    further = first.get("searches_left_out") or 0
    if further:
        text += f" {plural(further, 'further search', 'further searches')} did not fit in time."
    return text
