"""Fair lending: approval against a named control class, terms in standard deviations, and
approval by a class that is known with a probability only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from metrics import adverse_impact, compare, moments, rates, stats
from metrics.cells import Floats, IntArray
from metrics.compare import Counts, Record
from metrics.contrasts import Test
from metrics.groups import Attribute

#: Ratios from which a class is reviewed, and from which it is watched; below the first: priority.
BANDS = (Fraction(8, 10), Fraction(9, 10))
#: Standardised mean difference from which terms are reviewed.
REVIEW_SMD = 0.3
#: Probabilities from which a class is taken as known, in the band of sensitivity.
CERTAINTIES = (0.5, 0.6, 0.7, 0.8, 0.9)
#: Weighted people a class needs to be compared.
LEAST_WEIGHT = 30.0
#: What probabilities may exceed 1 by, for rounding.
_SLACK = 1e-3


def approval(
    attribute: Attribute,
    decision: IntArray,
    control: int | None = None,
    *,
    bands: tuple[Fraction, Fraction] = BANDS,
) -> Record:
    """Compare every class's approval rate with that of the control class.

    Parameters
    ----------
    attribute
        Classes of n applications.
    decision : (n,) int
        1 approved, 0 not; rows with another value are left out and counted.
    control
        Code of the control class; None takes the attribute's reference, else the largest class.
    bands
        Ratios that part the three bands, the lower one first.

    Returns
    -------
    dict
        ``by``, ``applications`` (of known class), ``unknown``, ``undecided``, ``control``,
        ``control_choice`` (``chosen`` or ``largest``), ``classes[]``: applications, approved,
        rate, role, ``ratio`` (AIR), ``difference``, test as `adverse_impact.two_sample`, and
        ``band`` (0 below the first mark, 1 between, 2 from the second on).
    """
    compare.same_length(len(attribute.codes), decision=decision)
    decided = (decision == 0) | (decision == 1)
    x, n = compare.tally(attribute, decided, decision == 1)
    if control is not None and n[control] > 0:
        r: int | None = control
        choice = "chosen"
    else:
        r, choice = compare.reference(attribute, n)
    rows = [
        {
            "group": {attribute.name: attribute.levels[j]},
            "applications": int(n[j]),
            "approved": int(x[j]),
            "rate": compare.rate(int(x[j]), int(n[j])),
            "role": "control" if j == r else "class",
        }
        | _class(x, n, j, r, bands)
        for j in range(len(n))
        if n[j] > 0
    ]
    return {
        "by": [attribute.name],
        "applications": int(n.sum()),
        "unknown": int((decided & (attribute.codes < 0)).sum()),
        "undecided": int((~decided).sum()),
        "control": None if r is None else {attribute.name: attribute.levels[r]},
        "control_choice": choice,
        "classes": rows,
    }


def _class(
    x: Counts, n: Counts, j: int, r: int | None, bands: tuple[Fraction, Fraction]
) -> Record:
    if r is None or j == r or x[r] == 0:
        reason = "nobody-approved" if r is not None and x[r] == 0 else None
        return dict.fromkeys(
            ("ratio", "difference", "z", "deviations", "p", "mid_p", "method", "significant",
             "band")
        ) | {"reason": reason}  # fmt: skip
    counts = int(x[j]), int(n[j]), int(x[r]), int(n[r])
    return {
        "ratio": adverse_impact.ratio(*counts, marks=bands),
        "difference": compare.difference(*counts),
        **adverse_impact.two_sample(*counts),
        "band": band(*counts, bands),
        "reason": None,
    }


def band(x1: int, n1: int, x0: int, n0: int, bands: tuple[Fraction, Fraction] = BANDS) -> int:
    """Band of a ratio in whole numbers: a ratio on a mark lies in the band above it.

    Parameters
    ----------
    x1, n1, x0, n0
        Approved and applications of the class and of the control class.
    bands
        The two marks, the lower one first.
    """
    found = Fraction(x1 * n0, n1 * x0)
    return sum(found >= mark for mark in bands)


def terms(
    attribute: Attribute, values: Floats, control: int | None = None, *, floor: int = 2
) -> Record:
    """Standardised mean differences of a term of the loan.

    SMD = (mean of the class - mean of the control class) / SD of all applicants with a value.

    Parameters
    ----------
    attribute
        Classes of n applications.
    values : (n,) float
        The term; NaN where it is blank.
    control
        As `approval`.
    floor
        Values a class needs.

    Returns
    -------
    dict
        ``values`` (known), ``blank``, ``mean``, ``sd``, ``control`` and ``classes[]``: n, mean,
        sd, role, and ``smd`` with value, low, high, p (Student's t, delta method) or a reason:
        ``below-floor``, ``zero-variance``, ``empty-group``.
    """
    compare.same_length(len(attribute.codes), values=values)
    known = np.isfinite(values)
    n = compare.group_counts(attribute, known)
    r = control if control is not None and n[control] > 0 else compare.reference(attribute, n)[0]
    inside = values[known]
    out: Record = {
        "by": [attribute.name],
        "values": int(known.sum()),
        "blank": int((~known).sum()),
        "mean": compare.number(inside.mean()) if inside.size else None,
        "sd": compare.number(inside.std()) if inside.size else None,
        "control": None if r is None else {attribute.name: attribute.levels[r]},
        "classes": [],
    }
    if r is None:
        return out
    test = _standardised(attribute, np.where(known, values, np.nan), r)
    for j in range(len(n)):
        own = values[known & (attribute.codes == j)]
        row: Record = {
            "group": {attribute.name: attribute.levels[j]},
            "n": int(own.size),
            "mean": compare.number(own.mean()) if own.size else None,
            "sd": compare.number(own.std(ddof=1)) if own.size > 1 else None,
            "role": "control" if j == r else "class",
        }
        out["classes"].append(row | {"smd": _smd(test, j, r, n, floor)})
    return out


def _standardised(attribute: Attribute, values: Floats, r: int) -> Test:
    counted = moments.count_moments([attribute], label=None, prediction=values, intersections=1)
    table = counted.moments.groups((attribute.name,))
    place = {int(cell): i for i, cell in enumerate(table.cells[:, 0])}
    rows = np.array([table.counts[place[j]] for j in range(len(attribute.levels))])
    here = moments.read(rows, counted.scale)
    there = moments.read(rows[np.full(len(rows), r)], counted.scale)
    everybody = moments.read(counted.moments.groups(()).counts, counted.scale)
    return stats.standardised(here, there, everybody)


def _smd(test: Test, j: int, r: int, n: Counts, floor: int) -> Record | None:
    if j == r:
        return None
    reason = None
    if n[j] == 0:
        reason = "empty-group"
    elif min(n[j], n[r]) < max(floor, 2):
        reason = "below-floor"
    elif not np.isfinite(test.value[j]):
        reason = "zero-variance"
    low, high = (limit[j] for limit in test.bar(np.full(len(test.value), 0.05)))
    found = {"value": test.value[j], "low": low, "high": high, "p": test.p[j]}
    if reason is None and not np.isfinite(low):
        reason = "zero-variance"
    if reason is not None:
        return dict.fromkeys(found) | {"reason": reason}
    return {key: compare.number(v) for key, v in found.items()} | {"reason": None}


def imputed(
    names: Sequence[str],
    probability: Floats,
    decision: IntArray,
    control: int,
    *,
    bands: tuple[Fraction, Fraction] = BANDS,
    certainties: Sequence[float] = CERTAINTIES,
    level: float = 0.95,
) -> Record:
    """Approval by a class that is known with a probability only.

    rate_k = sum p_ik y_i / sum p_ik over the applications with probabilities. The limits of a
    ratio are those of its logarithm, linearised: the same application counts in every class, so
    the classes are not taken as independent. What happens when the most likely class is taken
    as known, at several certainties, is the band of sensitivity.

    Parameters
    ----------
    names
        k classes.
    probability : (n, k) float
        Probabilities of every application; NaN where there are none.
    decision : (n,) int
        1 approved, 0 not; rows with another value are left out.
    control
        Position of the control class.
    bands
        As `approval`.
    certainties
        Probabilities from which a class is taken as known.

    Returns
    -------
    dict
        ``coverage`` (applications with probabilities, of those decided), ``control``,
        ``classes[]``: ``weight`` (expected applications), rate, ``ratio`` with value, low, high,
        p, band, and ``sensitivity`` (``hard[]`` by certainty, lowest and highest ratio).

    Raises
    ------
    ValueError
        A probability outside 0 to 1, or a row that sums to more than 1.

    References
    ----------
    Chen, Kallus, Mao, Svacha, Udell, Fairness under unawareness: assessing disparity when
    protected class is unobserved, FAT* 2019 (both ways of counting, and their biases).
    """
    compare.same_length(len(decision), probability=probability)
    decided = (decision == 0) | (decision == 1)
    given = np.isfinite(probability).all(axis=1)
    shares = probability[given]
    if ((shares < -_SLACK) | (shares > 1 + _SLACK)).any() or (shares.sum(axis=1) > 1 + 1e-2).any():
        raise ValueError("probabilities lie outside 0 to 1, or add up to more than 1")
    use = decided & given
    p, y = np.clip(probability[use], 0.0, 1.0), (decision[use] == 1).astype(np.float64)
    weight = p.sum(axis=0)
    above = p.T @ y
    rate = rates.divide(above, weight)
    hard = [_hard(p, y, certainty, control, names) for certainty in certainties]
    classes = [
        _imputed_class(names, p, y, j, control, (weight, above, rate), bands, level)
        | {"sensitivity": _band_of([h["ratios"][j] for h in hard], certainties, hard, j)}
        for j in range(len(names))
    ]
    return {
        "coverage": {"numerator": int(use.sum()), "denominator": int(decided.sum())},
        "control": names[control],
        "classes": classes,
    }


def _imputed_class(
    names: Sequence[str],
    p: Floats,
    y: Floats,
    j: int,
    r: int,
    sums: tuple[Floats, Floats, Floats],
    bands: tuple[Fraction, Fraction],
    level: float,
) -> Record:
    weight, above, rate = sums
    row: Record = {
        "class": names[j],
        "weight": float(weight[j]),
        "approved": float(above[j]),
        "rate": compare.number(rate[j]),
        "role": "control" if j == r else "class",
        "ratio": None,
        "p": None,
        "band": None,
        "reason": None,
    }
    if j == r:
        return row
    if min(weight[j], weight[r]) < LEAST_WEIGHT:
        return row | {"reason": "below-floor"}
    if above[r] <= 0 or above[j] <= 0:
        return row | {"reason": "nobody-approved"}
    value = float(rate[j] / rate[r])
    pull = p[:, j] * (y - rate[j]) / above[j] - p[:, r] * (y - rate[r]) / above[r]
    error = math.sqrt(float((pull**2).sum()))
    reach = float(ndtri((1 + level) / 2)) * error
    found = {"value": value, "low": value * math.exp(-reach), "high": value * math.exp(reach)}
    chance = float(2 * ndtr(-abs(math.log(value)) / error)) if error > 0 else None
    return row | {"ratio": found, "p": chance, "band": sum(value >= float(m) for m in bands)}


def _hard(p: Floats, y: Floats, certainty: float, r: int, names: Sequence[str]) -> Record:
    """Ratios where the most likely class is taken as known, if it is likely enough."""
    most = p.argmax(axis=1)
    sure: NDArray[np.bool_] = p.max(axis=1) >= certainty if len(p) else np.zeros(0, dtype=bool)
    n = np.bincount(most[sure], minlength=len(names))
    x = np.bincount(most[sure], weights=y[sure], minlength=len(names))
    ratios = [
        float(x[j] / n[j] / (x[r] / n[r])) if n[j] and n[r] and x[r] else None
        for j in range(len(names))
    ]
    return {"n": n.tolist(), "ratios": ratios, "covered": int(sure.sum())}


def _band_of(
    ratios: list[float | None], certainties: Sequence[float], hard: list[Record], j: int
) -> Record:
    known = [v for v in ratios if v is not None]
    return {
        "low": min(known) if known else None,
        "high": max(known) if known else None,
        "hard": [
            {"certainty": c, "n": h["n"][j], "covered": h["covered"], "ratio": v}
            for c, h, v in zip(certainties, hard, ratios, strict=True)
        ],
    }
