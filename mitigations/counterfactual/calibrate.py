"""Where on its path a group stops: by the estimated gap, then by the realised one.

The estimate redraws labels from P(Y=1 | x') at the new inputs; people keep their own. A path that
reaches zero by the estimate may therefore leave a gap among people, and goes on until that is
gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mitigations.counterfactual.descent import Limits, Path, closest
from mitigations.counterfactual.disparity import Disparity
from mitigations.counterfactual.group import Checked, Group
from mitigations.counterfactual.transport import Moved

Floats = NDArray[np.float64]

#: Transports solved for one stop at most; realised gap, and step, that are near enough.
TRIALS, NEAR, NARROW = 8, 5e-4, 0.05
#: Aims tried where several rates are to be met, what counts as met, and how near 0 or 1 they come.
ROUNDS, WITHIN, EDGE = 8, 1e-2, 1e-3


@dataclass(frozen=True, eq=False)
class Stop:
    """A place on the path of a group.

    Parameters
    ----------
    weight : (m,) float64
        Distribution of the group's inputs.
    estimated, realised
        Disparity there; realised is None where there are too few rows to check on.
    moved
        Plan that leads there.
    met
        Whether the wish is met, up to `NEAR` or what the data can tell.
    """

    weight: Floats
    estimated: float
    realised: float | None
    moved: Moved
    met: bool


@dataclass(eq=False)
class Trials:
    """Transports solved along one path, each once."""

    group: Group
    path: Path
    checked: Checked | None
    tick: Callable[[], None]
    plans: dict[float, Moved] = field(default_factory=dict)
    gaps: dict[float, float] = field(default_factory=dict)

    def plan(self, t: float) -> Moved:
        """Plan to a place on the path."""
        if t not in self.plans:
            self.tick()
            self.plans[t] = self.group.moved(self.path.at(t), self.tick)
        return self.plans[t]

    def gap(self, t: float) -> float:
        """Realised disparity there."""
        assert self.checked is not None
        if t not in self.gaps:
            self.gaps[t] = self.checked.signed(None if t == 0.0 else self.plan(t))
        return self.gaps[t]

    def stop(self, t: float, met: bool) -> Stop:
        """What is to be said of a place."""
        return stop_at(self.group, self.checked, self.path.at(t), self.plan(t), met)


def stop_at(
    group: Group, checked: Checked | None, weight: Floats, moved: Moved, met: bool
) -> Stop:
    """What is to be said of a distribution and the plan that leads there."""
    estimated = group.disparity.signed(group.inputs, weight)
    realised = None if checked is None else checked.signed(moved)
    return Stop(weight, estimated, realised, moved, met)


def estimated_stop(trials: Trials, share: float) -> Stop:
    """Where the estimate has closed this share of the gap."""
    wanted = (1.0 - share) * float(trials.path.signed[0])
    t, met = closest(trials.path, trials.group.disparity, trials.group.inputs, wanted)
    return trials.stop(t, met or trials.path.ended == "none")


def realised_stop(trials: Trials, share: float) -> Stop:
    """Where this share of the realised gap is closed, by at most `TRIALS` transports.

    Starts at the stop of the estimate; the trial nearest to the wish is kept.
    """
    if trials.checked is None:
        return estimated_stop(trials, share)
    path = trials.path
    first = trials.gap(0.0)
    wanted = (1.0 - share) * first
    if path.length == 0.0 or abs(first) <= NEAR or first * path.signed[0] < 0.0:
        return trials.stop(0.0, abs(first) <= NEAR)
    guess, _ = closest(
        path, trials.group.disparity, trials.group.inputs, (1.0 - share) * float(path.signed[0])
    )
    return _root(trials, wanted, guess if guess > 0.0 else path.length / 2.0)


def _root(trials: Trials, wanted: float, guess: float) -> Stop:
    """Beyond the last trial until the sign changes, then false position in the bracket."""
    end = trials.path.length
    sign = np.sign(trials.gap(0.0) - wanted)

    def off(t: float) -> float:
        return float(sign * (trials.gap(t) - wanted))

    t = guess
    high: float | None = None
    for _ in range(TRIALS):
        if abs(off(t)) <= NEAR:
            break
        high = min((k for k in trials.gaps if off(k) <= 0.0), default=None)
        low = max(k for k in trials.gaps if off(k) > 0.0 and (high is None or k < high))
        if high is None:
            if low >= end:
                break
            slope = (off(0.0) - off(low)) / low if low > 0.0 else 0.0
            t = min(end, low + 1.2 * off(low) / slope) if slope > 0.0 else end
        else:
            if high - low <= NARROW:
                break
            inside = low + (high - low) * off(low) / (off(low) - off(high))
            margin = 0.1 * (high - low)
            t = min(max(inside, low + margin), high - margin)
    best = min(trials.gaps, key=lambda k: (abs(off(k)), k))
    return trials.stop(best, high is not None or abs(off(best)) <= NEAR)


def shifted_stop(trials: Trials, limits: Limits, share: float) -> Stop:
    """Several rates at once: aim the estimate beside the target by what the last plan missed.

    One place on one path cannot bring two realised gaps to zero, since a path ends where the
    estimates are zero. The best of `ROUNDS` aims is kept, the group as it is among them.
    """
    group, checked = trials.group, trials.checked
    if checked is None:
        return estimated_stop(trials, share)
    rest = 1.0 - share
    wanted = rest * checked.gaps(None)
    target = np.array([group.disparity.target[name] for name in group.disparity.rates])
    aim = target + rest * group.disparity.gaps(group.inputs, group.start)
    best, least = trials.stop(0.0, False), float(np.abs(share * checked.gaps(None)).mean())
    for _ in range(ROUNDS):
        if least <= NEAR:
            break
        names = group.disparity.rates
        aimed = Disparity(group.disparity.kind, dict(zip(names, aim.tolist(), strict=True)))
        path = replace(group, disparity=aimed).path(limits, trials.tick)
        weight = path.at(closest(path, aimed, group.inputs)[0])
        moved = group.moved(weight, trials.tick)
        missed = checked.gaps(moved) - wanted
        if not np.isfinite(missed).all():
            break
        value = float(np.abs(missed).mean())
        if value < least:
            best, least = stop_at(group, checked, weight, moved, False), value
        aim = np.clip(aim - missed, EDGE, 1.0 - EDGE)
    return replace(best, met=least <= WITHIN)
