"""FairTune: what a mask moves, anchors, whole-split metrics, failures, round trips."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mitigations.contract import Cancelled, Context, MethodError, Outcome
from mitigations.fairtune import card, checkpoint, columns, groups, networks, trial, work
from mitigations.fairtune.cache import Cache
from mitigations.fairtune.checkpoint import Checkpoint
from mitigations.fairtune.method import FairTune
from mitigations.fairtune.objective import Objective, auc, choose, standard_error
from mitigations.fairtune.search import top
from mitigations.fairtune.space import Masks
from mitigations.fairtune.start import Shape, start_of
from mitigations.parameters import build
from mitigations.rules import decide
from mitigations.rules.tuned import Tuned
from tests import fairtune_fixtures as made

ARCHES = ("residual-mlp", "ft-transformer")


def config(arch: str = "residual-mlp") -> dict[str, Any]:
    return {
        "schema": checkpoint.SCHEMA, "arch": arch, "classes": 2, "positive": 1, "width": 16,
        "depth": 2, "heads": 2,
        "columns": columns.learn(made.COLUMNS, made.people(2000, 5, state="A").x),
    }  # fmt: skip


@cache
def start(arch: str = "residual-mlp") -> Checkpoint:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = networks.build(config(arch)).state_dict()
    return Checkpoint(config(arch), {name: tensor.numpy() for name, tensor in state.items()})


@cache
def data(n: int = 300) -> trial.Data:
    where = columns.places(config(), made.COLUMNS)

    def side(seed: int) -> trial.Split:
        part = made.people(n, seed, minority=0.4)
        numbers, codes = columns.encode(config(), where, part.x)
        inputs = trial.Tensors((torch.from_numpy(numbers), torch.from_numpy(codes)))
        return trial.Split(inputs, part.y.astype(np.int64), part.group.astype(np.int64))

    train, valid = side(1), side(2)
    return trial.Data(train, valid, Objective("auc", valid.y, valid.group, (0, 1)))


def masks(arch: str = "residual-mlp") -> Masks:
    return Masks(groups.groups(arch, networks.skeleton(config(arch))))


def recipe(mask: frozenset[str], **more: Any) -> trial.Recipe:
    return trial.Recipe(mask, **{"lr": 3e-3, "epochs": 2, "batch": 64, "seed": 7, **more})


def plain_fine_tuning(begin: Checkpoint, rows: trial.Split, told: trial.Recipe) -> Any:
    """Full fine-tuning as anybody would write it."""
    net = networks.load(begin).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=told.lr, weight_decay=told.decay)
    order = torch.Generator().manual_seed(told.seed)
    steps = math.ceil(len(rows) / told.batch)
    y = torch.as_tensor(rows.y)
    with trial.deterministic(told.seed, torch.device("cpu")):
        for epoch in range(told.epochs):
            perm = torch.randperm(len(rows), generator=order)
            for step, at in enumerate(perm.split(told.batch)):
                share = (epoch * steps + step) / (told.epochs * steps)
                rate = told.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
                optimiser.param_groups[0]["lr"] = rate
                optimiser.zero_grad()
                logits = net(*rows.inputs.batch(at, torch.device("cpu")))
                torch.nn.functional.cross_entropy(logits, y[at]).backward()
                optimiser.step()
    return net.state_dict()


@pytest.mark.parametrize("arch", ARCHES)
def test_the_empty_mask_moves_the_head_alone_and_the_full_one_is_plain_fine_tuning(
    arch: str,
) -> None:
    """Acceptance check 1."""
    begin = start(arch)
    alone = trial.run(begin, recipe(frozenset()), data())
    assert set(alone.arrays) == {"head.weight", "head.bias"}
    after = begin.with_arrays(alone.arrays)
    for name, array in after.arrays.items():
        same = np.array_equal(array, begin.arrays[name])
        assert same == (name not in alone.arrays)
    whole = trial.run(begin, recipe(frozenset(masks(arch).by_group)), data())
    wanted = plain_fine_tuning(begin, data().train, recipe(frozenset()))
    assert set(whole.arrays) == set(wanted)
    assert max(np.abs(whole.arrays[n] - wanted[n].numpy()).max() for n in wanted) == 0.0


@pytest.mark.parametrize("arch", ARCHES)
def test_a_mask_moves_its_groups_and_nothing_else(arch: str) -> None:
    by_group = masks(arch).by_group
    for name, mask in masks(arch).masks().items():
        found = trial.run(start(arch), recipe(mask, epochs=1), data())
        if name == "biases":
            assert all(n.endswith("bias") or n.startswith("head.") for n in found.arrays)
            continue
        wanted = {n for group in mask for n in by_group[group]} | {"head.weight", "head.bias"}
        assert set(found.arrays) == wanted
    everything = [n for names in by_group.values() for n in names]
    assert len(everything) == len(set(everything))


@pytest.mark.parametrize("arch", ARCHES)
def test_what_comes_before_the_first_trained_part_is_run_once_with_the_same_result(
    arch: str,
) -> None:
    cache, mask = Cache(), masks(arch).masks()
    for name in ("head", "last block"):
        slow = trial.run(start(arch), recipe(mask[name]), data())
        fast = trial.run(start(arch), recipe(mask[name]), data(), cache=cache)
        assert slow.stage == 0 and fast.stage == {"head": 4, "last block": 2}[name]
        np.testing.assert_allclose(fast.valid, slow.valid, atol=1e-6)
    before = cache.misses
    trial.run(start(arch), recipe(mask["head"], seed=8), data(), cache=cache)
    assert cache.misses == before and cache.hits >= 2
    tight = Cache(most=1000)
    assert trial.run(start(arch), recipe(mask["head"]), data(), cache=tight).stage == 0


def test_the_same_seed_gives_the_same_bits_and_random_numbers_are_left_as_they_were() -> None:
    mask = masks().masks()["norms"]
    torch.manual_seed(123)
    first = trial.run(start(), recipe(mask), data())
    drawn = torch.rand(3)
    second = trial.run(start(), recipe(mask), data())
    assert checkpoint.digest(first.arrays) == checkpoint.digest(second.arrays)
    other = trial.run(start(), recipe(mask, seed=8), data())
    assert checkpoint.digest(first.arrays) != checkpoint.digest(other.arrays)
    torch.manual_seed(123)
    torch.testing.assert_close(torch.rand(3), drawn)


def test_a_whole_search_leaves_random_numbers_and_threads_as_they_were() -> None:
    torch.manual_seed(123)
    threads, drawn = torch.get_num_threads(), torch.rand(3)
    torch.manual_seed(123)
    method = quick(trials=6, scratch=False, baseline_trials=1, final=1, again=0)
    found = method.fit(made.pair(), Context(seed=3))
    found.points[0].rules[0].act(made.audit(n=100))
    torch.testing.assert_close(torch.rand(3), drawn)
    assert torch.get_num_threads() == threads


def test_metrics_are_taken_once_over_the_whole_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Acceptance check 3."""
    from sklearn.metrics import log_loss, roc_auc_score

    rng = np.random.default_rng(0)
    y, group = rng.integers(0, 2, 500), rng.integers(0, 3, 500)
    chance = np.round(rng.random(500), 2)
    assert auc(y, chance) == pytest.approx(roc_auc_score(y, chance), abs=1e-12)
    wanted = min(roc_auc_score(y[group == g], chance[group == g]) for g in range(3))
    assert Objective("auc", y, group, (0, 1, 2))(chance) == pytest.approx(wanted, abs=1e-12)
    clipped = np.clip(chance, 1e-6, 1 - 1e-6)
    losses = Objective("loss", y, group, (0, 1, 2)).losses(clipped)
    n = np.bincount(group)
    plain = [log_loss(y[group == g], clipped[group == g]) for g in range(3)]
    wanted_losses = (n * plain + 20 * log_loss(y, clipped)) / (n + 20)
    np.testing.assert_allclose(losses, wanted_losses, atol=1e-9)
    whole = trial.scores(start(), data().valid.inputs)
    for block in (7, 64):
        monkeypatch.setattr(trial, "BLOCK", block)
        found = trial.scores(start(), data().valid.inputs)
        assert data().objective(found) == pytest.approx(data().objective(whole), abs=1e-12)


