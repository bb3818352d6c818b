"""Ask a fine-tuned network about people, in a way that is the same on every machine."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from mitigations.contract import MethodError
from mitigations.fairtune import columns, images, networks
from mitigations.fairtune.checkpoint import Checkpoint
from mitigations.fairtune.threads import one_thread
from mitigations.rules.tuned import BLOCK, Tuned

if TYPE_CHECKING:
    from mitigations.contract import Part

#: Scores that were asked for last: a point is measured, drawn and compared on the same rows.
_KEPT: OrderedDict[tuple[str, bytes], NDArray[np.float64]] = OrderedDict()
_MOST_KEPT = 8


def chances(rule: Tuned, part: Part) -> NDArray[np.float64]:
    """Chance of the favourable outcome of every row, (n,)."""
    rows, key = _rows(rule, part)
    found = _KEPT.get(key)
    if found is None:
        found = _ask(rule, rows)
        _KEPT[key] = found
        while len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return found.copy()


def _rows(rule: Tuned, part: Part) -> tuple[Any, tuple[str, bytes]]:
    import hashlib

    where = [columns.Place.from_state(state) for state in rule.columns]
    seen = hashlib.blake2b(digest_size=16)
    if Checkpoint(rule.config, {}).tabular:
        x = np.ascontiguousarray(part.x[:, [place.slot for place in where]])
        seen.update(f"{x.shape}".encode() + x.tobytes())
        numbers, codes = columns.encode(rule.config, where, part.x)
        rows: Any = (numbers.astype(np.float64), codes)
    else:
        if images.BLOB not in part.blobs:
            raise MethodError(
                "needs-images",
                "The rule looks at pictures, and there are none.",
                "Give the image set that the people of the table are in.",
            )
        rows = part.blobs[images.BLOB]
        seen.update(f"{rows.shape}".encode())
        for start in range(0, len(rows), BLOCK):
            seen.update(np.ascontiguousarray(rows[start : start + BLOCK]).tobytes())
    return rows, (f"{rule.to_json()['arrays']['sha256']}|{rule.columns}", seen.digest())


def _ask(rule: Tuned, rows: Any) -> NDArray[np.float64]:
    """Blocks of the same size, one thread: no answer depends on the other rows."""
    config = rule.config
    net = networks.load(Checkpoint(config, dict(rule.weights))).eval()
    tabular = isinstance(rows, tuple)
    n = len(rows[1] if tabular else rows)
    out = np.zeros(n)
    if tabular:
        net = net.double()
    with one_thread(), torch.no_grad():
        for start in range(0, n, BLOCK):
            if tabular:
                given = tuple(_padded(torch.as_tensor(a[start : start + BLOCK])) for a in rows)
            else:
                block = np.array(rows[start : start + BLOCK])
                given = (_padded(torch.from_numpy(block)),)
            chance = torch.softmax(net(*given).double(), dim=1)[:, int(config["positive"])]
            out[start : start + BLOCK] = chance.numpy()[: n - start]
    return out


def _padded(block: torch.Tensor) -> torch.Tensor:
    out = torch.zeros((BLOCK, *block.shape[1:]), dtype=block.dtype)
    out[: len(block)] = block
    return out
