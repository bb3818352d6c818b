"""On which share of reference decisions is the model at least as good on every measure at once?

References are whole decision vectors on the same rows: a human panel, an old system, resampled
decisions. A measure is a loss: lower is better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import compare, exact, rates
from metrics.cells import Floats, IntArray
from metrics.compare import Record
from metrics.groups import Attribute

INTERVAL_COVERS = "the choice of references only"
FEW = 20
_SLUGS = ("selection-rate", "tpr", "fpr", "accuracy")


@dataclass(frozen=True)
class Loss:
    """A measure to compare decisions on.

    Parameters
    ----------
    slug, title
        Name in documents and on pages.
    function
        From rates by group (4, g), rates of everybody (4,), in the order selection rate, TPR,
        FPR, accuracy, to the loss; NaN where undefined.
    by_group
        Whether it compares groups.
    """

    slug: str
    title: str
    function: Callable[[Floats, Floats], float]
    by_group: bool = True


def _range(values: Floats) -> float:
    return float(values.max() - values.min()) if values.size > 1 else float("nan")


LOSSES: tuple[Loss, ...] = (
    Loss("error-rate", "Error rate", lambda g, all_: float(1 - all_[3]), by_group=False),
    Loss("selection-rate-gap", "Largest gap of selection rates", lambda g, _: _range(g[0])),
    Loss("tpr-gap", "Largest gap of true positive rates", lambda g, _: _range(g[1])),
    Loss("fpr-gap", "Largest gap of false positive rates", lambda g, _: _range(g[2])),
    Loss(
        "equalized-odds-gap",
        "Larger of the gaps of true and false positive rates",
        lambda g, _: float(np.maximum(_range(g[1]), _range(g[2]))),
    ),
    Loss("worst-group-error", "Error rate of the worst group", lambda g, _: float(1 - g[3].min())),
)
REGISTRY: Mapping[str, Loss] = {loss.slug: loss for loss in LOSSES}
DEFAULT = ("error-rate", "selection-rate-gap", "equalized-odds-gap")


def references_section(
    attribute: Attribute,
    label: IntArray,
    decision: IntArray,
    references: IntArray,
    *,
    losses: Sequence[str] = DEFAULT,
    names: Sequence[str] | None = None,
    floor: int = compare.FLOOR,
) -> Record:
    """Share of references that the model equals or betters on every loss.

    gamma = #{z : f_k(model) <= f_k(z) for all k} / #{z}, ties counted for the model.

    Parameters
    ----------
    attribute
        Groups of n rows; groups below the floor are in no gap.
    label, decision : (n,) int
        0, 1 or -1. Rows without either are in no loss.
    references : (k, n) int
        One row per reference; a reference is judged on the rows it decided, and the model on
        the same rows beside it.
    losses
        Keys of `REGISTRY`.
    names
        What the references are called.
    floor
        Rows a group needs.

    Returns
    -------
    dict
        gamma, its Clopper-Pearson limits, the count behind it, each loss's own share, the
        references left out, and what the interval covers: the choice of references, as if they
        were drawn from all that could have been made; not the choice of rows.

    Raises
    ------
    ValueError
        Shapes that do not fit, a value other than -1, 0, 1, or an unknown loss.

    References
    ----------
    Memarrast, Vu, Ziebart, Superhuman fairness, ICML 2023, definition of gamma-superhuman.
    """
    given = np.atleast_2d(references)
    n = len(label)
    compare.same_length(n, decision=decision, **{attribute.name: attribute.codes})
    if given.shape[-1] != n and given.size:
        raise ValueError(f"references have {given.shape[-1]} rows, the labels have {n}")
    if any(v.size and (v.min() < -1 or v.max() > 1) for v in (label, decision, given)):
        raise ValueError("labels and decisions are 0, 1 or -1")
    chosen = [REGISTRY[slug] for slug in losses if slug in REGISTRY]
    if len(chosen) != len(losses):
        raise ValueError(f"losses are {', '.join(REGISTRY)}")
    use = (label >= 0) & (decision >= 0)
    count = len(given) if given.size else 0
    model, other = np.full((count, len(chosen)), np.nan), np.full((count, len(chosen)), np.nan)
    for k in range(count):
        rows = use & (given[k] >= 0)
        model[k] = _losses(attribute, label, decision, rows, chosen, floor)
        other[k] = _losses(attribute, label, given[k], rows, chosen, floor)
    return _record(attribute, chosen, model, other, names) | {
        "own": _own(_losses(attribute, label, decision, use, chosen, floor), chosen),
        "rows": int(use.sum()),
        "floor": floor,
    }


def _losses(
    attribute: Attribute,
    label: IntArray,
    decision: IntArray,
    use: NDArray[np.bool_],
    chosen: Sequence[Loss],
    floor: int,
) -> Floats:
    size = len(attribute.levels) + 1
    cell = (attribute.codes.astype(np.int64) + 1) * rates.SLOTS + (label + 1) * 4 + decision + 1
    counts = np.bincount(cell[use], minlength=size * rates.SLOTS)[: size * rates.SLOTS]
    table = counts.reshape(size, 3, 4)
    known = table[1:][table[1:].sum(axis=(1, 2)) >= floor]
    by_group = rates.values(known, _SLUGS).T
    everybody = rates.values(table.sum(axis=0), _SLUGS)
    out = np.full(len(chosen), np.nan)
    for k, loss in enumerate(chosen):
        if not loss.by_group or by_group.shape[1] > 0:
            out[k] = loss.function(by_group, everybody)
    return out


def _own(values: Floats, chosen: Sequence[Loss]) -> list[Record]:
    return [
        {
            "loss": loss.slug,
            "title": loss.title,
            "value": compare.number(value),
            "undefined": None if np.isfinite(value) else "empty-denominator",
        }
        for loss, value in zip(chosen, values.tolist(), strict=True)
    ]


def _record(
    attribute: Attribute,
    chosen: Sequence[Loss],
    model: Floats,
    other: Floats,
    names: Sequence[str] | None,
) -> Record:
    defined = np.isfinite(model) & np.isfinite(other)
    comparable = np.asarray(defined.all(axis=1), dtype=bool)
    as_good = np.zeros(model.shape, dtype=bool)
    as_good[comparable] = model[comparable] <= other[comparable]
    k, hits = int(comparable.sum()), int(as_good[comparable].all(axis=1).sum())
    low, high = exact.clopper_pearson(hits, k)
    reason = None
    if len(model) == 0:
        reason = "no-references"
    elif k == 0:
        reason = "not-comparable"
    own = as_good[comparable].sum(axis=0)
    ends = [exact.clopper_pearson(int(x), k) for x in own]
    each = [
        {
            "loss": loss.slug,
            "title": loss.title,
            "at_least_as_good": int(own[j]),
            "share": int(own[j]) / k if k else None,
            "low": compare.number(float(ends[j][0])) if k else None,
            "high": compare.number(float(ends[j][1])) if k else None,
            "ties": int((model[comparable, j] == other[comparable, j]).sum()),
        }
        for j, loss in enumerate(chosen)
    ]
    listed: list[dict[str, Any]] = [
        {
            "name": f"reference {i + 1}" if names is None else names[i],
            "as_good_on_all": bool(as_good[i].all()) if comparable[i] else None,
            "losses": [compare.number(value) for value in other[i].tolist()],
            "model": [compare.number(value) for value in model[i].tolist()],
            "reason": None if comparable[i] else "empty-denominator",
        }
        for i in range(len(model))
    ]
    return {
        "by": [attribute.name],
        "references": len(model),
        "comparable": k,
        "as_good": hits,
        "gamma": hits / k if k else None,
        "low": compare.number(float(low)),
        "high": compare.number(float(high)),
        "interval": "clopper-pearson",
        "interval_covers": INTERVAL_COVERS,
        "undefined": reason,
        "notices": ["few-references"] if 0 < k < FEW else [],
        "losses": each,
        "list": listed,
    }
