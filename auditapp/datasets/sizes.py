"""Sizes of the groups of columns, from a profile. Pure and light: the web process calls it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

Column = Mapping[str, Any]
Spec = Mapping[str, Any]
Size = tuple[str, int | None]


def bin_words(cuts: Sequence[float], *, whole: bool) -> list[str]:
    """Return readable names of the ranges between cuts: under 25, 25 to 34, 35 and over."""
    shown = [_number(cut) for cut in cuts]
    inner = []
    for (low, high), (text_low, text_high) in zip(pairwise(cuts), pairwise(shown), strict=True):
        if whole:
            last = _number(high - 1)
            inner.append(text_low if high - low == 1 else f"{text_low} to {last}")
        else:
            inner.append(f"{text_low} to under {text_high}")
    return [f"under {shown[0]}", *inner, f"{shown[-1]} and over"]


def group_sizes(column: Column, spec: Spec) -> list[Size]:
    """Return the groups that a sensitive column makes, with their sizes.

    Parameters
    ----------
    column
        A column of the profile.
    spec
        ``{"cuts", "words"}`` of the draft; without ``words`` those of the profile count.

    Returns
    -------
    list of (words, n)
        Bins in order, values with the largest first; n is None where the profile does not list
        every value.
    """
    top = [(str(item["value"]), int(item["n"])) for item in column.get("top") or []]
    name = _namer(column, spec)
    sizes: Counter[str] = Counter()
    for key, n in top:
        words = name(key)
        if words is not None:
            sizes[words] += n
    if not spec.get("cuts"):
        return list(sizes.items())
    complete = column["distinct"] <= len(top)
    return [(words, sizes[words] if complete else None) for words in _bins(column, spec)]


def cross_sizes(
    profile: Mapping[str, Any], one: Spec, other: Spec
) -> dict[tuple[str, str], int] | None:
    """Return how many people are in each pair of groups of two columns.

    Parameters
    ----------
    profile
        A profile document; its ``joint`` holds the counts of pairs of values.
    one, other
        ``{"column", "cuts", "words"}`` of two sensitive columns.

    Returns
    -------
    dict or None
        By the words of both groups; None where the profile has no such counts.
    """
    columns = {column["name"]: column for column in profile["columns"]}
    wanted = [str(one["column"]), str(other["column"])]
    for pair in profile.get("joint") or []:
        if sorted(pair["columns"]) != sorted(wanted):
            continue
        turned = pair["columns"] != wanted
        names = [_namer(columns[spec["column"]], spec) for spec in (one, other)]
        found: Counter[tuple[str, str]] = Counter()
        for first, second, n in pair["cells"]:
            keys = (second, first) if turned else (first, second)
            words = names[0](keys[0]), names[1](keys[1])
            if words[0] is not None and words[1] is not None:
                found[words[0], words[1]] += n
        return dict(found)
    return None


def _namer(column: Column, spec: Spec) -> Callable[[str], str | None]:
    """Return what turns a value's key into the words of its group."""
    if not spec.get("cuts"):
        words = spec["words"] if "words" in spec else column.get("words")
        known: Mapping[str, str] = words if words is not None else {}
        return lambda key: known.get(key, key)
    cuts, bins = spec["cuts"], _bins(column, spec)

    def name(key: str) -> str | None:
        try:
            return bins[bisect_right(cuts, float(key))]
        except ValueError:
            return None

    return name


def _bins(column: Column, spec: Spec) -> list[str]:
    cuts: Sequence[float] = spec["cuts"]
    whole = column["type"] == "integer" and all(cut == math.floor(cut) for cut in cuts)
    return bin_words(cuts, whole=whole)


def _number(cut: float) -> str:
    return f"{cut:,.0f}" if cut == math.floor(cut) else f"{cut:g}"
