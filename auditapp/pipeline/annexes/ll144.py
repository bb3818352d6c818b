"""Numbers of the template: New York City Local Law 144."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import groups
from auditapp.errors import AuditError
from auditapp.pipeline.annexes import eeo_columns
from auditapp.pipeline.annexes.eeo_columns import Coded, People
from auditapp.pipeline.annexes.left_out import LeftOut
from auditapp.pipeline.audited import Audited
from auditapp.regulatory.eeo import HISPANIC, NOT_HISPANIC, RACES, SEXES
from auditapp.regulatory.ll144 import last_day
from metrics.impact import FOUR_FIFTHS, Category, above_median, table

Row = dict[str, Any]
Bools = NDArray[np.bool_]

MOST_GROUPS = 20


@dataclass(frozen=True)
class Sample:
    """Who is counted and who was selected: all measured people, or those with a score."""

    people: Bools
    chosen: Bools
    facts: Row


def run(
    audited: Audited | None, document: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What the annex shows: the tables of the rule, for everything and for each group."""
    if audited is None:
        raise AuditError(
            "needs-decisions",
            "This template counts yes/no decisions or their scores, and this audit has none.",
            "Leave the template out.",
        )
    found = eeo_columns.people(audited, settings)
    sample = _sample(audited, settings["mode"])
    left = LeftOut.read(
        settings["leave_out"], settings["justification"], eeo_columns.readers_of(settings)
    )
    mark = FOUR_FIFTHS if settings["screen"] else None
    wanted = [(None, sample.chosen), *_groups(audited, settings["groups_column"])]
    further = [eeo_columns.column(audited, name) for name in settings["further_columns"]]
    tables: list[Row] = []
    for group, chosen in wanted:
        for made in _tables(found, sample.people, chosen, left, mark):
            tables.append({"group": group, **made})
        for column in further:
            coded = Coded(column.words, len(column.words), column.codes)
            listed = _categories(coded, sample.people, chosen, slice(0, None))
            title = next((a.heading for a in audited.attributes if a.name == column.name),
                         column.name)  # fmt: skip
            tables.append(
                {"group": group, "kind": "further", "title": title, **table(listed, mark=mark)}
            )
    tool = settings["tool"] or _tool(audited)
    return {
        "mode": settings["mode"],
        "columns": dict(found.columns),
        "hispanic": found.hispanic,
        "tool": tool,
        "valid_until": _valid_until(settings["audit_date"]),
        "sample": sample.facts,
        "unknown": _unknown(found, sample.people),
        "outside": _outside(found, sample.people),
        "tables": tables,
        "open": [
            *found.open,
            *_of_reference(audited),
            *_without_name(tool),
            *_without_explanation(settings),
            *left.open(tables),
        ],
    }


def _tool(audited: Audited) -> str:
    about = audited.plan.about
    name, version = about.system.strip(), about.version.strip()
    if name and version and not version.casefold().startswith("version"):
        version = f"version {version}"
    return ", ".join(part for part in (name, version if name else "") if part)


def _valid_until(day: str) -> str | None:
    """The last day of the twelve months from an audit; None where no day is given."""
    return last_day(date.fromisoformat(day)).isoformat() if day else None


def _sample(audited: Audited, mode: str) -> Sample:
    n = audited.decision.size
    if mode != "score":
        return Sample(np.ones(n, dtype=bool), audited.decision == 1, {"people": n})
    scores, favourable = _scores(audited)
    known = np.isfinite(scores)
    if not known.any():
        raise AuditError(
            "no-scores", "The scoring rate needs a score, and no person has one.",
            "Choose a score column, or the selection rate.",
        )  # fmt: skip
    middle = above_median(scores[known] if favourable else -scores[known])
    chosen = np.zeros(n, dtype=bool)
    chosen[known] = middle.above
    facts = {
        "people": int(known.sum()),
        "without_score": int(n - known.sum()),
        "median": middle.value if favourable else -middle.value,
        "at_median": middle.ties,
        "above": int(middle.above.sum()),
        "higher_is_better": favourable,
        "scale": "report" if scores is audited.score else "column",
    }
    return Sample(known, chosen, facts)


def _scores(audited: Audited) -> tuple[NDArray[np.float64], bool]:
    """Scores as they stand in their column, and whether high ones are good; else those measured.

    A change of scale may round two neighbours to one number, so a column is read again.
    """
    spec = audited.plan.score
    if spec is not None and spec.column is not None and audited.plan.model.kind == "columns":
        return audited.table.numbers(spec.column)[audited.used], spec.favourable
    if audited.score is None:
        return np.full(audited.decision.size, np.nan), True
    return audited.score, True


