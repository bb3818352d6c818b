"""Train every form that was asked for, one stack each: weights, temperatures and seeds at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mitigations.contract import Context
from mitigations.nets import Loop, Trained, quiet
from mitigations.road import dfr, train
from mitigations.road.card import FORMS, Asked
from mitigations.road.data import Rows
from mitigations.road.dfr import Layers
from mitigations.road.prepare import Prepared

if TYPE_CHECKING:
    from mitigations.road.method import Road

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Made:
    """What training left.

    Parameters
    ----------
    layers
        One network per seed; None where it ended in numbers that are not finite.
    notes
        What went otherwise than asked.
    """

    layers: dict[Asked, list[Layers | None]]
    notes: tuple[str, ...]


def train_all(method: Road, data: Prepared, wanted: Sequence[Asked], context: Context) -> Made:
    """Train one stack per form and take it apart into networks."""
    seeds = [int(v) for v in context.rng("road/seeds").integers(2**31, size=method.seeds)]
    loop = Loop(
        steps=method.steps,
        batch=method.batch,
        precision=method.precision,  # type: ignore[arg-type]
    )
    by_form: dict[str, list[Asked]] = {}
    for one in wanted:
        by_form.setdefault(one.form, []).append(one)
    total = len(wanted) * len(seeds)
    made = Made({}, ())
    notes: list[str] = []
    done = 0
    with quiet(max(1, context.threads)):
        for form, settings in by_form.items():
            slices = len(settings) * len(seeds)
            many = f"{done + 1} to {done + slices} of {total} networks"
            tick = _ticker(context, done, slices, total, f"training {FORMS[form]}, {many}")
            if form == "dfr":
                made.layers[settings[0]] = _dfr(method, data, seeds, loop, context, tick)
            else:
                found = _stack(method, form, settings, seeds, data, loop, context, tick)
                _take(found, settings, len(seeds), made)
                notes += [f"{FORMS[form]}: {note}" for note in found.notes]
            done += slices
    return replace(made, notes=tuple(notes))


def _ticker(
    context: Context, done: int, slices: int, total: int, text: str
) -> Callable[[int, int], None]:
    """Steps of one stack as a share of all networks."""

    def tick(step: int, steps: int) -> None:
        at = 1000 * (done + slices * step / max(steps, 1)) / total
        context.tick(int(at), 1000, text)

    return tick


def _stack(
    method: Road,
    form: str,
    settings: Sequence[Asked],
    seeds: Sequence[int],
    data: Prepared,
    loop: Loop,
    context: Context,
    tick: Callable[[int, int], None],
) -> Trained:
    pairs = list(product(settings, seeds))
    lam = [one.lam for one, _ in pairs]
    tau = torch.tensor([np.inf if one.tau is None else one.tau for one, _ in pairs])
    own = [seed for _, seed in pairs]
    term = _term(form, method, data.rows, tau, own)
    return train.fit(
        data.rows, term, lam, own, loop, rng=context.rng("road/order"), tick=tick,
        valid=data.valid_rows,
    )  # fmt: skip


def _term(form: str, method: Road, rows: Rows, tau: Tensor, seeds: Sequence[int]) -> Any:
    """The penalty of a form; None for none."""
    count, gamma = len(seeds), method.overall
    if form == "plain":
        return None
    if form == "explicit":
        from mitigations.road.explicit import Explicit

        return Explicit(rows, tau, gamma=gamma)
    if form == "kernel":
        from mitigations.road.kernel import Kernel

        return Kernel(rows, count, gamma=gamma)
    if form == "conditional":
        from mitigations.road.conditional import Conditional

        return Conditional(rows, count, seeds)
    if form in ("road", "broad"):
        from mitigations.road.published import Published

        return Published(rows, tau, form=form, seeds=seeds)  # type: ignore[arg-type]
    from mitigations.road.bins import Bins
    from mitigations.road.groupdro import GroupDRO
    from mitigations.road.newton import Newton
    from mitigations.road.tree import Tree

    plain: dict[str, Any] = {"newton": Newton, "bins": Bins, "tree": Tree, "groupdro": GroupDRO}
    return plain[form](rows, count)


def _take(found: Trained, settings: Sequence[Asked], seeds: int, made: Made) -> None:
    """Networks of every setting."""
    for i, one in enumerate(settings):
        places = range(i * seeds, (i + 1) * seeds)
        made.layers[one] = [
            found.stack.slice(c) if found.failed[c] is None else None for c in places
        ]


def _dfr(
    method: Road,
    data: Prepared,
    seeds: Sequence[int],
    loop: Loop,
    context: Context,
    tick: Callable[[int, int], None],
) -> list[Layers | None]:
    """Networks on four fifths of the rows, their last layers on the rest, balanced."""
    assert data.part.y is not None
    groups = int(data.rows.k[0])
    group = data.rows.s[:, 0].cpu().numpy()
    cells = dfr.cells_of(group, data.part.y, groups)
    kept = dfr.split(cells, context.rng("road/dfr/split"))
    rest = torch.as_tensor(np.flatnonzero(~kept), device=data.rows.y.device)
    found = train.fit(
        data.rows.take(rest), None, [0.0] * len(seeds), list(seeds), loop,
        rng=context.rng("road/order"), tick=tick, valid=data.valid_rows,
    )  # fmt: skip
    x = data.encoder.transform(data.part.x[kept])
    cells = np.where(group >= 0, cells, -1)[kept]
    out: list[Layers | None] = []
    for c in range(len(seeds)):
        if found.failed[c] is not None:
            out.append(None)
            continue
        rng = context.rng(f"road/dfr/{c}")
        out.append(
            dfr.retrain(found.stack.slice(c), x, data.part.y[kept], cells, rng,
                        lambda: tick(loop.steps, loop.steps))
        )  # fmt: skip
    return out
