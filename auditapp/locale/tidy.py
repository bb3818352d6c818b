"""Tidy catalogues after the message tools; `make messages` runs it.

The tools take the sign in "95% interval" for a placeholder, and then doubt translations that are
right. Here such texts lose the mark, and a doubt goes where the text itself did not change.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

TEXT = r'((?:"(?:[^"\\]|\\.)*"\n?)+)'


def tidy(catalogue: str) -> str:
    """The catalogue without marks that do not hold."""
    return "\n\n".join(_entry(block) for block in catalogue.split("\n\n"))


def _entry(block: str) -> str:
    text = _text(block, r"^msgid ")
    if not text:
        return block
    flags = re.search(r"^#, (.*)$", block, re.MULTILINE)
    kept = flags[1].split(", ") if flags else []
    if "%(" not in text:
        kept = [flag for flag in kept if flag != "python-format"]
    if "fuzzy" in kept and _text(block, r"^#\| msgid ") == text:
        kept.remove("fuzzy")
    if "fuzzy" not in kept:
        block = re.sub(r"^#\|.*\n", "", block, flags=re.MULTILINE)
    line = f"#, {', '.join(kept)}\n" if kept else ""
    return re.sub(r"^#, .*\n", lambda _: line, block, count=1, flags=re.MULTILINE)


def _text(block: str, start: str) -> str:
    found = re.search(start + TEXT.replace(r"\n?", r"(?:\n(?:#\| )?)?"), block, re.MULTILINE)
    if found is None:
        return ""
    return "".join(ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', found[1]))


if __name__ == "__main__":
    for path in Path(__file__).resolve().parent.glob("*/LC_MESSAGES/django.po"):
        path.write_text(tidy(path.read_text(encoding="utf-8")), encoding="utf-8")
