"""Count tables that the benchmarks and tests of the verdicts draw from.

One is counted from the ACSIncome task with a logistic reference model; the other has the same
structure (9 x 2 x 5 groups, shares of the same order, true gaps between groups) and is computed
from a few rounded shares and odds, so that the same checks run where the data are absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FloatArray = NDArray[np.float64]

SHAPE = (9, 2, 5, 2, 2)
"""Race, sex, marital status, label, decision."""

_TASK = Path("data") / "acs-folktables-2018"
_RACE = (78.0, 8.9, 0.7, 0.05, 0.12, 5.8, 0.18, 3.8, 2.5)
_SEX = (52.0, 48.0)
_MARITAL = (54.7, 2.1, 10.7, 1.7, 30.8)
_RACE_ODDS = (0.0, -0.45, -0.7, -0.8, -0.6, 0.25, -0.3, -0.75, -0.25)
_SEX_ODDS = (0.3, -0.4)
_MARITAL_ODDS = (0.35, -0.15, 0.0, -0.5, -0.8)


def population() -> tuple[str, FloatArray]:
    """Return a name and the shares of a population in the cells of SHAPE, summing to 1."""
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("EVENHAND_SHARED", root.parent / "shared")) / _TASK
    if folder.is_dir():
        return "ACSIncome", acs(folder)
    return "simulated", simulated()


def simulated() -> FloatArray:
    """Return a population with the structure of ACSIncome, from rounded shares and odds."""
    race, sex, marital = (np.array(v) / sum(v) for v in (_RACE, _SEX, _MARITAL))
    size = race[:, None, None] * sex[:, None] * marital
    # Two groups in which fewer live with a spouse, so that attributes are not independent.
    tilt = np.ones(SHAPE[:3])
    tilt[[1, 2], :, 0], tilt[[1, 2], :, 4] = 0.6, 1.5
    size = size * tilt
    odds = (
        np.array(_RACE_ODDS)[:, None, None]
        + np.array(_SEX_ODDS)[:, None]
        + np.array(_MARITAL_ODDS)
        + 0.15 * np.cos(np.arange(90.0)).reshape(SHAPE[:3])
    )
    # A normal score with the group in its mean; label and decision are cuts of noisy copies.
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    latent = odds[..., None] * 1.4 - 0.95 + 2.0 * nodes
    label = expit(latent + 0.35 * nodes)
    decision = expit(3.0 * (latent - 0.15))
    joint = np.stack(
        [
            np.stack([(1 - label) * (1 - decision), (1 - label) * decision], axis=-1),
            np.stack([label * (1 - decision), label * decision], axis=-1),
        ],
        axis=-2,
    )
    shares = np.einsum("rsmkld,k->rsmld", joint, weights / weights.sum())
    return np.asarray(shares * (size / size.sum())[..., None, None])


def acs(folder: Path) -> FloatArray:
    """Return ACSIncome's test split counted with a reference model of its validation split."""
    columns, label = _read(folder / "ACSIncome.validation.parquet")
    rows = np.random.default_rng(0).permutation(label.size)[:60_000]
    centre, scale = columns[rows].mean(axis=0), columns[rows].std(axis=0)
    coefficients = _logistic((columns[rows] - centre) / scale, label[rows])
    columns, label = _read(folder / "ACSIncome.test.parquet")
    scores = expit(coefficients[0] + ((columns - centre) / scale) @ coefficients[1:])
    race, sex, marital = columns[:, 0], columns[:, 1] - 1, columns[:, 2] - 1
    keys = [v.astype(np.int64) for v in (race, sex, marital, label, scores >= 0.5)]
    cells = np.ravel_multi_index(keys, SHAPE)
    return np.bincount(cells, minlength=int(np.prod(SHAPE))).reshape(SHAPE) / label.size


def _read(path: Path) -> tuple[FloatArray, FloatArray]:
    import pyarrow.parquet

    names = ["RAC1P", "SEX", "MAR", "SCHL", "POBP", "OCCP", "RELP", "COW", "WKHP", "AGEP"]
    table = pyarrow.parquet.read_table(path, columns=["PINCP", *names])
    columns = [table.column(name).to_numpy().astype(np.float64) for name in names]
    return np.column_stack(columns), table.column("PINCP").to_numpy().astype(np.float64)


def _logistic(columns: FloatArray, label: FloatArray) -> FloatArray:
    """Return intercept and coefficients by Newton's method."""
    matrix = np.column_stack([np.ones(label.size), columns])
    beta = np.zeros(matrix.shape[1])
    for _ in range(25):
        rate = expit(matrix @ beta)
        curvature = (matrix * (rate * (1 - rate))[:, None]).T @ matrix
        step = np.linalg.solve(curvature + 1e-3 * np.eye(beta.size), matrix.T @ (label - rate))
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    return beta
