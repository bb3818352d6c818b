"""Repair of one group, the target that moves people least, and the rules that come out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mitigations.contract import Context, MethodError, Point, Problem, Status
from mitigations.counterfactual.calibrate import (
    Stop,
    Trials,
    estimated_stop,
    realised_stop,
    shifted_stop,
)
from mitigations.counterfactual.descent import Limits, Path, closest, evenness
from mitigations.counterfactual.disparity import RATES, Disparity
from mitigations.counterfactual.group import Group, check
from mitigations.counterfactual.people import Aim, People
from mitigations.rules.space import Space
from mitigations.rules.transport import Transport

#: Largest rule, bytes of JSON.
LARGEST = 16_000_000
#: Effective share of people below which a remark is made.
UNEVEN = 0.6
#: Rates tried between the lowest and the highest of the groups.
CANDIDATES = 5


@dataclass(frozen=True, eq=False)
class Repair:
    """What was found for one group.

    Parameters
    ----------
    group, path
        The group and its path.
    estimated
        Where the estimate has closed the gap.
    stops
        Share of the gap -> where that share of the realised gap is closed.
    before
        Realised disparity of the group as it is; None where there are too few rows.
    """

    group: Group
    path: Path
    estimated: Stop
    stops: Mapping[float, Stop]
    before: float | None

    @property
    def last(self) -> Stop:
        """The stop that closes most."""
        return self.stops[max(self.stops)]


def repair(
    problem: Problem,
    context: Context,
    checked: People,
    to: Aim,
    limits: Limits,
    shares: Sequence[float],
    group: Group,
) -> Repair:
    """Follow a group's path and stop where each share of the gap is closed."""

    def tick() -> None:
        context.tick(0, 1, f"moving {group.name}")

    path = group.path(limits, tick)
    trials = Trials(group, path, check(problem, group, checked, to, tick), tick)
    estimated = estimated_stop(trials, 1.0)
    several = group.disparity.kind in ("odds", "odds-squared")
    stops = {
        share: shifted_stop(trials, limits, share) if several else realised_stop(trials, share)
        for share in sorted(shares, reverse=True)
    }
    before = None if trials.checked is None else trials.gap(0.0)
    return Repair(group, path, estimated, stops, before)


def least_move(
    groups: Sequence[Group], to: Aim, limits: Limits, context: Context
) -> tuple[Aim, list[Group], list[str]]:
    """The common rate to which people are moved least, sum over groups of their mean distance.

    Only one rate can be sought so; with several, or for inputs, the groups stay as they are aimed.
    """
    rates = RATES[groups[0].disparity.kind]
    if rates == ("inputs",) or len(rates) > 1:
        return to, list(groups), [
            "A rate that moves people least is sought for one rate alone; groups are brought to "
            "the rate over all of them."
        ]  # fmt: skip
    name = rates[0]
    now = [group.inputs.rate(name, group.start) for group in groups]
    mass = np.array([group.people.weight.sum() for group in groups])
    best, least = to.fitted[name], np.inf
    candidates = np.linspace(min(now), max(now), CANDIDATES)
    for done, rate in enumerate(candidates):
        total = 0.0
        for group, part in zip(groups, mass / mass.sum(), strict=True):
            context.tick(done, CANDIDATES, "comparing targets")
            some = replace(group, disparity=Disparity(group.disparity.kind, {name: float(rate)}))
            path = some.path(limits, lambda: context.tick(0, 1, "comparing targets"))
            t, met = closest(path, some.disparity, some.inputs)
            cost = some.moved(path.at(t), lambda: context.tick(0, 1, "comparing targets")).cost
            total += part * cost if met or path.ended == "none" else np.inf
        if total < least:
            best, least = float(rate), total
    aimed = {name: best}
    moved = [replace(g, disparity=Disparity(g.disparity.kind, aimed)) for g in groups]
    return replace(to, fitted=aimed, checked=aimed), moved, []


