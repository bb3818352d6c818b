"""A year of runs: a change is dated, chance is not taken for one, small groups raise nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from benchmarks.changes import Jump, Year, alarms, draw, maxima, raised, runs, shares
from metrics import change_scan
from metrics.cells import Counts
from metrics.change_levels import critical
from metrics.change_tables import OTHERS, RunTables, align, new_rows, vanished, without_small
from metrics.count import CountSet, count
from metrics.groups import Attribute
from tests.documents import sound

YEAR = Year()
SELECTION = ("selection-rate",)
#: Verdicts.md section 7 item 8: of 200 schedules without a change at most 16 may alarm.
SCHEDULES, MOST = 200, 16


def scanned(drawn: list[dict[str, Counts]], **options: object) -> dict[str, object]:
    options = {"metrics": SELECTION, "looks": 12, **options}
    return sound(change_scan.scan(drawn, YEAR.levels, **options))  # type: ignore[arg-type]


def stream(found: dict[str, object], group: dict[str, str]) -> dict[str, object]:
    return next(s for s in found["streams"] if s["group"] == group)  # type: ignore[attr-defined]


def table(x: int, n: int) -> Counts:
    """Two groups alike: x of n chosen in the first, half of 1,000 in the second."""
    out = np.zeros((3, 3, 4), dtype=np.int64)
    out[1, 0, 1:3], out[2, 0, 1:3] = (n - x, x), (500, 500)
    return out


# --- the year --------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [5_000, 20_000, 100_000])
def test_years_without_a_change_rarely_alarm(rows: int) -> None:
    found = alarms(Year(rows=rows), SCHEDULES, seed=rows)
    assert sum(at is not None for at in found) <= MOST


@pytest.mark.parametrize("at", [2, 4, 7, 10])
@pytest.mark.parametrize("group", [None, ("sex", 1)])
def test_a_jump_of_five_points_is_raised_within_two_runs(
    at: int, group: tuple[str, int] | None
) -> None:
    jump = Jump(at, group=group)
    assert raised(alarms(Year(jump=jump), 60, seed=at), jump) >= 0.9


@pytest.mark.parametrize("at", [2, 7])
def test_a_jump_in_a_group_of_4500_rows_is_raised_within_two_runs(at: int) -> None:
    cells = shares()
    rows = int(4_500 / cells[1].sum())
    jump = Jump(at, group=("race", 1))
    assert raised(alarms(Year(rows=rows, jump=jump), 100, seed=at), jump) >= 0.9


def test_the_change_is_dated_and_measured() -> None:
    year = Year(jump=Jump(6, points=0.08, group=("sex", 1)))
    drawn = runs(np.random.default_rng(3), shares(), year)
    women = stream(scanned(drawn), {"sex": "women"})
    assert women["changed"] is True
    assert women["start"] == 5
    assert women["low"] < 0.08 < women["high"]
    assert women["change"] == pytest.approx(women["after"]["value"] - women["before"]["value"])


def test_the_interval_and_the_alarm_agree() -> None:
    rng = np.random.default_rng(5)
    for seed in range(30):
        jump = Jump(3, points=0.02 + 0.001 * seed)
        for s in scanned(runs(rng, shares(), Year(runs=5, jump=jump)))["streams"]:  # type: ignore[attr-defined]
            if s["changed"] is not None:
                assert s["changed"] == (s["low"] > 0 or s["high"] < 0)


# --- what is followed ------------------------------------------------------------------------


def test_two_groups_are_one_stream_and_absent_ones_none() -> None:
    first = draw(np.random.default_rng(0), shares(), 20_000)
    first["race"][4:] = 0
    wanted = change_scan.streams(first, YEAR.levels, SELECTION)
    assert [(s.by, s.group) for s in wanted] == [
        (None, None), ("race", 0), ("race", 1), ("race", 2), ("sex", 1),
    ]  # fmt: skip


def test_the_number_of_streams_does_not_follow_later_runs() -> None:
    drawn = runs(np.random.default_rng(0), shares(), Year(runs=4))
    before = scanned(drawn[:2])
    drawn[3]["race"][3:] = 0
    assert scanned(drawn)["k"] == before["k"] == 11


def test_a_first_run_is_compared_with_nothing() -> None:
    found = scanned(runs(np.random.default_rng(0), shares(), Year(runs=1)))
    assert found["undefined"] == "first-run"
    assert {s["changed"] for s in found["streams"]} == {None}  # type: ignore[attr-defined]


def test_a_group_below_the_floor_on_one_side_of_every_split_has_a_reason() -> None:
    small = {"who": table(10, 20)}
    found = change_scan.scan(
        [small, {"who": table(200, 400)}], {"who": ("a", "b")}, metrics=SELECTION, looks=12
    )
    assert found["streams"][1]["reason"] == "below-floor"
    assert found["streams"][0]["changed"] is not None


def test_a_few_people_all_decided_alike_are_no_proof() -> None:
    before, after = {"who": table(300, 900)}, {"who": table(2, 30)}
    found = change_scan.scan([before, after], {"who": ("a", "b")}, metrics=SELECTION, looks=12)
    gap = found["streams"][1]
    assert abs(gap["z"]) < 3  # the separate variances alone would say 4.6


@pytest.mark.parametrize("rows", [300, 1_000])
def test_nightly_runs_of_few_people_rarely_alarm(rows: int) -> None:
    cells, rng, hits = shares(), np.random.default_rng(rows), 0
    for _ in range(40):
        drawn = runs(rng, cells, Year(rows=rows, runs=60))
        looks = (scanned(drawn[:t], looks=366) for t in range(2, 61, 3))
        hits += any(s["changed"] for found in looks for s in found["streams"])  # type: ignore[attr-defined]
    assert hits <= 5


# --- critical values -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "k", "value"),
    [
        (12, 1, 3.16), (12, 5, 3.65), (12, 11, 3.86), (12, 20, 4.01), (12, 30, 4.11),
        (12, 60, 4.27), (24, 1, 3.45), (24, 5, 3.91), (24, 11, 4.11), (24, 30, 4.36),
        (52, 1, 3.73), (52, 5, 4.19), (52, 11, 4.38), (52, 60, 4.78),
    ],
)  # fmt: skip
def test_critical_values_are_those_published(looks: int, k: int, value: float) -> None:
    assert critical(k, looks, 0.04) == pytest.approx(value, abs=0.04)


def test_two_looks_are_one_test() -> None:
    assert critical(10, 2, 0.04) == pytest.approx(-ndtri(0.002), abs=0.02)


def test_critical_values_grow_with_streams_and_looks() -> None:
    values = [critical(k, t, 0.04) for t in (2, 5, 9, 40, 100, 366, 3_000) for k in (1, 7, 400)]
    assert values == [v for t in range(0, 21, 3) for v in sorted(values[t : t + 3])]
    assert values[::3] == sorted(values[::3])


@pytest.mark.parametrize("weights", ["equal", "pooled", "growing", "uneven"])
def test_runs_of_unequal_size_keep_the_level(weights: str) -> None:
    looks = 12
    size = {
        "equal": np.ones(12), "pooled": np.r_[12.0, np.ones(12)],
        "growing": 1.4 ** np.arange(12), "uneven": np.tile([1.0, 0.1], 6),
    }[weights]  # fmt: skip
    level = critical(5, looks + change_scan.POOLED_LOOKS * (weights == "pooled"), 0.04)
    found = maxima(np.random.default_rng(1), 50_000, (len(size),), size)[len(size)]
    assert np.mean(found > level) < 0.0095


def test_what_has_no_critical_value_is_refused() -> None:
    for bad in ((0, 12, 0.04), (5, 1, 0.04), (5, 12, 0.5)):
        with pytest.raises(ValueError, match="no critical value"):
            critical(*bad)


# --- history for reading ---------------------------------------------------------------------


def test_a_history_has_every_run_with_its_changes() -> None:
    drawn = runs(np.random.default_rng(0), shares(), Year(runs=3, jump=Jump(3)))
    lines = change_scan.history(drawn, YEAR.levels, metrics=SELECTION)
    assert len(lines) == 11
    points = lines[0]["points"]
    assert points[0]["since_previous"] is None
    assert points[0]["since_first"] is None
    assert points[2]["since_previous"]["low"] < 0.05 < points[2]["since_previous"]["high"]
    assert points[2]["low"] < points[2]["value"] < points[2]["high"]
    sound({"lines": lines})


def test_a_run_without_the_group_is_a_hole_in_its_line() -> None:
    drawn = runs(np.random.default_rng(0), shares(), Year(runs=3))
    drawn[1]["race"][2] = 0
    line = change_scan.history(drawn, YEAR.levels, metrics=SELECTION)[2]
    assert line["group"] == {"race": "race 1"}
    assert line["points"][1] is None
    assert line["points"][2]["since_previous"] is None
    assert line["points"][2]["since_first"] is not None


# --- tables ----------------------------------------------------------------------------------


def run_tables(words: tuple[str, ...], n: list[int]) -> RunTables:
    counts = np.zeros((len(words) + 1, 3, 4), dtype=np.int64)
    counts[1:, 0, 1] = n
    return RunTables({"who": words}, {"who": counts})


def test_tables_come_out_of_a_count_set_as_they_went_in(tmp_path: object) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(-1, 3, 500)
    label, decision = rng.integers(-1, 2, 500), rng.integers(-1, 3, 500)
    attribute = Attribute("who", ("a", "b", "c"), codes)
    path = tmp_path / "counts.npz"  # type: ignore[operator]
    count([attribute], label=label, decision=decision, intersections=1).save(path)
    found = RunTables.of(CountSet.load(path), {"who": ("a", "b", "c")})
    for code in range(-1, 3):
        for y in range(-1, 2):
            here = (codes == code) & (label == y)
            assert found.tables["who"][code + 1, y + 1].sum() == here.sum()
    assert found.n == 500


def test_words_and_codes_must_fit() -> None:
    attribute = Attribute("who", ("a", "b"), np.array([0, 1]))
    with pytest.raises(ValueError, match="2 groups"):
        RunTables.of(count([attribute], intersections=1), {"who": ("a",)})


def test_groups_are_aligned_by_their_words() -> None:
    one, two = align([run_tables(("a", "b"), [1, 2]), run_tables(("b", "c"), [20, 30])])
    assert one.levels == two.levels == {"who": ("a", "b", "c")}
    assert one.tables["who"].sum(axis=(1, 2)).tolist() == [0, 1, 2, 0]
    assert two.tables["who"].sum(axis=(1, 2)).tolist() == [0, 0, 20, 30]
    assert (one + two).n == 53


def test_other_attributes_cannot_be_aligned() -> None:
    other = RunTables({"age": ("x",)}, {"age": np.zeros((2, 3, 4), dtype=np.int64)})
    with pytest.raises(ValueError, match="different attributes"):
        align([run_tables(("a",), [1]), other])


def test_new_rows_are_what_was_added() -> None:
    gained = new_rows(run_tables(("a", "b"), [5, 5]), run_tables(("a", "b", "c"), [7, 5, 9]))
    assert gained is not None
    assert gained.tables["who"].sum(axis=(1, 2)).tolist() == [0, 2, 0, 9]


def test_a_past_that_was_rewritten_is_no_growth() -> None:
    assert new_rows(run_tables(("a", "b"), [5, 5]), run_tables(("a", "b"), [4, 50])) is None


def test_a_group_that_is_gone_is_named_and_a_rare_one_is_not() -> None:
    before = run_tables(("a", "b", "c"), [9_000, 900, 60])
    now = run_tables(("a", "b", "c"), [1_000, 0, 0])
    found = vanished(before, now)
    assert [item["group"] for item in found] == [{"who": "b"}]
    assert found[0]["expected"] == pytest.approx(900 * 1_000 / 9_960)


def test_small_groups_are_tested_together() -> None:
    before = run_tables(("a", "b", "c", "d"), [1_000, 13, 12, 0])
    now = run_tables(("a", "b", "c", "d"), [990, 15, 12, 0])
    one, two = without_small(before, now)
    assert one.levels == two.levels == {"who": ("a", OTHERS)}
    assert one.tables["who"].sum(axis=(1, 2)).tolist() == [0, 1_000, 25]
    assert two.n == now.n
