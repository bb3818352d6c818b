"""The ``bounds`` section of a result document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metrics import bounds, information, pid, pid_nulls, rate_bounds
from metrics.bootstrap import percentile_interval, stream
from metrics.bound_program import kernel
from metrics.cells import Counts, Floats

Record = dict[str, Any]

GAPS = 21
# Cells of tables drawn at a time.
AT_ONCE = 2_000_000


def accuracy(shares: Floats) -> float:
    """Share of right decisions in (..., y, yh) shares."""
    return float(np.trace(shares, axis1=-2, axis2=-1).sum() / shares.sum())


def disparities(shares: Floats) -> tuple[float, float]:
    """Global and local disparity of the decisions in (z, s, y, yh) shares, nats."""
    decided = shares.sum(axis=2)
    return (
        float(information.global_disparity(decided)),
        float(information.local_disparity(decided)),
    )


def headroom(shares: Floats, rule: str) -> tuple[float, bounds.Point]:
    """Accuracy a rule could gain without more disparity than the audited decisions have.

    Parameters
    ----------
    shares : (z, s, y, yh) float64
        Joint shares with the audited decisions.
    rule
        One of `metrics.bounds.RULES`.
    """
    kept = shares[shares.sum(axis=(1, 2, 3)) > 0][:, shares.sum(axis=(0, 2, 3)) > 0]
    point = bounds.Bound(kept, rule).at(*disparities(kept))
    return max(point.accuracy - accuracy(kept), 0.0), point


def _surface(joint: Floats, rule: str, size: int) -> Record:
    bound = bounds.Bound(joint, rule)
    # Without sites both limits are the same one.
    one_site = joint.shape[1] < 2
    whole = bounds.axis(bound.ceiling[0], size)
    local = [np.inf] if one_site else bounds.axis(bound.ceiling[1], size)
    grid = bound.surface(whole, local)
    flat = np.stack([point.decided for row in grid for point in row])
    atoms = pid.decompose(flat, tolerance=1e-6)
    shape = (len(whole), len(local))
    gap = max(point.gap for row in grid for point in row)
    certified = all(point.certified for row in grid for point in row)
    return {
        "rule": rule,
        "global": whole,
        "local": None if one_site else local,
        "accuracy": [[point.accuracy for point in row] for row in grid],
        "one_optimum": {
            name: atoms[name].reshape(shape).tolist() for name in ("unique", "redundant", "masked")
        },
        "certificate": {"gap": gap, "certified": certified},
    }


def drawn_headroom(joint: Floats, rule: str, point: bounds.Point, drawn: Floats) -> Floats:
    """Headroom of tables near the observed one, without solving for each.

    To first order the best accuracy of a table follows from the rule and the prices of the
    observed one: what the rule attains there, less the price of the disparity it has in excess
    of the model's own (the envelope theorem).

    Parameters
    ----------
    joint : (z, s, y, y) float64
        Observed shares.
    rule, point
        Rule and optimum of the observed table.
    drawn : (d, z, s, y, y) float64
        Counts.

    Returns
    -------
    (d,) float64
        At least 0.
    """
    z, s, y, _ = joint.shape
    shares = drawn / drawn.sum(axis=(1, 2, 3, 4), keepdims=True)
    model = shares.sum(axis=3)
    seen = shares.sum(axis=4)[..., None] * np.eye(y) if rule == "free" else shares
    rule_of = kernel(rule, point.chances, (z, s, y))
    right = np.einsum("dzsyb,zsby->d", seen, rule_of, optimize=True)
    decided = np.einsum("dzsyb,zsbh->dzsh", seen, rule_of, optimize=True)
    own = np.trace(shares.sum(axis=(1, 2)), axis1=1, axis2=2)
    value = right - own
    for price, disparity in zip(
        point.price, (information.global_disparity, information.local_disparity), strict=True
    ):
        value -= price * (disparity(decided) - disparity(model))
    return np.asarray(np.maximum(value, 0.0))


def _headroom(joint: Floats, rule: str, *, n: int, draws: int, rng: np.random.Generator) -> Record:
    value, point = headroom(joint, rule)
    low: float | None = None
    high: float | None = None
    if point.solved and draws:
        step = max(AT_ONCE // joint.size, 1)
        sizes = [min(step, draws - done) for done in range(0, draws, step)]
        values = np.concatenate(
            [
                drawn_headroom(
                    joint, rule, point, pid_nulls.multinomial(joint, n=n, rng=rng, draws=size)
                )
                for size in sizes
            ]
        )
        ends = percentile_interval(values)
        low, high = min(float(ends[0]), value), max(float(ends[1]), value)
    return {
        "rule": rule,
        "value": value,
        "low": low,
        "high": high,
        "bound": point.accuracy,
        "draws": draws if low is not None else 0,
        "certificate": {
            "gap": point.gap,
            "certified": point.certified,
        },
    }


def _windows(
    counts: Counts, *, floor: int, denominator_floor: int, limit: float | None
) -> list[Record]:
    """Frontiers of chart C9: best accuracy against the largest gap of a rate."""
    if counts.shape[1:] != (2, 2):
        return []
    out: list[Record] = []
    floors: dict[str, Any] = {"floor": floor, "denominator_floor": denominator_floor}
    for metric in rate_bounds.METRICS:
        gap = rate_bounds.observed(counts, metric, **floors)
        top = 0.1 if gap is None else min(max(1.25 * gap, 0.1), 1.0)
        named = [x for x in (gap, limit) if x is not None]
        gaps = sorted({*np.linspace(0.0, max([top, *named]), GAPS).tolist(), *named})
        for rule in rate_bounds.RULES:
            found = rate_bounds.windows(counts, metric, rule=rule, **floors)
            points = [] if found is None else rate_bounds.frontier(found, gaps)
            out.append(
                {
                    "metric": metric,
                    "rule": rule,
                    "gap": gap,
                    "points": [{"gap": x, "accuracy": y} for x, y in points],
                    "undefined": None if points else "below-floor",
                }
            )
    return out


def _reason(counts: Counts, has_label: bool) -> str | None:
    if not has_label:
        return "no-label"
    if not counts.sum() > 0:
        return "no-rows"
    if (counts.sum(axis=(1, 2, 3)) > 0).sum() < 2:
        return "one-group"
    if (counts.sum(axis=(0, 1, 3)) > 0).sum() < 2:
        return "one-label"
    return None


def bounds_section(
    counts: Counts | None,
    *,
    by: Sequence[str],
    site: str | None,
    z_levels: Sequence[object],
    sites: Sequence[str],
    rules: Sequence[str] = ("free", "group"),
    grid: int = 12,
    floor: int = 30,
    denominator_floor: int = 10,
    pool: str = "group",
    draws: int = 1000,
    limit: float | None = None,
    seed: int = 0,
) -> Record:
    """The ``bounds`` entry of a result document for one grouping and one site column.

    Parameters
    ----------
    counts : (z, s, y, y) int, optional
        Labelled people by group, site, label and decision; None without labels. One site if
        there is no site column.
    by, site
        Names of the sensitive columns and of the site column.
    z_levels, sites
        What the document calls the z groups and the s sites.
    rules
        Of `metrics.bounds.RULES`.
    grid
        Limits along each axis of a surface; 0 for no surface.
    floor, denominator_floor, pool
        As in `metrics.pid_section.pid_section` and `metrics.rate_bounds.windows`.
    draws
        Bootstrap draws of the headroom.
    limit
        Gap of the rates, as a fraction, that the windows shall hold too: the auditor's limit.
    seed
        Seed of the audit.

    Returns
    -------
    dict
        Plain values, None where undefined with a reason beside it, never NaN. `windows` uses
        the same rules without sites.
    """
    table = np.asarray(0 if counts is None else counts, dtype=np.int64)
    table = table if table.ndim == 4 else np.zeros((1, 1, 2, 2), dtype=np.int64)
    reason = _reason(table, counts is not None)
    out: Record = {
        "by": list(by),
        "site": site,
        "n": int(table.sum()),
        "undefined": reason,
        "z_levels": [],
        "sites": [],
        "pooled": [],
        "model": None,
        "labels": None,
        "surfaces": [],
        "headroom": [],
        "windows": [],
    }
    if reason is not None:
        return out
    z, s = table.sum(axis=(1, 2, 3)) > 0, table.sum(axis=(0, 2, 3)) > 0
    table = table[z][:, s]
    words = [word for word, used in zip(sites, s, strict=True) if used]
    pooled = pid.pool_sites(table.sum(axis=(2, 3)), words, floor=floor, rule=pool)
    joined = np.moveaxis(pooled.apply(np.moveaxis(table, 1, 2)), 2, 1)
    joint = joined / joined.sum()
    at_site = table.sum(axis=(0, 2, 3))
    model, labels = disparities(joint), bounds.Bound(joint).ceiling
    name = f"bounds/{'*'.join(by)}/{'' if site is None else site}"
    return {
        **out,
        "z_levels": [word for word, used in zip(z_levels, z, strict=True) if used],
        "sites": list(pooled.sites),
        "pooled": [{"site": words[j], "n": int(at_site[j])} for j in pooled.members],
        "model": {"accuracy": accuracy(joint), "global": model[0], "local": model[1]},
        "labels": {"global": labels[0], "local": labels[1]},
        "surfaces": [_surface(joint, rule, grid) for rule in rules if grid],
        "headroom": [
            _headroom(joint, rule, n=out["n"], draws=draws, rng=stream(seed, f"{name}/{rule}"))
            for rule in rules
        ],
        "windows": _windows(
            table.sum(axis=1), floor=floor, denominator_floor=denominator_floor, limit=limit
        ),
    }
