"""On what the audit ran. Outside the result hash, printed in the appendix."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "onnx",
    "onnxruntime",
    "skops",
    "torch",
    "safetensors",
    "optuna",
    "altair",
    "vl-convert-python",
    "typst",
)


def describe(device: str = "CPU") -> dict[str, Any]:
    """Versions and machine, without host or user names; `device` is where networks trained."""
    from auditapp import __version__

    return {
        "evenhand": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "device": device,
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
