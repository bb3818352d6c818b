"""What a report says to those who see no colours, or other ones: WCAG 1.4.1, in every chart."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from auditapp.reports import charts
from auditapp.reports.charts.config import (
    REFERENCE_SERIES,
    SERIES,
    STATUSES,
    SURFACE,
    VERDICTS,
)
from auditapp.reports.numbers import MINUS
from tests.chart_samples import SAMPLES

VARIANTS = ("wide", "narrow", "print")
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\b|#[0-9A-Fa-f]{3}\b|rgba?\([^)]*\)")
WITH_VERDICTS = ("gap-strip", "hidden-gaps")
NORMAL = np.eye(3)
#: Linear RGB as somebody without green cones sees it (Machado, Oliveira and Fernandes 2009).
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)


def _linear(colour: str) -> np.ndarray:
    part = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def _luminance(colour: str, seen: np.ndarray) -> float:
    return float(np.clip(seen @ _linear(colour), 0, 1) @ (0.2126, 0.7152, 0.0722))


def _contrast(one: str, other: str, seen: np.ndarray) -> float:
    low, high = sorted((_luminance(one, seen), _luminance(other, seen)))
    return (high + 0.05) / (low + 0.05)


def _shapes(chart: dict[str, Any], variant: str) -> str:
    """The drawing without a single colour."""
    return COLOUR.sub("#", charts.draw(chart, variant))


def _with(chart: dict[str, Any], verdict: str) -> dict[str, Any]:
    """The same numbers, with another verdict in the first row."""
    changed = copy.deepcopy(chart)
    changed["rows"][0]["verdict"] = verdict
    return changed


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", WITH_VERDICTS)
def test_a_verdict_is_told_by_shape_where_no_colour_is_seen(kind: str, variant: str) -> None:
    drawn = {v: _shapes(_with(SAMPLES[kind](), v), variant) for v in VERDICTS}
    for one, other in combinations(drawn, 2):
        assert drawn[one] != drawn[other], (one, other)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_reference_and_groups_below_the_floor_have_shapes_of_their_own(variant: str) -> None:
    drawn = set()
    for status in STATUSES:
        chart = copy.deepcopy(SAMPLES["rates"]())
        for panel in chart["panels"]:
            panel["rows"][1]["status"] = status
        drawn.add(_shapes(chart, variant))
    assert len(drawn) == len(STATUSES)


@pytest.mark.parametrize("seen", [NORMAL, DEUTERANOPIA], ids=["luminance", "deuteranopia"])
def test_marks_and_labels_keep_their_contrast(seen: np.ndarray) -> None:
    for look in (*VERDICTS.values(), *STATUSES.values()):
        assert _contrast(look.line, SURFACE, seen) >= 3
    for series in (REFERENCE_SERIES, *SERIES):
        # Purple keeps 2.86 without green cones; every line is named at its end besides.
        assert _contrast(series.line, SURFACE, seen) >= (3 if seen is NORMAL else 2.8)
        assert _contrast(series.text, SURFACE, seen) >= 4.5


def test_every_line_has_its_own_dashes() -> None:
    dashes = [series.dash for series in (REFERENCE_SERIES, *SERIES)]
    assert len(set(dashes)) == len(dashes)


def _cells(chart: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (cell for cell in chart["cells"] if cell["status"] == "shown")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_coloured_cell_prints_its_number_with_a_sign(variant: str) -> None:
    """Both ends of the scale look alike in grey."""
    chart = SAMPLES["intersection-grid"]()
    text = re.findall(r"<text[^>]*>([^<]*)</text>", charts.draw(chart, variant))
    signed = [t for t in text if re.fullmatch(rf"(\+|{MINUS})\d+(\.\d)?|0(\.0)?", t)]
    assert len(signed) >= len(list(_cells(chart)))
