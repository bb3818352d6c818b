"""Recognise Folktables tasks and survey codes; show codes as words and columns as titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.datasets.codes import (
    BINARY_TITLES,
    BLANKS,
    CODED,
    CODES,
    NOT_ASKED,
    RACE,
    RACE_LONG,
    TITLES,
)
from auditapp.datasets.keys import natural_sorted
from auditapp.datasets.staged import counted, notice
from auditapp.folktables import catalogue

TASKS: dict[str, tuple[str, tuple[str, ...]]] = {
    task.name: (task.label, task.features) for task in catalogue()
}
"""Target and features of each Folktables task (Ding, Hardt, Miller, Schmidt, NeurIPS 2021)."""

_RENAMED = {"RELP": "RELSHIPP", "JWTR": "JWTRNS", "ST": "STATE"}
_SURVEY = frozenset(TITLES) - {"SEX", "MAR", "DIS", "AGE", "ST", "STATE", "SCH", "TYPE"}
_SURVEY_MATCHES = 3
_TASK_SHARE = 0.9

Column = dict[str, Any]


def recognise(columns: Sequence[Column]) -> dict[str, Any] | None:
    """Return the Folktables task whose 0/1 target and features are here, or None."""
    by_code = {str(column["name"]).upper(): column for column in columns}
    best: tuple[float, int, str] | None = None
    for task, (target, features) in TASKS.items():
        if target not in by_code or not is_zero_one(by_code[target]):
            continue
        matched = 1 + sum(f in by_code or _RENAMED.get(f, f) in by_code for f in features)
        share = matched / (1 + len(features))
        if share >= _TASK_SHARE and (best is None or (share, matched) > best[:2]):
            best = (share, matched, task)
    if best is None:
        return None
    task = best[2]
    return {
        "task": task,
        "title": f"{task} from Folktables",
        "matched": best[1],
        "of": 1 + len(TASKS[task][1]),
        "year": _year(by_code),
        "target": by_code[TASKS[task][0]]["name"],
        "features": [
            by_code[code]["name"]
            for f in TASKS[task][1]
            for code in (f, _RENAMED.get(f, f))
            if code in by_code and (code == f or f not in by_code)
        ],
    }


def is_survey(columns: Sequence[Column]) -> bool:
    """Whether at least three column names belong to the American Community Survey."""
    names = {str(column["name"]).upper() for column in columns}
    return len(names & _SURVEY) >= _SURVEY_MATCHES


def is_coded(column: Column) -> bool:
    """Whether a survey column's numbers are codes, however many there are."""
    return str(column["name"]).upper() in CODED


def is_zero_one(column: Mapping[str, Any]) -> bool:
    """Whether the only values are 0 and 1, or true and false."""
    keys = {item["value"] for item in column["top"]}
    return column["distinct"] <= 2 and bool(keys) and keys <= {"0", "1", "true", "false"}


def title(column: Column) -> str | None:
    """Return a survey column's name in plain words, or None."""
    code = str(column["name"]).upper()
    if code in BINARY_TITLES and is_zero_one(column):
        return BINARY_TITLES[code]
    return TITLES.get(code)


def words(column: Column) -> tuple[dict[str, str] | None, dict[str, Any] | None]:
    """Return the words of a survey column's codes, and a notice where they need a look."""
    code = str(column["name"]).upper()
    book = CODES.get(code)
    keys = [str(item["value"]) for item in column["top"]]
    if book is None or not keys or (code in BINARY_TITLES and is_zero_one(column)):
        return None, None
    plain = {key: key.lstrip("0") or "0" for key in keys}
    if code == "RAC1P" and "0" in plain.values() and "9" not in plain.values():
        return _race_from_zero(column["name"], keys, plain)
    if all(value == "0" for value in plain.values()) and "0" not in book:
        return None, None
    filled = [key for key in keys if plain[key] == "0" and code in BLANKS]
    unknown = [key for key in keys if plain[key] not in book and key not in filled]
    if unknown:
        shown = ", ".join(natural_sorted(unknown)[:5])
        return None, notice(
            "codes-unknown",
            f"{column['name']} holds codes that the Census code book does not have.",
            f"Not in the code book: {shown}. Its codes are shown as they are.",
            level="check",
            column=column["name"],
        )
    table = {key: book.get(plain[key], NOT_ASKED) for key in natural_sorted(keys)}
    if not filled:
        return table, None
    return table, notice(
        "zero-filled",
        f"0 in {column['name']} is not a Census code and is shown as “{NOT_ASKED}”.",
        "Blanks were probably filled with 0 where the table was made.",
        column=column["name"],
    )


def _race_from_zero(
    name: str, keys: list[str], plain: dict[str, str]
) -> tuple[dict[str, str] | None, dict[str, Any]]:
    shifted = {key: str(int(plain[key]) + 1) for key in keys if plain[key].isdigit()}
    if len(shifted) < len(keys) or any(value not in RACE for value in shifted.values()):
        return None, notice(
            "codes-unknown",
            f"{name} holds codes that the Census code book does not have.",
            "Its codes are shown as they are.",
            level="check",
            column=name,
        )
    keys = natural_sorted(keys)
    every = [f"{key} as {RACE_LONG[shifted[key]]}" for key in keys]
    low, high = keys[0], keys[-1]
    return {key: RACE[shifted[key]] for key in keys}, notice(
        "race-from-zero",
        f"{name} runs from {low} to {high}; the Census code book runs from 1 to 9.",
        f"We read {', '.join(every[:2])}, and so on up to {high}.",
        level="check",
        column=name,
        lines=every,
    )


def _year(by_code: dict[str, Column]) -> int | None:
    prefix = by_code.get("SERIALNO", {}).get("prefix")
    return int(prefix) if prefix else None


def summary(recognised: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notice that says which task was recognised."""
    year = f", {recognised['year']}" if recognised["year"] is not None else ""
    return notice(
        "recognised",
        f"This looks like {recognised['title']}{year}.",
        f"{recognised['matched']} of {counted(recognised['of'], 'column')} recognised, "
        "roles filled in. Codes are shown as words.",
    )
