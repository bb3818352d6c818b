"""Which columns hold sex, race and origin, and which category of EEO-1 each person is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import groups
from auditapp.datasets.codes import CODES
from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from auditapp.regulatory import eeo

Codes = NDArray[np.int32]
Reader = Callable[[str], str]

_RACE_NAMES = re.compile(r"race|ethnic", re.I)
_SEX_NAMES = re.compile(r"(^|[^a-z])(sex|gender)([^a-z]|$)", re.I)
_ORIGIN_NAMES = frozenset({"hisp", "hispanic", "ethnicity", "hispanic or latino", "latino"})
_READERS: dict[str, Reader] = {"sex": eeo.sex, "race": eeo.race, "ethnicity": eeo.ethnicity}


@dataclass(frozen=True)
class Column:
    """A column of groups of the measured rows: words, and the position of each row's word."""

    name: str
    words: tuple[str, ...]
    codes: Codes

    def read(self, reader: Reader) -> list[str]:
        """The category of each word."""
        return [reader(word) for word in self.words]


@dataclass(frozen=True)
class Coded:
    """The category of each person: a position in `names`, -1 for unknown.

    The first `listed` names are categories of the rule, the others stand in a further table.
    """

    names: tuple[str, ...]
    listed: int
    codes: Codes


@dataclass(frozen=True)
class People:
    """Everybody by sex and by race and ethnicity; None where no column says it.

    `hispanic` says where origin is recorded: ``column``, ``race`` or ``none``. `columns` are the
    names used, `open` what the columns leave unanswered.
    """

    sex: Coded | None
    race: Coded | None
    hispanic: str
    columns: Mapping[str, str | None]
    open: list[dict[str, str]] = field(default_factory=list)


def people(audited: Audited, settings: Mapping[str, Any]) -> People:
    """Read the columns of sex, race and origin that were named, or find them.

    Raises
    ------
    AuditError
        A column that was named cannot serve; ``bad-category`` for an answer that names none.
    """
    readers = readers_of(settings)
    sex = _named(audited, settings["sex_column"]) or _sex(audited, readers["sex"])
    race = _named(audited, settings["race_column"]) or _race(audited, readers["race"])
    origin = _named(audited, settings["ethnicity_column"])
    in_race = race is not None and eeo.HISPANIC in race.read(readers["race"])
    if origin is None and not in_race:
        origin = _origin(audited, readers["ethnicity"], race)
    problems: list[dict[str, str]] = []
    _recognised(sex, readers["sex"], "sex", problems)
    _recognised(race, readers["race"], "race", problems)
    coded = None
    if race is not None:
        coded = _races(race, readers["race"], origin, readers["ethnicity"], problems)
    return People(
        sex=None if sex is None else _coded(sex.words, sex.read(readers["sex"]), sex.codes,
                                            eeo.SEXES),
        race=coded,
        hispanic="column" if origin is not None else "race" if in_race else "none",
        columns={kind: None if column is None else column.name
                 for kind, column in (("sex", sex), ("race", race), ("ethnicity", origin))},
        open=problems,
    )  # fmt: skip


def readers_of(settings: Mapping[str, Any]) -> dict[str, Reader]:
    """How words of each kind of column are read, with what the auditor says of them.

    Raises
    ------
    AuditError
        ``bad-category``.
    """
    mapped = _mapping(settings.get("categories") or [])
    return {kind: _with(mapped[kind], reader) for kind, reader in _READERS.items()}


