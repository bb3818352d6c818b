"""The gaps, verdicts and global tests of a result document."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import intervals, rates, significance, survey_gaps, verdicts
from metrics.estimates import BASELINE, Frame, Record, plain
from metrics.groups import LISTED_CELLS, Grouping

SHUFFLES = 2000
NOTHING_TO_COMPARE = "nobody-in-either"
# Described with a pointwise interval; a complement of a judged rate is never repeated.
DESCRIBED = ("npv", "base-rate", "abstention-rate")


@dataclass(frozen=True)
class Block:
    """Comparisons of one metric in one table.

    Parameters
    ----------
    by, metric
        The table and the rate.
    cells : (g, k) int32
        Codes of the listed groups, which the comparisons point to.
    comparisons
        One entry per compared group.
    n_comparator : (k,) int64
        Rows of each comparator.
    people
        The same comparisons in people; `comparisons` are these where there are no survey
        weights, and weighted counts over the design effect where there are.
    survey
        What the survey adds to each comparison, in their order.
    """

    by: tuple[str, ...]
    metric: str
    cells: NDArray[np.int32]
    comparisons: verdicts.Comparisons
    n_comparator: NDArray[np.int64]
    people: verdicts.Comparisons
    survey: survey_gaps.Beside | None = None


def blocks(frame: Frame) -> list[Block]:
    """List every comparison of the report, table by table and metric by metric."""
    judged = frame.policy.judged
    described = [slug for slug in DESCRIBED if rates.REGISTRY[slug].complement not in judged]
    slugs = rates.distinct((*judged, *described))
    out = []
    for by, table in frame.groups.items():
        listed = frame.listed(by)
        counts = table.counts[listed]
        if len(listed) < len(table.n):
            # Cells that are not listed stay in everybody else, as one group without a comparison.
            counts = np.concatenate(
                [counts, (table.counts.sum(axis=0) - counts.sum(axis=0))[None]]
            )
        n = counts.sum(axis=(1, 2))
        above, below = rates.tally(counts, slugs)
        for j, slug in enumerate(slugs):
            compared = verdicts.comparisons_of(
                n,
                above[:, j],
                below[:, j],
                kind="attribute" if len(by) == 1 else "intersection",
                reference=frame.reference(by)[0],
                table="/".join(by),
                metric=slug,
                primary=slug in frame.policy.primary,
                judged=slug in judged,
            )
            kept = _take(compared, compared.group < len(listed))
            rest = kept.comparator == verdicts.REST
            against = np.where(rest, n.sum() - n[kept.group], n[kept.comparator])
            beside = None
            people = kept
            if frame.design is not None:
                kept, beside = survey_gaps.compared(frame, table, slug, listed, people)
            out.append(Block(by, slug, table.cells[listed], kept, against, people, beside))
    return out


def _take(whole: verdicts.Comparisons, kept: NDArray[np.bool_]) -> verdicts.Comparisons:
    if kept.all():
        return whole
    return verdicts.Comparisons(**{name: part[kept] for name, part in vars(whole).items()})


def gap_list(frame: Frame) -> tuple[list[Record], list[str], Record]:
    """Keys ``gaps``, ``verdicts`` and ``family`` of the document."""
    listed = blocks(frame)
    joined = verdicts.join([block.comparisons for block in listed])
    policy = frame.policy
    judged = verdicts.judge(
        joined,
        tolerance=policy.tolerance,
        alpha=policy.alpha,
        floor=policy.floor,
        denominator_floor=policy.denominator_floor,
    )
    numbers = {
        name: plain(getattr(judged, name))
        for name in (
            "value", "low", "high", "thick_low", "thick_high", "p", "p_adjusted", "weight",
            "level", "b", "rows_needed", "mdd",
        )
    }  # fmt: skip
    out: list[Record] = []
    start = 0
    for block in listed:
        for k in range(len(block.comparisons)):
            at = start + k
            record = _gap(frame, block, k)
            record |= {name: column[at] for name, column in numbers.items()}
            needed = record["rows_needed"]
            effect = 1.0 if block.survey is None else block.survey.effect
            record["rows_needed"] = None if needed is None else math.ceil(needed * effect)
            record["size_class"] = judged.size_class[at] or None
            record["verdict"] = judged.verdict[at] or None
            record["reason"] = _reason(frame, block.metric, judged.reason[at])
            record["id"] = f"g{at + 1}"
            out.append(record)
        start += len(block.comparisons)
    order = [out[at]["id"] for at in verdicts.order(judged, joined.primary)]
    out += _ratios(frame, listed, start)
    family = {
        "k": judged.k_primary + judged.k_secondary,
        "k_primary": judged.k_primary,
        "k_secondary": judged.k_secondary,
        "alpha": judged.alpha,
        "tolerance": judged.tolerance,
        "primary": list(policy.primary),
        "metrics": list(policy.judged),
    }
    return out, order, family


def _reason(frame: Frame, metric: str, reason: str) -> str | None:
    """Reason of a missing verdict, naming the missing column where that is the cause."""
    if reason == verdicts.NO_DENOMINATOR:
        return frame.missing(rates.REGISTRY[metric]) or reason
    return reason or None


def _gap(frame: Frame, block: Block, k: int) -> Record:
    """Return what a difference and a ratio of the same comparison share."""
    c, cells = block.comparisons, block.cells
    against = int(c.comparator[k])
    comparator: Any = "rest"
    choice = "rest"
    if against != verdicts.REST:
        comparator = {"group": frame.words(block.by, cells[against].tolist())}
        choice = frame.reference(block.by)[1]
    people, survey = block.people, block.survey
    x1, n1, x2, n2 = (int(part[k]) for part in (people.x1, people.n1, people.x2, people.n2))
    rate = (x1 / n1 if n1 else None, x2 / n2 if n2 else None)
    if survey is not None:
        rate = survey.rates(k)
    return {
        "id": "",
        "subject": BASELINE,
        "metric": block.metric,
        "by": list(block.by),
        "group": frame.words(block.by, cells[int(c.group[k])].tolist()),
        "comparator": comparator,
        "reference_choice": choice,
        "kind": "difference",
        "n": int(people.rows[k]),
        "n_comparator": int(block.n_comparator[k]),
        "numerator": x1,
        "denominator": n1,
        "numerator_comparator": x2,
        "denominator_comparator": n2,
        "rate": rate[0],
        "rate_comparator": rate[1],
        "primary": bool(c.primary[k]),
    } | ({} if survey is None else {"survey": survey.record(k)})


def _ratios(frame: Frame, listed: list[Block], start: int) -> list[Record]:
    """Ratios with pointwise intervals: family metrics by attribute, the goal's in cells."""
    out: list[Record] = []
    policy = frame.policy
    for block in listed:
        wanted = policy.judged if len(block.by) == 1 else ("selection-rate",)
        c = block.comparisons
        if block.metric not in wanted or frame.missing(rates.REGISTRY[block.metric]):
            continue
        ratio, low, high, adjusted = intervals.log_ratio(c.x1, c.n1, c.x2, c.n2)
        value, low_, high_ = plain(ratio), plain(low), plain(high)
        enough = (c.rows >= policy.floor) & (np.minimum(c.n1, c.n2) >= policy.denominator_floor)
        nothing = (c.x1 == 0) & (c.x2 == 0)  # 0/0 is no ratio, whatever is added to it
        for k in range(len(c)):
            reason = str(c.reason[k]) or (None if enough[k] else verdicts.BELOW_FLOOR)
            if nothing[k]:
                value[k] = low_[k] = high_[k] = None
                reason = reason if reason is not None else NOTHING_TO_COMPARE
            record = _gap(frame, block, k) | dict.fromkeys(
                ("thick_low", "thick_high", "p", "p_adjusted", "weight", "b", "rows_needed",
                 "mdd", "size_class", "verdict")
            )  # fmt: skip
            record |= {
                "id": f"g{start + len(out) + 1}",
                "kind": "ratio",
                "value": value[k],
                "low": low_[k],
                "high": high_[k],
                "level": 0.05,
                "adjusted": bool(adjusted[k]),
                "reason": reason,
            }
            if block.survey is not None:
                record["survey"] = block.survey.ratio(k)
            out.append(record)
    return out


