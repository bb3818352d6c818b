"""Where networks are computed: found once, said in the result."""

from __future__ import annotations

import re
from typing import Any

from mitigations.contract import MethodError

#: What may be asked for; ``auto`` takes the first GPU there is.
CHOICES = re.compile(r"auto|cpu|cuda(:\d+)?")
#: Largest difference of a score between a CPU and a GPU after the same training, by precision:
#: what tests/gpu demands. On one CPU, weights changed in the seventh digit before 300 steps move
#: a score by up to 0.006, and 16 bits by up to 0.03.
AGREEMENT = {"float32": 0.02, "bfloat16": 0.06}


def resolve(wanted: str) -> str:
    """``cpu`` or ``cuda:0``, as torch calls it.

    Raises
    ------
    MethodError
        ``no-device``: this machine, or this build of torch, has no such device.
    """
    if wanted == "cpu":
        return "cpu"
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda:0" if count else "cpu"
    place = int(wanted.partition(":")[2] or 0)
    if place >= count:
        raise MethodError(
            "no-device",
            f"The device {wanted} was asked for, and PyTorch finds {count} GPUs.",
            "Set EVENHAND_DEVICE (--device on the command line) to auto or cpu.",
        )
    return f"cuda:{place}"


def describe(device: str, precision: str = "float32") -> dict[str, Any]:
    """What the result says of it; the same for every machine of a kind."""
    return {
        "device": "GPU" if device.startswith("cuda") else "CPU",
        "precision": precision,
        "agreement": AGREEMENT.get(precision),
    }


def name_of(device: str) -> str:
    """The device in words of its maker."""
    if not device.startswith("cuda"):
        return "CPU"
    import torch

    return str(torch.cuda.get_device_name(device))
