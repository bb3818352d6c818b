"""Small categories that an auditor leaves out of impact ratios, each with a written reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditapp.regulatory import eeo
from metrics.impact import Category, is_small

SEPARATOR = "/"
Reader = Callable[[str], str]
Key = frozenset[str]


def key(names: Sequence[str]) -> Key:
    """A category by its parts, in any order; a race says by itself that origin is another."""
    parts = frozenset(name for name in names if name)
    return parts - {eeo.NOT_HISPANIC} if len(parts) > 1 else parts


def _part(word: str, readers: Mapping[str, Reader]) -> str:
    """The category that a word of the file stands for, as in the tables; else the word."""
    for kind, known in (("race", eeo.RACES), ("sex", eeo.SEXES), ("ethnicity", ())):
        found = readers[kind](word)
        if found in known or found == eeo.NOT_HISPANIC:
            return found
    return "" if eeo.folded(word) == "any race" else eeo.folded(word)


@dataclass(frozen=True)
class LeftOut:
    """Categories by their key with their reasons, "" where none is written."""

    wanted: Mapping[Key, str]
    written: Mapping[Key, str]

    @classmethod
    def read(
        cls, lines: Sequence[str], justification: str, readers: Mapping[str, Reader]
    ) -> LeftOut:
        """From answers such as `Asian`, `Female / Asian`, `F, Asian` or `Asian = why`.

        Words are read as those of the file are: `Hawaiian` is the category it counts in.
        """
        wanted: dict[Key, str] = {}
        written: dict[Key, str] = {}
        for line in lines:
            name, _, why = line.partition("=")
            parts = name.replace(",", SEPARATOR).split(SEPARATOR)
            found = key([_part(part, readers) for part in parts])
            wanted[found] = why.strip() or justification.strip()
            written[found] = name.strip()
        return cls(wanted, written)

    def _key(self, names: tuple[str, ...]) -> Key | None:
        """How this category was named, if it was."""
        found = key(names)
        return found if found in self.wanted else None

    def of(self, categories: Sequence[Category]) -> list[Category]:
        """The categories of a table, marked where they are small and were named."""
        base = sum(category.people for category in categories)
        return [
            replace(c, left_out=self._key(c.names) is not None and is_small(c.people, base))
            for c in categories
        ]

    def reason(self, names: tuple[str, ...]) -> str:
        """Why a category was left out."""
        found = self._key(names)
        return "" if found is None else self.wanted[found]

    def open(self, tables: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        """What keeps a report a draft: a name of no category, one not small, a missing reason."""
        seen: dict[Key, bool] = {}
        for made in tables:
            if made["kind"] not in ("sex", "race", "intersectional"):
                continue
            for row in made["rows"]:
                found = self._key(tuple(row["names"]))
                if found is not None:
                    seen[found] = seen.get(found, False) or bool(row["left_out"])
        problems = []
        for found, why in self.wanted.items():
            name = self.written[found]
            if found not in seen:
                text = f"“{name}” is to be left out of the ratios and is no category of a table."
                problems.append({"code": "unknown-category", "text": text})
            elif not seen[found]:
                text = f"“{name}” holds 2% or more of its table and stays in the ratios."
                problems.append({"code": "not-small", "text": text})
            elif not why:
                text = f"“{name}” is left out of the ratios without a written justification."
                problems.append({"code": "no-justification", "text": text})
        return problems
