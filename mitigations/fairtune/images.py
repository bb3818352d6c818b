"""Pictures as inputs of a network: in memory where there is room, else read batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mitigations.contract import MethodError, Part

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mitigations.fairtune.trial import Inputs

#: Name of the pictures among `Part.blobs`.
BLOB = "image"
#: Architectures whose input is pictures.
ARCHITECTURES = ("vit", "convnet")
#: Pictures are kept in memory up to so many bytes.
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class OnDisk:
    """Pictures that are read when a batch needs them."""

    pictures: Any

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, ...]:
        """The pictures (B, 3, s, s) uint8 at some positions."""
        import torch

        # Disks and memory maps like rows in order.
        order = np.argsort(rows.numpy(), kind="stable")
        read = np.asarray(self.pictures[rows.numpy()[order]])
        out = np.empty_like(read)
        out[order] = read
        return (torch.from_numpy(out).to(device),)


def inputs(part: Part, device: str = "cpu", *, most: int = MOST_BYTES) -> Inputs:
    """The pictures of a part; on the device as a whole up to `most` bytes.

    Raises
    ------
    MethodError
        ``needs-images``: the rows have no pictures.
    """
    pictures = part.blobs.get(BLOB)
    if pictures is None:
        raise MethodError(
            "needs-images",
            "The network takes pictures, and the data have none.",
            "Audit an image set, or give pictures with --images.",
        )
    if pictures.nbytes > most:
        return OnDisk(pictures)
    import torch

    from mitigations.fairtune.trial import Tensors

    whole = torch.from_numpy(np.array(pictures, dtype=np.uint8))
    return Tensors((whole.to(torch.device(device)),))


def config(
    arch: str, size: int, *, dim: int = 32, depth: int = 4, patch: int | None = None,
    heads: int = 4, mean: tuple[float, ...] = (0.5, 0.5, 0.5),
    std: tuple[float, ...] = (0.5, 0.5, 0.5),
) -> dict[str, Any]:  # fmt: skip
    """Config of a small network for pictures of `size` pixels a side."""
    plain = {"vit": max(1, size // 8), "convnet": 2 if size >= 64 else 1}
    return {
        "schema": "evenhand/network/1",
        "arch": arch,
        "classes": 2,
        "positive": 1,
        "img_size": size,
        "patch": plain[arch] if patch is None else patch,
        "dim": dim,
        "depth": depth,
        "heads": heads,
        "channels": 3,
        "mean": list(mean),
        "std": list(std),
    }
