"""What published audits print, beside what their own counts give."""

from __future__ import annotations

from pathlib import Path

from tests.ll144_published import compare_rates, compare_ratios, published


def test_printed_rates_are_those_of_their_counts_but_for_twelve(shared_data: Path) -> None:
    tables = published(shared_data)
    assert len(tables) == 527
    # Three were cut instead of rounded, nine do not go with the counts beside them.
    assert compare_rates(tables.values()) == {"same": 549, "other": 12}


def test_ratios_come_out_where_whole_counts_are_published(shared_data: Path) -> None:
    whole = [
        rows for rows in published(shared_data).values()
        if all(row.whole for row in rows if row.ratio is not None)
    ]  # fmt: skip
    found = compare_ratios(whole)
    assert found == {
        "same from counts": 219,
        "counts differ, printed rates agree": 76,
        "highest of the same race": 1,
        "no denominator found": 12,
    }


def test_other_ratios_are_held_against_the_printed_rates_alone(shared_data: Path) -> None:
    derived = [
        rows for rows in published(shared_data).values()
        if not all(row.whole for row in rows if row.ratio is not None)
    ]  # fmt: skip
    found = compare_ratios(derived)
    assert found.total() == 2717
    assert found == {
        "same from printed rates": 1478,
        "highest of the same sex": 132,
        "highest of the same race": 234,
        "another category as denominator": 293,
        "no denominator found": 576,
        "no rate printed": 4,
    }
