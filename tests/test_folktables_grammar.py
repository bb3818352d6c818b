"""Conditions: what they mean, where they are wrong, and that nothing of them runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditapp.folktables.grammar import DEEPEST, LONGEST, ExpressionError, parse
from auditapp.folktables.nodes import columns_of
from auditapp.folktables.truth import evaluate

NAN = float("nan")
ROWS: dict[str, list[Any]] = {
    "AGEP": [10.0, 18.0, 30.0, 35.0, NAN],
    "PINCP": [NAN, 100.0, 60_000.0, -5.0, 50_000.0],
    "WKHP": [NAN, 40.0, 0.0, 20.0, 35.0],
    "SOCP": [None, "1110XX", "291141", "1110XX", None],
}


class Rows:
    def numbers(self, name: str) -> np.ndarray:
        return np.array(ROWS[name], dtype=float)

    def texts(self, name: str) -> np.ndarray:
        return np.array([None if v != v else v for v in ROWS[name]], dtype=object)

    def blank(self, name: str) -> np.ndarray:
        return np.array([v is None for v in self.texts(name)])


def answers(text: str) -> str:
    """y, n or ? for each row."""
    truth = evaluate(parse(text), Rows())
    return "".join(
        "y" if t else "n" if k else "?" for t, k in zip(truth.true, truth.known, strict=True)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PINCP > 50000", "?nynn"),
        ("PINCP >= 50000", "?nyny"),
        ("18 < AGEP < 35", "nnyn?"),
        ("18 <= AGEP <= 35", "nyyy?"),
        ("AGEP == 18 or PINCP == 100", "?ynn?"),
        ("AGEP != 18", "ynyy?"),
        ("AGEP > 16 and PINCP > 100", "nnyn?"),
        ("not AGEP > 16", "ynnn?"),
        ("not (AGEP > 16 and PINCP > 100)", "yyny?"),
        ("AGEP in {10, 30}", "ynyn?"),
        ("AGEP not in {10, 30}", "nyny?"),
        ("PINCP in {-5}", "?nnyn"),
        ("WKHP is blank", "ynnnn"),
        ("WKHP is not blank", "nyyyy"),
        ("PINCP / WKHP > 2", "?y?ny"),
        ("(PINCP - 100) * 2 == 0", "?ynnn"),
        ("PINCP < -2 - 2", "?nnyn"),
        ("-PINCP > 0", "?nnyn"),
        ("SOCP == '1110XX'", "?yny?"),
        ('SOCP != "1110XX"', "?nyn?"),
        ('SOCP in {"291141", "x"}', "?nyn?"),
        ("`AGEP` > 16 AND (`PINCP` > 100)", "nnyn?"),
    ],
)
def test_conditions_answer_yes_no_or_unknown(text: str, expected: str) -> None:
    assert answers(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "expected", "found"),
    [
        ("", 1, "a column, a number or “(”", "the end"),
        ("PINCP", 6, "a sign such as > or ==", "the end"),
        ("PINCP >", 8, "a column, a number or “(”", "the end"),
        ("PINCP > > 5", 9, "a column, a number or “(”", "“>”"),
        ("PINCP > 50,000", 11, "and, or, or the end", "“,”"),
        ("PINCP = 5", 7, "a column, a number or a sign", "“=”"),
        ("PINCP > 5 AGEP", 11, "and, or, or the end", "“AGEP”"),
        ("PINCP > 5 and", 14, "a column, a number or “(”", "the end"),
        ("PINCP > 5 and AGEP", 19, "a sign such as > or ==", "the end"),
        ("(PINCP > 5", 11, "“)”", "the end"),
        ("PINCP > 5)", 10, "and, or, or the end", "“)”"),
        ("RAC1P in 1, 2", 10, "“{”", "“1”"),
        ("RAC1P in {1 2}", 13, "“,” or “}”", "“2”"),
        ("RAC1P in {1, 'x'}", 14, "values of one kind", "“x”"),
        ("RAC1P in {}", 11, "a number or a text between quotes", "“}”"),
        ("SOCP > 'x'", 8, "a column or a number", "“x”"),
        ("SOCP == 'x", 11, "a closing '", "the end"),
        ("5 is blank", 1, "a column", "“5”"),
        ("AGEP is 5", 9, "blank", "“5”"),
        ("1 < 2", 1, "a column", "“1”"),
        ("AGEP == 5 == 5", 11, "and, or, or the end", "“==”"),
        ("(AGEP > 5) > 3", 12, "and, or, or the end", "“>”"),
        ("AGEP + (AGEP > 5) > 3", 8, "a column or a number", "“(”"),
        ("AGEP > 5x", 8, "a number such as 50000 or 0.5", "“5x”"),
        ("AGEP > 5; drop", 9, "a column, a number or a sign", "“;”"),
        ("__import__('os')", 11, "a sign such as > or ==", "“(”"),
        ("AGEP.real > 1", 5, "a column, a number or a sign", "“.”"),
    ],
)
def test_a_wrong_condition_names_the_place_and_what_was_expected(
    text: str, position: int, expected: str, found: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert (error.position, error.expected, error.found) == (position, expected, found)
    assert error.where == f"character {position}"
    lines = error.code_block.split("\n")
    assert lines[1].index("^") == position - 1


def test_long_and_deep_conditions_are_refused() -> None:
    with pytest.raises(ExpressionError, match="500 characters"):
        parse("AGEP > 1 or " * 60 + "AGEP > 1")
    with pytest.raises(ExpressionError, match="brackets inside"):
        parse("(" * (DEEPEST + 1) + "AGEP > 1" + ")" * (DEEPEST + 1))
    assert parse("(" * DEEPEST + "AGEP > 1" + ")" * DEEPEST) == parse("AGEP > 1")
    with pytest.raises(ExpressionError, match="brackets inside"):
        parse("not " * 60 + "AGEP > 1")


def test_columns_are_listed_once_in_their_order() -> None:
    assert columns_of(parse("B > 1 and (A + B < 3 or C is blank)")) == ("B", "A", "C")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="AB19.<>=!+-*/(){},'\"` andornotisblank\n\u201c\u00e9", max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        assert 1 <= error.position <= len(text) + 1
        assert error.expected


@settings(max_examples=20, deadline=None)
@given(st.integers(LONGEST + 1, LONGEST + 50))
def test_what_is_too_long_says_so_at_its_end(n: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("A" * n)
    assert caught.value.position == LONGEST + 1
