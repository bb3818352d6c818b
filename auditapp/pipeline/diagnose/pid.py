"""Parts of each disparity across sites: unique, redundant, masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.pipeline.audited import Audited
from metrics.audit import Attribute
from metrics.pid_section import pid_section

Row = dict[str, Any]
Codes = NDArray[np.integer[Any]]

DECISIONS = ("not favourable", "favourable", "abstained")
LABELS = ("not favourable", "favourable")
#: Recorded outcomes within which decisions are compared, by goal.
WITHIN = {"tpr": (1,), "fpr": (0,), "equalized-odds": (0, 1), "precision": (0, 1)}
WITHIN |= {"accuracy": (0, 1)}
OTHERS = "other groups"
#: Hessian entries of one table: more groups are joined until it fits.
LARGEST = 40_000
#: Hessian entries of all drawn tables of a report: about five seconds of one core.
BUDGET = 8_000_000
FEWEST_DRAWS, FEWEST_NULL, MOST_NULL = 100, 99, 199


@dataclass(frozen=True)
class Question:
    """What is split by site: `told`, of people whose `given` is among `levels`."""

    of: str
    told: Codes
    words: tuple[str, ...]
    given: Codes
    levels: tuple[int, ...] = (0,)

    @property
    def within(self) -> bool:
        """Whether recorded outcomes are kept apart."""
        return self.of == "decision-given-label"


def run(audited: Audited) -> list[Row] | None:
    """One entry for each sensitive column, more where recorded outcomes are to be compared."""
    site = audited.site
    if site is None or audited.plan.outcome != "binary":
        return None
    pairs = [
        (attribute, question)
        for attribute in audited.attributes
        if attribute.name != site.name
        for question in questions(audited, site)
    ]
    out: list[Row] = []
    for done, (attribute, question) in enumerate(pairs):
        audited.tick(done / len(pairs), attribute.name)
        out.append(_entry(audited, site, attribute, question, len(pairs)))
    return out


def questions(audited: Audited, site: Attribute) -> list[Question]:
    """The decision; the decision given the recorded outcome; the recorded outcome itself."""
    nobody = np.zeros(site.codes.size, dtype=np.int8)
    out = [Question("decision", audited.decision, DECISIONS, nobody)]
    label = audited.label
    if label is None or not (label >= 0).any():
        return out
    within = WITHIN.get(audited.plan.goal, ())
    if within:
        out.append(Question("decision-given-label", audited.decision, DECISIONS, label, within))
    return [*out, Question("label", label, LABELS, nobody)]


def _entry(
    audited: Audited, site: Attribute, attribute: Attribute, question: Question, of: int
) -> Row:
    plan, within = audited.plan, question.within
    table = counted(
        (question.given, question.levels),
        (attribute.codes, tuple(range(len(attribute.levels)))),
        (site.codes, tuple(range(len(site.levels)))),
        (question.told, tuple(range(len(question.words)))),
    )
    asked = int(np.isin(question.given, question.levels).sum())
    unknown = asked - int(table.sum())
    table, z_levels, joined = fewer_groups(table, attribute.levels)
    # Two of the tests solve for each of their tables too.
    fits = BUDGET // (max(_entries(table), 1) * of)
    null = min(max(fits // 6, FEWEST_NULL), MOST_NULL)
    draws = max(min(plan.draws, fits - 2 * null), FEWEST_DRAWS)
    found = pid_section(
        table if within else table[0],
        by=[attribute.name],
        site=site.name,
        z_levels=z_levels,
        sites=site.levels,
        given=plan.label.column if within and plan.label is not None else None,
        given_levels=[LABELS[j] for j in question.levels] if within else None,
        floor=plan.floor,
        draws=draws,
        null_draws=null,
        seed=plan.seed,
    )
    return {
        **found,
        "of": question.of,
        "levels": [word for j, word in enumerate(question.words) if table[..., j].any()],
        "joined_groups": joined,
        "not_counted": unknown,
    }


def counted(*columns: tuple[Codes, tuple[int, ...]]) -> NDArray[np.int64]:
    """People by the wanted codes of several columns; who has another one in some is left out."""
    shape = tuple(len(wanted) for _, wanted in columns)
    keep = np.ones(columns[0][0].size, dtype=bool)
    place = np.zeros(keep.size, dtype=np.int64)
    for codes, wanted in columns:
        end = max(wanted) + 1
        lookup = np.full(end + 1, -1, dtype=np.int64)
        lookup[list(wanted)] = np.arange(len(wanted))
        position = lookup[np.where((codes >= 0) & (codes < end), codes, end)]
        keep &= position >= 0
        place = place * len(wanted) + position
    cells = np.bincount(place[keep], minlength=int(np.prod(shape)))
    return np.asarray(cells.reshape(shape), dtype=np.int64)


def fewer_groups(
    table: NDArray[np.int64], levels: tuple[str, ...]
) -> tuple[NDArray[np.int64], list[str], list[Row]]:
    """Join the smallest groups of a (l, z, s, y) table until it can be split in reasonable time.

    Returns
    -------
    table, words
        The table and what its groups are called.
    joined : list of dict
        Groups that were joined, with their people; usually none.
    """
    people = table.sum(axis=(0, 2, 3))
    rest = max(_entries(table) // max(int((people > 0).sum()), 1) ** 2, 1)
    most = max(int((LARGEST // rest) ** 0.5), 2)
    if (people > 0).sum() <= most:
        return table, list(levels), []
    order = np.argsort(-people, kind="stable")
    kept = sorted(order[: most - 1].tolist())
    others = [j for j in range(len(levels)) if j not in set(kept)]
    name = OTHERS
    while name in levels:
        name = f"{name} (joined)"
    smaller = np.concatenate([table[:, kept], table[:, others].sum(axis=1, keepdims=True)], axis=1)
    joined = [{"group": levels[j], "n": int(people[j])} for j in others if people[j]]
    return smaller, [*(levels[j] for j in kept), name], joined


def _entries(table: NDArray[np.int64]) -> int:
    """Hessian entries of the occupied part of a (l, z, s, y) table."""
    used = [int((table.sum(axis=tuple({0, 1, 2, 3} - {axis})) > 0).sum()) for axis in range(4)]
    return used[0] * used[1] ** 2 * used[2] * used[3]
