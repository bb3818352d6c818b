"""The tables of Local Law 144: exactly the columns of the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from auditapp.reports import tables
from auditapp.reports.blocks import Cell, Column, Table
from auditapp.reports.numbers import count, decimal, listing, plural, text

Row = Mapping[str, Any]

NAMES = {
    "sex": "Sex",
    "race": "Race and ethnicity",
    "intersectional": "Intersectional",
    "other-sex": "Other categories of sex",
    "other-race": "Other categories of race and ethnicity",
}
UNDEFINED = {
    "no-applicants": "no applicants",
    "nobody-selected": "nobody selected",
    "left-out": "left out",
}


def number(printed: str) -> str:
    """A decimal that was rounded from an exact fraction, with the signs of the report."""
    value = Decimal(printed)
    return text(value, max(0, -int(value.as_tuple().exponent)), sign=False)


def name_of(row: Row) -> str:
    """A category in one line: `Not Hispanic or Latino, Male, Asian`."""
    return ", ".join(part for part in row["names"] if part)


def people_of(row: Row) -> str:
    return plural(row["rate"]["denominator"], "applicant")


def rate_of(row: Row) -> str:
    rate = row["rate"]
    return _missing(rate) if rate["printed"] is None else f"{number(rate['printed'])}%"


def _missing(item: Row, *, score: bool = False) -> str:
    if score and item["undefined"] == "nobody-selected":
        return "nobody counted"
    return UNDEFINED[item["undefined"]]


def by_score(annex: Row, made: Row) -> bool:
    """Whether a table counts people above the median; those of groups count who is placed."""
    return bool(annex["settings"]["mode"] == "score" and made["group"] is None)


def title(annex: Row, made: Row) -> str:
    """What stands over a table: its kind, and the group people were placed in."""
    name = str(made.get("title") or NAMES.get(made["kind"], made["kind"]))
    if made["kind"] == "intersectional" and annex["hispanic"] == "none":
        name += ", Hispanic or Latino origin not recorded"
    return name if made["group"] is None else f"{name}, placed in “{made['group']}”"


def table(annex: Row, place: int) -> Table:
    """A table of the annex, by its place in the document."""
    made = annex["tables"][place]
    score = by_score(annex, made)
    screen = bool(annex["settings"]["screen"])
    heads = _heads(annex, made)
    columns = [*heads, Column("# of applicants", share=1.35)]
    columns += [] if score else [Column("# selected", share=1.05)]
    columns += [
        Column("Scoring rate" if score else "Selection rate", share=1.25),
        Column("Impact ratio", share=1.2 if screen else 1.1),
    ]
    columns += (
        [Column("Four-fifths screen", share=1.7 if len(heads) == 1 else 1.25)] if screen else []
    )
    return Table(
        title=title(annex, made),
        anchor=f"annex-ll144-{place + 1}",
        columns=tables.share(columns),
        rows=tuple(_row(row, score=score, screen=screen) for row in made["rows"]),
        foot=tuple(line for line in (_lowest(made), _against(made)) if line),
        roomy=True,
        dense=made["kind"] == "intersectional",
    )


def _heads(annex: Row, made: Row) -> list[Column]:
    if made["kind"] != "intersectional":
        return [Column("Category", "start", 3.6)]
    origin = [Column("Ethnicity", "start", 1.95)] if annex["hispanic"] != "none" else []
    made_of = [*origin, Column("Sex", "start", 0.75), Column("Race", "start", 3.15)]
    wide = 1.1 if len(made_of) > 2 and annex["settings"]["screen"] else 1.0
    return [replace(column, share=column.share * wide) for column in made_of]


def _row(row: Row, *, score: bool, screen: bool) -> tuple[Cell, ...]:
    rate, ratio = row["rate"], row["ratio"]
    names = [Cell(part or "any race", soft=not part) for part in row["names"]]
    cells = [Cell(count(rate["denominator"]))]
    if not score:
        cells.append(Cell(count(rate["numerator"])))
    cells.append(
        Cell(_missing(rate), soft=True) if rate["printed"] is None else Cell(rate_of(row))
    )
    cells.append(
        Cell(_missing(ratio, score=score), soft=True)
        if ratio["printed"] is None
        else Cell(number(ratio["printed"]))
    )
    if screen:
        below = ratio["below"]
        words = "" if below is None else "under" if below else "not under"
        cells.append(Cell(words, soft=not below))
    return (*names, *cells)


def _lowest(made: Row) -> str:
    """The lowest ratio with its interval: the one number here that will be quoted."""
    known = [r for r in made["rows"] if r["ratio"]["value"] is not None]
    rest = [r for r in known if r["ratio"]["low"] is not None]
    if not rest or len(known) < 2:
        return ""
    low = min(rest, key=lambda r: r["ratio"]["value"])
    ratio = low["ratio"]
    return (
        f"Lowest: {name_of(low)}, {number(ratio['printed'])} (95% "
        f"{decimal(ratio['low'])} to {decimal(ratio['high'])})."
    )


def _against(made: Row) -> str:
    if not made["kind"].startswith("other-") or not made["highest"]:
        return ""
    best = listing([", ".join(part for part in names if part) for names in made["highest"]])
    return (
        "Not among the categories of the rule. Held against the highest rate of those that are "
        f"({best}), so a ratio here may exceed 1."
    )
