"""Texts marked for translation, and the catalogue: read without the message tools."""

from __future__ import annotations

import ast
import gettext
import re
from functools import cache
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "auditapp" / "locale" / "es" / "LC_MESSAGES" / "django.po"
ONE = {"_", "gettext", "gettext_lazy", "gettext_noop"}
MANY = {"ngettext", "ngettext_lazy"}
IN_CONTEXT = {"pgettext", "pgettext_lazy"}
#: As gettext stores a text with a context.
BETWEEN = "\x04"
CALL = re.compile(
    r"""(?P<name>n?p?gettext|(?<!\w)_)\(\s*(?P<args>u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""(?:\s*,\s*u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))*)"""
)
TEXT = re.compile(r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


@cache
def of_code() -> dict[str, str]:
    """Every text of the Python files, with where it stands first."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "auditapp").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                for text in _of_call(node):
                    found.setdefault(text, path.relative_to(ROOT).as_posix())
    return found


def _of_call(node: ast.Call) -> list[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
    texts = [t for t in texts if isinstance(t, str)]
    if name in IN_CONTEXT and len(texts) == 2:
        return [BETWEEN.join(texts)]
    return texts[:1] if (name in ONE or name in MANY) and texts and texts[0] else []


@cache
def of_templates() -> dict[str, str]:
    """Every text of the templates, with where it stands first."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix not in {".html", ".txt"}:
            continue
        name = path.relative_to(ROOT).as_posix()
        for call in CALL.finditer(templatize(path.read_text(encoding="utf-8"), origin=name)):
            texts = [ast.literal_eval(text) for text in TEXT.findall(call["args"])]
            text = BETWEEN.join(texts[:2]) if call["name"] == "pgettext" else texts[0]
            if text:
                found.setdefault(text, name)
    return found


@cache
def entries() -> dict[str, tuple[str, ...]]:
    """The texts of the .po file with their translations, forms of number in order."""
    found: dict[str, tuple[str, ...]] = {}
    for block in CATALOGUE.read_text(encoding="utf-8").split("\n\n"):
        fields: dict[str, str] = {}
        for match in re.finditer(
            r'^(msg\w+(?:\[\d\])?) ((?:"(?:[^"\\]|\\.)*"\n?)+)', block, re.MULTILINE
        ):
            parts = re.findall(r'"(?:[^"\\]|\\.)*"', match[2])
            fields[match[1]] = "".join(ast.literal_eval(part) for part in parts)
        if not fields.get("msgid"):
            continue
        context = fields.get("msgctxt")
        key = fields["msgid"] if context is None else context + BETWEEN + fields["msgid"]
        said = [fields[name] for name in sorted(fields) if name.startswith("msgstr")]
        found[key] = tuple(said)
    return found


@cache
def compiled() -> dict[str, tuple[str, ...]]:
    """The same of the .mo file."""
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        read = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: dict[str, list[tuple[int, str]]] = {}
    for key, text in read.items():
        name, form = key if isinstance(key, tuple) else (key, 0)
        if name:
            found.setdefault(name, []).append((form, text))
    return {name: tuple(text for _form, text in sorted(said)) for name, said in found.items()}
