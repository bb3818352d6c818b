"""Two states in the shape of the ACS: a large one to start from, a small one to adapt to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mitigations.contract import Column, Part, Problem

OCCUPATIONS, BIRTHPLACES, CLASSES = 80, 60, 6

COLUMNS = (
    Column("AGEP", "numeric", slot=0),
    Column("SCHL", "numeric", slot=1),
    Column("WKHP", "numeric", slot=2),
    Column("COW", "categorical", tuple(f"class {i}" for i in range(CLASSES)), 3),
    Column("OCCP", "categorical", tuple(f"{i:04d}" for i in range(OCCUPATIONS)), 4),
    Column("POBP", "categorical", tuple(f"{i:03d}" for i in range(BIRTHPLACES)), 5),
)
#: A training of a search that tests can wait for.
QUICK: Mapping[str, Any] = {
    "trials": 8, "baseline_trials": 2, "top": 2, "again": 2, "final": 2, "epochs": 3,
    "width": 16, "depth": 2, "source_epochs": 2,
}  # fmt: skip


def people(n: int, seed: int, *, state: str = "B", minority: float = 0.15) -> Part:
    """People whose income depends on age, schooling, hours and occupation.

    In state B the returns of the minority to schooling and occupation are others.
    """
    rng = np.random.default_rng([31, seed])
    effects = np.random.default_rng(1)
    occupation = effects.normal(0, 0.9, OCCUPATIONS)
    shifted = 0.35 * occupation + effects.normal(0, 0.7, OCCUPATIONS)
    group = (rng.random(n) < minority).astype(np.int32)
    age = np.clip(rng.normal(42, 13, n), 17, 90)
    school = np.clip(rng.normal(17 - 1.2 * group, 3.5, n).round(), 1, 24)
    hours = np.clip(rng.normal(38 - 2 * group, 11, n), 1, 90)
    cow = rng.integers(0, CLASSES, n)
    occp = (OCCUPATIONS * rng.beta(1.4, 1.4, n)).astype(int).clip(0, OCCUPATIONS - 1)
    # A few birthplaces are seen in the small state alone.
    pobp = rng.integers(0, BIRTHPLACES if state == "B" else BIRTHPLACES - 6, n)
    other = (group == 1) & (state == "B")
    margin = 0.025 * (age - 42) + 0.05 * (hours - 38) - 0.3
    margin += np.where(other, 0.06, 0.22) * (school - 16.5)
    margin += np.where(other, shifted[occp], occupation[occp]) + 0.1 * (cow == 2)
    y = (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(np.int8)
    x = np.stack([age, school, hours, cow, occp, pobp], axis=1).astype(np.float32)
    return Part(
        x=x, group=group, groups={"RAC1P": group}, y=y,
        row_key=rng.integers(0, 2**63, n, dtype=np.uint64),
    )  # fmt: skip


def pair(seed: int = 0, *, source: int = 4000, train: int = 600, valid: int = 600) -> Problem:
    """Rows of B to adapt to, and rows of A to start from."""
    return Problem(
        train=people(train, 10 * seed + 1),
        valid=people(valid, 10 * seed + 2, minority=0.5),
        columns=COLUMNS,
        group_names=("majority", "minority"),
        source=people(source, 10 * seed + 3, state="A"),
    )


def audit(seed: int = 0, n: int = 3000) -> Part:
    """Rows nobody learns from."""
    return people(n, 10 * seed + 4, minority=0.5)


def with_part(problem: Problem, name: str, **changes: Any) -> Problem:
    """The problem with one of its parts changed."""
    return replace(problem, **{name: replace(getattr(problem, name), **changes)})
