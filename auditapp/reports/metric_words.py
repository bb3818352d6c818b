"""What each metric is called and what it asks, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricWords:
    """`given` is the finding's opening, with {a} and {b} for rates, {g} and {r} for groups."""

    title: str
    asks: str
    behind: str
    given: str
    less: str = "lower"
    more: str = "higher"


METRICS: dict[str, MetricWords] = {
    "selection-rate": MetricWords(
        "Selection rate",
        "Of all people, how many get the favourable decision?",
        "people",
        "{outcome} was given to {a} of {g} and {b} of {r}",
        "chosen less often",
        "more often",
    ),
    "tpr": MetricWords(
        "True positive rate",
        "Of those whose recorded outcome is favourable, how many get the favourable decision?",
        "people with the favourable outcome",
        "Of those with the favourable outcome on record, {a} of {g} and {b} of {r} were chosen",
        "recognised less often",
        "more often",
    ),
    "fpr": MetricWords(
        "False positive rate",
        "Of those whose recorded outcome is not favourable, how many still get the favourable "
        "decision?",
        "people without the favourable outcome",
        "Of those without the favourable outcome on record, {a} of {g} and {b} of {r} were chosen",
        "chosen in error less often",
        "more often",
    ),
    "precision": MetricWords(
        "Precision",
        "Of those who get the favourable decision, how many have the favourable recorded outcome?",
        "people chosen",
        "Of those chosen, {a} of {g} and {b} of {r} had the favourable outcome on record",
        "right less often",
        "more often",
    ),
    "accuracy": MetricWords(
        "Accuracy",
        "How often do decision and recorded outcome agree?",
        "people",
        "Decision and recorded outcome agreed for {a} of {g} and {b} of {r}",
        "right less often",
        "more often",
    ),
    "balanced-accuracy": MetricWords(
        "Balanced accuracy",
        "The mean of true positive rate and true negative rate.",
        "people",
        "",
    ),
    "tnr": MetricWords(
        "True negative rate",
        "Of those whose recorded outcome is not favourable, how many are not chosen?",
        "people without the favourable outcome",
        "",
    ),
    "fnr": MetricWords(
        "False negative rate",
        "Of those whose recorded outcome is favourable, how many are not chosen?",
        "people with the favourable outcome",
        "",
    ),
    "npv": MetricWords(
        "Negative predictive value",
        "Of those not chosen, how many have an unfavourable recorded outcome?",
        "people not chosen",
        "",
    ),
    "fdr": MetricWords(
        "False discovery rate",
        "Of those chosen, how many have an unfavourable recorded outcome?",
        "people chosen",
        "",
    ),
    "for": MetricWords(
        "False omission rate",
        "Of those not chosen, how many have the favourable recorded outcome?",
        "people not chosen",
        "",
    ),
    "base-rate": MetricWords(
        "Base rate",
        "How many have the favourable recorded outcome?",
        "people with a recorded outcome",
        "",
    ),
    "predicted-actual-ratio": MetricWords(
        "Predicted to actual ratio",
        "How many are chosen for each person with the favourable recorded outcome?",
        "people",
        "",
    ),
    "abstention-rate": MetricWords(
        "Abstention rate",
        "How many get no decision and are sent to a person?",
        "people",
        "",
    ),
}


def words(metric: str) -> MetricWords:
    """The words of a metric; an unknown one is named by its slug."""
    known = METRICS.get(metric)
    if known is not None:
        return known
    title = metric.replace("-", " ").capitalize()
    return MetricWords(title, "", "people", "")


def title(metric: str) -> str:
    return words(metric).title


def given(metric: str) -> str:
    """The opening of a finding."""
    found = words(metric)
    return found.given or f"{found.title} was {{a}} for {{g}} and {{b}} for {{r}}"
