"""`make bench`: every headline number beside its rival, written to benchmarks/results.md."""

from __future__ import annotations

import argparse
import os
import platform
import re
from importlib import import_module, metadata
from pathlib import Path

RESULTS = Path(__file__).with_name("results.md")
SECTIONS = {
    "speed": "Counting and measuring, beside fairlearn",
    "verdicts": "Acceptance of the verdicts",
    "audits": "Whole audits",
    "diagnoses": "Diagnoses of shift, strata, levels, references and flips",
    "subgroups": "Subgroups nobody named",
    "pid": "Parts of a gap, and bounds",
    "nulls": "Tests where nothing differs",
    "survey": "Survey weights",
    "remedies": "Thresholds by group",
    "abstention": "Abstention without harm",
    "counterfactual": "Repaired inputs",
    "road": "Local fairness, many networks at once",
    "pums": "A national Census file",
    "fairtune": "Fine-tuning in parts",
    "report": "A large report",
}
HEAD = """# Benchmark results

Written by `make bench`. Ratios between rows of one run mean something on any machine; seconds
belong to the machine below.
"""


def machine() -> str:
    """Processor, cores and the versions that matter."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.is_file() else ""
    model = re.search(r"model name\s*:\s*(.+)", text)
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "fairlearn")
    )
    name = model.group(1).strip() if model is not None else platform.machine()
    return (
        f"Machine: {name}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}."
    )


def stored() -> dict[str, str]:
    """Sections already in the file, so that one of them can be run again alone."""
    if not RESULTS.is_file():
        return {}
    parts = re.split(r"(?m)^## (.+)\n", RESULTS.read_text())[1:]
    return {title: body.strip() for title, body in zip(parts[::2], parts[1::2], strict=True)}


def main() -> None:
    """Run the named sections, or all of them, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    names = parser.parse_args().sections
    bodies = stored()
    for name in names if names else SECTIONS:
        print(f"{name} ...", flush=True)
        module = import_module(f"benchmarks.{name}")
        bodies[SECTIONS[name]] = module.run().strip()
    ordered = [title for title in SECTIONS.values() if title in bodies]
    text = "\n\n".join(f"## {title}\n\n{bodies[title]}" for title in ordered)
    RESULTS.write_text(f"{HEAD}\n{machine()}\n\n{text}\n")
    print(f"written: {RESULTS}")


if __name__ == "__main__":
    main()
