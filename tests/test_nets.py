"""Stacks of networks: each slice is what it would be alone, whatever happens to the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mitigations.contract import Cancelled, MethodError
from mitigations.nets import Loop, Stack, quiet, train
from mitigations.passes import Passes
from mitigations.road import data
from mitigations.steps import Adam

SHORT = Loop(steps=50, batch=256)


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with quiet(1):
        yield


def people(n: int = 1500, seed: int = 0, weight: Any = None) -> data.Rows:
    r = np.random.default_rng(seed)
    x = r.standard_normal((n, 5))
    y = r.uniform(size=n) < 1.0 / (1.0 + np.exp(-x[:, 0] - x[:, 1] * x[:, 2]))
    s = r.integers(0, 2, n)
    return data.of(x, y, s, (2,), x[:, :2], np.ones((n, 1)), weight=weight)


class Spread:
    """A penalty on the spread of the logits, with state."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.reset()

    def reset(self) -> None:
        self.mean = torch.zeros(self.count)

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        spread = z.var(1)
        self.mean = 0.9 * self.mean + 0.1 * spread.detach()
        return spread * self.mean

    def value(self, z: Tensor, rows: data.Rows) -> Tensor:
        return z.var(1).square()


def trained(
    seeds: list[int], lam: list[float], term: Any, loop: Loop = SHORT, **options: Any
) -> Any:
    stack = Stack.new(seeds, (5, 16, 8, 1))
    options.setdefault("tick", lambda done, total: None)
    rows = options.pop("rows", people())
    return train(
        stack, rows, term, torch.tensor(lam), loop, rng=np.random.default_rng(3), **options
    )


def test_first_weights_depend_on_the_own_seed_alone() -> None:
    alone, among = Stack.new([7], (5, 16, 1)), Stack.new([1, 7, 2], (5, 16, 1))
    for own, other in zip(alone.slice(0), among.slice(1), strict=True):
        assert np.array_equal(own[0], other[0])
        assert np.array_equal(own[1], other[1])
    assert not np.array_equal(among.slice(0)[0][0], among.slice(2)[0][0])


@pytest.mark.parametrize("sizes", [(5, 1), (5, 16, 1), (5, 64, 32, 1), (5, 8, 8, 8, 1)])
def test_written_out_passes_are_those_of_automatic_differentiation(sizes: tuple[int, ...]) -> None:
    stack = Stack.new(range(11), sizes)
    flat = stack.flat.clone().requires_grad_(True)
    x, pull = torch.randn(1000, 5), torch.randn(11, 1000) / 1000
    z = Stack(flat, 11, sizes)(x)
    (z * pull).sum().backward()
    passes = Passes(stack.flat, 11, sizes, 1000)
    assert passes.block < 11
    torch.testing.assert_close(passes.forward(x), z.detach(), rtol=0, atol=1e-5)
    torch.testing.assert_close(passes.backward(pull), flat.grad, rtol=0, atol=1e-6)
    torch.testing.assert_close(stack.logits(x), z.detach(), rtol=0, atol=1e-5)
    low = Passes(stack.flat, 11, sizes, 1000, "bfloat16")
    torch.testing.assert_close(low.forward(x), z.detach(), rtol=0, atol=0.02)
    torch.testing.assert_close(low.backward(pull), flat.grad, rtol=0.1, atol=0.005)


