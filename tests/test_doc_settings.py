"""Settings of remedies in the docs: made from what the methods declare."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

import mitigations
from auditapp.views import pages
from auditapp.views.doc_settings import with_settings
from mitigations.catalogue import catalogue, entry

METHODS = Path(__file__).resolve().parent.parent / "docs" / "methods"


@pytest.mark.parametrize("slug", mitigations.REGISTRY)
def test_every_page_of_a_remedy_shows_its_settings(slug: str) -> None:
    found = entry(slug)
    assert found is not None
    text = with_settings((METHODS / f"{slug}.md").read_text(), slug)
    assert all(f"(`{parameter.name}`)" in text for parameter in found.parameters)
    assert text.count(f"--method {slug}:") == 1


def test_a_marker_becomes_a_table_of_every_setting() -> None:
    for found in catalogue():
        text = with_settings(f"# A\n\n<!-- settings: {found.slug} -->\n\nMore.\n")
        assert "<!--" not in text and text.endswith("More.\n")
        for parameter in found.parameters:
            row = next(line for line in text.splitlines() if f"(`{parameter.name}`)" in line)
            assert parameter.help in row and row.count("|") == 5


def test_a_marker_of_no_method_shows_nothing() -> None:
    assert with_settings("a\n<!-- settings: nothing -->\nb") == "a\n\nb"
    assert with_settings("a <!-- settings: thresholds --> b") == (
        "a <!-- settings: thresholds --> b"
    )


def test_the_page_is_served_with_the_table(
    tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs" / "methods").mkdir(parents=True)
    (tmp_path / "docs" / "index.md").write_text("# Documentation\n")
    page = tmp_path / "docs" / "methods" / "thresholds.md"
    page.write_text("# Thresholds by group\n\n## Settings\n\n<!-- settings: thresholds -->\n")
    monkeypatch.setattr(pages.settings, "BASE_DIR", tmp_path)
    text = Client().get("/docs/methods/thresholds/").content.decode()
    assert "<td>Limits on the gap (<code>limits</code>)</td>" in text
    assert "settings: thresholds" not in text
