"""Section 9: what each remedy would do to the gap, to accuracy and to people."""

from __future__ import annotations

from dataclasses import replace

from auditapp.reports import (
    phrases,
    tradeoff_explorer,
    tradeoff_figures,
    tradeoff_further,
    tradeoff_remarks,
    tradeoff_tables,
    tradeoff_words,
    trained_words,
)
from auditapp.reports.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Figure,
    Finding,
    Notice,
    Prose,
    Rich,
    Run,
    Section,
    Stat,
    Table,
    bold,
    rich,
)
from auditapp.reports.facts import Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import limit, plural, size, span
from auditapp.reports.sections.failed import failed
from auditapp.reports.tables import share
from auditapp.reports.tradeoff_facts import (
    LOSS,
    Setting,
    Tradeoff,
    apart_from_zero,
    tradeoff,
    value,
)
from auditapp.reports.words import reason

SLUG, TITLE = "tradeoffs", "Trade-offs"


def section(facts: Facts) -> Section | None:
    """The chapter, or None where no remedy was asked for."""
    broken = failed(SLUG, TITLE, facts.doc.get("tradeoff"))
    if broken is not None:
        return broken
    t = tradeoff(facts)
    if t is None:
        return None
    note = tradeoff_words.caution(t)
    blocks: list[Block] = [Prose(note)] if note else []
    blocks += _picture(t)
    blocks += _people(t)
    blocks += tradeoff_further.profiles(t)
    blocks += trained_words.parts(t)
    blocks += _remedies(t)
    return Section(SLUG, TITLE, tuple(blocks), tradeoff_words.lede(t))


def _picture(t: Tradeoff) -> list[Block]:
    if not t.settings:
        return []
    out: list[Block] = []
    drawn = tradeoff_figures.frontier(t)
    if drawn is not None:
        out.append(drawn)
    explorer = tradeoff_explorer.explorer(t)
    if explorer is not None:
        out.append(explorer)
    short = t.shortlist()
    rest = len(t.settings) - len(short)
    title = "Settings to choose among" if rest else "All settings"
    table = tradeoff_tables.candidates(t, short, title=title, anchor="trade-off-settings")
    out.append(table)
    if drawn is None:
        why = reason(t.baseline["disparity"].get("undefined"))
        out.append(Prose(rich(f"No picture of gap and accuracy: {why}."), "note"))
    said = [tradeoff_remarks.ineffective(t), *tradeoff_remarks.statuses(t)]
    if rest:
        said.append(f"{plural(rest, 'further setting')} in the table of the picture above.")
    text = " ".join(s for s in said if s)
    if text:
        out.append(Prose(rich(text), "note"))
    against = trained_words.against_thresholds(t)
    if against:
        out.append(Prose(against))
    if drawn is not None:
        out.append(Notice(HOW_TO_READ))
    return out


HOW_TO_READ: Rich = rich(
    bold("How to read this chart. "),
    "Each point is one setting, measured on people it was not fitted or chosen on. Left is less "
    "disparity, up is more accuracy. A setting is worth considering when no other lies above and "
    "to the left of it.",
)


def _people(t: Tradeoff) -> list[Block]:
    methods = tradeoff_further.abstaining(t)
    charts = [tradeoff_further.abstention(t, *m, half=i == 0) for i, m in enumerate(methods)]
    found = [figure for figure in charts if figure is not None]
    affected = tradeoff_figures.people(t, half=bool(found))
    out: list[Block] = [] if affected is None else [affected]
    best = t.recommended
    if best is not None:
        out.append(tradeoff_tables.before_after(t, best, "trade-off-before-after"))
    text = tradeoff_words.to_a_person(t)
    if text:
        out.append(Prose(text))
    out += [_only_first(figure, i, alone=affected is None) for i, figure in enumerate(found)]
    return out


def _only_first(figure: Figure, i: int, *, alone: bool) -> Figure:
    """One picture of abstention is printed, beside the one of people where there is one."""
    return replace(figure, printed=i == 0, print_half=i == 0 and not alone)


def _remedies(t: Tradeoff) -> list[Block]:
    out: list[Block] = []
    errors = tradeoff_remarks.not_run(t)
    if errors:
        out.append(Bullets(tuple(errors), "Remedies that could not run"))
    notes = [
        rich(bold(f"{m['title']}. "), " ".join(str(n) for n in m["notes"]))
        for m in t.methods
        if m.get("notes")
    ]
    if any(m["status"] == "ok" for m in t.methods):
        out.append(_methods(t))
    if notes:
        out.append(Bullets(tuple(notes), "Remarks of the remedies", columns=1 + (len(notes) > 2)))
    return out


