"""The result document, indexed for the sections. Looks things up; computes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import count
from typing import Any

from auditapp.reports import measures, metric_words, phrases, units
from auditapp.reports.language import Words, gettext_noop
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count as number
from auditapp.reports.numbers import limit
from auditapp.reports.units import Unit
from auditapp.result import result_hash

Row = dict[str, Any]
Key = tuple[tuple[str, str], ...]

DIFFERENCE = "difference"
NO_DIFFERENCE = "no-difference"
NOT_ENOUGH = "not-enough-data"
NOT_APPLICABLE = "not-applicable"
VERDICTS = (DIFFERENCE, NO_DIFFERENCE, NOT_ENOUGH)

#: Metrics that can carry a verdict; the others are described.
FAMILY = (
    "selection-rate", "tpr", "fpr", "precision", "accuracy",
    "bias", "mae", "mean-prediction", "selection-at-k", "exposure", "ndcg",
)  # fmt: skip
GOALS = {"equalized-odds": ("tpr", "fpr")}
#: What is decided where the auditor gave no words for it.
DECIDED = Words(
    {
        "multiclass": gettext_noop("The predicted class"),
        "regression": gettext_noop("A prediction"),
        "ranking": gettext_noop("A place near the top"),
    }
)


#: Parts of the document that name groups.
ORDERED = frozenset({"estimates", "gaps", "groups", "scores"})


def key(group: dict[str, str]) -> Key:
    return tuple(sorted(group.items()))


def measured(gap: Row) -> bool:
    """Whether a comparison has an estimate that may be printed."""
    return gap.get("value") is not None and gap.get("low") is not None


def in_order(value: Any, by: list[str] | None = None) -> Any:
    """The document with each group's attributes in the order of its `by`, not of the alphabet."""
    if isinstance(value, list):
        return [in_order(item, by) for item in value]
    if not isinstance(value, dict):
        return value
    by = value["by"] if isinstance(value.get("by"), list) else by
    out = {}
    for name, item in value.items():
        if by and name in ("group", "reference") and isinstance(item, dict) and len(item) > 1:
            out[name] = {attr: item[attr] for attr in (*by, *item) if attr in item}
        else:
            out[name] = in_order(item, by)
    return out


#: A title of an attribute stands in headings and sentences: it is cut earlier than values are.
LONGEST_TITLE = 60


