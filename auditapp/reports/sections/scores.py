"""Section 6: how scores behave around and away from the threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import histogram_figures, phrases, score_figures, tables
from auditapp.reports.blocks import (
    Block,
    Cell,
    Column,
    Part,
    Prose,
    Section,
    Tab,
    Table,
    Tabs,
    bold,
    rich,
)
from auditapp.reports.facts import Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, decimal, p_value, signed
from auditapp.reports.score_scale import Scale
from auditapp.reports.words import reason

Row = dict[str, Any]

MAX_PRINTED = 1


def section(facts: Facts) -> Section | None:
    if not facts.doc.get("scores"):
        return None
    made = [part for part in (_part(facts, t) for t in facts.singles) if part is not None]
    if not made:
        return None
    head = (facts.headline_gap or {}).get("by")
    first = "" if head is None else f"scores-by-{facts.anchor({'by': head})}"
    order = sorted(made, key=lambda part: part.anchor != first)[:MAX_PRINTED]
    parts = [replace(part, printed=part in order) for part in made]
    tabs = Tabs(_("Attributes"), tuple(Tab(p.title, p.anchor) for p in parts), tuple(parts))
    scale = Scale.of(facts)
    lede = (
        _("Decisions were given; the scores beside them were not cut. ")
        if scale.given
        else _("The favourable decision is given to scores {rule}. ").format(rule=scale.rule)
    )
    lede += _(
        "Here is what other thresholds would do, whether a score means the same in "
        "every group, and how well it ranks people."
    )
    return Section("scores", _("Score behaviour"), (tabs,), rich(lede))


def _part(facts: Facts, table: Row) -> Part | None:
    made = (
        quality(facts, table),
        histogram_figures.histogram(facts, table),
        score_figures.sweep(facts, table),
        score_figures.calibration(facts, table),
    )
    blocks: list[Block] = [block for block in made if block is not None]
    if not blocks:
        return None
    why = (facts.doc["scores"].get("not_applicable") or {}).get("calibration")
    if why:
        text = rich(
            bold(_("Calibration and Brier score: not applicable. ")),
            _("They need a score that states a probability; here {why}.").format(why=reason(why)),
        )
        blocks.append(Prose(text, "note"))
    return Part(
        f"scores-by-{facts.anchor(table)}",
        facts.table_title(table),
        tuple(blocks),
    )


def _by_label(facts: Facts, name: str, table: Row) -> dict[str, Row]:
    items = facts.doc["scores"].get(name) or []
    return {
        phrases.label(i["group"]) or _("Everyone"): i
        for i in items
        if i["by"] in (table["by"], [])
    }


def quality(facts: Facts, table: Row) -> Table | None:
    """AUC, Brier score and calibration error by group, each beside what it needs to be read."""
    auc = _by_label(facts, "auc", table)
    gaps = _by_label(facts, "auc_gaps", table)
    brier = _by_label(facts, "brier", table)
    calibration = _by_label(facts, "calibration", table)
    sufficiency = _by_label(facts, "calibration_gaps", table)
    reference = phrases.label(table.get("reference") or {})
    names = [phrases.label(v["group"]) for v in facts.levels(table, "reference", "compared")]
    names = [n for n in (*names, _("Everyone")) if n in auc or n in calibration]
    if not names:
        return None
    columns = [
        Column(facts.table_title(table), "start", 2.0),
        Column(_("People"), share=0.9),
        Column(_("AUC"), share=1.5),
        Column(_("AUC difference"), share=1.6),
    ]
    probability = not (facts.doc["scores"].get("not_applicable") or {}).get("calibration")
    probability = probability and bool(facts.doc["scores"].get("calibration"))
    if probability:
        columns += [
            Column(_("Brier score"), share=1.5),
            Column(_("Calibration error"), share=1.5),
            Column(_("Calibration test"), share=1.1),
            Column(_("Same meaning test"), share=1.1),
        ]
    rows = []
    for name in names:
        item = auc.get(name) or calibration[name]
        cells = [
            Cell(name),
            Cell(count(item.get("n") or 0)),
            _number(auc.get(name)),
            Cell("") if name == _("Everyone") else _difference(gaps.get(name), name == reference),
        ]
        if probability:
            curve = calibration.get(name)
            cells += [_number(brier.get(name)), _error(curve), _test(curve)]
            cells.append(_same(name, reference, sufficiency.get(name)))
        rows.append(tuple(cells))
    return Table(
        title=_("How well scores rank and what they mean"),
        anchor=f"quality-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(
            _(
                "AUC: chance that a person with the favourable outcome has a more favourable "
                "score than one without."
            )
            + (
                _(
                    " By chance: the error of exact scores. Same meaning: whether equal scores "
                    "mean equal outcomes here and in the reference group."
                )
                if probability
                else ""
            ),
            _("95% intervals and tests, each on its own: no verdict is read off them."),
            *_survey(facts),
        ),
        stacked=True,
        dense=True,
    )


def _survey(facts: Facts) -> tuple[str, ...]:
    if not any(item.get("survey") for item in facts.doc["scores"].get("auc") or []):
        return ()
    return (
        _(
            "Weighted; intervals and tests from replicates of the weights. In groups under "
            "140 people, or 30 with either outcome, the error of people counted once is "
            "widened by the attribute's mean design effect."
        ),
    )


def _number(item: Row | None) -> Cell:
    if item is None or item.get("value") is None:
        return Cell(reason((item or {}).get("undefined")), soft=True)
    if item.get("low") is None:
        return Cell(reason(item.get("undefined")), soft=True)
    note = _("{low} to {high}").format(low=decimal(item["low"], 3), high=decimal(item["high"], 3))
    return Cell(decimal(item["value"], 3), note)


def _difference(item: Row | None, is_reference: bool) -> Cell:
    if is_reference:
        return Cell(_("reference"), soft=True)
    if item is None or item.get("value") is None:
        return Cell(_("not computed"), soft=True)
    low, high = signed(item["low"], 3), signed(item["high"], 3)
    return Cell(signed(item["value"], 3), _("{low} to {high}").format(low=low, high=high))


def _error(item: Row | None) -> Cell:
    if item is None or item.get("ece") is None:
        return Cell(reason((item or {}).get("undefined")), soft=True)
    null = item.get("ece_null")
    return Cell(
        decimal(item["ece"], 3),
        _("by chance {null}").format(null=decimal(null, 3)) if null is not None else "",
    )


def _same(name: str, reference: str, item: Row | None) -> Cell:
    """Sufficiency: the same calibration as in the reference group, tested by score bin."""
    if name == _("Everyone"):
        return Cell("")
    if name == reference:
        return Cell(_("reference"), soft=True)
    if item is None or item.get("p") is None:
        return Cell(_("not computed"), soft=True)
    return Cell(p_value(item["p"]))


def _test(item: Row | None) -> Cell:
    test = (item or {}).get("test")
    if not test:
        return Cell(_("not computed"), soft=True)
    return Cell(p_value(test["p"]))
