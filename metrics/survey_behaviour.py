"""How scores behave in survey data: weighted values, replicate errors, and tests by design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, fdtrc, logit, stdtr

from metrics import calibration, intervals, scores
from metrics.cells import Floats
from metrics.design import ROWS_FOR_T, Weighted
from metrics.survey_scores import NEGATIVE, POSITIVE, Drawn

Record = dict[str, Any]

#: Positives and negatives from which the replicate error of an AUC is taken as it is.
EACH_FOR_T = 30
#: People in a part of a curve from which its variance enters the design effect.
IN_PART = 10
LIMITS = ("value", "low", "high")


@dataclass(frozen=True)
class Beside:
    """One attribute's records of the unweighted section, and its weighted statistics.

    Parameters
    ----------
    design
        Weighted counts.
    drawn
        Statistics by code of the attribute.
    by, words
        The attribute, or nothing for everybody, and the groups by code.
    reference
        Code of the reference group.
    """

    design: Weighted
    drawn: Drawn
    by: list[str]
    words: list[dict[str, str]]
    reference: int | None

    def mine(self, items: list[Record]) -> list[tuple[int, Record]]:
        """Records of this attribute with the code of their group."""
        return [(self.words.index(i["group"]), i) for i in items if i["by"] == self.by]


def weighted(section: Record, design: Weighted, attributes: list[Beside]) -> Record:
    """Turn the score section of people into that of those they stand for.

    Values come from sums of weights, and standard errors from replicates. AUCs have t intervals
    on the logit scale, their differences paired ones, Brier scores plain ones; where a group has
    under 140 labelled rows, or 30 of a label, its own replicates are too few, and the error is
    that of unweighted people times the root of the attribute's mean design effect. Rates of a
    curve or a sweep have Wilson's limits on people over the mean design effect. The two tests of
    calibration refer the weighted score vector to its replicate covariance, F on 2 and df - 1
    degrees of freedom.

    Parameters
    ----------
    section
        As `metrics.behaviour.score_section` makes it from people; its records are changed.
    design
        Weighted counts with score statistics.
    attributes
        Everybody, then every attribute.

    References
    ----------
    Korn, Graubard, The American Statistician 44, 1990 (F from replicate covariances).
    """
    assert design.scores is not None
    for item in attributes:
        _auc(section, item)
        _brier(section, item)
        _calibration(section, item)
        _calibration_gaps(section, item)
        _roc(section, item, design.scores.bins)
        _sweep(section, item, design.scores.bins)
        _histogram(section, item, design.scores.value)
    return section


def _effect(error: Floats, naive: Floats, trusted: NDArray[np.bool_]) -> float:
    """Mean design effect of the groups whose own replicates are enough, at least 1."""
    use = trusted & np.isfinite(error) & (naive > 0)
    ratio = np.divide(error**2, naive**2, out=np.ones_like(error), where=use)
    return max(float(ratio[use].mean()), 1.0) if use.any() else 1.0


def _steadied(error: Floats, naive: Floats, trusted: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Replicate errors, where these are too few those of people with the design effect."""
    effect = _effect(error, naive, trusted)
    return np.where(trusted & np.isfinite(error), error, naive * effect**0.5), effect


def _naive(item: Record) -> Record:
    return {"unweighted": item["value"], "naive_low": item["low"], "naive_high": item["high"]}


def _auc(section: Record, beside: Beside) -> None:
    found = beside.mine(section["auc"])
    if not found:
        return
    drawn, size = beside.drawn.auc, len(beside.words)
    naive, trusted = np.full(size, np.nan), np.zeros(size, dtype=bool)
    for code, item in found:
        least = min(item["positives"], item["negatives"])
        trusted[code] = item["n"] >= ROWS_FOR_T and least >= EACH_FOR_T
        naive[code] = _delong(item)
    error, effect = _steadied(beside.design.error(drawn), naive, trusted)
    t = beside.design.t()
    for code, item in found:
        value, wide = drawn[0, code], t * error[code]
        item["survey"] = _naive(item) | {"se": _number(error[code]), "design_effect": effect}
        item["value"] = _number(value)
        if item["value"] is None and item["undefined"] is None:
            item["undefined"] = "empty-denominator"
        low = high = None
        if item["undefined"] is None and 0.0 < value < 1.0:
            reach = wide / (value * (1.0 - value))
            low, high = (_number(expit(logit(value) + way * reach)) for way in (-1.0, 1.0))
        item["low"], item["high"] = low, high
    for code, item in beside.mine(section["auc_gaps"]):
        r = beside.reference
        assert r is not None
        together = bool(trusted[code] and trusted[r])
        gap = drawn[:, code] - drawn[:, r]
        wide = (
            float(beside.design.error(gap)) if together else float(np.hypot(error[code], error[r]))
        )
        item["survey"] = _naive(item) | {"se": _number(wide), "design_effect": effect}
        item["survey"]["naive_p"] = item["p"]
        value = gap[0]
        item["value"] = _number(value)
        item["low"] = _number(max(value - t * wide, -1.0))
        item["high"] = _number(min(value + t * wide, 1.0))
        z = abs(value) / wide if wide > 0 else np.nan
        item["p"] = _number(2.0 * stdtr(beside.design.scheme.df, -z))


