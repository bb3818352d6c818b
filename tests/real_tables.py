"""Audit tables made from the real data sets of the shared folder, for tests and benchmarks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

#: Census numbers of the nine states.
STATES = {
    "02": "Alaska", "10": "Delaware", "11": "District of Columbia", "30": "Montana",
    "36": "New York", "38": "North Dakota", "44": "Rhode Island", "46": "South Dakota",
    "50": "Vermont",
}  # fmt: skip
INCOME = ("AGEP", "COW", "SCHL", "MAR", "OCCP", "WKHP", "SEX", "RAC1P")
HOSPITALS = {"cleveland": "Cleveland", "hungarian": "Hungarian", "switzerland": "Swiss",
             "va": "Veterans"}  # fmt: skip
HEART = ("age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak",
         "slope", "ca", "thal", "num")  # fmt: skip


def nine_states(data: Path) -> pd.DataFrame:
    """Income above $50,000 in nine states, 2024: the filter and features that the file allows."""
    parts = []
    for code, name in STATES.items():
        part = pd.read_parquet(data / "acs-pums-2024" / f"p_{code}.parquet")
        for column in ("AGEP", "PINCP", "WKHP", "PWGTP"):
            part[column] = pd.to_numeric(part[column], errors="coerce")
        keep = (part["AGEP"] > 16) & (part["PINCP"] > 100) & (part["WKHP"] > 0)
        keep &= part["PWGTP"] >= 1
        part = part.loc[keep, [*INCOME, "PINCP", "SERIALNO", "PWGTP"]].copy()
        part.insert(0, "STATE", name)
        part["above"] = (part.pop("PINCP") > 50_000).astype(int)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def four_hospitals(data: Path) -> pd.DataFrame:
    """Heart disease found by angiography in four hospitals, some with a handful of women."""
    parts = []
    for file, name in HOSPITALS.items():
        path = data / "heart-disease-4-hospitals" / f"processed.{file}.data"
        part = pd.read_csv(path, names=list(HEART), na_values=["?", "-9"])
        part["hospital"] = name
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    table["sex"] = table["sex"].map({0.0: "Female", 1.0: "Male"})
    table["healthy"] = (table.pop("num") == 0).astype(int)
    return table
