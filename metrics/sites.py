"""The same gap in every site: are the sites alike, and which of them is not?

A site is a place, a year or a client. Everything is a function of counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from metrics import compare, intervals, rates, strata
from metrics.cells import Counts, Floats, IntArray
from metrics.compare import Record
from metrics.groups import Attribute

# Groups of one attribute that are followed over the sites, the largest ones.
LISTED = 8
# Rows of all lists together: a document of 200 sites stays small.
BUDGET = 6_000


def site_section(
    attributes: Sequence[Attribute],
    site: Attribute,
    *,
    label: IntArray | None = None,
    decision: IntArray | None = None,
    metrics: Sequence[str] = ("selection-rate",),
    floor: int = compare.FLOOR,
    denominator_floor: int = compare.DENOMINATOR_FLOOR,
    alpha: float = compare.ALPHA,
) -> Record:
    """Compare groups inside every site, and every site's gap with that of the other sites.

    In site s the gap is d_s = x1/n1 - x0/n0 of a group and its comparator. The other sites' gap
    is their Mantel-Haenszel difference with Sato's variance. A site `differs` where the
    square-and-add interval of the difference of the two, at level alpha over the number of such
    looks in the whole section, leaves out 0.

    Parameters
    ----------
    attributes
        Sensitive columns, n rows each.
    site
        The site of each row; rows of an unknown site are left out and counted.
    label, decision : (n,) int, optional
        0, 1 or -1; decisions may be 2 for abstained.
    metrics
        Rates of `rates.REGISTRY` that are proportions.
    floor, denominator_floor
        Rows and denominator that a group and its comparator need in a site.
    alpha
        Error rate over all looks of this section.

    Returns
    -------
    dict
        ``sites[]`` with everybody's rates, and ``comparisons[]``, one for each attribute, metric
        and group: crude and pooled difference, homogeneity (`strata.pool`) and every site's gap.

    Raises
    ------
    ValueError
        Columns that differ in length, or a metric that is no proportion.

    References
    ----------
    Mantel, Haenszel 1959; Breslow, Day 1980; Sato, Biometrics 45, 1989.
    """
    for slug in metrics:
        if not getattr(rates.REGISTRY[slug], "proportion", False):
            raise ValueError(f"{slug} is no proportion")
    n = len(site.codes)
    compare.same_length(n, label=label, decision=decision, **{a.name: a.codes for a in attributes})
    out = _head(site, label, decision, metrics)
    out |= {"floor": floor, "denominator_floor": denominator_floor, "alpha": alpha}
    present = int((compare.group_counts(site) > 0).sum())
    most = max(1, BUDGET // max(1, present * len(attributes) * len(metrics)))
    found: list[_Comparison] = []
    out["unlisted"] = 0
    for attribute in attributes:
        counts = count(attribute, site, label, decision)
        for slug in metrics:
            made = _comparisons(attribute, counts, slug, (floor, denominator_floor))
            found += made[: min(most, LISTED)]
            out["unlisted"] += len(made[min(most, LISTED) :])
    looks = sum(int(c.enough.sum()) for c in found if int(c.enough.sum()) > 1)
    out["looks"] = looks
    out["comparisons"] = [c.record(site, alpha, alpha / max(looks, 1)) for c in found]
    homogeneity = [record["homogeneity"] for record in out["comparisons"]]
    compare.adjust(homogeneity)
    return out


def count(
    attribute: Attribute, site: Attribute, label: IntArray | None, decision: IntArray | None
) -> Counts:
    """People by group, site, label and decision.

    Parameters
    ----------
    attribute, site
        Columns of n rows.
    label, decision : (n,) int, optional
        0, 1, -1 for blank; decisions may be 2.

    Returns
    -------
    (g, s, 3, 4) int64
        Rows whose group or site is unknown are left out.
    """
    groups, places = len(attribute.levels), len(site.levels)
    use = (attribute.codes >= 0) & (site.codes >= 0)
    cell = (attribute.codes.astype(np.int64) * places + site.codes) * rates.SLOTS
    if label is not None:
        cell += (label.astype(np.int64) + 1) * len(rates.DECISIONS)
    if decision is not None:
        cell += decision.astype(np.int64) + 1
    size = groups * places * rates.SLOTS
    return np.bincount(cell[use], minlength=size).reshape(groups, places, 3, 4)


def _head(
    site: Attribute, label: IntArray | None, decision: IntArray | None, metrics: Sequence[str]
) -> Record:
    """The sites themselves: people and everybody's rates."""
    everybody = Attribute("", ("",), np.zeros(len(site.codes), dtype=np.int64))
    counts = count(everybody, site, label, decision)[0]
    slugs = tuple(dict.fromkeys((*metrics, "base-rate")))
    above, below = rates.tally(counts, slugs)
    size = counts.sum(axis=(1, 2))
    return {
        "site": site.name,
        "title": site.heading,
        "rows": len(site.codes),
        "unknown": int((site.codes < 0).sum()),
        "metrics": list(metrics),
        "sites": [
            {
                "site": word,
                "n": int(size[s]),
                "rates": {
                    slug: compare.rate(int(above[s, j]), int(below[s, j]))
                    for j, slug in enumerate(slugs)
                },
            }
            for s, word in enumerate(site.levels)
            if size[s] > 0
        ],
        "undefined": None if int((size > 0).sum()) > 1 else "one-site",
    }


