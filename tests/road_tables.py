"""Real tables as rows for local fairness: law school and COMPAS, split and standardised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mitigations.road import data
from mitigations.road.features import Features

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class People:
    """Inputs (n, d), label, group, places of the descriptors in the inputs, declared cells."""

    x: Floats
    y: NDArray[np.int64]
    s: NDArray[np.int64]
    descriptors: tuple[int, ...]
    bins: NDArray[np.int64]


def law(folder: Path) -> People:
    """1,823 law students: who passes the bar at the first attempt; white or not; age by gender."""
    table = pd.read_csv(folder / "law-school-lsac" / "lawschool.csv")
    names = ["cluster", "lsat", "ugpa", "zfygpa", "zgpa", "fulltime", "fam_inc", "age", "gender"]
    age = np.digitize(table["age"], np.quantile(table["age"], [1 / 3, 2 / 3]))
    return People(
        table[names].to_numpy(float), table["bar1"].to_numpy(int), table["race7"].to_numpy(int),
        (6, 7, 8), 2 * age + table["gender"].to_numpy(int),
    )  # fmt: skip


def compas(folder: Path) -> People:
    """Two-year reoffence; Caucasian or not; age by sex. No names or dates are read."""
    wanted = [
        "sex", "age", "race", "juv_fel_count", "juv_misd_count", "juv_other_count",
        "priors_count", "days_b_screening_arrest", "c_charge_degree", "is_recid", "score_text",
        "two_year_recid",
    ]  # fmt: skip
    path = folder / "compas-propublica" / "compas-scores-two-years.csv"
    table = pd.read_csv(path, usecols=wanted, na_values=["N/A"])
    table = table[table["days_b_screening_arrest"].abs() <= 30]
    table = table[(table["is_recid"] != -1) & (table["c_charge_degree"] != "O")]
    table = table[table["score_text"].notna()]
    x = np.column_stack(
        [
            table["age"],
            table["sex"] == "Male",
            *(table[f"juv_{kind}_count"] for kind in ("fel", "misd", "other")),
            table["priors_count"],
            table["c_charge_degree"] == "F",
        ]
    ).astype(float)
    age = np.digitize(table["age"], [25, 35, 45])
    race = (table["race"] == "Caucasian").to_numpy(int)
    cells = 2 * age + (table["sex"] == "Male").to_numpy(int)
    return People(x, table["two_year_recid"].to_numpy(int), race, (0, 1), cells)


@dataclass(frozen=True)
class Parts:
    """Rows to fit on and to look at, and inputs and labels to test on."""

    train: data.Rows
    valid: data.Rows
    x: Floats
    y: NDArray[np.int64]


def parts(people: People, seed: int, *, parity: data.Parity = "selection-rate") -> Parts:
    """A split 50/20/30, standardised by its first part."""
    order = np.random.default_rng([seed, 77]).permutation(len(people.y))
    at = np.split(order, [len(order) // 2, len(order) * 7 // 10])
    x = people.x[at[0]]
    scaled = (people.x - x.mean(0)) / np.maximum(x.std(0), 1e-9)
    columns = list(people.descriptors)
    features = Features.fit(people.x[at[0]][:, columns], np.random.default_rng([seed, 78]))
    made = [
        data.of(
            scaled[i], people.y[i], people.s[i], (2,),
            features.descriptors(people.x[i][:, columns]), features(people.x[i][:, columns]),
            parity=parity, bins=people.bins[i],
        )
        for i in at[:2]
    ]  # fmt: skip
    return Parts(made[0], made[1], scaled[at[2]], people.y[at[2]])
