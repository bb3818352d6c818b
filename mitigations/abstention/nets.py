"""The published way to new people: networks that learn whom the program left out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metrics import logistic
from metrics.abstention_program import Allocation
from mitigations.abstention.bins import Rows
from mitigations.contract import Context, Part, Problem
from mitigations.encode import Encoder
from mitigations.parity import Compared
from mitigations.rules.nets import AbstainNets, Net, inputs

Floats = NDArray[np.float64]

#: Hidden units of both layers, passes at most, passes without gain before stopping.
WIDTH, PASSES, PATIENCE = 64, 20, 3
#: Rows learnt from at most, drawn at random.
MOST_ROWS = 20_000
#: Times people are chosen anew within their cells, and parts for scores out of fold.
ROUNDS, FOLDS = 2, 2


def fit(
    problem: Problem, context: Context, part: Part, rows: Rows, to: Compared, best: Allocation
) -> AbstainNets:
    """Networks that imitate the program's solution.

    Parameters
    ----------
    problem, context
        What the method was given.
    part, rows
        Labelled and scored rows, the same in both.
    to
        Compared groups in slot order.
    best
        Solution of the program over these rows.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(context.threads):
        return _fit(problem, context, part, rows, to, best)


def _fit(
    problem: Problem, context: Context, part: Part, rows: Rows, to: Compared, best: Allocation
) -> AbstainNets:
    rng = context.rng("abstention/nets")
    encoder = Encoder.fit(problem.columns, part.x)
    x = inputs(encoder.transform(part.x), rows.score, rows.slot, rows.slots)
    some = np.sort(rng.permutation(len(x))[:MOST_ROWS])
    fold = rng.integers(0, FOLDS, len(x))
    doubt = _doubt(x, rows, fold)
    margin = np.abs(rows.score - rows.threshold)
    state = assign(best, rows, margin, -doubt)

    def learn(keep: NDArray[np.intp], target: NDArray[np.bool_], name: str) -> Net | None:
        return train(
            x[keep], target[keep], context.rng(f"abstention/nets/{name}"),
            lambda: context.tick(0, 1, "training networks"),
        )  # fmt: skip

    for turn in range(ROUNDS):
        decided = np.ones(len(x))
        for k in range(FOLDS):
            net = learn(some[fold[some] != k], state != 2, f"{turn}/{k}")
            if net is not None:
                decided[fold == k] = net(x[fold == k])
        state = assign(best, rows, margin, decided, flips_first=True)
    abstain = learn(some, state != 2, "abstain")
    issued = np.where(state == 1, 1 - rows.decision, rows.decision) == 1
    flip = learn(some[state[some] != 2], issued, "flip") if (state == 1).any() else None
    if abstain is None:
        abstain = Net.of([np.zeros((x.shape[1], 1))], [np.zeros(1)])
    slots = [rows.slots - 1] * len(problem.group_names)
    for slot, code in enumerate(to.codes):
        slots[code] = slot
    rule = AbstainNets(
        problem.group_names, tuple(slots), encoder, abstain, (0.0,) * rows.slots, flip,
        problem.threshold,
    )  # fmt: skip
    return _limited(rule, problem, best, abstain(x), rows.slot)


def assign(
    best: Allocation, rows: Rows, first: Floats, then: Floats, *, flips_first: bool = False
) -> NDArray[np.int8]:
    """Who in each cell is kept (0), overturned (1) or left to a person (2); counts are kept.

    Parameters
    ----------
    best, rows
        Solution and rows.
    first, then : (n,) float64
        Small values first, ties by the second.
    flips_first
        Take flips by `first` alone and those left out by `then` alone.
    """
    out = np.zeros(len(rows.slot), dtype=np.int8)
    cell = (rows.slot * 2 + rows.label) * 2 + rows.decision
    for place in np.unique(cell):
        here = np.flatnonzero(cell == place)
        turned, left = round(best.flip[place]), round(best.abstain[place])
        order = here[np.lexsort((then[here], first[here]))]
        out[order[:turned]] = 1
        rest = order[turned:]
        if flips_first:
            rest = rest[np.argsort(then[rest], kind="stable")]
        out[rest[:left]] = 2
    return out


def train(
    x: Floats, target: NDArray[np.bool_], rng: np.random.Generator, tick: Callable[[], None]
) -> Net | None:
    """Fit a network, keeping the weights of the pass that does best on a held-out fifth.

    Returns
    -------
    Net or None
        None where all targets are alike.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    if len(x) < 10 or target.all() or not target.any():
        return None
    order = rng.permutation(len(x))
    held, fitted = order[: len(x) // 5], order[len(x) // 5 :]
    model = MLPClassifier(
        (WIDTH, WIDTH), batch_size=min(128, len(fitted)), random_state=int(rng.integers(2**31))
    )
    best, loss, waited = None, np.inf, 0
    for _ in range(PASSES):
        tick()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.partial_fit(x[fitted], target[fitted], classes=np.array([False, True]))
        net = Net.of(model.coefs_, model.intercepts_)
        now = _loss(net(x[held]), target[held])
        if now < loss - 1e-5:
            best, loss, waited = net, now, 0
        else:
            waited += 1
        if waited >= PATIENCE:
            break
    return best


def _loss(chance: Floats, target: NDArray[np.bool_]) -> float:
    right = np.clip(np.where(target, chance, 1.0 - chance), 1e-12, 1.0)
    return float(-np.log(right).mean())


def _doubt(x: Floats, rows: Rows, fold: NDArray[np.intp]) -> Floats:
    """Chance that the decision is wrong, out of fold."""
    wrong = rows.decision != rows.label
    out = np.zeros(len(x))
    for k in range(FOLDS):
        weights = logistic.fit(x[fold != k], wrong[fold != k])
        out[fold == k] = logistic.predict(weights, x[fold == k])
    return out


def _limited(
    rule: AbstainNets,
    problem: Problem,
    best: Allocation,
    fitted: Floats,
    fitted_slot: NDArray[np.intp],
) -> AbstainNets:
    """The rule with limits that leave the solution's share of each slot to a person.

    Limits are set on the validation rows; where a slot has too few of them, on the fitted ones.
    """
    valid, share = problem.valid, best.abstained / np.maximum(best.cells.size, 1.0)
    chance, slot = fitted, fitted_slot
    if valid.score is not None and np.isfinite(valid.score).any():
        seen = valid.take(np.isfinite(valid.score))
        assert seen.score is not None
        slot = rule.slot(seen)
        chance = rule.abstain(
            inputs(rule.encoder.transform(seen.x), seen.score, slot, len(rule.limits))
        )
    limits = []
    for i, wanted in enumerate(share):
        mine = chance[slot == i]
        if mine.size < problem.group_floor:
            mine = fitted[fitted_slot == i]
        limits.append(_limit(mine, float(wanted)))
    return replace(rule, limits=tuple(limits))


def _limit(chance: Floats, share: float) -> float:
    """Value below which a share of the chances lies."""
    count = int(np.floor(share * chance.size + 1e-9))
    if count == 0:
        return 0.0
    ordered = np.sort(chance)
    return float(ordered[count]) if count < chance.size else 2.0
