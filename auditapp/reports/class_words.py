"""What a report says differently where decisions choose among several classes."""

from __future__ import annotations

from auditapp.reports import measures, metric_words
from auditapp.reports.blocks import Cell, Rich, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, listing, upper_first
from auditapp.reports.stamps import decisions
from auditapp.reports.words import reason

NAMED = 8
GOALS = {
    "selection-rate": "Are groups predicted as each class equally often?",
    "tpr": "Are people of each recorded class recognised equally often?",
    "equalized-odds": "Are both kinds of error of each class equally frequent in every group?",
    "precision": "Does the prediction of a class mean the same in every group?",
    "accuracy": "Are predicted classes right equally often in every group?",
}
METHODS = (
    "Rates of one class against all others: Wilson interval (Wilson, JASA 1927); Sokolova and "
    "Lapalme, Information Processing and Management 2009.",
    "Differences: square-and-add of Jeffreys limits (Newcombe, Statistics in Medicine 1998; "
    "Brown, Cai and DasGupta, Statistical Science 2001).",
    "Tests: central Fisher exact, one weighted Bonferroni family over the whole report.",
    "“No difference found”: two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. 1987).",
    "Steadied intersections: logit-normal model with main effects.",
    "Macro means: percentiles of multinomial draws of each group's confusion table.",
    "Overall variation: Pearson's chi-square of group and class, shuffled where small.",
)


def decided(facts: Facts) -> list[tuple[str, str]]:
    """What is decided and by what, as label and text."""
    names = [metric_words.quoted(name) for name in facts.classes]
    source = upper_first(decisions(facts))
    if facts.plan["model"]["kind"] != "columns":
        source += ": the class with the largest probability"
    rows = [("Predicted", facts.outcome), ("Classes", listing(names, NAMED))]
    focus = facts.special.get("focus") or []
    if focus:
        text = listing([metric_words.quoted(name) for name in focus], NAMED)
        rows.append(("Asked about", text))
    return [*rows, ("Decision", source)]


def metric_rows(facts: Facts) -> list[tuple[Cell, ...]]:
    """Each metric once, whatever the number of classes."""
    rows: list[tuple[Cell, ...]] = []
    for metric in dict.fromkeys(measures.metric_of(m) for m in facts.metrics):
        words = metric_words.of_classes(metric)
        primary = any(measures.metric_of(m) == metric for m in facts.primary)
        focus = facts.special.get("focus") or []
        role = "Primary" if primary else "Secondary"
        if primary and focus and metric in metric_words.CLASSED:
            role = f"Primary for {listing([metric_words.quoted(c) for c in focus], NAMED)}"
        rows.append((Cell(words.title), Cell(words.asks), Cell(role)))
    measured = {measures.metric_of(m) for m in facts.metrics}
    for metric in dict.fromkeys(measures.metric_of(m) for m in facts.not_applicable):
        if metric not in measured:
            words = metric_words.of_classes(metric)
            found = next(m for m in facts.not_applicable if measures.metric_of(m) == metric)
            role = f"Not applicable: {reason(facts.why_not(found))}"
            rows.append((Cell(words.title), Cell(words.asks), Cell(role, soft=True)))
    return rows


def limits(facts: Facts) -> list[Rich]:
    """What recorded classes and rates of one class leave open."""
    one = rich(
        bold("One class at a time. "),
        f"Each of the {count(len(facts.classes))} classes is held against all others. A share "
        "that is larger in one class is smaller in another, so findings are not independent.",
    )
    if not facts.plan.get("label"):
        text = "Only predicted classes could be compared. Whether they are right is not known."
        return [rich(bold("No recorded class. "), text), one]
    return [
        rich(
            bold("Recorded classes. "),
            "Metrics other than the share predicted take the recorded class as true. If it was "
            "recorded differently for different groups, these rates inherit that, in either "
            "direction.",
        ),
        one,
    ]


def terms(facts: Facts) -> list[tuple[str, str]]:
    """Entries of the glossary."""
    found = [
        ("Share predicted so", "Of all people of a group, the part that was predicted as the "
         "class.")
    ]  # fmt: skip
    if facts.plan.get("label"):
        found += [
            ("True positive rate", "Of those recorded as a class, the part predicted so."),
            ("False positive rate", "Of those recorded otherwise, the part still predicted so."),
            ("Precision", "Of those predicted as a class, the part recorded so."),
            ("Macro mean", "The plain mean of a rate over classes, a rare class counting as much "
             "as a frequent one. It hides which class differs."),
        ]  # fmt: skip
    return found


NOT_SEARCHED = (
    "Deeper searches: groups nobody named, sources of a gap, legitimate factors, sites, number "
    "formats and change over time are looked at for yes-or-no decisions only."
)