def test_a_loss_that_is_no_number_ends_a_training_and_says_so() -> None:
    broken = start().with_arrays({"head.bias": np.array([0.0, 3e38], np.float32)})
    broken = broken.with_arrays({"head.weight": broken.arrays["head.weight"] * 1e38})
    found = trial.run(broken, recipe(frozenset(), lr=1e10), data())
    assert found.diverged and math.isnan(found.value) and not found.pruned


def test_out_of_memory_halves_the_batch_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from mitigations.fairtune.networks.tabular import ResidualMlp

    plain = ResidualMlp.forward

    def small(self: Any, numbers: Any, codes: Any) -> Any:
        if torch.is_grad_enabled() and len(codes) > limit:
            raise torch.OutOfMemoryError("no memory")
        return plain(self, numbers, codes)

    mask = frozenset(masks().by_group)
    whole = trial.run(start(), recipe(mask), data())
    monkeypatch.setattr(ResidualMlp, "forward", small)
    limit = 40
    found = trial.run(start(), recipe(mask), data())
    assert found.pieces == 2 and len(found.history) == 2
    np.testing.assert_allclose(found.valid, whole.valid, atol=1e-3)
    limit = 10
    with pytest.raises(torch.OutOfMemoryError):
        trial.run(start(), recipe(mask), data())


