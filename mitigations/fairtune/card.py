"""What FairTune says of itself, and how many trainings its settings ask for. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mitigations.contract import Card

CARD = Card(
    title="Fair fine-tuning (FairTune)",
    text=(
        "Adapts a trained network to the people of this audit and searches which of its parts to "
        "train, so that the group it tells apart worst is told apart better. It trains many "
        "networks, and says when fine-tuning the usual way does as well."
    ),
    source=(
        "Dutt, Bohdal, Tsaftaris, Hospedales, FairTune: optimizing parameter efficient fine "
        "tuning for fairness in medical image analysis, ICLR 2024 (the bi-level problem; anchors, "
        "fresh seeds and equal budgets are ours)"
    ),
    kind="tune",
    needs=frozenset({"label"}),
    lane="gpu",
    helped=True,
)

#: What the search is compared with, each with the budget of the search.
BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "probe": "Head only (linear probe)",
        "full": "Everything (full fine-tuning)",
        "norms": "Norms only",
        "scratch": "Everything, from new weights",
    }
)
#: Configurations of a curve that are trained for good, beside the chosen one.
CURVE = 4
SEARCHED = "Searched parts"
ZERO = "Not fine-tuned (zero-shot)"


def trainings(settings: Mapping[str, Any]) -> int:
    """How many networks these settings train at most; settings not given are the defaults.

    The network to start from is not counted, nor are trials that are stopped early counted less.

    Raises
    ------
    MethodError
        A setting cannot be read.
    """
    from mitigations.fairtune.method import FairTune
    from mitigations.parameters import build

    return count(build(FairTune, settings))


def count(method: Any) -> int:
    """Trainings of a method with its settings."""
    again = method.top * method.again + method.final
    others = method.baseline_trials if method.baseline_trials > 0 else method.trials
    arms = len(BASELINES) - (0 if method.scratch else 1)
    curve = CURVE * method.final if method.objective == "pareto" else 0
    return int(method.trials + again + arms * (others + again) + curve)
