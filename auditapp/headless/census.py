"""Census files and tasks on the command line: several files, `--task`, and what follows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from auditapp.datasets import pums_dictionary, pums_parts
from auditapp.errors import AuditError
from auditapp.folktables import Task, find
from auditapp.folktables.tasks import make
from auditapp.headless.options import Options

Json = dict[str, Any]

UNWEIGHTED = "none"
_LONGEST = 1 << 20


def files(given: Sequence[Path]) -> list[Path]:
    """The files that DATA names: those of folders in their order, data dictionaries last.

    Raises
    ------
    AuditError
        ``no-census-file`` for a folder without any.
    """
    found: list[Path] = []
    for path in given:
        found += pums_parts.folder(path) if path.is_dir() else [path]
    words = [p for p in found if p.is_file() and pums_dictionary.in_file(p) is not None]
    return [path for path in found if path not in words] + words if len(found) > 1 else found


def name_of(path: Path) -> str:
    """A file's name with the two folders above it, which may say its survey year."""
    return "/".join(path.absolute().parts[-3:])


def task_of(options: Options) -> Task | None:
    """The task that `--task` names: one of the catalogue, or a JSON file, without `--exclude`.

    Raises
    ------
    AuditError
        ``unknown-task``, ``task-file``, or what is wrong in the file.
    """
    if options.task is None:
        return None
    path = Path(options.task)
    task = _read(path) if path.suffix.lower() == ".json" else find(options.task)
    return task.without(options.exclude)


def described(options: Options, profile: Json) -> Options:
    """Fill in what the task and the survey say and nobody gave on the command line."""
    survey = profile.get("survey") or {}
    if options.unit is None and survey.get("record") is not None:
        options = replace(options, unit=survey["household"])
    task = profile.get("task")
    if task is None:
        return options
    known = {column["name"] for column in profile["columns"]}
    changes: Json = {"exclude": [name for name in options.exclude if name in known]}
    if options.label is None:
        changes |= {"label": task["label"], "favourable": options.favourable or ("1",)}
    if not options.sensitive:
        changes["sensitive"] = [task["group"]]
    if options.features is None and options.train is not None:
        changes["features"] = task["model_features"]
    if options.weight is None and options.outcome == "binary":
        weight = survey.get("weight")
        changes |= {
            "weight": weight,
            "replicate_weights": weight if survey.get("replicates") else None,
        }
    elif options.weight == UNWEIGHTED and UNWEIGHTED not in known:
        changes["weight"] = None
    return replace(options, **changes)


def _read(path: Path) -> Task:
    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= _LONGEST else ""
        data = json.loads(text)
    except OSError as error:
        raise AuditError(
            "task-file", f"There is no file “{path}” to read.", "Check the path of --task."
        ) from error
    except ValueError as error:
        raise AuditError(
            "task-file",
            f"“{path}” is not JSON.",
            "A task looks like the block below.",
            found=str(error)[:200],
            code_block=_EXAMPLE,
        ) from error
    if not isinstance(data, dict):
        raise AuditError(
            "task-file",
            f"“{path}” holds no task.",
            "A task looks like the block below.",
            code_block=_EXAMPLE,
        )
    return make(data)


_EXAMPLE = """{
 "name": "Long hours",
 "title": "More than 40 hours a week",
 "features": ["AGEP", "SCHL", "MAR", "SEX"],
 "target": "WKHP > 40",
 "filter": ["18 <= AGEP < 65", "ESR == 1"],
 "group": "RAC1P"
}"""
