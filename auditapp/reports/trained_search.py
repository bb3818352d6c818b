"""The search for what to fine-tune: equal budgets, the gain over the best baseline, the trials."""

from __future__ import annotations

from typing import Any

from auditapp.reports.blocks import Block, Cell, Column, Notice, Prose, Rich, Table, bold, rich
from auditapp.reports.numbers import MINUS, count, decimal, plural, upper_first
from auditapp.reports.tables import share
from auditapp.reports.trained_facts import caption, levels_down, number, rows_of, words

Row = dict[str, Any]

PRINTED = 6
MOST_ROWS = 120
DIGITS = 3
NO_GAIN = "No evidence of gain"
STATES = {
    "complete": "finished",
    "pruned": "stopped early",
    "fail": "failed",
    "failed": "failed",
    "running": "not finished",
    "waiting": "not started",
}
KINDS = {
    "anchor": "fixed start",
    "search": "search",
    "rerank": "trained again",
    "final": "final",
    "baseline": "baseline",
}


def blocks(method: Row) -> list[Block]:
    """Everything on the search that a method stored."""
    out: list[Block] = []
    said = gain(method)
    if said:
        out.append(Prose(said))
    if levels_down(method):
        out.append(Notice(LEVELLING, "check"))
    tables = (_arms, _groups, _rerank, _importance, _trials)
    out += [made for make in tables if (made := make(method)) is not None]
    return out


LEVELLING: Rich = rich(
    bold("Levelling down. "),
    "The gap between the groups is smaller because every group is told apart worse than under "
    "the baseline. Nobody gains by it.",
)


def objective(method: Row) -> str:
    """What the search raised, in a sentence."""
    rows = [*rows_of(method, "gain"), *rows_of(method, "arms")]
    found = next((words(r, k) for r in rows for k in ("metric", "objective") if words(r, k)), "")
    return found or "lowest AUC of a group"


def searched(method: Row) -> str:
    """What the search raised on validation rows: not always what is measured in the end."""
    rows = rows_of(method, "trials")
    return next((found for r in rows if (found := words(r, "metric"))), objective(method))


def _signed(value: float) -> str:
    text = decimal(abs(value), DIGITS)
    return text if float(text) == 0 else f"{MINUS if value < 0 else '+'}{text}"


def gain(method: Row) -> Rich:
    """Gain over the best baseline: shown only where its interval leaves out zero."""
    row = next(iter(rows_of(method, "gain")), None)
    diff = None if row is None else number(row, "diff")
    if row is None or diff is None:
        return ()
    low, high = number(row, "low"), number(row, "high")
    against = words(row, "baseline") or "the best baseline"
    what = f"Against the best baseline, {lower(against)}, the {objective(method)} changes by "
    change = f"{_signed(diff)}"
    if low is None or high is None:
        return rich(bold(f"{NO_GAIN}. "), what, change, "; the change has no interval.")
    between = f" (95%: {_signed(low)} to {_signed(high)})"
    if row.get("evidence") is False or low <= 0.0 <= high:
        return rich(
            bold(f"{NO_GAIN}. "), what, change, between,
            ": the interval holds 0, so the search is not shown to be worth its trainings.",
        )  # fmt: skip
    if high < 0:
        return rich(what, bold(change), between, ": the baseline is better.")
    return rich(what, bold(change), between, ".")


