"""From settings to points: train every form, cut at one share of people, guard, and say what was
found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metrics.local import score_sd
from mitigations.contract import Context, MethodError, Outcome, Point, Problem
from mitigations.parity import gap
from mitigations.road import forms, select, tables
from mitigations.road.card import Asked, asked
from mitigations.road.forms import Made
from mitigations.road.prepare import Prepared, prepare
from mitigations.road.select import Facts, Summary
from mitigations.rules.network import Network

if TYPE_CHECKING:
    from mitigations.road.method import Road

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """One setting with its rules and what validation rows say of it."""

    asked: Asked
    rules: tuple[Network, ...]
    summary: Summary


def run(method: Road, problem: Problem, context: Context) -> Outcome:
    """Points, tables and remarks."""
    context.record(precision=method.precision)
    data = prepare(method, problem, context)
    wanted = asked(method.strengths, method.temperatures, method.rivals, method.published)
    made = forms.train_all(method, data, wanted, context)
    found = settle(wanted, made, data, problem)
    plain = found[0]
    offered = [s for s in found if s.summary.usable]
    place, front = select.choose([s.summary for s in offered], plain.summary)
    watched = _watched(offered, plain.summary, place)
    shown = {
        "training": tables.training(context, method, len(wanted) * method.seeds),
        "settings": tables.settings(found, offered, front, place, plain),
        "descriptors": tables.descriptors(data),
        "weight-went": tables.weight_went(data, problem, plain, watched),
    }
    notes = (*data.notes, *made.notes, *tables.notes(found, offered, place, plain, data))
    return Outcome(
        tuple(_point(s, chosen=place is not None and s is offered[place]) for s in offered),
        {name: table for name, table in shown.items() if table is not None},
        notes,
        data.regions,
        tuple(s.asked.id for s in watched),
    )


def settle(wanted: Sequence[Asked], made: Made, data: Prepared, problem: Problem) -> list[Setting]:
    """Cut every network at the share of people that those without a penalty decide favourably.

    Raises
    ------
    MethodError
        ``training-failed``: no network without a penalty ended in finite numbers.
    """
    networks = {
        one: [Network.of(data.encoder, layers, 0.0) for layers in made.layers[one] if layers]
        for one in wanted
    }
    encoded = data.encoder.transform(data.valid.x)
    outputs = {one: [net.encoded(encoded) for net in nets] for one, nets in networks.items()}
    plain = next(one for one in wanted if one.form == "plain")
    if not outputs[plain]:
        raise MethodError(
            "training-failed",
            "Even without a penalty the training ended in numbers that are not finite.",
            "Look for columns with very large values, or take fewer steps.",
        )
    share = select.positive_share(outputs[plain])
    assert data.valid.y is not None
    base = float(np.mean([select.auc(output, data.valid.y) for output in outputs[plain]]))
    return [
        _settled(
            one, networks[one], outputs[one], len(made.layers[one]), share, base, data, problem
        )
        for one in wanted
    ]


def _settled(
    one: Asked,
    networks: Sequence[Network],
    outputs: Sequence[Floats],
    trained: int,
    share: float,
    base: float,
    data: Prepared,
    problem: Problem,
) -> Setting:
    rules, facts, collapsed = [], [], 0
    for net, output in zip(networks, outputs, strict=True):
        rule = net.at(select.cut_at(output, share))
        rules.append(rule)
        facts.append(_facts(output, rule.cut, data, problem))
        collapsed += not select.stands(output, facts[-1].auc, base)
    return Setting(one, tuple(rules), Summary(tuple(facts), collapsed, trained - len(networks)))


def _facts(output: Floats, cut: float, data: Prepared, problem: Problem) -> Facts:
    valid, yes = data.valid, (output > cut).astype(np.float64)
    assert valid.y is not None
    everybody = np.ones(len(valid), dtype=bool)
    try:
        apart = gap(yes, valid, everybody, data.to)
    except (ValueError, FloatingPointError):
        apart = 0.0
    return Facts(
        accuracy=float(np.mean(yes == valid.y)),
        auc=select.auc(output, valid.y),
        sd=score_sd(1.0 / (1.0 + np.exp(-np.clip(output, -50.0, 50.0)))),
        gap=apart,
        rank=data.regions.rank_gap(problem, valid, output),
    )


def _watched(offered: Sequence[Setting], plain: Summary, place: int | None) -> list[Setting]:
    """No penalty, the best explicit setting, and the best of the others, by their local gap."""
    out = [s for s in offered if s.asked.form == "plain"]
    others = [s for s in offered if s.asked.form not in ("plain", "dfr", "groupdro")]
    for explicit in (True, False):
        kind = [s for s in others if (s.asked.form == "explicit") == explicit]
        cheap = [
            s for s in kind if s.summary.mean("accuracy") >= plain.mean("accuracy") - select.COST
        ]
        if kind:
            out.append(min(cheap or kind, key=lambda s: s.summary.mean("rank")))
    if place is not None and offered[place] not in out:
        out.append(offered[place])
    return out


def _point(setting: Setting, *, chosen: bool) -> Point:
    one = setting.asked
    return Point(
        id=one.id,
        label=one.label,
        settings={
            "form": one.form,
            "lambda": one.lam,
            "tau": one.tau,
            "seeds": len(setting.rules),
            "selected": chosen,
        },
        rules=setting.rules,
        chosen_on="valid",
    )
