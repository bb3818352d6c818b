"""Verdicts on differences of any measure that has a test and an interval at every level.

The rule is that of `metrics.verdicts` for rates: one weighted family over the whole report, a
thin bar at each comparison's local level, a thick bar at 90 %. Here test and bars come with
the comparison: Welch's t for means, limits joined by square-and-add for what has skew limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from metrics import verdicts
from metrics.comparisons import REST, Comparisons
from metrics.contrasts import Floats, Test
from metrics.estimates import BASELINE, Record, plain
from metrics.layout import Layout

POWER_80 = 0.8416
SETTLE = 2.927


@dataclass(frozen=True)
class Block:
    """Comparisons of one measure in one table.

    Parameters
    ----------
    by, metric
        The table and the measure.
    pairs
        Who is compared with whom.
    n, n_comparator : (K,) int
        Rows that carry the measure in the group and in its comparator.
    here, there : (K,) float
        The measure in the group and in its comparator.
    test
        Difference, p and bars.
    reason : (K,) object
        Why there is no difference or no test, or empty.
    tolerance
        Largest difference that does not matter, in the unit of the measure.
    primary, judged
        Whether the measure leads, and whether it gets a verdict at all.
    enough : (K,) bool
        Whether both sides have the data the test was measured for.
    extra
        More keys of each record, K entries each.
    """

    by: tuple[str, ...]
    metric: str
    pairs: Comparisons
    n: NDArray[np.int64]
    n_comparator: NDArray[np.int64]
    here: Floats
    there: Floats
    test: Test
    reason: NDArray[np.object_]
    tolerance: float
    primary: bool
    judged: bool
    enough: NDArray[np.bool_]
    extra: dict[str, list[object]] = field(default_factory=dict)


def judge(blocks: Sequence[Block], *, alpha: float = 0.05) -> list[verdicts.Judgement]:
    """Verdicts of every block, all of them one family.

    Parameters
    ----------
    blocks
        All comparisons of the report.
    alpha
        Error rate of the family, at most that of the thick bar.

    Returns
    -------
    list of Judgement
        One for each block.
    """
    judged = [_active(block) for block in blocks]
    active = np.concatenate([*judged, np.zeros(0, dtype=bool)])
    primary = np.concatenate([*(np.full(len(b.pairs), b.primary) for b in blocks), []])
    weight, k_primary, k_secondary = verdicts.family(active, primary)
    out, start = [], 0
    for block, mine in zip(blocks, judged, strict=True):
        own = weight[start : start + len(mine)]
        out.append(_judge(block, mine, own, alpha, (k_primary, k_secondary)))
        start += len(mine)
    return out


def _active(block: Block) -> NDArray[np.bool_]:
    tested = np.isfinite(block.test.p)
    return np.asarray((block.reason == "") & block.enough & tested & block.judged, dtype=bool)


def _judge(
    block: Block, active: NDArray[np.bool_], weight: Floats, alpha: float, k: tuple[int, int]
) -> verdicts.Judgement:
    test, t = block.test, block.tolerance
    applies, size = block.reason == "", len(block.pairs)
    level = np.where(active, alpha * weight, np.nan)
    level[~active & applies & block.enough] = alpha
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = test.bar(np.where(np.isnan(level), alpha, level))
        thick_low, thick_high = test.bar(np.full(size, verdicts.THICK_ALPHA))
        p_adjusted = np.where(active, np.minimum(1.0, test.p / weight), np.nan)
    low, high = (np.where(np.isnan(level), np.nan, side) for side in (low, high))
    inside = (thick_low > -t) & (thick_high < t)
    found = active & (p_adjusted <= alpha) & ((low > 0) | (high < 0))
    verdict = np.full(size, verdicts.NOT_ENOUGH_DATA if block.judged else "", dtype=object)
    verdict[active & inside] = verdicts.NO_DIFFERENCE
    verdict[found] = verdicts.DIFFERENCE
    verdict[np.isin(block.reason, NEVER)] = verdicts.NOT_APPLICABLE
    size_class = np.full(size, "", dtype=object)
    size_class[found] = "near"
    size_class[found & inside] = "below"
    size_class[found & ((low > t) | (high < -t))] = "above"
    reason = block.reason.copy()
    reason[applies & ~block.enough] = verdicts.BELOW_FLOOR
    z = -ndtri(np.where(np.isnan(level), alpha, level) / 2)
    return verdicts.Judgement(
        value=test.value,
        p=np.where(applies & block.enough, test.p, np.nan),
        p_adjusted=p_adjusted,
        weight=weight,
        level=level,
        low=low,
        high=high,
        thick_low=thick_low,
        thick_high=thick_high,
        verdict=verdict,
        size_class=size_class,
        b=np.maximum(np.abs(thick_low), np.abs(thick_high)),
        rows_needed=_rows_needed(test, block.n, t),
        mdd=(z + POWER_80) * test.error,
        reason=reason,
        in_family=active,
        k_primary=k[0],
        k_secondary=k[1],
        alpha=alpha,
        tolerance=t,
    )


NEVER = ("one-group", "no-denominator", "no-label", "no-relevance")


def _rows_needed(test: Test, n: NDArray[np.int64], tolerance: float) -> Floats:
    """Rows of the group for an 80 % chance of settling a true zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = test.error**2 - test.spread / n
        left = (tolerance / SETTLE) ** 2 - rest
        needed = np.ceil(test.spread / left)
    return np.where(np.isnan(needed), np.nan, np.where(left > 0, needed, np.inf))


