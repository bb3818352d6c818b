"""Docs, status, health, and the pages for what went wrong."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from auditapp.views.doc_settings import with_settings
from auditapp.views.home import installation

log = structlog.get_logger(__name__)
SCROLLED = 'tabindex="0" role="group" aria-label="Table"'
SLUG = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)?")


@login_required
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """What works on this installation, and what to do where something does not."""
    return render(request, "pages/status.html", {"installation": installation()})


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """For a load balancer: whether pages can be answered."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The list of pages under docs/."""
    return render(request, "pages/docs.html", {"groups": doc_groups(), "slug": ""})


@require_safe
def doc_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One page under docs/."""
    path = Path(settings.BASE_DIR) / "docs" / f"{slug}.md"
    if not SLUG.fullmatch(slug) or not path.is_file():
        raise Http404("There is no such page in the documentation.")
    title, html = _rendered(path, path.stat().st_mtime_ns)
    groups = doc_groups()
    for group in groups:
        group["current"] = any(page["slug"] == slug for page in group["pages"])
    context = {"groups": groups, "slug": slug, "title": title, "html": html}
    return render(request, "pages/doc_page.html", context)


GROUPS = (
    ("", gettext_lazy("Using Evenhand")),
    ("templates", gettext_lazy("Regulatory templates")),
    ("metrics", gettext_lazy("Metrics")),
    ("methods", gettext_lazy("Methods")),
)


INDEX = re.compile(r"^## (?P<group>.+)$|\]\((?P<slug>[a-z0-9/-]+)\.md", re.MULTILINE)


def doc_groups() -> list[dict[str, Any]]:
    """Pages in the order and under the headings of docs/index.md, with the title each begins with.

    What that page does not name comes last in the group of its folder.
    """
    root = Path(settings.BASE_DIR) / "docs"
    found: dict[str, list[str]] = {}
    words, named = "", set()
    for match in INDEX.finditer((root / "index.md").read_text(encoding="utf-8")):
        slug = match["slug"]
        if match["group"]:
            words = match["group"]
        elif slug not in named and (root / f"{slug}.md").is_file():
            named.add(slug)
            found.setdefault(words, []).append(slug)
    for folder, words in GROUPS:
        for path in sorted((root / folder).glob("*.md")):
            slug = path.relative_to(root).with_suffix("").as_posix()
            if slug not in named | {"index"}:
                found.setdefault(words, []).append(slug)
    return [
        {"words": words, "pages": [{"slug": s, "title": _title(root / f"{s}.md")} for s in slugs]}
        for words, slugs in found.items()
    ]


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        first = next((line for line in lines if line.startswith("# ")), "")
    return first[2:].strip() or path.stem.replace("-", " ").capitalize()


@lru_cache(maxsize=64)
def _rendered(path: Path, changed: int) -> tuple[str, SafeString]:
    """Title and HTML of a page of our own; raw HTML in it is shown as text."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    slug = path.stem if path.parent.name == "methods" else ""
    tokens = parser.parse(with_settings(path.read_text(encoding="utf-8"), slug))
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrs["id"] = _anchor(tokens[place + 1].content)
        if token.type in {"th_open", "td_open"} and "style" in token.attrs:
            right = "right" in str(token.attrs.pop("style"))
            if right:
                token.attrs["class"] = "num"
        for child in token.children or []:
            if child.type == "link_open":
                child.attrs["href"] = _link(str(child.attrs["href"]), path)
    html = parser.renderer.render(tokens, parser.options, {})
    # a block that scrolls can be reached by keyboard; an empty header cell is no header
    html = html.replace("<pre>", '<pre tabindex="0">').replace("<th></th>", "<td></td>")
    html = html.replace("<table>", f'<div class="doc-table" {SCROLLED}><table>')
    html = html.replace("</table>", "</table></div>")
    return _title(path), mark_safe(html)  # our own files, HTML disabled


def _anchor(heading: str) -> str:
    """The name under which links find a heading, as code forges make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _link(href: str, page: Path) -> str:
    """Links between Markdown files become links between pages."""
    target, sign, part = href.partition("#")
    if not target.endswith(".md") or "://" in target:
        return href
    root = (Path(settings.BASE_DIR) / "docs").resolve()
    path = (page.parent / target).resolve()
    if not path.is_relative_to(root):
        return href
    slug = path.relative_to(root).with_suffix("").as_posix()
    return f"{reverse('doc-page', args=[slug])}{sign}{part}"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _wrong(
        request,
        404,
        _("There is nothing at this address"),
        _("It may have been deleted, or it belongs to a workspace you are not in."),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    words = str(exception) if exception is not None and str(exception) else ""
    return _wrong(
        request,
        403,
        _("You cannot do this here"),
        words or _("Ask an owner of the workspace to change your role."),
    )


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429."""
    words = _("Wait five minutes, then send the form again. Nothing was changed.")
    return _wrong(request, 429, _("There were too many tries"), words)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old."""
    return _wrong(
        request,
        403,
        _("This form was open for too long"),
        _("Go back, load the page again and send the form once more. Nothing was changed."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500: says a reference that the log has too, and nothing else."""
    reference = secrets.token_hex(4)
    log.error("page failed", reference=reference, path=request.path, exc_info=True)
    return HttpResponse(
        _plain("500.html", {"reference": reference}), status=500, content_type="text/html"
    )


def _plain(name: str, context: dict[str, Any]) -> str:
    """Without context processors, since they may be what failed."""
    from django.template.loader import get_template

    return str(get_template(name).render(context))


def _wrong(request: HttpRequest, status: int, title: str, words: str) -> HttpResponse:
    context = {"title": title, "words": words, "status": status}
    return render(request, "pages/wrong.html", context, status=status)
