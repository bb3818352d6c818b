"""The child's side of `run_child`: take the order, set the limits, isolate, work, answer."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from auditapp.errors import AuditError
from auditapp.sandbox import kernel

PACKAGES = ("auditapp", "metrics", "mitigations")


def main() -> None:
    """Run one order from standard input and leave by `os._exit`, which waits for no thread."""
    order = json.load(sys.stdin)
    kernel.die_with_parent(order["parent"])
    answer = _answer(order)
    with os.fdopen(order["result"], "w", encoding="utf-8") as out:
        json.dump(answer, out, allow_nan=False)
    sys.stderr.flush()
    os._exit(0)


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    try:
        os.chdir(order["workdir"])
        _limit(order["limits"])
        if order["isolated"]:
            held = _isolate(order)
            if held["network"] == "none" and order["strict"]:
                return {"refused": held}
            order["payload"]["isolation"] = held
        function = _function(order["target"])
        answer = function(order["payload"], _ticker(order["progress"]))
        json.dumps(answer, allow_nan=False)
    except AuditError as error:
        return {"error": error.as_dict()}
    except MemoryError:
        return {"memory": True}
    except OSError as error:
        return _system_error(error)
    except Exception as error:  # the border: nothing may pass but JSON
        return _crash(error)
    return {"ok": answer}


def _system_error(error: OSError) -> dict[str, Any]:
    if error.errno == errno.ENOMEM:
        return {"memory": True}
    if error.errno == errno.EFBIG:
        return {"file_size": True}
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return {"disk_full": True}
    return _crash(error)


def _crash(error: Exception) -> dict[str, Any]:
    traceback.print_exc()
    return {"crash": type(error).__name__}


def _limit(limits: dict[str, Any]) -> None:
    wanted: list[tuple[int, float | None]] = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, limits["files"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_CPU, limits["cpu"]),
    ]
    for kind, value in wanted:
        if value is None:
            continue
        soft = max(int(value), 1 if kind == resource.RLIMIT_CPU else 0)
        hard = soft + 5 if kind == resource.RLIMIT_CPU else soft
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(kind, (soft, hard))


def _isolate(order: dict[str, Any]) -> dict[str, Any]:
    from auditapp.sandbox.lockdown import lock_down

    root = Path(order["root"])
    packages = sorted({*PACKAGES, order["target"].partition(".")[0]})
    sys.dont_write_bytecode = True
    sys.path.remove(str(root))
    sys.meta_path.insert(0, _OwnPackages(root, packages))
    payload = order["payload"]
    return lock_down(
        [root / name for name in packages] + [Path(p) for p in payload.get("read", [])],
        [Path(order[name]) for name in ("workdir", "scratch")]
        + [Path(p) for p in payload.get("write", [])],
        order["parent"],
        tuple(order["mechanisms"]),
    )


class _OwnPackages:
    """Finds our packages without listing the project folder, which also holds data."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self._inits = {name: root / name / "__init__.py" for name in names}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        init = self._inits.get(name)
        if init is None:
            return None
        folder = [str(init.parent)]
        if not init.exists():
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = folder
            return spec
        return importlib.util.spec_from_file_location(
            name, init, submodule_search_locations=folder
        )


def _function(target: str) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _ticker(descriptor: int) -> Callable[..., None]:
    def tick(done: int, total: int, text: str, **extra: Any) -> None:
        line = json.dumps({"done": done, "total": total, "text": text, **extra}) + "\n"
        data = line.encode()
        while data:
            data = data[os.write(descriptor, data) :]

    return tick