def lower(text: str) -> str:
    """A name inside a sentence."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _three(row: Row, key: str, *, strong: bool = False) -> Cell:
    found = number(row, key)
    if found is None:
        return Cell("not computed", soft=True)
    return Cell(decimal(found, DIGITS), strong=strong)


def _arms(method: Row) -> Table | None:
    rows = rows_of(method, "arms")
    if not rows:
        return None
    columns = [
        Column("What trains", "start", 2.4),
        Column("Trainings"),
        Column("Mean"),
        Column("SD between seeds"),
        Column("Worst seed"),
    ]
    body = [
        (
            Cell(words(r, "arm")),
            Cell("" if number(r, "trainings") is None else count(number(r, "trainings") or 0)),
            _three(r, "mean", strong=True),
            _three(r, "sd"),
            _three(r, "worst"),
        )
        for r in rows[:MOST_ROWS]
    ]
    return Table(
        title="What the search is held against",
        anchor=f"{method['slug']}-arms",
        columns=share(columns),
        rows=tuple(body),
        foot=(
            f"{upper_first(objective(method))}, of fresh trainings of the configuration that "
            "each arm chose. SD and worst: what another seed may bring. A network that is kept "
            "out of several trainings is called a selected checkpoint: its numbers are its own, "
            "the mean is what to expect.",
            _budget(rows),
            caption(method, "arms"),
        ),
        dense=True,
        stacked=True,
    )


def _budget(rows: list[Row]) -> str:
    """Whether the budget was in fact equal."""
    many = {int(found) for r in rows if (found := number(r, "trainings"))}
    if len(many) == 1:
        return f"Each was given {plural(many.pop(), 'training')}."
    return "" if not many else "The numbers of trainings differ: read the table with that in mind."


def _groups(method: Row) -> Table | None:
    rows = [r for r in rows_of(method, "groups") if words(r, "group")]
    if not rows:
        return None
    arms = any(words(r, "arm") for r in rows)
    before = any(number(r, "auc_before") is not None for r in rows)
    columns = [
        *([Column("What trains", "start", 1.8)] if arms else []),
        Column("Group", "start", 1.8),
        Column("People", share=0.8),
        *([Column("AUC before", share=1.3)] if before else []),
        Column("AUC", share=1.3),
    ]
    body = []
    for row in rows[:MOST_ROWS]:
        n = number(row, "n")
        low, high = number(row, "low"), number(row, "high")
        note = "" if low is None or high is None else f"{decimal(low, 3)} to {decimal(high, 3)}"
        auc = _three(row, "auc", strong=True)
        body.append(
            (
                *([Cell(words(row, "arm"))] if arms else []),
                Cell(words(row, "group")),
                Cell("" if n is None else count(n)),
                *([_three(row, "auc_before")] if before else []),
                Cell(auc.text, note, strong=auc.strong, soft=auc.soft),
            )
        )
    return Table(
        title="Every group",
        anchor=f"{method['slug']}-groups",
        columns=share(columns),
        rows=tuple(body),
        foot=(
            "AUC: chance that a person of the group with the favourable outcome scores above one "
            "without. Intervals: 95%.",
            caption(method, "groups"),
        ),
        dense=True,
        stacked=True,
        **_short(len(body)),
    )


def _rerank(method: Row) -> Table | None:
    rows = rows_of(method, "rerank")
    if not rows:
        return None
    columns = [Column("Configuration", "start", 3.0), Column("Seeds", share=0.7)]
    columns += [Column("Mean"), Column("SD"), Column("Worst")]
    body = []
    for row in rows[:MOST_ROWS]:
        seeds = number(row, "seeds")
        name = words(row, "configuration") or words(row, "mask") or words(row, "number")
        body.append(
            (
                Cell(name),
                Cell("" if seeds is None else count(seeds)),
                _three(row, "mean", strong=True),
                _three(row, "sd"),
                _three(row, "worst"),
            )
        )
    return Table(
        title="The best of the search, trained again",
        anchor=f"{method['slug']}-rerank",
        columns=share(columns),
        rows=tuple(body),
        foot=(
            "The best of many trials is partly lucky. Each is trained again with fresh seeds, "
            "and the one with the best mean is kept.",
            caption(method, "rerank"),
        ),
        dense=True,
        stacked=True,
        printed=False,
    )


def _importance(method: Row) -> Table | None:
    rows = [r for r in rows_of(method, "importance") if number(r, "effect") is not None]
    if not rows:
        return None
    rows.sort(key=lambda r: -abs(number(r, "effect") or 0.0))
    columns = [Column("Part of the network", "start", 3.0), Column("Effect of training it")]
    body = [
        (Cell(words(r, "group")), Cell(_signed(number(r, "effect") or 0.0)))
        for r in rows[:MOST_ROWS]
    ]
    return Table(
        title="Which parts mattered",
        anchor=f"{method['slug']}-importance",
        columns=share(columns),
        rows=tuple(body),
        foot=(
            f"{upper_first(searched(method))} of trials that trained the part, less that of "
            "trials that did not. Trials differ in other ways too: a hint, not a finding.",
            caption(method, "importance"),
        ),
        dense=True,
        printed=False,
    )


def _trials(method: Row) -> Table | None:
    rows = rows_of(method, "trials")
    if not rows:
        return None
    columns = [
        Column("Trial", "start", 0.6),
        Column("Kind", "start", 1.0),
        Column("What trains", "start", 3.0),
        Column("Learning rate", share=0.9),
        Column("Epochs", share=0.7),
        Column("State", "start", 1.0),
        Column("Objective"),
    ]
    body = []
    for row in rows[:MOST_ROWS]:
        rate, epochs = number(row, "lr"), number(row, "epochs")
        kind, state = words(row, "kind"), words(row, "state")
        value = number(row, "value")
        body.append(
            (
                Cell(words(row, "number")),
                Cell(KINDS.get(kind.lower(), kind)),
                Cell(words(row, "mask")),
                Cell("" if rate is None else f"{rate:.2g}"),
                Cell("" if epochs is None else count(epochs)),
                Cell(STATES.get(state.lower(), state)),
                Cell("none", soft=True) if value is None else Cell(decimal(value, DIGITS)),
            )
        )
    foot = f"Objective: {searched(method)} on validation rows, of one training each."
    if len(rows) > MOST_ROWS:
        foot += f" The first {count(MOST_ROWS)} of {count(len(rows))}."
    return Table(
        title="Every trial of the search",
        anchor=f"{method['slug']}-trials",
        columns=share(columns),
        rows=tuple(body),
        foot=(foot, caption(method, "trials")),
        dense=True,
        stacked=True,
        **_short(len(body)),
    )


def _short(n: int) -> dict[str, Any]:
    """How a table that is long is cut in print."""
    if n <= PRINTED:
        return {}
    more = n - PRINTED
    return {"print_rows": PRINTED, "print_more": f"{plural(more, 'further row')} on the page."}
