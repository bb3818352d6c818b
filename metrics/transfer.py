"""A model moved elsewhere: its accuracy and its gaps among the people it meets there."""

from __future__ import annotations

from typing import Any

import numpy as np

from metrics import gaps, intervals, rates, verdicts
from metrics.cells import IntArray
from metrics.count import count
from metrics.design import Weighted
from metrics.estimates import Frame, Policy, Record
from metrics.groups import Attribute
from metrics.survey_columns import columns

#: Error rate of every interval: each stands on its own, none carries a verdict.
ALPHA = 0.05


def moved(
    attribute: Attribute,
    *,
    label: IntArray,
    decision: IntArray,
    policy: Policy,
    design: Weighted | None = None,
) -> Record:
    """Accuracy and gaps of decisions among people of one place.

    Intervals are pointwise 95 %: Wilson's of the accuracy, and Jeffreys limits joined by
    square-and-add of the gaps; with survey weights both on people over the design effect.

    Parameters
    ----------
    attribute
        Groups of the n rows, with the reference they are compared with.
    label, decision : (n,) int
        0, 1, or -1 for none.
    policy
        Goal, and floors below which a gap is not given.
    design
        Weighted counts of the same rows (`metrics.design.weigh` over this attribute).

    Returns
    -------
    dict
        ``n``, ``accuracy`` (value, low, high) and ``gaps``: for every compared group and metric of
        the goal ``group, comparator, metric, value, low, high, n, n_comparator, reason``.

    References
    ----------
    Ding, Hardt, Miller, Schmidt, Retiring Adult, NeurIPS 2021, section 4 (models of one state
    tested in another).
    """
    counted = count([attribute], label=label, decision=decision, intersections=1)
    frame = Frame.of(counted, [attribute], policy, design)
    return {"n": counted.n, "accuracy": _accuracy(frame), "gaps": _gaps(frame)}


def _accuracy(frame: Frame) -> Record:
    everybody = frame.counted.outcome_groups(())
    if frame.design is not None:
        found = columns(frame.design, everybody, ("accuracy",), frame.policy)
        value, low, high = (float(v[0, 0]) for v in (found.value, found.low, found.high))
    else:
        above, below = (side[0, 0] for side in rates.tally(everybody.counts, ("accuracy",)))
        value = float(above / below) if below else np.nan
        low, high = (float(limit) for limit in intervals.wilson(above, below))
    return {"value": _number(value), "low": _number(low), "high": _number(high)}


def _gaps(frame: Frame) -> list[Record]:
    out: list[Record] = []
    for block in gaps.blocks(frame):
        if block.metric not in frame.policy.primary:
            continue
        c, people = block.comparisons, block.people
        for k in range(len(c)):
            if c.comparator[k] == verdicts.REST:
                continue
            x1, n1, x2, n2 = (float(part[k]) for part in (c.x1, c.n1, c.x2, c.n2))
            few = people.rows[k] < frame.policy.floor or c.rows[k] < frame.policy.floor
            few = few or min(n1, n2) < frame.policy.denominator_floor
            value = low = high = np.nan
            if not few:
                first = intervals.jeffreys(x1, n1, ALPHA)
                second = intervals.jeffreys(x2, n2, ALPHA)
                value = x1 / n1 - x2 / n2
                both = intervals.square_and_add(x1 / n1, *first, x2 / n2, *second)
                low, high = float(both[0]), float(both[1])
            out.append(
                {
                    "group": _word(frame, block, int(c.group[k])),
                    "comparator": _word(frame, block, int(c.comparator[k])),
                    "metric": block.metric,
                    "value": _number(value),
                    "low": _number(low),
                    "high": _number(high),
                    "n": int(people.rows[k]),
                    "n_comparator": int(block.n_comparator[k]),
                    "reason": verdicts.BELOW_FLOOR if few else None,
                }
            )
    return out


def _word(frame: Frame, block: Any, place: int) -> str:
    return next(iter(frame.words(block.by, block.cells[place].tolist()).values()))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