class Facts:
    """One result document and everything the sections ask of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.doc = {k: in_order(v) if k in ORDERED else v for k, v in document.items()}
        for part in ("estimates", "gaps"):
            self.doc[part] = measures.named(self.doc.get(part) or [])
        self.plan: Row = document["plan"]
        self.about: Row = {k: v for k, v in self.plan.get("about", {}).items() if v is not None}
        self.run: Row = document.get("run") or {}
        self.rows: Row = document["rows"]
        self.hash = result_hash(document)
        self.kind = str(self.plan.get("outcome") or "binary")
        self.special: Row = document.get("outcome") or {}
        self.tolerance = self._tolerance()
        self.floor = int(self.plan.get("floor", 30))
        self.titles = {
            a["column"]: phrases.short(a.get("title") or a["column"], LONGEST_TITLE)
            for a in self.plan["attributes"]
        }
        self.tables: list[Row] = self.doc.get("groups") or []
        self.singles = [t for t in self.tables if len(t["by"]) == 1]
        self.crosses = [t for t in self.tables if len(t["by"]) > 1]
        #: number and title of the sections, by slug; filled before the annexes are made
        self.contents: dict[str, tuple[int, str]] = {}

    @property
    def title(self) -> str:
        return str(self.about.get("title") or self.plan["data"]["name"])

    def _tolerance(self) -> float:
        """The limit in the unit of the differences it is held against."""
        spread = self.special.get("spread") or {}
        given = spread.get("tolerance")
        return float(self.plan.get("tolerance", 0.05) if given is None else given)

    @property
    def tolerance_words(self) -> str:
        """The limit after an article: `5-point limit`."""
        if self.kind != "regression":
            return _("{tolerance}-point limit").format(tolerance=limit(self.tolerance))
        return _("limit of {limit_words}").format(limit_words=self.limit_words)

    @property
    def limit_words(self) -> str:
        """`5 points`, `0.1 standard deviations (0.42 units)`."""
        if self.kind != "regression":
            return _("{tolerance} points").format(tolerance=limit(self.tolerance))
        given = units.PLAIN.limit(float(self.plan.get("tolerance", 0.1)))
        if self.plan.get("tolerance_unit", "sd") == "units":
            return f"{given} {_('unit') if given == '1' else _('units')}"
        return _("{given} standard deviations ({limit_size})").format(
            given=given, limit_size=self.limit_size
        )

    @property
    def limit_size(self) -> str:
        """The limit in the unit of the differences: `5 points`, `0.42 units`."""
        if self.kind != "regression":
            return _("{tolerance} points").format(tolerance=limit(self.tolerance))
        unit = self.unit("bias")
        if self.plan.get("tolerance_unit", "sd") == "units":
            return unit.counted(unit.limit(self.tolerance))
        return unit.counted(unit.size(self.tolerance, unit.fine))

    def unit(self, metric: str) -> Unit:
        """How values of a metric and their differences are written."""
        if metric in ("r2", "skew-at-k"):
            return units.plain()
        return self._amount if self.kind == "regression" else units.points()

    @property
    def _amount(self) -> Unit:
        of = (self.plan.get("label") or self.plan.get("score") or {}).get("column")
        axis = _("units of {of}").format(of=of) if of else _("units of the prediction")
        return units.amount((self.special.get("spread") or {}).get("sd"), axis)

    @property
    def first_k(self) -> str:
        """How many places are looked at, `10` or `10 of their list`."""
        return number(self.plan.get("k", 10)) + (
            _(" of their list") if self.plan.get("query") else ""
        )

    @property
    def outcome(self) -> str:
        """What is decided in words, as the auditor wrote it."""
        given = str(self.about.get("outcome") or "").strip().rstrip(".")
        return given or DECIDED.get(self.kind, gettext_noop("A favourable decision"))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes of a choice among several, in order; none for other outcomes."""
        return tuple(self.special.get("classes") or ()) if self.kind == "multiclass" else ()

    @property
    def lead(self) -> str:
        """The metric the report opens with: the first primary one that was measured."""
        return self.metrics[0] if self.metrics else "selection-rate"

    @property
    def leads(self) -> tuple[str, ...]:
        """Every primary metric that was measured, else the lead."""
        return tuple(m for m in self.primary if m in self.metrics) or (self.lead,)

    @cached_property
    def primary(self) -> tuple[str, ...]:
        """Metrics the goal names, of every class that was asked about."""
        goal = self.plan.get("goal", "selection-rate")
        named: tuple[str, ...] = GOALS.get(goal, (goal,))
        if not self.classes:
            return named
        seen = {g["metric"] for g in self.differences if g["primary"]}
        return tuple(sorted(seen, key=self._rank))

    @cached_property
    def differences(self) -> list[Row]:
        return [
            g
            for g in self.doc.get("gaps") or []
            if g.get("subject", "baseline") == "baseline" and g["kind"] == "difference"
        ]

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Metrics with a comparison: the primary ones, then the others in a fixed order."""
        seen = {
            g["metric"] for g in self.differences if g["verdict"] not in (None, NOT_APPLICABLE)
        }
        order = sorted(seen, key=self._rank)
        return tuple(m for m in self.primary if m in seen) + tuple(
            m for m in order if m not in self.primary
        )

    def _rank(self, metric: str) -> tuple[int, int, str]:
        """Metrics in the order of their words, classes in that of the document."""
        known, name = list(metric_words.METRICS), measures.class_of(metric)
        plain = measures.metric_of(metric)
        at = known.index(plain) if plain in known else len(known)
        return at, self.classes.index(name) if name in self.classes else -1, metric

    @cached_property
    def not_applicable(self) -> tuple[str, ...]:
        """Metrics that could not be measured at all."""
        found = [g["metric"] for g in self.differences if g["verdict"] == NOT_APPLICABLE]
        found = [m for m in dict.fromkeys(found) if measures.metric_of(m) in FAMILY]
        return tuple(m for m in found if m not in self.metrics)

    def why_not(self, metric: str) -> str | None:
        """The reason a metric is not applicable."""
        rows = [g for g in self.differences if g["metric"] == metric]
        found = [g.get("reason") for g in rows if g["verdict"] == NOT_APPLICABLE]
        return next((str(reason) for reason in found if reason), None)

    @cached_property
    def _estimates(self) -> dict[tuple[str, Key], Row]:
        return {
            (e["metric"], key(e["group"])): e
            for e in self.doc.get("estimates") or []
            if e.get("subject", "baseline") == "baseline"
        }

    def estimate(self, metric: str, group: dict[str, str]) -> Row | None:
        return self._estimates.get((metric, key(group)))

    def overall(self, metric: str) -> Row | None:
        return self.estimate(metric, {})

    @cached_property
    def _gaps_by_group(self) -> dict[tuple[str, Key], list[Row]]:
        out: dict[tuple[str, Key], list[Row]] = {}
        for gap in self.differences:
            out.setdefault((gap["metric"], key(gap["group"])), []).append(gap)
        return out

    def gap(self, metric: str, group: dict[str, str]) -> Row | None:
        """The comparison in which this group stands first."""
        found = self._gaps_by_group.get((metric, key(group)), [])
        return found[0] if found else None

    @cached_property
    def _gaps_by_table(self) -> dict[tuple[str, ...], list[Row]]:
        out: dict[tuple[str, ...], list[Row]] = {}
        for gap in self.differences:
            out.setdefault((gap["metric"], *gap["by"]), []).append(gap)
        return out

    @cached_property
    def _standardised(self) -> dict[Key, Row]:
        rows = [g for g in self.doc.get("gaps") or [] if g.get("kind") == "standardised"]
        return {key(g["group"]): g for g in reversed(rows)}

    def standardised(self, group: dict[str, str]) -> Row | None:
        """The difference of mean predictions in standard deviations of everybody's."""
        return self._standardised.get(key(group))

    def gaps(self, by: list[str], metric: str) -> list[Row]:
        return self._gaps_by_table.get((metric, *by), [])

    @cached_property
    def ordered(self) -> list[Row]:
        """Comparisons in the document's order, worst supported finding first."""
        by_id = {g["id"]: g for g in self.differences}
        return [by_id[name] for name in self.doc.get("verdicts") or [] if name in by_id]

    @property
    def found(self) -> list[Row]:
        return [g for g in self.ordered if g["verdict"] == DIFFERENCE]

    @cached_property
    def unsettled(self) -> list[Row]:
        """Not enough data but with a stated limit, single attributes and wide limits first."""
        rows = [g for g in self.differences if g["verdict"] == NOT_ENOUGH and measured(g)]
        return sorted(
            rows, key=lambda g: (not g["primary"], len(g["by"]), -abs(g["b"]), str(g["id"]))
        )

    @cached_property
    def settled_none(self) -> list[Row]:
        rows = [g for g in self.differences if g["verdict"] == NO_DIFFERENCE]
        return sorted(rows, key=lambda g: (not g["primary"], len(g["by"]), -g["b"], str(g["id"])))

    @cached_property
    def tally(self) -> dict[str, int]:
        return {v: sum(g["verdict"] == v for g in self.differences) for v in VERDICTS}

    @cached_property
    def headline_gap(self) -> Row | None:
        """The worst supported finding, else the weakest limit, else the widest one ruled out."""
        for rows in (self.found, self.unsettled, self.settled_none):
            if rows:
                return rows[0]
        return None

    @property
    def verdict(self) -> str:
        gap = self.headline_gap
        return NOT_ENOUGH if gap is None else str(gap["verdict"])

    def levels(self, table: Row, *statuses: str) -> list[Row]:
        return [v for v in table["levels"] if not statuses or v["status"] in statuses]

    def level(self, group: dict[str, str]) -> Row | None:
        """The counts of a group, wherever it is listed."""
        return self._levels.get(key(group))

    @cached_property
    def _levels(self) -> dict[Key, Row]:
        out: dict[Key, Row] = {}
        for level in self.all_levels():
            out.setdefault(key(level["group"]), level)
        return out

    def all_levels(self) -> Iterator[Row]:
        for table in self.tables:
            yield from table["levels"]

    def people(self, group: dict[str, str]) -> str:
        return phrases.people(group, self.titles)

    def comparator(self, gap: Row) -> str:
        """Whom a gap compares with, in a sentence."""
        other = gap["comparator"]
        return _("everyone else") if other == "rest" else self.people(other["group"])

    def table_title(self, table: Row) -> str:
        return phrases.attributes(table["by"], self.titles)

    def anchor(self, table: Row) -> str:
        return self._anchors[tuple(table["by"])]

    def slug(self, metric: str) -> str:
        """Address part of a metric; classes are numbered, whatever they are called."""
        name = measures.class_of(metric)
        if name is None:
            return metric
        return f"{measures.metric_of(metric)}-{self.classes.index(name) + 1}"

    @cached_property
    def _anchors(self) -> dict[tuple[str, ...], str]:
        """Address parts of the tables: short, and different where titles are alike or foreign."""
        found: dict[tuple[str, ...], str] = {}
        for table in self.tables:
            plain = phrases.slug(self.table_title(table))[:60].strip("-")
            taken = set(found.values())
            names = (plain if i == 1 else f"{plain}-{i}" for i in count(1))
            found[tuple(table["by"])] = next(name for name in names if name not in taken)
        return found

    def test(self, by: list[str], kind: str, metric: str) -> Row | None:
        return next(
            (
                t
                for t in self.doc.get("tests") or []
                if t["by"] == by and t["kind"] == kind and t["metric"] == metric
            ),
            None,
        )
