"""Key ``scores`` of a result document: how the score behaves in each group.

Single attributes only, after everybody (``by: []``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics import calibration, intervals, scores, survey_behaviour
from metrics.cells import Counts, Floats
from metrics.count import EVERYBODY, CountSet
from metrics.estimates import Frame, Record, plain
from metrics.groups import Grouping

# Positives and negatives an AUC needs, and rows a calibration test was measured for.
FEW = 10
TEST_ROWS = 50


@dataclass(frozen=True)
class Table:
    """Score counts of one attribute's groups.

    Parameters
    ----------
    by
        The attribute, or nothing for everybody.
    words
        Group of each row as a document writes it.
    reference
        Row of the reference group, None for everybody.
    positives, negatives, everyone : (g, bins) int64
        People by bin: with label 1, with label 0, with any or no label.
    small
        Exact profile of each small group: scores, positives, negatives.
    """

    by: tuple[str, ...]
    words: list[dict[str, str]]
    reference: int | None
    positives: Counts
    negatives: Counts
    everyone: Counts
    small: dict[int, tuple[Floats, Counts, Counts]]

    def records(self, **columns: list[Any]) -> list[Record]:
        """One record per group with its head."""
        return [
            {"by": list(self.by), "group": group}
            | {name: column[j] for name, column in columns.items()}
            for j, group in enumerate(self.words)
        ]


def score_section(frame: Frame) -> Record | None:
    """Score behaviour of everybody and of every single attribute; None without scores."""
    counted = frame.counted
    if counted.bins is None:
        return None
    tables = [_table(frame, ())]
    tables += [_table(frame, (name,)) for name in frame.attributes]
    value = counted.score_values()
    out: Record = {
        "bins": counted.bins.size,
        "edges_kind": counted.bins.kind,
        "cuts": None if counted.bins.cuts is None else list(counted.bins.cuts),
        "threshold": frame.policy.threshold,
    }
    for key in ("auc", "auc_gaps", "brier", "calibration", "calibration_gaps", "roc"):
        out[key] = []
    out["sweep"], out["histogram"] = [], []
    starts = calibration.curve_starts(tables[0].everyone[0])
    for table in tables:
        out["sweep"] += _sweep(counted, table, value)
        out["histogram"] += _histogram(table, value)
        if counted.has_label:
            auc, variance = _auc(table)
            out["auc"] += _auc_records(table, auc, variance)
            out["auc_gaps"] += _auc_gaps(table, auc, variance)
            out["brier"] += _brier(table, value)
            out["calibration"] += _calibration(counted, table, value, starts)
            out["calibration_gaps"] += _calibration_gaps(table, value)
            out["roc"] += _roc(counted, table)
    return out if frame.design is None else _weighted(frame, out, tables)


def _weighted(frame: Frame, out: Record, tables: list[Table]) -> Record:
    """The section of the people that rows stand for."""
    design = frame.design
    if design is None or design.scores is None or design.scores.bins != frame.counted.bins:
        return out
    beside = [
        survey_behaviour.Beside(
            design,
            design.scores.by[table.by[0] if table.by else EVERYBODY],
            list(table.by),
            table.words,
            table.reference,
        )
        for table in tables
    ]
    return survey_behaviour.weighted(out, design, beside)


def _table(frame: Frame, by: tuple[str, ...]) -> Table:
    groups: Grouping = frame.counted.score_groups(by)
    counts = groups.counts
    reference = None
    if by:
        reference, _ = frame.reference(by)
    rows = frame.counted.small.get(by[0] if by else EVERYBODY)
    small = {}
    if rows is not None:
        for code in np.unique(rows.codes).tolist():
            part = rows.kept(rows.codes == code)
            small[code] = scores.profile(part.scores, part.labels)
    words = [frame.words(by, cell) for cell in groups.cells.tolist()]
    return Table(by, words, reference, counts[:, 2], counts[:, 1], counts.sum(axis=1), small)


def _auc(table: Table) -> tuple[Floats, Floats]:
    """AUC and variance, from exact ranks where the group is small."""
    auc, variance = scores.delong(table.positives, table.negatives)
    for j, (_, positives, negatives) in table.small.items():
        auc[j], variance[j] = scores.delong(positives, negatives)
    return auc, variance


def _too_little(table: Table, auc: Floats, variance: Floats) -> list[str | None]:
    """Why an AUC has no interval, None where it has one."""
    out: list[str | None] = []
    positives, negatives = table.positives.sum(axis=1), table.negatives.sum(axis=1)
    columns = (positives, negatives, auc, variance)
    for m, n, value, spread in zip(*(column.tolist() for column in columns), strict=True):
        if m + n == 0:
            out.append("empty-group")
        elif m == 0 or n == 0:
            out.append("one-class")
        elif m < FEW or n < FEW:
            out.append("too-few")
        elif spread == 0 and 0 < value < 1:
            out.append("one-score")
        else:
            out.append("at-bound" if value in (0.0, 1.0) else None)
    return out


def _auc_records(table: Table, auc: Floats, variance: Floats) -> list[Record]:
    undefined = _too_little(table, auc, variance)
    low, high = scores.auc_interval(auc, variance)
    shown = np.array([reason is None for reason in undefined])
    positives, negatives = table.positives.sum(axis=1), table.negatives.sum(axis=1)
    return table.records(
        n=(positives + negatives).tolist(),
        positives=positives.tolist(),
        negatives=negatives.tolist(),
        value=plain(auc),
        low=plain(np.where(shown, low, np.nan)),
        high=plain(np.where(shown, high, np.nan)),
        undefined=undefined,
        method=["exact" if j in table.small else "bins" for j in range(len(auc))],
    )


def _auc_gaps(table: Table, auc: Floats, variance: Floats) -> list[Record]:
    """Differences to the reference group, where both AUCs have an interval."""
    r, undefined = table.reference, _too_little(table, auc, variance)
    if r is None or undefined[r] is not None:
        return []
    gap, low, high, p = (
        plain(part) for part in scores.auc_gap(auc, variance, auc[r], variance[r])
    )
    return [
        {
            "by": list(table.by),
            "group": group,
            "comparator": {"group": table.words[r]},
            "value": gap[j],
            "low": low[j],
            "high": high[j],
            "p": p[j],
        }
        for j, group in enumerate(table.words)
        if j != r and undefined[j] is None
    ]


def _brier(table: Table, value: Floats) -> list[Record]:
    found = scores.brier(table.positives, table.negatives, value)
    for j, (exact, positives, negatives) in table.small.items():
        for column, number in zip(found, scores.brier(positives, negatives, exact), strict=True):
            column[j] = number
    n = (table.positives + table.negatives).sum(axis=1)
    score, low, high = (plain(column) for column in found)
    undefined = ["empty-group" if rows == 0 else None for rows in n.tolist()]
    return table.records(n=n.tolist(), value=score, low=low, high=high, undefined=undefined)


def _calibration(
    counted: CountSet, table: Table, value: Floats, starts: np.ndarray[Any, Any]
) -> list[Record]:
    part = calibration.curve(table.positives, table.negatives, value, starts)
    edges = counted.bins.edges if counted.bins is not None else np.zeros(0)
    lows, highs = edges[starts].tolist(), edges[np.append(starts[1:], -1)].tolist()
    ece, null = (plain(column) for column in calibration.ece(part))
    statistic, df, p = calibration.calibration_test(table.positives, table.negatives, value)
    m, n = table.positives.sum(axis=1), table.negatives.sum(axis=1)
    tested = (m + n >= TEST_ROWS) & (np.minimum(m, n) >= FEW) & np.isfinite(p)
    rate_low, rate_high = intervals.wilson(part.positives, part.n)
    columns = {
        "n": part.n.tolist(),
        "mean_score": [plain(row) for row in part.mean_score],
        "rate": [plain(row) for row in part.rate],
        "rate_low": [plain(row) for row in rate_low],
        "rate_high": [plain(row) for row in rate_high],
    }
    curves = [
        [
            {"low": lows[k], "high": highs[k]} | {key: rows[j][k] for key, rows in columns.items()}
            for k in range(len(starts))
        ]
        for j in range(len(table.words))
    ]
    tests = [
        {"statistic": float(statistic[j]), "df": int(df[j]), "p": float(p[j])} if use else None
        for j, use in enumerate(tested.tolist())
    ]
    return table.records(
        n=(m + n).tolist(),
        ece=ece,
        ece_null=null,
        undefined=[None if rows else "empty-group" for rows in (m + n).tolist()],
        curve=curves,
        test=tests,
    )


def _calibration_gaps(table: Table, value: Floats) -> list[Record]:
    """Whether equal scores mean the same as in the reference group."""
    r = table.reference
    if r is None:
        return []
    statistic, df, p = calibration.sufficiency_test(
        table.positives, table.negatives, table.positives[r], table.negatives[r], value
    )
    m, n = table.positives.sum(axis=1), table.negatives.sum(axis=1)
    enough = (m + n >= TEST_ROWS) & (np.minimum(m, n) >= FEW) & np.isfinite(p)
    return [
        {
            "by": list(table.by),
            "group": group,
            "comparator": {"group": table.words[r]},
            "statistic": float(statistic[j]),
            "df": int(df[j]),
            "p": float(p[j]),
        }
        for j, group in enumerate(table.words)
        if j != r and enough[j] and enough[r]
    ]


def _roc(counted: CountSet, table: Table) -> list[Record]:
    if counted.bins is None:
        return []
    out = []
    for j, group in enumerate(table.words):
        positives, negatives = table.positives[j], table.negatives[j]
        if min(positives.sum(), negatives.sum()) >= FEW:
            points = scores.roc(positives, negatives, counted.bins)
            out.append({"by": list(table.by), "group": group, "points": points})
    return out


def _sweep(counted: CountSet, table: Table, value: Floats) -> list[Record]:
    """People at or above each threshold, rightly so, and strictly above it where that is known."""
    if counted.bins is None:
        return []
    places = scores.sweep_places(counted.bins)
    thresholds = counted.bins.edges[places].tolist()
    selected = scores.from_top(table.everyone)[:, places].tolist()
    right: list[Any] = [None] * len(table.words)
    strictly = scores.above(table.everyone, counted.bins, value)
    above: list[Any] = list(right) if strictly is None else strictly[:, places].tolist()
    positives: list[Any] = list(right)
    if counted.has_label:
        right = scores.from_top(table.positives)[:, places].tolist()
        positives = table.positives.sum(axis=1).tolist()
    return table.records(
        n=table.everyone.sum(axis=1).tolist(),
        positives=positives,
        thresholds=[thresholds] * len(table.words),
        selected=selected,
        selected_above=above,
        true_positives=right,
    )


def _histogram(table: Table, value: Floats) -> list[Record]:
    edges = (np.arange(scores.HISTOGRAM + 1) / scores.HISTOGRAM).tolist()
    counts = scores.histogram(table.everyone, value).tolist()
    return table.records(edges=[edges] * len(table.words), counts=counts)
