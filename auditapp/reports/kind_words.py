"""What a report says differently where a number or a place in a list is decided."""

from __future__ import annotations

from auditapp.reports.blocks import Rich, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, upper_first
from auditapp.reports.stamps import decisions

GOALS = {
    "bias": "Are predictions too high or too low alike in every group?",
    "mae": "Are predictions equally far off in every group?",
    "mean-prediction": "Are predictions equally high in every group?",
    "selection-at-k": "Does every group reach the top equally often?",
    "exposure": "Do the places of every group get the same attention?",
    "ndcg": "Are the lists of every group equally well ordered?",
}
LEDES = {
    "regression": "Predictions and their errors are averaged for each group and compared with a "
    "stated comparator. Every comparison carries its interval.",
    "ranking": "Places are counted for each group and compared with a stated comparator. Every "
    "comparison carries its interval.",
}
LABELS = {"ranking": "Relevance"}
UNLABELLED = {
    "regression": "Not given: errors are not applicable",
    "ranking": "Not given: whether people belong at their places is not known",
}
NOT_SEARCHED = {
    "regression": "Groups nobody named, where a gap comes from, legitimate factors, other places "
    "and change over time: these searches are made for yes/no decisions, not for numbers.",
    "ranking": "Groups nobody named, where a gap comes from, legitimate factors, other places and "
    "change over time: these searches are made for yes/no decisions, not for ranked lists.",
}
BLANK = {"ranking": "counted as fitting nowhere"}


def special(facts: Facts) -> bool:
    """Whether a number or a place is decided, and not a class."""
    return facts.kind in LEDES


def decided(facts: Facts) -> list[tuple[str, str]]:
    """What is decided and by what, as label and text."""
    if facts.kind == "regression":
        return [("Predicted", facts.outcome), ("Prediction", upper_first(decisions(facts)))]
    return [("What a place gives", facts.outcome), ("Order", _order(facts))]


def _order(facts: Facts) -> str:
    plan = facts.plan
    high = (plan.get("score") or {}).get("favourable", True)
    way = "higher" if high else "lower"
    lists = f"a list for each value of column {plan['query']}" if plan.get("query") else "one list"
    first = f"the first {count(plan.get('k', 10))} places count as the top"
    return f"{upper_first(decisions(facts))}, {way} is nearer the top; {lists}; {first}"


def limits(facts: Facts) -> list[Rich]:
    """What recorded outcomes and averages leave open."""
    if facts.kind == "ranking":
        return [_relevance(facts)]
    if not facts.plan.get("label"):
        return [
            rich(
                bold("No recorded outcome. "),
                "Only how high predictions are could be compared. Whether they are right is not "
                "known.",
            )
        ]
    return [
        rich(
            bold("Recorded outcomes. "),
            "Errors take the recorded outcome as true. If it was recorded differently for "
            "different groups, errors inherit that, in either direction.",
        ),
        rich(
            bold("Averages. "),
            "A signed error of zero can hold large errors both ways; the mean absolute error says "
            "how large they are.",
        ),
    ]


def _relevance(facts: Facts) -> Rich:
    if facts.plan.get("label"):
        return rich(
            bold("Relevance. "),
            "NDCG takes the relevance as true. Places at the top and exposure do not ask who "
            "belongs there.",
        )
    return rich(
        bold("No relevance. "),
        "Only places could be compared. Whether people belong at them is not known.",
    )


def terms(facts: Facts) -> list[tuple[str, str]]:
    """Entries of the glossary."""
    if facts.kind == "ranking":
        k = count(facts.plan.get("k", 10))
        found = [
            ("Selection at k", f"The share of a group that is among the first {k}."),
            ("Exposure", "Places get less attention the lower they are: the first counts 1, the "
             "second 0.63, the tenth 0.29. Exposure is a group's average, as a share of "
             "everybody's; a point is one hundredth of that."),
            ("Skew at k", "Logarithm of the share on top over the share in the list: 0 is "
             "proportional, 0.69 twice as many."),
        ]  # fmt: skip
        if facts.plan.get("label"):
            found.append(
                ("NDCG", "How near the order of a group's own people comes to the best one. A "
                 "random order does not reach 0.")
            )  # fmt: skip
        return found
    return [
        ("Unit", f"One unit of {facts.unit('bias').axis.removeprefix('units of ')}, as the file "
         "counts. Differences are taken before rounding."),
        ("Standard deviation", "How far values usually lie from their mean, here of everybody "
         "together. It makes limits comparable between outcomes."),
        ("Signed error", "Mean of prediction minus recorded outcome: below zero, predictions are "
         "too low."),
        ("Mean absolute error", "How far predictions are off on average, whichever way."),
        ("R²", "Share of the spread of outcomes inside a group that predictions account for. It "
         "is low where outcomes lie close together, even where errors are small."),
    ]  # fmt: skip


METHODS = {
    "regression": (
        "Means and their differences: Student's and Welch's t (Biometrika 1947); a comparison "
        "needs 25 times the squared skewness in rows (Cochran, Sampling techniques, 1977).",
        "Root mean squared error and R²: limits on the log scale from fourth moments.",
        "Error quantiles: Woodruff, Journal of the American Statistical Association 1952.",
        "One weighted Bonferroni family over the whole report.",
        "“No difference found”: two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. "
        "1987).",
    ),
    "ranking": (
        "Selection at k in one list: central Fisher exact given the places, limits from the "
        "noncentral hypergeometric law.",
        "Exposure in one list: shuffles of the two sides over their places; Singh and Joachims, "
        "KDD 2018.",
        "Several lists: lists are drawn again with replacement; gaps by Student's t.",
        "NDCG: Järvelin and Kekäläinen, ACM Transactions on Information Systems 2002. Skew: "
        "Geyik, Ambler and Kenthapadi, KDD 2019.",
        "One weighted Bonferroni family over the whole report.",
        "“No difference found”: two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. "
        "1987).",
    ),
}
