"""What the profile says of survey data: weights, replicates, households, years, states, tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditapp.datasets import pums, pums_people, pums_tasks
from auditapp.datasets.pums_dictionary import Dictionary
from auditapp.datasets.pums_states import NAMES
from auditapp.datasets.staged import Staged, counted, notice
from auditapp.errors import AuditError

Json = dict[str, Any]
Column = dict[str, Any]

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
    _reading_notices(staging, survey, notices)
    words = staging.get("words")
    if words:
        notices += _add_words(columns, words)
    if record == "person":
        survey |= pums_tasks.describe(table, names, weight)
        notices += pums_tasks.notices(survey)
    if record is not None:
        notices.insert(0, _summary(survey, document["rows"]))
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
    blank = zero = below = negative = 0
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
    for number, what, words in (
        (zero, "a weight of 0", "They stand for nobody: no weighted rate counts them."),
        (blank, "no weight", "A weighted audit needs one in every row."),
    ):
        if number:
            notices.append(
                notice(
                    "weight-zero" if what.endswith("0") else "weight-blank",
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


def _reading_notices(staging: Mapping[str, Any], survey: Json, notices: list[Json]) -> None:
    files = staging.get("files", [])
    if staging.get("not_asked"):
        notices.append(
            notice(
                "not-asked",
                "“N” is read as blank: the question was not asked of that person.",
            )
        )
    if staging.get("left_out"):
        gone = staging["left_out"]
        notices.append(
            notice(
                "flags-left-out",
                f"{counted(len(gone), 'column')} left out that only "
                f"{'says' if len(gone) == 1 else 'say'} how the record was made.",
                f"{', '.join(gone[:6])}{' and others' if len(gone) > 6 else ''}.",
            )
        )
    unknown = [item["name"] for item in files if not item["years"]]
    if unknown:
        notices.append(
            notice(
                "year-unknown",
                f"The survey year of {unknown[0]}"
                f"{f' and {len(unknown) - 1:,} more' if unknown[1:] else ''} is not in the file.",
                "Keep the folders of the Census, such as 2017/1-Year, or the name ss16pca.csv.",
                level="check",
            )
        )
    if len(files) > 1:
        notices += _union(files)


def _union(files: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Say how several files became one, and which columns only some of them have."""
    sets = [set(item["columns"]) for item in files]
    every, common = set().union(*sets), set(sets[0]).intersection(*sets)
    some = sorted(name for name in every - common if not pums.is_replicate(name))
    found = [
        notice(
            "several-files",
            f"{len(files):,} files are one table: "
            + ", ".join(f"{_dated(item)} {item['rows']:,} rows" for item in files[:6])
            + (" and others." if len(files) > 6 else "."),
            "YEAR says which survey year a row is from, ST which state.",
        )
    ]
    if some:
        found.append(
            notice(
                "mixed-columns",
                f"{counted(len(some), 'column')} {'is' if len(some) == 1 else 'are'} in some of "
                "the files only, and blank in the rows of the others.",
                f"{', '.join(some[:8])}{' and others' if len(some) > 8 else ''}. "
                "Use columns that all years have, or compare years one by one.",
                level="check",
                lines=some,
            )
        )
    return found


def _dated(item: Mapping[str, Any]) -> str:
    years = ", ".join(map(str, item["years"]))
    return f"{item['name']} ({years})" if years else str(item["name"])


def _add_words(columns: Sequence[Column], words: Dictionary) -> list[Json]:
    """Titles and words of a dictionary where the own code book has none."""
    added = 0
    for column in columns:
        code = column["name"].upper()
        if column["title"] is None and code in words.titles:
            column["title"] = words.titles[code]
        book = words.codes.get(code, {})
        if column["words"] is None and book and column["top"]:
            keys = [str(item["value"]) for item in column["top"]]
            known = {key: book.get(key.lstrip("0") or "0") for key in keys}
            table = {key: word for key, word in known.items() if word is not None}
            if table:
                column["words"] = table
                added += 1
    text = f"The data dictionary gives words to {counted(added, 'more column')}."
    return [notice("dictionary", text)]


def _summary(survey: Json, rows: int) -> Json:
    states = [state["name"] for state in survey["states"]]
    where = ", ".join(states[:3]) + (f" and {len(states) - 3:,} more" if len(states) > 3 else "")
    years = ", ".join(str(year) for year in survey["years"])
    what = "persons" if survey["record"] == "person" else "housing units"
    told = " ".join(part for part in (survey["horizon"] or "", years) if part)
    weighted = survey["weights"]["total"]
    return notice(
        "census",
        f"Census public-use file of {what}: {counted(rows, 'row')}, standing for {weighted:,.0f}.",
        "; ".join(part for part in (told, where) if part) + ("." if told or where else ""),
    )
