"""The remedies of a result document, indexed for the chapter on trade-offs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import listing

Row = dict[str, Any]

#: Methods with a shape of their own in the picture.
SHAPED = 6
#: Accuracy that the card of the answer page may cost.
LOSS = 0.01
#: Rates of true and false decisions, as one name.
BOTH: dict[tuple[str, ...], str] = {("tpr", "fpr"): "true or false positive rate"}
ALL = 1.0 - 1e-12
#: An accuracy that prints as 100%.
CERTAIN = 0.9995


@dataclass(frozen=True)
class Setting:
    """One setting of one method; `look` is the place of its method among those drawn."""

    method: Row
    point: Row
    look: int

    @property
    def title(self) -> str:
        return str(self.method["title"])

    @property
    def name(self) -> str:
        """What tables call it; a method with one setting needs no more than its own name."""
        if len(self.method["points"]) == 1:
            return self.title
        return f"{self.title}, {phrases.lower_first(str(self.point['label']))}"

    @property
    def key(self) -> tuple[str, str]:
        return str(self.method["slug"]), str(self.point["id"])

    @property
    def decides_all(self) -> bool:
        """Whether everybody gets a decision."""
        share = self.point["coverage"]["value"]
        return share is None or float(share) >= ALL

    @property
    def measured(self) -> bool:
        return value(self.point, "disparity") is not None

    @property
    def drawn(self) -> bool:
        """Whether it has a place in a picture of gap and accuracy."""
        return self.measured and value(self.point, "accuracy") is not None

    @property
    def to_person(self) -> float:
        """Share of people sent to a person."""
        share = self.point["coverage"]["value"]
        return 0.0 if share is None else 1.0 - float(share)


def value(point: Row, key: str) -> float | None:
    found = (point.get(key) or {}).get("value")
    return None if found is None else float(found)


def chosen_by(point: Row, key: str) -> float | None:
    """A number on the rows that settings are chosen by."""
    found = (point.get("valid") or {}).get(key)
    return None if found is None else float(found)


def of_group(rows: Iterable[Row] | None, group: str | None, metric: str = "") -> Row | None:
    """The row of a group, None for everybody."""
    return next(
        (r for r in rows or [] if r["group"] == group and (not metric or r["metric"] == metric)),
        None,
    )


def apart_from_zero(found: Row | None) -> int:
    """-1 or 1 where an interval lies below or above 0, else 0."""
    if found is None or found.get("low") is None:
        return 0
    return -1 if found["high"] < 0 else 1 if found["low"] > 0 else 0


def _looks(methods: list[Row]) -> dict[str, int]:
    """The place of every method among those drawn, in their order.

    Where there are more than have a shape of their own, those with the fewest settings share one.
    """
    slugs = [str(m["slug"]) for m in methods]
    if len(slugs) > SHAPED + 1:
        many = {str(m["slug"]): len(m["points"]) for m in methods}
        few = sorted(slugs, key=lambda slug: -many[slug])[SHAPED:]
        slugs = [s for s in slugs if s not in few] + [s for s in slugs if s in few]
    return {slug: i for i, slug in enumerate(slugs)}


class Tradeoff:
    """Looks things up; what it picks, it picks by the stored validation numbers and marks."""

    def __init__(self, facts: Facts, found: Row) -> None:
        self.facts = facts
        self.doc = found
        self.baseline: Row = found["baseline"]
        self.methods: list[Row] = list(facts.doc.get("methods") or [])
        self.tolerance = float(found["tolerance"])
        self.metrics: tuple[str, ...] = tuple(found["metrics"])
        self.groups = [str(g) for g in found["compared"]]
        self.looks = _looks([m for m in self.methods if m["points"]])
        self.settings = tuple(
            Setting(m, p, self.looks[str(m["slug"])]) for m in self.methods for p in m["points"]
        )

    @property
    def protect(self) -> str:
        """The compared attribute in a sentence."""
        column = str(self.doc["protect"])
        return phrases.lower_first(self.facts.titles.get(column, column))

    @property
    def rate(self) -> str:
        """What is to be equal, in a sentence."""
        plain = BOTH.get(self.metrics)
        return plain or listing([metric_words.lower(m) for m in self.metrics])

    @cached_property
    def recommended(self) -> Setting | None:
        return self._named(self.doc.get("recommended"))

    @property
    def kept(self) -> bool:
        """Whether the recommended setting keeps the limit where settings are chosen."""
        return bool((self.doc.get("recommended") or {}).get("kept"))

    @cached_property
    def human(self) -> Setting | None:
        """The setting to look at among those that send people to a person."""
        found = self._named(self.doc.get("human"))
        return None if found is None or found.decides_all else found

    def _named(self, found: Row | None) -> Setting | None:
        if not found:
            return None
        key = found["method"], found["point"]
        return next((s for s in self.settings if s.key == key), None)

    @property
    def abstaining(self) -> tuple[Setting, ...]:
        return tuple(s for s in self.settings if not s.decides_all)

    @property
    def steps(self) -> list[list[float]]:
        """Best accuracy measured among the marked settings, by the gap they have."""
        marked = [
            (value(s.point, "disparity"), value(s.point, "accuracy"))
            for s in self.settings
            if s.point["pareto"] and s.drawn and s.decides_all
        ]
        if self.baseline.get("pareto"):
            marked.append((value(self.baseline, "disparity"), value(self.baseline, "accuracy")))
        out: list[list[float]] = []
        for gap, right in sorted((g, a) for g, a in marked if g is not None and a is not None):
            if not out or right > out[-1][1]:
                out.append([gap, right])
        return out

    def bound(self, rule: str) -> list[list[float]]:
        """Best accuracy of a kind of rule at each largest gap."""
        found = next((b for b in self.doc.get("bound") or [] if b["rule"] == rule), None)
        return [] if found is None else [[float(x), float(y)] for x, y in found["points"]]

    def at_most(self, rule: str, gap: float) -> float | None:
        """A bound at one gap: that of the next gap it was computed for, never too low.

        A bound that excludes nothing is none.
        """
        most = next((y for x, y in self.bound(rule) if x >= gap - 1e-12), None)
        return None if most is None or most > CERTAIN else most

    @cached_property
    def cheap(self) -> Setting | None:
        """The smallest gap at an accuracy loss of at most `LOSS`, chosen on validation rows."""
        now = chosen_by(self.baseline, "accuracy")
        if now is None:
            return None
        able = [
            s
            for s in self.settings
            if s.decides_all
            and s.drawn
            and s.point["status"] != "collapsed"
            and (chosen_by(s.point, "disparity") is not None)
            and (chosen_by(s.point, "accuracy") or 0.0) >= now - LOSS
        ]
        if not able:
            return None
        return min(able, key=_least)

    def shortlist(self, most: int = 12) -> tuple[Setting, ...]:
        """The best settings of every method: those a reader would choose among."""
        methods = list(dict.fromkeys(s.key[0] for s in self.settings))
        each = max(1, min(5, most // max(len(methods), 1)))
        return tuple(s for slug in methods for s in self._best(slug, each))

    def _best(self, slug: str, most: int) -> list[Setting]:
        own = [s for s in self.settings if s.key[0] == slug and s.measured]
        known = [s for s in own if chosen_by(s.point, "disparity") is not None] or own
        picked: list[Setting | None] = [s for s in own if s.point["recommended"]]
        picked += [s for s in own if self.human is not None and s.key == self.human.key]
        picked += [s for s in own if self.cheap is not None and s.key == self.cheap.key]
        most = max(most, len({s.key for s in picked if s is not None}))
        within = [s for s in known if _gap(s) <= self.tolerance]
        picked.append(max(within, key=_right, default=None))
        picked.append(min(known, key=_least, default=None))
        picked += sorted((s for s in own if s.point["pareto"]), key=_gap)[::-1]
        picked += sorted(own, key=_gap)[::-1]
        found = list(dict.fromkeys(s.key for s in picked if s is not None))[:most]
        return [s for s in own if s.key in found]


def beats(a: Setting, b: Setting) -> bool:
    """Whether one setting is better in one way and not worse in the other, on validation rows."""
    gap, right = _gap(a) - _gap(b), _right(a) - _right(b)
    return gap <= 0 <= right and (gap < 0 or right > 0)


def _gap(setting: Setting) -> float:
    found = chosen_by(setting.point, "disparity")
    return 1.0 if found is None else found


def _right(setting: Setting) -> float:
    found = chosen_by(setting.point, "accuracy")
    return 0.0 if found is None else found


def _least(setting: Setting) -> tuple[float, float]:
    return _gap(setting), -_right(setting)


def harm(point: Row) -> list[Row]:
    """Groups of the test of no harm: group, diff, low and whether none is shown."""
    found = point.get("no_harm")
    rows = found.get("groups", []) if isinstance(found, dict) else found or []
    return [
        {
            "group": r["group"],
            "diff": r.get("diff", r.get("difference")),
            "low": r.get("low", r.get("lower")),
            "shown": bool(r["shown"]),
        }
        for r in rows
    ]


def margin(point: Row) -> float:
    """Loss of accuracy that the test of no harm does not count."""
    found = point.get("no_harm")
    return float(found.get("margin", LOSS)) if isinstance(found, dict) else LOSS


def tradeoff(facts: Facts) -> Tradeoff | None:
    """The chapter's numbers, None where no remedy was asked for or the part failed."""
    found = facts.doc.get("tradeoff")
    if not found or found.get("failed"):
        return None
    return Tradeoff(facts, found)
