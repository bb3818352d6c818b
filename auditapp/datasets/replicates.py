"""Replicate weights in a table: which columns belong to a weight, and whether all are there.

Pure and light: the web process calls it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.datasets import pums

Column = Mapping[str, Any]

FEWEST = 10
"""Numbered columns that are taken for replicate weights where no survey is recognised."""

_NUMBERED = re.compile(r"(.*?[^\d_])_?(\d{1,4})$")
_CALLED = re.compile(r"(rep|brr|jk).*(wt|wgt|weight)|(wt|wgt|weight).*(rep|brr|jk)|^w?brr$")
_CENSUS = frozenset({pums.PERSON_WEIGHT, pums.HOUSING_WEIGHT})
_METHODS = (("brr", "brr"), ("jk", "jackknife"), ("boot", "bootstrap"))


@dataclass(frozen=True)
class Family:
    """Columns of replicate weights, in the order of their numbers.

    ``expected`` is how many there have to be, ``why`` why they cannot be used, empty where they
    can.
    """

    prefix: str
    names: tuple[str, ...]
    expected: int
    why: str = ""

    @property
    def words(self) -> str:
        """80 replicate weights found: PWGTP1 to PWGTP80."""
        count, last = len(self.names), len(self.names) - 1
        span = f"{self.names[0]} to {self.names[last]}" if last else self.names[0]
        if not self.why:
            return f"{count:,} replicate weights found: {span}"
        return f"{count:,} of {self.expected:,} replicate weights found: {self.why}"

    @property
    def census(self) -> bool:
        """Whether they are those of the American Community Survey."""
        return self.prefix.upper() in _CENSUS

    @property
    def method(self) -> str:
        """How estimates with them make a variance, as far as their names say."""
        folded = self.prefix.lower()
        return next((method for part, method in _METHODS if part in folded), "sdr")


def families(columns: Sequence[Column], weight: str | None = None) -> list[Family]:
    """Every family of replicate weights; `weight` is a column that was said to be a weight."""
    numbered: dict[str, dict[int, Column]] = {}
    prefixes: dict[str, str] = {}
    for column in columns:
        found = _NUMBERED.fullmatch(str(column["name"]))
        if found is None:
            continue
        key = found[1].casefold()
        prefixes.setdefault(key, found[1])
        numbered.setdefault(key, {}).setdefault(int(found[2]), column)
    weights = set(_weights(columns))
    if weight is not None:
        weights.add(weight.casefold())
    return [
        _family(prefixes[key], members)
        for key, members in numbered.items()
        if key.upper() in _CENSUS
        or (len(members) >= FEWEST and (key in weights or _CALLED.search(key)))
    ]


def of_weight(columns: Sequence[Column], weight: str) -> Family | None:
    """The replicate weights that go with a weight: those called like it, else those of the table.

    The person weight of the Census does not go with replicates of the housing weight.
    """
    found = families(columns, weight)
    named = next((f for f in found if f.prefix.casefold() == weight.casefold()), None)
    if named is not None:
        return named
    others = [f for f in found if f.prefix.casefold() not in set(_weights(columns))]
    return others[0] if len(others) == 1 and not others[0].census else None


def suggested(profile: Mapping[str, Any]) -> dict[str, Any] | None:
    """The weight of a Census table with its replicates, as a draft keeps them."""
    weight = (profile.get("survey") or {}).get("weight")
    if weight is None:
        return None
    family = of_weight(profile["columns"], weight)
    names = family.names if family is not None and not family.why else ()
    return {"column": weight, "replicates": list(names), "method": "sdr"}


def _weights(columns: Sequence[Column]) -> Iterator[str]:
    """Names of the columns that seem to be weights."""
    for column in columns:
        name = str(column["name"])
        if column.get("guess") == "weight" or name.upper() in _CENSUS:
            yield name.casefold()


def _family(prefix: str, members: Mapping[int, Column]) -> Family:
    census = prefix.upper() in _CENSUS
    first, last = (1, pums.REPLICATES) if census else (min(members), max(members))
    names = tuple(str(members[i]["name"]) for i in sorted(members))
    expected = last - first + 1
    gone = [i for i in range(first, last + 1) if i not in members]
    if gone:
        more = f", and {len(gone) - 1:,} more" if len(gone) > 1 else ""
        verb = "is" if len(gone) == 1 else "are"
        return Family(prefix, names, expected, f"{prefix}{gone[0]}{more} {verb} missing")
    if len(members) > expected:
        return Family(prefix, names, expected, f"{names[expected]} is one too many")
    for column in members.values():
        if column["type"] not in {"integer", "number"}:
            return Family(prefix, names, expected, f"{column['name']} holds no numbers")
        if column["missing"]:
            rows = "1 row" if column["missing"] == 1 else f"{column['missing']:,} rows"
            return Family(prefix, names, expected, f"{column['name']} is blank in {rows}")
    return Family(prefix, names, expected)