def points(
    problem: Problem, space: Space, kind: str, shares: Sequence[float], repairs: Sequence[Repair]
) -> tuple[Point, ...]:
    """A rule for each share of the gap, and one stopped on the estimate alone."""
    out = []
    for share in shares:
        stops = [found.stops[share] for found in repairs]
        percent = f"{100 * share:g}"
        label = "Gap closed" if share == 1.0 else f"{percent}% of the gap closed"
        settings = {"equal": kind, "close": share, "stop": "realised"}
        slug = f"close-{percent.replace('.', '-')}"
        out.append(
            Point(
                slug, label, {**settings, **_facts(repairs, stops)},
                (_rule(problem, space, repairs, stops),), "valid", _status(stops),
            )
        )  # fmt: skip
    stops = [found.estimated for found in repairs]
    if any((found.estimated.weight != found.last.weight).any() for found in repairs):
        out.append(
            Point(
                "estimate", "Gap closed by the estimate",
                {"equal": kind, "close": 1.0, "stop": "estimated", **_facts(repairs, stops)},
                (_rule(problem, space, repairs, stops),), "fixed", _status(stops),
            )
        )  # fmt: skip
    return tuple(out)


def _facts(repairs: Sequence[Repair], stops: Sequence[Stop]) -> dict[str, object]:
    return {
        "moved": {
            found.group.name: stop.moved.share for found, stop in zip(repairs, stops, strict=True)
        }
    }


def _status(stops: Sequence[Stop]) -> Status:
    return "ok" if all(stop.met for stop in stops) else "relaxed"


def _rule(
    problem: Problem, space: Space, repairs: Sequence[Repair], stops: Sequence[Stop]
) -> Transport:
    maps = {
        found.group.code: (found.group.support, stop.moved.plan)
        for found, stop in zip(repairs, stops, strict=True)
    }
    rule = Transport(problem.group_names, problem.threshold, space, maps)
    size = len(json.dumps(rule.to_json()))
    if size > LARGEST:
        raise MethodError(
            "too-large",
            f"The rule takes {size / 1e6:.0f} MB, {LARGEST / 1e6:.0f} MB are allowed.",
            "Lower the number of different inputs, or leave columns out.",
        )
    return rule


def remarks(repairs: Sequence[Repair], inputs: int) -> list[str]:
    """What the reader must know about the stops."""
    out = []
    for found in repairs:
        name, stop = found.group.name, found.last
        even = evenness(stop.weight, found.group.start)
        if not stop.met:
            out.append(f"{name}: the target is not reached; {_why(found)}.")
        if even < UNEVEN:
            out.append(
                f"{name}: the new distribution rests on {100 * even:.0f}% of the people; below "
                f"{100 * UNEVEN:.0f}% it is an uncertain one."
            )
        if stop.realised is None:
            out.append(
                f"{name}: there are too few validation rows to stop on the realised gap; the "
                "estimate alone decided."
            )
        if found.group.lost > 0.0:
            out.append(
                f"{name}: {inputs:,} inputs stand for all; the mean distance to them is "
                f"{found.group.lost:.2f}."
            )
        if stop.moved.held > 1e-9:
            out.append(
                f"{name}: {100 * stop.moved.held:.1f}% of the people stay, since they could only "
                "have been moved against a direction."
            )
    return out


def _why(found: Repair) -> str:
    if found.before is not None and found.before * float(found.path.signed[0]) < 0.0:
        return "on the validation rows the gap points the other way"
    if found.estimated.met and found.path.ended != "none":
        return (
            "along the path the estimated gap closes, but people keep their labels and the "
            "realised gap does not follow"
        )
    return {
        "ratio": "the cap on the density ratio, or fixed columns, leave nothing more to move",
        "evenness": "the new distribution would rest on too few people",
        "none": "there was no gap on the rows to fit on",
    }.get(found.path.ended, f"after {found.path.length:.0f} steps the path ends before")
