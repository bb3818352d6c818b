"""Rules of the arms of a search, and the points they are offered as."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Arm, Point, Status
from mitigations.fairtune import card
from mitigations.fairtune.groups import in_words
from mitigations.fairtune.search import Config, Final, Found
from mitigations.fairtune.start import Start, labelled
from mitigations.rules.tuned import Tuned

if TYPE_CHECKING:
    from mitigations.fairtune.fit import Prepared
    from mitigations.fairtune.method import FairTune

Floats = NDArray[np.float64]

#: Spread of the scores below which a network says the same of everybody.
NEAR_CONSTANT = 0.02
SLUGS = {"searched": "searched", "probe": "linear-probe", "full": "full", "norms": "norms",
         "scratch": "from-scratch"}  # fmt: skip


def points(
    method: FairTune, prepared: Prepared, found: list[Found]
) -> tuple[tuple[Point, ...], tuple[Arm, ...]]:
    """One point for each arm with a rule for each final seed, the selected one, the start."""
    out: list[Point] = []
    arms: list[Arm] = []
    for arm in found:
        made = [_tuned(method, prepared, arm, final) for final in arm.finals]
        settings = {"arm": arm.arm.slug, **_said(arm.chosen), "epochs": method.epochs}
        slug = SLUGS[arm.arm.slug]
        out.append(_point(prepared, slug, arm.arm.label, settings, made))
        arms.append(
            Arm(slug, arm.arm.label, tuple(made), arm.trainings, arm.valid, arm is found[0])
        )
        if arm is found[0] and len(made) > 1:
            best = int(np.argmax([final.value for final in arm.finals]))
            chosen = {**settings, "checkpoint": "selected", "seed": arm.finals[best].seed}
            label = f"{arm.arm.label}, selected checkpoint"
            out.append(_point(prepared, "selected", label, chosen, [made[best]]))
    if prepared.start.known_head:
        rule = _start(method, prepared)
        if not _as_audited(prepared, rule):
            out.append(_point(prepared, "zero-shot", card.ZERO, {"arm": "zero"}, [rule]))
        arms.append(Arm("zero-shot", card.ZERO, (rule,), 0, _value(prepared, rule)))
    return tuple(out), tuple(arms)


def curve(
    method: FairTune, prepared: Prepared, found: Found,
    configs: list[tuple[Config, tuple[Final, ...]]],
) -> tuple[Point, ...]:  # fmt: skip
    """Points for further configurations of the curve of two objectives."""
    out = []
    for i, (config, finals) in enumerate(configs):
        arm = replace(found, reranked=(config,), finals=finals)
        made = [_tuned(method, prepared, arm, final) for final in finals]
        settings = {"arm": "searched", **_said(config), "epochs": method.epochs}
        label = f"{card.SEARCHED}, curve {i + 1}"
        out.append(_point(prepared, f"curve-{i + 1}", label, settings, made))
    return tuple(out)


def _said(config: Config) -> dict[str, Any]:
    return {"mask": config.words, "lr": config.lr}


def _tuned(method: FairTune, prepared: Prepared, found: Found, final: Final) -> Tuned:
    masks = prepared.loaded.masks
    config = found.chosen
    bits = {group: int(group in config.mask) for group in masks.by_group}
    told = {
        "groups": sorted(config.mask),
        "bits": bits,
        "words": in_words(config.mask, masks.by_group),
        "fresh": found.arm.fresh,
        "lr": config.lr,
        "epochs": method.epochs,
        "batch": method.batch,
        "seed": final.seed,
        "seeds": [f.seed for f in found.finals],
        "start": prepared.start.checkpoint.sha256,
        "data": prepared.data,
        "moved": sorted(final.arrays),
    }
    return _rule(method, prepared, final.arrays, told)


def _start(method: FairTune, prepared: Prepared) -> Tuned:
    made = {"groups": [], "start": prepared.start.checkpoint.sha256, "moved": []}
    return _rule(method, prepared, {}, made)


def _as_audited(prepared: Prepared, rule: Tuned) -> bool:
    """Whether a rule decides about the validation rows just as the audited system does."""
    valid = prepared.problem.valid
    if valid.decision is None:
        return False
    return bool(np.array_equal(rule.act(valid)[:, 1], valid.decision))


def _rule(
    method: FairTune, prepared: Prepared, arrays: dict[str, NDArray[Any]], mask: dict[str, Any]
) -> Tuned:
    start: Start = prepared.start
    whole = start.checkpoint.with_arrays(arrays)
    places = tuple(place.state() for place in start.places)
    rule = Tuned(whole.config, whole.arrays, places, prepared.problem.threshold, mask)
    return rule if method.cut == "threshold" else rule.at(_cut(prepared, rule))


def _cut(prepared: Prepared, rule: Tuned) -> float:
    """The chance that as large a share of the validation rows reaches as is favoured now."""
    valid = prepared.problem.valid
    decided = valid.decision
    if decided is None or not (decided >= 0).any():
        return rule.cut
    share = float((decided[decided >= 0] == 1).mean())
    ordered = np.sort(rule.scores(valid))[::-1]
    place = round(share * len(ordered))
    if place <= 0:
        return float(np.nextafter(1.0, 2.0))
    if place >= len(ordered):
        return 0.0
    return float((ordered[place - 1] + ordered[place]) / 2)


def _value(prepared: Prepared, rule: Tuned) -> float:
    valid = prepared.problem.valid
    rows = np.flatnonzero(labelled(valid))
    return prepared.loaded.objective(rule.scores(valid.take(rows)))


def _point(
    prepared: Prepared, slug: str, label: str, settings: dict[str, Any], made: list[Tuned]
) -> Point:
    score = made[0].scores(prepared.problem.valid)
    alike = score.std() < NEAR_CONSTANT or not (score >= made[0].cut).any()
    status: Status = "collapsed" if alike or bool((score >= made[0].cut).all()) else "ok"
    clean = {k: (None if isinstance(v, float) and not math.isfinite(v) else v)
             for k, v in settings.items()}  # fmt: skip
    return Point(slug, label, clean, tuple(made), "valid", status)