KINDS = {
    "retrain": "fits a new model",
    "tune": "changes the model",
    "postprocess": "changes decisions, keeps the model",
    "transport": "changes inputs, keeps the model",
    "abstain": "sends some people to a person",
    "diagnose": "describes",
}


def _methods(t: Tradeoff) -> Table:
    columns = [
        Column("Remedy", "start", 1.6),
        Column("What it does", "start", 3.6),
        Column("Kind", "start", 1.6),
        Column(f"Uses {t.protect}", "start", 1.0),
        Column("Settings", "start", 0.8),
    ]
    rows = []
    for method in t.methods:
        if method["status"] != "ok":
            continue
        uses = any(p.get("uses_group") for p in method["points"])
        n = len(method["points"])
        rows.append(
            (
                Cell(phrases.short(str(method["title"]))),
                Cell(str(method["text"]), str(method.get("source") or "")),
                Cell(KINDS.get(str(method["kind"]), "")),
                Cell("when deciding" if uses else "no"),
                Cell(plural(n, "setting") if n else "none found"),
            )
        )
    return Table(
        title="Remedies tried",
        anchor="trade-off-remedies",
        columns=share(columns),
        rows=tuple(rows),
        foot=(_rows(t),),
        dense=True,
        stacked=True,
        printed=False,
    )


def _rows(t: Tradeoff) -> str:
    rows = t.doc["rows"]
    text = (
        f"Fitted on {rows['train']:,} rows, settings chosen on {rows['valid']:,}, measured on "
        f"{rows['audit']:,} that no remedy saw."
    )
    if rows.get("unused"):
        text += f" {rows['unused']:,} rows are in none of these."
    return text


def best_card(facts: Facts) -> Stat | None:
    """The card of the answer page: the smallest gap that costs at most a point of accuracy."""
    t = tradeoff(facts)
    best = None if t is None else t.cheap
    if t is None or best is None:
        return None
    gap = best.point["disparity"]
    between = "" if gap.get("low") is None else span(gap["low"], gap["high"], 1, signed=False)
    price = tradeoff_words.accuracy_change(best)
    column = str(t.doc["protect"])
    name = phrases.lower_first(facts.titles.get(column, column))
    return Stat(
        _("Least gap by {name} within {loss} point of accuracy").format(
            name=name, loss=limit(LOSS)
        ),
        size(gap["value"], 1),
        _("points"),
        _("95% {interval}; {price}").format(interval=between, price=_price(price)),
        _("95%: {interval}").format(interval=between),
    )


def _price(found: dict[str, float] | None) -> str:
    if found is None:
        return _("accuracy was not compared")
    if not apart_from_zero(found):
        return _("no measurable cost")
    low, high = abs(found["low"]), abs(found["high"])
    text = (
        _("costs {amount} ({interval})") if found["diff"] < 0 else _("gains {amount} ({interval})")
    )
    return text.format(amount=size(found["diff"], 1), interval=tradeoff_words.within(low, high))


def finding(facts: Facts) -> Finding | None:
    """What the recommended setting does, as a finding without a verdict."""
    t = tradeoff(facts)
    best = None if t is None else t.recommended
    if t is None or best is None or not t.kept:
        return None
    if apart_from_zero((best.point.get("change") or {}).get("disparity")) >= 0:
        return None
    text = tradeoff_words.effect(t, best)[:-1]
    return Finding((Run("Setting "), *text), _detail(t, best), "")


def _detail(t: Tradeoff, best: Setting) -> str:
    gap = best.point["disparity"]
    bits = [f"Largest gap {size(value(best.point, 'disparity') or 0.0, 1)} points"]
    if gap.get("low") is not None:
        bits[0] += f" ({span(gap['low'], gap['high'], 1, signed=False)})"
    people = tradeoff_words.moved(best).strip().rstrip(".")
    return ", ".join([*bits, f"{t.doc['rows']['audit']:,} held-out rows"]) + f". {people}."


def recommended(facts: Facts) -> str:
    """The name of the recommended setting, empty where there is none."""
    t = tradeoff(facts)
    best = None if t is None else t.recommended
    return "" if best is None else best.name


def next_step(facts: Facts) -> Rich | None:
    """The recommended setting as the one next step of a report, where one keeps the limit."""
    t = tradeoff(facts)
    best = None if t is None else t.recommended
    if t is None or best is None or not t.kept:
        return None
    if apart_from_zero((best.point.get("change") or {}).get("disparity")) >= 0:
        return None
    price = tradeoff_words.cost(best)
    return rich(
        f"Consider setting {tradeoff_words.setting_name(best)}: it",
        *tradeoff_words.gap_effect(t, best),
        *((Run(" and "), *price) if price else ()),
        ". Test it on new rows before using it.",
    )
