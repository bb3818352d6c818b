"""Docs, status, health, and the pages for what went wrong."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

from auditapp.views import pages
from tests.factories import make_team

pytestmark = pytest.mark.django_db


def test_the_docs_list_their_pages() -> None:
    text = Client().get(reverse("docs")).content.decode()
    assert "Install" in text
    assert reverse("doc-page", args=["install"]) in text


def test_the_docs_are_in_the_order_of_their_index() -> None:
    groups = pages.doc_groups()
    assert [group["words"] for group in groups][:3] == ["Run it", "Make an audit", "Read it"]
    assert groups[0]["pages"][0]["slug"] == "install"
    slugs = [page["slug"] for group in groups for page in group["pages"]]
    assert len(slugs) == len(set(slugs))
    root = settings.BASE_DIR / "docs"
    for folder in ("", "metrics", "methods", "templates"):
        for path in (root / folder).glob("*.md"):
            slug = path.relative_to(root).with_suffix("").as_posix()
            assert slug in slugs or slug == "index"


@pytest.mark.parametrize("group", range(8))
def test_every_page_of_the_docs_renders(group: int) -> None:
    groups = pages.doc_groups()
    assert len(groups) <= 8
    for page in groups[group]["pages"] if group < len(groups) else []:
        response = Client().get(reverse("doc-page", args=[page["slug"]]))
        assert response.status_code == 200
        text = response.content.decode()
        assert text.count("<h1") == 1, page["slug"]
        assert " style=" not in text


@pytest.mark.parametrize("slug", ["nothing", "../manage", "..%2Fsettings", "metrics/../install"])
def test_no_other_file_is_served_as_a_page(slug: str) -> None:
    assert Client().get(f"/docs/{slug}/").status_code == 404


def test_links_between_documents_become_links_between_pages() -> None:
    page = settings.BASE_DIR / "docs" / "install.md"
    assert pages._link("configure.md#tls", page) == "/docs/configure/#tls"
    assert pages._link("metrics/auc.md", page) == "/docs/metrics/auc/"
    assert pages._link("https://example.org/a.md", page) == "https://example.org/a.md"
    assert pages._link("../README.md", page) == "../README.md"


def test_a_link_into_a_page_finds_its_heading() -> None:
    text = Client().get(reverse("doc-page", args=["choose"])).content.decode()
    assert '<h2 id="how-large-a-gap-matters-the-limit">' in text
    assert f'href="{reverse("doc-page", args=["data"])}#how-many-rows"' in text
    data = Client().get(reverse("doc-page", args=["data"])).content.decode()
    assert '<h2 id="how-many-rows">' in data


def test_status_says_what_works() -> None:
    client = Client()
    client.force_login(make_team().alice)
    text = client.get(reverse("status")).content.decode()
    assert "Database" in text and "Works" in text


def test_health_answers_without_a_session() -> None:
    assert Client().get(reverse("healthz")).json() == {"status": "ok"}


def test_an_unknown_address_is_a_plain_404() -> None:
    response = Client().get("/nothing/here/")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_an_old_form_is_a_readable_403() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(reverse("signin"), {"email": "a@example.org", "password": "x"})
    assert response.status_code == 403
    assert "This form was open for too long" in response.content.decode()


def test_an_unexpected_error_shows_a_reference_only() -> None:
    response = pages.server_error(RequestFactory().get("/secret/"))
    text = response.content.decode()
    assert response.status_code == 500
    assert "reference" in text and "/secret/" not in text


def test_headers_allow_no_foreign_code(rf: RequestFactory) -> None:
    response = Client().get(reverse("signin"))
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert isinstance(rf.get("/"), HttpRequest)