def test_a_report_can_stop_a_training() -> None:
    found = trial.run(start(), recipe(frozenset(), epochs=9), data(), report=lambda e, _: e == 3)
    assert found.pruned and len(found.history) == 3 and not found.diverged


def test_a_small_group_changes_the_objective_or_is_refused() -> None:
    y = np.tile([0, 1], 200)
    group = np.r_[np.zeros(340, int), np.ones(57, int), np.full(3, 2)]
    names = ("a", "b", "c")
    found, notes = choose("auto", y, group, names, 30)
    assert found.kind == "auc" and found.codes == (0, 1)
    assert any("c" in note for note in notes) and any("Hanley" in note for note in notes)
    y[340:397] = 0
    y[340:350] = 1
    found, notes = choose("auto", y, group, names, 30)
    assert found.kind == "loss" and any("fewer than 20" in note for note in notes)
    with pytest.raises(MethodError, match="“b” has 10 favourable and 47"):
        choose("auc", y, group, names, 30)
    with pytest.raises(MethodError, match="1 of 3 groups"):
        choose("auto", y, group, names, 200)
    assert standard_error(0.8, 50, 50) == pytest.approx(0.0447, abs=5e-4)


@pytest.mark.parametrize("free", (False, True))
@pytest.mark.parametrize("arch", ARCHES)
def test_everything_nothing_and_the_other_anchors_lie_in_the_space(arch: str, free: bool) -> None:
    space = replace(masks(arch), free=free)
    assert list(space.anchors())[:2] == ["head", "everything"] and len(space.anchors()) == 6
    for name, point in space.anchors().items():
        assert set(point) == set(space.space())
        assert space.mask(point) == space.masks()[name]


def quick(**more: Any) -> FairTune:
    method: FairTune = build(FairTune, {**made.QUICK, **more})
    return method


@cache
def fitted() -> Outcome:
    return quick().fit(made.pair(), Context(seed=3))


def table(outcome: Outcome, name: str) -> list[dict[str, Any]]:
    found = outcome.tables[name]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_anchors_are_the_first_six_trials_and_the_best_is_no_worse() -> None:
    """Acceptance check 2."""
    trials = table(fitted(), "trials")
    assert [row["number"] for row in trials] == list(range(8))
    assert [row["kind"] for row in trials] == ["anchor"] * 6 + ["search"] * 2
    assert [row["mask"] for row in trials[:2]] == ["head", "everything"]
    anchors = [row["value"] for row in trials[:6]]
    assert all(value is not None for value in anchors)
    assert max(r["value"] for r in trials if r["state"] == "complete") >= max(anchors)


def test_every_arm_is_a_point_with_a_rule_for_each_seed() -> None:
    found = fitted()
    ids = [point.id for point in found.points]
    assert ids == ["searched", "selected", "linear-probe", "full", "norms", "from-scratch",
                   "zero-shot"]  # fmt: skip
    assert [len(p.rules) for p in found.points] == [2, 1, 2, 2, 2, 2, 1]
    assert found.points[1].settings["checkpoint"] == "selected"
    rows = made.audit(n=300)
    for point in found.points:
        assert set(np.unique(decide(point.rules[0], rows))) <= {0, 1}
    ours = [arm for arm in found.arms if arm.ours]
    assert [arm.id for arm in ours] == ["searched"]
    seeds = {tuple(r.mask["seed"] for r in a.rules) for a in found.arms if a.id != "zero-shot"}
    assert len(seeds) == 1
    training = table(found, "training")[0]
    spent = sum(arm.trainings for arm in found.arms)
    assert training["trainings"] == spent <= card.trainings(made.QUICK)


