"""Small categories that an auditor leaves out of impact ratios, each with a written reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditapp.pipeline.annexes.eeo import folded
from metrics.impact import Category, is_small

SEPARATOR = "/"


def key(names: Sequence[str]) -> str:
    """A category as people write it: `female / asian`; where origin is plain it may be absent."""
    return SEPARATOR.join(folded(name) for name in names if name)


@dataclass(frozen=True)
class LeftOut:
    """Categories by their key with their reasons, "" where none is written."""

    wanted: Mapping[str, str]
    written: Mapping[str, str]

    @classmethod
    def read(cls, lines: Sequence[str], justification: str) -> LeftOut:
        """From answers such as `Asian`, `Female / Asian` or `Asian = why`."""
        wanted: dict[str, str] = {}
        written: dict[str, str] = {}
        for line in lines:
            name, _, why = line.partition("=")
            found = key(name.split(SEPARATOR))
            wanted[found] = why.strip() or justification.strip()
            written[found] = name.strip()
        return cls(wanted, written)

    def _key(self, names: tuple[str, ...]) -> str | None:
        """How this category was named, if it was: in full, or by sex and race alone."""
        for found in (key(names), key(names[1:]) if len(names) == 3 and names[2] else ""):
            if found and found in self.wanted:
                return found
        return None

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
        seen: dict[str, bool] = {}
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