def global_tests(frame: Frame) -> list[Record]:
    """Key ``tests``: overall variation and ranges beside their null values, no verdict."""
    out: list[Record] = []
    for table in frame.groups.values():
        for metric in frame.policy.primary:
            if frame.missing(rates.REGISTRY[metric]) is None:
                out += _tests(frame, table, metric)
    return out


def _tests(frame: Frame, table: Grouping, metric: str) -> list[Record]:
    above, below = (side[:, 0] for side in rates.tally(table.counts, (metric,)))
    policy = frame.policy
    floor = (table.n >= policy.floor) & (below >= policy.denominator_floor)
    used = below > 0
    if len(below) > LISTED_CELLS:
        listed = np.zeros(len(below), dtype=bool)
        listed[frame.listed(table.by)] = True
        used, floor = used & listed, floor & listed
    name = f"{metric}/{'/'.join(table.by)}"
    head = {"subject": BASELINE, "by": list(table.by), "metric": metric}
    if frame.design is not None:
        result: Any = survey_gaps.overall(frame.design, table, metric, used)
        kind = "rao-scott"
        above, below = survey_gaps.equivalent(frame.design, table, metric, policy)
    else:
        kind = "chi-square"
        result = significance.chi_square(
            above[used], below[used], rng=frame.rng(f"chi-square/{name}"), draws=SHUFFLES
        )
    out: list[Record] = [head | {"kind": kind, "groups": int(used.sum())} | dict(result)]
    if policy.draws > 0:
        ranges = significance.null_gap(
            above[floor], below[floor], rng=frame.rng(f"range/{name}"), draws=policy.draws
        )
        out += [
            head | {"kind": kind, "groups": int(floor.sum())} | dict(found)
            for kind, found in ranges.items()
        ]
    return out
