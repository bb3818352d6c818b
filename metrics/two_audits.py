"""Two audits against each other: every rate, every gap and who is decided otherwise.

One weighted family over the whole comparison, as in `metrics.verdicts`: a difference between the
audits is found where the adjusted test and the simultaneous interval agree, none is found where
the 90 % interval lies inside the limit.
"""

from __future__ import annotations

from collections.abc import Sequence

from metrics.compare import Record
from metrics.two_audits_evidence import Apart, Evidence, Groups, Paired, Rules
from metrics.two_audits_moved import moved_batch, moved_of
from metrics.two_audits_tests import gap_batch, rate_batch
from metrics.two_audits_verdicts import Batch, judge
from metrics.verdicts import DIFFERENCE, NO_DIFFERENCE, NOT_ENOUGH_DATA, THICK_ALPHA

__all__ = ["Apart", "Evidence", "Groups", "Paired", "Rules", "comparison_section"]

EVERYBODY: tuple[str, ...] = ()


def comparison_section(
    everybody: Evidence, tables: Sequence[Groups], rules: Rules, *, moved: bool
) -> Record:
    """Compare two audits.

    Parameters
    ----------
    everybody
        One group of all people, those of unknown groups among them.
    tables
        Attributes, then intersections. Of intersections only the primary rates are compared.
    rules
        Rates, limit, floors and error rate.
    moved
        Whether to list who is decided otherwise; needs the same people in both.

    Returns
    -------
    dict
        ``changes[]``: kind (``rate``, ``gap``), metric, by, group, comparator, first, second,
        value (second less first) with thin and thick bar, p, p_adjusted, level, b, verdict,
        size_class, reason. ``moved[]``: people by group whose decision differs, to yes and to
        no, each group against its comparator. ``verdicts``: ids, weightiest first. ``family``,
        ``groups[]`` and ``rules``.

    Raises
    ------
    ValueError
        The limit is negative, or the error rate above that of the thick bar.
    """
    if rules.tolerance < 0 or not 0 < rules.alpha <= THICK_ALPHA:
        raise ValueError("the limit is negative, or the error rate out of range")
    batches = [rate_batch(EVERYBODY, [{}], everybody, slug, rules) for slug in rules.metrics]
    flips: list[Batch] = []
    for table in tables:
        names = [table.name(j) for j in range(len(table.words))]
        for slug in rules.metrics if len(table.by) == 1 else rules.primary:
            batches.append(rate_batch(table.by, names, table.evidence, slug, rules))
            batches.append(gap_batch(table, names, slug, rules))
        if moved and len(table.by) == 1:
            flips.append(moved_batch(table, names, rules))
    judged = [batch for batch in [*batches, *flips] if batch.heads]
    shares = judge(judged, rules)
    changes = [record for batch in batches for record in batch.heads]
    for i, record in enumerate(changes):
        record["id"] = f"c{i + 1}"
    listed = [record for batch in flips for record in batch.heads]
    if moved and isinstance(everybody, Paired):
        listed = [moved_of(everybody.counts[0], (), {}), *listed]
    return {
        "changes": changes,
        "moved": listed if moved else None,
        "verdicts": [record["id"] for record in _ordered(changes)],
        "family": shares,
        "groups": [_listed(table, rules) for table in tables],
    }


def _ordered(changes: Sequence[Record]) -> list[Record]:
    """Differences first, primary gaps before rates; then what is open, then what is settled."""
    place = {DIFFERENCE: 0, NOT_ENOUGH_DATA: 1, NO_DIFFERENCE: 2}
    kinds = {"gap": 0, "rate": 1}

    def rank(record: Record) -> tuple[float, ...]:
        verdict = place[record["verdict"]]
        size = record["b"] if record["b"] is not None else -1.0
        if verdict == 0:
            size = min(abs(record["low"]), abs(record["high"]))
        return (verdict, record["p"] is None, not record["primary"], kinds[record["kind"]],
                len(record["by"]), -size)  # fmt: skip

    return sorted((r for r in changes if r["verdict"] in place), key=rank)


def _listed(table: Groups, rules: Rules) -> Record:
    """Who is in a table, and who is too few."""
    first, second = (side.tolist() for side in table.evidence.people())
    levels = []
    for j, (n, m) in enumerate(zip(first, second, strict=True)):
        status = "compared"
        if min(n, m) < rules.floor:
            status = "empty" if max(n, m) == 0 else "below-floor"
        elif j == table.reference:
            status = "reference"
        levels.append({"group": table.name(j), "n": {"first": n, "second": m}, "status": status})
    reference = None if table.reference is None else table.name(table.reference)
    return {
        "by": list(table.by),
        "reference": reference,
        "reference_choice": None if reference is None else table.choice,
        "levels": levels,
    }
