"""Raw columns as numbers for linear models and nets: fitted on training rows, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Column

Floats = NDArray[np.float64]

#: Levels of one column that get a place of their own; rarer ones share none.
MOST_LEVELS = 50


@dataclass(frozen=True)
class Encoder:
    """Standardised numbers and one place for each level.

    A number x becomes (x - mean) / sd, a missing one 0 with a flag in a place of its own where
    training rows missed any. A code becomes 1 in the place of its level; codes not among the
    `MOST_LEVELS` most frequent of the training rows, and missing ones, are 0 in all places.

    Parameters
    ----------
    columns
        ``(name, slot, kind, facts)``: for numbers ``{"mean", "sd", "flag"}``, for codes
        ``{"codes"}``.
    """

    columns: tuple[tuple[str, int, str, Mapping[str, Any]], ...]

    @classmethod
    def fit(cls, columns: Sequence[Column], x: NDArray[np.float32]) -> Encoder:
        """Learn means, deviations and levels from training rows, (n, d)."""
        out: list[tuple[str, int, str, Mapping[str, Any]]] = []
        for column in columns:
            values = x[:, column.slot].astype(np.float64)
            known = values[np.isfinite(values)]
            if column.kind == "categorical":
                codes, n = np.unique(known, return_counts=True)
                order = np.lexsort((codes, -n))[:MOST_LEVELS]
                facts: dict[str, Any] = {"codes": sorted(int(c) for c in codes[order])}
            else:
                sd = float(known.std()) if known.size else 0.0
                facts = {
                    "mean": float(known.mean()) if known.size else 0.0,
                    "sd": sd if sd > 0.0 else 1.0,
                    "flag": bool(known.size < values.size),
                }
            out.append((column.name, column.slot, column.kind, facts))
        return cls(tuple(out))

    @property
    def width(self) -> int:
        """Places of an encoded row."""
        return len(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """What each place holds."""
        out: list[str] = []
        for name, _, kind, facts in self.columns:
            if kind == "categorical":
                out += [f"{name}={code}" for code in facts["codes"]]
            else:
                out += [name, f"{name} missing"] if facts["flag"] else [name]
        return tuple(out)

    def transform(self, x: NDArray[np.float32]) -> Floats:
        """Encoded rows, (n, width) float64."""
        parts: list[Floats] = []
        for _, slot, kind, facts in self.columns:
            values = x[:, slot].astype(np.float64)
            if kind == "categorical":
                codes = np.asarray(facts["codes"], dtype=np.float64)
                parts.append((values[:, None] == codes[None, :]).astype(np.float64))
                continue
            missing = ~np.isfinite(values)
            scaled = np.where(missing, 0.0, (values - facts["mean"]) / facts["sd"])
            parts.append(scaled[:, None])
            if facts["flag"]:
                parts.append(missing[:, None].astype(np.float64))
        return np.hstack(parts) if parts else np.zeros((len(x), 0))

    def sparse(self, x: NDArray[np.float32]) -> Any:
        """Encoded rows as scipy's csr_array: most places of codes are 0."""
        from scipy.sparse import csr_array, hstack

        parts: list[Any] = [csr_array((len(x), 0))]
        for column in self.columns:
            if column[2] != "categorical":
                parts.append(csr_array(Encoder((column,)).transform(x)))
                continue
            codes = np.asarray(column[3]["codes"], dtype=np.float64)
            values = x[:, column[1]].astype(np.float64)
            place = np.searchsorted(codes, values).clip(0, max(codes.size - 1, 0))
            rows = np.flatnonzero(codes[place] == values) if codes.size else np.zeros(0, int)
            parts.append(
                csr_array((np.ones(rows.size), (rows, place[rows])), (len(x), codes.size))
            )
        return hstack(parts, format="csr")

    def state(self) -> list[dict[str, Any]]:
        """The encoder as JSON types."""
        return [
            {"name": name, "slot": slot, "kind": kind, **facts}
            for name, slot, kind, facts in self.columns
        ]

    @classmethod
    def from_state(cls, state: Sequence[Mapping[str, Any]]) -> Encoder:
        """The encoder of a state."""
        own = {"name", "slot", "kind"}
        return cls(
            tuple(
                (c["name"], c["slot"], c["kind"], {k: v for k, v in c.items() if k not in own})
                for c in state
            )
        )
