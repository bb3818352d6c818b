"""What abstention shows beside its rules: the best that is possible, and what was reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metrics.abstention_cells import AMONG, Cells, Wish
from metrics.abstention_program import Allocation, draws
from metrics.abstention_region import smallest_share
from metrics.no_harm import joint_cells, no_harm
from mitigations.contract import Part, Problem, Table
from mitigations.parity import Compared
from mitigations.rules.base import ABSTAIN, Rule, decide

Split = Literal["train", "valid"]

#: Gaps for which the smallest share is sought.
GAPS = (0.0, 0.05, 0.1, 0.2)
#: The two forms of the allowance in words.
ALLOWANCES = MappingProxyType(
    {
        "additive": (
            "With a slack s the error rate e of a group may become e + s (1 - e), the form of "
            "the authors' code."
        ),
        "multiplicative": "With a slack s the error rate e of a group may become (1 + s) e.",
    }
)


def best(found: Sequence[tuple[float, Allocation]], split: Split) -> Table:
    """The best any rule could do that knows the labels, for each share."""
    rows = [
        (
            share,
            solution.status,
            solution.gap,
            solution.gap_found,
            round(solution.errors),
            round(solution.errors_before),
            _share(float(solution.abstained.sum()), float(solution.cells.n.sum())),
            _share(float(solution.flip.sum()), float(solution.cells.n.sum())),
        )
        for share, solution in found
    ]
    columns = (
        "share", "status", "smallest_gap", "gap", "errors", "errors_before", "to_person",
        "flipped",
    )  # fmt: skip
    caption = (
        f"The best that is possible on the {split} rows where the labels are known: a bound, "
        "not a rule."
    )
    return Table(columns, tuple(rows), caption, split)


def deployed(
    found: Sequence[tuple[float, Rule]], problem: Problem, to: Compared, part: Part, wish: Wish
) -> Table:
    """What each rule does to each group on the validation rows."""
    columns = (
        "share", "group", "n", "to_person", "rate", "rate_decided", "accuracy_before", "accuracy",
        "accuracy_lower", "no_harm",
    )  # fmt: skip
    caption = (
        "What the rules do on the validation rows. No harm is said where the lower limit of the "
        "difference in accuracy is above -1 point; otherwise it is not shown."
    )
    rows: list[tuple[object, ...]] = []
    if part.y is not None and (part.score is not None or problem.predict is not None):
        label = AMONG[wish.parity][0]
        for share, rule in found:
            rows += _by_group(share, rule, problem, to, part, label)
    return Table(columns, tuple(rows), caption, "valid")


def _by_group(
    share: float, rule: Rule, problem: Problem, to: Compared, part: Part, label: int | None
) -> list[tuple[object, ...]]:
    assert part.y is not None
    given = part.score
    if given is None:
        assert problem.predict is not None
        given = problem.predict(part)
    before = np.where(np.isnan(given), -1, given >= problem.threshold).astype(np.int8)
    after = decide(rule, part, problem.predict)
    k = len(problem.group_names)
    harm = no_harm(joint_cells(part.group, part.y, before, after, k), floor=problem.group_floor)[
        "groups"
    ]
    out: list[tuple[object, ...]] = []
    for code in to.codes:
        cases = (part.group == code) & (part.y >= 0) & (before >= 0)
        counted = cases if label is None else cases & (part.y == label)
        yes, left = counted & (after == 1), counted & (after == ABSTAIN)
        found = harm[code]
        out.append(
            (
                share,
                problem.group_names[code],
                int(cases.sum()),
                _share(float((cases & (after == ABSTAIN)).sum()), float(cases.sum())),
                _share(float(yes.sum()), float(counted.sum())),
                _share(float(yes.sum()), float(counted.sum() - left.sum())),
                found["before"],
                found["after"],
                found["lower"],
                bool(found["shown"]),
            )
        )
    return out


def region(cells: Cells, wish: Wish, split: Split, tick: Callable[[], None]) -> Table:
    """Smallest common share for each gap."""
    rows = [
        (gap, smallest_share(cells, replace(wish, gap=gap), tick=tick))
        for gap in sorted({*GAPS, wish.gap})
    ]
    caption = (
        f"Smallest share of every group that has to be left to a person on the {split} rows for "
        "a gap to be possible at all; no rule needs less."
    )
    return Table(("gap", "share"), tuple(rows), caption, split)


def prices(solution: Allocation, names: Sequence[str], split: Split) -> Table:
    """Errors removed by one more point of each limit."""
    rows: list[tuple[object, ...]] = [
        (name, names[group], value)
        for name in ("share", "slack")
        for group, value in solution.prices[name].items()
    ]
    rows.append(("gap", None, solution.prices["gap"]))
    caption = f"Errors that one more point would remove at the chosen share, on the {split} rows."
    return Table(("limit", "group", "errors"), tuple(rows), caption, split)


def intervals(
    counts: NDArray[np.int64],
    wish: Wish,
    rng: np.random.Generator,
    times: int,
    split: Split,
    tick: Callable[[], None],
) -> Table:
    """95 % intervals of the best that is possible, from draws of the counts."""
    caption = (
        f"95 % intervals of the best that is possible at the chosen share, from {times} draws of "
        f"the counts of the {split} rows."
    )
    if times == 0:
        return Table(("value", "low", "high"), (), caption, split)
    found = draws(counts, wish, rng=rng, times=times, tick=tick)
    rows = [(name, *(limits if limits is not None else (None, None)))
            for name, limits in found.items()]  # fmt: skip
    return Table(("value", "low", "high"), tuple(rows), caption, split)


def _share(above: float, below: float) -> float | None:
    return above / below if below > 0.0 else None
