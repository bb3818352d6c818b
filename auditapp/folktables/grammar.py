"""The grammar of conditions, read by a parser of its own.

    condition  = all { "or" all }
    all        = one { "and" one }
    one        = "not" one | compared
    compared   = sum [ sign sum [ sign sum ] | ["not"] "in" "{" item { "," item } "}"
                     | "is" ["not"] "blank" ] | "(" condition ")"
    sum        = product { ("+" | "-") product }
    product    = factor { ("*" | "/") factor }
    factor     = "-" factor | number | text | column | "(" sum ")"
    sign       = "<" | "<=" | ">" | ">=" | "==" | "!="
    column     = letters, digits and "_", or any name between backquotes
    text       = any characters between double or single quotes

``AGEP > 16``, ``18 < AGEP < 35``, ``RAC1P in {1, 2} and not ESR is blank``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from auditapp.errors import AuditError
from auditapp.folktables.nodes import (
    CONDITIONS,
    Arithmetic,
    Blank,
    Column,
    Comparison,
    Condition,
    Every,
    Member,
    Node,
    Not,
    Number,
    Some,
    Text,
    columns_of,
)

LONGEST = 500
DEEPEST = 20
MOST_VALUES = 200

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?(?![\w.]))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | `(?P<quoted>[^`]+)`
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<sign><=|>=|==|!=|<|>)
      | (?P<mark>[-+*/(){},])
    )""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "blank"})
_HINTS = {
    "=": "Write == for “equal to”.",
    "&": "Write and.",
    "|": "Write or.",
    "!": "Write not, or != for “not equal to”.",
    "≥": "Write >=.",
    "≤": "Write <=.",
    "≠": "Write !=.",
    "“": 'Write plain quotes: "".',
    "”": 'Write plain quotes: "".',
}
_EXAMPLE = "Conditions look like PINCP > 50000, 18 < AGEP < 35 or RAC1P in {1, 2}."
_VALUE = "a column, a number or “(”"
_SIGN = "a sign such as > or =="


class ExpressionError(AuditError):
    """A condition that cannot be read.

    ``position`` counts characters from 1; ``expected`` says what should have stood there.
    """

    def __init__(self, text: str, position: int, expected: str, found: str, hint: str) -> None:
        shown = text if len(text) <= LONGEST else text[:LONGEST]
        super().__init__(
            "task-expression",
            f"“{shown}” cannot be read: at character {position}, {expected} was expected and "
            f"{found} was found.",
            hint if hint else _EXAMPLE,
            where=f"character {position}",
            found=found,
            code_block=f"{shown}\n{' ' * (min(position, LONGEST + 1) - 1)}^",
        )
        self.position = position
        self.expected = expected


@dataclass(frozen=True)
class _Token:
    """``kind`` is number, name, word, text, sign, mark or end; ``at`` counts from 0."""

    kind: str
    value: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"“{self.value}”"


@lru_cache(maxsize=512)
def parse(text: str) -> Condition:
    """Read a condition.

    Raises
    ------
    ExpressionError
        It says at which character and what was expected there.
    """
    if len(text) > LONGEST:
        raise ExpressionError(
            text,
            LONGEST + 1,
            f"the end (conditions have up to {LONGEST} characters)",
            f"{len(text) - LONGEST:,} more characters",
            "Write several conditions instead of one.",
        )
    return _Parser(text).condition()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise _stray(text, at)
        kind = str(match.lastgroup)
        value = match.group(kind)
        start = match.start(kind)
        if kind == "name" and value.lower() in _KEYWORDS:
            kind, value = "word", value.lower()
        elif kind == "quoted":
            kind, start = "name", start - 1
        found.append(_Token(kind, value[1:-1] if kind == "text" else value, start))
        at = match.end()
    return [*found, _Token("end", "", len(text))]


def _stray(text: str, at: int) -> ExpressionError:
    letter = text[at]
    expected, hint = "a column, a number or a sign", _HINTS.get(letter, "")
    found = f"“{letter}”"
    if letter.isdigit():
        found = f"“{re.split(r'[^0-9A-Za-z_.]', text[at:])[0]}”"
        expected = "a number such as 50000 or 0.5"
    elif letter in "\"'`":
        expected, hint = f"a closing {letter}", "Close the quote."
        found, at = "the end", len(text)
    return ExpressionError(text, at + 1, expected, found, hint)


class _Parser:
    """Recursive descent over the tokens of one condition."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    def condition(self) -> Condition:
        """The whole text as one condition."""
        start = self._here
        node = self._some()
        if self._here.kind != "end":
            more = "and, or, or the end" if isinstance(node, CONDITIONS) else _SIGN
            raise self._error(more, self._comma_hint())
        return self._as_condition(node, start)

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._here
        self._next += token.kind != "end"
        return token

    def _is(self, kind: str, *values: str) -> bool:
        return self._here.kind == kind and self._here.value in values

    def _error(self, expected: str, hint: str = "", at: _Token | None = None) -> ExpressionError:
        token = self._here if at is None else at
        return ExpressionError(self._text, token.at + 1, expected, str(token), hint)

    def _comma_hint(self) -> str:
        number = self._next and self._tokens[self._next - 1].kind == "number"
        return "Write numbers without commas: 50000." if self._is("mark", ",") and number else ""

    def _as_condition(self, node: Node, start: _Token) -> Condition:
        if isinstance(node, CONDITIONS):
            return node
        if self._here.kind == "end":
            raise self._error(_SIGN)
        raise self._error("a condition", at=start)

    def _as_number(self, node: Node, start: _Token) -> Number | Column | Arithmetic:
        if isinstance(node, (Number, Column, Arithmetic)):
            return node
        raise self._error("a column or a number", at=start)

    def _some(self) -> Node:
        return self._joined("or", self._every, Some)

    def _every(self) -> Node:
        return self._joined("and", self._one, Every)

    def _joined(self, word: str, part: object, kind: type[Some] | type[Every]) -> Node:
        read = part
        assert callable(read)
        start = self._here
        node: Node = read()
        if not self._is("word", word):
            return node
        parts = [self._as_condition(node, start)]
        while self._is("word", word):
            self._take()
            start = self._here
            parts.append(self._as_condition(read(), start))
        return kind(tuple(parts))

    def _one(self) -> Node:
        if not self._is("word", "not"):
            return self._compared()
        self._take()
        self._deeper()
        start = self._here
        node = Not(self._as_condition(self._one(), start))
        self._depth -= 1
        return node

    def _compared(self) -> Node:
        start = self._here
        node = self._sum()
        if isinstance(node, CONDITIONS):
            return node
        if self._here.kind == "sign":
            return self._chain(node, start)
        if self._is("word", "is"):
            self._take()
            negated = self._negated()
            if not self._is("word", "blank"):
                raise self._error("blank")
            self._take()
            if not isinstance(node, Column):
                raise self._error("a column", at=start)
            return Not(Blank(node)) if negated else Blank(node)
        if self._is("word", "in", "not"):
            negated = self._negated()
            if not self._is("word", "in"):
                raise self._error("in")
            self._take()
            member = Member(node, self._items(node, start))
            return Not(member) if negated else member
        return node

    def _negated(self) -> bool:
        negated = self._is("word", "not")
        if negated:
            self._take()
        return negated

    def _chain(self, left: Node, start: _Token) -> Condition:
        """One comparison, or two around a value in the middle: 18 < AGEP < 35."""
        parts = [self._comparison(left, start)]
        if self._here.kind == "sign":
            if self._here.value in {"==", "!="} or parts[0].sign in {"==", "!="}:
                raise self._error("and, or, or the end", "Join two comparisons with and.")
            parts.append(self._comparison(parts[0].right, self._here))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _comparison(self, left: Node, start: _Token) -> Comparison:
        sign = self._take()
        after = self._here
        right = self._sum()
        if isinstance(right, Text):
            if sign.value not in {"==", "!="}:
                raise self._error("a column or a number", at=after)
            if not isinstance(left, Column):
                raise self._error("a column", at=start)
            return Comparison(sign.value, left, right)
        if not (columns_of(left) or columns_of(right)):
            raise self._error("a column", at=start)
        return Comparison(sign.value, self._as_number(left, start), self._as_number(right, after))

    def _items(self, node: Node, start: _Token) -> tuple[Number | Text, ...]:
        if not self._is("mark", "{"):
            raise self._error("“{”", "Lists look like {1, 2}.")
        self._take()
        items: list[Number | Text] = []
        while True:
            token = self._here
            item = self._item()
            if items and type(item) is not type(items[0]):
                raise self._error("values of one kind", at=token)
            items.append(item)
            if len(items) > MOST_VALUES:
                raise self._error(f"at most {MOST_VALUES} values", at=token)
            if not self._is("mark", ","):
                break
            self._take()
        if not self._is("mark", "}"):
            raise self._error("“,” or “}”")
        self._take()
        if isinstance(items[0], Number) and columns_of(node):
            self._as_number(node, start)
        elif not isinstance(node, Column):
            raise self._error("a column", at=start)
        return tuple(items)

    def _item(self) -> Number | Text:
        negative = self._is("mark", "-")
        if negative:
            self._take()
        if self._here.kind == "number":
            value = float(self._take().value)
            return Number(-value if negative else value)
        if self._here.kind == "text" and not negative:
            return Text(self._take().value)
        raise self._error("a number" if negative else "a number or a text between quotes")

    def _sum(self) -> Node:
        return self._arithmetic(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._arithmetic(("*", "/"), self._factor)

    def _arithmetic(self, signs: tuple[str, ...], part: object) -> Node:
        read = part
        assert callable(read)
        start = self._here
        node: Node = read()
        while self._is("mark", *signs):
            left = self._as_number(node, start)
            sign = self._take().value
            after = self._here
            node = Arithmetic(sign, left, self._as_number(read(), after))
        return node

    def _factor(self) -> Node:
        token = self._here
        if token.kind == "number":
            return Number(float(self._take().value))
        if token.kind == "text":
            return Text(self._take().value)
        if token.kind == "name":
            return Column(self._take().value)
        if self._is("mark", "-"):
            self._take()
            self._deeper()
            after = self._here
            node = self._as_number(self._factor(), after)
            self._depth -= 1
            if isinstance(node, Number):
                return Number(-node.value)
            return Arithmetic("-", Number(0.0), node)
        if self._is("mark", "("):
            return self._bracket()
        raise self._error(_VALUE, self._comma_hint())

    def _bracket(self) -> Node:
        self._take()
        self._deeper()
        node = self._some()
        if not self._is("mark", ")"):
            raise self._error("“)”")
        self._take()
        self._depth -= 1
        return node

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"at most {DEEPEST} brackets inside one another")
