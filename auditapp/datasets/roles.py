"""Guess what a column is for, and say why. Every guess can be changed by the auditor."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from auditapp.datasets.codebooks import is_zero_one

WIDE = 40
"""Tables with more columns start with every unnamed column not used."""

WHY_WIDE = "the table has many columns"

MANY_GROUPS = 200

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_INCOME = re.compile(r"income.*(over|above|gt|more|[0-9]+_?k)|^income$")
_SPLIT = re.compile(r"[^a-z0-9]+")

SENSITIVE: dict[str, str] = {
    **dict.fromkeys(("race", "races", "racial", "ethnicity", "ethnic", "rac1p"), "race"),
    **dict.fromkeys(("hispanic", "hispan", "latino", "latina", "afam"), "race"),
    **dict.fromkeys(("black", "white", "asian", "amind", "hipac", "nonwhite"), "race"),
    **dict.fromkeys(("sex", "gender", "male", "female", "woman", "man"), "sex"),
    **dict.fromkeys(("age", "ages", "agecat", "agegroup", "ageband"), "age"),
    **dict.fromkeys(("agegte62", "agelt62"), "age"),
    **dict.fromkeys(("marital", "married"), "marital status"),
    **dict.fromkeys(("disability", "disabled", "disabilities"), "disability"),
    **dict.fromkeys(("religion", "religious", "faith"), "religion"),
    **dict.fromkeys(("nationality", "citizenship", "immigrant"), "origin"),
    **dict.fromkeys(("pregnant", "pregnancy"), "pregnancy"),
    **dict.fromkeys(("veteran",), "veteran status"),
}
_LABELS = (
    "two_year_recid",
    "label",
    "label_value",
    "target",
    "y",
    "y_true",
    "ground_truth",
    "outcome",
    "approved",
    "approve",
    "hired",
    "promoted",
    "admitted",
    "pass_bar",
    "class",
    "default",
    "deny",
    "repaid",
    "high_priced",
    "readmitted",
    "recid",
)
_LABEL_WORDS = frozenset({"label", "target", "outcome", "approved", "hired", "default"})
_DECISIONS = frozenset(
    {"decision", "prediction", "predicted", "pred", "preds", "yhat", "selected", "recommendation"}
)
_SCORES = frozenset({"score", "probability", "proba", "prob", "likelihood", "risk"})
_WEIGHTS = frozenset({"pwgtp", "wgtp", "fnlwgt", "weights", "sample_weight", "perwt", "finalwt"})
_ROW_NUMBERS = frozenset(
    {"index", "rownames", "row_id", "rowid", "row", "unnamed_0", "row_number", "rownum"}
)
_UNITS = frozenset({"serialno", "household_id", "hhid", "person_id", "subject_id", "patient_id"})
_PEOPLE = frozenset(
    {"name", "names", "first", "last", "surname", "firstname", "lastname", "fullname"}
    | {"first_name", "last_name", "full_name", "middle_name", "family_name", "given_name"}
)
_PEOPLE_WORDS = frozenset({"email", "phone", "dob", "birth", "birthdate", "ssn", "passport"})
_NOT_PEOPLE = frozenset({"average", "mean", "avg", "collar", "credit", "loan", "account", "car"})

Column = Mapping[str, Any]
Guess = tuple[str, str]


def tokens(name: str) -> list[str]:
    """Return a column name's words in lower case: ``IncomeOver50K`` gives income, over50, k."""
    return [part for part in _SPLIT.split(_CAMEL.sub("_", name).lower()) if part]


def slug(name: str) -> str:
    """Return a column name in lower case with words joined by underscores."""
    return "_".join(tokens(name))


def topic(column: Column) -> str | None:
    """Return which sensitive matter a column's name speaks of, or None."""
    words = tokens(str(column["name"]))
    if _NOT_PEOPLE & set(words) or any(word.startswith(("pct", "per")) for word in words):
        return None
    found = [SENSITIVE[word] for word in [*words, "".join(words)] if word in SENSITIVE]
    if not found or (column["kind"] == "numeric" and found[0] != "age"):
        return None
    return found[0]


def is_personal(column: Column) -> bool:
    """Whether a column seems to hold names, birth dates or contact details of people."""
    words = set(tokens(str(column["name"])))
    named = slug(str(column["name"])) in _PEOPLE or bool(words & _PEOPLE_WORDS)
    return named and (
        column["kind"] in {"identifier", "text"}
        or (column["type"] in {"text", "date"} and column["distinct"] > MANY_GROUPS)
    )


