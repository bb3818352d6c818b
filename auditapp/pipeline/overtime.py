"""What the run of a schedule says beside the runs before it, from stored count tables alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics import change_scan
from metrics.change_tables import RunTables, align, new_rows, vanished, without_small
from metrics.drift import drift_section

Json = dict[str, Any]

#: Error rate of a year's tests for data drift; the scan has 0.04.
DRIFT_ALPHA = 0.01
#: Runs that the line of a schedule shows.
SHOWN = 60
#: Runs that are compared one by one; of more, the oldest are one pool.
MOST = 366


@dataclass(frozen=True)
class Rules:
    """What a schedule looks for: as the plan says, and how often it is due in a year."""

    metrics: tuple[str, ...]
    tolerance: float
    floor: int
    denominator_floor: int
    looks: int

    @classmethod
    def of(cls, words: Mapping[str, Any], looks: int) -> Rules:
        """From what an audit keeps beside its count tables."""
        return cls(
            tuple(words["metrics"]), float(words["tolerance"]), int(words["floor"]),
            int(words["denominator_floor"]), min(max(looks, 2), MOST * 1440),
        )  # fmt: skip


def to_json(run: RunTables) -> Json:
    """Tables as JSON types."""
    return {
        "levels": {name: list(words) for name, words in run.levels.items()},
        "tables": {name: table.ravel().tolist() for name, table in run.tables.items()},
    }


def from_json(data: Mapping[str, Any]) -> RunTables:
    """Tables as `to_json` wrote them."""
    levels = {name: tuple(words) for name, words in data["levels"].items()}
    tables = {
        name: np.array(data["tables"][name], dtype=np.int64).reshape(len(words) + 1, 3, 4)
        for name, words in levels.items()
    }
    return RunTables(levels, tables)


def added(before: RunTables | None, now: RunTables) -> tuple[RunTables | None, str | None]:
    """The rows to test of a table that only grows, or why there are none."""
    if before is None:
        return now, None
    if set(before.levels) != set(now.levels):
        return None, "other-attributes"
    gained = new_rows(before, now)
    if gained is None:
        return None, "past-rewritten"
    return (gained, None) if gained.n else (None, "no-new-rows")


def compare(
    earlier: Sequence[RunTables],
    now: RunTables,
    rules: Rules,
    *,
    pool: tuple[RunTables, int] | None = None,
) -> Json:
    """Look for a change, for drift and for groups that vanished.

    Parameters
    ----------
    earlier
        Runs since the baseline, oldest first, each with people of its own.
    now
        The run to judge.
    pool
        The runs of the baseline before `earlier` together, and how many they are.

    Returns
    -------
    dict
        ``undefined`` (``first-run``, ``other-attributes``, ``no-rows`` or None), ``rows``,
        ``runs`` (those compared), ``scan`` (`metrics.change_scan.scan`, with ``runs_ago`` in place
        of ``start``, 0 for the present run, and ``crossed``), ``drift[]``, ``vanished[]``,
        ``new[]``.
    """
    known = 0 if pool is None else pool[1]
    out: Json = {"undefined": None, "rows": now.n, "scan": None}
    out["runs"] = known + len(earlier) + 1
    out |= {"drift": [], "vanished": [], "new": []}
    if now.n == 0:
        return out | {"undefined": "no-rows"}
    first = [] if pool is None else [pool[0]]
    runs = align([*first, *earlier, now])
    pools, pooled = _budget(runs, rules.looks, known)
    out["scan"] = _scan(pools, rules, pooled)
    if len(runs) == 1:
        return out | {"undefined": "first-run"}
    before = _sum(runs[:-1])
    out["drift"] = _drift(before, runs[-1], rules)
    out["vanished"] = vanished(before, runs[-1], floor=rules.floor)
    out["new"] = _appeared(before, runs[-1], rules.floor)
    return out


def _appeared(before: RunTables, now: RunTables, floor: int) -> list[Json]:
    """Groups of some size that no earlier run had; they are followed from the next baseline on."""
    out = []
    for name, words in now.levels.items():
        old, new = (run.tables[name].sum(axis=(1, 2))[1:].tolist() for run in (before, now))
        for word, was, rows in zip(words, old, new, strict=True):
            if was == 0 and rows >= floor:
                out.append({"by": [name], "group": {name: word}, "rows": rows})
    return out


def lines(runs: Sequence[RunTables], rules: Rules) -> list[Json]:
    """Every stream at the latest runs, for the history."""
    shown = align(list(runs[-SHOWN:]))
    return change_scan.history(
        [run.tables for run in shown],
        shown[0].levels,
        metrics=rules.metrics,
        floor=rules.floor,
        denominator_floor=rules.denominator_floor,
    )


def joined(one: RunTables, other: RunTables) -> RunTables:
    """The people of two runs together."""
    return _sum(align([one, other]))


def _budget(runs: list[RunTables], looks: int, known: int) -> tuple[list[RunTables], bool]:
    """The runs of the present budget; those of earlier ones are its first, as one pool.

    The first of `runs` stands for `known` runs, where that is not 0.
    """
    before = max(known - 1, 0)
    spent = (len(runs) + before - 1) // looks * looks - before
    spent = max(spent, len(runs) - MOST)
    if spent <= 1:
        return runs, known > 1
    return [_sum(runs[:spent]), *runs[spent:]], True


def _sum(runs: Sequence[RunTables]) -> RunTables:
    total = runs[0]
    for run in runs[1:]:
        total = total + run
    return total


def _scan(runs: list[RunTables], rules: Rules, pooled: bool) -> Json:
    found = change_scan.scan(
        [run.tables for run in runs],
        runs[0].levels,
        metrics=rules.metrics,
        looks=rules.looks,
        pooled=pooled,
        floor=rules.floor,
        denominator_floor=rules.denominator_floor,
    )
    for stream in found["streams"]:
        start = stream.pop("start")
        stream["runs_ago"] = None if start is None else len(runs) - 1 - start
        stream["crossed"] = _crossed(stream, rules.tolerance)
    return found


def _crossed(stream: Json, tolerance: float) -> bool:
    """Whether a gap changed from within the limit to beyond it."""
    if not stream["changed"] or stream["comparator"] is None:
        return False
    return bool(abs(stream["before"]["value"]) <= tolerance < abs(stream["after"]["value"]))


def _drift(before: RunTables, now: RunTables, rules: Rules) -> list[Json]:
    """Tests of group shares and of the label rate; the scan follows the rest."""
    old, new = without_small(before, now)
    found = drift_section(
        old.tables, new.tables, new.levels, alpha=DRIFT_ALPHA / max(rules.looks - 1, 1)
    )
    followed = {"selection-rate"} if "selection-rate" in rules.metrics else set()
    return [test for test in found["tests"] if test["what"] not in followed]
