"""A rule as a file of its own: everything needed to apply it to another table."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auditapp.pipeline.audited import Audited
from auditapp.pipeline.remedies.inputs import OTHER
from auditapp.pipeline.remedies.problem import Prepared
from auditapp.predictors import reference_file
from mitigations.contract import Point
from mitigations.rules import Rule

SCHEMA = "evenhand/rule/1"
FOLDER = "rules"
#: Stands in the same folder where the audited model was trained here.
MODEL = "reference-model.json"

Json = dict[str, Any]


def write(audited: Audited, prepared: Prepared, slug: str, point: Point) -> Json:
    """Write the first rule of a point, and its graph and weights where it has any.

    Returns what to call them.

    Files stand in the audit's folder under `FOLDER`. Their names hold the slugs of method and
    point, nothing a user wrote.
    """
    rule = point.rules[0]
    name = f"{slug}--{point.id}"
    folder = Path(audited.job["out"]) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_document(audited, prepared, slug, point), ensure_ascii=False, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    if audited.fitted is not None and not (folder / MODEL).exists():
        model = json.dumps(reference_file.to_json(audited.fitted), allow_nan=False)
        (folder / MODEL).write_text(model + "\n", encoding="utf-8")
    graph = _graph(rule)
    if graph is not None:
        (folder / f"{name}.onnx").write_bytes(graph)
    weights = rule.to_safetensors()
    if weights is not None:
        (folder / f"{name}.safetensors").write_bytes(weights)
    more = []
    for end, content in rule.extras().items():
        (folder / f"{name}--{end}").write_bytes(content)
        more.append(f"{FOLDER}/{name}--{end}")
    return {
        "id": rule.id,
        "file": f"{FOLDER}/{name}.json",
        "onnx": None if graph is None else f"{FOLDER}/{name}.onnx",
        "weights": None if weights is None else f"{FOLDER}/{name}.safetensors",
        "more": more,
    }


def _graph(rule: Rule) -> bytes | None:
    export = getattr(rule, "to_onnx", None)
    return None if export is None else export()


def _document(audited: Audited, prepared: Prepared, slug: str, point: Point) -> Json:
    plan = audited.plan
    specs = [asdict(attribute) for attribute in plan.attributes]
    levels = {a.column: list(e.levels) for a, e in zip(plan.attributes, audited.everyone,
                                                       strict=True)}  # fmt: skip
    columns = [
        {"name": c.name, "kind": c.kind, "keys": list(k), "rest": bool(k) and k[-1] == OTHER}
        for c, k in zip(prepared.inputs.columns, prepared.inputs.keys, strict=True)
    ]
    protect = plan.attributes[0].column if plan.protect is None else plan.protect
    return {
        "schema": SCHEMA,
        "method": slug,
        "point": point.id,
        "label": point.label,
        "settings": dict(point.settings),
        "id": point.rules[0].id,
        "rule": point.rules[0].to_json(),
        "decisions": {"0": "not favourable", "1": "favourable", "2": "a person decides"},
        "inputs": {
            "columns": columns,
            "attributes": specs,
            "levels": levels,
            "protect": protect,
            "score": None if plan.score is None else asdict(plan.score),
            "model": asdict(plan.model),
            "key": [*(c["name"] for c in columns), *(spec["column"] for spec in specs)],
            "image_size": None if audited.table.images is None else audited.table.images.shape[-1],
        },
    }
