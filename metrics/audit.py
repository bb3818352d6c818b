"""Measure a decision system by group: count once, derive everything else from the counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metrics.behaviour import score_section
from metrics.cells import Floats, IntArray
from metrics.count import CountSet, count
from metrics.design import Weighted
from metrics.estimates import GOALS, Frame, Policy, Record, estimate_list, level_list
from metrics.gaps import gap_list, global_tests
from metrics.groups import Attribute
from metrics.scores import Bins, choose_bins

__all__ = [
    "GOALS",
    "Attribute",
    "Bins",
    "CountSet",
    "Policy",
    "choose_bins",
    "count",
    "decide",
    "derive",
    "measure",
]


def decide(score: Floats, *, threshold: float) -> IntArray:
    """Decisions of a score: 1 from the threshold on, 0 below it, -1 without a score.

    Parameters
    ----------
    score : (n,) float
        NaN where a row has none.
    threshold
        Smallest score that is favourable.
    """
    decision = (score >= threshold).astype(np.int8)
    decision[np.isnan(score)] = -1
    return decision


def derive(
    counted: CountSet,
    attributes: Sequence[Attribute],
    policy: Policy,
    design: Weighted | None = None,
) -> Record:
    """Everything a report says about groups, from counts alone.

    Parameters
    ----------
    counted
        From `count`, or a sum of such sets over shards.
    attributes
        The sensitive columns the counts were made with; their codes are not read.
    policy
        The auditor's choices.
    design
        Weighted counts of the same rows (`metrics.design.weigh`) where they are survey data.

    Returns
    -------
    dict
        Keys ``groups``, ``estimates``, ``gaps``, ``tests``, ``scores``, ``verdicts`` and
        ``family`` of the result document: plain numbers, strings, lists and dicts, None where
        something is undefined, never NaN.
    """
    frame = Frame.of(counted, attributes, policy, design)
    gaps, verdicts, family = gap_list(frame)
    return {
        "groups": level_list(frame),
        "estimates": estimate_list(frame),
        "gaps": gaps,
        "tests": global_tests(frame),
        "scores": score_section(frame),
        "verdicts": verdicts,
        "family": family,
    }


def measure(
    attributes: Sequence[Attribute],
    *,
    label: IntArray | None = None,
    decision: IntArray | None = None,
    score: Floats | None = None,
    policy: Policy,
    bins: Bins | None = None,
    design: Weighted | None = None,
) -> Record:
    """Count rows and derive the report's numbers in one call.

    Parameters
    ----------
    attributes
        Sensitive columns, at least one, n rows each.
    label : (n,) int, optional
        0, 1 or -1 for blank; without it every metric that needs one is not applicable.
    decision : (n,) int, optional
        0, 1, 2 for abstained or -1 for none; None takes the score at the policy's threshold.
    score : (n,) float, optional
        In [0, 1], higher is favourable, NaN for none.
    policy
        The auditor's choices.
    bins
        Score cut points; None fixes them from these scores.
    design
        As for `derive`.

    Returns
    -------
    dict
        As `derive`.

    Raises
    ------
    ValueError
        From `count`: columns that differ in length, codes or scores outside their range.
    """
    if decision is None and score is not None:
        decision = decide(score, threshold=policy.threshold)
    if label is not None and not (label >= 0).any():
        label = None
    counted = count(
        attributes,
        label=label,
        decision=decision,
        score=score,
        intersections=policy.intersections,
        bins=bins,
    )
    return derive(counted, attributes, policy, design)
