"""The language of a report: one catalogue for pages and reports, read without the web side.

A report is in one language from its cover to its last note, chosen when the audit starts and
kept in ``run.language`` of the result document, outside what the hash covers. Texts are marked
with `gettext` and `ngettext` as everywhere else; inside `speaking` they come out translated,
elsewhere as they are written, which is English. A section that is not translated says so in
the document, so that screen readers and hyphenation follow.

Numbers, hashes, ids, codes and the words of the audited file are never translated; a number is
only punctuated as the language does it.
"""

from __future__ import annotations

import gettext as catalogues
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import overload

ENGLISH = "en"
#: Code and name, in the language itself.
LANGUAGES = {ENGLISH: "English", "es": "Español"}
FOLDER = Path(__file__).resolve().parent.parent / "locale"
NO_BREAK = "\u00a0"
#: Decimal sign, sign between thousands, and from how many digits on that one is set.
PUNCTUATION = {ENGLISH: (".", ",", 4), "es": (",", NO_BREAK, 5)}

_current: ContextVar[str] = ContextVar("report_language", default=ENGLISH)
_missed: ContextVar[list[str] | None] = ContextVar("report_untranslated", default=None)


def known(code: object) -> str:
    """A language there is; English for every other word."""
    return code if isinstance(code, str) and code in LANGUAGES else ENGLISH


def current() -> str:
    """The language that is being written."""
    return _current.get()


@contextmanager
def speaking(code: object) -> Iterator[str]:
    """Write in this language until the block ends."""
    language = known(code)
    token = _current.set(language)
    try:
        yield language
    finally:
        _current.reset(token)


@cache
def _catalogue(code: str) -> catalogues.NullTranslations:
    found = catalogues.translation("django", FOLDER, [code], fallback=True)
    found.add_fallback(_Missing())
    return found


class _Missing(catalogues.NullTranslations):
    """What a catalogue has no words for stays English, and is noted."""

    def gettext(self, message: str) -> str:
        _note(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        _note(msgid1)
        return msgid1 if n == 1 else msgid2


def _note(message: str) -> None:
    found = _missed.get()
    if found is not None:
        found.append(message)


@contextmanager
def noting() -> Iterator[list[str]]:
    """Collect the texts that turn out to have no translation."""
    found: list[str] = []
    token = _missed.set(found)
    try:
        yield found
    finally:
        _missed.reset(token)


def gettext(message: str) -> str:
    """A text in the language that is being written."""
    code = _current.get()
    if code == ENGLISH or not message:
        return message
    return _catalogue(code).gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """A text that depends on a number."""
    code = _current.get()
    if code == ENGLISH:
        return one if number == 1 else many
    return _catalogue(code).ngettext(one, many, number)


def pgettext(context: str, message: str) -> str:
    """A text whose translation depends on where it stands."""
    code = _current.get()
    return message if code == ENGLISH else _catalogue(code).pgettext(context, message)


def gettext_noop(message: str) -> str:
    """Mark a text that is translated where it is used."""
    return message


def punctuated(text: str, code: str = "") -> str:
    """A number written in English with the decimal sign and the thousands of the language."""
    language = known(code) if code else _current.get()
    if language == ENGLISH:
        return text
    point, group, from_digits = PUNCTUATION[language]
    whole, dot, rest = text.partition(".")
    digits = sum(c.isdigit() for c in whole)
    whole = whole.replace(",", group if digits >= from_digits else "")
    return f"{whole}{point}{rest}" if dot else whole


class Words(Mapping[str, str]):
    """Texts by key, each in the language that is being written when it is looked up."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, key: str) -> str:
        return gettext(self._texts[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        """The text of a key, else another one, in whichever language that is."""
        if key in self._texts:
            return self[key]
        with noting():
            return gettext(default)


class Lines(Sequence[str]):
    """Texts in order, each in the language that is being written when it is read."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = tuple(texts)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...

    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            return tuple(gettext(text) for text in self._texts[place])
        return gettext(self._texts[place])

    def __len__(self) -> int:
        return len(self._texts)


class Rows(Mapping[str, tuple[str, ...]]):
    """Rows of texts by key, translated when they are looked up."""

    def __init__(self, rows: Mapping[str, Sequence[str]]) -> None:
        self._rows = {key: Lines(texts) for key, texts in rows.items()}

    def __getitem__(self, key: str) -> tuple[str, ...]:
        return tuple(self._rows[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
