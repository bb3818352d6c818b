"""The documentation names what there is, all of it, and leads nowhere that does not exist."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from auditapp.management.commands.audit import Command
from auditapp.views.pages import SLUG
from metrics.rates import REGISTRY

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SCORE_PAGES = ("auc", "brier", "ece", "calibration")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
FIRST_CELL = re.compile(r"^\| (`[^|]*) \|", re.M)
AVOIDED = re.compile(r"\b(please|oops|successfully|minority|bias-free|compliant)\b", re.I)
# Django's own options, the same for every command.
INHERITED = {
    option
    for action in argparse.ArgumentParser()._actions
    for option in action.option_strings
} | {
    "--version", "--verbosity", "-v", "--settings", "--pythonpath", "--traceback", "--no-color",
    "--force-color", "--skip-checks",
}  # fmt: skip


def _name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def _targets(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text())
    return [target for target in LINK.findall(text) if "://" not in target]


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("slug", sorted(REGISTRY))
def test_every_metric_has_a_page_with_its_title_and_source(slug: str) -> None:
    text = (DOCS / "metrics" / f"{slug}.md").read_text()
    assert text.startswith(f"# {REGISTRY[slug].title}\n")
    assert f"| Source | {REGISTRY[slug].source} |" in text


@pytest.mark.parametrize("slug", SCORE_PAGES)
def test_every_number_about_scores_has_a_page(slug: str) -> None:
    assert (DOCS / "metrics" / f"{slug}.md").is_file()


@pytest.mark.parametrize("doc", PAGES, ids=_name)
def test_every_relative_link_resolves(doc: Path) -> None:
    for target in _targets(doc):
        path, _, anchor = target.partition("#")
        linked = (doc.parent / path).resolve() if path else doc
        assert linked.exists(), target
        assert not anchor or anchor in _anchors(linked), target


def test_every_page_is_linked_from_the_index_or_another_page() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in _targets(page)
        if target.partition("#")[0]
    }
    lonely = [_name(page) for page in PAGES if page not in linked and page.name != "index.md"]
    assert lonely == []


def test_the_index_lists_every_metric() -> None:
    listed = set(_targets(DOCS / "index.md"))
    missing = {f"metrics/{page.name}" for page in (DOCS / "metrics").glob("*.md")} - listed
    assert missing == set()


@pytest.mark.parametrize("doc", PAGES, ids=_name)
def test_every_page_can_be_served_and_has_a_title(doc: Path) -> None:
    assert SLUG.fullmatch(doc.relative_to(DOCS).with_suffix("").as_posix())
    assert doc.read_text().startswith("# ")


@pytest.mark.parametrize("doc", PAGES, ids=_name)
def test_pages_keep_to_the_words_of_the_product(doc: Path) -> None:
    text = FENCE.sub("", doc.read_text())
    assert AVOIDED.findall(text) == []
    assert re.findall(r"\w!(?:\s|$)", text) == []


def _parser() -> argparse.ArgumentParser:
    return Command().create_parser("manage.py", "audit")


def _described() -> str:
    return "\n".join(FIRST_CELL.findall((DOCS / "audit-command.md").read_text()))


def test_every_option_of_the_audit_command_is_described() -> None:
    options = {o for action in _parser()._actions for o in action.option_strings} - INHERITED
    assert options - set(re.findall(r"--[a-z-]+", _described())) == set()


def test_every_described_option_exists() -> None:
    options = {o for action in _parser()._actions for o in action.option_strings}
    text = (DOCS / "audit-command.md").read_text()
    inside = "\n".join(block for block in FENCE.findall(text) if "manage.py audit" in block)
    assert set(re.findall(r"(?<![\w-])--[a-z-]+", _described() + inside)) - options == set()


def test_every_choice_of_an_option_is_named() -> None:
    text = (DOCS / "audit-command.md").read_text()
    own = [a for a in _parser()._actions if a.choices and not set(a.option_strings) & INHERITED]
    rows = [line for line in text.splitlines() if line.startswith("| `--")]
    lines = {a.dest: next(row for row in rows if a.option_strings[0] in row) for a in own}
    assert [(a.dest, c) for a in own for c in a.choices if str(c) not in lines[a.dest]] == []


def test_every_documented_variable_is_read_somewhere() -> None:
    rows = FIRST_CELL.findall((DOCS / "configure.md").read_text())
    sources = [
        path.read_text()
        for folder in ("auditapp", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "test_docs.py"
    ]
    unread = [row for row in rows if not any(f'"{row.strip("`")}"' in text for text in sources)]
    assert rows
    assert unread == []


def test_pages_named_in_templates_and_messages_exist() -> None:
    named = set()
    for template in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r"'doc-page' '([^']+)'", template.read_text()))
    for source in (ROOT / "auditapp").rglob("*.py"):
        named |= set(re.findall(r"docs/([a-z0-9/-]+)\.md", source.read_text()))
    assert {name for name in named if not (DOCS / f"{name}.md").is_file()} == set()