def _comparisons(
    attribute: Attribute, counts: Counts, slug: str, floors: tuple[int, int]
) -> list[_Comparison]:
    """Each group against the reference, the largest groups first."""
    size = counts.sum(axis=(2, 3))
    r, choice = compare.reference(attribute, size.sum(axis=1))
    if r is None:
        return []
    above, below = (part[..., 0] for part in rates.tally(counts, (slug,)))
    order = np.argsort(-size.sum(axis=1), kind="stable").tolist()
    return [
        _Comparison(
            compare.head(attribute, j, r, choice) | {"metric": slug},
            (size[j], size[r]),
            (above[j], below[j], above[r], below[r]),
            floors,
        )
        for j in order
        if j != r and int(size[j].sum()) >= floors[0]
    ]


class _Comparison:
    """One group and its comparator over the sites."""

    def __init__(
        self,
        head: Record,
        rows: tuple[Counts, Counts],
        counts: tuple[Counts, Counts, Counts, Counts],
        floors: tuple[int, int],
    ) -> None:
        self.head, self.rows, self.counts = head, rows, counts
        fewest = np.minimum(*rows)
        behind = np.minimum(counts[1], counts[3])
        self.enough: NDArray[np.bool_] = (fewest >= floors[0]) & (behind >= floors[1])

    def record(self, site: Attribute, alpha: float, level: float) -> Record:
        """Everything about the comparison, site by site."""
        pooled = strata.pool(*self.counts, test=True)
        out = self.head | {
            "n": int(self.rows[0].sum()),
            "n_comparator": int(self.rows[1].sum()),
            **{key: pooled[key] for key in ("crude", "pooled", "p", "method", "undefined")},
            "homogeneity": dict(pooled["homogeneity"]),
        }
        columns = self._columns(alpha, level)
        present = np.flatnonzero(self.rows[0] + self.rows[1] > 0).tolist()
        out["sites"] = [self._site(site.levels[s], s, columns) for s in present]
        out["compared"] = int(self.enough.sum())
        out["few"] = len(present) - out["compared"]
        out["differing"] = sum(item["differs"] is True for item in out["sites"])
        return out

    def _columns(self, alpha: float, level: float) -> dict[str, Floats]:
        x1, n1, x0, n0 = self.counts
        own = rates.divide(x1, n1), rates.divide(x0, n0)
        value = own[0] - own[1]
        out: dict[str, Floats] = {"value": value}
        for name, share in (("", alpha), ("thin_", level)):
            limits = intervals.jeffreys(x1, n1, share), intervals.jeffreys(x0, n0, share)
            low, high = intervals.square_and_add(own[0], *limits[0], own[1], *limits[1])
            out[f"{name}low"], out[f"{name}high"] = low, high
        rest, half = _others(x1, n1, x0, n0, level)
        low, high = intervals.square_and_add(
            value, out["thin_low"], out["thin_high"], rest, rest - half, rest + half
        )
        return out | {"others": value - rest, "others_low": low, "others_high": high}

    def _site(self, word: str, s: int, columns: dict[str, Floats]) -> Record:
        x1, n1, x0, n0 = (int(part[s]) for part in self.counts)
        out: Record = {
            "site": word, "n": int(self.rows[0][s]), "n_comparator": int(self.rows[1][s]),
            "numerator": x1, "denominator": n1,
            "numerator_comparator": x0, "denominator_comparator": n0,
        }  # fmt: skip
        enough = bool(self.enough[s])
        out["reason"] = None if enough else "below-floor"
        for name, column in columns.items():
            alone = name.startswith("others") and int(self.enough.sum()) < 2
            out[name] = compare.number(column[s]) if enough and not alone else None
        ends = out["others_low"], out["others_high"]
        out["differs"] = None if None in ends else bool(ends[0] > 0 or ends[1] < 0)
        return out


def _others(x1: Counts, n1: Counts, x0: Counts, n0: Counts, level: float) -> tuple[Floats, Floats]:
    """Mantel-Haenszel difference of all other sites and half its interval, for each site."""
    a, m1, c, m0 = (np.asarray(v, dtype=np.float64) for v in (x1, n1, x0, n0))
    total = m1 + m0
    parts: dict[str, Any] = {
        "d": (a * m0 - c * m1, 1),
        "w": (m1 * m0, 1),
        "p": (m1**2 * c - m0**2 * a + m1 * m0 * (m0 - m1) / 2, 2),
        "q": ((a * (m0 - c) + c * (m1 - a)) / 2, 1),
    }
    both = (m1 > 0) & (m0 > 0)
    left: dict[str, Floats] = {}
    for name, (above, power) in parts.items():
        part = np.where(both, np.divide(above, np.where(both, total, 1) ** power), 0.0)
        left[name] = part.sum() - part
    weight = np.where(left["w"] > 1e-9, left["w"], np.nan)
    value = left["d"] / weight
    variance = np.maximum(value * left["p"] + left["q"], 0.0) / weight**2
    return value, -float(ndtri(level / 2)) * np.sqrt(variance)
