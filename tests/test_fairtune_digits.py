"""Acceptance checks 5 and 7 of fairtune.md section 9, on the digits of its section 5.

Three draws of the task; every draw is searched once with the pruner, the first once without.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitigations.contract import Context, Part
from mitigations.fairtune import images, trial, work
from mitigations.fairtune.objective import Objective
from mitigations.fairtune.progress import Progress
from mitigations.fairtune.search import Arm, Budget, Found, Searcher
from mitigations.fairtune.threads import one_thread
from tests import digits_fixture

pytestmark = pytest.mark.slow

DRAWS = (0, 1, 2)
EPOCHS = 10
BUDGET = Budget(trials=18, top=2, again=2, final=2)
SEARCHED = Arm("searched", "Searched parts")
PROBE = Arm("probe", "Head only", frozenset())
OPTIONS: dict[str, Any] = {
    "objective": {"kind": "auc", "codes": [0, 1]}, "epochs": EPOCHS, "batch": 32, "decay": 0.01,
    "frozen": "eval", "free": False, "biases": True, "rates": [5e-4, 3e-3, 1e-2],
    "cache": True, "threads": 1,
}  # fmt: skip


def side(part: Part) -> dict[str, Any]:
    assert part.y is not None
    return {
        "y": part.y.astype(np.int64),
        "group": part.group.astype(np.int64),
        "pictures": part.blobs["image"],
    }


def searched(draw: int, folder: Path, arm: Arm, budget: Budget, *, prune: bool = True) -> Found:
    data = digits_fixture.digits(draw)
    if not (folder / work.DATA).exists():
        (folder / work.DATA).mkdir(parents=True)
        sides = {"train": side(data.train), "valid": side(data.valid)}
        work.save(folder / work.DATA, digits_fixture.pretrained(), sides, OPTIONS)
    masks = work.load(folder / work.DATA, "cpu").masks
    searcher = Searcher(
        folder=folder, masks=masks, budget=budget, seed=draw, name="digits", device="cpu",
        progress=Progress(Context(), budget.trainings, 1.0), prune=prune,
    )  # fmt: skip
    return searcher.run(arm)


def on_test(draw: int, found: Found) -> float:
    """Lowest AUC of a group on test rows, mean over the fresh seeds."""
    part = digits_fixture.digits(draw).test
    assert part.y is not None
    lowest = Objective("auc", part.y.astype(np.int64), part.group.astype(np.int64), (0, 1))
    start = digits_fixture.pretrained()
    pictures = images.inputs(part)
    scores = [trial.scores(start.with_arrays(f.arrays), pictures) for f in found.finals]
    return float(np.mean([lowest(score) for score in scores]))


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Found]:
    out = {}
    with one_thread():
        for draw in DRAWS:
            folder = tmp_path_factory.mktemp(f"digits-{draw}")
            out[draw] = searched(draw, folder, SEARCHED, BUDGET)
            work.forget()
    return out


def epochs(found: Found) -> int:
    return sum(int(result.notes["epochs"]) for result in found.trials)


def test_the_search_beats_the_linear_probe_on_fresh_seeds(
    pruned: dict[int, Found], tmp_path: Path
) -> None:
    gains = []
    with one_thread():
        for draw, found in pruned.items():
            assert len(found.finals) == BUDGET.final
            assert not {f.seed for f in found.finals} & {0, 1, 2}
            folder = tmp_path / str(draw)
            probe = searched(draw, folder, PROBE, Budget(BUDGET.trials, 2, 2, BUDGET.final))
            work.forget()
            gains.append(on_test(draw, found) - on_test(draw, probe))
    assert float(np.mean(gains)) >= 0.10, gains


def test_the_pruner_saves_a_third_of_the_epochs_and_finds_as_good_a_winner(
    pruned: dict[int, Found], tmp_path: Path
) -> None:
    whole = BUDGET.trials * EPOCHS
    for found in pruned.values():
        assert epochs(found) <= 0.7 * whole
        kept = [r for r in found.trials if r.anchor is not None]
        assert all(r.state == "complete" and r.notes["epochs"] == EPOCHS for r in kept)
    with one_thread():
        plain = searched(0, tmp_path, SEARCHED, Budget(BUDGET.trials, 2, 2, 1), prune=False)
        work.forget()
    assert epochs(plain) == whole
    assert pruned[0].chosen.mean >= plain.chosen.mean - 0.02
