"""Tests and intervals of the parts of a disparity, from tables drawn with named seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from metrics import information, pid, pid_nulls
from metrics.bootstrap import percentile_interval, stream
from metrics.cells import Floats

CERTIFIED = 1e-6
ALPHA = 0.05
# Sampled tables need no more than this: far below their own spread.
DRAW_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Test:
    """A part against its absence.

    Parameters
    ----------
    p
        None where there is no valid test.
    threshold
        Value that chance alone stays below in 95 % of tables, nats.
    kind
        ``permutation``, ``parametric``, ``intersection-union`` or None.
    """

    p: float | None
    threshold: float | None
    kind: str | None


@dataclass(frozen=True)
class Sample:
    """Tables of an analysis.

    Parameters
    ----------
    table : (l, z, s, y) float64
        Counts, or sums of weights, of l strata; no level without a row.
    n
        People; with weights the effective number.
    weighted
        Whether the table holds weights.
    name
        Prefix of the random streams.
    seed
        Seed of the audit.
    """

    table: Floats
    n: int
    weighted: bool
    name: str
    seed: int

    def rng(self, what: str) -> np.random.Generator:
        """Random stream of one purpose."""
        return stream(self.seed, f"{self.name}/{what}")

    @property
    def expected(self) -> dict[str, float]:
        """Mean of the totals if there were no disparity, nats: degrees of freedom / 2n."""
        whole = information.degrees(self.table.sum(axis=2)).sum()
        return {
            "global": float(whole) / (2 * self.n),
            "local": float(self.expected_sites.sum()),
        }

    @property
    def expected_sites(self) -> Floats:
        """The same for the term of each site."""
        sites = self.table.transpose(0, 2, 1, 3)
        return np.asarray(information.degrees(sites).sum(axis=0) / (2 * self.n))

    def pairs_null(self, pairs: Floats, *, what: str, draws: int) -> Floats:
        """Information in tables of two unrelated variables, strata apart and weighted.

        Parameters
        ----------
        pairs : (l, ..., a, b) float64
            Tables whose information adds up within a stratum.

        Returns
        -------
        (draws, l) float64
            Nats, each stratum's share of people included.
        """
        tables = pid_nulls.independent(
            pairs, n=self.n, exact=not self.weighted, rng=self.rng(what), draws=draws
        )
        total = tables.reshape(draws, -1).sum(axis=1)
        value = information.mutual(tables).reshape(draws, len(pairs), -1).sum(axis=2)
        return np.asarray(value / total[:, None])


def threshold(null: Floats) -> float:
    return float(np.quantile(null, 1 - ALPHA))


def tests(
    sample: Sample, parts: Mapping[str, float], optimum: Floats, draws: int
) -> dict[str, Test]:
    """Each part against tables without it (see `metrics.pid_nulls`)."""
    table, n = sample.table, sample.n
    kind = "parametric" if sample.weighted else "permutation"
    by_decision = table.sum(axis=2)
    whole = sample.pairs_null(by_decision, what="global", draws=draws)
    sites = sample.pairs_null(table.transpose(0, 2, 1, 3), what="local", draws=draws).sum(axis=1)
    out = {
        "global": Test(
            pid_nulls.p_value(parts["global"], whole.sum(axis=1)),
            threshold(whole.sum(axis=1)),
            kind,
        ),
        "local": Test(pid_nulls.p_value(parts["local"], sites), threshold(sites), kind),
    }
    share = table.sum(axis=(1, 2, 3), keepdims=True) / table.sum()
    laws = {
        "masked": optimum * share,
        "unique": np.stack([pid_nulls.through_site(part) for part in table]),
    }
    for name, law in laws.items():
        drawn = pid_nulls.multinomial(law, n=n, rng=sample.rng(name), draws=draws)
        null = pid.averaged(drawn, tolerance=DRAW_TOLERANCE)[0][name]
        p = pid_nulls.p_value(parts[name], null, slack=DRAW_TOLERANCE)
        out[name] = Test(p, threshold(null), "parametric")
    out["redundant"] = _redundant(sample, whole, draws)
    return out


def _redundant(sample: Sample, whole: Floats, draws: int) -> Test:
    """Redundancy needs Z tied to Yh and to S: both must be shown, in some stratum."""
    table = sample.table
    by_site = sample.pairs_null(table.sum(axis=3), what="site", draws=draws)
    share = pid.stratum_shares(table)
    shares = information.joint(table)
    pairs = (
        (share * information.global_disparity(shares), whole),
        (share * information.site_information(shares), by_site),
    )
    limits = np.stack([np.quantile(null, 1 - ALPHA, axis=0) for _, null in pairs])
    limit = float(limits.max(axis=0).sum())
    if (table.sum(axis=(0, 2, 3)) > 0).sum() != 2:
        return Test(None, limit, None)
    strata = range(len(table))
    p = [
        max(pid_nulls.p_value(float(seen[j]), null[:, j]) for seen, null in pairs) for j in strata
    ]
    return Test(min(1.0, min(p) * len(p)), limit, "intersection-union")


def intervals(
    sample: Sample, centre: Mapping[str, float], sites: Floats, draws: int
) -> tuple[dict[str, tuple[float, float]], Floats, int]:
    """Percentile intervals of drawn tables, moved so that they centre on the corrected value.

    Drawing from a sample adds the same excess of information a second time; without the
    move, the interval of a table with many small sites lies wholly above the truth.

    Parameters
    ----------
    sample
        Tables.
    centre
        Corrected parts and their total.
    sites : (s,) float64
        Corrected terms of the sites.
    draws
        Number of tables.

    Returns
    -------
    parts : dict
        Limits by the names in `centre`.
    terms : (2, s) float64
        Limits of the terms of the sites.
    failed : int
        Tables whose parts were not certified.
    """
    drawn = pid_nulls.multinomial(
        sample.table, n=sample.n, rng=sample.rng("bootstrap"), draws=draws
    )
    parts, gap = pid.averaged(drawn, tolerance=DRAW_TOLERANCE)
    parts["total"] = parts["global"] + parts["masked"]
    out = {}
    for name, values in parts.items():
        move = centre[name] - float(values.mean())
        low, high = percentile_interval(values.copy())
        out[name] = (max(float(low) + move, 0.0), max(float(high) + move, 0.0))
    terms = local_terms(drawn)
    ends = np.quantile(terms, (ALPHA / 2, 1 - ALPHA / 2), axis=0)
    moved = np.maximum(ends + (sites - terms.mean(axis=0)), 0.0)
    return out, moved, int((gap > CERTIFIED).sum())


def local_terms(table: Floats) -> Floats:
    """Terms of the local disparity of (..., l, z, s, y) tables: (..., s), nats."""
    share = pid.stratum_shares(table)
    terms = information.site_terms(information.joint(table))
    return np.asarray((share[..., None] * terms).sum(axis=-2))


def site_thresholds(sample: Sample, draws: int) -> Floats:
    """Terms that chance alone stays below in 95 % of tables, one for each site."""
    pairs = sample.table.transpose(0, 2, 1, 3)
    tables = pid_nulls.independent(
        pairs, n=sample.n, exact=not sample.weighted, rng=sample.rng("local"), draws=draws
    )
    terms = information.mutual(tables).sum(axis=1) / tables.sum(axis=(1, 2, 3, 4))[:, None]
    return np.asarray(np.quantile(terms, 1 - ALPHA, axis=0))


def include_zero(limits: dict[str, tuple[float, float]], found: Mapping[str, Test]) -> None:
    """Let an interval start at 0 unless the test of the part excludes it."""
    rejected = {name: test.p is not None and test.p <= ALPHA for name, test in found.items()}
    if found["redundant"].p is None:
        rejected["redundant"] = rejected["global"]
    rejected["total"] = rejected["global"] or rejected["local"]
    for name, (_, high) in limits.items():
        if not rejected[name]:
            limits[name] = (0.0, high)
