"""Gaps in parts of the people under trained remedies, beside what chance finds there."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Block, Cell, Column, Prose, Rich, Table, bold, rich
from auditapp.reports.numbers import count, percent, plural, size
from auditapp.reports.tables import share
from auditapp.reports.tradeoff_facts import Tradeoff
from auditapp.reports.tradeoff_words import within
from auditapp.reports.trained_facts import FORMS, caption, number, rows_of, words

Row = dict[str, Any]

PRINTED = 6
MOST_ROWS = 60
MOST_GAPS = 12
MOST_NAMED = 6

#: What rows of the audited decisions are called.
NOW = frozenset({"Now", "Audited decisions"})
#: Where parts come from, in words.
FAMILIES = {
    "declared": "declared parts",
    "bins": "declared parts",
    "quantile": "ranges of a column",
    "quantiles": "ranges of a column",
    "tree": "parts found by a tree",
    "random": "parts at random",
}


def blocks(t: Tradeoff, method: Row) -> list[Block]:
    """Everything on local gaps that a method stored."""
    out: list[Block] = []
    said = _statements(method)
    if said:
        out.append(Prose(said))
    for made in (_worst(method), _weights(t, method), _gaps(t, method)):
        if made is not None:
            out.append(made)
    return out


def family(row: Row) -> str:
    """Where a part comes from."""
    found = words(row, "family")
    return FAMILIES.get(found.lower(), found.lower() if found else "parts")


def setting(method: Row, row: Row) -> str:
    """The setting that a row is about, by its label, its point, or its form."""
    point = words(row, "point")
    if point in {"now", "audited"}:
        return "Now"
    labels = {str(p["id"]): str(p["label"]) for p in method.get("points") or ()}
    if point in labels:
        return phrases.short(labels[point])
    for key in ("label", "configuration"):
        if words(row, key):
            return words(row, key)
    form = words(row, "form") or point
    name = FORMS.get(form.lower(), form)
    parts = {"weight": number(row, "lambda"), "temperature": number(row, "tau")}
    told = [f"{word} {found:g}" for word, found in parts.items() if found]
    return ", ".join([name, *told]) if name else ""


def _key(row: Row) -> tuple[str, ...]:
    named = (words(row, key) for key in ("point", "label", "configuration", "form"))
    return (*named, words(row, "family").lower())


def _largest(method: Row) -> dict[tuple[str, ...], Row]:
    """The widest gap of every form and family, with its part and its interval."""
    out: dict[tuple[str, ...], Row] = {}
    for row in rows_of(method, "local-gaps"):
        found = number(row, "gap")
        held = out.get(_key(row))
        if found is not None and (held is None or abs(found) > abs(number(held, "gap") or 0.0)):
            out[_key(row)] = row
    return out


def nothing(row: Row) -> bool:
    """Whether shuffled groups show a worst gap as wide in one search of twenty."""
    worst, p95 = number(row, "worst"), number(row, "null_p95")
    return worst is not None and p95 is not None and worst <= p95


def _statements(method: Row) -> Rich:
    """What the worst gaps say, and which of them say nothing."""
    rows = [r for r in rows_of(method, "local-null") if number(r, "worst") is not None]
    rows = [r for r in rows if words(r, "family").lower() != "random"]
    known = [r for r in rows if number(r, "null_p95") is not None]
    if not known:
        return ()
    empty = [r for r in known if nothing(r)]
    least = min(known, key=lambda r: number(r, "null_p95") or 0.0)
    start = "The widest of many gaps is wide by chance alone. "
    if len(empty) == len(known):
        p95 = size(number(least, "null_p95") or 0.0, 1)
        return rich(
            start + f"With the groups shuffled inside each part it is {p95} points or more in "
            "one search of twenty, and no worst gap here exceeds what chance shows: ",
            bold("these worst gaps say nothing"),
            ", neither of the audited decisions nor of a remedy that seems to lower them.",
        )
    standing = [r for r in known if not nothing(r)]
    first = max(standing, key=lambda r: (number(r, "worst") or 0) - (number(r, "null_p95") or 0))
    text = f"{_named(method, first)} it is {size(number(first, 'worst') or 0.0, 1)} points, "
    text += "more than shuffled groups show in 95% of searches (under "
    text += f"{size(number(first, 'null_p95') or 0.0, 1)})."
    rest = ""
    if empty:
        many = plural(len(empty), "worst gap")
        verb = "lies" if len(empty) == 1 else "lie"
        says = "says" if len(empty) == 1 else "say"
        rest = f" {many} of {count(len(known))} {verb} below that 95% point and {says} nothing: "
        rest += "no remedy can be shown to be better there."
    return rich(start + text, rest)


def _named(method: Row, row: Row) -> str:
    """`For the plain network and declared parts` at the head of a clause."""
    name, where = setting(method, row), family(row)
    if name in NOW:
        return f"In {where} under the audited decisions"
    return f"In {where} under “{name}”" if name else f"In {where}"


def _worst(method: Row) -> Table | None:
    """The worst gap of every form and family beside its null."""
    rows = rows_of(method, "local-null")
    if not rows:
        return None
    found = _largest(method)
    several = len({setting(method, r) for r in rows}) > 1
    columns = [
        *([Column("Setting", "start", 1.7)] if several else []),
        Column("Sought in", "start", 1.6),
        Column("Widest in", "start", 2.6),
        Column("Worst gap, points", share=1.3),
        Column("By chance", share=1.2),
        Column("What it says", "start", 1.7),
    ]
    body = []
    for row in rows[:MOST_ROWS]:
        gap = found.get(_key(row)) or {}
        head = [Cell(setting(method, row))] if several else []
        body.append(
            (
                *head,
                Cell(family(row)),
                Cell(words(gap, "region") or words(row, "region")),
                _gap_cell(gap, number(row, "worst")),
                _chance(row),
                Cell("nothing", soft=True)
                if nothing(row)
                else Cell("more than chance" if _chance(row).text else ""),
            )
        )
    return Table(
        title="Worst local gaps beside chance",
        anchor=f"{method['slug']}-local-null",
        columns=share(columns),
        rows=tuple(body),
        foot=(
            "Worst gap: the widest among the parts of a kind, with the interval of that one part "
            "(95%). By chance: the worst gap when groups are shuffled inside each part, on "
            "average and in 95% of searches at most. A worst gap below that point says nothing. "
            "Parts at random show what parts without a meaning give.",
            caption(method, "local-null"),
        ),
        dense=True,
        stacked=True,
        **_short(len(body)),
    )


def _gap_cell(row: Row, worst: float | None) -> Cell:
    found = number(row, "gap") if worst is None else worst
    if found is None:
        return Cell("not computed", soft=True)
    low, high = number(row, "low"), number(row, "high")
    apart = abs(abs(number(row, "gap") or 0.0) - found) > 5e-4
    if low is None or high is None or apart:
        return Cell(size(found, 1), strong=True)
    return Cell(size(found, 1), within(low, high), strong=True)


def _chance(row: Row) -> Cell:
    mean, p95 = number(row, "null_mean"), number(row, "null_p95")
    if mean is None or p95 is None:
        return Cell("", soft=True)
    return Cell(size(mean, 1), f"under {size(p95, 1)}")


def _weights(t: Tradeoff, method: Row) -> Table | None:
    rows = rows_of(method, "weight-went")
    if not rows:
        return None
    several = len({setting(method, r) for r in rows}) > 1
    after = any(number(r, "gap_after") is not None for r in rows)
    ungrouped = not any(words(r, "group") for r in rows)
    columns = [
        *([Column("Setting", "start", 1.6)] if several else []),
        Column("Part of the people", "start", 3.2),
        *([] if ungrouped else [Column("Worse for", "start", 1.4)]),
        Column("Share of people"),
        Column("Share of weight"),
        Column("Estimated gap, points", share=1.1),
        *([Column("Afterwards", share=0.9)] if after else []),
    ]
    body = [
        (
            *([Cell(setting(method, r))] if several else []),
            Cell(words(r, "region")),
            *([] if ungrouped else [Cell(words(r, "group"))]),
            _share(r, "share"),
            _share(r, "weight", strong=True),
            estimated(r, "gap"),
            *([estimated(r, "gap_after")] if after else []),
        )
        for r in rows[:MOST_ROWS]
    ]
    return Table(
        title="Where the weight went",
        anchor=f"{method['slug']}-weight",
        columns=share(columns),
        rows=tuple(body),
        foot=(
            f"Parts that the remedy attended to most, on {_rows(t, method, 'weight-went')}. A "
            "share of weight above the share of people says that the part was pressed harder. "
            "The estimated gap is the remedy's own, without an interval: it steers training and "
            "decides nothing. Measured gaps are in the tables beside this one.",
            caption(method, "weight-went"),
        ),
        dense=True,
        stacked=True,
        **_short(len(body)),
    )


def estimated(row: Row, key: str) -> Cell:
    found = number(row, key)
    return Cell("", soft=True) if found is None else Cell(size(found, 1), soft=True)


def _share(row: Row, key: str, *, strong: bool = False) -> Cell:
    found = number(row, key)
    if found is None:
        return Cell("not computed", soft=True)
    return Cell(percent(found, 1) if found <= 1 else count(found), strong=strong)


def _rows(t: Tradeoff, method: Row, name: str) -> str:
    split = ((method.get("tables") or {}).get(name) or {}).get("split")
    if split == "audit":
        return "held-out rows"
    words_of = {"train": "training", "valid": "validation"}
    return f"{words_of.get(str(split), 'training')} rows"


def _gaps(t: Tradeoff, method: Row) -> Table | None:
    rows = rows_of(method, "local-gaps")
    if not rows:
        return None
    several = len({setting(method, r) for r in rows}) > 1
    columns = [
        *([Column("Setting", "start", 1.6)] if several else []),
        Column("Part of the people", "start", 3.0),
        Column("Sought in", "start", 1.5),
        Column("People", share=1.3),
        Column("Gap, points", share=1.4),
    ]
    body = [
        (
            *([Cell(setting(method, r))] if several else []),
            Cell(words(r, "region")),
            Cell(family(r)),
            _people(r),
            _local(r),
        )
        for r in sorted(rows, key=lambda r: -abs(number(r, "gap") or 0.0))[:MOST_GAPS]
    ]
    foot = f"Measured on {_rows(t, method, 'local-gaps')}, each interval on its own (95%)."
    if len(rows) > MOST_GAPS:
        foot += f" The {MOST_GAPS} widest of {count(len(rows))}; all are in result.json."
    return Table(
        title="Widest local gaps",
        anchor=f"{method['slug']}-local-gaps",
        columns=share(columns),
        rows=tuple(body),
        foot=(foot, caption(method, "local-gaps")),
        dense=True,
        stacked=True,
        printed=False,
    )


def _people(row: Row) -> Cell:
    """Counts of every compared group in the part."""
    group, other = words(row, "group"), words(row, "other")
    n, rest = number(row, "n"), number(row, "n_other")
    if n is not None and rest is not None:
        names = f"{group}, {other}" if group and other else ""
        return Cell(f"{count(n)} and {count(rest)}", names)
    if n is not None:
        return Cell(count(n), group)
    return Cell(words(row, "n") or words(row, "n_per_group"))


def _local(row: Row) -> Cell:
    found, low, high = (number(row, k) for k in ("gap", "low", "high"))
    if found is None:
        return Cell("not computed", soft=True)
    note = within(low, high) if low is not None and high is not None else ""
    return Cell(size(found, 1), note)


def _short(n: int) -> dict[str, Any]:
    """How a table that is long is cut in print."""
    if n <= PRINTED:
        return {}
    more = n - PRINTED
    return {"print_rows": PRINTED, "print_more": f"{plural(more, 'further row')} on the page."}
