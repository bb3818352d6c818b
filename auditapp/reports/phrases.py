"""Turn `{"RAC1P": "Some other race", "SEX": "Women"}` into "women of some other race".

A value of a column becomes one of four parts of a phrase: a noun that replaces "people", a
word before it, words after it, or, when nothing better is known, "in the site group “North”".
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from auditapp.reports import language, phrases_es
from auditapp.reports.numbers import listing

NOUNS = frozenset(
    {
        "women", "men", "girls", "boys", "people", "children", "adults", "students",
        "applicants", "employees", "veterans", "citizens", "parents", "workers", "teenagers",
        "immigrants", "owners", "renters",
    }
)  # fmt: skip
ADJECTIVES = frozenset(
    {
        "married", "divorced", "widowed", "separated", "single", "unmarried", "partnered",
        "disabled", "employed", "unemployed", "self-employed", "retired", "foreign-born",
        "native-born", "rural", "urban", "older", "younger",
    }
)  # fmt: skip
#: Names of peoples that are adjectives whatever their column is called.
NAMED = re.compile(
    r"(african[ -]american|asian|black|caucasian|hispanic|latin[oax]|native american|"
    r"american indian|alaska native|pacific islander|white)( alone)?",
    re.IGNORECASE,
)
NEGATED = re.compile(r"^[Nn]ot (?=[A-Z])")
OTHERS = frozenset({"other", "others", "another"})
CODES_OF_SEX = frozenset({"m", "f", "w", "x"})
LONGEST = 60
RECORDED = "recorded as "
KEEP_CASE = re.compile(r"^[A-Z][A-Z0-9]|^I\b|^[A-Z][a-z]+[A-Z]")
AFTER = re.compile(r"^(with|without|in|from|born|aged|under|over|who|living|not in|of)\b", re.I)
AGE_BIN = re.compile(r"^(\d[\d,.]* to \d[\d,.]*|\d[\d,.]* and (over|older|above))$")
PEOPLES = re.compile(r"\b(race|races|ethnic\w*|origin)\b", re.I)
ALONE = re.compile(r"\s+alone$", re.I)


@dataclass(frozen=True)
class Piece:
    """One value's place in a phrase."""

    noun: str = ""
    before: str = ""
    after: str = ""


def short(word: str, longest: int = LONGEST) -> str:
    """A very long value by its beginning, its length and a mark that tells it from others."""
    if len(word) <= longest:
        return word
    mark = f"{zlib.crc32(word.encode('utf-8', 'replace')):08x}"
    return f"{word[: longest - 20].rstrip()}… [{len(word):,} characters, {mark[:4]}]"


def lower_first(word: str) -> str:
    """Lower the first letter unless the word is an abbreviation."""
    return word if KEEP_CASE.match(word) else word[:1].lower() + word[1:]


def is_age(title: str) -> bool:
    return bool(re.search(r"\bage\b|\baged\b", title, re.I))


def _is_people(title: str) -> bool:
    return bool(re.search(r"\brace\b|\bethnic|\borigin\b|\bnationalit", title, re.I))


def _binned(title: str, word: str) -> Piece | None:
    if AGE_BIN.match(word) or (is_age(title) and word.isdigit()):
        if is_age(title):
            return Piece(after=f"aged {word}")
        return Piece(after=f"with {lower_first(title)} {word}")
    if re.match(r"^(under|over|below|above) \d", word, re.I):
        if is_age(title):
            return Piece(after=lower_first(word))
        return Piece(after=f"with {lower_first(title)} {lower_first(word)}")
    return None


def _of_people(word: str) -> Piece:
    """A word of a race or origin column."""
    if PEOPLES.search(word):
        return Piece(after=f"of {lower_first(word)}")
    bare = ALONE.sub("", word)
    odd = len(bare) > 48 or re.search(r"[^\w\s’'&,-]|\d|_", bare)
    if odd or bare.lower() in OTHERS:
        return Piece(after=f"recorded as “{word}”")
    return Piece(before=_calm(bare))


def _calm(word: str) -> str:
    """`BLACK HISPANIC` as a sentence writes it; `non-White` without a capital of its own."""
    if word.isupper() and all(len(part) > 3 for part in re.split(r"[\s-]+", word)):
        word = word.title()
    return re.sub(r"^Non-", "non-", word)


def piece(title: str, word: str) -> Piece:
    """How one value of one column enters a phrase."""
    word = short(word)
    lowered = word.lower()
    binned = _binned(title, word)
    if binned is not None:
        return binned
    if lowered in NOUNS:
        return Piece(noun=lowered)
    if lowered.endswith(" people"):
        return Piece(before=word[: -len(" people")])
    if lowered in {"male", "female"}:
        return Piece(after=f"recorded as {lowered}")
    if lowered in CODES_OF_SEX and title.lower() in {"sex", "gender"}:
        return Piece(after=f"of {title.lower()} “{word}”")
    if lowered in ADJECTIVES:
        return Piece(before=lowered)
    if NEGATED.match(word) and NAMED.fullmatch(NEGATED.sub("", word)):
        return Piece(after=f"who are not {_calm(NEGATED.sub('', word))}")
    if NAMED.fullmatch(word) or (_is_people(title) and not word.isdigit()):
        return _of_people(word)
    if lowered.startswith("never "):
        return Piece(after=f"who {lowered}")
    if AFTER.match(word) and len(word.split()) > 1:
        return Piece(after=lower_first(word))
    return Piece(after=f"in the {lower_first(title)} group “{word}”")


def people(group: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """The people of a group in a sentence, without a capital unless the word has one."""
    if language.current() != language.ENGLISH:
        return phrases_es.people(group, titles)
    return joined([piece(titles.get(attr, attr), word) for attr, word in group.items()])


def joined(pieces: list[Piece]) -> str:
    """Several pieces as one phrase; without a noun it speaks of people."""
    nouns = [p.noun for p in pieces if p.noun]
    noun = nouns[0] if nouns else "people"
    before = [p.before for p in pieces if p.before]
    after = [p.after for p in pieces if p.after] + [f"recorded as {n}" for n in nouns[1:]]
    recorded = [a.removeprefix(RECORDED) for a in after if a.startswith(RECORDED)]
    after = [a for a in after if not a.startswith(RECORDED)]
    if recorded:
        after.insert(0, RECORDED + " and ".join(recorded))
    return " ".join([*before, noun, *after])


def label(group: Mapping[str, str]) -> str:
    """The group in a table or chart: its words, joined by commas."""
    return ", ".join(short(word) for word in group.values())


def attributes(by: list[str], titles: Mapping[str, str]) -> str:
    """`Race and sex` as a title."""
    names = [titles.get(attr, attr) for attr in by]
    names = [names[0], *(lower_first(name) for name in names[1:])]
    return names[0] if len(names) == 1 else listing(names)


def slug(text: str) -> str:
    """An address part of ASCII letters and digits."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "group"
