"""What was done in a workspace: the page of its owners, and the same as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from auditapp import selectors
from auditapp.models import Event
from auditapp.services.trail import event_add, trail_check
from auditapp.views.access import owning

PER_PAGE = 50
SUBJECTS = {"dataset": "data set", "person": "", "workspace": "workspace", "invitation": ""}
COLUMNS = (
    "sequence",
    "at",
    "actor",
    "verb",
    "subject",
    "subject_id",
    "name",
    "detail",
    "previous_hash",
    "hash",
)
#: A detail in words; what is not here is shown as name and value.
DETAILS = {
    "by_way_of": "by {}",
    "role": "as {}",
    "changed": "{}",
    "member": "{}",
    "report": "{}",
    "file": "{}",
    "code": "{}",
    "bytes": "{:,} bytes",
    "result_hash": "result {:.12}",
    "pdf_hash": "PDF {:.12}",
    "link": "link {}…",
    "note": "for {}",
    "days": "{} days",
    "views": "opened: {}",
    "cells_below": "cells below {} left out",
}
#: Verbs that would not read well before what they are about.
VERBS = {
    "asked for final": "asked to make final",
    "asked for files again": "asked again for the files of",
    "made superseded": "marked as superseded",
    "copy made": "made a copy of",
    "link opened": "opened the link to",
    "link revoked": "revoked the link to",
}
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def trail(request: HttpRequest) -> HttpResponse:
    """Events, newest first; POST checks the chain."""
    workspace = owning(request)
    search = request.GET.get("find", "").strip()[:100]
    found = selectors.trail_of(user=request.user, workspace=workspace, search=search)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    workspace.refresh_from_db(fields=["trail_length", "trail_head"])
    context = {
        "events": [_line(event) for event in page.object_list],
        "page": page,
        "search": search,
        "length": workspace.trail_length,
        "head": workspace.trail_head,
        "checked": request.method == "POST",
        "fault": trail_check(workspace=workspace) if request.method == "POST" else None,
    }
    return render(request, "pages/trail.html", context)


@login_required
@require_safe
def trail_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every event, oldest first, with the hashes."""
    workspace = owning(request)
    if request.method == "GET":
        event_add(subject=workspace, verb="downloaded the trail of", user=request.user)
    found = selectors.trail_of(user=request.user, workspace=workspace).order_by("sequence")
    response = StreamingHttpResponse(_rows(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{workspace.slug}-trail.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _rows(found: Any) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for event in found.iterator(1000):
        writer.writerow([_cell(getattr(event, name)) for name in COLUMNS])
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _line(event: Event) -> dict[str, Any]:
    subject = SUBJECTS.get(event.subject, event.subject)
    own = event.subject == "person" and event.detail.get("member", event.actor) == event.actor
    return {
        "event": event,
        "who": event.actor or ("Somebody with a link" if "link" in event.detail else "Evenhand"),
        "what": " ".join((VERBS.get(event.verb, event.verb), subject)).strip().capitalize(),
        "name": "" if own else event.name,
        "more": ", ".join(_words(name, value) for name, value in _details(event)),
    }


def _details(event: Event) -> list[tuple[str, Any]]:
    """What is worth a line; the CSV has all of it."""
    told = [(name, value) for name, value in event.detail.items() if value not in (None, "", [])]
    if "before" in event.detail:
        return [("changed", "from {before} to {role}".format(**event.detail))]
    untold = (("member", event.name), ("cells_below", 0))
    return [pair for pair in told if pair not in untold and pair[0] != "options"]


def _words(name: str, value: Any) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    if isinstance(value, bool):
        shown = "yes" if value else "no"
    try:
        return DETAILS.get(name, name.replace("_", " ") + " {}").format(shown)
    except ValueError:
        return str(shown)
