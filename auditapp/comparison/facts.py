"""A comparison document, indexed for its sections. Looks things up; computes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from types import SimpleNamespace
from typing import Any

from auditapp.reports import metric_words, phrases, stamps
from auditapp.reports.numbers import limit, upper_first
from auditapp.result import result_hash

Row = dict[str, Any]

DIFFERENCE = "difference"
NO_DIFFERENCE = "no-difference"
NOT_ENOUGH = "not-enough-data"
NOT_APPLICABLE = "not-applicable"
VERDICTS = (DIFFERENCE, NO_DIFFERENCE, NOT_ENOUGH)


class Side:
    """One of the two audits, and what it is called."""

    def __init__(self, letter: str, data: Row, stamp: Row) -> None:
        self.letter = letter
        self.hash = str(data["hash"])
        self.plan: Row = data["plan"]
        self.about: Row = self.plan.get("about") or {}
        self.rows: Row = data["rows"]
        self.id = str(stamp.get("id") or "")
        self.named = str(stamp.get("title") or "")
        self.date = _day(stamp.get("date"))

    @property
    def title(self) -> str:
        """What the audit is called."""
        return self.named or str(self.about.get("title") or self.plan["data"]["name"])

    @property
    def system(self) -> str:
        """The audited system with its version."""
        name = str(self.about.get("system") or "").strip()
        version = str(self.about.get("version") or "").strip()
        return ", version ".join(bit for bit in (name, version) if bit) if name else ""

    @property
    def decisions(self) -> str:
        """Where its decisions come from, in words."""
        return upper_first(stamps.decisions(SimpleNamespace(plan=self.plan, kind="binary")))  # type: ignore[arg-type]

    @property
    def period(self) -> str:
        """What its data cover, as the auditor wrote it."""
        return str(self.about.get("period") or "")


class Facts:
    """One comparison and everything its sections ask of it."""

    def __init__(self, document: Row) -> None:
        self.doc = document
        self.run: Row = document.get("run") or {}
        self.hash = result_hash(document)
        self.paired = document["mode"] == "paired"
        self.first = Side("A", document["first"], self.run.get("first") or {})
        self.second = Side("B", document["second"], self.run.get("second") or {})
        rules = document["rules"]
        self.tolerance = float(rules["tolerance"])
        self.alpha = float(rules["alpha"])
        self.floor = int(rules["floor"])
        self.denominator_floor = int(rules["denominator_floor"])
        self.primary = tuple(rules["primary"])
        self.metrics = tuple(rules["metrics"])
        self.titles: dict[str, str] = rules["titles"]
        self.changes: list[Row] = document["changes"]
        self.moved: list[Row] = document["moved"] or []
        self.tables: list[Row] = document["groups"]
        self.singles = [t for t in self.tables if len(t["by"]) == 1]
        self.crosses = [t for t in self.tables if len(t["by"]) > 1]

    @property
    def title(self) -> str:
        """What the comparison is called."""
        given = str(self.run.get("title") or "")
        return given or f"{self.first.title} against {self.second.title}"

    @property
    def simulated(self) -> bool:
        """Whether either audit is of simulated people."""
        return any(side.about.get("simulated") for side in (self.first, self.second))

    @property
    def moment(self) -> datetime | None:
        """When the comparison was made."""
        return _moment(self.run.get("date"))

    @property
    def date(self) -> str:
        """The same in words."""
        when = self.moment
        return "" if when is None else f"{when.day} {when:%B %Y, %H:%M} UTC"

    @property
    def limit_words(self) -> str:
        """The limit: `5 points`."""
        return f"{limit(self.tolerance)} points"

    @property
    def outcome(self) -> str:
        """What is decided, as the auditors wrote it."""
        for side in (self.second, self.first):
            given = str(side.about.get("outcome") or "").strip().rstrip(".")
            if given:
                return given
        return "A favourable decision"

    @cached_property
    def by_id(self) -> dict[str, Row]:
        """Changes by their id."""
        return {row["id"]: row for row in self.changes}

    @cached_property
    def ordered(self) -> list[Row]:
        """Changes as the document ranks them, the weightiest first."""
        return [self.by_id[name] for name in self.doc["verdicts"]]

    @property
    def found(self) -> list[Row]:
        """Differences between the audits."""
        return [row for row in self.ordered if row["verdict"] == DIFFERENCE]

    def tally(self, kind: str) -> dict[str, int]:
        """Verdicts of one kind of test, on every rate."""
        rows = [row for row in self.changes if row["kind"] == kind]
        return {verdict: sum(r["verdict"] == verdict for r in rows) for verdict in VERDICTS}

    def gaps(self, by: list[str], metric: str) -> list[Row]:
        """Changes of gaps of one table."""
        return [r for r in self.changes if r["kind"] == "gap" and r["by"] == by
                and r["metric"] == metric]  # fmt: skip

    def rates(self, by: list[str], metric: str) -> list[Row]:
        """Changes of rates of one table; of everybody where `by` is empty."""
        return [r for r in self.changes if r["kind"] == "rate" and r["by"] == by
                and r["metric"] == metric]  # fmt: skip

    def everybody(self, metric: str) -> Row:
        """The change of everybody's rate."""
        return self.rates([], metric)[0]

    @cached_property
    def primary_gaps(self) -> list[Row]:
        """Gaps of single columns that the goal is about, and that were tested."""
        return [r for r in self.ordered if r["kind"] == "gap" and r["primary"]
                and len(r["by"]) == 1 and r["p"] is not None]  # fmt: skip

    @cached_property
    def headline(self) -> Row | None:
        """What the report opens with: see `sections.answer`."""
        found = self.found
        gaps = [r for r in found if r["kind"] == "gap" and r["primary"]]
        if gaps or found:
            return (gaps or found)[0]
        open_ones = [r for r in self.primary_gaps if r["verdict"] == NOT_ENOUGH]
        if open_ones:
            return max(open_ones, key=lambda r: r["b"])
        return max(self.primary_gaps, key=lambda r: r["b"]) if self.primary_gaps else None

    @property
    def verdict(self) -> str:
        """The verdict of the headline."""
        return NOT_ENOUGH if self.headline is None else str(self.headline["verdict"])

    def people(self, group: dict[str, str]) -> str:
        """The people of a group in a sentence."""
        return phrases.people(group, self.titles) if group else "everyone"

    def comparator(self, row: Row) -> str:
        """Whom a gap is to."""
        other = row["comparator"]
        return "everyone else" if other == "rest" else self.people(other["group"])

    def table_title(self, table: Row) -> str:
        """`Race and sex`."""
        return phrases.attributes(table["by"], self.titles)

    def anchor(self, table: Row) -> str:
        """Address part of a table."""
        return self._anchors[tuple(table["by"])]

    @cached_property
    def _anchors(self) -> dict[tuple[str, ...], str]:
        found: dict[tuple[str, ...], str] = {}
        for table in self.tables:
            plain = phrases.slug(self.table_title(table))[:60].strip("-")
            taken = set(found.values())
            names = (plain if i == 1 else f"{plain}-{i}" for i in count(1))
            found[tuple(table["by"])] = next(name for name in names if name not in taken)
        return found


def metric(slug: str) -> str:
    """A rate inside a sentence."""
    return metric_words.lower(slug)


def _moment(text: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(str(text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _day(text: object) -> str:
    when = _moment(text)
    return "" if when is None else f"{when.day} {when:%B %Y}"
