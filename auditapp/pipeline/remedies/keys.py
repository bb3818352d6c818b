"""A number for each person that depends on what the table says of them and on nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets.table import Table

#: Fixed, so that a rule answers the same wherever it is applied.
KEY = "evenhand-row-key"
MIX = np.uint64(0x9E3779B97F4A7C15)


def of(table: Table, columns: Sequence[str]) -> NDArray[np.uint64]:
    """Keyed hash of some columns of every row, (n,) uint64.

    Values are hashed as the keys groups are told apart by, so 1 and 1.0 are one value and the
    order of rows does not matter. A picture is hashed by its pixels.
    """
    import pandas as pd

    out = np.zeros(table.n_rows, dtype=np.uint64)
    for place, name in enumerate(dict.fromkeys(columns)):
        levels, codes = table.codes(name)
        texts = np.asarray([f"{place}={level}" for level in levels] + [f"{place} blank"], object)
        hashed = pd.util.hash_array(texts, hash_key=KEY, categorize=False)
        with np.errstate(over="ignore"):
            out = out * MIX + hashed[codes]
    if table.images is not None:
        with np.errstate(over="ignore"):
            out = out * MIX + _pictures(table.images)
    return out


def _pictures(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    key = KEY.encode()
    digests = b"".join(hashlib.blake2b(i, digest_size=8, key=key).digest() for i in images)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
