"""UCI Adult with a logistic model fitted on disjoint rows, for checks against the papers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from metrics import logistic
from mitigations.contract import Column, Part, Problem
from mitigations.encode import Encoder

NAMES = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital", "occupation",
    "relationship", "race", "sex", "gain", "loss", "hours", "country", "income",
)  # fmt: skip
NUMBERS = ("age", "education-num", "gain", "loss", "hours")
WORDS = ("workclass", "education", "marital", "occupation", "relationship", "race", "sex")
FITTED = 15_000


@lru_cache(maxsize=1)
def table(folder: Path) -> tuple[np.ndarray, np.ndarray, tuple[Column, ...], np.ndarray]:
    """Raw columns (n, d) float32, income above 50 K, columns, and sex (0 male, 1 female)."""
    rows = [
        [cell.strip().rstrip(".") for cell in line.split(",")]
        for name in ("adult.data", "adult.test")
        for line in (folder / "adult-uci" / name).read_text().splitlines()
        if line.count(",") == 14
    ]
    text = dict(zip(NAMES, np.array(rows).T, strict=True))
    columns: list[Column] = []
    values: list[np.ndarray] = []
    for name in NUMBERS:
        columns.append(Column(name, "numeric", slot=len(columns)))
        values.append(text[name].astype(np.float32))
    for name in WORDS:
        levels, codes = np.unique(text[name], return_inverse=True)
        columns.append(
            Column(
                name, "categorical", tuple(map(str, levels)), len(columns), sensitive=name == "sex"
            )
        )
        values.append(codes.astype(np.float32))
    label = (text["income"] == ">50K").astype(np.int8)
    sex = (text["sex"] == "Female").astype(np.int32)
    return np.stack(values, axis=1), label, tuple(columns), sex


@dataclass(frozen=True)
class Adult:
    """Rows the model has not seen, scored."""

    x: np.ndarray
    y: np.ndarray
    sex: np.ndarray
    score: np.ndarray
    columns: tuple[Column, ...]
    seed: int

    def sample(self, n: int, start: int = 0) -> np.ndarray:
        """Counts of the next n rows by sex, label and decision."""
        rows = slice(start, start + n)
        out = np.zeros((2, 2, 2), dtype=np.int64)
        decision = (self.score >= 0.5).astype(int)
        np.add.at(out, (self.sex[rows], self.y[rows], decision[rows]), 1)
        return out

    def part(self, rows: slice) -> Part:
        """Rows as a remedy gets them."""
        n = len(self.y[rows])
        keys = np.random.default_rng([3, self.seed]).integers(0, 2**63, len(self.y), np.uint64)
        return Part(
            x=self.x[rows],
            group=self.sex[rows],
            groups={"sex": self.sex[rows]},
            y=self.y[rows],
            score=self.score[rows],
            decision=(self.score[rows] >= 0.5).astype(np.int8),
            row_key=keys[rows][:n],
        )

    def problem(self, train: int, valid: int, **facts: object) -> Problem:
        """The first rows to learn from, the next to choose by; the rest stay for the audit."""
        return Problem(
            train=self.part(slice(0, train)),
            valid=self.part(slice(train, train + valid)),
            columns=self.columns,
            group_names=("male", "female"),
            **facts,  # type: ignore[arg-type]
        )


@lru_cache(maxsize=6)
def baseline(folder: Path, seed: int) -> Adult:
    """A logistic model fitted on 15,000 random rows; the others in random order."""
    x, y, columns, sex = table(folder)
    order = np.random.default_rng([11, seed]).permutation(len(y))
    fitted, rest = order[:FITTED], order[FITTED:]
    encoder = Encoder.fit(columns, x[fitted])
    weights = logistic.fit(encoder.transform(x[fitted]), y[fitted])
    score = logistic.predict(weights, encoder.transform(x[rest]))
    return Adult(x[rest], y[rest], sex[rest], score, columns, seed)
