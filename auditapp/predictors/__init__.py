"""Models that are audited: recognise an uploaded one, run it, or train a reference model.

Adding a format is one file with ``check``, ``describe`` and ``scores``, one line here and one
page in the documentation.
"""

from __future__ import annotations

from auditapp.predictors.base import inspect_model, predict, predict_classes

#: format slug -> module; the order is the order in which a file is tried
REGISTRY = {
    "onnx": "auditapp.predictors.onnx",
    "skops": "auditapp.predictors.skops",
    "network": "auditapp.predictors.network",
}

__all__ = ["REGISTRY", "inspect_model", "predict", "predict_classes"]
