"""Apply a rule that an audit handed out to the rows of another table."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp import delivery, sandbox
from auditapp.datasets import groups
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.remedies import keys
from auditapp.pipeline.remedies.rulefile import MODEL, SCHEMA
from auditapp.predictors.reference_file import Stored
from mitigations.contract import MethodError, Part
from mitigations.fairtune.checkpoint import read
from mitigations.rules import Rule, decide, from_state, uniforms

Json = dict[str, Any]

#: A rule is some numbers; more than this is none.
MOST_BYTES = 256 << 20
SCORED = "--score"


@dataclass(frozen=True)
class Request:
    """What the command line said."""

    rule: Path
    data: Path
    out: Path
    score: str | None = None
    model: Path | None = None
    images: Path | None = None
    read: Mapping[str, Any] = field(default_factory=dict)


def apply(request: Request) -> dict[str, int]:
    """Decide about every row and write ``row, decision, chance_favourable, chance_person, u``.

    Returns
    -------
    dict
        Rows by decision: ``favourable``, ``unfavourable``, ``person``.

    Raises
    ------
    AuditError
        The rule or the table cannot be used; nothing was written.
    """
    inputs = {"the rule": request.rule, "the table": request.data}
    if request.model is not None:
        inputs["the model"] = request.model
    if request.images is not None:
        inputs["the pictures"] = request.images
    delivery.check({"--out": request.out}, inputs)
    document = document_of(request.rule)
    with tempfile.TemporaryDirectory(prefix="evenhand-") as scratch:
        work = Path(scratch)
        rule = rule_of(document, request.rule)
        table = table_of(request, work, document["inputs"].get("image_size"))
        part, ask = part_of(request, document, table, work)
        try:
            shares = rule.act(part, ask)
            decision = decide(rule, part, ask)
        except MethodError as error:
            raise AuditError(error.code, error.message, error.hint) from error
        _write(work / "out.csv", rule, part, shares, decision)
        delivery.put({request.out: work / "out.csv"})
    return {
        "favourable": int((decision == 1).sum()),
        "unfavourable": int((decision == 0).sum()),
        "person": int((decision == 2).sum()),
    }


def document_of(path: Path) -> Json:
    refused = AuditError(
        "not-a-rule",
        f"“{path.name}” is no rule of an audit.",
        "Give a JSON file from the folder of --rules, or one downloaded from a report.",
    )
    if path.stat().st_size > MOST_BYTES:
        raise refused
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise refused from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise refused
    return document


def rule_of(document: Json, path: Path | None = None) -> Rule:
    """The rule of a document; its weights, if it has any, stand beside the file."""
    try:
        rule = from_state(document["rule"], _arrays(document, path))
        whole = rule.id == document["id"]
    except (KeyError, TypeError, ValueError, AttributeError, MethodError) as error:
        raise AuditError(
            "broken-rule",
            "The rule in the file cannot be read.",
            "Take the file as the audit wrote it.",
        ) from error
    if not whole:
        raise AuditError(
            "changed-rule",
            "The rule in the file is not the one its id was made for: somebody changed it.",
            "Take the file as the audit wrote it.",
        )
    return rule


def _arrays(document: Json, path: Path | None) -> dict[str, NDArray[Any]] | None:
    """Weights of a rule from the safetensors file of the same name."""
    if path is None or "arrays" not in document["rule"]:
        return None
    beside = path.with_suffix(".safetensors")
    if not beside.is_file():
        raise AuditError(
            "no-weights",
            f"The rule is a network, and its weights “{beside.name}” are not beside it.",
            "Download both files into one folder.",
        )
    return read(beside).arrays


def table_of(request: Request, work: Path, image_size: int | None = None) -> Table:
    source = str(request.data.resolve())
    images = None if request.images is None else str(request.images.resolve())
    sized = {} if image_size is None else {"image_size": image_size}
    sandbox.run_child(
        "auditapp.datasets.inspect:child_main",
        {
            "source": source,
            "name": request.data.name,
            "out": str(work / "table"),
            "options": {**request.read, **sized},
            "images": images,
            "read": [source, *([] if images is None else [images])],
        },
        workdir=work,
        limits=sandbox.Limits.parsing(),
        isolated=True,
    )
    return Table.open(work / "table")


def part_of(request: Request, document: Json, table: Table, work: Path) -> tuple[Part, Any]:
    facts = document["inputs"]
    x = _columns(facts["columns"], table)
    codes = {
        spec["column"]: _group(table, spec, facts["levels"][spec["column"]])
        for spec in facts["attributes"]
    }
    ask = _model(request, facts)
    score = _score(request, facts, table, x, ask)
    part = Part(
        x=x,
        group=codes[facts["protect"]],
        groups=codes,
        score=score,
        row_key=keys.of(table, facts["key"]),
        blobs={} if table.images is None else {"image": table.images},
    )
    return part, None if ask is None else lambda rows: ask.ask(rows.x)


def _columns(columns: list[Json], table: Table) -> NDArray[np.float32]:
    x = np.full((table.n_rows, len(columns)), np.nan, dtype=np.float32)
    for slot, column in enumerate(columns):
        if column["kind"] == "numeric":
            x[:, slot] = table.numbers(column["name"])
            continue
        levels, codes = table.codes(column["name"])
        place = {key: float(i) for i, key in enumerate(column["keys"])}
        rest = float(len(column["keys"]) - 1) if column["rest"] else np.nan
        found = np.array([place.get(level, rest) for level in levels] + [np.nan])
        x[:, slot] = found[codes]
    return x


def _group(table: Table, spec: Json, levels: list[str]) -> NDArray[np.int32]:
    words, _, codes = groups.attribute(table, spec)
    place = {word: i for i, word in enumerate(levels)}
    lookup = np.array([place.get(word, -1) for word in words] + [-1], dtype=np.int32)
    return lookup[codes]


def _model(request: Request, facts: Json) -> Stored | None:
    if facts["model"]["kind"] != "train":
        return None
    path = request.model if request.model is not None else request.rule.parent / MODEL
    if not path.is_file():
        return None
    try:
        return Stored.read(json.loads(path.read_bytes()))
    except (ValueError, RecursionError):
        return Stored.read(None)


def _score(
    request: Request, facts: Json, table: Table, x: NDArray[np.float32], ask: Stored | None
) -> NDArray[np.float64] | None:
    spec = facts["score"]
    column = request.score if request.score is not None else (spec or {}).get("column")
    if column is not None:
        low, high, up = 0.0, 1.0, True
        if spec is not None:
            low, high, up = spec["low"], spec["high"], spec["favourable"]
        scaled = (table.numbers(column) - low) / (high - low)
        return scaled if up else 1.0 - scaled
    if ask is not None:
        return ask.ask(x)
    return None


def _write(
    path: Path,
    rule: Rule,
    part: Part,
    shares: NDArray[np.float64],
    decision: NDArray[np.int8],
) -> None:
    words = np.array(["unfavourable", "favourable", "person"])
    u = uniforms(rule.id, part.row_key)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "decision", "chance_favourable", "chance_person", "u"])
        for i in range(len(part)):
            writer.writerow(
                [
                    i + 1,
                    words[decision[i]],
                    repr(float(shares[i, 1])),
                    repr(float(shares[i, 2])),
                    repr(float(u[i])),
                ]
            )
