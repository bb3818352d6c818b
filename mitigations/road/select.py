"""Cuts, guards and the choice of a setting: everything that looks at validation rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata

from metrics.local import score_sd

Floats = NDArray[np.float64]

#: Least standard deviation of scores.
LEAST_SD = 0.02
#: Share of the AUC above one half that a network has to keep of the one without a penalty.
LEAST_MARGIN = 0.5
#: Gap in the whole, above that without a penalty, from which it is called new.
NEW_GAP = 0.03
#: Rank gap, below that without a penalty, from which a setting is worth naming.
LEAST_GAIN = 0.01
#: Accuracy, below that without a penalty, that a setting may cost and still be selected.
COST = 0.01


@dataclass(frozen=True)
class Facts:
    """What validation rows say of one network.

    Parameters
    ----------
    accuracy, auc, sd
        Of decisions at the cut, of the outputs, and of the scores.
    gap
        Largest difference between two groups in the whole.
    rank
        Widest difference in mean rank inside a region, NaN where there is none.
    """

    accuracy: float
    auc: float
    sd: float
    gap: float
    rank: float


@dataclass(frozen=True)
class Summary:
    """One setting over its seeds.

    Parameters
    ----------
    networks
        One per seed.
    collapsed
        Seeds with nearly the same score for everybody, or that tell outcomes apart too badly.
    failed
        Seeds that ended in numbers that are not finite.
    """

    networks: tuple[Facts, ...]
    collapsed: int = 0
    failed: int = 0

    @property
    def usable(self) -> bool:
        """Whether the setting may be offered: every seed has to stand."""
        return bool(self.networks) and self.collapsed == 0 and self.failed == 0

    def mean(self, name: str) -> float:
        """Mean over seeds."""
        return float(np.mean([getattr(f, name) for f in self.networks]))

    def spread(self, name: str) -> float | None:
        """Standard deviation over seeds."""
        values = [getattr(f, name) for f in self.networks]
        return float(np.std(values, ddof=1)) if len(values) > 1 else None


def auc(output: Floats, label: NDArray[np.integer]) -> float:
    """Area under the ROC curve, one half where there is one label alone."""
    yes = label == 1
    n1, n0 = int(yes.sum()), int((~yes).sum())
    if n1 == 0 or n0 == 0:
        return 0.5
    ranks = rankdata(output)
    return float((ranks[yes].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def cut_at(output: Floats, share: float) -> float:
    """The cut above which about this share of outputs lies, midway between two of them.

    Outputs that are equal stay on one side, the one nearer to the share.
    """
    ranked = np.unique(output)
    above = len(output) - np.searchsorted(np.sort(output), ranked, side="right")
    # Cuts above each different output, and one below all of them.
    shares = np.concatenate([[len(output)], above]) / len(output)
    at = int(np.argmin(np.abs(shares - share)))
    if at == 0:
        return float(ranked[0] - 1.0)
    if at == len(ranked):
        return float(ranked[-1] + 1.0)
    return float(0.5 * (ranked[at - 1] + ranked[at]))


def positive_share(outputs: Sequence[Floats]) -> float:
    """Share of rows that the networks without a penalty decide favourably at one half."""
    return float(np.mean([np.mean(output > 0.0) for output in outputs]))


def stands(output: Floats, found: float, plain: float) -> bool:
    """Whether a network tells people apart: the guard against a collapse.

    Parameters
    ----------
    output
        Before the logistic function.
    found, plain
        AUC of this network, and of those without a penalty.
    """
    least = 0.5 + LEAST_MARGIN * max(plain - 0.5, 0.0)
    return score_sd(expit(output)) >= LEAST_SD and found >= least


def new_gap(found: Summary, plain: Summary) -> bool:
    """Whether the gap in the whole grew."""
    return found.mean("gap") > plain.mean("gap") + NEW_GAP


def choose(found: Sequence[Summary], plain: Summary) -> tuple[int | None, list[bool]]:
    """The setting with the least local gap at little cost, and the front of all of them.

    Means over seeds are compared, since one seed on a few thousand rows says little.

    Returns
    -------
    place, front
        Position of the setting with the least rank gap among those whose accuracy is within
        `COST` of that without a penalty and whose gap in the whole is not new; None if none
        lowers the rank gap by `LEAST_GAIN` and by two standard errors of its mean over seeds.
        Whether no other setting is better in all of accuracy, gap in the whole and rank gap.
    """
    triples = [(s.mean("accuracy"), s.mean("gap"), s.mean("rank")) for s in found]
    front = [_undominated(i, triples) for i in range(len(triples))]
    before = plain.mean("rank")
    best, place = before, None
    for i, (accuracy, _, rank) in enumerate(triples):
        if accuracy < plain.mean("accuracy") - COST or new_gap(found[i], plain):
            continue
        if math.isfinite(rank) and rank < best and before - rank >= _least_gain(found[i]):
            best, place = rank, i
    return place, front


def _least_gain(found: Summary) -> float:
    spread = found.spread("rank") or 0.0
    return max(LEAST_GAIN, 2.0 * spread / math.sqrt(len(found.networks)))


def _undominated(i: int, triples: Sequence[tuple[float, float, float]]) -> bool:
    accuracy, gap, rank = triples[i]
    return not any(
        a >= accuracy and g <= gap and r <= rank and (a, g, r) != triples[i]
        for j, (a, g, r) in enumerate(triples)
        if j != i
    )
