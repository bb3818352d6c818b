"""Remedies: each produces decision rules that `metrics` measures; none marks its own work."""

from __future__ import annotations

#: slug -> "module:Class"; resolved on use, so that importing this package costs nothing.
REGISTRY: dict[str, str] = {
    "thresholds": "mitigations.thresholds:Thresholds",
    "exponentiated-gradient": "mitigations.reductions:ExponentiatedGradient",
    "grid-search": "mitigations.reductions:GridSearch",
    "threshold-optimizer": "mitigations.threshold_optimizer:ThresholdOptimizer",
    "correlation-remover": "mitigations.correlation:CorrelationRemover",
    "reweighing": "mitigations.reweighing:Reweighing",
    "abstention": "mitigations.abstention:Abstention",
    "reject": "mitigations.reject:Reject",
    "penalty": "mitigations.penalty:PenalisedRegression",
    "counterfactual": "mitigations.counterfactual.method:Counterfactual",
    "road": "mitigations.road.method:Road",
    "fairtune": "mitigations.fairtune.method:FairTune",
}
