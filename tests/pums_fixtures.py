"""Simulated Census public-use files: columns, codes, blanks and layouts of the real ones.

Nobody in them exists and no record was used.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STATES = {"01": "al", "06": "ca", "11": "dc", "36": "ny", "48": "tx", "56": "wy"}
ADJINC = {2016: 1007588, 2018: 1013097, 2022: 1042311, 2023: 1019518}


def persons(
    n: int = 400,
    *,
    year: int = 2018,
    state: str = "06",
    seed: int = 0,
    replicates: int = 80,
    negatives: int = 0,
) -> pd.DataFrame:
    """Return n simulated persons in households, blanks as missing values."""
    rng = np.random.default_rng([seed, year, int(state)])
    house = np.sort(rng.integers(0, max(1, int(n / 2.4)), n))
    first = np.r_[True, house[1:] != house[:-1]]
    order = np.arange(n) - np.maximum.accumulate(np.where(first, np.arange(n), 0)) + 1
    quarters = rng.random(n) < 0.04
    age = np.clip(rng.normal(39, 24, n), 0, 95).astype(int)
    sex = rng.integers(1, 3, n)
    race = rng.choice(np.arange(1, 10), n, p=[0.6, 0.13, 0.02, 0.01, 0.01, 0.1, 0.01, 0.07, 0.05])
    works = (age >= 16) & (rng.random(n) < 0.6)
    esr = np.where(works, rng.choice([1, 2, 4], n, p=[0.95, 0.03, 0.02]), rng.choice([3, 6], n))
    ever = (age >= 16) & (works | (rng.random(n) < 0.5))
    at_work = works & (esr == 1)
    way = rng.choice([1, 2, 3, 4, 5, 6, 10, 11, 12], n, p=[0.7, *[0.03] * 5, 0.05, 0.06, 0.04])
    income = np.round(rng.gamma(1.3, 30000, n), -2) * (rng.random(n) > 0.1)
    income = np.where(rng.random(n) < 0.01, -rng.integers(1, 9000, n), income)
    relation = np.where(first, 0, rng.choice([1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 15], n))
    relation = np.where(quarters, rng.choice([16, 17], n), relation)
    weight = rng.integers(1, 300, n)
    dis = [rng.choice([1, 2], n, p=[0.07, 0.93]) for _ in range(3)]
    group = quarters[first][np.cumsum(first) - 1]
    number = house + int(state) * 100_000
    serial = [
        f"{year}{'GQ' if q else 'HU'}{h:07d}" if year >= 2018 else f"{h:07d}"
        for h, q in zip(number, group, strict=True)
    ]
    related = {"RELSHIPP": _successor(relation, rng)} if year >= 2019 else {"RELP": relation}
    columns: dict[str, object] = {
        "RT": "P",
        "SERIALNO": serial,
        "DIVISION": 9,
        "SPORDER": order,
        "PUMA": [f"{p:05d}" for p in rng.integers(1, 9, n) * 100],
        "REGION": 4,
        "STATE" if year >= 2023 else "ST": state,
        "ADJINC": ADJINC.get(year, 1_010_000),
        "PWGTP": weight,
        "AGEP": age,
        "CIT": rng.choice([1, 2, 3, 4, 5], n, p=[0.8, 0.01, 0.02, 0.09, 0.08]),
        "COW": _blank(rng.integers(1, 10, n), ~ever),
        "DEAR": dis[0],
        "DEYE": dis[1],
        "DREM": _blank(dis[2], age < 5),
        "FER": _blank(rng.integers(1, 3, n), (sex == 1) | (age < 15) | (age > 50)),
        "GCL": _blank(rng.integers(1, 3, n), (age < 30) | quarters),
        "HINS2": rng.choice([1, 2], n, p=[0.12, 0.88]),
        "HISP": [f"{h:02d}" for h in rng.choice([1, 1, 1, 2, 3, 24], n)],
        "JWMNP": _blank(rng.integers(1, 120, n), ~at_work | (way == 11)),
        "JWTRNS" if year >= 2019 else "JWTR": _blank(way, ~at_work),
        "MAR": np.where(age < 15, 5, rng.integers(1, 6, n)),
        "MIG": _blank(rng.choice([1, 2, 3], n, p=[0.85, 0.01, 0.14]), age < 1),
        "MIL": _blank(rng.choice([1, 2, 3, 4], n, p=[0.01, 0.06, 0.03, 0.9]), age < 17),
        "NAICSP": _text(rng.choice(["33MS", "7211", "N"], n), "{}", ever),
        **related,
        "SCHL": _blank(np.where(age < 18, np.clip(age, 1, 14), rng.integers(12, 25, n)), age < 3),
        "SEX": sex,
        "WKHP": _blank(rng.integers(1, 80, n), ~ever),
        "ANC": rng.integers(1, 5, n),
        "DIS": np.where((dis[0] == 1) | (dis[1] == 1), 1, 2),
        "ESP": _blank(rng.integers(1, 9, n), age >= 18),
        "ESR": _blank(esr, age < 16),
        "NATIVITY": rng.choice([1, 2], n, p=[0.85, 0.15]),
        "OCCP": _text(rng.choice([20, 440, 1021, 4020, 9130], n), "{:04d}", ever),
        "PINCP": _blank(income, age < 15),
        "POBP": [f"{p:03d}" for p in rng.choice([1, 6, 36, 303], n)],
        "POVPIP": _blank(np.clip(income / 130, 0, 501).astype(int), quarters | (age < 1)),
        "POWPUMA": _text(rng.integers(1, 9, n) * 100, "{:05d}", at_work),
        "PUBCOV": rng.choice([1, 2], n, p=[0.36, 0.64]),
        "RAC1P": race,
        "RACAIAN": (race == 3).astype(int),
        "RACASN": (race == 6).astype(int),
        "RACBLK": (race == 2).astype(int),
        "RACNH": np.zeros(n, dtype=int),
        "RACPI": (race == 7).astype(int),
        "RACSOR": (race == 8).astype(int),
        "RACWHT": (race == 1).astype(int),
        "SOCP": _text(rng.choice(["1110XX", "291141"], n), "{}", ever),
        "FAGEP": 0,
        "FESRP": 0,
    }  # fmt: skip
    frame = pd.DataFrame(columns)
    name = "pwgtp" if year < 2017 else "PWGTP"
    factors = replicate_factors(house, rng)
    made = np.rint(weight[:, None] * factors).astype(int)
    made[np.arange(negatives) % n, np.arange(negatives) % 80] = -7
    extra = pd.DataFrame(
        made[:, :replicates], columns=[f"{name}{r + 1}" for r in range(replicates)]
    )
    return pd.concat([frame, extra], axis=1)


def replicate_factors(house: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.float64]:
    """Factors of 80 successive-difference replicates; a household shares its factor."""
    signs = rng.choice([-1.0, 1.0], (80, 80))
    a, b = house % 80, (house + 1) % 80
    return 1.0 + 2**-1.5 * signs[:, a].T - 2**-1.5 * signs[:, b].T


def _blank(values: NDArray[np.generic], where: NDArray[np.bool_]) -> pd.Series:
    return pd.Series(values).astype("Int64").mask(pd.Series(where))


def _text(values: NDArray[np.generic], form: str, known: NDArray[np.bool_]) -> list[str | None]:
    return [form.format(v) if k else None for v, k in zip(values, known, strict=True)]


def _successor(relation: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.integer]:
    table = {0: 20, 1: 21, 2: 25, 3: 26, 4: 27, 5: 28, 6: 29, 10: 33, 11: 34, 12: 34, 13: 22}
    table |= {15: 36, 16: 37, 17: 38}
    codes = np.array([table[int(r)] for r in relation])
    other = rng.random(len(codes)) < 0.1
    return np.where(other & (codes == 21), 23, np.where(other & (codes == 22), 24, codes))


def text(frame: pd.DataFrame) -> str:
    """A frame as the Census writes it."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def file_name(year: int, state: str, record: str = "p") -> str:
    """Name of a state's file in a year."""
    if year >= 2017:
        return f"psam_{record}{state}.csv"
    return f"ss{year % 100:02d}{record}{STATES[state]}.csv"