def test_steps_are_those_of_adamw() -> None:
    flat, grad = torch.randn(100), torch.zeros(100)
    rival = flat.clone().requires_grad_(True)
    mine = Adam(flat, grad, 0.01)
    theirs = torch.optim.AdamW([rival], lr=2e-3, weight_decay=0.01)
    for step in range(30):
        grad.normal_()
        rival.grad = grad.clone()
        mine.prepare(step, 2e-3)
        mine.step()
        theirs.step()
    torch.testing.assert_close(flat, rival.detach(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("look", [False, True])
def test_a_slice_is_what_it_would_be_alone(look: bool) -> None:
    valid = people(600, 1) if look else None
    lam = [0.0, 0.3, 3.0]
    found = trained([4, 5, 6], lam, Spread(3), valid=valid)
    x = people().x
    for c in range(3):
        alone = trained([4 + c], [lam[c]], Spread(1), valid=valid)
        torch.testing.assert_close(
            found.stack.logits(x)[c], alone.stack.logits(x)[0], rtol=0, atol=1e-4
        )
        assert found.steps[c] == alone.steps[0]


def test_lambda_zero_is_no_penalty() -> None:
    found = trained([4, 5], [0.0, 100.0], Spread(2))
    plain = trained([4, 5], [0.0, 0.0], None)
    x = people().x
    assert torch.equal(found.stack.logits(x)[0], plain.stack.logits(x)[0])
    assert found.stack.logits(x)[1].std() < 0.8 * plain.stack.logits(x)[1].std()


def test_the_same_seed_gives_the_same_weights_bit_by_bit() -> None:
    one, two = (trained([4, 5], [0.0, 1.0], Spread(2), valid=people(600, 1)) for _ in "ab")
    assert torch.equal(one.stack.flat, two.stack.flat)


class Broken(Spread):
    """No number in slice 1 from step 20 on."""

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        spoiled = torch.tensor([1.0, torch.nan if step >= 20 else 1.0, 1.0])
        return super().penalty(z, rows, step) * spoiled


@pytest.mark.parametrize("look", [False, True])
def test_a_loss_that_is_no_number_costs_its_own_slice_alone(look: bool) -> None:
    valid = people(600, 1) if look else None
    loop = Loop(steps=50, batch=256, every=10)
    found = trained([4, 5, 6], [0.0, 1.0, 1.0], Broken(3), loop, valid=valid)
    well = trained([4, 5, 6], [0.0, 1.0, 1.0], Spread(3), loop, valid=valid)
    assert found.failed == [None, "not-finite", None]
    x = people().x
    assert torch.isfinite(found.stack.flat).all()
    assert torch.equal(found.stack.logits(x)[[0, 2]], well.stack.logits(x)[[0, 2]])
    # as far as it was good
    assert found.steps[1] == (20 if look else 0)


def test_an_infinite_weight_costs_its_own_slice_alone() -> None:
    found = trained([4, 5], [0.0, np.inf], Spread(2))
    plain = trained([4], [0.0], None)
    assert found.failed == [None, "not-finite"]
    assert torch.isfinite(found.stack.flat).all()
    x = people().x
    torch.testing.assert_close(found.stack.logits(x)[0], plain.stack.logits(x)[0])


class Hungry(Spread):
    """Needs more memory than there is for minibatches above a size."""

    most = 128

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        if len(rows) > self.most and step == 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().penalty(z, rows, step)


def test_out_of_memory_halves_the_batch_and_starts_again() -> None:
    found = trained([4, 5], [0.0, 1.0], Hungry(2))
    small = trained([4, 5], [0.0, 1.0], Spread(2), Loop(steps=50, batch=128))
    assert found.batch == 128
    assert found.notes == ["Out of memory at 256 rows a step; trained with 128."]
    assert torch.equal(found.stack.flat, small.stack.flat)


def test_out_of_memory_twice_is_said() -> None:
    term = Hungry(2)
    term.most = 10
    with pytest.raises(MethodError, match="128 rows a step") as caught:
        trained([4, 5], [0.0, 1.0], term)
    assert caught.value.code == "out-of-memory"


def test_other_errors_of_a_term_are_passed_on() -> None:
    class Wrong(Spread):
        def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
            raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        trained([4], [1.0], Wrong(1))


def test_it_stops_at_any_step() -> None:
    seen = []

    def tick(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 7:
            raise Cancelled

    with pytest.raises(Cancelled):
        trained([4], [0.0], None, tick=tick)
    assert seen == [(i, 50) for i in range(8)]


def test_a_slice_keeps_its_best_weights_and_stops() -> None:
    rows, valid = people(200, 5), people(2000, 6)
    loop = Loop(steps=400, batch=200, lr=1e-2, every=10, patience=4)
    ticks: list[int] = []
    found = trained(
        [1, 2], [0.0, 0.0], None, loop, rows=rows, valid=valid,
        tick=lambda done, total: ticks.append(done),
    )  # fmt: skip
    last = trained([1, 2], [0.0, 0.0], None, loop, rows=rows)
    loss = [
        torch.nn.functional.binary_cross_entropy_with_logits(
            one.stack.logits(valid.x), valid.y.expand(2, -1), reduction="none"
        ).mean(1)
        for one in (found, last)
    ]
    assert (loss[0] < loss[1] - 0.05).all()
    assert all(0 < step < 200 for step in found.steps)
    assert len(ticks) == max(found.steps) + 40
    assert last.steps == [400, 400]


def test_a_penalised_slice_is_judged_once_lambda_is_fully_up() -> None:
    loop = Loop(steps=50, batch=256, every=5, ramp=0.5)
    found = trained([4, 5], [0.0, 1.0], Spread(2), loop, valid=people(600, 1))
    assert found.steps[1] >= 25

    class Unjudged(Spread):
        value = None  # type: ignore[assignment]

    found = trained([4, 5], [0.0, 1.0], Unjudged(2), loop, valid=people(600, 1))
    assert found.steps[1] == 50


def test_row_weights_scale_the_label_loss() -> None:
    n = 1500
    weight = np.where(np.arange(n) < 500, 1.0, 0.0)
    some = people(n).take(torch.arange(500))
    loop = Loop(steps=60, batch=n)
    heavy = trained([3], [0.0], None, loop, rows=people(n, weight=weight))
    alone = trained([3], [0.0], None, loop, rows=some)
    x = people().x
    torch.testing.assert_close(heavy.stack.logits(x), alone.stack.logits(x), rtol=0, atol=0.02)


def test_sixteen_bits_learn_about_the_same() -> None:
    loop = Loop(steps=100, batch=256, precision="bfloat16")
    low = trained([3, 4], [0.0, 1.0], Spread(2), loop)
    full = trained([3, 4], [0.0, 1.0], Spread(2), Loop(steps=100, batch=256))
    x = people().x
    assert (low.stack.logits(x) - full.stack.logits(x)).abs().mean() < 0.05


def test_threads_and_random_state_are_as_before() -> None:
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    with quiet(2, seed=5):
        assert torch.get_num_threads() == 2
        torch.rand(3)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


def test_training_touches_no_global_randomness() -> None:
    state = torch.random.get_rng_state()
    trained([3, 4], [0.0, 1.0], Spread(2), valid=people(600, 1))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_two_rows_are_enough_not_to_break() -> None:
    found = trained([3], [1.0], Spread(1), Loop(steps=5), rows=people(2))
    assert torch.isfinite(found.stack.flat).all()
