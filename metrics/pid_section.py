"""The ``pid`` section of a result document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import broja, information, pid, pid_nulls
from metrics.cells import Counts, Floats
from metrics.pid_sample import (
    CERTIFIED,
    Sample,
    include_zero,
    intervals,
    local_terms,
    site_thresholds,
    tests,
    threshold,
)

Record = dict[str, Any]

FEWEST_DRAWS = 200
# Hessian entries of all draws together: about twenty seconds of one core.
BUDGET = 20_000_000


def _number(reason: str | None = None, **known: object) -> Record:
    keys = ("value", "low", "high", "corrected", "expected", "null_threshold", "p", "test")
    return {**dict.fromkeys(keys), **known, "undefined": reason}


def _affordable(shape: Sequence[int], wanted: int) -> int:
    strata, z, s, y = shape
    fits = BUDGET // max(strata * s * y * z * z, 1)
    return min(wanted, max(fits, FEWEST_DRAWS))


def _per_site(
    sample: Sample, people: Floats, sites: Sequence[str], limits: Floats, null: Floats
) -> list[Record]:
    terms = local_terms(sample.table)
    corrected = np.maximum(terms - sample.expected_sites, 0.0)
    whole = float(terms.sum())
    return [
        {
            "site": site,
            "n": int(people[j]),
            "local": float(terms[j]),
            "low": float(limits[0, j]) if terms[j] > null[j] else 0.0,
            "high": float(limits[1, j]),
            "corrected": float(corrected[j]),
            "share": float(terms[j]) / whole if whole > 0 else None,
            "expected": float(sample.expected_sites[j]),
            "null_threshold": float(null[j]),
        }
        for j, site in enumerate(sites)
    ]


def _strata(
    sample: Sample, atoms: pid.Atoms, people: Floats, words: Sequence[str]
) -> list[Record]:
    share = pid.stratum_shares(sample.table)
    return [
        {
            "given": word,
            "n": int(people[j]),
            "share": float(share[j]),
            **{name: float(atoms[name][j]) for name in pid.NAMES},
        }
        for j, word in enumerate(words)
    ]


def _reason(table: Floats) -> str | None:
    if not table.sum() > 0:
        return "no-rows"
    for axis, reason in ((1, "one-group"), (3, "constant-decision"), (2, "one-site")):
        others = tuple(j for j in range(4) if j != axis)
        if (table.sum(axis=others) > 0).sum() < 2:
            return reason
    return None


def _measured(
    sample: Sample,
    atoms: pid.Atoms,
    people: Floats,
    sites: Sequence[str],
    *,
    draws: int,
    null_draws: int,
) -> Record:
    """Numbers, certificate and draws of a table that has parts."""
    share = pid.stratum_shares(sample.table)
    parts = {name: float(share @ atoms[name]) for name in pid.NAMES}
    expected = sample.expected
    centre = pid.corrected(parts, expected)
    terms = np.maximum(local_terms(sample.table) - sample.expected_sites, 0.0)
    found = tests(sample, parts, np.asarray(atoms.optimum), null_draws)
    limits, ends, failed = intervals(
        sample, {**centre, "total": centre["global"] + centre["masked"]}, terms, draws
    )
    include_zero(limits, found)
    noise = {**expected, "unique": 0.0, "redundant": 0.0, "masked": expected["local"]}
    gap = float(share @ atoms.gap)
    numbers = {
        name: _number(
            value=parts[name],
            low=limits[name][0],
            high=limits[name][1],
            corrected=centre[name],
            expected=noise[name],
            null_threshold=found[name].threshold,
            p=found[name].p,
            test=found[name].kind,
        )
        for name in pid.NAMES
    }
    numbers["total"] = _number(
        value=parts["global"] + parts["masked"],
        low=limits["total"][0],
        high=limits["total"][1],
        corrected=centre["global"] + centre["masked"],
        expected=max(expected.values()),
    )
    whole = parts["global"]
    null = site_thresholds(sample, null_draws)
    return {
        **numbers,
        "per_site": _per_site(sample, people, sites, ends, null),
        "shares": {n: parts[n] / whole if whole > 0 else None for n in ("unique", "redundant")},
        "site_only": float(share @ atoms.site_only),
        "site_information": float(share @ (atoms.site_only + atoms.redundant)),
        "certificate": {
            "gap": gap,
            "iterations": int(atoms.iterations.max()),
            "certified": gap <= CERTIFIED,
            "draws_uncertified": failed,
        },
        "draws": draws,
        "null_draws": null_draws,
    }


def _one_site(sample: Sample, null_draws: int) -> Record:
    """The global disparity alone, when there are no sites to compare."""
    pairs = sample.table.sum(axis=2)
    value = float(
        pid.stratum_shares(sample.table)
        @ information.global_disparity(information.joint(sample.table))
    )
    null = sample.pairs_null(pairs, what="global", draws=null_draws).sum(axis=1)
    return _number(
        value=value,
        corrected=max(value - sample.expected["global"], 0.0),
        expected=sample.expected["global"],
        null_threshold=threshold(null),
        p=pid_nulls.p_value(value, null),
        test="parametric" if sample.weighted else "permutation",
    )


def pid_section(
    counts: Counts,
    *,
    by: Sequence[str],
    site: str,
    z_levels: Sequence[object],
    sites: Sequence[str],
    given: str | None = None,
    given_levels: Sequence[str] | None = None,
    weights: Floats | None = None,
    effective_n: float | None = None,
    floor: int = 30,
    pool: str = "group",
    draws: int = 1000,
    null_draws: int = 199,
    seed: int = 0,
    tolerance: float = broja.TOLERANCE,
) -> Record:
    """The ``pid`` entry of a result document for one grouping and one site column.

    Parameters
    ----------
    counts : (z, s, y) or (l, z, s, y) int
        People by group, site and decision; with four axes within each level of another column
        (the label: equalised odds), the parts averaged by the levels' share of people.
    by, site
        Names of the sensitive columns and of the site column.
    z_levels, sites
        What the document calls the z groups and the s sites.
    given, given_levels
        Name and words of the column of the first of four axes.
    weights : like `counts`, optional
        Sums of survey weights; values come from these, tests and intervals from as many people
        as `effective_n` says.
    effective_n
        (sum w)^2 / sum w^2 of the survey weights; the number of rows if not given.
    floor, pool
        People a site needs and of whom, see `metrics.pid.pool_sites`.
    draws, null_draws
        Bootstrap tables (fewer where a table is very large) and tables of each test.
    seed
        Seed of the audit.
    tolerance
        Gap at which the solver stops, nats.

    Returns
    -------
    dict
        Plain values, None where undefined with a reason beside it, never NaN.

    Raises
    ------
    ValueError
        If the words do not match the axes, or weights lack the shape of the counts.
    """
    people = np.asarray(counts, dtype=np.float64)
    people = people[None] if people.ndim == 3 else people
    if people.shape[1:3] != (len(z_levels), len(sites)):
        raise ValueError(f"{people.shape} counts, {len(z_levels)} groups, {len(sites)} sites")
    table = people if weights is None else np.asarray(weights, dtype=np.float64)
    table = table.reshape(people.shape)
    used = [people.sum(axis=tuple({0, 1, 2, 3} - {axis})) > 0 for axis in range(3)]
    people, table = (part[np.ix_(*used)] for part in (people, table))
    groups, places = _split(z_levels, used[1]), _split(sites, used[2])
    at_site = people.sum(axis=(0, 1, 3))
    pooled = pid.pool_sites(people.sum(axis=(0, 3)), places[0], floor=floor, rule=pool)
    out: Record = {
        "by": list(by),
        "site": site,
        "given": given,
        "z_levels": groups[0],
        "sites": list(pooled.sites),
        "empty": {"z_levels": groups[1], "sites": places[1]},
        "n": int(people.sum()),
        "pooled": [{"site": places[0][j], "n": int(at_site[j])} for j in pooled.members],
        "pool_rule": pooled.rule,
        "floor": floor,
    }
    people, table = pooled.apply(people), pooled.apply(table)
    n = float(out["n"]) if effective_n is None or weights is None else effective_n
    name = f"pid/{'*'.join(by)}/{site}/{'' if given is None else given}"
    sample = Sample(table, max(round(n), 1), weights is not None, name, seed)
    out["effective_n"] = sample.n if out["n"] else 0
    reason = _reason(table)
    if reason is not None:
        return {**out, **_undefined(sample, reason, null_draws)}
    atoms = pid.decompose(table, tolerance=tolerance, keep=True)
    drawn = _affordable(table.shape, draws)
    words = _split([""] if given_levels is None else given_levels, used[0])[0]
    at_site = people.sum(axis=(0, 1, 3))
    return {
        **out,
        "undefined": None,
        **_measured(sample, atoms, at_site, pooled.sites, draws=drawn, null_draws=null_draws),
        "strata": [] if given is None else _strata(sample, atoms, people.sum((1, 2, 3)), words),
    }


def _split(words: Sequence[Any], used: NDArray[np.bool_]) -> tuple[list[Any], list[Any]]:
    """Words of the levels with rows, and of those without."""
    pairs = list(zip(words, used.tolist(), strict=True))
    return [word for word, some in pairs if some], [word for word, some in pairs if not some]


def _undefined(sample: Sample, reason: str, null_draws: int) -> Record:
    numbers = {name: _number(reason) for name in (*pid.NAMES, "total")}
    if reason == "one-site":
        numbers["global"] = _one_site(sample, null_draws)
    return {
        "undefined": reason,
        **numbers,
        "shares": {"unique": None, "redundant": None},
        "site_only": None,
        "site_information": None,
        "certificate": None,
        "draws": 0,
        "null_draws": null_draws if reason == "one-site" else 0,
        "strata": [],
        "per_site": [],
    }
