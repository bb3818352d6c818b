"""Recognise public-use microdata of the American Community Survey by file name and header."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from auditapp.datasets.pums_states import NUMBERS, POSTAL

Record = Literal["person", "housing"]

REPLICATES = 80
PERSON_WEIGHT, HOUSING_WEIGHT = "PWGTP", "WGTP"
HOUSEHOLD, PERSON, YEAR, STATE = "SERIALNO", "SPORDER", "YEAR", "ST"

_PERSON = frozenset({"SERIALNO", "AGEP", "PWGTP", "SEX", "RAC1P"})
_HOUSING = frozenset({"SERIALNO", "WGTP"})
_STATES = frozenset({"ST", "STATE"})
_MEMBER = re.compile(
    r"(?:psam_(?P<record>[ph])(?P<part>\d{2}|us[a-d])"
    r"|ss(?P<year>\d\d)(?P<early>[ph])(?P<state>[a-z]{2}|us[a-d]))\.csv$",
    re.IGNORECASE,
)
_ARCHIVE = re.compile(r"csv_(?P<record>[ph])(?P<state>[a-z]{2,3})\.zip$", re.IGNORECASE)
_FLAG = re.compile(r"F[A-Z0-9]+$")
_ODD_FLAGS = frozenset(
    {"FRACP", "FMILPP", "FMILSP", "FFODP", "FACCESSP", "FSMARTPHONP", "FSMXHP", "FSMXSP", "FTAXP"}
)
_SERIAL_YEAR = re.compile(r"(20\d\d)(?:HU|GQ|\d{9})")
_REPLICATE = {
    "PWGTP": re.compile(r"PWGTP([1-9]\d*)$", re.IGNORECASE),
    "WGTP": re.compile(r"WGTP([1-9]\d*)$", re.IGNORECASE),
}
FIRST_YEAR, LAST_YEAR = 2005, 2099

ADJUSTMENTS: dict[int, int] = {
    1007588: 2016,
    1013097: 2018,
    1042311: 2022,
    1019518: 2023,
}
"""ADJINC of the years whose dictionaries were at hand: names the year where nothing else does."""


@dataclass(frozen=True)
class Origin:
    """What a file's name and folder say: its record type, survey year, state and horizon."""

    record: Record | None = None
    year: int | None = None
    state: str | None = None
    horizon: str | None = None


def is_member(name: str) -> bool:
    """Whether a file is called as the Census calls its tables: psam_p06.csv, ss16pca.csv."""
    return _MEMBER.fullmatch(_last(name)) is not None


def is_archive(name: str) -> bool:
    """Whether a file is called as the Census calls its archives: csv_pca.zip."""
    return _ARCHIVE.fullmatch(_last(name)) is not None


def origin(name: str) -> Origin:
    """Return what a path says, such as ``2017/1-Year/psam_p06.csv``."""
    folders = PurePath(name.replace("\\", "/")).parts[:-1]
    horizon = next((part for part in folders if part in {"1-Year", "5-Year"}), None)
    years = [int(part) for part in folders if re.fullmatch(r"20\d\d", part)]
    year = years[-1] if years else None
    found = _MEMBER.fullmatch(_last(name))
    archive = _ARCHIVE.fullmatch(_last(name))
    if found is not None:
        early = found["year"]
        state = found["part"] if early is None else NUMBERS.get(found["state"].upper())
        return Origin(
            _record(found["record"] if early is None else found["early"]),
            year if early is None else 2000 + int(early),
            state if state in POSTAL else None,
            horizon,
        )
    if archive is not None:
        return Origin(
            _record(archive["record"]), year, NUMBERS.get(archive["state"].upper()), horizon
        )
    return Origin(None, year, None, horizon)


def record_of(names: Iterable[str]) -> Record | None:
    """Return which of the Census' two tables has such a header, or None.

    A table with columns of somebody's own beside the Census' (``above`` beside ``AGEP``) is an
    ordinary table: its names are the reader's and stay as they are.
    """
    written = [name.strip() for name in names]
    folded = {name.upper() for name in written}
    if not folded & _STATES or _has_own(written):
        return None
    if folded >= _PERSON:
        return "person"
    return "housing" if folded >= _HOUSING and "AGEP" not in folded else None


def weight_of(names: Iterable[str]) -> str | None:
    """Return the weight column among names, as it is written there."""
    folded = {name.upper(): name for name in names}
    for weight in (PERSON_WEIGHT, HOUSING_WEIGHT):
        if weight in folded:
            return folded[weight]
    return None


def replicates_of(names: Iterable[str], weight: str) -> dict[int, str]:
    """Return the replicate columns of a weight by their number, as they are written."""
    pattern = _REPLICATE.get(weight.upper())
    if pattern is None:
        return {}
    found = {int(match[1]): name for name in names if (match := pattern.fullmatch(name))}
    return dict(sorted(found.items()))


def is_replicate(name: str) -> bool:
    """Whether a column is called as a replicate weight."""
    return any(pattern.fullmatch(name) for pattern in _REPLICATE.values())


def flags(names: Iterable[str]) -> frozenset[str]:
    """Return the columns that only say whether an answer was filled in by the Census."""
    folded = {name.upper(): name for name in names}
    return frozenset(
        name
        for code, name in folded.items()
        if _FLAG.fullmatch(code)
        and (
            code in _ODD_FLAGS or (code[-1] in "PC" and bool({code[1:], code[1:-1]} & set(folded)))
        )
    )


def year_of_serial(serial: str) -> int | None:
    """Return the survey year a household number begins with, if it does."""
    found = _SERIAL_YEAR.match(serial)
    year = None if found is None else int(found[1])
    return year if year is not None and FIRST_YEAR <= year <= LAST_YEAR else None


def canonical(name: str) -> str:
    """Return a column's name as in the files of most years: capitals, ST for STATE."""
    code = name.strip().upper()
    return STATE if code == "STATE" else code


def _has_own(names: list[str]) -> bool:
    """Whether names in small letters stand among the Census' capitals, weights apart."""
    capitals = any(name in _PERSON | _HOUSING for name in names)
    return capitals and any(name != name.upper() and not is_replicate(name) for name in names)


def _record(letter: str) -> Record:
    return "person" if letter.lower() == "p" else "housing"


def _last(name: str) -> str:
    return PurePath(name.replace("\\", "/")).name
