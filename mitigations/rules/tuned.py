"""A fine-tuned network as a rule: favourable where its chance reaches a cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.rules.base import Rule, binary

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]
Json = dict[str, Any]

#: Rows at a time; the last ones are filled up, so that no answer depends on the other rows.
BLOCK = 256


@dataclass(frozen=True)
class Tuned(Rule):
    """A network of `mitigations.fairtune`.

    Parameters
    ----------
    config
        Of the network (`mitigations.fairtune.checkpoint`).
    weights
        All its arrays.
    columns
        Where it finds its columns (`mitigations.fairtune.columns.Place`); none for images.
    cut
        Chance from which a person is favoured.
    mask
        How it was made: ``groups`` that moved, ``bits`` of every group, ``lr``, ``epochs``,
        ``seed``, hashes of the start and of the data, and ``moved``, the arrays that differ.
    """

    kind = "tuned"

    config: Json
    weights: Mapping[str, NDArray[Any]] = field(repr=False)
    columns: tuple[Json, ...]
    cut: float
    mask: Json

    def scores(self, part: Part) -> Floats:
        """Chance of the favourable outcome, (n,) float64.

        Raises
        ------
        MethodError
            ``needs-images``: there are no images.
        """
        from mitigations.fairtune.apply import chances

        return chances(self, part)

    def act(self, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
        """Probabilities, all 0 or 1."""
        return binary((self.scores(part) >= self.cut).astype(np.float64))

    def at(self, cut: float) -> Tuned:
        """The same network with another cut."""
        return Tuned(self.config, self.weights, self.columns, float(cut), self.mask)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return dict(self.weights)

    def state(self) -> dict[str, Any]:
        return {
            "config": self.config,
            "columns": list(self.columns),
            "cut": self.cut,
            "mask": self.mask,
        }

    @classmethod
    def from_state(
        cls, state: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None
    ) -> Tuned:
        from mitigations.fairtune.checkpoint import check_config

        check_config(state["config"])
        if arrays is None:
            raise ValueError("a network without weights")
        return cls(
            dict(state["config"]), arrays, tuple(state["columns"]), float(state["cut"]),
            dict(state["mask"]),
        )  # fmt: skip

    @cached_property
    def _json(self) -> Json:
        return super().to_json()

    def to_json(self) -> dict[str, Any]:
        """As every rule; the hash of the weights is taken once."""
        return self._json

    def to_safetensors(self) -> bytes:
        """The whole network: a checkpoint that can be uploaded, or started from, again."""
        from mitigations.fairtune.checkpoint import to_bytes

        return to_bytes(self.config, self.weights)

    def extras(self) -> dict[str, bytes]:
        """The mask, and the arrays that differ from the start."""
        from mitigations.fairtune.checkpoint import to_bytes

        moved = {name: self.weights[name] for name in self.mask.get("moved", ())}
        text = json.dumps({"arch": self.config["arch"], **self.mask}, ensure_ascii=False, indent=1)
        out = {"mask.json": f"{text}\n".encode()}
        if moved:
            out["delta.safetensors"] = to_bytes(self.config, moved)
        return out

    def to_onnx(self) -> bytes | None:
        """Graph from x (n, d) float, raw columns, and u (n,) double; residual MLPs only."""
        if self.config["arch"] != "residual-mlp":
            return None
        from mitigations.fairtune.graph import residual_mlp

        return residual_mlp(self)
