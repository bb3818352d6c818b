"""The people of a group in a Spanish sentence: «las mujeres con raza «Blanca»».

The words of the file are quoted as they stand unless they are known to name people or ages; a
phrase always begins with its article, as the sentences of the catalogue expect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Values that name people by themselves, in the plural that follows their article.
PEOPLE = {
    "mujer": "las mujeres", "mujeres": "las mujeres", "hombre": "los hombres",
    "hombres": "los hombres", "niña": "las niñas", "niñas": "las niñas",
    "niño": "los niños", "niños": "los niños", "femenino": "las mujeres",
    "masculino": "los hombres",
}  # fmt: skip
AGE = re.compile(r"\b(edad|age|aged)\b", re.I)
BETWEEN = re.compile(r"^(\d[\d.,]*) (?:a|to) (\d[\d.,]*)$")
FROM = re.compile(r"^(\d[\d.,]*) (?:o más|y más|and over|and above|and older)$", re.I)
UNDER = re.compile(r"^(?:menos de|under|below) (\d[\d.,]*)$", re.I)
SHORT_WORD = re.compile(r"^[A-ZÁÉÍÓÚÑ][A-ZÁÉÍÓÚÑ0-9]")


def people(group: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """The people of a group, with their article."""
    from auditapp.reports.phrases import short

    start, aged, named_by = "", [], []
    for attribute, value in group.items():
        title, word = titles.get(attribute, attribute), short(value)
        noun = PEOPLE.get(word.lower())
        if noun and not start:
            start = noun
            continue
        years = _aged(word) if AGE.search(title) else ""
        if years:
            aged.append(years)
        else:
            named_by.append(f"{_lower(title)} «{word}»")
    parts = [start if start else "las personas", *aged]
    if named_by:
        parts.append(f"con {_joined(named_by)}")
    return " ".join(parts)


def _aged(word: str) -> str:
    for pattern, words in (
        (BETWEEN, "de {} a {} años"), (FROM, "de {} años o más"), (UNDER, "menores de {} años"),
    ):  # fmt: skip
        found = pattern.match(word)
        if found:
            return words.format(*found.groups())
    return f"de {word} años" if word.isdigit() else ""


def _joined(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} y {parts[-1]}"


def _lower(title: str) -> str:
    return title if SHORT_WORD.match(title) else title[:1].lower() + title[1:]
