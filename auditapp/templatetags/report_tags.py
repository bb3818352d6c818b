"""Drawings of a report inside its page. Only what the sanitiser lets through is ever emitted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from auditapp.reports import svg

register = template.Library()

#: Columns of text that do not fit beside each other on a phone.
WORDED = 3

NAME = re.compile(r"[a-z0-9-]{1,120}")
VARIANTS = frozenset({"wide", "narrow"})


@register.simple_tag
def chart(figure: Mapping[str, Any], folder: str | Path, variant: str) -> SafeString | str:
    """The drawing of a figure for wide or narrow pages, cleaned and named; empty if it is gone."""
    name = str(figure["anchor"])
    if variant not in VARIANTS or not NAME.fullmatch(name):
        return ""
    path = Path(folder) / "charts" / f"{name}.{variant}.svg"
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return ""
    return _cleaned(path, changed, figure["title"], figure["alt"], f"{variant[0]}-{name}-")


@lru_cache(maxsize=128)
def _cleaned(path: Path, changed: int, title: str, description: str, prefix: str) -> SafeString:
    drawn = path.read_text(encoding="utf-8")
    cleaned = svg.clean(drawn, title=title, description=description, prefix=prefix)
    return mark_safe(cleaned)


@register.filter
def fours(digest: str) -> str:
    """The first twelve digits of a hash in groups of four."""
    return " ".join(digest[i : i + 4] for i in range(0, 12, 4))


@register.filter
def in_words(columns: list[Any]) -> bool:
    """Whether a table holds sentences or much text, which phones show as labelled lines."""
    worded = sum(column["align"] == "start" for column in columns)
    return worded == len(columns) or worded >= WORDED
