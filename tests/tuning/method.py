"""The remedy: it goes on from a network, and does nothing."""

from __future__ import annotations

from dataclasses import dataclass

from mitigations.contract import Card, Context, Method, Outcome, Problem
from mitigations.parameters import param


@dataclass(frozen=True)
class Tuning(Method):
    card = Card(
        "Tuning", "Fine-tunes a network.", "A source, section 1", "tune",
        needs=frozenset({"label", "features", "start"}), lane="gpu",
    )  # fmt: skip

    trials: int = param(10, 1, 100, label="Trials", help="How many.")

    def fit(self, problem: Problem, context: Context) -> Outcome:
        return Outcome(())
