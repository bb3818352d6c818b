"""Texts that hold several values: cuts of a number, names of codes."""

from __future__ import annotations

import pytest
from django import forms

from auditapp.forms.words import cuts_text, parse_cuts, parse_words, shortened, words_text


@pytest.mark.parametrize(
    "keys",
    [
        ["1", "2", "3"],
        ["k", "k = v", "x=y=z"],
        ["a", "a=b", "a = b = c"],
        ["= begins", "ends =", "<b>&amp;</b>", "👍🏽", "\u202eabc"],
    ],
)
def test_names_that_nobody_changed_leave_every_value_as_it_is(keys: list[str]) -> None:
    assert parse_words(words_text({}, keys), keys) == {key: key for key in keys}


def test_a_value_with_an_equals_sign_gets_its_own_name() -> None:
    keys = ["k", "k = v"]
    named = {"k": "Small", "k = v": "Large"}
    assert parse_words(words_text(named, keys), keys) == named


def test_a_value_with_a_line_break_stays_on_one_line() -> None:
    text = words_text({}, ["two\nlines", "one"])
    assert text == "two lines = two lines\none = one"
    assert parse_words(text, ["two\nlines", "one"])["two\nlines"] == "two lines"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("F", "does not read value = name"),
        ("F =", "does not read value = name"),
        ("= Women", "does not read value = name"),
        ("f = Women", "“f” is no value of this column"),
        ("F = People\nM = People", "both called “People”"),
    ],
)
def test_a_line_that_cannot_be_understood_is_said(text: str, words: str) -> None:
    with pytest.raises(forms.ValidationError) as caught:
        parse_words(text, ["F", "M"])
    assert words in str(caught.value)


def test_large_cuts_are_written_in_full() -> None:
    assert cuts_text([1_235_000.0, 0.125]) == "1235000, 0.125"
    assert parse_cuts("1235000; 2000000.5,") == [1_235_000.0, 2_000_000.5]


def test_a_long_text_is_shortened_to_a_size() -> None:
    assert shortened("x" * 60, 60) == "x" * 60
    assert shortened("x" * 300, 60) == "x" * 59 + "…"
