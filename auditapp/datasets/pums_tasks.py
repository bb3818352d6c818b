"""Which Folktables tasks a Census table allows, and how its groups do in each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auditapp.datasets.codes import RACE
from auditapp.datasets.staged import notice
from auditapp.folktables import Task, bridge, catalogue
from auditapp.folktables.apply import Applied, Settings

Json = dict[str, Any]

GROUPS = 10
_BATCH = 131_072
_MORE = 9


class _Count:
    """Rows and weights of each group in one task: 9 codes of RAC1P, and others last."""

    def __init__(self, task: Task, names: Sequence[str]) -> None:
        self.task = task
        self.applied = Applied(task.without(bridge.missing(task, names)), names, Settings())
        self.rows = np.zeros((GROUPS, 3))
        self.weighted = np.zeros((GROUPS, 3))

    def add(self, batch: Any, weight: NDArray[np.float64]) -> None:
        """Count a batch: columns are negative, positive and unknown labels."""
        own = self.applied.batch(batch)
        cut = self.applied.cut(own)
        group = own.numbers(self.task.group)[cut.rows]
        code = np.where((group >= 1) & (group <= _MORE), group - 1, _MORE).astype(int)
        cell = code * 3 + np.where(cut.label < 0, 2, cut.label)
        size = GROUPS * 3
        self.rows += np.bincount(cell, minlength=size).reshape(GROUPS, 3)
        self.weighted += np.bincount(cell, weight[cut.rows], minlength=size).reshape(GROUPS, 3)


def describe(table: Path, names: Sequence[str], weight: str) -> Json:
    """Return ``tasks``: for each of the eight, what is missing and what it would measure."""
    states = []
    counts: dict[str, _Count] = {}
    for task in catalogue():
        missing = bridge.missing(task, names)
        possible = not set(missing) & set(task.required) and len(missing) < len(task.features)
        states.append(
            {
                "name": task.name,
                "title": task.title,
                "computable": not missing,
                "reduced": bool(missing) and possible,
                "missing": list(missing),
                "bridged": [
                    {"column": source.name, "from": source.successor, "lost": source.bridge.lost}
                    for source in bridge.sources(task.columns, names).values()
                    if source.successor is not None and source.bridge is not None
                ],
                "notes": list(task.notes),
            }
        )
        if possible:
            counts[task.name] = _Count(task, names)
    _count(table, weight, counts)
    for state in states:
        count = counts.get(str(state["name"]))
        state |= {"rows": None, "positive": None, "unknown": None, "groups": []}
        if count is not None:
            state |= _facts(count)
    return {"tasks": states}


def notices(survey: Json) -> list[Json]:
    """Say which tasks can be computed and what the others lack."""
    ready = [task["name"] for task in survey["tasks"] if task["computable"]]
    fewer = sum(task["reduced"] for task in survey["tasks"])
    rest = [task for task in survey["tasks"] if not task["computable"]]
    lines = [f"{task['name']} lacks {', '.join(task['missing'])}" for task in rest]
    found = notice(
        "tasks",
        f"{len(ready)} of {len(survey['tasks'])} Folktables tasks can be computed"
        + (f": {', '.join(ready)}" if ready else "")
        + (f"; {fewer} more without some of their features." if fewer else "."),
        "; ".join(lines[:3]) + ("." if lines else "") if len(lines) <= 3 else "",
        lines=lines,
    )
    return [found]


def _count(table: Path, weight: str, counts: dict[str, _Count]) -> None:
    reads = dict.fromkeys(
        column
        for count in counts.values()
        for name in count.task.required
        for column in count.applied.sources[name].columns
    )
    columns = list({**reads, weight: None})
    if not counts:
        return
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(columns=columns, batch_size=_BATCH):
            own = batch.column(batch.schema.names.index(weight)).to_numpy(zero_copy_only=False)
            for count in counts.values():
                count.add(batch, np.nan_to_num(own.astype(np.float64)))


def _facts(count: _Count) -> Json:
    known = count.rows[:, :2].sum()
    groups = [
        {
            "value": str(i + 1),
            "words": RACE[str(i + 1)],
            "rows": int(count.rows[i].sum()),
            "weighted": float(count.weighted[i].sum()),
            "positive": _share(count.rows[i]),
            "positive_weighted": _share(count.weighted[i]),
        }
        for i in range(_MORE)
        if count.rows[i].sum()
    ]
    return {
        "rows": int(count.rows.sum()),
        "unknown": int(count.rows[:, 2].sum()),
        "positive": float(count.rows[:, 1].sum() / known) if known else None,
        "groups": groups,
    }


def _share(cells: NDArray[np.float64]) -> float | None:
    known = cells[0] + cells[1]
    return float(cells[1] / known) if known else None
