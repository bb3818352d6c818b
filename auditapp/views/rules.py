"""Rules that remedies of a finished audit ended in, to be run elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from auditapp import selectors
from auditapp.models import Report, State
from auditapp.services.trail import report_downloaded
from auditapp.views.access import enter

#: Slug of the method, id of the setting, kind of file: as `auditapp.pipeline.remedies` names them.
NAME = re.compile(r"[a-z0-9]+(?:-{1,2}[a-z0-9]+)*\.(?:json|onnx|safetensors)", re.ASCII)
LONGEST = 200
TYPES = {
    ".json": "application/json",
    ".onnx": "application/octet-stream",
    ".safetensors": "application/octet-stream",
}
#: Files of a rule beside the rule itself, by the end of their names.
WORDS = {"delta.safetensors": gettext_lazy("Trained tensors"), "mask.json": gettext_lazy("Mask")}
FOLDER = "rules"
#: The audited model, where it was trained here: what some rules ask.
MODEL = "reference-model.json"
Json = dict[str, Any]


@login_required
@require_safe
def report_rules(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Every rule of a report with what it is, and how it is applied."""
    audit = selectors.audit_get(user=request.user, id=audit_id)
    if audit.state != State.DONE:
        return redirect("audit", audit.id)
    enter(request, audit.workspace)
    found = selectors.report_get(user=request.user, audit_id=audit_id)
    context = {
        "audit": audit,
        "methods": _listed(found),
        "model": "" if _path(found, MODEL) is None else MODEL,
    }
    return render(request, "pages/report_rules.html", context)


@login_required
@require_safe
def report_rule(request: HttpRequest, audit_id: UUID, name: str) -> FileResponse:
    """One rule under a fixed name and type."""
    found = selectors.report_get(user=request.user, audit_id=audit_id)
    path = _path(found, name)
    if path is None:
        raise Http404("This report has no such rule.")
    if request.method == "GET":
        report_downloaded(report=found, user=request.user, file=name)
    response = FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=f"{found.audit.report_id}-{name}",
        content_type=TYPES[path.suffix],
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


def has_rules(found: Report) -> bool:
    """Whether any rule was kept with a report."""
    return (found.folder / FOLDER).is_dir()


def _path(found: Report, name: str) -> Path | None:
    """Where a rule lies; None for any other name, and for what is no plain file."""
    if len(name) > LONGEST or NAME.fullmatch(name) is None:
        return None
    path = found.folder / FOLDER / name
    return None if path.is_symlink() or not path.is_file() else path


def _listed(found: Report) -> list[Json]:
    """Methods of the stored result with the settings that have a file."""
    try:
        document: Json = json.loads((found.folder / "result.json").read_bytes())
    except FileNotFoundError as error:
        raise Http404("The files of this report are gone.") from error
    out = []
    for method in document.get("methods") or []:
        points = [_point(found, point) for point in method.get("points") or []]
        kept = [point for point in points if point["files"]]
        if kept:
            out.append({"title": method.get("title", method["slug"]), "points": kept})
    return out


def _sent(point: Json) -> float:
    """Share of people that a person decides about."""
    covered = (point.get("coverage") or {}).get("value")
    return 0.0 if covered is None else 1.0 - float(covered)


def _point(found: Report, point: Json) -> Json:
    """A setting in words, with the files of its rule that are there."""
    rule = point.get("rule") or {}
    files = []
    named = [("JSON", rule.get("file")), ("ONNX", rule.get("onnx"))]
    named.append((_("Weights"), rule.get("weights")))
    named += [(WORDS.get(str(n).rpartition("--")[2], "File"), n) for n in rule.get("more") or ()]
    for words, file in named:
        name = str(file or "").removeprefix(f"{FOLDER}/")
        if _path(found, name) is not None:
            files.append({"name": name, "words": words})
    return {
        "label": point.get("label", point.get("id", "")),
        "recommended": bool(point.get("recommended")),
        "uses_group": bool(point.get("uses_group")),
        "randomised": bool(point.get("randomised")),
        "sent": _sent(point),
        "files": files,
    }
