"""What the profile says of survey data: weights, replicates, households, years, states, tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditapp.datasets import pums, pums_notices, pums_people, pums_tasks
from auditapp.datasets.pums_states import NAMES
from auditapp.datasets.staged import Staged, counted, notice
from auditapp.errors import AuditError

Json = dict[str, Any]
Column = dict[str, Any]

LARGEST_WEIGHT = 9_999
WHY_REPLICATE = "it is a replicate weight"
WHY_YEAR = "it says which file a row comes from"


def describe(document: Json, table: Path, staged: Staged) -> None:
    """Add ``survey`` to the profile of a table with survey weights, and the notices of it.

    Raises
    ------
    AuditError
        ``negative-weight``, ``no-weight`` or ``duplicate-persons`` for Census tables.
    """
    columns: Sequence[Column] = document["columns"]
    names = [column["name"] for column in columns]
    weight = pums.weight_of(names)
    if weight is None or not _numeric(columns, weight):
        return
    record = pums.record_of(names)
    staging = dict(staged.survey) if staged.survey is not None else {}
    replicates = pums.replicates_of(names, weight)
    for column in columns:
        if pums.is_replicate(column["name"]):
            column |= {"guess": "unused", "why": WHY_REPLICATE, "top": [], "words": None}
        elif column["name"] == pums.YEAR and staging:
            column |= {"title": "Survey year", "guess": "unused", "why": WHY_YEAR}
    household = next((n for n in names if n.upper() == pums.HOUSEHOLD), None)
    notices: list[Json] = []
    survey: Json = {
        "record": record,
        "weight": weight,
        "replicates": _complete(replicates, columns, weight, notices),
        "household": household,
        **_places(table, names, staging),
        "files": [_file(item) for item in staging.get("files", [])],
        "weights": None,
        "tasks": [],
    }
    if record is not None:
        survey["weights"] = _weights(table, weight, replicates, document["rows"], notices)
        if record == "person":
            pums_people.refuse_duplicates(table, names, survey)
    notices += pums_notices.reading(staging)
    words = staging.get("words")
    if words:
        notices += pums_notices.add_words(columns, words)
    if record == "person":
        survey |= pums_tasks.describe(table, names, weight)
        notices += pums_tasks.notices(survey)
    if record is not None:
        notices.insert(0, pums_notices.summary(survey, document["rows"]))
    document["survey"] = survey
    document["notices"] = [*notices, *document["notices"]]


def _numeric(columns: Sequence[Column], name: str) -> bool:
    return any(c["name"] == name and c["type"] in {"integer", "number"} for c in columns)


def _complete(
    replicates: Mapping[int, str], columns: Sequence[Column], weight: str, notices: list[Json]
) -> list[str]:
    """The 80 replicate weights, or none: a variance needs all of them."""
    if not replicates:
        return []
    known = {column["name"]: column for column in columns}
    absent = [i for i in range(1, pums.REPLICATES + 1) if i not in replicates]
    used = [name for i, name in replicates.items() if i <= pums.REPLICATES]
    broken = [n for n in used if known[n]["missing"] or not _numeric(columns, n)]
    if not absent and not broken:
        return used
    what = f"{weight}{absent[0]} is missing" if absent else f"{broken[0]} has blanks or holds text"
    more = len(absent if absent else broken) - 1
    notices.append(
        notice(
            "replicates-incomplete",
            f"{len(replicates):,} replicate weights found, and {pums.REPLICATES} are needed: "
            f"{what}{f', and {more:,} more' if more else ''}.",
            "None of them is used. Intervals come from households drawn anew and are labelled "
            "approximate.",
            level="check",
            column=weight,
        )
    )
    return []


def _places(table: Path, names: Sequence[str], staging: Mapping[str, Any]) -> Json:
    """Survey years, states and horizon of the rows."""
    state = next((n for n in names if n.upper() in {"ST", "STATE"}), None)
    years = {year for item in staging.get("files", []) for year in item["years"]}
    horizons = {item["horizon"] for item in staging.get("files", [])}
    if not staging:
        years, horizons = _years(table, names)
    if pums.YEAR in names and not staging:
        years = {int(code) for code in _codes(table, pums.YEAR)}
    numbers = set() if state is None else _codes(table, state)
    return {
        "year": pums.YEAR if pums.YEAR in names else None,
        "years": sorted(years),
        "state": state,
        "states": [
            {"code": code, "name": NAMES[code]}
            for code in sorted(numbers, key=int)
            if code in NAMES
        ],
        "horizon": horizons.pop() if len(horizons) == 1 else None,
    }


def _years(table: Path, names: Sequence[str]) -> tuple[set[int], set[str | None]]:
    column = next((n for n in names if n.upper() == pums.HOUSEHOLD), None)
    if column is None:
        return set(), set()
    found: set[str] = set()
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(columns=[column]):
            if not pa.types.is_string(batch.column(0).type):
                return set(), set()
            long = pc.equal(pc.utf8_length(batch.column(0)), 13)
            starts = pc.utf8_slice_codeunits(batch.column(0).filter(long), 0, 6)
            found.update(pc.unique(starts).drop_null().to_pylist())
    known = {pums.year_of_serial(start + "0" * 9) for start in found}
    years = {year for year in known if year is not None}
    return years, {"5-Year" if len(years) > 1 else "1-Year"} if years else {None}


def _codes(table: Path, column: str) -> set[str]:
    found: set[str] = set()
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(columns=[column]):
            values = pc.unique(batch.column(0)).drop_null().to_pylist()
            found.update(str(value).strip().removesuffix(".0").lstrip("0") for value in values)
    return {code for code in found if code.isdigit()}


def _file(item: Mapping[str, Any]) -> Json:
    return {key: item[key] for key in ("name", "rows", "years", "states", "horizon")}


def _weights(
    table: Path, weight: str, replicates: Mapping[int, str], rows: int, notices: list[Json]
) -> Json:
    """Totals of the weights, and what is odd about them."""
    total = 0.0
    blank = zero = below = negative = large = 0
    columns = [weight, *replicates.values()]
    with pq.ParquetFile(table) as file:
        schema = file.schema_arrow
        columns = [c for c in columns if not pa.types.is_string(schema.field(c).type)]
        for batch in file.iter_batches(columns=columns, batch_size=131_072):
            own = batch.column(batch.schema.names.index(weight))
            blank += own.null_count
            values = own.drop_null().to_numpy(zero_copy_only=False)
            total += float(values.sum())
            zero += int((values == 0).sum())
            below += int((values < 0).sum())
            large += int((values > LARGEST_WEIGHT).sum())
            for name in columns[1:]:
                other = batch.column(batch.schema.names.index(name))
                ends = pc.min_max(other).as_py()
                if ends["min"] is not None and ends["min"] < 0:
                    negative += int(np.sum(other.drop_null().to_numpy(zero_copy_only=False) < 0))
    if below:
        raise AuditError(
            "negative-weight",
            f"{counted(below, 'row')} of {rows:,} {'has' if below == 1 else 'have'} a {weight} "
            "below 0.",
            "Only replicate weights may be negative. Read the file anew from its source.",
            where=f"column {weight}",
        )
    if total == 0:
        raise AuditError(
            "no-weight",
            f"{weight} is 0 or blank in all {counted(rows, 'row')}.",
            "Use the file with its weights, or leave that column out.",
            where=f"column {weight}",
        )
    top = f"{LARGEST_WEIGHT:,}"
    for number, code, what, words in (
        (zero, "zero", "a weight of 0", "They stand for nobody: no weighted rate counts them."),
        (blank, "blank", "no weight", "A weighted audit needs one in every row."),
        (large, "large", f"a weight above {top}", f"The Census' own run from 1 to {top}."),
    ):
        if number:
            notices.append(
                notice(
                    f"weight-{code}",
                    f"{counted(number, 'row')} {'has' if number == 1 else 'have'} {what}.",
                    words,
                    level="check",
                    column=weight,
                )
            )
    if negative:
        notices.append(
            notice(
                "replicate-negative",
                f"{counted(negative, 'replicate weight')} below 0.",
                "The Census gives some people negative replicate weights; they are used as they "
                "are.",
            )
        )
    return {"total": total, "zero": zero, "blank": blank, "negative_replicates": negative}