def _delong(item: Record) -> float:
    """Standard error behind an interval on the logit scale."""
    if item["low"] is None:
        return np.nan
    wide = float(logit(item["high"]) - logit(item["low"])) / (2.0 * scores.Z95)
    return wide * float(item["value"] * (1.0 - item["value"]))


def _brier(section: Record, beside: Beside) -> None:
    found = beside.mine(section["brier"])
    if not found:
        return
    drawn, size = beside.drawn.brier, len(beside.words)
    naive, trusted = np.full(size, np.nan), np.zeros(size, dtype=bool)
    for code, item in found:
        trusted[code] = item["n"] >= ROWS_FOR_T
        if item["low"] is not None and item["value"] is not None:
            naive[code] = (item["high"] - item["low"]) / (2.0 * scores.Z95)
    error, effect = _steadied(beside.design.error(drawn), naive, trusted)
    for code, item in found:
        value, wide = drawn[0, code], beside.design.t() * error[code]
        item["survey"] = _naive(item) | {"se": _number(error[code]), "design_effect": effect}
        item["value"] = _number(value)
        item["low"] = _number(np.maximum(value - wide, 0.0))
        item["high"] = _number(np.minimum(value + wide, 1.0))
        if item["value"] is None and item["undefined"] is None:
            item["undefined"] = "empty-denominator"


def _rates_effect(design: Weighted, rate: Floats, people: Floats) -> float:
    """Mean design effect of many rates, their replicates along the first axis, at least 1."""
    plain = rate[0] * (1.0 - rate[0])
    use = (people >= IN_PART) & np.isfinite(rate).all(axis=0) & (plain > 0)
    if not use.any():
        return 1.0
    return max(float((design.error(rate)[use] ** 2 * people[use] / plain[use]).mean()), 1.0)


def _limits(rate: Floats, people: Floats, effect: float) -> tuple[Floats, Floats]:
    """Wilson's limits of weighted rates on people over the design effect."""
    known = np.isfinite(rate) & (people > 0)
    n = np.where(known, people / effect, 1.0)
    low, high = intervals.wilson(np.clip(np.where(known, rate, 0.0), 0.0, 1.0) * n, n)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def _calibration(section: Record, beside: Beside) -> None:
    found = beside.mine(section["calibration"])
    if not found:
        return
    sums = beside.drawn.curve
    weight, above, total = (sums[..., j] for j in range(3))
    rate = _divided(above, weight)
    people = np.zeros(weight.shape[1:])
    for code, item in found:
        people[code] = [point["n"] for point in item["curve"]]
    effect = _rates_effect(beside.design, rate, people)
    low, high = _limits(rate[0], people, effect)
    mean = _divided(total[0], weight[0])
    tests = _wald(beside.design, beside.drawn.off)
    for code, item in found:
        for k, point in enumerate(item["curve"]):
            point |= {
                "mean_score": _number(mean[code, k]),
                "rate": _number(rate[0, code, k]),
                "rate_low": _number(low[code, k]),
                "rate_high": _number(high[code, k]),
            }
        item["survey"] = {
            "unweighted": item["ece"], "design_effect": effect, "naive_test": item["test"],
        }  # fmt: skip
        item["ece"], item["ece_null"] = _ece(
            weight[0, code], rate[0, code], mean[code], people[code] / effect
        )
        item["test"] = None if item["test"] is None else tests[code]


def _ece(
    weight: Floats, rate: Floats, mean: Floats, people: Floats
) -> tuple[float | None, float | None]:
    """Weighted calibration error, and its mean under perfect calibration."""
    use = (weight > 0) & np.isfinite(rate)
    whole = float(weight[use].sum())
    if whole <= 0:
        return None, None
    share = weight[use] / whole
    n = np.maximum(np.rint(people[use]), 1.0)
    chance = calibration.deviation(n, np.clip(mean[use], 0.0, 1.0)) / n
    return float(share @ np.abs(rate[use] - mean[use])), float(share @ chance)


