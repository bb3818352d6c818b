"""The groups and estimates of a result document: every rate of every group, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import bootstrap, intervals, rates, shrinkage, survey_columns
from metrics.cells import Counts, Floats
from metrics.count import CountSet
from metrics.design import Weighted
from metrics.groups import Attribute, Grouping, combine, largest

BASELINE = "baseline"

GOALS: Mapping[str, tuple[str, ...]] = {
    "selection-rate": ("selection-rate",),
    "tpr": ("tpr",),
    "equalized-odds": ("tpr", "fpr"),
    "precision": ("precision",),
    "accuracy": ("accuracy",),
}

# Intersections with more cells list their largest ones above the floor and count the others.
LISTED_GROUPS = 1000

Record = dict[str, Any]


@dataclass(frozen=True)
class Policy:
    """What the auditor chose before seeing a number.

    Parameters
    ----------
    goal
        Which metric is primary: a key of `GOALS`.
    tolerance
        Largest difference of rates that does not matter, as a fraction.
    floor, denominator_floor
        Rows and denominator a group needs to be compared.
    intersections
        Largest number of columns that are combined.
    draws
        Bootstrap and shuffle draws.
    seed
        Seed of every random stream.
    threshold
        Score from which the decision is favourable.
    family
        Metrics that get a verdict; the goal's are added.
    alpha
        Error rate of the whole report.
    """

    goal: str = "selection-rate"
    tolerance: float = 0.05
    floor: int = 30
    denominator_floor: int = 10
    intersections: int = 2
    draws: int = 1000
    seed: int = 0
    threshold: float = 0.5
    family: tuple[str, ...] = ("selection-rate", "tpr", "fpr", "precision", "accuracy")
    alpha: float = 0.05

    @property
    def primary(self) -> tuple[str, ...]:
        """Metrics the goal makes primary."""
        return GOALS[self.goal]

    @property
    def judged(self) -> tuple[str, ...]:
        """Metrics of the family, complements counted once."""
        return rates.distinct((*self.primary, *self.family))


@dataclass(frozen=True)
class Frame:
    """Counts of an audit with the words and choices needed to write them down.

    Parameters
    ----------
    counted
        Everything counted.
    attributes
        The sensitive columns by name; their codes are not read.
    policy
        The auditor's choices.
    groups
        Known groups of every attribute and intersection, in report order.
    design
        Weighted counts of survey data, None where every person counts once.
    """

    counted: CountSet
    attributes: dict[str, Attribute]
    policy: Policy
    groups: dict[tuple[str, ...], Grouping] = field(default_factory=dict)
    design: Weighted | None = None

    @classmethod
    def of(
        cls,
        counted: CountSet,
        attributes: Sequence[Attribute],
        policy: Policy,
        design: Weighted | None = None,
    ) -> Frame:
        """Marginalise the counts onto every attribute and intersection."""
        named = {attribute.name: attribute for attribute in attributes}
        frame = cls(counted, named, policy, design=design)
        for by in combine(list(frame.attributes), policy.intersections):
            frame.groups[by] = counted.outcome_groups(by)
        return frame

    def words(self, by: Sequence[str], cell: Sequence[int]) -> dict[str, str]:
        """Group of a document: column name to word."""
        return {
            name: self.attributes[name].levels[code] for name, code in zip(by, cell, strict=True)
        }

    def title(self, by: Sequence[str]) -> str:
        """Heading of a table."""
        return " × ".join(self.attributes[name].heading for name in by)

    def reference(self, by: tuple[str, ...]) -> tuple[int | None, str]:
        """Position of the reference group and how it was chosen."""
        if len(by) != 1:
            return None, "rest"
        n = self.groups[by].n
        chosen = self.attributes[by[0]].reference
        if chosen is not None and n[chosen] > 0:
            return chosen, "chosen"
        return largest(n), "largest"

    def listed(self, by: tuple[str, ...]) -> NDArray[np.intp]:
        """Positions of the groups a document lists and compares, chosen by size alone."""
        n = self.groups[by].n
        if len(n) <= LISTED_GROUPS or len(by) == 1:
            return np.arange(len(n))
        biggest = np.argsort(-n, kind="stable")[:LISTED_GROUPS]
        return np.sort(biggest[n[biggest] >= self.policy.floor])

    def missing(self, item: rates.Measure) -> str | None:
        """Why a measure is undefined everywhere, None where it is not."""
        if item.needs_label and not self.counted.has_label:
            return "no-label"
        if item.needs_decision and not self.counted.has_decision:
            return "no-decision"
        return None

    def rng(self, name: str) -> np.random.Generator:
        """Random stream of its own for each name."""
        return bootstrap.stream(self.policy.seed, name)


def plain(values: NDArray[Any]) -> list[Any]:
    """Python numbers of a float array, None for NaN and infinity."""
    numbers = values.tolist()
    if np.isfinite(values).all():
        return list(numbers)
    return [number if abs(number) < np.inf else None for number in numbers]


def level_list(frame: Frame) -> list[Record]:
    """Key ``groups`` of the document: every attribute and intersection with its groups."""
    return [_levels(frame, by) for by in frame.groups]


def _levels(frame: Frame, by: tuple[str, ...]) -> Record:
    table, policy = frame.groups[by], frame.policy
    reference, choice = frame.reference(by)
    n, listed = table.n, frame.listed(by)
    above, below = (part[:, 0] for part in rates.tally(table.counts, ("base-rate",)))
    value, limits = rates.divide(above, below), intervals.wilson(above, below)
    weighted: list[Record | None] = [None] * len(n)
    if frame.design is not None:
        found = survey_columns.columns(frame.design, table, ("base-rate",), policy)
        value, limits = found.value[:, 0], (found.low[:, 0], found.high[:, 0])
        weighted = survey_columns.sizes(frame.design, table)
    base, (low, high) = plain(value), (plain(limit) for limit in limits)
    total = frame.counted.n
    levels = []
    for j in listed.tolist():
        status = "compared" if n[j] >= policy.floor else "below-floor"
        if n[j] == 0:
            status = "empty"
        elif j == reference:
            status = "reference"
        levels.append(
            {
                "group": frame.words(by, table.cells[j].tolist()),
                "n": int(n[j]),
                "share": int(n[j]) / total,
                "status": status,
                "base_rate": base[j],
                "base_low": low[j],
                "base_high": high[j],
                "base_numerator": int(above[j]),
                "base_denominator": int(below[j]),
            }
            | ({} if weighted[j] is None else {"survey": weighted[j]})
        )
    named = None if reference is None else frame.words(by, table.cells[reference].tolist())
    return {
        "by": list(by),
        "title": frame.title(by),
        "unknown": int(table.unknown.sum()),
        "unlisted": {"groups": len(n) - len(listed), "n": int(n.sum() - n[listed].sum())},
        "levels": levels,
        "reference": named,
        "reference_choice": choice,
        "floor": policy.floor,
    }


def estimate_list(frame: Frame) -> list[Record]:
    """Key ``estimates`` of the document: everybody first, then every listed group."""
    everybody = frame.counted.outcome_groups(())
    base = float(rates.values(everybody.counts, ("base-rate",))[0, 0])
    if frame.design is not None:
        base = float(rates.values(frame.design.sums(everybody)[0], ("base-rate",))[0, 0])
    out = _estimates(frame, everybody, np.arange(1), base)
    for by, table in frame.groups.items():
        out += _estimates(frame, table, frame.listed(by), base)
    return out


@dataclass(frozen=True)
class _Columns:
    """Numbers of one metric over the listed groups of a table, as Python lists.

    `fewest` is the smallest denominator of the rates a measure is made of.
    """

    fewest: list[int]
    numerator: list[int | None]
    denominator: list[int | None]
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]
    undefined: list[str | None]
    interval: str
    shrunken: list[Record | None]
    survey: list[Record | None]
    small: list[bool]


def _estimates(
    frame: Frame, table: Grouping, listed: NDArray[np.intp], base: float
) -> list[Record]:
    part = Grouping(table.by, table.cells[listed], table.counts[listed], table.unknown)
    rest = frame.counted.outcome_groups(()).counts[0] - part.counts.sum(axis=0)
    columns = _metric_columns(frame, part, rest, base)
    n = part.n.tolist()
    by = list(part.by)
    floor, denominator_floor = frame.policy.floor, frame.policy.denominator_floor
    out = []
    for j, cell in enumerate(part.cells.tolist()):
        group = frame.words(by, cell)
        for metric, column in columns.items():
            denominator = column.denominator[j]
            small = column.fewest[j] < denominator_floor or column.small[j]
            out.append(
                {
                    "subject": BASELINE,
                    "metric": metric,
                    "by": by,
                    "group": group,
                    "n": n[j],
                    "numerator": column.numerator[j],
                    "denominator": denominator,
                    "value": column.value[j],
                    "low": column.low[j],
                    "high": column.high[j],
                    "undefined": column.undefined[j],
                    "below_floor": n[j] < floor or small,
                    "interval": column.interval,
                    "shrunken": column.shrunken[j],
                }
                | ({} if column.survey[j] is None else {"survey": column.survey[j]})
            )
    return out


def _metric_columns(
    frame: Frame, part: Grouping, rest: Counts, base: float
) -> dict[str, _Columns]:
    """Every registered measure over the groups of a table."""
    slugs = tuple(rates.REGISTRY)
    plain_rates = tuple(rate.slug for rate in rates.RATES)
    above, below = rates.tally(part.counts, plain_rates)
    wilson = intervals.wilson(np.minimum(above, below), below)
    value = rates.values(part.counts, slugs, base=base)
    drawn = [slug for slug in slugs if not rates.REGISTRY[slug].proportion]
    if frame.design is not None:
        drawn = []
    limits = _drawn_limits(frame, part, rest, drawn)
    n, out = part.n, {}
    found = None
    if frame.design is not None:
        found = survey_columns.columns(frame.design, part, slugs, frame.policy, base=base)
        value = found.value
    for j, slug in enumerate(slugs):
        item = rates.REGISTRY[slug]
        here = value[:, j]
        counts: tuple[list[Any], list[Any]] = ([None] * len(n), [None] * len(n))
        if isinstance(item, rates.Rate):
            counts = (above[:, j].tolist(), below[:, j].tolist())
        if item.proportion:
            low, high, interval = wilson[0][:, j], wilson[1][:, j], "wilson"
        elif found is None:
            low, high, interval = *limits[slug], "bootstrap"
        if found is not None:
            low, high = found.low[:, j], found.high[:, j]
            interval = "wilson-design" if item.proportion else "replicates-t"
        missing = frame.missing(item)
        undefined = [
            (missing or ("empty-group" if rows == 0 else "empty-denominator")) if nothing else None
            for rows, nothing in zip(n.tolist(), np.isnan(here).tolist(), strict=True)
        ]
        made_of = [plain_rates.index(part) for part in rates.parts((slug,))]
        out[slug] = _Columns(
            below[:, made_of].min(axis=1).tolist(),
            *counts,
            plain(here),
            plain(np.where(np.isnan(here), np.nan, low)),
            plain(np.where(np.isnan(here), np.nan, high)),
            undefined,
            interval,
            _shrunken(frame, part, item),
            [None] * len(n) if found is None else found.records(j),
            [False] * len(n) if found is None else found.small(j),
        )
    return out


def _drawn_limits(
    frame: Frame, part: Grouping, rest: Counts, slugs: list[str]
) -> dict[str, tuple[Floats, Floats]]:
    """Bootstrap limits of the groups that reach the floor."""
    shape = (len(part.n), len(slugs))
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    enough = part.n >= frame.policy.floor if part.by else part.n > 0
    both = frame.counted.has_label and frame.counted.has_decision
    if slugs and frame.policy.draws > 0 and both and enough.any():
        low[enough], high[enough] = bootstrap.intervals(
            part.counts[enough],
            slugs,
            rng=frame.rng("bootstrap/" + "/".join(part.by)),
            draws=frame.policy.draws,
            rest=rest + part.counts[~enough].sum(axis=0),
        )
    return {slug: (low[:, j], high[:, j]) for j, slug in enumerate(slugs)}


def _shrunken(frame: Frame, part: Grouping, item: rates.Measure) -> list[Record | None]:
    """Estimates of intersection cells that borrow from similar groups; primary metrics only."""
    out: list[Record | None] = [None] * len(part.n)
    if len(part.by) < 2 or item.slug not in frame.policy.primary:
        return out
    above, below = (side[:, 0] for side in rates.tally(part.counts, (item.slug,)))
    seen = part.n > 0
    if below[seen].sum() == 0:
        return out
    effects = shrinkage.main_effects(part.cells[seen])
    value, low, high = shrinkage.logit_normal(above[seen], below[seen], effects)
    for j, *numbers in zip(
        np.flatnonzero(seen).tolist(), value.tolist(), low.tolist(), high.tolist(), strict=True
    ):
        out[j] = dict(zip(("value", "low", "high"), numbers, strict=True))
    return out
