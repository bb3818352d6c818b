"""Has the data drifted between two audits? Tested on counts alone.

Group shares, the label rate and the selection rate of two independent sets of rows. Where a
data set only grows, compare the earlier rows with the added ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metrics import bootstrap, compare, rates, significance
from metrics.cells import Counts
from metrics.compare import Record

UNKNOWN = "Unknown"
# Draws of the permutation p where an expected count is below 5; fine enough for 0.01 / 100.
DRAWS = 20_000
RATES = (
    ("label-rate", "base-rate", "no-label"),
    ("selection-rate", "selection-rate", "no-decision"),
)


def drift_section(
    before: dict[str, Counts],
    after: dict[str, Counts],
    levels: dict[str, Sequence[str]],
    *,
    alpha: float = 0.01,
    seed: int = 0,
) -> Record:
    """Test whether groups, labels and decisions are distributed as before.

    Parameters
    ----------
    before, after : dict of (a + 1, 3, 4) int64
        By attribute: people by group (the unknown ones first), label and decision, as in a
        count table. Every attribute holds the same people.
    levels
        Words of each attribute's groups, in code order; the same in both audits.
    alpha
        Error rate of all tests together (Bonferroni).
    seed
        Of the permutation tests.

    Returns
    -------
    dict
        ``tests[]``: group shares of each attribute (chi-square on 2 x G counts, by permutation
        where an expected count is below 5; a growing share of unknown counts), label rate and
        selection rate (Fisher), each with p, p_adjusted, change and ``drift`` (whether
        p_adjusted <= alpha).

    Raises
    ------
    ValueError
        Attributes or shapes that differ between the audits.
    """
    if list(before) != list(after) or set(before) != set(levels):
        raise ValueError("the two audits count different attributes")
    tests = []
    for name, words in levels.items():
        if before[name].shape != after[name].shape or len(before[name]) != len(words) + 1:
            raise ValueError(f"the groups of {name!r} differ between the two audits")
        old, new = (side[name].sum(axis=(1, 2)) for side in (before, after))
        tests.append(_shares(name, words, old, new, seed))
    everybody = [next(iter(side.values())).sum(axis=0) for side in (before, after) if side]
    if everybody:
        tests += [_rate(what, slug, why, *everybody) for what, slug, why in RATES]
    k = compare.adjust(tests)
    for test in tests:
        test["drift"] = None if test["p"] is None else test["p_adjusted"] <= alpha
        _limits(test, alpha / max(k, 1))
    return {
        "rows": {
            side: int(v.sum()) for side, v in zip(("before", "after"), everybody, strict=False)
        },
        "tests": tests,
        "k": k,
        "alpha": alpha,
        "undefined": None if k else "no-rows",
    }


def _shares(name: str, words: Sequence[str], old: Counts, new: Counts, seed: int) -> Record:
    rng = bootstrap.stream(seed, f"drift/{name}")
    found = significance.chi_square(new, old + new, rng=rng, draws=DRAWS)
    sizes = int(old.sum()), int(new.sum())
    out: Record = {"what": "group-shares", "by": [name], **found, "undefined": None}
    del out["draws"]
    if min(sizes) == 0 or found["p"] is None:
        out |= {"p": None, "undefined": "no-rows" if min(sizes) == 0 else "one-group"}
    share = [v / max(n, 1) for v, n in zip((old, new), sizes, strict=True)]
    out["moved"] = None if min(sizes) == 0 else float(np.abs(share[1] - share[0]).sum() / 2)
    out["levels"] = [
        {
            "group": {name: word},
            "before": int(old[j]), "before_n": sizes[0],
            "after": int(new[j]), "after_n": sizes[1],
            "before_share": compare.rate(int(old[j]), sizes[0]),
            "after_share": compare.rate(int(new[j]), sizes[1]),
        }
        for j, word in enumerate([UNKNOWN, *words])
        if old[j] + new[j] > 0
    ]  # fmt: skip
    return out


def _rate(what: str, slug: str, why: str, old: Counts, new: Counts) -> Record:
    x0, n0, x1, n1 = (int(part[0]) for side in (old, new) for part in rates.tally(side, (slug,)))
    out: Record = {"what": what, "by": [], "statistic": None, "df": None, "method": "exact"}
    out |= {"p": None, "undefined": None}
    out["before"], out["after"] = compare.rate(x0, n0), compare.rate(x1, n1)
    if min(n0, n1) == 0:
        return out | {"undefined": why}
    return out | {"p": float(significance.fisher_central(x1, n1, x0, n0))}


def _limits(test: Record, level: float) -> None:
    """Write the changes with intervals at the level the test of the record has."""
    if test["what"] == "group-shares":
        share = level / max(len(test["levels"]), 1)
        for item in test["levels"]:
            counts = item["after"], item["after_n"], item["before"], item["before_n"]
            item["change"] = compare.difference(*counts, alpha=share)
        return
    sides = [(test[side]["numerator"], test[side]["denominator"]) for side in ("after", "before")]
    test["change"] = compare.difference(*sides[0], *sides[1], alpha=level)