def gap_list(
    layout: Layout, blocks: Sequence[Block], *, alpha: float
) -> tuple[list[Record], list[str], Record]:
    """Keys ``gaps``, ``verdicts`` and ``family`` of a document.

    Parameters
    ----------
    layout
        Groups and their words.
    blocks
        All comparisons of the report.
    alpha
        Error rate of the family.
    """
    judged = judge(blocks, alpha=alpha)
    out: list[Record] = []
    for block, result in zip(blocks, judged, strict=True):
        out += records(layout, block, result)
    for at, record in enumerate(out):
        record["id"] = f"g{at + 1}"
    joint = _stacked(judged)
    primary = np.array([record["primary"] for record in out], dtype=bool)
    order = [] if joint is None else [out[at]["id"] for at in verdicts.order(joint, primary)]
    family = {
        "k": judged[0].k_primary + judged[0].k_secondary if judged else 0,
        "k_primary": judged[0].k_primary if judged else 0,
        "k_secondary": judged[0].k_secondary if judged else 0,
        "alpha": alpha,
        "tolerance": {block.metric: block.tolerance for block in blocks if block.judged},
        "primary": list(dict.fromkeys(b.metric for b in blocks if b.primary)),
        "metrics": list(dict.fromkeys(b.metric for b in blocks if b.judged)),
    }
    return out, order, family


def _stacked(judged: Sequence[verdicts.Judgement]) -> verdicts.Judgement | None:
    if not judged:
        return None
    columns = {
        name: np.concatenate([getattr(part, name) for part in judged])
        for name, value in vars(judged[0]).items()
        if isinstance(value, np.ndarray)
    }
    return replace(judged[0], **columns)  # type: ignore[arg-type]


COLUMNS = (
    "value", "low", "high", "thick_low", "thick_high", "p", "p_adjusted", "weight", "level",
    "b", "rows_needed", "mdd",
)  # fmt: skip


def records(layout: Layout, block: Block, judged: verdicts.Judgement) -> list[Record]:
    """Gaps of one block as a document writes them; `id` is left empty."""
    numbers = {name: plain(getattr(judged, name)) for name in COLUMNS}
    here, there = plain(block.here), plain(block.there)
    out = []
    for k in range(len(block.pairs)):
        record = pair_head(layout, block.by, block.pairs, k) | {
            "metric": block.metric,
            "kind": "difference",
            "n": int(block.n[k]),
            "n_comparator": int(block.n_comparator[k]),
            "numerator": None,
            "denominator": None,
            "numerator_comparator": None,
            "denominator_comparator": None,
            "rate": here[k],
            "rate_comparator": there[k],
            "primary": block.primary,
            "tolerance": block.tolerance if block.judged else None,
            "verdict": judged.verdict[k] or None,
            "size_class": judged.size_class[k] or None,
            "reason": judged.reason[k] or None,
        }
        record |= {name: column[k] for name, column in numbers.items()}
        needed = record["rows_needed"]
        record["rows_needed"] = None if needed is None else int(needed)
        record |= {name: column[k] for name, column in block.extra.items()}
        out.append(record)
    return out


def pair_head(layout: Layout, by: tuple[str, ...], pairs: Comparisons, k: int) -> Record:
    """Return what names the two sides of a comparison."""
    against = int(pairs.comparator[k])
    rest = against == REST
    return {
        "id": "",
        "subject": BASELINE,
        "by": list(by),
        "group": layout.words(by, int(pairs.group[k])),
        "comparator": "rest" if rest else {"group": layout.words(by, against)},
        "reference_choice": "rest" if rest else layout.reference(by)[1],
    }
