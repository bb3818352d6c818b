"""Limits, what is needed to make the comparison again, and the words it uses."""

from __future__ import annotations

from auditapp.comparison.facts import Facts, Side
from auditapp.reports.blocks import Bullets, Fact, FactList, Rich, Section, bold, mono, rich
from auditapp.reports.numbers import count, percent, plural

PAIRED_METHODS = (
    "Rates of the same people: McNemar's exact test (Psychometrika 1947); limits of the two "
    "discordant shares joined with their correlation (Zou and Donner, Statistics in Medicine "
    "2008; Jeffreys limits: Brown, Cai and DasGupta, Statistical Science 2001).",
    "Rates whose denominator depends on the decision (precision): limits of both rates joined "
    "with the correlation that the people in both denominators give them.",
    "Changes of a gap: difference of two paired differences, limits by square-and-add (Newcombe, "
    "Statistics in Medicine 1998); both a normal test and the interval have to agree.",
    "Who is decided otherwise: Clopper-Pearson limits, Fisher's exact test between groups.",
)
APART_METHODS = (
    "Rates: Fisher's exact test, square-and-add of Jeffreys limits (Newcombe, Statistics in "
    "Medicine 1998).",
    "Changes of a gap: limits of four rates by square-and-add; a normal test and the interval "
    "have to agree.",
    "Drift: chi-square on shares, by permutation where an expected count is below 5.",
)
COMMON_METHODS = (
    "One weighted Bonferroni family over the whole comparison: 0.8 of the error rate for rates "
    "that the goal names, 0.2 for all others.",
    "“No difference found”: two one-sided tests at 5% (Schuirmann, J. Pharmacokinet. Biopharm. "
    "1987).",
)


def limits(facts: Facts) -> Section:
    """What these numbers cannot say."""
    items: list[Rich] = [
        rich(
            bold("A comparison is no audit. "),
            "It says how B differs from A. How wide the gaps of each are, and whether they "
            "matter, is in the two reports.",
        )
    ]
    if len(facts.metrics) > 1:
        items.append(
            rich(
                bold("Recorded outcomes. "),
                "Rates other than the selection rate take the recorded outcome as true, for A as "
                "for B. Where an outcome is known only for people whom A chose, that favours A.",
            )
        )
    if facts.paired:
        people = plural(facts.doc["rows"]["both"], "person", "people")
        items.append(
            rich(
                bold("Sample. "),
                f"Intervals describe chance among {people} drawn like these. That A and B decided "
                "about the same people makes the comparison sharper; it does not make the people "
                "more typical.",
            )
        )
    else:
        items.append(
            rich(
                bold("Different people. "),
                "A change may come from the system, from the data or from the people. The chapter "
                "on drift says which distributions moved, not which of them caused it.",
            )
        )
        items.append(
            rich(
                bold("Single columns. "),
                "Intersections are compared only where both audits measured the same people.",
            )
        )
    k = facts.doc["family"]["k"]
    items.append(
        rich(
            bold("Multiple looks. "),
            f"{plural(k, 'test')} were made; together they raise a false alarm in at most "
            f"{percent(facts.alpha)} of comparisons. Comparing many pairs of audits adds up.",
        )
    )
    items.append(rich(bold("Association. "), "A difference says that decisions differ, not why."))
    return Section("limits", "Limits", (Bullets(tuple(items)),))


def reproducibility(facts: Facts) -> Section:
    """Hashes, rules and methods."""
    own = [
        Fact("Comparison", (mono(facts.hash),)),
        *(_side(side) for side in (facts.first, facts.second)),
    ]
    family = facts.doc["family"]
    rules = [
        Fact("Goal", rich(str(facts.doc["rules"]["goal"]))),
        Fact("Limit, points", rich(facts.limit_words)),
        Fact("Floor, people", rich(count(facts.floor))),
        Fact("Floor behind a rate", rich(count(facts.denominator_floor))),
        Fact("Error rate", rich(percent(facts.alpha))),
        Fact("Tests", rich(f"{count(family['k_primary'])} on primary rates, "
                           f"{count(family['k_secondary'])} on others")),
        Fact("People", rich("paired" if facts.paired else "two samples")),
    ]  # fmt: skip
    environment = facts.doc.get("environment") or {}
    if environment.get("evenhand"):
        rules.append(Fact("Evenhand", rich(str(environment["evenhand"]))))
    methods = [*(PAIRED_METHODS if facts.paired else APART_METHODS), *COMMON_METHODS]
    return Section(
        "reproducibility",
        "Reproducibility",
        (
            FactList(tuple(own), "SHA-256 of the documents"),
            FactList(tuple(rules), "Rules", columns=2),
            Bullets(tuple(rich(text) for text in methods), "Methods"),
        ),
        compact=True,
    )


def _side(side: Side) -> Fact:
    return Fact(f"Audit {side.letter}", (mono(side.hash),))


WORDS = (
    ("A, B", "The two audits, in the order in which they were chosen; every change is B less A."),
    ("Gap", "A rate of a group less that of its comparator, in percentage points."),
    ("Change of a gap", "The gap under B less the gap under A. Wider and narrower speak of its "
     "size, whatever its sign."),
    ("Paired", "Made from both decisions about each person, so that what both share drops out."),
    ("Difference found", "The adjusted test and the adjusted 95% interval both say that A and B "
     "differ."),
    ("No difference found", "A change as large as the limit or larger is ruled out (95%)."),
    ("Not enough data", "Neither: the people do not settle it."),
    ("Points", "Percentage points: the difference of two percentages."),
)  # fmt: skip


def glossary(facts: Facts) -> Section:
    """The words of this report."""
    rows = tuple(Fact(word, rich(text)) for word, text in WORDS
                 if facts.paired or word != "Paired")  # fmt: skip
    return Section("glossary", "Glossary", (FactList(rows, columns=2),), compact=True)