def test_start_and_delta_make_the_whole_network(tmp_path: Path) -> None:
    """Acceptance check 6."""
    problem = made.pair()
    shape = Shape("residual-mlp", 16, 2, 2)
    begin = start_of(problem, Context(seed=3), shape).checkpoint
    for point in fitted().points[:4]:
        rule = point.rules[0]
        assert isinstance(rule, Tuned) and rule.mask["start"] == begin.sha256
        (tmp_path / "d.safetensors").write_bytes(rule.extras()["delta.safetensors"])
        (tmp_path / "w.safetensors").write_bytes(rule.to_safetensors())
        delta, whole = (checkpoint.read(tmp_path / f"{n}.safetensors") for n in "dw")
        merged = begin.with_arrays(delta.arrays)
        assert set(merged.arrays) == set(whole.arrays)
        for name, array in whole.arrays.items():
            assert np.abs(merged.arrays[name] - array).max() == 0.0


def test_a_network_that_was_handed_out_is_a_start_for_the_next(tmp_path: Path) -> None:
    rule = fitted().points[0].rules[0]
    (tmp_path / "w.safetensors").write_bytes(rule.to_safetensors() or b"")
    problem = replace(made.pair(), source=None, checkpoint=tmp_path / "w.safetensors")
    found = start_of(problem, Context(), Shape())
    assert found.known_head and found.trainings == 0
    assert checkpoint.digest(found.checkpoint.arrays) == checkpoint.digest(rule.arrays())
    with pytest.raises(MethodError, match="no network to fine-tune") as caught:
        start_of(replace(problem, checkpoint=None), Context(), Shape())
    assert caught.value.code == "needs-start"


def test_a_new_head_is_said_and_other_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    begin = start()
    many = {**begin.config, "classes": 5, "positive": 0}
    arrays = {**begin.arrays, "head.weight": np.zeros((5, 16), np.float32),
              "head.bias": np.zeros(5, np.float32)}  # fmt: skip
    checkpoint.write(tmp_path / "five", many, arrays)
    problem = replace(made.pair(), source=None, checkpoint=tmp_path / "five")
    found = start_of(problem, Context(), Shape())
    assert not found.known_head and found.checkpoint.config["classes"] == 2
    assert any("head" in note for note in found.notes)
    short = {n: a for n, a in begin.arrays.items() if n != "final_norm.weight"}
    for broken in (short, {**begin.arrays, "stray": np.zeros(1)},
                   {**begin.arrays, "final_norm.weight": np.ones(3, np.float32)}):  # fmt: skip
        with pytest.raises(MethodError) as caught:
            networks.load(Checkpoint(begin.config, broken))
        assert caught.value.code == "bad-checkpoint"


def test_values_the_network_never_saw_share_a_row_that_is_trained() -> None:
    problem = made.pair()
    found = start_of(problem, Context(seed=3), Shape("residual-mlp", 16, 2, 1))
    assert any("POBP" in note for note in found.notes)
    _, codes = columns.encode(found.checkpoint.config, found.places, problem.train.x)
    assert (codes[:, 2] == 0).any() and not (codes[:, 1] == 0).all()


def test_a_failing_trial_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = trial.run, []

    def sometimes(*args: Any, **named: Any) -> Any:
        seen.append(1)
        if len(seen) in (5, 6):
            raise torch.OutOfMemoryError("no memory")
        return run(*args, **named)

    monkeypatch.setattr(work.trial, "run", sometimes)
    found = quick(scratch=False, baseline_trials=1).fit(made.pair(), Context(seed=3))
    states = [row["state"] for row in table(found, "trials")]
    assert states.count("failed") == 2 and len(states) == 8
    assert any("2 trainings failed" in note for note in found.notes)


def test_a_search_stops_when_told_to_and_leaves_nothing_behind(tmp_path: Path) -> None:
    count = 0

    def tick(done: int, total: int, text: str) -> None:
        nonlocal count
        count += 1
        if text.startswith(card.SEARCHED):
            raise Cancelled

    with pytest.raises(Cancelled):
        quick().fit(made.pair(), Context(seed=3, tick=tick, scratch=tmp_path))
    assert count > 3 and not list(tmp_path.iterdir())


