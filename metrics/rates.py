"""Every rate is one line: a numerator mask over a denominator mask of (label, decision).

A mask is written ``"labels:decisions"``: labels ``0``, ``1`` and ``?`` (blank), decisions
``0``, ``1``, ``a`` (abstained) and ``?`` (none). ``"1:1 0:0"`` is the union of two blocks. Rates
of decisions count people who were decided; abstentions have a rate of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from metrics.cells import Counts, Floats

Better = Literal["higher", "lower", "none"]

LABELS = "?01"
DECISIONS = "?01a"
SLOTS = len(LABELS) * len(DECISIONS)


def mask(text: str) -> NDArray[np.bool_]:
    """Mask over (label, decision) from its short form.

    Parameters
    ----------
    text
        Blocks ``"labels:decisions"`` joined by blanks.

    Returns
    -------
    (3, 4) bool
        Slots in the order of the count table: blank, 0, 1 by none, 0, 1, abstained.
    """
    out = np.zeros((len(LABELS), len(DECISIONS)), dtype=bool)
    for block in text.split():
        labels, decisions = block.split(":")
        for label in labels:
            for decision in decisions:
                out[LABELS.index(label), DECISIONS.index(decision)] = True
    return out


@dataclass(frozen=True)
class Rate:
    """A count over a count.

    Parameters
    ----------
    slug, title
        Name in documents and on pages.
    num, den
        Masks in the short form of `mask`.
    better
        Which direction is better for the people counted; none where neither is.
    formula
        In terms of TP, FP, TN, FN or in words.
    source
        Where the definition is found.
    complement
        Slug of the rate that is one minus this one: the two are one test.
    """

    slug: str
    title: str
    num: str
    den: str
    better: Better
    formula: str
    source: str
    complement: str | None = None

    @cached_property
    def numerator(self) -> NDArray[np.bool_]:
        """(3, 4) mask of the people counted above the line."""
        return mask(self.num)

    @cached_property
    def denominator(self) -> NDArray[np.bool_]:
        """(3, 4) mask of the people counted below the line."""
        return mask(self.den)

    @property
    def proportion(self) -> bool:
        """Whether those above the line are among those below it."""
        return not bool((self.numerator & ~self.denominator).any())

    @property
    def needs_label(self) -> bool:
        """Whether a blank label keeps a row out."""
        return not bool(self.denominator[0].any())

    @property
    def needs_decision(self) -> bool:
        """Whether a missing decision keeps a row out."""
        return not bool(self.denominator[:, 0].any())


@dataclass(frozen=True)
class Derived:
    """A function of rates, with an interval by bootstrap.

    Parameters
    ----------
    slug, title, better, formula, source
        As for `Rate`.
    parts
        Slugs of the rates it is made of.
    function
        From the common base rate b and arrays of those rates to the value.
    unit
        ``"fraction"`` or ``"per-1000"``.
    """

    slug: str
    title: str
    parts: tuple[str, ...]
    function: Callable[..., Floats]
    better: Better
    formula: str
    source: str
    unit: Literal["fraction", "per-1000"] = "fraction"
    needs_label: bool = True
    needs_decision: bool = True
    proportion: bool = False
    complement: str | None = None


Measure = Rate | Derived

_EEO = "29 CFR 1607.4, Uniform Guidelines on Employee Selection Procedures"
_HARDT = "Hardt, Price and Srebro, NeurIPS 2016, definitions 2.1 and 2.2"
_ROC = "Fawcett, Pattern Recognition Letters 27, 2006, section 2"
_C = "Chouldechova, Big Data 5, 2017, section 2"
_BRODERSEN = "Brodersen et al., ICPR 2010, section II"
_E = "El-Yaniv and Wiener, JMLR 11, 2010, section 2 (one minus coverage)"
_STEYERBERG = "Steyerberg et al., Epidemiology 21, 2010 (observed against expected)"
_ADJUSTED = "Direct standardisation: each group's error rates at the base rate of everybody"

# fmt: off
RATES: tuple[Rate, ...] = (
    Rate("selection-rate", "Selection rate", "?01:1", "?01:01", "none", "chosen / decided", _EEO),
    Rate("accuracy", "Accuracy", "1:1 0:0", "01:01", "higher", "(TP + TN) / decided", _ROC),
    Rate("tpr", "True positive rate", "1:1", "1:01", "higher", "TP / (TP + FN)", _HARDT, "fnr"),
    Rate("fpr", "False positive rate", "0:1", "0:01", "lower", "FP / (FP + TN)", _HARDT, "tnr"),
    Rate("tnr", "True negative rate", "0:0", "0:01", "higher", "TN / (FP + TN)", _ROC, "fpr"),
    Rate("fnr", "False negative rate", "1:0", "1:01", "lower", "FN / (TP + FN)", _ROC, "tpr"),
    Rate("precision", "Precision", "1:1", "01:1", "higher", "TP / (TP + FP)", _C, "fdr"),
    Rate("npv", "Negative predictive value", "0:0", "01:0", "higher", "TN / (FN + TN)", _C, "for"),
    Rate("fdr", "False discovery rate", "0:1", "01:1", "lower", "FP / (TP + FP)", _C, "precision"),
    Rate("for", "False omission rate", "1:0", "01:0", "lower", "FN / (TN + FN)", _C, "npv"),
    Rate("base-rate", "Base rate", "1:?01a", "01:?01a", "none", "favourable / labelled", _C),
    Rate("abstention-rate", "Abstention rate", "?01:a", "?01:01a", "none", "abstained / seen", _E),
    Rate("predicted-actual-ratio", "Predicted to actual ratio",
         "01:1", "1:01", "none", "(TP + FP) / (TP + FN)", _STEYERBERG),
)
# fmt: on


def _balanced(base: Floats, tpr: Floats, tnr: Floats) -> Floats:
    return (tpr + tnr) / 2


def _among_positives(base: Floats, rate: Floats) -> Floats:
    return 1000 * base * rate


def _among_negatives(base: Floats, rate: Floats) -> Floats:
    return 1000 * (1 - base) * rate


def _adjusted(
    short: str, title: str, part: str, function: Callable[..., Floats], formula: str
) -> Derived:
    better: Better = "higher" if part in ("tpr", "tnr") else "lower"
    name = f"{title} per 1,000 at the common base rate"
    return Derived(
        f"adjusted-{short}", name, (part,), function, better, formula, _ADJUSTED, "per-1000"
    )


DERIVED: tuple[Derived, ...] = (
    Derived(
        "balanced-accuracy",
        "Balanced accuracy",
        ("tpr", "tnr"),
        _balanced,
        "higher",
        "(TPR + TNR) / 2",
        _BRODERSEN,
    ),
    _adjusted("tp", "True positives", "tpr", _among_positives, "1000 b TPR"),
    _adjusted("fp", "False positives", "fpr", _among_negatives, "1000 (1 - b) FPR"),
    _adjusted("fn", "False negatives", "fnr", _among_positives, "1000 b FNR"),
    _adjusted("tn", "True negatives", "tnr", _among_negatives, "1000 (1 - b) TNR"),
)

_ALL: tuple[Measure, ...] = RATES + DERIVED
REGISTRY: Mapping[str, Measure] = {item.slug: item for item in _ALL}


@lru_cache
def masks(slugs: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numerator and denominator masks of several rates as (12, r) integer matrices."""
    chosen = [REGISTRY[slug] for slug in slugs]
    rates = [rate for rate in chosen if isinstance(rate, Rate)]
    if len(rates) != len(chosen):
        raise ValueError("a derived measure has no masks")
    return (
        np.stack([rate.numerator.ravel() for rate in rates], axis=1).astype(np.int64),
        np.stack([rate.denominator.ravel() for rate in rates], axis=1).astype(np.int64),
    )


