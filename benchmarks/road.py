"""A whole grid of locally fair networks as one stack, beside the same networks one by one.

Seconds are processor time on one thread; nothing stops early, so that all train equally long.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.audits import SHARED
from mitigations.contract import Column
from mitigations.encode import Encoder
from mitigations.nets import Loop, quiet
from mitigations.road import data
from mitigations.road.explicit import Explicit
from mitigations.road.features import Features
from mitigations.road.published import Published
from mitigations.road.train import HIDDEN, fit
from tests.road_fixtures import split
from tests.road_tables import law, parts

STEPS, BATCH = 600, 1024
LAMBDAS, TAUS, SEEDS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0), (0.05, 0.1, 0.3, 1.0, np.inf), 3
GRID = list(product(LAMBDAS, TAUS))
#: Single runs that stand for 105, places in the grid.
SINGLE, SINGLE_PUBLISHED = (2, 12, 22, 32), (12, 22)
#: Adam steps on adversary and ratio before every step of the network.
QUICK, AUTHORS = (3, 2), (10, 10)
ROWS = 200_000
#: Published peaks without sparsity, TFLOP/s: float32 outside tensor cores, bfloat16 in them.
PEAKS = {"H100": (67.0, 989.0), "H200": (67.0, 989.0), "A100": (19.5, 312.0)}


@dataclass(frozen=True)
class Run:
    """Processor and wall seconds of one stack, and of each of its networks."""

    count: int
    cpu: float
    wall: float

    @property
    def each(self) -> float:
        """Processor seconds of one network."""
        return self.cpu / self.count


def explicit(rows: data.Rows, grid: Sequence[Any], seeds: Sequence[int], **options: Any) -> Run:
    """Train a stack of explicit ROAD."""
    tau = torch.tensor([tau for _, tau in grid])
    return trained(rows, Explicit(rows, tau), grid, seeds, **options)


def published(
    rows: data.Rows, grid: Sequence[Any], seeds: Sequence[int], inner: tuple[int, int]
) -> Run:
    """Train a stack of ROAD as published."""
    tau = torch.tensor([tau for _, tau in grid])
    return trained(rows, Published(rows, tau, inner=inner, seeds=seeds), grid, seeds)


def trained(
    rows: data.Rows,
    term: Any,
    grid: Sequence[Any],
    seeds: Sequence[int],
    *,
    precision: Any = "float32",
    steps: int = STEPS,
) -> Run:
    """Train a stack and time it."""
    loop = Loop(steps=steps, batch=BATCH, precision=precision)
    cuda = rows.x.device.type == "cuda"
    cpu, wall = time.process_time(), time.perf_counter()
    found = fit(
        rows, term, [lam for lam, _ in grid], seeds, loop,
        rng=np.random.default_rng(0), tick=lambda done, total: None,
    )  # fmt: skip
    if cuda:
        torch.cuda.synchronize()
    assert found.failed == [None] * len(grid)
    return Run(len(grid), time.process_time() - cpu, time.perf_counter() - wall)


def income(rows: int = ROWS, device: str = "cpu") -> data.Rows:
    """ACSIncome: groups by sex, parts by age and schooling."""
    table = pd.read_parquet(SHARED / "acs-folktables-2018" / "ACSIncome.validation.parquet")
    table = table.iloc[:rows]
    coded = ("COW", "MAR", "OCCP", "POBP", "RELP", "RAC1P")
    names = ("AGEP", "SCHL", "WKHP", *coded)
    columns = [
        Column(name, "categorical" if name in coded else "numeric", slot=i)
        for i, name in enumerate(names)
    ]
    raw = table[list(names)].to_numpy(np.float32)
    a = raw[:, :2]
    features = Features.fit(a, np.random.default_rng(0))
    return data.of(
        Encoder.fit(columns, raw).transform(raw), table["PINCP"].to_numpy(),
        (table["SEX"] == 2).to_numpy(int), (2,), features.descriptors(a), features(a),
        device=device,
    )  # fmt: skip


def run() -> str:
    """All parts, as text."""
    with quiet(1):
        # the first steps of a process load libraries
        small = split("cancel", 2000, 0).rows
        explicit(small, GRID[:2], [0, 1], steps=20)
        head = (
            f"Networks d-64-32-1, {STEPS} steps, minibatches of {BATCH:,} rows, one thread, no "
            "early stop; processor seconds.\n\n"
        )
        return head + "\n\n".join([_law(), _stacked(), _large(), _gpu()])


def _law() -> str:
    rows = parts(law(SHARED), 0).train
    ours = explicit(rows, GRID, range(35))
    theirs = published(rows, GRID, range(35), QUICK)
    table = pd.DataFrame(
        [
            ["explicit", ours.cpu, ours.each, 40.0],
            ["as published, 3 + 2 inner steps", theirs.cpu, theirs.each, 180.0],
        ],
        columns=["form", "seconds", "each", "bound"],
    )
    lines = [
        f"35 models on lawschool.csv ({len(rows):,} training rows, all of them in every step):",
        "",
        "| form | seconds | a model | bound | kept |",
        "|---|---:|---:|---:|---|",
    ]
    for form, seconds, each, bound in table.itertuples(index=False):
        kept = "yes" if seconds < bound else "no"
        lines.append(f"| {form} | {seconds:.1f} | {each:.2f} | {bound:.0f} | {kept} |")
    return "\n".join(lines)


def _stacked() -> str:
    rows = split("cancel", 10_000, 0).rows
    grid, seeds = GRID * SEEDS, [i // len(GRID) for i in range(len(GRID) * SEEDS)]
    count = len(grid)
    half = len(SINGLE) // 2
    alone = [explicit(rows, GRID[i : i + 1], [0]).cpu for i in SINGLE[:half]]
    slow = [published(rows, GRID[i : i + 1], [0], AUTHORS).cpu for i in SINGLE_PUBLISHED[:1]]
    stack = explicit(rows, grid, seeds)
    alone += [explicit(rows, GRID[i : i + 1], [0]).cpu for i in SINGLE[half:]]
    slow += [published(rows, GRID[i : i + 1], [0], AUTHORS).cpu for i in SINGLE_PUBLISHED[1:]]
    quick = published(rows, GRID[12:13], [0], QUICK).cpu
    lines = [
        f"{count} models (7 weights, 5 temperatures, {SEEDS} seeds) on the fixture “cancel”, "
        f"10,000 rows. Single runs are extrapolated from {len(alone)} (explicit), {len(slow)} "
        "(published) and 1 (published, quick), trained before and after the stack; they run the "
        "same code with one slice.",
        "",
        f"| way | a model | {count} models | times the stack | bound |",
        "|---|---:|---:|---:|---:|",
        f"| explicit, one stack | {stack.each:.2f} s | {stack.cpu:.0f} s | 1 | |",
    ]
    for way, each, bound in (
        ("explicit, one by one", float(np.mean(alone)), "2.5"),
        ("published, 10 + 10 inner steps, one by one", float(np.mean(slow)), "15"),
        ("published, 3 + 2 inner steps, one by one", quick, ""),
    ):
        times = each / stack.each
        lines.append(f"| {way} | {each:.2f} s | {each * count:.0f} s | {times:.1f} | {bound} |")
    return "\n".join(lines)


def _large() -> str:
    rows = income()
    found = explicit(rows, GRID, range(35))
    return (
        f"ACSIncome, {len(rows):,} rows, {rows.x.shape[1]} inputs, 35 explicit models in one "
        f"stack: {found.cpu:.0f} s, {found.count / found.cpu:.2f} models a second."
    )


def flops(inputs: int, count: int, steps: int = STEPS) -> float:
    """Multiplications and additions of the layers: forward, and by weights and inputs back."""
    first, rest = inputs * HIDDEN[0], HIDDEN[0] * HIDDEN[1] + HIDDEN[1]
    return 2.0 * count * steps * BATCH * (2.0 * first + 3.0 * rest)


def _gpu() -> str:
    if not torch.cuda.is_available():
        return "On a GPU: not measured, since this machine has none."
    name = torch.cuda.get_device_name(0)
    peaks = next((peak for key, peak in PEAKS.items() if key in name), None)
    grid, seeds = GRID * SEEDS, [i // len(GRID) for i in range(len(GRID) * SEEDS)]
    lines = [
        f"On {name}, wall seconds; the second run of each, so that kernels are loaded. Share of "
        "peak counts the layers' products alone, of float32 outside tensor cores or of bfloat16 "
        "in them.",
        "",
        "| rows | inputs | precision | models | seconds | models a second | TFLOP/s | of peak |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for what, rows in (
        ("cancel, 10,000", split("cancel", 10_000, 0, device="cuda").rows),
        (f"ACSIncome, {ROWS:,}", income(device="cuda")),
    ):
        for place, precision in enumerate(("float32", "bfloat16")):
            explicit(rows, grid, seeds, precision=precision, steps=30)
            found = explicit(rows, grid, seeds, precision=precision)
            rate = flops(rows.x.shape[1], found.count) / found.wall / 1e12
            share = "" if peaks is None else f"{100.0 * rate / peaks[place]:.1f} %"
            lines.append(
                f"| {what} | {rows.x.shape[1]} | {precision} | {found.count} | "
                f"{found.wall:.2f} | {found.count / found.wall:.0f} | {rate:.2f} | {share} |"
            )
    lines += ["", "Bound: under 2 s for the first line."]
    return "\n".join(lines)