def test_a_second_attempt_takes_up_where_the_first_was_killed(tmp_path: Path) -> None:
    store, shared = f"journal://{tmp_path}/journal", tmp_path / "shared"
    problem, method = made.pair(), quick(scratch=False, baseline_trials=1)
    texts: list[str] = []

    def dies(done: int, total: int, text: str) -> None:
        if "training 5 of" in text:
            raise Cancelled

    with pytest.raises(Cancelled):
        method.fit(problem, Context(seed=3, tick=dies, store=store, shared=shared))
    context = Context(seed=3, tick=lambda d, n, t: texts.append(t), store=store, shared=shared)
    again = method.fit(problem, context)
    assert not any("Searched parts, training 2 of" in text for text in texts)
    whole = method.fit(problem, Context(seed=3))
    assert [r["value"] for r in table(again, "trials")] == pytest.approx(
        [r["value"] for r in table(whole, "trials")]
    )
    assert [p.rules[0].id for p in again.points] == [p.rules[0].id for p in whole.points]


def test_the_count_of_trainings_follows_from_the_settings() -> None:
    assert card.trainings({}) == 5 * (30 + 3 * 2 + 3)
    assert card.trainings({"scratch": False, "baseline_trials": 10}) == 39 + 3 * 19
    assert card.trainings({"objective": "pareto", "scratch": False}) == 4 * 39 + 4 * 3
    with pytest.raises(MethodError):
        card.trainings({"trials": 2})


def test_equal_configurations_are_trained_again_once() -> None:
    from mitigations.fairtune.study import Result

    def result(slot: int, value: float, overall: float, mask: list[str]) -> Result:
        notes = {"overall": overall, "mask": mask, "words": "w", "lr": 1e-3}
        return Result(slot, slot, None, {}, "complete", value, {}, 0.0, notes)

    trials = [result(0, 0.7, 0.8, []), result(1, 0.7, 0.8, []), result(2, 0.9, 0.5, ["a"]),
              result(3, 0.6, 0.8, ["b"])]  # fmt: skip
    found, relaxed = top(trials, 0.78, 3)
    assert [c.slot for c in found] == [0, 3] and not relaxed
    found, relaxed = top(trials, 0.9, 3)
    assert [c.slot for c in found] == [2, 0, 3] and relaxed


def test_two_objectives_give_a_curve_of_points() -> None:
    method = quick(objective="pareto", trials=12, scratch=False, baseline_trials=1)
    found = method.fit(made.pair(), Context(seed=3))
    again = method.fit(made.pair(), Context(seed=3))
    assert [p.rules[0].id for p in found.points] == [p.rules[0].id for p in again.points]
    rows = table(found, "trials")
    assert len(rows) == 12 and {row["state"] for row in rows} == {"complete"}
    curve = [point for point in found.points if point.id.startswith("curve-")]
    assert len(curve) <= card.CURVE and all(len(point.rules) == 2 for point in curve)
    best = [(r["overall"], r["value"]) for r in rows]
    front = [p for p in best if not any(q[0] > p[0] and q[1] > p[1] for q in best)]
    words = {r["mask"] for r in rows if (r["overall"], r["value"]) in front}
    assert {point.settings["mask"] for point in curve} <= words


def test_equal_budgets_are_equal_however_few_configurations_are_left() -> None:
    method = quick(trials=6, baseline_trials=6, top=3, again=2, scratch=False)
    found = method.fit(made.pair(), Context(seed=3))
    assert {arm.trainings for arm in found.arms if arm.id != "zero-shot"} == {6 + 6 + 2}


@pytest.mark.slow
def test_what_was_learnt_in_one_state_helps_in_another_and_the_head_is_hard_to_beat() -> None:
    """The experiment of fairtune.md section 6 at a reduced size."""
    means: dict[str, list[float]] = {}
    for seed in range(2):
        method = quick(trials=10, baseline_trials=10, epochs=5, width=32, source_epochs=4)
        problem = made.pair(seed, source=8000, train=600, valid=600)
        rows = made.audit(seed, 6000)
        assert rows.y is not None
        for arm in method.fit(problem, Context(seed=seed)).arms:
            lowest = []
            for rule in arm.rules:
                assert isinstance(rule, Tuned)
                objective = Objective("auc", rows.y.astype(np.int64), rows.group, (0, 1))
                lowest.append(objective(rule.scores(rows)))
            means.setdefault(arm.id, []).append(float(np.mean(lowest)))
    found = {name: float(np.mean(values)) for name, values in means.items()}
    assert found["searched"] > found["from-scratch"]
    assert found["searched"] > found["zero-shot"] - 0.005
    assert abs(found["searched"] - max(found["linear-probe"], found["full"])) < 0.02