def _mapping(lines: Sequence[str]) -> dict[str, dict[str, str]]:
    """Answers `value = category` for each kind of column."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in _READERS}
    for line in lines:
        value, equals, wanted = line.rpartition("=")
        word = eeo.folded(wanted)
        if not equals or not word:
            raise _bad(line)
        special = {"other": eeo.OTHER, "unknown": eeo.UNKNOWN}.get(word)
        read = {kind: special or reader(wanted) for kind, reader in _READERS.items()}
        if special is None and not set(read.values()) - {eeo.OTHER, eeo.UNKNOWN}:
            raise _bad(line)
        for kind, category in read.items():
            if special is not None or category not in (eeo.OTHER, eeo.UNKNOWN):
                found[kind][value.strip().casefold()] = category
    return found


def _bad(line: str) -> AuditError:
    return AuditError(
        "bad-category",
        f"“{line[:80]}” does not say which category a value is.",
        f"Write value = category, with one of: {', '.join((*eeo.SEXES, *eeo.RACES))}, "
        f"{eeo.NOT_HISPANIC}, other, unknown.",
        where="templates",
    )


def _with(mapped: Mapping[str, str], reader: Reader) -> Reader:
    return lambda word: mapped.get(word.strip().casefold()) or reader(word)


def column(audited: Audited, name: str) -> Column:
    """A column of the measured rows, with the plan's words or those of a known code list.

    Raises
    ------
    AuditError
        As `auditapp.datasets.groups.attribute`.
    """
    for attribute in audited.attributes:
        if attribute.name == name:
            return Column(name, attribute.levels, np.asarray(attribute.codes, dtype=np.int32))
    spec = next((s for s in (audited.plan.site, audited.plan.control) if s and s.column == name),
                None)  # fmt: skip
    words = CODES.get(name, {})
    if words and not set(audited.table.codes(name)[0]) <= set(words):
        words = {}
    wanted = asdict(spec) if spec is not None else {"column": name, "words": words}
    levels, _, codes = groups.attribute(audited.table, wanted)
    return Column(name, tuple(levels), codes[audited.used])


def _named(audited: Audited, name: str) -> Column | None:
    return column(audited, name) if name else None


def _found(audited: Audited, reader: Reader, wanted: Sequence[str], least: int) -> Column | None:
    """The sensitive column with the most values of these categories."""
    best: tuple[int, Column] | None = None
    for attribute in audited.attributes:
        candidate = Column(attribute.name, attribute.levels, np.asarray(attribute.codes))
        hits = len(set(candidate.read(reader)) & set(wanted))
        if hits >= least and (best is None or hits > best[0]):
            best = hits, candidate
    return None if best is None else best[1]


def _sex(audited: Audited, reader: Reader) -> Column | None:
    """The column of both sexes, else the one of that name: a file may hold one sex only."""
    found = _found(audited, reader, eeo.SEXES, 2)
    return _called(audited, _SEX_NAMES) if found is None else found


def _race(audited: Audited, reader: Reader) -> Column | None:
    found = _found(audited, reader, eeo.RACES[1:], 2)
    return _called(audited, _RACE_NAMES) if found is None else found


def _called(audited: Audited, names: re.Pattern[str]) -> Column | None:
    """The first sensitive column whose name or title is one of these."""
    for attribute in audited.attributes:
        if names.search(attribute.name) or names.search(attribute.heading):
            return column(audited, attribute.name)
    return None


def _origin(audited: Audited, reader: Reader, race: Column | None) -> Column | None:
    """The sensitive column that tells Hispanic from not, else a column of that name."""
    taken = None if race is None else race.name
    for attribute in audited.attributes:
        candidate = column(audited, attribute.name)
        if attribute.name != taken and _tells(candidate, reader):
            return candidate
    for name in audited.table.names:
        if name != taken and " ".join(name.casefold().split("_")) in _ORIGIN_NAMES:
            try:
                candidate = column(audited, name)
            except AuditError:
                continue
            if _tells(candidate, reader):
                return candidate
    return None


def _tells(candidate: Column, reader: Reader) -> bool:
    """Whether words say both Hispanic and not Hispanic, not merely yes and no."""
    plain = {eeo.folded(word) for word in candidate.words}
    if plain <= {"yes", "no", "y", "n", "true", "false", "0", "1"}:
        return " ".join(candidate.name.casefold().split("_")) in _ORIGIN_NAMES
    return {eeo.HISPANIC, eeo.NOT_HISPANIC} <= set(candidate.read(reader))


def _recognised(
    found: Column | None, reader: Reader, kind: str, problems: list[dict[str, str]]
) -> None:
    if found is None:
        text = f"No column of {kind} was named or found, so its table is missing."
        problems.append({"code": f"no-{kind}-column", "text": text})
    elif set(found.read(reader)) <= {eeo.OTHER, eeo.UNKNOWN}:
        text = (
            f"No value of column “{found.name}” is recognised as a category of {kind}: say "
            "which is which."
        )
        problems.append({"code": f"unrecognised-{kind}", "text": text})


def _coded(
    words: Sequence[str], categories: Sequence[str], codes: Codes, listed: Sequence[str]
) -> Coded:
    """Codes of words as codes of categories; words of no category follow the listed ones."""
    others = [w for w, c in zip(words, categories, strict=True) if c not in (*listed, eeo.UNKNOWN)]
    names = (*listed, *dict.fromkeys(others))
    place = {name: i for i, name in enumerate(listed)}
    other = {word: len(listed) + i for i, word in enumerate(dict.fromkeys(others))}
    lookup = np.array(
        [-1 if c == eeo.UNKNOWN else place[c] if c in place else other[w]
         for w, c in zip(words, categories, strict=True)] + [-1],
        dtype=np.int32,
    )  # fmt: skip
    return Coded(names, len(listed), lookup[codes])


def _races(
    race: Column,
    reader: Reader,
    origin: Column | None,
    origins: Reader,
    problems: list[dict[str, str]],
) -> Coded:
    """Race and ethnicity as EEO-1 asks: Hispanic or Latino whatever the race, else the race."""
    coded = _coded(race.words, race.read(reader), race.codes, eeo.RACES)
    if origin is None:
        if eeo.HISPANIC not in race.read(reader):
            text = (
                "Hispanic or Latino origin is not recorded: neither the column of race nor "
                "another one says it."
            )
            problems.append({"code": "no-ethnicity", "text": text})
        return coded
    read = origin.read(origins)
    odd = [word for word, c in zip(origin.words, read, strict=True) if c == eeo.OTHER]
    if odd:
        text = (
            f"“{odd[0]}” in column “{origin.name}” says neither Hispanic or Latino nor not, "
            "and counts as unknown until you say which it is."
        )
        problems.append({"code": "unrecognised-ethnicity", "text": text})
    said = np.array([{eeo.HISPANIC: 1, eeo.NOT_HISPANIC: 0}.get(c, -1) for c in read] + [-1])
    known = said[origin.codes]
    codes = coded.codes.copy()
    codes[known < 0] = np.where(coded.codes[known < 0] == 0, 0, -1)
    codes[known == 1] = 0
    return Coded(coded.names, coded.listed, codes)
