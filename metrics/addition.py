"""Should a source of rows be added? Train on growing mixtures, measure on the target.

The trainer is the caller's: nothing here fits a model, so any will do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics import bootstrap, compare, exact, rates
from metrics.cells import Counts, Floats, IntArray
from metrics.compare import Record, number
from metrics.groups import Attribute

Train = Callable[[tuple[str, ...]], IntArray]
"""From the names of the added sources to decisions (n,) on the target's validation rows."""


@dataclass(frozen=True)
class Source:
    """A candidate.

    Parameters
    ----------
    name
        What it is called.
    shift
        How far it is from the target, such as an AUC of `source.source_scores`; None unknown.
    rows
        Rows it would add.
    """

    name: str
    shift: float | None
    rows: int


def order(sources: Sequence[Source]) -> list[Source]:
    """Sources by rising shift, unknown shifts last, names breaking ties."""
    return sorted(
        sources,
        key=lambda s: (s.shift is None, 0.0 if s.shift is None else s.shift, s.name),
    )


def addition_section(
    sources: Sequence[Source],
    train: Train,
    attribute: Attribute,
    label: IntArray,
    *,
    seed: int = 0,
    draws: int = 1000,
    floor: int = compare.FLOOR,
    tolerance: float = 0.0,
    stop: bool = True,
) -> Record:
    """Add sources in the order of their shift for as long as the worst group does not drop.

    Parameters
    ----------
    sources
        Candidates.
    train
        Fits on the target's training rows plus the named sources and decides the validation
        rows; called once without a source, then once per step.
    attribute
        Groups of the validation rows.
    label : (n,) int
        Label of the validation rows, 0, 1 or -1.
    seed, draws
        Of the paired bootstrap.
    floor
        Labelled rows a group needs to be the worst one.
    tolerance
        Drop of the worst group's accuracy that does not stop.
    stop
        Whether to end at the first drop; False trains on every mixture.

    Returns
    -------
    dict
        ``steps[]``: mixture, accuracy, gap, worst group, changes against the step before with
        paired bootstrap intervals, McNemar's p of the overall change, and the answer ``helps``
        (the worst group's change lies above 0), ``harms`` (below minus the tolerance) or
        ``unclear``; ``chosen``: the sources to add by the rule; ``order``.

    Raises
    ------
    ValueError
        Decisions that do not fit the validation rows.

    References
    ----------
    Shen, Raji, Chen, The data addition dilemma, MLHC 2024, section 5.
    """
    ranked = order(sources)
    out: Record = {
        "by": [attribute.name], "order": [s.name for s in ranked], "steps": [], "chosen": [],
        "stopped_at": None, "undefined": None, "floor": floor, "tolerance": tolerance,
    }  # fmt: skip
    sizes = compare.group_counts(attribute, label >= 0)
    big = sizes >= max(floor, 1)
    if not big.any():
        return out | {"undefined": "below-floor" if (label >= 0).any() else "no-label"}
    right = _right(train(()), label)
    out["steps"].append(_step((), None, attribute, label, right, big))
    kept: tuple[str, ...] = ()
    best = out["steps"][0]["worst"]["value"]
    for source in ranked:
        mixture = (*out["steps"][-1]["mixture"], source.name)
        before, right = right, _right(train(mixture), label)
        step = _step(mixture, source, attribute, label, right, big)
        rng = bootstrap.stream(seed, f"addition/{'+'.join(mixture)}")
        step |= _changes(attribute, label, before, right, big, rng, draws, tolerance)
        out["steps"].append(step)
        value = step["worst"]["value"]
        if out["stopped_at"] is None:
            if value < best - tolerance:
                out["stopped_at"] = source.name
                if stop:
                    break
            else:
                kept, best = mixture, max(best, value)
    return out | {"chosen": list(kept)}


def _right(decision: IntArray, label: IntArray) -> IntArray:
    if len(decision) != len(label):
        raise ValueError(f"{len(decision)} decisions came back for {len(label)} validation rows")
    return np.asarray(decision == label, dtype=np.int64)


def _step(
    mixture: tuple[str, ...],
    source: Source | None,
    attribute: Attribute,
    label: IntArray,
    right: IntArray,
    big: NDArray[np.bool_],
) -> Record:
    use = label >= 0
    hits, n = compare.tally(attribute, use, right == 1)
    share = np.where(big, rates.divide(hits, n), np.nan)
    j = int(np.nanargmin(share))
    return {
        "mixture": list(mixture),
        "added": None if source is None else source.name,
        "shift": None if source is None else number(source.shift),
        "rows_added": 0 if source is None else source.rows,
        "accuracy": compare.rate(int(right[use].sum()), int(use.sum())),
        "gap": float(np.nanmax(share) - np.nanmin(share)),
        "worst": {"group": {attribute.name: attribute.levels[j]}}
        | compare.rate(int(hits[j]), int(n[j])),
        "groups": [
            {"group": {attribute.name: word}, "in_worst": bool(big[k])}
            | compare.rate(int(hits[k]), int(n[k]))
            for k, word in enumerate(attribute.levels)
        ],
    }


def _changes(
    attribute: Attribute,
    label: IntArray,
    before: IntArray,
    after: IntArray,
    big: NDArray[np.bool_],
    rng: np.random.Generator,
    draws: int,
    tolerance: float,
) -> Record:
    """Paired changes from counts by group, right before and right after."""
    use = label >= 0
    group = np.where(attribute.codes >= 0, attribute.codes, len(big)).astype(np.int64)
    cell = (group * 2 + before) * 2 + after
    counts = np.bincount(cell[use], minlength=(len(big) + 1) * 4).reshape(-1, 2, 2)
    now = _summary(counts[..., None].astype(np.float64), big)[:, 0]
    drawn = _summary(bootstrap.resample(counts, rng=rng, draws=draws), big)
    low, high = bootstrap.percentile_interval(drawn.copy()) if draws else (now * np.nan,) * 2
    change = {
        name: {"value": number(now[k]), "low": number(low[k]), "high": number(high[k])}
        for k, name in enumerate(("accuracy", "worst", "gap"))
    }
    up, down = int(counts[:, 0, 1].sum()), int(counts[:, 1, 0].sum())
    change["accuracy"]["p"] = float(exact.mcnemar(up, down))
    answer = "unclear"
    if low[1] > 0:
        answer = "helps"
    elif high[1] < -tolerance:
        answer = "harms"
    return {"change": change, "answer": answer}


def _summary(counts: Counts | Floats, big: NDArray[np.bool_]) -> Floats:
    """Changes of accuracy, worst group and gap, (3, draws)."""
    n = counts.sum(axis=(1, 2))
    right = rates.divide(counts.sum(axis=1)[:, 1], n), rates.divide(counts[:, 1].sum(axis=1), n)
    after, before = (side[: len(big)][big] for side in right)
    everybody = counts.sum(axis=0)
    overall = rates.divide(everybody[0, 1] - everybody[1, 0], everybody.sum(axis=(0, 1)))
    worst = after.min(axis=0) - before.min(axis=0)
    gap = np.ptp(after, axis=0) - np.ptp(before, axis=0)
    return np.stack([overall, worst, gap])