def guess_all(
    columns: Sequence[Column], recognised: Mapping[str, Any] | None, *, header: bool
) -> list[Guess]:
    """Return (role, why) for every column, in order."""
    guesses = [_one(column, header=header) for column in columns]
    if recognised is not None:
        return [_task(c, g, recognised) for c, g in zip(columns, guesses, strict=True)]
    label = _best_label(columns, guesses, header=header)
    if label is not None:
        guesses[label[0]] = ("label", label[1])
    _keep_first(columns, guesses, "score", _score_rank)
    _keep_first(columns, guesses, "decision", lambda column: 0)
    usable = {"binary", "categorical", "numeric"}
    for i, column in enumerate(columns):
        if not guesses[i][0] and column["kind"] in usable and len(columns) <= WIDE:
            guesses[i] = ("feature", "no other role suggests itself")
        elif not guesses[i][0]:
            guesses[i] = ("unused", _why_unused(column))
    return guesses


def _one(column: Column, *, header: bool) -> Guess:
    """Return the role that a column's name and kind suggest by themselves, or an empty one."""
    name, kind = slug(str(column["name"])), column["kind"]
    words = set(tokens(str(column["name"])))
    if kind in {"empty", "constant"} and not words & (_SCORES | _DECISIONS):
        return "unused", _why_unused(column)
    if name in _WEIGHTS:
        return "weight", "its name is that of a survey weight"
    unnamed = header and not column["was"] and column["min"] in {0, 1} and kind != "binary"
    if name in _ROW_NUMBERS or unnamed:
        return "unused", "it numbers the rows"
    if is_personal(column):
        return "unused", "it seems to name people"
    if kind == "identifier" or name in _UNITS:
        return "identifier", "nearly every row has its own value"
    if kind == "text":
        return "unused", "it holds free text or too many values for groups"
    numeric = column["type"] in {"integer", "number"}
    if words & _DECISIONS and (kind == "binary" or is_zero_one(column)):
        return "decision", "its name speaks of a decision and it has two values"
    if words & _SCORES and is_zero_one(column):
        return "decision", "it is called a score and holds only 0 and 1"
    if words & _SCORES and numeric:
        return "score", "its name speaks of a score"
    if words & _DECISIONS and numeric and _score_rank(column) == 0:
        return "score", "its name speaks of a prediction and it lies between 0 and 1"
    about = topic(column)
    if about is not None:
        return "sensitive", f"its name speaks of {about}"
    return "", ""


def _task(column: Column, guess: Guess, recognised: Mapping[str, Any]) -> Guess:
    task = recognised["task"]
    if column["name"] == recognised["target"]:
        return "label", f"it is the target of {task}"
    if str(column["name"]).upper() in {"RAC1P", "SEX"}:
        return "sensitive", f"{task} compares groups by it"
    if column["name"] in recognised["features"]:
        return "feature", f"it is a feature of {task}"
    if guess[0] in {"weight", "identifier", "unused", "score", "decision"}:
        return guess
    return "unused", f"it is not part of {task}"


def _best_label(
    columns: Sequence[Column], guesses: Sequence[Guess], *, header: bool
) -> tuple[int, str] | None:
    free = [i for i, guess in enumerate(guesses) if guess[0] in {"", "feature"}]
    two = [i for i in free if columns[i]["kind"] == "binary" or is_zero_one(columns[i])]
    named = {slug(str(columns[i]["name"])): i for i in reversed(two)}
    for name in _LABELS:
        if name in named:
            return named[name], "its name speaks of an outcome and it has two values"
    for i in two:
        words = set(tokens(str(columns[i]["name"])))
        if words & _LABEL_WORDS:
            return i, "its name speaks of an outcome and it has two values"
    for i in two:
        if _INCOME.search(slug(str(columns[i]["name"]))):
            return i, "it says whether income is above a limit"
    last = len(columns) - 1
    few = columns[last]["kind"] in {"binary", "categorical"} and columns[last]["distinct"] <= 10
    if not header and last in free and few:
        return last, "it is the last column of a table without names"
    return None


def _keep_first(
    columns: Sequence[Column],
    guesses: list[Guess],
    role: str,
    rank: Callable[[Column], int],
) -> None:
    found = [i for i, guess in enumerate(guesses) if guess[0] == role]
    for i in sorted(found, key=lambda i: (rank(columns[i]), i))[1:]:
        guesses[i] = ("unused", f"another column looks more like the {role}")


def _score_rank(column: Column) -> int:
    """Prefer scores between 0 and 1, then plain names."""
    inside = column["min"] is not None and column["min"] >= 0 and column["max"] <= 1
    return 0 if inside else 1


def _why_unused(column: Column) -> str:
    if column["kind"] == "empty":
        return "it has no values"
    if column["kind"] == "constant":
        return "it has one value"
    if column["kind"] == "text":
        return "it holds free text or too many values for groups"
    return WHY_WIDE
