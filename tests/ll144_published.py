"""Published bias audits of Local Law 144, recomputed where their counts allow."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from metrics.impact import Category, table

UNKNOWN = "Missing/Unknown"
#: Decimals that a spreadsheet's binary tails leave of a number such as 0.4270000000000001.
TAIL = 9


@dataclass(frozen=True)
class Published:
    """A row of a published table: category, counts, printed rate and printed ratio."""

    race: str
    sex: str
    people: Fraction | None
    selected: Fraction | None
    rate: tuple[Fraction, Fraction] | None
    ratio: tuple[Fraction, Fraction] | None

    @property
    def whole(self) -> bool:
        """Whether both counts are counts: others were derived from a rounded rate."""
        n, x = self.people, self.selected
        return n is not None and x is not None and n > 0 and n.denominator == x.denominator == 1


def _number(text: str) -> Fraction | None:
    return None if text in ("NA", "") else Fraction(text)


def _printed(text: str) -> tuple[Fraction, Fraction] | None:
    """A printed number and half of its last decimal, of two decimals at least."""
    if text in ("NA", ""):
        return None
    digits = len(text.partition(".")[2])
    if digits > TAIL:
        text = f"{float(text):.6f}".rstrip("0")
        digits = len(text.partition(".")[2])
    return Fraction(text), Fraction(1, 2 * 10 ** max(digits, 2))


def published(folder: Path) -> dict[tuple[str, ...], list[Published]]:
    """Every table of every audit: rows by audit, kind, rate and position."""
    found: dict[tuple[str, ...], list[Published]] = defaultdict(list)
    with (folder / "ll144-audit-results" / "audits_full.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if UNKNOWN in (row["race_ethnicity"], row["sex"]):
                continue
            key = tuple(
                row[name]
                for name in (
                    "audit_id", "protected_char_group", "selection_or_scoring_rate", "position",
                )
            )  # fmt: skip
            found[key].append(
                Published(
                    row["race_ethnicity"],
                    row["sex"],
                    _number(row["number_of_applications"]),
                    _number(row["n_selected_or_n_above_median"]),
                    _printed(row["result"]),
                    _printed(row["impact_ratio"]),
                )
            )
    return dict(found)


def near(value: Fraction, printed: tuple[Fraction, Fraction]) -> bool:
    return abs(value - printed[0]) <= printed[1]


def compare_rates(tables: Iterable[list[Published]]) -> Counter[str]:
    """How many printed rates are those of their whole counts."""
    said: Counter[str] = Counter()
    for row in (row for rows in tables for row in rows):
        if row.whole and row.rate is not None:
            assert row.selected is not None and row.people is not None
            said["same" if near(row.selected / row.people, row.rate) else "other"] += 1
    return said


def compare_ratios(tables: Iterable[list[Published]]) -> Counter[str]:
    """How each printed ratio comes about, the strictest explanation first."""
    said: Counter[str] = Counter()
    for rows in tables:
        shown = [row for row in rows if row.ratio is not None]
        exact = _exact(shown) if all(row.whole for row in shown) else [None] * len(shown)
        for row, value in zip(shown, exact, strict=True):
            said[_how(row, shown, value, counted=all(r.whole for r in shown))] += 1
    return said


def _exact(rows: list[Published]) -> list[Fraction | None]:
    made = table(
        [Category((str(i),), int(r.selected or 0), int(r.people or 0)) for i, r in enumerate(rows)]
    )
    ratios = [row["ratio"] for row in made["rows"]]
    return [
        None if r["value"] is None else Fraction(r["numerator"], r["denominator"]) for r in ratios
    ]


def _how(row: Published, rows: list[Published], exact: Fraction | None, *, counted: bool) -> str:
    assert row.ratio is not None
    if exact is not None and near(exact, row.ratio):
        return "same from counts"
    if row.rate is None:
        return "no rate printed"
    if _quotient(row, rows):
        return "counts differ, printed rates agree" if counted else "same from printed rates"
    if _quotient(row, [r for r in rows if r.sex == row.sex]):
        return "highest of the same sex"
    if _quotient(row, [r for r in rows if r.race == row.race]):
        return "highest of the same race"
    ones = [r for r in rows if r.ratio is not None and r.ratio[0] == 1]
    if any(_quotient(row, [other]) for other in ones):
        return "another category as denominator"
    return "no denominator found"


def _quotient(row: Published, among: list[Published]) -> bool:
    """Whether the ratio can be the rate over the highest of some rates before rounding."""
    assert row.rate is not None and row.ratio is not None
    rates = [other.rate for other in among if other.rate is not None]
    if not rates:
        return False
    (best, slack), (rate, own) = max(rates), row.rate
    if best <= slack:
        return False
    low, high = (rate - own) / (best + slack), (rate + own) / (best - slack)
    return low - row.ratio[1] <= row.ratio[0] <= high + row.ratio[1]
