"""Survey weights: 81 sets of weights over a state's people, and how far intervals are off.

The state is New York of the American Community Survey where the file lies beside the checkout
(folder of `EVENHAND_SHARED`), else simulated people in the same number.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import hadamard
from threadpoolctl import threadpool_limits

from metrics import rates
from metrics.audit import Policy, derive
from metrics.count import count
from metrics.design import Scheme, Weighted, weigh
from metrics.groups import Attribute

ROWS, REPLICATES = 210_150, 80
METRICS = ("selection-rate", "tpr", "fpr", "precision", "accuracy")


def people(rows: int = ROWS) -> tuple[dict[str, Any], np.ndarray, list[np.ndarray]]:
    """Attributes, labels, decisions, weights, and replicates drawn by household."""
    folder = os.environ.get("EVENHAND_SHARED")
    place = None if folder is None else Path(folder) / "data/acs-pums-2024/p_36.parquet"
    rng = np.random.default_rng(0)
    if place is not None and place.is_file() and rows == ROWS:
        table = pd.read_parquet(
            place, columns=["SERIALNO", "SEX", "RAC1P", "PINCP", "SCHL", "PWGTP"]
        )
        race, sex = table["RAC1P"].to_numpy() - 1, table["SEX"].to_numpy() - 1
        label = (table["PINCP"].fillna(0) > 50_000).to_numpy()
        decision = (table["SCHL"].astype(float).fillna(0) >= 21).to_numpy()
        house = pd.factorize(table["SERIALNO"])[0]
        weight = table["PWGTP"].to_numpy(float)
    else:
        race, sex = rng.integers(0, 9, rows), rng.integers(0, 2, rows)
        label, decision = rng.random(rows) < 0.4, rng.random(rows) < 0.35
        house, weight = np.arange(rows) // 2, rng.integers(1, 300, rows).astype(float)
    matrix = hadamard(128)[:REPLICATES]
    first, after = house % 126 + 1, (house + 1) % 126 + 1
    replicates = [np.rint(weight * (1.0 + 2**-1.5 * (row[first] - row[after]))) for row in matrix]
    data = {
        "attributes": [
            Attribute("RAC1P", tuple(map(str, range(1, 10))), race.astype(np.int32)),
            Attribute("SEX", ("men", "women"), sex.astype(np.int32)),
        ],
        "label": label.astype(np.int8),
        "decision": decision.astype(np.int8),
    }
    return data, weight, replicates


def audit(data: dict[str, Any], weight: np.ndarray, replicates: list[np.ndarray]) -> Any:
    """Everything a report says of groups, with 81 sets of weights."""
    made = weighed(data, weight, replicates)
    rows = {"label": data["label"], "decision": data["decision"]}
    counted = count(data["attributes"], **rows)
    return derive(counted, data["attributes"], Policy(draws=0), made)


def weighed(data: dict[str, Any], weight: np.ndarray, replicates: list[np.ndarray]) -> Weighted:
    """Weighted counts of every set."""
    return weigh(
        data["attributes"], label=data["label"], decision=data["decision"], weight=weight,
        replicates=replicates, scheme=Scheme.successive_differences(len(replicates)),
    )  # fmt: skip


def by_pandas(data: dict[str, Any], weight: np.ndarray, replicates: list[np.ndarray]) -> Any:
    """The plain way: for every set of weights, group the rows and sum."""
    race, sex = (attribute.codes for attribute in data["attributes"])
    y, d = data["label"], data["decision"]
    masks = {
        "selection-rate": (d, np.ones_like(d)), "tpr": (y * d, y), "fpr": ((1 - y) * d, 1 - y),
        "precision": (y * d, d), "accuracy": (y == d, np.ones_like(d)),
    }  # fmt: skip
    out = []
    for column in (weight, *replicates):
        parts = {}
        for name, (above, below) in masks.items():
            parts[f"{name}/x"], parts[f"{name}/n"] = column * above, column * below
        sums = pd.DataFrame({"race": race, "sex": sex, **parts}).groupby(["race", "sex"]).sum()
        out.append(np.stack([sums[f"{m}/x"] / sums[f"{m}/n"] for m in METRICS], axis=1))
    return np.stack(out)


def run() -> str:
    """Seconds of both ways in one run, and what the design does to standard errors."""
    data, weight, replicates = people()
    with threadpool_limits(1):
        audit(data, weight, replicates[:2])  # warm
        seconds = {}
        for name, work in (("ours", audit), ("pandas", by_pandas)):
            began = time.process_time()
            found = work(data, weight, replicates)
            seconds[name] = time.process_time() - began
        rival = found
    made = weighed(data, weight, replicates)
    table = count(data["attributes"], label=data["label"], decision=data["decision"])
    cells = table.outcome_groups(("RAC1P", "SEX"))
    mine = rates.values(made.sums(cells), METRICS)
    apart = float(np.nanmax(np.abs(mine - rival)))
    effects = {m: made.effect(cells, m, 10) for m in METRICS}
    return "\n".join(
        [
            f"{len(weight):,} people, {len(replicates)} simulated replicate weights by "
            f"household, {len(cells.cells)} groups of race and sex, one core, after reading.",
            "",
            "| | CPU seconds | bound |",
            "|---|---|---|",
            f"| whole weighted audit: rates, comparisons, intervals, tests | "
            f"{seconds['ours']:.2f} | 0.5 |",
            f"| five rates of the 18 groups by pandas, set by set | {seconds['pandas']:.2f} | |",
            "",
            f"Ratio {seconds['pandas'] / seconds['ours']:.0f}; largest difference of the rates in "
            f"any set {apart:.1e}. Mean design effects: "
            + ", ".join(f"{name} {value:.2f}" for name, value in effects.items())
            + ".",
        ]
    )
