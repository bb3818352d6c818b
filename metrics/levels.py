"""Labels, scores and decisions audited apart: where does a gap enter?

Labels are held against gold relabels, scores against labels, and decisions by the outcomes of
people at the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics import calibration, compare, scores, significance
from metrics.cells import Counts, Floats, IntArray
from metrics.compare import Record
from metrics.groups import Attribute
from metrics.margin import decision_level
from metrics.strata import risk_difference

# Labels of either kind and rows that the tests of scores were measured for.
SCORE_ROWS, SCORE_LABELS = 50, 10
LABEL_RATES = ("agreement", "fpr", "fnr")


def levels_section(
    attributes: Sequence[Attribute],
    *,
    label: IntArray | None = None,
    decision: IntArray | None = None,
    score: Floats | None = None,
    gold: IntArray | None = None,
    weight: Floats | None = None,
    threshold: float = 0.5,
    probability: bool = True,
    floor: int = compare.FLOOR,
    alpha: float = compare.ALPHA,
) -> Record:
    """Audit the three levels of a decision system, each by itself.

    Parameters
    ----------
    attributes
        Sensitive columns, n rows each.
    label, gold : (n,) int, optional
        Recorded outcome and its careful second reading: 0, 1 or -1 for none.
    decision : (n,) int, optional
        0, 1, 2 for abstained or -1; used to say how far the threshold describes the decisions.
    score : (n,) float, optional
        In [0, 1], NaN for none.
    weight : (n,) float, optional
        Sampling weights of the relabelled rows, positive where `gold` is given.
    threshold
        Score from which the decision is favourable.
    probability
        Whether scores state a probability; where not, calibration is not applicable.
    floor
        Rows a group needs to be compared.
    alpha
        Error rate over the comparisons of each level.

    Returns
    -------
    dict
        ``labels``, ``scores`` and ``decisions``, each with ``undefined`` (a reason, or None),
        ``groups[]`` and ``comparisons[]``; p is adjusted inside each level.

    Raises
    ------
    ValueError
        Columns that differ in length, or weights that are not positive numbers.

    References
    ----------
    Bakalar et al., Fairness on the ground, 2021, section 4 (three levels). Becker, The
    Economics of Discrimination, 1957 (outcome test); Simoiu, Corbett-Davies, Goel, Annals of
    Applied Statistics 11, 2017, section 3 (why the margin and not the average).
    """
    codes = {a.name: a.codes for a in attributes}
    n = len(next(iter(codes.values()))) if codes else 0
    columns = {"label": label, "decision": decision, "score": score, "gold": gold}
    compare.same_length(n, weight=weight, **columns, **codes)
    return {
        "labels": label_level(attributes, label, gold, weight=weight, floor=floor),
        "scores": score_level(attributes, label, score, probability=probability, floor=floor),
        "decisions": decision_level(
            attributes, label, score, decision=decision, threshold=threshold, floor=floor
        ),
        "alpha": alpha,
        "floor": floor,
    }


def label_level(
    attributes: Sequence[Attribute],
    label: IntArray | None,
    gold: IntArray | None,
    *,
    weight: Floats | None = None,
    floor: int = compare.FLOOR,
) -> Record:
    """Agreement of labels with gold relabels, and the labellers' error rates, by group.

    Agreement: share of relabelled rows with label = gold. FPR: favourable labels among rows
    whose gold is not; FNR: unfavourable labels among rows whose gold is favourable.

    Parameters
    ----------
    attributes, label, gold, weight, floor
        As `levels_section`. With weights, rates are weighted, and intervals and tests use
        counts scaled to Kish's effective size of each group.

    Returns
    -------
    dict
        groups[] with Wilson intervals, comparisons[] with Fisher's p, Bonferroni-adjusted.
    """
    out: Record = {"undefined": None, "weighted": weight is not None, "rows": 0}
    out |= {"groups": [], "comparisons": [], "tests": 0}
    if gold is None or label is None:
        return out | {"undefined": "no-gold" if gold is None else "no-label"}
    use = (label >= 0) & (gold >= 0)
    out["rows"] = int(use.sum())
    if not use.any():
        return out | {"undefined": "no-relabelled-row"}
    if weight is not None and not (np.isfinite(weight[use]).all() and (weight[use] > 0).all()):
        raise ValueError("sampling weights of relabelled rows are positive numbers")
    seen = {
        "agreement": (use, label == gold),
        "fpr": (use & (gold == 0), label == 1),
        "fnr": (use & (gold == 1), label == 0),
    }
    for name, (rows, hit) in seen.items():
        everyone = Attribute("", ("",), np.zeros(len(label), dtype=np.int8))
        x, n = _tally(everyone, rows, hit, weight)
        out["groups"].append({"by": [], "group": {}, "metric": name} | compare.rate(x[0], n[0]))
    for attribute in attributes:
        size = compare.group_counts(attribute, use)
        for name, (rows, hit) in seen.items():
            x, n = _tally(attribute, rows, hit, weight)
            out["groups"] += _rates(attribute, name, x, n)
            out["comparisons"] += _fisher(attribute, name, size, x, n, floor)
    out["tests"] = compare.adjust(out["comparisons"])
    return out


def _tally(
    attribute: Attribute,
    rows: NDArray[np.bool_],
    hit: NDArray[np.bool_],
    weight: Floats | None,
) -> tuple[Counts, Counts]:
    """Counts by group, scaled to the effective size when rows carry weights."""
    if weight is None:
        return compare.tally(attribute, rows, hit)
    known = rows & (attribute.codes >= 0)
    codes, w, k = attribute.codes[known], weight[known], len(attribute.levels)
    total, square = np.bincount(codes, w, k), np.bincount(codes, w * w, k)
    share = np.divide(
        np.bincount(codes, w * hit[known], k), total, out=np.zeros(k), where=total > 0
    )
    size = np.divide(total**2, square, out=np.zeros(k), where=square > 0)
    n = np.rint(size).astype(np.int64)
    return np.rint(share * n).astype(np.int64), n


def _rates(attribute: Attribute, name: str, x: Counts, n: Counts) -> list[Record]:
    return [
        {"by": [attribute.name], "group": {attribute.name: word}, "metric": name}
        | compare.rate(int(x[j]), int(n[j]))
        for j, word in enumerate(attribute.levels)
    ]


def _fisher(
    attribute: Attribute, name: str, size: Counts, x: Counts, n: Counts, floor: int
) -> list[Record]:
    r, choice = compare.reference(attribute, size)
    if r is None:
        return []
    reasons = compare.too_small(size, floor)
    out = []
    for j in range(len(size)):
        if j == r:
            continue
        reason = reasons[j] if reasons[r] is None else "reference-below-floor"
        if reason is None and min(n[j], n[r]) < compare.DENOMINATOR_FLOOR:
            reason = "below-floor"
        counts = int(x[j]), int(n[j]), int(x[r]), int(n[r])
        p = float(significance.fisher_central(*counts)) if reason is None else None
        out.append(
            compare.head(attribute, j, r, choice)
            | {"metric": name}
            | compare.difference(*counts)
            | {"p": p, "reason": reason}
        )
    return out


def score_level(
    attributes: Sequence[Attribute],
    label: IntArray | None,
    score: Floats | None,
    *,
    probability: bool = True,
    floor: int = compare.FLOOR,
) -> Record:
    """Calibration inside each group and sufficiency against the reference.

    Parameters
    ----------
    attributes, label, score, probability, floor
        As `levels_section`.

    Returns
    -------
    dict
        groups[] with `calibration.calibration_test` and the mean score beside the rate of the
        favourable label; comparisons[] with `calibration.sufficiency_test` and the difference
        of that rate at equal scores (`strata.risk_difference` over the bins), which may be near
        0 where the test rejects: it changes sign then. p is adjusted over both.
    """
    out: Record = {"undefined": None, "rows": 0, "groups": [], "comparisons": [], "tests": 0}
    out["probability"] = probability
    if score is None or label is None:
        return out | {"undefined": "no-score" if score is None else "no-label"}
    use = (label >= 0) & ~np.isnan(score)
    out["rows"] = int(use.sum())
    if not use.any():
        return out | {"undefined": "no-labelled-score"}
    bins = scores.choose_bins([score[use]])
    code = bins.codes(score[use]).astype(np.int64)
    held, n = np.bincount(code, score[use], bins.size), np.bincount(code, minlength=bins.size)
    value = np.divide(held, n, out=(bins.edges[:-1] + bins.edges[1:]) / 2, where=n > 0)
    for attribute in attributes:
        groups = attribute.codes[use]
        known = groups >= 0
        cell = (groups.astype(np.int64) * 2 + label[use]) * bins.size + code
        width = len(attribute.levels) * 2 * bins.size
        counts = np.bincount(cell[known], minlength=width).reshape(-1, 2, bins.size)
        _own_tests(attribute, counts, value, floor, out)
        _tests_between(attribute, counts, value, floor, out)
    out["tests"] = compare.adjust(out["groups"] + out["comparisons"])
    return out


def _enough(counts: Counts, floor: int) -> NDArray[np.bool_]:
    """Groups whose score tests were measured: (g, 2, bins) people by label and bin."""
    by_label = counts.sum(axis=2)
    rows = by_label.sum(axis=1) >= max(SCORE_ROWS, floor)
    return np.asarray(rows & (by_label.min(axis=1) >= SCORE_LABELS))


def _own_tests(
    attribute: Attribute, counts: Counts, value: Floats, floor: int, out: Record
) -> None:
    """Calibration inside each group."""
    enough, by_label = _enough(counts, floor), counts.sum(axis=2)
    stated = counts.sum(axis=1) @ value
    found = calibration.calibration_test(counts[:, 1], counts[:, 0], value)
    for j, word in enumerate(attribute.levels):
        negatives, positives = by_label[j].tolist()
        n = positives + negatives
        reason = None if enough[j] else _why(positives, negatives)
        if not out["probability"]:
            reason = "score-is-no-probability"
        record: Record = {"by": [attribute.name], "group": {attribute.name: word}}
        record |= {"test": "calibration", "n": n, "positives": positives}
        record["mean_score"] = float(stated[j]) / n if n else None
        record["rate"] = compare.rate(positives, n)
        out["groups"].append(record | _test(found, j, reason))


def _tests_between(
    attribute: Attribute, counts: Counts, value: Floats, floor: int, out: Record
) -> None:
    """Sufficiency of each group against the reference."""
    r, choice = compare.reference(attribute, counts.sum(axis=(1, 2)))
    if r is None:
        return
    enough, (x, n) = _enough(counts, floor), (counts[:, 1], counts.sum(axis=1))
    found = calibration.sufficiency_test(x, counts[:, 0], x[r], counts[r, 0], value)
    for j in range(len(counts)):
        if j == r:
            continue
        negatives, positives = counts[j].sum(axis=1).tolist()
        reason = None if enough[j] else _why(positives, negatives)
        reason = reason if enough[r] else "reference-below-floor"
        record = compare.head(attribute, j, r, choice) | {"test": "sufficiency"}
        record["at_equal_scores"] = risk_difference(x[j], n[j], x[r], n[r])
        out["comparisons"].append(record | _test(found, j, reason))


def _why(positives: int, negatives: int) -> str:
    if positives + negatives == 0:
        return "empty-group"
    return "one-class" if min(positives, negatives) == 0 else "below-floor"


def _test(found: tuple[Floats, IntArray, Floats], j: int, reason: str | None) -> Record:
    statistic, df, p = (part[j] for part in found)
    if reason is None and not np.isfinite(p):
        reason = "no-shared-scores"
    if reason is not None:
        return {"statistic": None, "df": 0, "p": None, "reason": reason}
    return {"statistic": float(statistic), "df": int(df), "p": float(p), "reason": None}
