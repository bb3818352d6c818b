"""People decided by two models, with differences that are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics import paired
from metrics.two_audits import Apart, Groups, Paired, Rules

METRICS = ("selection-rate", "tpr", "fpr", "precision", "accuracy")
RULES = Rules(metrics=METRICS, primary=("selection-rate",), tolerance=0.05)
SHARES = (0.5, 0.3, 0.12, 0.08)


@dataclass(frozen=True)
class People:
    """Codes of two columns, labels and two decisions."""

    race: NDArray[np.int64]
    sex: NDArray[np.int64]
    label: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def joint(self, codes: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        return paired.joint(codes, size, self.label, self.first, self.second)


def draw(rng: np.random.Generator, n: int, *, planted: float = 0.0, noise: float = 0.15) -> People:
    """Two exchangeable models; `planted` lowers the second's rate for the third race."""
    race = rng.choice(4, n, p=SHARES)
    sex = rng.integers(0, 2, n)
    merit = rng.normal(size=n) + 0.2 * (race == 0)
    label = (merit + rng.normal(size=n) > 0.5).astype(int)
    cut = 0.4
    first = (merit + noise * rng.normal(size=n) > cut).astype(int)
    second = (merit + noise * rng.normal(size=n) > cut).astype(int)
    if planted:
        yes = np.flatnonzero((race == 2) & (second == 1))
        many = round(planted * int((race == 2).sum()))
        second[rng.permutation(yes)[:many]] = 0
    return People(race, sex, label, first, second)


def tables(people: People, *, pairs: bool = True) -> tuple[Paired, list[Groups]]:
    """Race, sex, and both together."""
    race, sex = people.joint(people.race, 4), people.joint(people.sex, 2)
    found = [
        Groups(("race",), tuple((f"R{j}",) for j in range(4)), Paired(race[1:]), 0),
        Groups(("sex",), (("women",), ("men",)), Paired(sex[1:]), 0),
    ]
    if pairs:
        both = people.joint(people.race * 2 + people.sex, 8)
        words = tuple((f"R{j}", s) for j in range(4) for s in ("women", "men"))
        found.append(Groups(("race", "sex"), words, Paired(both[1:]), None))
    return Paired(race.sum(axis=0, keepdims=True)), found


def apart(one: People, other: People) -> tuple[Apart, list[Groups]]:
    """The first decisions of some people beside the second decisions of others."""
    found = []
    for name, words in (("race", [f"R{j}" for j in range(4)]), ("sex", ["women", "men"])):
        sides = []
        for people, drop in ((one, 3), (other, 2)):
            counts = people.joint(getattr(people, name), len(words)).sum(axis=drop)
            sides.append(counts[1:])
        found.append(Groups((name,), tuple((w,) for w in words), Apart(*sides), 0))
    evidence = found[0].evidence
    assert isinstance(evidence, Apart)
    return evidence.total(), found