def _calibration_gaps(section: Record, beside: Beside) -> None:
    tests = _wald(beside.design, beside.drawn.apart)
    items = section["calibration_gaps"]
    for code, item in beside.mine(items):
        found = tests[code]
        if found is None:
            items.remove(item)
            continue
        item["survey"] = {key: item[key] for key in ("statistic", "df", "p")}
        item |= found


def _wald(design: Weighted, draws: Floats) -> list[Record | None]:
    """F of (1 + R, g, 2) vectors that are 0 on average, on 1 where the second is always 0."""
    out: list[Record | None] = []
    for vector in np.moveaxis(draws, 1, 0):
        if not np.isfinite(vector).all():
            out.append(None)
            continue
        apart = vector[1:] - vector[0]
        cover = design.scheme.factor * (apart.T @ apart)
        k = 2 if cover[1, 1] > 1e-18 and np.linalg.cond(cover) < 1e12 else 1
        if cover[0, 0] <= 1e-18:
            out.append(None)
            continue
        square = float(vector[0, :k] @ np.linalg.solve(cover[:k, :k], vector[0, :k]))
        df = max(design.scheme.df - k + 1.0, 1.0)
        statistic = df / (design.scheme.df * k) * square
        p = float(fdtrc(k, df, statistic))
        out.append({"statistic": statistic, "df": k, "df_error": df, "p": p})
    return out


def _roc(section: Record, beside: Beside, bins: scores.Bins) -> None:
    for code, item in beside.mine(section["roc"]):
        positives, negatives = (beside.drawn.full[code, slot] for slot in (POSITIVE, NEGATIVE))
        if positives.sum() > 0 and negatives.sum() > 0:
            item["points"] = scores.roc(positives, negatives, bins)


def _sweep(section: Record, beside: Beside, bins: scores.Bins) -> None:
    found = beside.mine(section["sweep"])
    if not found:
        return
    rate = beside.drawn.selected
    people = np.zeros(rate.shape[1:])
    for code, item in found:
        people[code] = item["n"]
    effect = _rates_effect(beside.design, rate, people)
    low, high = _limits(rate[0], people, effect)
    whole = beside.drawn.full.sum(axis=(1, 2))
    right = np.cumsum(beside.drawn.full[:, POSITIVE, ::-1], axis=1)[:, ::-1]
    places = scores.sweep_places(bins)
    for code, item in found:
        item["survey"] = {
            "weight": float(whole[code]),
            "design_effect": effect,
            "selected": _numbers(rate[0, code]),
            "low": _numbers(low[code]),
            "high": _numbers(high[code]),
            "true_positives": None
            if item["true_positives"] is None
            else _numbers(_divided(right[code, places], whole[code])),
        }
        if item["selected_above"] is not None:
            above = _above(beside.drawn.full[code].sum(axis=0), item, places)
            item["survey"]["selected_above"] = _numbers(_divided(above, whole[code]))
            part = _limits(_divided(above, whole[code]), people[code], effect)
            item["survey"]["low_above"], item["survey"]["high_above"] = map(_numbers, part)


def _above(everyone: Floats, item: Record, places: NDArray[np.intp]) -> Floats:
    """Weight strictly above each threshold, where every bin holds one score."""
    reached = np.append(np.cumsum(everyone[::-1])[::-1], 0.0)
    out = reached[places + 1]
    # The first bin starts at 0, whatever its score.
    if places[0] == 0 and item["selected_above"][0] == item["selected"][0]:
        out[0] = reached[0]
    return np.asarray(out)


def _histogram(section: Record, beside: Beside, value: Floats) -> None:
    part = np.minimum((value * scores.HISTOGRAM).astype(np.intp), scores.HISTOGRAM - 1)
    everyone = beside.drawn.full.sum(axis=1)
    for code, item in beside.mine(section["histogram"]):
        sums = np.asarray(
            np.bincount(part, everyone[code], minlength=scores.HISTOGRAM), dtype=np.float64
        )
        item["survey"] = {"shares": _numbers(_divided(sums, sums.sum()))}


def _divided(above: Floats, below: Floats) -> Floats:
    below = np.broadcast_to(below, above.shape)
    out = np.full(above.shape, np.nan)
    return np.asarray(np.divide(above, below, out=out, where=below > 0))


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _numbers(values: Floats) -> list[float | None]:
    return [_number(value) for value in values]
