"""The contract of a decision rule, and how its probabilities become decisions."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]

#: Third outcome of a rule: a person decides.
ABSTAIN = 2

#: kind -> "module:Class"; what a stored rule is read back by.
RULES: Mapping[str, str] = MappingProxyType(
    {
        "group-thresholds": "mitigations.rules.thresholds:GroupThresholds",
        "score-bins": "mitigations.rules.bins:ScoreBins",
        "shared-score-bins": "mitigations.rules.bins:SharedBins",
        "abstain-nets": "mitigations.rules.nets:AbstainNets",
        "rejector": "mitigations.rules.rejector:Rejector",
        "linear": "mitigations.rules.linear:Linear",
        "linear-by-group": "mitigations.rules.linear:LinearByGroup",
        "transport": "mitigations.rules.transport:Transport",
        "network": "mitigations.rules.network:Network",
        "tuned": "mitigations.rules.tuned:Tuned",
    }
)


class Rule(ABC):
    """Probabilities of {0, 1, abstain} for every row.

    A rule sees no label; it sees the group only where `uses_group` says so. Its state is plain
    JSON, never pickled.
    """

    kind: ClassVar[str]
    uses_group: ClassVar[bool] = False

    @abstractmethod
    def act(self, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
        """Probabilities, (n, 3) float64, rows summing to 1.

        Parameters
        ----------
        part
            Rows with what the rule needs: scores, features, or groups; y is not looked at.
        predict
            The audited model, for rules that change its inputs.
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything the rule is, as JSON types without ``kind``."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: Mapping[str, Any]) -> Rule:
        """The rule of a state."""

    def to_onnx(self) -> bytes | None:
        """The rule as an ONNX graph that takes u as an input; None where it cannot be one."""
        return None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Large arrays that stand beside the JSON: weights of a network. Most rules have none."""
        return {}

    def to_safetensors(self) -> bytes | None:
        """The arrays as a file other programs read; None for a rule without any."""
        return None

    def extras(self) -> dict[str, bytes]:
        """Further files worth handing out, by the end of their names: ``mask.json``."""
        return {}

    def to_json(self) -> dict[str, Any]:
        """State with the kind that `from_state` reads it back by, and the hash of the arrays."""
        arrays = self.arrays()
        beside = {"arrays": {"sha256": digest(arrays)}} if arrays else {}
        return {"kind": self.kind, **self.state(), **beside}

    @property
    def id(self) -> str:
        """SHA-256 of the canonical state, arrays included."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def from_state(data: Mapping[str, Any], arrays: Arrays | None = None) -> Rule:
    """Read a rule written by `Rule.to_json`.

    Parameters
    ----------
    arrays
        What `Rule.arrays` gave, where the state names their hash.

    Raises
    ------
    ValueError
        An unknown kind, or other arrays than those the state was written with.
    """
    state = dict(data)
    kind = state.pop("kind", None)
    if kind not in RULES:
        raise ValueError(f"{kind!r} is no kind of rule; known are {', '.join(RULES)}")
    module, name = RULES[kind].split(":")
    made = getattr(import_module(module), name)
    beside = state.pop("arrays", None)
    if beside is None:
        rule: Rule = made.from_state(state)
        return rule
    if arrays is None or digest(arrays) != beside["sha256"]:
        raise ValueError("the arrays of the rule are missing, or not those it was written with")
    rule = made.from_state(state, dict(arrays))
    return rule


def digest(arrays: Arrays) -> str:
    """SHA-256 of names, types, shapes and bytes, in the order of the names."""
    out = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        out.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        out.update(array.tobytes())
    return out.hexdigest()


def binary(favourable: Floats, abstain: NDArray[np.bool_] | None = None) -> Floats:
    """Probabilities of {0, 1, abstain} from those of 1, (n,), with the rows left to a person."""
    out = np.zeros((favourable.size, 3))
    out[:, 0], out[:, 1] = 1.0 - favourable, favourable
    if abstain is not None:
        out[abstain] = (0.0, 0.0, 1.0)
    return out


def uniforms(rule_id: str, row_key: NDArray[np.uint64]) -> Floats:
    """One number in [0, 1) per row, a function of rule and row alone.

    SplitMix64 of the row's key and the rule's: 53 bits of the mixed word over 2^53.

    Parameters
    ----------
    rule_id
        `Rule.id`.
    row_key : (n,) uint64
        Keys of the rows.

    References
    ----------
    Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014, figure 17.
    """
    seed = int.from_bytes(hashlib.blake2b(rule_id.encode(), digest_size=8).digest(), "big")
    with np.errstate(over="ignore"):
        word = row_key.astype(np.uint64) ^ np.uint64(seed)
        for _ in range(2):
            word = word + np.uint64(0x9E3779B97F4A7C15)
            word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            word = word ^ (word >> np.uint64(31))
    return (word >> np.uint64(11)).astype(np.float64) * 2.0**-53


def decide(
    rule: Rule, part: Part, predict: Callable[[Part], Floats] | None = None
) -> NDArray[np.int8]:
    """Realised decisions: 0, 1 or `ABSTAIN`, the inverse CDF of `Rule.act` at `uniforms`."""
    shares = rule.act(part, predict)
    u = uniforms(rule.id, part.row_key)
    out = np.full(len(part), ABSTAIN, dtype=np.int8)
    out[u < shares[:, 0] + shares[:, 1]] = 1
    out[u < shares[:, 0]] = 0
    # A rounding gap above the last sum is no wish to abstain.
    never = shares[:, 2] <= 1e-12
    out[never & (out == ABSTAIN)] = (shares[:, 1] > 0.0)[never & (out == ABSTAIN)]
    return out


def expected(rule: Rule, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
    """Probability of a favourable decision, (n,) float64, before any draw."""
    return rule.act(part, predict)[:, 1]
