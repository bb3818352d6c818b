"""A simulated national Census file: 3.2 million persons, read and made into a task in a sandbox.

Columns are as many as in a file of 2022: 287, with 80 replicate weights and 66 flags. Blocks of
simulated people repeat under other household numbers; nobody in them exists.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditapp import sandbox
from auditapp.folktables import find
from tests import pums_fixtures as pums

ROWS = 3_200_000
BLOCK = 20_000
COLUMNS = 287
FLAGS = 66
MEMBERS = ("psam_pusa.csv", "psam_pusb.csv")


def run(rows: int = ROWS) -> str:
    """Read and derive; a table of seconds and of the largest memory of the child process."""
    with tempfile.TemporaryDirectory(prefix="evenhand-bench-") as folder:
        work = Path(folder)
        source = work / "csv_pus.zip"
        expanded = write(source, rows)
        read = measured(_read, work)
        packed = source.stat().st_size
        source.unlink()
        derived = measured(_derive, work)
        table = (work / "table" / "table.parquet").stat().st_size
    assert read["answer"]["rows"] == rows
    lines = [
        f"A simulated archive of {rows:,} persons and {COLUMNS} columns in {len(MEMBERS)} tables: "
        f"{expanded / 1e9:.1f} GB, {packed / 1e9:.2f} GB packed; read in the sandbox's child "
        f"process on two threads. {read['answer']['columns']} columns are kept.",
        "",
        "| step | seconds | processor seconds | largest memory |",
        "|---|---:|---:|---:|",
        _row("read, check, profile, eight tasks counted", read),
        _row(f"ACSIncome, {derived['answer']['rows']:,} rows", derived),
        "",
        f"The canonical table has {table / 1e6:,.0f} MB. Bound: 2 GB of memory.",
    ]
    return "\n".join(lines)


def write(target: Path, rows: int) -> int:
    """Write the archive; return its size unpacked."""
    header, tails = _block()
    per = -(-rows // (len(MEMBERS) * len(tails)))
    size = number = left = 0
    left = rows
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in MEMBERS:
            with archive.open(name, "w", force_zip64=True) as out:
                size += out.write(header)
                for _ in range(per):
                    part = tails[: min(left, len(tails))]
                    left -= len(part)
                    text = b"".join(_lines(part, number))
                    number += 1
                    size += out.write(text)
    return size


def _lines(tails: list[tuple[int, bytes]], number: int) -> Iterator[bytes]:
    base = number * BLOCK
    for house, tail in tails:
        yield b"P,2018HU%07d%s" % (base + house, tail)


def _block() -> tuple[bytes, list[tuple[int, bytes]]]:
    """The header, and for each person of a block the household and the rest of the line."""
    frame = pums.persons(BLOCK, state="01").drop(columns=["FAGEP", "FESRP"])
    random = np.random.default_rng(0)
    flags = [f"F{name}P" for name in frame.columns[2:]][:FLAGS]
    more = [f"MORE{i}" for i in range(COLUMNS - len(frame.columns) - len(flags))]
    extra = {name: random.integers(0, 2, BLOCK) for name in flags}
    extra |= {name: random.integers(0, 10 ** (1 + i % 5), BLOCK) for i, name in enumerate(more)}
    frame = pd.concat([frame, pd.DataFrame(extra)], axis=1)
    houses = frame["SERIALNO"].str[6:].astype(int) - 100_000
    text = frame.drop(columns=["RT", "SERIALNO"]).to_csv(index=False, lineterminator="\n")
    head, *lines = text.rstrip("\n").split("\n")
    rest = [b"," + line.encode() + b"\n" for line in lines]
    return f"RT,SERIALNO,{head}\n".encode(), list(zip(houses.tolist(), rest, strict=True))


def measured(step: Callable[[Path], dict[str, Any]], work: Path) -> dict[str, Any]:
    """Run a step in a process of its own; its seconds, and the memory of the children it had."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return dict(pool.apply(_timed, (step, work)))


def _timed(step: Callable[[Path], dict[str, Any]], work: Path) -> dict[str, Any]:
    start = time.perf_counter()
    answer = step(work)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "answer": answer,
        "wall": time.perf_counter() - start,
        "cpu": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss * 1024,
    }


def _read(work: Path) -> dict[str, Any]:
    source = work / "csv_pus.zip"
    profile = sandbox.run_child(
        "auditapp.datasets.inspect:child_main",
        {
            "source": str(source),
            "name": source.name,
            "out": str(work / "table"),
            "read": [str(source)],
        },
        workdir=work,
        limits=sandbox.Limits.parsing(),
        isolated=True,
    )
    return {"rows": profile["rows"], "columns": len(profile["columns"])}


def _derive(work: Path) -> dict[str, Any]:
    profile = sandbox.run_child(
        "auditapp.folktables.derive:child_main",
        {
            "first": str(work / "table"),
            "out": str(work / "task"),
            "task": find("ACSIncome").to_json(),
            "read": [str(work / "table")],
        },
        workdir=work,
        limits=sandbox.Limits.parsing(),
        isolated=True,
    )
    return {"rows": profile["rows"]}


def _row(name: str, facts: dict[str, Any]) -> str:
    return (
        f"| {name} | {facts['wall']:,.0f} | {facts['cpu']:,.0f} | {facts['memory'] / 1e9:.2f} GB |"
    )


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
