"""CPU and GPU agree to the tolerance that results print; skipped where there is no GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mitigations import device
from tests.gpu import agreement
from tests.gpu.agreement import Apart

GPU = "cuda:0"
pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="PyTorch finds no GPU on this machine"
)


def test_auto_takes_the_gpu_and_names_it() -> None:
    assert device.resolve("auto") == GPU
    assert device.name_of(GPU) == torch.cuda.get_device_name(0)
    assert device.describe(GPU)["device"] == "GPU"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_stack_scores_alike_on_both(precision: agreement.Precision) -> None:
    apart = Apart.of(agreement.stack("cpu", "float32"), agreement.stack(GPU, precision))
    assert apart.largest <= device.AGREEMENT[precision]
    assert apart.decided <= 0.01


def test_a_trial_scores_alike_on_both() -> None:
    apart = Apart.of(agreement.fine_tuned("cpu"), agreement.fine_tuned(GPU))
    assert apart.largest <= device.AGREEMENT["bfloat16"]
    assert apart.decided <= 0.01


def test_a_trial_of_the_head_alone_keeps_what_is_frozen() -> None:
    assert np.isfinite(agreement.fine_tuned(GPU, mask=())).all()
