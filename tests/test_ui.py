"""Numbers in words and the small parts of templates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.template import Context, Template

from auditapp.templatetags import ui


def render(text: str, **context: object) -> str:
    return Template("{% load ui %}" + text).render(Context(context))


@pytest.mark.parametrize(
    ("value", "words"),
    [(-0.273, "−27.3"), (0.013, "+1.3"), (0.0, "0.0"), (-0.0004, "0.0"), (None, "")],
)
def test_differences_have_signs_and_zero_has_none(value: float | None, words: str) -> None:
    assert ui.points(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(24, "24 bytes"), (18_400, "18.4 kB"), (18_400_000, "18.4 MB"), (4_200_000_000, "4.2 GB")],
)
def test_sizes_read_as_people_say_them(value: int, words: str) -> None:
    assert ui.size(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.3, "0.3 s"), (38, "38 s"), (250, "4 min 10 s"), (7300, "2 h 1 min"), (None, "")],
)
def test_time_spent_reads_as_people_say_it(value: float | None, words: str) -> None:
    assert ui.seconds(value) == words


def test_times_of_other_years_name_the_year() -> None:
    assert ui.short_time(datetime(2020, 3, 4, 5, 6, tzinfo=UTC)) == "4 Mar 2020, 05:06"


def test_counts_agree_with_their_noun() -> None:
    assert ui.plural(1, "row,rows") == "1 row"
    assert ui.plural(332900, "row,rows") == "332,900 rows"


@pytest.mark.parametrize("verdict", [*ui.VERDICTS, None, "nonsense"])
def test_a_chip_always_has_words_and_a_shape(verdict: str | None) -> None:
    text = render("{% chip verdict %}", verdict=verdict)
    known = verdict if verdict in ui.VERDICTS else "not-applicable"
    assert ui.VERDICTS[str(known)] in text
    assert "<svg" in text


def test_a_tally_shows_zeros_in_a_fixed_order() -> None:
    text = render("{% tally counts %}", counts={"difference": 27, "not_enough_data": 6})
    order = [text.index(words) for words in ("Difference found", "No difference", "Not enough")]
    assert order == sorted(order)
    assert ">0<" in text.replace("</svg>0", "</svg>>0<") or "0<span" in text


def test_a_strip_scale_holds_every_interval_and_limit() -> None:
    gaps = [
        {"value": -0.273, "low": -0.28, "high": -0.265, "tolerance": 0.05},
        {"value": 0.071, "low": -0.209, "high": 0.134, "tolerance": 0.2},
    ]
    assert ui.strip_scale(gaps) == pytest.approx((-0.3, 0.2))
    assert ui.strip_scale([]) == (-0.1, 0.1)


def test_a_strip_stays_inside_its_picture() -> None:
    gap = {"value": -0.9, "low": -2.0, "high": 3.0, "tolerance": 0.05, "verdict": "difference"}
    drawn = ui.mini_strip(gap, (-0.1, 0.1))
    assert 0 <= drawn["thin"][0] < drawn["thin"][1] <= ui.STRIP_WIDTH
    assert 0 <= drawn["x"] <= ui.STRIP_WIDTH


def test_a_strip_draws_the_thick_bar_inside_the_thin_one() -> None:
    gap = {"value": 0.0, "low": -0.05, "high": 0.05, "thick_low": -0.03, "thick_high": 0.03}
    drawn = ui.mini_strip(gap, (-0.1, 0.1))
    assert drawn["thin"][0] < drawn["thick"][0] < drawn["thick"][1] < drawn["thin"][1]


def test_a_gap_without_a_value_draws_nothing() -> None:
    assert ui.mini_strip({"value": None}, (-0.1, 0.1)) == {"shown": False}
    assert render("{% mini_strip gap scale %}", gap=None, scale=(-0.1, 0.1)).strip() == ""


def test_a_histogram_has_a_bar_for_each_count() -> None:
    assert render("{% histogram counts %}", counts=[0, 4, 2]).count("<rect") == 3
    assert render("{% histogram counts %}", counts=[0, 0]).strip() == ""


def test_a_value_is_text_and_never_markup() -> None:
    assert "<b>" not in render("{{ value|plain_number }}", value="<b>1</b>")