def tally(counts: Counts | Floats, slugs: Sequence[str]) -> tuple[Any, Any]:
    """Numerators and denominators of rates.

    Parameters
    ----------
    counts : (..., 3, 4) int64 or float64
        People by label and decision, or their survey weights.
    slugs
        Rates, r of them.

    Returns
    -------
    numerator, denominator : (..., r), as the counts
        Counts of people.
    """
    above, below = masks(tuple(slugs))
    flat = counts.reshape(*counts.shape[:-2], SLOTS)
    return flat @ above, flat @ below


def divide(numerator: NDArray[np.generic], denominator: NDArray[np.generic]) -> Floats:
    """Ratio of counts, NaN where the denominator is 0."""
    out = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=out, where=np.asarray(denominator) != 0)
    return out


def parts(slugs: Iterable[str]) -> tuple[str, ...]:
    """Return the rates needed to compute `slugs`, each once, in order of first use."""
    out: dict[str, None] = {}
    for slug in slugs:
        item = REGISTRY[slug]
        for part in item.parts if isinstance(item, Derived) else (slug,):
            out[part] = None
    return tuple(out)


def assemble(slugs: Sequence[str], rate: Mapping[str, Floats], base: Floats) -> list[Floats]:
    """Measures from the rates they are made of, as one array per measure.

    Parameters
    ----------
    slugs
        Measures.
    rate
        Arrays of the rates that `parts` names.
    base
        Common base rate in [0, 1], broadcast against the rates.
    """
    out = []
    for slug in slugs:
        item = REGISTRY[slug]
        if isinstance(item, Derived):
            out.append(item.function(base, *(rate[part] for part in item.parts)))
        else:
            out.append(rate[slug])
    return out


def values(counts: Counts | Floats, slugs: Sequence[str], *, base: float | None = None) -> Floats:
    """Values of rates and derived measures.

    Parameters
    ----------
    counts : (..., 3, 4) int64 or float64
        People by label and decision, or their survey weights.
    slugs
        Measures, m of them.
    base
        Common base rate in [0, 1] for the prevalence-adjusted counts; None leaves them NaN.

    Returns
    -------
    (..., m) float64
        NaN where a denominator is 0.
    """
    needed = parts(slugs)
    rate = divide(*tally(counts, needed))
    if needed == tuple(slugs):
        return rate
    common = np.float64(np.nan if base is None else base)
    by_slug = {slug: rate[..., j] for j, slug in enumerate(needed)}
    return np.stack(assemble(slugs, by_slug, np.asarray(common)), axis=-1)


def distinct(slugs: Iterable[str]) -> tuple[str, ...]:
    """Drop repeats and complements: a rate and one minus it are one test.

    Parameters
    ----------
    slugs
        Rates in order of preference.

    Returns
    -------
    tuple of str
        The first of each pair.
    """
    out: dict[str, None] = {}
    for slug in slugs:
        if REGISTRY[slug].complement not in out:
            out[slug] = None
    return tuple(out)
