"""Rules that hold for every template and static file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_no_template_holds_inline_style_or_script(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"\sstyle\s*=", text)
    assert "<style" not in text
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert "javascript:" not in text


#: Public pages whose view takes no session and changes nothing.
WITHOUT_SESSION = {"templates/pages/verify.html"}


@pytest.mark.parametrize("name", sorted(set(names(TEMPLATES)) - WITHOUT_SESSION))
def test_every_form_that_posts_carries_a_token(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.S):
        assert "{% csrf_token %}" in form


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_nothing_comes_from_another_site(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=\"(https?:)?//", text)
    assert "|safe" not in text and "autoescape off" not in text


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_words_are_calm(name: str) -> None:
    text = re.sub(r"<!doctype html>|{%.*?%}|{{.*?}}", "", (ROOT / name).read_text("utf-8"))
    words = re.sub(r"<[^>]*>", " ", text)
    assert "!" not in words
    assert not re.search(r"\b(oops|please|successfully|click here)\b", words, re.I)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def themes() -> list[dict[str, str]]:
    text = (ROOT / "static" / "css" / "tokens.css").read_text()
    blocks = re.findall(r":root[^{]*\{(.*?)\}", text, re.S)
    found = [dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block)) for block in blocks]
    return [block for block in found if "paper" in block]


def test_both_ways_to_the_dark_theme_are_the_same() -> None:
    light, by_system, by_choice = themes()
    assert by_system == by_choice
    assert light.keys() == by_system.keys()


@pytest.mark.parametrize("theme", [0, 1])
def test_text_has_contrast_enough(theme: int) -> None:
    colour = themes()[theme]
    for text in ("ink", "ink2", "ink3", "link", "err", "ok", "brass"):
        for ground in ("surface", "paper"):
            assert contrast(colour[text], colour[ground]) >= 4.5, (text, ground)
    for verdict in ("diff", "none", "few"):
        assert contrast(colour[f"{verdict}-text"], colour[f"{verdict}-tint"]) >= 4.5
        assert contrast(colour[f"{verdict}-mark"], colour[f"{verdict}-tint"]) >= 3
    assert contrast(colour["on-navy"], colour["navy"]) >= 4.5
    assert contrast(colour["on-brass"], colour["brass"]) >= 4.5
    assert contrast(colour["line2"], colour["surface"]) >= 3


def test_every_colour_token_in_use_exists() -> None:
    known = set(re.findall(r"(--[a-z0-9-]+):", "".join(p.read_text() for p in STYLES)))
    for path in STYLES:
        for name in re.findall(r"var\((--[a-z0-9-]+)", path.read_text()):
            assert name in known, f"{name} in {path.name}"


def test_every_class_of_a_page_icon_is_drawn() -> None:
    known = set(re.findall(r'name == "([a-z]+)"', (ROOT / "templates/ui/icon.html").read_text()))
    used = set()
    for path in TEMPLATES:
        used |= set(re.findall(r'{% icon "([a-z]+)"', path.read_text()))
    assert used <= known
