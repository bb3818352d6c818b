"""Ways to spend a budget of trainings, compared on rows no method saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from auditapp.pipeline.remedies.problem import Prepared
from metrics.bootstrap import stream
from metrics.gain import Arms, Spread
from mitigations.contract import Arm, Outcome, Part

Json = dict[str, Any]
Floats = NDArray[np.float64]

#: Outcomes of a kind that the AUC of a group needs here.
FEWEST = 10
METRIC = "lowest AUC of a group"
#: Draws of the intervals: fewer move their ends by more than they are printed with.
MOST_DRAWS = 1000


class Scored(Protocol):
    """A rule that can say more than yes or no."""

    def scores(self, part: Part) -> Floats:
        """Chance of the favourable outcome, (n,)."""


def tables(
    prepared: Prepared, outcome: Outcome, *, draws: int, seed: int, tick: Callable[[str], None]
) -> dict[str, Json]:
    """Tables ``arms``, ``gain`` and ``groups`` of a method that compares arms.

    The best baseline is the best on validation rows.
    """
    ours = next((arm for arm in outcome.arms if arm.ours), None)
    if ours is None:
        return {}
    rows, codes = _rows(prepared)
    if len(codes) < 1:
        return {}
    audit = prepared.audit.take(rows)
    assert audit.y is not None
    measured = Arms(audit.y.astype(np.int64), audit.group.astype(np.int64), codes, audit.unit)
    times = min(draws, MOST_DRAWS)
    scores: dict[str, Floats] = {}
    spreads: dict[str, Spread] = {}
    for arm in outcome.arms:
        tick(f"comparing {arm.label}")
        scores[arm.id] = np.stack([cast(Scored, rule).scores(audit) for rule in arm.rules])
        spreads[arm.id] = measured.spread(
            scores[arm.id], draws=times if arm.ours else 0,
            rng=stream(seed, f"remedies/arms/{arm.id}"), tick=lambda: tick(""),
        )  # fmt: skip
    others = [arm for arm in outcome.arms if not arm.ours and np.isfinite(arm.valid)]
    best = max(others, key=lambda arm: arm.valid, default=None)
    out = {
        "arms": _arms(outcome, spreads, best),
        "groups": _groups(prepared, audit, measured, spreads[ours.id], best, spreads),
    }
    if best is not None:
        tick(f"comparing with {best.label}")
        rng = stream(seed, "remedies/arms/gain")
        gain = measured.gain(scores[ours.id], scores[best.id], draws=times, rng=rng,
                             tick=lambda: tick(""))  # fmt: skip
        what = "rows" if audit.unit is None else "households"
        row = [best.label, gain.diff, gain.low, gain.high, gain.evidence, METRIC,
               len(scores[ours.id]), len(audit)]  # fmt: skip
        out["gain"] = _table(
            "baseline diff low high evidence metric seeds n", [row],
            "On rows nobody learnt from; the best baseline is the best on validation rows. The "
            f"interval draws {what} and seeds again together, in pairs, {times:,} times.",
        )  # fmt: skip
    return out


def _rows(prepared: Prepared) -> tuple[NDArray[np.intp], list[int]]:
    """Labelled rows, and groups with enough outcomes of both kinds."""
    audit, problem = prepared.audit, prepared.problem
    if audit.y is None:
        return np.zeros(0, np.intp), []
    known = audit.y >= 0
    codes = []
    for code in problem.groups_at_floor(audit):
        mine = known & (audit.group == code)
        if min((audit.y[mine] == v).sum() for v in (0, 1)) >= FEWEST:
            codes.append(int(code))
    return np.flatnonzero(known), codes


def _arms(outcome: Outcome, spreads: dict[str, Spread], best: Arm | None) -> Json:
    before = outcome.tables.get("arms")
    more: dict[str, list[Any]] = {}
    if before is not None:
        places = [before.columns.index(name) for name in ("configuration", "lr")]
        more = {str(row[0]): [row[place] for place in places] for row in before.rows}
    rows = []
    for arm in outcome.arms:
        found = spreads[arm.id]
        valid = arm.valid if np.isfinite(arm.valid) else None
        rows.append(
            [arm.label, arm.trainings, found.mean, found.sd, found.worst, valid,
             arm is best, *more.get(arm.label, [None, None])]
        )  # fmt: skip
    return _table(
        "arm trainings mean sd worst mean_on_validation_rows best_baseline configuration lr",
        rows,
        "Measured on rows nobody learnt from.",
    )


def _groups(
    prepared: Prepared, audit: Part, measured: Arms, found: Spread, best: Arm | None,
    spreads: dict[str, Spread],
) -> Json:  # fmt: skip
    names = prepared.problem.group_names
    was = _audited(audit, measured)
    said = "the audited system"
    if was is None and best is not None:
        was, said = spreads[best.id].by_group.tolist(), f"the best baseline, {best.label}"
    rows = [
        [names[code], int((audit.group == code).sum()), None if was is None else was[i],
         float(found.by_group[i]), float(found.low[i]), float(found.high[i])]
        for i, code in enumerate(measured.codes)
    ]  # fmt: skip
    caption = "Mean over the final seeds; the interval draws rows and seeds."
    return _table(
        "group n auc_before auc low high", rows,
        caption if was is None else f"Before: {said}. {caption}",
    )  # fmt: skip


def _audited(audit: Part, measured: Arms) -> list[float] | None:
    """AUC of every group under the audited scores; None where some are missing."""
    if audit.score is None or not np.isfinite(audit.score).all():
        return None
    rng = np.random.default_rng(0)
    by_group: list[float] = measured.spread(audit.score[None], draws=0, rng=rng).by_group.tolist()
    return by_group


def _table(columns: str, rows: list[list[Any]], caption: str) -> Json:
    return {"columns": columns.split(), "rows": rows, "caption": caption, "split": "audit"}