def _groups(audited: Audited, name: str) -> list[tuple[str, Bools]]:
    """Each group the tool sorts people into, and who is in it."""
    if not name:
        return []
    levels, _, codes = groups.attribute(audited.table, {"column": name}, MOST_GROUPS)
    codes = codes[audited.used]
    return [(level, codes == i) for i, level in enumerate(levels)]


def _tables(found: People, people: Bools, chosen: Bools, left: LeftOut, mark: Any) -> list[Row]:
    made = []
    for kind, coded in (("sex", found.sex), ("race", found.race)):
        if coded is not None:
            listed = left.of(_categories(coded, people, chosen, slice(0, coded.listed)))
            made.append({"kind": kind, **table(listed, mark=mark)})
    if found.sex is not None and found.race is not None:
        both = left.of(_crossed(found, people, chosen))
        made.append({"kind": "intersectional", **table(both, mark=mark)})
    for kind, coded in (("sex", found.sex), ("race", found.race)):
        if coded is None or len(coded.names) == coded.listed:
            continue
        other = _categories(coded, people, chosen, slice(coded.listed, None))
        listed = left.of(_categories(coded, people, chosen, slice(0, coded.listed)))
        present = [category for category in other if category.people]
        if present:
            made.append({"kind": f"other-{kind}", **table(present, mark=mark, against=listed)})
    for item in made:
        for row in item["rows"]:
            row["justification"] = left.reason(tuple(row["names"])) if row["left_out"] else None
    if found.hispanic == "none":
        for item in made:
            item["rows"] = [row for row in item["rows"] if HISPANIC not in row["names"]]
    return made


def _categories(coded: Coded, people: Bools, chosen: Bools, which: slice) -> list[Category]:
    """People and selected of some categories, in order."""
    size = len(coded.names)
    known = people & (coded.codes >= 0)
    n = np.bincount(coded.codes[known], minlength=size)
    x = np.bincount(coded.codes[known & chosen], minlength=size)
    return [
        Category((name,), int(x[i]), int(n[i])) for i, name in list(enumerate(coded.names))[which]
    ]


def _crossed(found: People, people: Bools, chosen: Bools) -> list[Category]:
    """Hispanic or Latino by sex, everybody else by sex and race, as the rule's example has it."""
    assert found.sex is not None and found.race is not None
    sex, race = found.sex.codes, found.race.codes
    listed = people & (sex >= 0) & (race >= 0)
    listed &= (sex < found.sex.listed) & (race < found.race.listed)
    cell = sex[listed] * len(RACES) + race[listed]
    n = np.bincount(cell, minlength=len(SEXES) * len(RACES))
    x = np.bincount(cell[chosen[listed]], minlength=n.size)
    told = found.hispanic != "none"
    order = [(s, r) for block in ((0,), range(1, len(RACES))) for s in range(2) for r in block]
    return [
        Category(
            ((HISPANIC if r == 0 else NOT_HISPANIC),) * told + (SEXES[s], RACES[r] if r else ""),
            int(x[s * len(RACES) + r]),
            int(n[s * len(RACES) + r]),
        )
        for s, r in order
        if told or r
    ]


def _unknown(found: People, people: Bools) -> Row:
    """People assessed but in no calculation because sex or race and ethnicity is unknown."""
    none = np.zeros(people.size, dtype=bool)
    sex = none if found.sex is None else people & (found.sex.codes < 0)
    race = none if found.race is None else people & (found.race.codes < 0)
    return {"sex": int(sex.sum()), "race": int(race.sum()), "either": int((sex | race).sum())}


def _outside(found: People, people: Bools) -> Row:
    """People of a known category that the rule does not list."""
    return {
        kind: 0 if coded is None else int((people & (coded.codes >= coded.listed)).sum())
        for kind, coded in (("sex", found.sex), ("race", found.race))
    }


def _of_reference(audited: Audited) -> list[dict[str, str]]:
    """A model that was trained for the audit is no tool that anybody used."""
    if audited.plan.model.kind != "train":
        return []
    text = "The decisions are those of a reference model trained for this audit, not of a tool."
    return [{"code": "reference-model", "text": text}]


def _without_name(tool: str) -> list[dict[str, str]]:
    if tool:
        return []
    text = "The tool has no name: give one here, or as the system of the audit."
    return [{"code": "no-tool", "text": text}]


def _without_explanation(settings: Mapping[str, Any]) -> list[dict[str, str]]:
    if settings["data_kind"] != "test" or settings["test_why"]:
        return []
    text = "Test data were used: say why there are no historical ones, and how they were made."
    return [{"code": "no-test-explanation", "text": text}]
