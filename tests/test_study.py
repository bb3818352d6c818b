"""Searches that several processes share, any of which may be killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auditapp import embedded
from mitigations.fairtune import offers, storages
from mitigations.fairtune import study as studies
from mitigations.fairtune.study import Ask, Gone, Study
from tests import study_work
from tests.study_work import ANCHORS, EPOCHS, NAME, REQUESTED, SPACE, objective, study

ROOT = Path(__file__).resolve().parent.parent
Json = dict[str, Any]


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Redis that comes with the installation, alone on a socket."""
    folder = tmp_path_factory.mktemp("r")
    socket = folder / "s"
    server = subprocess.Popen(
        [embedded.redis_binary(), "--port", "0", "--unixsocket", str(socket), "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    _until(socket.exists)
    yield f"unix://{socket}?db=0"
    server.terminate()
    server.wait()


@pytest.fixture(params=["redis", "journal", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        base = request.getfixturevalue("redis_url")
        return f"{base}#{tmp_path.name}"
    return f"{request.param}://{'/' if request.param == 'sqlite' else ''}{tmp_path}/trials"


def _until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come true")


def _process(url: str, folder: Path, role: str, pause: float = 0.02) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.study_work", url, str(folder), role, str(pause)], cwd=ROOT
    )


def _begun(folder: Path) -> list[Json]:
    path = folder / "begun.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _is_whole(found: Study) -> None:
    """As many trials as requested, each slot once, and no number twice."""
    results = found.results()
    done = [r for r in results if r.state in ("complete", "pruned")]
    assert sorted(r.slot for r in done) == list(range(REQUESTED))
    assert [r.number for r in results] == list(range(len(results)))
    assert all(r.state != "running" and r.state != "waiting" for r in results)


def test_every_storage_holds_the_same_search(url: str, tmp_path: Path) -> None:
    alone, kept = study(None), study(url)
    for found in (alone, kept):
        assert found.run_until_done(objective(tmp_path, pause=0.0)) == REQUESTED
    first, second = alone.results(), kept.results()
    assert [(r.params, r.value, r.state) for r in first] == [
        (r.params, r.value, r.state) for r in second
    ]
    _is_whole(kept)


def test_anchors_come_first_and_the_best_is_no_worse(tmp_path: Path) -> None:
    found = study(None)
    found.run_until_done(objective(tmp_path, pause=0.0))
    results = found.results()
    assert [r.anchor for r in results[:3]] == [*ANCHORS, None]
    assert [r.params for r in results[:2]] == list(ANCHORS.values())
    assert all(r.state == "complete" and len(r.history) == EPOCHS for r in results[:2])
    best = found.best()
    assert best is not None
    assert best.value is not None
    assert best.value >= max(r.value for r in results[:2] if r.value is not None)


def test_cutting_short_saves_epochs_and_keeps_the_winner(tmp_path: Path) -> None:
    whole = Study(None, NAME, "maximize", ANCHORS, SPACE, 30, 3, prune=False)
    short = Study(None, NAME, "maximize", ANCHORS, SPACE, 30, 3)
    for found in (whole, short):
        found.run_until_done(objective(tmp_path, pause=0.0))
    spent = [sum(len(r.history) for r in found.results()) for found in (whole, short)]
    values = [best.value for found in (whole, short) if (best := found.best()) is not None]
    assert spent[0] == 30 * EPOCHS
    assert spent[1] < 0.7 * spent[0]
    assert all(value is not None and value > 0.8 for value in values)


def test_a_value_that_is_no_number_counts_as_cut_short() -> None:
    found = Study(None, NAME, "minimize", {}, SPACE, 3, 0)
    assert found.run_until_done(lambda ask: float("nan") if ask.slot else 1.0) == 3
    assert [r.state for r in found.results()] == ["complete", "pruned", "pruned"]


def test_an_error_ends_the_search_and_its_trial_is_done_again_later(url: str) -> None:
    def broken(ask: Ask) -> float:
        if ask.slot == 3:
            raise RuntimeError("no memory")
        return 1.0

    with pytest.raises(RuntimeError, match="no memory"):
        study(url).run_until_done(broken)
    again = study(url)
    again.run_until_done(lambda ask: float(ask.seed))
    _is_whole(again)
    first, second = (r for r in again.results() if r.slot == 3)
    assert first.state == "failed"
    assert second.params == first.params
    assert again.done == REQUESTED


def test_other_settings_do_not_continue_a_search(url: str) -> None:
    study(url)
    with pytest.raises(ValueError, match="other settings"):
        study(url, requested=REQUESTED + 1)


def test_several_processes_do_each_trial_once(url: str, tmp_path: Path) -> None:
    study(url)
    helpers = [_process(url, tmp_path, "help") for _ in range(2)]
    _until(lambda: len(list(tmp_path.glob("help-*"))) == 2)
    study(url).run_until_done(objective(tmp_path))
    assert [helper.wait(20) for helper in helpers] == [0, 0]
    begun = _begun(tmp_path)
    assert sorted(line["slot"] for line in begun) == list(range(REQUESTED))
    assert len({line["pid"] for line in begun}) >= 2
    _is_whole(study(url))


def test_a_killed_helper_costs_no_trial(url: str, tmp_path: Path) -> None:
    study(url)
    helper = _process(url, tmp_path, "help", pause=5.0)
    _until(lambda: bool(_begun(tmp_path)))
    helper.send_signal(signal.SIGKILL)
    helper.wait()
    found = study(url)
    found.run_until_done(objective(tmp_path))
    _is_whole(found)
    lost, again = (line for line in _begun(tmp_path) if line["slot"] == 0)
    assert (lost["params"], lost["seed"]) == (again["params"], again["seed"])
    assert lost["number"] != again["number"]


def test_what_ended_a_helper_is_left_to_the_coordinator(tmp_path: Path) -> None:
    url = f"journal://{tmp_path}/trials"
    study(url)
    (tmp_path / "die-0").touch()
    assert _process(url, tmp_path, "help").wait(30) == -signal.SIGKILL
    study(url)
    assert _process(url, tmp_path, "help").wait(30) == 0
    assert [line["slot"] for line in _begun(tmp_path)].count(0) == 1
    (tmp_path / "die-0").unlink()
    found = study(url)
    assert found.run_until_done(objective(tmp_path, pause=0.0)) == 1
    _is_whole(found)


def test_a_killed_coordinator_goes_on_where_it_was(url: str, tmp_path: Path) -> None:
    (tmp_path / "die-5").touch()
    assert _process(url, tmp_path, "coordinate").wait(30) == -signal.SIGKILL
    (tmp_path / "die-5").unlink()
    found = study(url)
    assert found.done == 5
    assert found.run_until_done(objective(tmp_path, pause=0.0)) == REQUESTED - 5
    _is_whole(found)
    alone = study(None)
    alone.run_until_done(objective(tmp_path, pause=0.0))
    kept = {r.slot: r for r in found.results() if r.state != "failed"}
    assert all(kept[r.slot].params == r.params for r in alone.results()[:6])


def test_a_trial_that_ends_every_process_is_given_up(tmp_path: Path) -> None:
    url = f"journal://{tmp_path}/trials"
    (tmp_path / "die-2").touch()
    for _ in range(studies.MOST_LOST):
        assert _process(url, tmp_path, "coordinate").wait(30) == -signal.SIGKILL
    found = study(url)
    found.run_until_done(objective(tmp_path, pause=0.0))
    _is_whole(found)


def test_a_silent_process_is_taken_over_and_its_late_word_does_not_count(tmp_path: Path) -> None:
    url = f"journal://{tmp_path}/trials"
    study(url)
    helper = _process(url, tmp_path, "help", pause=0.4)
    _until(lambda: bool(_begun(tmp_path)))
    helper.send_signal(signal.SIGSTOP)
    found = study(url, patience=1.0)
    found.run_until_done(objective(tmp_path, pause=0.0))
    _is_whole(found)
    before = [(r.number, r.state, r.value) for r in found.results()]
    helper.send_signal(signal.SIGCONT)
    assert helper.wait(30) == 0
    assert [(r.number, r.state, r.value) for r in study(url).results()] == before


def test_a_trial_taken_over_tells_its_holder_at_the_next_epoch(tmp_path: Path) -> None:
    found = study(f"journal://{tmp_path}/trials")
    other = study(f"journal://{tmp_path}/trials")

    def slow(ask: Ask) -> float:
        if ask.number == 0:
            other._end(0, "lost")
            with pytest.raises(Gone):
                ask.report(1, 0.0)
            raise Gone
        return 0.0

    found.run_until_done(slow)
    _is_whole(found)


def test_helpers_join_what_is_offered(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "_TARGET", re.compile(r"tests\.study_work:objective"))
    url = f"{redis_url}#offered"
    root = tmp_path / "work"
    folder = offers.prepared(root, "problem", lambda part: (part / "x.json").write_text("{}"))
    done: list[int] = []

    def tick(*_: Any) -> None:
        if not done and study_work.REQUESTED:
            helped = offers.help_out(
                root, url, device="cpu", tick=lambda *_: None, idle=0.1,
                leave=lambda: len(_begun(folder)) >= 3,
            )  # fmt: skip
            done.append(helped)

    target = "tests.study_work:objective"
    mine = offers.run(study(url), target, folder, root=root, device="cpu", tick=tick)
    assert done == [3]
    assert mine == REQUESTED - 3
    assert not list((root / offers.OFFERS).glob("*"))
    assert offers.help_out(root, url, device="cpu", tick=lambda *_: None, idle=0.1) == 0
    storages.drop(url)
    with pytest.raises(KeyError):
        Study.join(url, NAME)


def test_only_functions_of_our_own_make_objectives(tmp_path: Path) -> None:
    for target in ("os:system", "mitigations.x", "auditapp.tasks:sweep", "mitigations..x:y"):
        with pytest.raises(ValueError, match="no function"):
            offers.objective_of(target, tmp_path, "cpu", lambda *_: None)


def test_a_problem_is_prepared_whole_or_not_at_all(tmp_path: Path) -> None:
    import numpy as np

    def broken(part: Path) -> None:
        (part / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        offers.prepared(tmp_path, "p", broken)
    assert list(tmp_path.iterdir()) == []
    arrays = {"x": np.arange(6.0).reshape(2, 3), "y": np.array([0, 1], np.int8)}
    made = offers.prepared(tmp_path, "p", lambda part: offers.write_arrays(part, arrays))
    again = offers.prepared(tmp_path, "p", broken)
    assert again == made
    found = offers.read_arrays(made)
    assert all(isinstance(found[k], np.memmap) and (found[k] == arrays[k]).all() for k in arrays)
    assert not os.access(made / "x.npy", os.X_OK)
