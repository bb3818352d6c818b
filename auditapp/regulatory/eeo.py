"""Sex, race and ethnicity as the categories of EEO-1: words of a column read as one of them."""

from __future__ import annotations

import re

MALE, FEMALE = "Male", "Female"
HISPANIC = "Hispanic or Latino"
NOT_HISPANIC = "Not Hispanic or Latino"
SEXES = (MALE, FEMALE)
#: In the order of the tables of 6 RCNY 5-301.
RACES = (
    HISPANIC,
    "White",
    "Black or African American",
    "Native Hawaiian or Pacific Islander",
    "Asian",
    "Native American or Alaska Native",
    "Two or More Races",
)
OTHER, UNKNOWN = "other", "unknown"

_WORD = re.compile(r"[a-z0-9]+")
_NOT_HISPANIC = re.compile(
    r"\b(non|not) (hispanic|latin[oaxe]|spanish)"
    r"(( or)? (hispanic|latin[oaxe]|spanish|origin))*\b"
)
_ORIGINS = (
    "hispanic|latin[oaxe]s?|spanish|mexican|puerto rican|cuban|dominican|costa rican|guatemalan|"
    "honduran|nicaraguan|panamanian|salvadoran|central american|argentinean|bolivian|chilean|"
    "colombian|ecuadorian|paraguayan|peruvian|uruguayan|venezuelan|south american|spaniard|"
    "chican[oax]"
)
_HISPANIC = re.compile(rf"\b({_ORIGINS})\b")
_SEVERAL = re.compile(
    r"\b((two|2|three|3) or more|more than one|multiple|multi ?racial|bi ?racial|mixed)\b"
)
_PACIFIC = re.compile(r"\b(hawaiian|pacific|islander|nhpi|nhopi|samoan|guamanian|chamorro)\b")
_NATIVE = re.compile(r"\b(american indian|amer indian|alaskan?|native american|aian|ai an)\b")
_ASIAN = re.compile(r"\basians?\b")
_BLACK = re.compile(r"\b(blacks?|african americans?|afro american)\b")
_WHITE = re.compile(r"\b(whites?|caucasians?)\b")
_PLAIN = (
    ("White", _WHITE),
    ("Black or African American", _BLACK),
    ("Native Hawaiian or Pacific Islander", _PACIFIC),
    ("Asian", _ASIAN),
    ("Native American or Alaska Native", _NATIVE),
)
_WITHHELD = (
    r"unknown|missing|not (stated|reported|available|specified|provided|applicable|known|"
    r"disclosed|given|recorded)|undisclosed|unspecified|declined?|refused|prefer not|"
    r"no (answer|response)|(do not|don t) wish|not wish|did not (answer|disclose|report|say)|"
    r"choose not|chose not|none given|information not"
)
_UNTOLD = re.compile(rf"\b({_WITHHELD})\b|^(n a|na)$")
_UNKNOWN = re.compile(rf"\b({_WITHHELD}|n a|na)\b")
_MALE = frozenset({"male", "males", "m", "man", "men", "boy", "boys"})
_FEMALE = frozenset({"female", "females", "f", "w", "woman", "women", "girl", "girls"})
_YES, _NO = frozenset({"yes", "y", "true", "1"}), frozenset({"no", "n", "false", "0"})


def folded(text: str) -> str:
    """Lower case, words only."""
    return " ".join(_WORD.findall(text.casefold()))


def untold(word: str) -> bool:
    """Whether a group is that of people who did not say: `Unknown`, `Declined to answer`."""
    text = folded(word)
    return not text or _UNTOLD.search(text) is not None


def sex(word: str) -> str:
    """`MALE`, `FEMALE`, `OTHER` or `UNKNOWN`."""
    text = folded(word)
    if text in _MALE:
        return MALE
    if text in _FEMALE:
        return FEMALE
    return UNKNOWN if _UNKNOWN.search(text) else OTHER


def race(word: str) -> str:
    """One of `RACES`, `OTHER` or `UNKNOWN`; a word for two races at once is `OTHER`."""
    text = " ".join(_NOT_HISPANIC.sub(" ", folded(word)).split())
    if _HISPANIC.search(text):
        return HISPANIC
    if _SEVERAL.search(text):
        return "Two or More Races"
    found = [name for name, pattern in _PLAIN if pattern.search(text)]
    if len(found) == 1:
        return found[0]
    return UNKNOWN if not found and (not text or _UNKNOWN.search(text)) else OTHER


def ethnicity(word: str) -> str:
    """`HISPANIC`, `NOT_HISPANIC`, `OTHER` or `UNKNOWN`; yes and no answer “Hispanic?”."""
    text = folded(word)
    if text in _YES:
        return HISPANIC
    if text in _NO or _NOT_HISPANIC.search(text):
        return NOT_HISPANIC
    if _HISPANIC.search(text):
        return HISPANIC
    return UNKNOWN if _UNKNOWN.search(text) else OTHER
