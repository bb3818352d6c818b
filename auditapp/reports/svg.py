"""Make a drawing fit to stand inside a page: nothing but shapes, text and a name.

The allow-list is the whole rule. What it does not name is dropped with everything inside it,
so no script, link, event handler, style, embedded page or foreign namespace gets through, and
``style-src 'self'`` has nothing to object to. A document type or an entity is refused, not
dropped: no drawing of ours has one.
"""

from __future__ import annotations

import re
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from auditapp.errors import AuditError

NAMESPACE = "http://www.w3.org/2000/svg"
_SEPARATOR = " "
_DEEPEST = 64


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = _words(
    "svg g defs path rect circle ellipse line polyline polygon text tspan "
    "clipPath pattern linearGradient radialGradient stop"
)

# Presentation attributes; a style attribute is taken apart into these.
PRESENTATION = _words(
    "fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray "
    "stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit opacity font-family "
    "font-size font-style font-weight text-anchor dominant-baseline clip-path clip-rule "
    "stop-color stop-opacity display visibility shape-rendering text-rendering "
    "letter-spacing paint-order"
)

ATTRIBUTES = PRESENTATION | _words(
    "id transform d x y x1 y1 x2 y2 dx dy cx cy r rx ry fx fy width height viewBox points "
    "preserveAspectRatio offset gradientUnits gradientTransform spreadMethod patternUnits "
    "patternContentUnits patternTransform clipPathUnits aria-hidden"
)

_ROOT_ONLY = ("viewBox", "width", "height", "preserveAspectRatio")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_REFERENCE = re.compile(r"\s*url\(\s*['\"]?#([\w.-]+)['\"]?\s*\)\s*")
_CALL = re.compile(r"([A-Za-z-]+)\s*\(")
_HARMLESS_CALLS = _words("translate rotate scale skewx skewy matrix rgb rgba hsl hsla")


def clean(svg: str, *, title: str, description: str, prefix: str) -> str:
    """The drawing as an element for a page, named for those who do not see it.

    Every id and every reference to one gets the prefix, so that several drawings can stand in
    one page. Raises ``AuditError("svg-refused")`` for what is not a plain drawing.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not usable as the start of an id: {prefix!r}")
    writer = _Writer(title, description, prefix)
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.SkippedEntityHandler = _refuse
    try:
        parser.Parse(svg.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise _refusal(f"The drawing is not well-formed XML: {error}.") from error
    return "".join(writer.parts)


def _refusal(message: str) -> AuditError:
    return AuditError("svg-refused", message)


def _refuse(*_: object) -> int:
    raise _refusal("The drawing declares a document type or an entity.")


class _Writer:
    """Writes allowed elements again as the parser meets them."""

    def __init__(self, title: str, description: str, prefix: str) -> None:
        self.parts: list[str] = []
        self._title = title
        self._description = description
        self._prefix = prefix
        self._open: list[tuple[str, int]] = []
        self._dropped = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(_SEPARATOR)
        if not self._open and (namespace != NAMESPACE or local != "svg"):
            raise _refusal(f"The drawing starts with {local}, not with svg.")
        if len(self._open) + self._dropped >= _DEEPEST:
            raise _refusal(f"The drawing is nested more than {_DEEPEST} levels deep.")
        allowed = namespace == NAMESPACE and local in ELEMENTS
        if self._dropped or not allowed or (self._open and local == "svg"):
            self._dropped += 1
            return
        kept = self._attributes(attributes)
        if self._open:
            self.parts.append(f"<{local}{_written(kept)}>")
        else:
            self._root(kept)
        self._open.append((local, len(self.parts)))

    def end(self, _: str) -> None:
        if self._dropped:
            self._dropped -= 1
            return
        tag, start = self._open.pop()
        if self._open and len(self.parts) == start:
            self.parts[-1] = self.parts[-1][:-1] + "/>"
        else:
            self.parts.append(f"</{tag}>")

    def text(self, data: str) -> None:
        if not self._dropped and self._open[-1][0] in ("text", "tspan"):
            self.parts.append(escape(data))

    def _root(self, kept: dict[str, str]) -> None:
        root = {
            "xmlns": NAMESPACE,
            "class": "chart",
            **{name: kept[name] for name in _ROOT_ONLY if name in kept},
            "role": "img",
            "aria-labelledby": f"{self._prefix}-title {self._prefix}-desc",
        }
        names = (("title", self._title), ("desc", self._description))
        said = "".join(
            f'<{tag} id="{self._prefix}-{tag}">{escape(_legal(text))}</{tag}>'
            for tag, text in names
        )
        self.parts.append(f"<svg{_written(root)}>{said}")

    def _attributes(self, attributes: dict[str, str]) -> dict[str, str]:
        style = attributes.get("style", "")
        kept: dict[str, str] = {}
        for name, value in (*attributes.items(), *_declarations(style)):
            if name not in ATTRIBUTES:
                continue
            checked = self._value(name, value)
            if checked is not None:
                kept[name] = checked
        return kept

    def _value(self, name: str, value: str) -> str | None:
        if name == "id":
            return f"{self._prefix}_{value}" if _NAME.fullmatch(value) else None
        reference = _REFERENCE.fullmatch(value)
        if reference:
            return f"url(#{self._prefix}_{reference[1]})"
        calls = {call.lower() for call in _CALL.findall(value)}
        if calls - _HARMLESS_CALLS or "\\" in value or ":" in value:
            return None
        return value


def _declarations(style: str) -> list[tuple[str, str]]:
    """Presentation properties out of a style attribute; they win over attributes, as in CSS."""
    pairs = (part.partition(":") for part in style.split(";"))
    found = ((name.strip().lower(), value.strip()) for name, _, value in pairs)
    return [(name, value) for name, value in found if name in PRESENTATION and value]


def _written(attributes: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())


def _legal(text: str) -> str:
    return _ILLEGAL.sub("", text)


_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
