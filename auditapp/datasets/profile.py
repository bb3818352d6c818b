"""The profile of a table: what each column holds, what it may be for, and what needs a look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditapp.datasets import codebooks, roles
from auditapp.datasets.infer import Tally
from auditapp.datasets.staged import Staged, counted, notice
from auditapp.datasets.tally import ColumnTally

SCHEMA = "evenhand/profile/1"

_FEW_NUMBERS = 20
_MANY_LEVELS = 200
_ID_ROWS = 200
_ODD_VALUES = 5


def build(
    staged: Staged,
    table: Path,
    tallies: Sequence[ColumnTally],
    text: Sequence[Tally | None],
    histograms: Sequence[list[int]],
) -> dict[str, Any]:
    """Return the profile without the facts about the file itself.

    Parameters
    ----------
    staged
        What the reader handed over: names and notices.
    table
        The canonical table.
    tallies, text, histograms
        One entry per column; ``text`` is None where the file's own type was trusted.
    """
    columns = [
        _facts(column.name, column.was, tally, histogram)
        for column, tally, histogram in zip(staged.columns, tallies, histograms, strict=True)
    ]
    survey = codebooks.is_survey(columns)
    for column, tally in zip(columns, tallies, strict=True):
        column["kind"] = _kind(column, tally, survey=survey)
        column["top"] = _top(column, tally)
    _add_year(columns, table)
    recognised = codebooks.recognise(columns) if survey else None
    notices = [codebooks.summary(recognised)] if recognised is not None else []
    if survey:
        notices += _add_words(columns)
    guesses = roles.guess_all(columns, recognised, header=bool(staged.read.get("header")))
    for column, (role, why) in zip(columns, guesses, strict=True):
        column["guess"], column["why"] = role, why
        column.pop("prefix", None)
    notices += [*staged.notices, *_text_notices(columns, text), *_column_notices(columns)]
    return {
        "schema": SCHEMA,
        "rows": staged.rows,
        "columns": columns,
        "notices": notices,
        "recognised": None
        if recognised is None
        else {k: recognised[k] for k in ("task", "title", "matched", "of", "year")},
    }


def _facts(name: str, was: str, tally: ColumnTally, histogram: list[int]) -> dict[str, Any]:
    whole = tally.numeric and tally.integral
    low, high = tally.low, tally.high
    if whole and low is not None and high is not None:
        low, high = int(low), int(high)
    return {
        "name": name,
        "was": was,
        "type": "integer" if whole else tally.kind,
        "kind": "",
        "missing": tally.missing,
        "distinct": tally.distinct,
        "capped": tally.capped,
        "min": low,
        "max": high,
        "top": [{"value": key, "n": n} for key, n in tally.counts()],
        "histogram": histogram,
        "title": None,
        "words": None,
        "guess": "",
        "why": "",
    }


def _kind(column: dict[str, Any], tally: ColumnTally, *, survey: bool) -> str:
    """Return binary, categorical, numeric, text, identifier, constant or empty."""
    if tally.distinct <= 2 and not tally.capped:
        return ("empty", "constant", "binary")[tally.distinct]
    if survey and codebooks.is_coded(column) and tally.distinct <= 2000:
        return "categorical"
    if tally.numeric:
        return _numeric_kind(column, tally)
    if tally.kind == "date":
        return "text" if tally.distinct > _FEW_NUMBERS else "categorical"
    if tally.unique_share > 0.98 and tally.present >= _FEW_NUMBERS and tally.mean_words < 3.5:
        return "identifier"
    wordy = tally.mean_words >= 5 and tally.distinct > _FEW_NUMBERS
    mostly_new = tally.unique_share > 0.5 and tally.distinct > 50
    if wordy or mostly_new or tally.distinct > _MANY_LEVELS:
        return "text"
    return "categorical"


def _numeric_kind(column: dict[str, Any], tally: ColumnTally) -> str:
    if not tally.integral:
        return "numeric"
    if tally.unique_share == 1 and tally.present >= _FEW_NUMBERS:
        span = column["max"] - column["min"] + 1
        named = bool({"id", "index", "key", "number", "no"} & set(roles.tokens(column["name"])))
        if named or span == tally.present or tally.present >= _ID_ROWS:
            return "identifier"
    return "numeric" if tally.distinct > _FEW_NUMBERS else "categorical"


def _top(column: dict[str, Any], tally: ColumnTally) -> list[dict[str, Any]]:
    """Return the most frequent values, never those of texts, identifiers or long lists."""
    listed = column["kind"] in {"binary", "categorical", "constant"}
    if not listed and not (column["kind"] == "numeric" and tally.distinct <= _MANY_LEVELS):
        return []
    return list(column["top"])


def _add_year(columns: list[dict[str, Any]], table: Path) -> None:
    for column in columns:
        if column["name"].upper() == "SERIALNO" and column["type"] == "text":
            years: set[str] = set()
            with pq.ParquetFile(table) as file:
                for batch in file.iter_batches(columns=[column["name"]]):
                    values = pc.utf8_slice_codeunits(batch.column(0).drop_null(), 0, 4)
                    years.update(pc.unique(values).to_pylist())
            if len(years) == 1 and min(years).isdigit():
                column["prefix"] = min(years)


def _add_words(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    notices = []
    for column in columns:
        column["title"] = codebooks.title(column)
        column["words"], found = codebooks.words(column)
        if found is not None:
            notices.append(found)
    return notices


def _text_notices(
    columns: Sequence[dict[str, Any]], text: Sequence[Tally | None]
) -> list[dict[str, Any]]:
    """Return notices on missing marks, leading zeros, and values that are not numbers."""
    marks: dict[str, list[tuple[str, int]]] = defaultdict(list)
    odd_marks: dict[str, list[tuple[str, int]]] = defaultdict(list)
    notices = []
    for column, tally in zip(columns, text, strict=True):
        if tally is None:
            continue
        for mark, n in tally.marks.items():
            marks[mark].append((column["name"], n))
        if column["type"] != "text" or tally.numeric_share == 0:
            continue
        if tally.leading_zeros and tally.leading_zeros == tally.odd_total:
            notices.append(_leading_zeros(column["name"], tally))
        elif len(tally.odd) == 1 and not tally.odd_capped:
            odd_marks[next(iter(tally.odd))].append((column["name"], tally.odd_total))
        elif tally.numeric_share >= 0.5:
            notices.append(_not_all_numbers(column["name"], tally))
    return [_mark(m, where) for m, where in sorted(marks.items())] + [
        *(_possible_mark(m, where) for m, where in sorted(odd_marks.items())),
        *notices,
    ]


def _mark(mark: str, where: list[tuple[str, int]]) -> dict[str, Any]:
    total = sum(n for _, n in where)
    return notice(
        "missing-mark",
        f"{'Blank' if mark == '' else f'“{mark}”'} is read as missing: {counted(total, 'value')} "
        f"in {counted(len(where), 'column')}.",
        _listed([name for name, _ in where]),
    )


def _possible_mark(mark: str, where: list[tuple[str, int]]) -> dict[str, Any]:
    total = sum(n for _, n in where)
    names = [name for name, _ in where]
    return notice(
        "possible-mark",
        f"“{mark}” stands in {counted(len(where), 'column')} that otherwise "
        f"{'holds' if len(where) == 1 else 'hold'} numbers: {counted(total, 'value')}.",
        f"{_listed(names)}. If it means missing, add it to the missing marks and read again; "
        "until then these columns are text.",
        level="check",
        column=names[0] if len(names) == 1 else None,
    )


def _not_all_numbers(name: str, tally: Tally) -> dict[str, Any]:
    few = len(tally.odd) <= _ODD_VALUES and not tally.odd_capped
    shown = "; ".join(f"“{value}” {n:,}" for value, n in tally.odd.most_common()) if few else ""
    return notice(
        "not-all-numbers",
        f"{counted(tally.odd_total, 'value')} of {tally.rows - tally.missing:,} in {name} "
        f"{'is' if tally.odd_total == 1 else 'are'} not numbers, so the column is text.",
        f"Found: {shown}." if shown else "They are many different values.",
        level="check",
        column=name,
    )


def _leading_zeros(name: str, tally: Tally) -> dict[str, Any]:
    return notice(
        "leading-zeros",
        f"{name} is kept as text: {counted(tally.leading_zeros, 'value')} "
        f"{'begins' if tally.leading_zeros == 1 else 'begin'} with 0, as codes do.",
        column=name,
    )


def _column_notices(columns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    notices = []
    personal = [column["name"] for column in columns if roles.is_personal(column)]
    if personal:
        notices.append(
            notice(
                "personal-data",
                f"{counted(len(personal), 'column')} "
                f"{'seems' if len(personal) == 1 else 'seem'} to name people.",
                f"{_listed(personal)}. No value of them is shown, and they are not used.",
                level="check",
            )
        )
    for column in columns:
        if column["type"] == "text" and column["top"]:
            folded: dict[str, list[str]] = defaultdict(list)
            for item in column["top"]:
                folded[item["value"].casefold()].append(item["value"])
            twins = [" and ".join(f"“{v}”" for v in same) for same in folded.values() if same[1:]]
            if twins:
                notices.append(
                    notice(
                        "case-variants",
                        f"Values of {column['name']} differ only in capital letters: {twins[0]}.",
                        "As groups they are counted apart.",
                        level="check",
                        column=column["name"],
                    )
                )
    return notices


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6:,} more"