def write_csv(folder: Path, frame: pd.DataFrame, *, year: int = 2018, state: str = "06") -> Path:
    """Write a bare file under its Census name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(year, state)
    path.write_text(text(frame), encoding="utf-8")
    return path


def write_zip(path: Path, members: dict[str, str], *, readme: bool = True) -> Path:
    """Write a zip as the Census packs it: the tables and a PDF that explains them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zipped(members, readme=readme))
    return path


def zipped(members: dict[str, str], *, readme: bool = True) -> bytes:
    """Bytes of such a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if readme:
            archive.writestr("ACS2018_PUMS_README.pdf", b"%PDF-1.4 simulated")
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def housing(n: int = 200, *, year: int = 2018, state: str = "06", seed: int = 0) -> pd.DataFrame:
    """Return n simulated housing records."""
    rng = np.random.default_rng([seed, year, int(state), 1])
    frame = pd.DataFrame(
        {
            "RT": "H",
            "SERIALNO": [f"{year}HU{h:07d}" for h in range(n)],
            "PUMA": "00100",
            "ST": state,
            "ADJINC": ADJINC.get(year, 1_010_000),
            "WGTP": rng.integers(1, 200, n),
            "NP": rng.integers(0, 6, n),
            "TYPE": 1,
            "HINCP": rng.integers(0, 200_000, n),
            "TEN": rng.integers(1, 5, n),
        }
    )
    made = np.rint(frame["WGTP"].to_numpy()[:, None] * replicate_factors(np.arange(n), rng))
    extra = pd.DataFrame(made.astype(int), columns=[f"WGTP{r + 1}" for r in range(80)])
    return pd.concat([frame, extra], axis=1)


def dictionary(columns: dict[str, tuple[str, dict[str, str]]]) -> str:
    """A data dictionary as the Census writes it: NAME and VAL lines."""
    lines = []
    for name, (title, codes) in columns.items():
        lines.append(f'NAME,{name},C,4,"{title}"')
        lines += [f'VAL,{name},C,4,"{code}","{code}","{word}"' for code, word in codes.items()]
    return "\n".join(lines) + "\n"


def folktables_layout(root: Path, frames: dict[str, pd.DataFrame], *, year: int = 2018) -> Path:
    """Write states' files where the folktables package looks for them."""
    for state, frame in frames.items():
        write_csv(root / str(year) / "1-Year", frame, year=year, state=state)
    return root


def codes(states: Sequence[str]) -> list[str]:
    """Postal codes of FIPS codes, in capitals."""
    return [STATES[state].upper() for state in states]
