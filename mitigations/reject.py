"""A rejector for a fixed model: leave to a person what the model is likely to get wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import (
    Card,
    Column,
    Context,
    Method,
    Outcome,
    Part,
    Point,
    Problem,
    Table,
)
from mitigations.encode import Encoder
from mitigations.parameters import param
from mitigations.parity import labelled
from mitigations.rules.base import ABSTAIN, decide
from mitigations.rules.linear import Linear
from mitigations.rules.rejector import SCORE, Rejector
from mitigations.thresholds import fitting_part

Floats = NDArray[np.float64]

#: Quantiles at which numbers and scores may bend.
BENDS = tuple(np.linspace(0.1, 0.9, 9).tolist())
#: Penalty on squared weights of standardised places, in rows.
RIDGE = 3.0
#: Rows learnt from at most, drawn at random.
MOST_ROWS = 60_000
#: Shares decided at which the errors of two rejectors are compared.
COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
_ROUNDS = 60
_FURTHEST = 30.0


@dataclass(frozen=True)
class Reject(Method):
    """Least errors among the decided plus a price for each person left out, whatever the group."""

    card = Card(
        title="Learning to reject",
        text=(
            "Leaves to a person the cases that this model is likely to get wrong, whoever they "
            "are about: no limit on any gap. It is what abstention without harm is compared "
            "with, and it can leave one group to people far more often than another."
        ),
        source=(
            "Mohri, Andor, Choi, Collins, Mao, Zhong, Learning to reject with a fixed predictor, "
            "ICLR 2024 (rejection loss and its exponential surrogate)"
        ),
        kind="abstain",
        needs=frozenset({"label", "score"}),
    )

    price: float = param(
        0.2,
        0.001,
        0.999,
        label="Price of a person's decision",
        help=(
            "In errors of the model: with 0.2 a case goes to a person where the model would be "
            "wrong more than one time in five. This point is always among them."
        ),
    )
    prices: tuple[float, ...] = param(
        (0.05, 0.1, 0.2, 0.3, 0.4),
        0.001,
        0.999,
        label="Other prices to draw",
        help="One point of the curve for each.",
    )
    columns: bool = param(
        True,
        label="Learn from the columns too",
        help=(
            "Otherwise from the score alone. Columns by which groups are compared are never used."
        ),
    )

    def fit(self, problem: Problem, context: Context) -> Outcome:
        split, part = fitting_part(problem)
        rows = labelled(part, scored=True)
        used = part.take(rows)
        assert used.score is not None and used.y is not None
        keep = np.sort(context.rng("reject/rows").permutation(len(used))[:MOST_ROWS])
        learnt = used.take(keep)
        design = _Design.of(problem, learnt, self.columns)
        features = design.features(learnt)
        wrong = _wrong(learnt, problem.threshold)
        weight = np.ones(len(learnt)) if learnt.weight is None else learnt.weight
        weight = weight / weight.mean()
        wanted = sorted({round(c, 6) for c in (*self.prices, self.price)})
        points, rules = [], []
        for done, price in enumerate(wanted):
            weights = surrogate(
                features, wrong, price, weight=weight,
                tick=lambda done=done: context.tick(done, len(wanted), "training"),  # type: ignore[misc]
            )  # fmt: skip
            rule = design.rule(weights, problem.threshold)
            rules.append(rule)
            points.append(_point(price, rule, used, price == round(self.price, 6)))
        chosen = rules[wanted.index(round(self.price, 6))]
        context.tick(len(wanted), len(wanted), "measuring")
        found = {
            "groups": _groups(list(zip(wanted, rules, strict=True)), problem),
            "coverage": _coverage(chosen, problem),
        }
        return Outcome(tuple(points), found, tuple(_notes(problem, used, split, found["groups"])))


@dataclass(frozen=True)
class _Design:
    """Columns and bends of the sum, standardised."""

    encoder: Encoder
    bends: tuple[tuple[int, float], ...]
    centre: Floats
    scale: Floats

    @classmethod
    def of(cls, problem: Problem, part: Part, columns: bool) -> _Design:
        assert part.score is not None
        kept: list[Column] = [c for c in problem.columns if columns and not c.sensitive]
        bends = [(SCORE, -np.inf), *((SCORE, at) for at in _knots(part.score))]
        for column in kept:
            if column.kind in ("numeric", "ordinal"):
                values = part.x[:, column.slot].astype(np.float64)
                bends += [(column.slot, at) for at in _knots(values)]
        # The score itself is a bend below all scores, which lie on [0, 1].
        bends = [(slot, at if np.isfinite(at) else 0.0) for slot, at in bends]
        bare = cls(Encoder.fit(kept, part.x), tuple(bends), np.zeros(0), np.ones(0))
        raw = bare.features(part)
        sd = raw.std(axis=0)
        scale = np.where(sd > 1e-9, sd, 1.0)
        return replace(bare, centre=raw.mean(axis=0), scale=scale)

    def features(self, part: Part) -> Floats:
        assert part.score is not None
        places = [self.encoder.transform(part.x)]
        for slot, at in self.bends:
            values = part.score if slot == SCORE else part.x[:, slot].astype(np.float64)
            above = np.where(np.isfinite(values), np.maximum(values - at, 0.0), 0.0)
            places.append(above[:, None])
        out = np.hstack(places)
        return (out - self.centre) / self.scale if self.centre.size else out

    def rule(self, weights: Floats, threshold: float) -> Rejector:
        """The rule of these weights, intercept first."""
        slope = weights[1:] / self.scale
        start = float(weights[0] - slope @ self.centre)
        width = self.encoder.width
        linear = Linear(self.encoder, (tuple(slope[:width].tolist()),), (start,), shares=(1.0,))
        bends = tuple(
            (slot, float(at), float(w))
            for (slot, at), w in zip(self.bends, slope[width:], strict=True)
        )
        return Rejector(linear, bends, threshold)


def surrogate(
    x: Floats,
    wrong: NDArray[np.bool_],
    price: float,
    *,
    weight: Floats | None = None,
    ridge: float = RIDGE,
    tick: Callable[[], None] | None = None,
) -> Floats:
    """Weights of the rejector by Newton's method.

    minimise sum 1[wrong] exp(r) + price exp(-r) + ridge |w|^2 / 2, r = w0 + w.x; a person decides
    where r <= 0. For one x the best r is log(price / P(wrong)) / 2, so its sign is right.

    Parameters
    ----------
    x : (n, d) float64
        Features.
    wrong : (n,) bool
        Whether the model errs.
    price
        Of a person's decision, in errors.
    weight : (n,) float64, optional
        Of the rows.
    ridge
        Penalty; the intercept is free.
    tick
        Called before every step.

    Returns
    -------
    (d + 1,) float64
        Intercept first.
    """
    design = np.hstack([np.ones((len(x), 1)), x])
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    each = np.ones(len(x)) if weight is None else weight
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 1e-9
    out = np.zeros(design.shape[1])
    share = float(np.clip(each @ wrong / each.sum(), 0.5 / len(x), 1.0))
    out[0] = np.log(price / share) / 2.0

    def terms(weights: Floats) -> tuple[Floats, Floats, float]:
        r = np.clip(design @ weights, -_FURTHEST, _FURTHEST)
        error, person = each * wrong * np.exp(r), each * price * np.exp(-r)
        return error, person, float((error + person).sum() + penalty @ weights**2 / 2.0)

    error, person, loss = terms(out)
    for _ in range(_ROUNDS):
        if tick is not None:
            tick()
        slope = design.T @ (error - person) + penalty * out
        curve = (design * (error + person)[:, None]).T @ design
        curve[np.diag_indices_from(curve)] += penalty + 1e-9
        try:
            step = cho_solve(cho_factor(curve), slope)
        except LinAlgError:
            break
        size, before = 1.0, loss
        while size > 1e-6:
            trial = out - size * step
            error, person, loss = terms(trial)
            if loss <= before:
                out = trial
                break
            size /= 2.0
        if before - loss <= 1e-10 * max(before, 1.0):
            break
    return out


def _knots(values: Floats) -> list[float]:
    known = values[np.isfinite(values)]
    if np.unique(known).size < 3:
        return []
    inner = np.unique(np.quantile(known, BENDS))
    return [float(at) for at in inner if known.min() < at < known.max()]


def _wrong(part: Part, threshold: float) -> NDArray[np.bool_]:
    assert part.score is not None and part.y is not None
    return np.asarray((part.score >= threshold) != (part.y == 1))


def _point(price: float, rule: Rejector, used: Part, chosen: bool) -> Point:
    words = f"{price:g}"
    left = float((decide(rule, used) == ABSTAIN).mean())
    return Point(
        id=f"price-{words.replace('.', '-')}",
        label=f"A person's decision at the price of {words} errors",
        settings={"price": price, "chosen": chosen, "share": left},
        rules=(rule,),
        status="collapsed" if left >= 1.0 else "ok",
    )


def _groups(found: list[tuple[float, Rejector]], problem: Problem) -> Table:
    """Share decided and errors by group on the validation rows."""
    columns = ("price", "group", "n", "to_person", "error_before", "error")
    rows: list[tuple[object, ...]] = []
    part = problem.valid
    if part.y is not None and part.score is not None:
        used = part.take((part.y >= 0) & np.isfinite(part.score))
        wrong = _wrong(used, problem.threshold)
        for price, rule in found:
            left = decide(rule, used) == ABSTAIN
            for code, name in [
                *((int(c), problem.group_names[c]) for c in problem.groups_at_floor(used)),
                (-1, None),
            ]:
                mine = used.group == code if name is not None else np.ones(len(used), dtype=bool)
                n, kept = int(mine.sum()), mine & ~left
                rows.append(
                    (
                        price, name, n, _share(mine & left, mine), _share(mine & wrong, mine),
                        _share(kept & wrong, kept),
                    )
                )  # fmt: skip
    caption = (
        "Who goes to a person on the validation rows, and how often the model errs among the "
        "others; a line without a group is everybody."
    )
    return Table(columns, tuple(rows), caption, "valid")


def _coverage(rule: Rejector, problem: Problem) -> Table:
    """Errors at equal shares decided, beside leaving out what lies nearest the threshold."""
    part = problem.valid
    columns = ("decided", "error", "error_nearest")
    rows: list[tuple[object, ...]] = []
    if part.y is not None and part.score is not None:
        used = part.take((part.y >= 0) & np.isfinite(part.score))
        assert used.score is not None
        if len(used):
            wrong = _wrong(used, problem.threshold)
            ours = np.argsort(-rule.margin(used, used.score), kind="stable")
            near = np.argsort(-np.abs(used.score - problem.threshold), kind="stable")
            for share in COVERAGES:
                n = max(round(share * len(used)), 1)
                rows.append((share, float(wrong[ours[:n]].mean()), float(wrong[near[:n]].mean())))
    caption = (
        "Errors among the decided on the validation rows at the chosen price, people left out in "
        "the order of the rejector, and in that of the distance from the threshold."
    )
    return Table(columns, tuple(rows), caption, "valid")


def _notes(
    problem: Problem, used: Part, split: Literal["train", "valid"], groups: Table
) -> list[str]:
    out = []
    if split == "valid":
        out.append(
            "The rule was set on the validation rows, since the model was fitted on the training "
            "rows: values measured on validation rows are therefore too good."
        )
    if len(used) > MOST_ROWS:
        out.append(f"Learnt from {MOST_ROWS} of {len(used)} rows, drawn at random.")
    if used.decision is not None:
        assert used.score is not None
        known = used.decision >= 0
        model = (used.score >= problem.threshold).astype(int)
        other = int((model[known] != used.decision[known]).sum())
        if other:
            out.append(
                f"{other:,} of {int(known.sum()):,} decisions are not those of the score at the "
                f"threshold {problem.threshold:.4g}; the rule starts from the score."
            )
    for price in sorted({row[0] for row in groups.rows}):
        shares = [r[3] for r in groups.rows if r[0] == price and r[1] is not None]
        if len(shares) > 1:
            apart = 100.0 * (max(shares) - min(shares))
            out.append(
                f"At the price {price:g} the shares left to a person differ by {apart:.1f} "
                "points between groups."
            )
    return out


def _share(above: NDArray[np.bool_], below: NDArray[np.bool_]) -> float | None:
    n = int(below.sum())
    return float(above.sum()) / n if n else None
