"""Two networks: one says who goes to a person, the other what everybody else is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from mitigations.encode import Encoder
from mitigations.rules.base import Rule, binary
from mitigations.rules.bins import scores

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]

#: Rows at a time; blocks are filled up to it, so that a row's answer does not depend on others.
BLOCK = 1024


@dataclass(frozen=True)
class Net:
    """Linear layers with rectifiers between them and a logistic end.

    Parameters
    ----------
    weights
        One (inputs, outputs) table for each layer.
    biases
        One row for each layer.
    """

    weights: tuple[tuple[tuple[float, ...], ...], ...]
    biases: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, weights: Sequence[Floats], biases: Sequence[Floats]) -> Net:
        """From arrays, six digits kept."""
        return cls(
            tuple(tuple(tuple(_short(v) for v in row) for row in layer) for layer in weights),
            tuple(tuple(_short(v) for v in row) for row in biases),
        )

    def __call__(self, x: Floats) -> Floats:
        """Probabilities of rows (n, inputs)."""
        layers = [
            (np.array(w, dtype=np.float64), np.array(b, dtype=np.float64))
            for w, b in zip(self.weights, self.biases, strict=True)
        ]
        out = np.zeros(len(x))
        for start in range(0, len(x), BLOCK):
            rows = x[start : start + BLOCK]
            block = np.zeros((BLOCK, x.shape[1]))
            block[: len(rows)] = rows
            for i, (weight, bias) in enumerate(layers):
                block = block @ weight + bias
                if i + 1 < len(layers):
                    block = np.maximum(block, 0.0)
            out[start : start + len(rows)] = expit(block[: len(rows), 0])
        return out

    def state(self) -> dict[str, Any]:
        """The network as JSON types."""
        return {
            "weights": [[list(row) for row in layer] for layer in self.weights],
            "biases": [list(row) for row in self.biases],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Net:
        """The network of a state."""
        return cls(
            tuple(tuple(tuple(row) for row in layer) for layer in state["weights"]),
            tuple(tuple(row) for row in state["biases"]),
        )


@dataclass(frozen=True)
class AbstainNets(Rule):
    """Who gets less than the limit of the group goes to a person.

    A row without a score is left to a person.

    Parameters
    ----------
    groups, slots
        Words of the protected axis, and the input each group switches on; the last input is that
        of unknown groups.
    encoder
        From raw columns to places.
    abstain
        Probability of being decided.
    limits
        Of each slot: below it a person decides.
    flip
        Probability of a favourable decision; the model decides where there is none.
    threshold
        Of the model.
    """

    kind = "abstain-nets"
    uses_group = True

    groups: tuple[str, ...]
    slots: tuple[int, ...]
    encoder: Encoder
    abstain: Net
    limits: tuple[float, ...]
    flip: Net | None
    threshold: float

    def slot(self, part: Part) -> NDArray[np.intp]:
        """Slot of each row."""
        known = (part.group >= 0) & (part.group < len(self.slots))
        table = np.array([*self.slots, len(self.limits) - 1])
        return table[np.where(known, part.group, len(self.slots))].astype(np.intp)

    def act(self, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
        """Probabilities, all 0 or 1."""
        score = scores(part, predict)
        missing = np.isnan(score)
        slot = self.slot(part)
        known = np.where(missing, self.threshold, score)
        x = inputs(self.encoder.transform(part.x), known, slot, len(self.limits))
        left = self.abstain(x) < np.array(self.limits)[slot]
        yes = known >= self.threshold if self.flip is None else self.flip(x) >= 0.5
        return binary(yes.astype(np.float64), left | missing)

    def state(self) -> dict[str, Any]:
        return {
            "groups": list(self.groups),
            "slots": list(self.slots),
            "encoder": self.encoder.state(),
            "abstain": self.abstain.state(),
            "limits": list(self.limits),
            "flip": None if self.flip is None else self.flip.state(),
            "threshold": self.threshold,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> AbstainNets:
        flip = state["flip"]
        return cls(
            tuple(state["groups"]),
            tuple(state["slots"]),
            Encoder.from_state(state["encoder"]),
            Net.from_state(state["abstain"]),
            tuple(state["limits"]),
            None if flip is None else Net.from_state(flip),
            float(state["threshold"]),
        )


def inputs(encoded: Floats, score: Floats, slot: NDArray[np.intp], slots: int) -> Floats:
    """Encoded columns, the score, and one place for each slot."""
    return np.hstack([encoded, score[:, None], np.eye(slots)[slot]])


def _short(value: float) -> float:
    return float(f"{float(value):.6g}")
