"""What each metric is called and what it asks, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from auditapp.reports import measures, phrases


@dataclass(frozen=True)
class MetricWords:
    """`given` is the finding's opening, with {a} and {b} for rates, {g} and {r} for groups.

    `ways` say of a group that it has less or more than another, `way` how a gap is counted, and
    `sides` what a value below and above zero means. Where a metric is about one class, {c}
    stands for it, and `name` is the title in a sentence.
    """

    title: str
    asks: str
    behind: str
    given: str
    less: str = "lower"
    more: str = "higher"
    ways: tuple[str, str] | None = None
    way: tuple[str, str] = ("less", "more")
    sides: tuple[str, str] | None = None
    name: str = ""


METRICS: dict[str, MetricWords] = {
    "selection-rate": MetricWords(
        "Selection rate",
        "Of all people, how many get the favourable decision?",
        "people",
        "{outcome} was given to {a} of {g} and {b} of {r}",
        "chosen less often",
        "more often",
        ("are chosen less often than", "are chosen more often than"),
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
    "macro-tpr": MetricWords(
        "Macro true positive rate",
        "The mean over classes of the true positive rate, each class counting alike.",
        "people",
        "",
    ),
    "macro-fpr": MetricWords(
        "Macro false positive rate",
        "The mean over classes of the false positive rate, each class counting alike.",
        "people",
        "",
    ),
    "macro-precision": MetricWords(
        "Macro precision",
        "The mean over classes of the precision, each class counting alike.",
        "people",
        "",
    ),
    "abstention-rate": MetricWords(
        "Abstention rate",
        "How many get no decision and are sent to a person?",
        "people",
        "",
    ),
    "bias": MetricWords(
        "Signed error",
        "Are predictions too high or too low on average?",
        "people",
        "On average, predictions are {a} for {g} and {b} for {r}",
        "predicted lower",
        "predicted higher",
        (
            "have lower predictions, relative to their outcomes, than",
            "have higher predictions, relative to their outcomes, than",
        ),
        ("lower relative to outcomes", "higher relative to outcomes"),
        ("too low", "too high"),
    ),
    "mae": MetricWords(
        "Mean absolute error",
        "How far off are predictions on average, whichever way?",
        "people",
        "On average, predictions are off by {a} for {g} and by {b} for {r}",
        "smaller errors",
        "larger errors",
        ("have smaller errors than", "have larger errors than"),
    ),
    "mean-prediction": MetricWords(
        "Mean prediction",
        "How high are predictions on average, whatever the outcome?",
        "people",
        "The mean prediction is {a} for {g} and {b} for {r}",
        ways=("have lower predictions than", "have higher predictions than"),
        way=("lower", "higher"),
    ),
    "rmse": MetricWords(
        "Root mean squared error", "How large are errors when large ones count more?", "people", ""
    ),
    "r2": MetricWords(
        "R²", "Which share of the spread of outcomes do predictions account for?", "people", ""
    ),
    "mean-label": MetricWords(
        "Mean recorded outcome", "How high are recorded outcomes on average?", "people", ""
    ),
    "selection-at-k": MetricWords(
        "Selection at k",
        "Of all people, how many are among the first {k}?",
        "people",
        "{a} of {g} and {b} of {r} are among the first {k}",
        "less often on top",
        "more often",
        ("are among the first {k} less often than", "are among the first {k} more often than"),
    ),
    "exposure": MetricWords(
        "Exposure",
        "How much attention do places give, as a share of the average?",
        "people",
        "The places of {g} give {a} of the average exposure and those of {r} {b}",
        "less exposure",
        "more exposure",
        ("get less exposure than", "get more exposure than"),
    ),
    "ndcg": MetricWords(
        "NDCG",
        "How near is the order of people to the best possible order?",
        "people",
        "The order of {g} reaches {a} of the best possible one and that of {r} {b}",
        "worse order",
        "better order",
        ("are in worse order than", "are in better order than"),
    ),
    "skew-at-k": MetricWords(
        "Skew at k",
        "Is the share among the first {k} larger than the share in the list?",
        "people",
        "",
    ),
}

#: The same of one class against all others.
CLASSED: dict[str, MetricWords] = {
    "selection-rate": MetricWords(
        "Share predicted as {c}",
        "Of all people, how many are predicted as {c}?",
        "people",
        "{a} of {g} and {b} of {r} were predicted as {c}",
        "predicted less often",
        "more often",
        ("are predicted as {c} less often than", "are predicted as {c} more often than"),
        name="the share predicted as {c}",
    ),
    "tpr": MetricWords(
        "True positive rate, {c}",
        "Of those recorded as {c}, how many are predicted as {c}?",
        "people recorded as {c}",
        "Of those recorded as {c}, {a} of {g} and {b} of {r} were predicted so",
        "recognised less often",
        "more often",
        name="true positive rate for {c}",
    ),
    "fpr": MetricWords(
        "False positive rate, {c}",
        "Of those not recorded as {c}, how many are still predicted as {c}?",
        "people not recorded as {c}",
        "Of those not recorded as {c}, {a} of {g} and {b} of {r} were still predicted so",
        "predicted in error less often",
        "more often",
        name="false positive rate for {c}",
    ),
    "precision": MetricWords(
        "Precision, {c}",
        "Of those predicted as {c}, how many are recorded so?",
        "people predicted as {c}",
        "Of those predicted as {c}, {a} of {g} and {b} of {r} were recorded so",
        "right less often",
        "more often",
        name="precision for {c}",
    ),
}


def words(metric: str) -> MetricWords:
    """The words of a metric; an unknown one is named by its slug."""
    name = measures.class_of(metric)
    if name is not None and measures.metric_of(metric) in CLASSED:
        return _of_class(CLASSED[measures.metric_of(metric)], quoted(name))
    known = METRICS.get(metric)
    if known is not None:
        return known
    for start, named in (("pinball-", "Quantile error at {}%"), ("error-quantile-", "{}% below")):
        if metric.startswith(start):
            return MetricWords(named.format(metric.removeprefix(start)), "", "people", "")
    title = metric.replace("-", " ").capitalize()
    return MetricWords(title, "", "people", "")


def _of_class(known: MetricWords, name: str) -> MetricWords:
    """Every text but `given` with the class in it; that one is filled run by run."""
    texts = ("title", "asks", "behind", "name")
    filled = {key: getattr(known, key).replace("{c}", name) for key in texts}
    ways = known.ways
    if ways is not None:
        ways = (ways[0].replace("{c}", name), ways[1].replace("{c}", name))
    return replace(known, ways=ways, **filled)


def quoted(name: str) -> str:
    """A class in a sentence."""
    return f"“{phrases.short(name)}”"


def of_classes(metric: str) -> MetricWords:
    """Title and question of a metric that is taken of every class in turn."""
    known = CLASSED.get(metric)
    if known is None:
        return words(metric)
    title = known.title.replace("{c}", "each class")
    return replace(known, title=title, asks=known.asks.replace("{c}", "the class"))


def lower(metric: str) -> str:
    """The title inside a sentence."""
    known = words(metric)
    if known.name:
        return known.name
    found = known.title
    return found if found[:2].isupper() or found[1:2] == "²" else found[:1].lower() + found[1:]


def title(metric: str) -> str:
    return words(metric).title


def given(metric: str) -> str:
    """The opening of a finding."""
    found = words(metric)
    return found.given or f"{found.title} was {{a}} for {{g}} and {{b}} for {{r}}"
