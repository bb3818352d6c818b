"""What each metric is called and what it asks, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from auditapp.reports import measures, phrases
from auditapp.reports.language import ENGLISH, current, gettext_noop
from auditapp.reports.language import gettext as _


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
    less: str = gettext_noop("lower")
    more: str = gettext_noop("higher")
    ways: tuple[str, str] | None = None
    way: tuple[str, str] = (gettext_noop("less"), gettext_noop("more"))
    sides: tuple[str, str] | None = None
    name: str = ""


METRICS: dict[str, MetricWords] = {
    "selection-rate": MetricWords(
        gettext_noop("Selection rate"),
        gettext_noop("Of all people, how many get the favourable decision?"),
        gettext_noop("people"),
        gettext_noop("{outcome} was given to {a} of {g} and {b} of {r}"),
        gettext_noop("chosen less often"),
        gettext_noop("more often"),
        (gettext_noop("are chosen less often than"), gettext_noop("are chosen more often than")),
    ),
    "tpr": MetricWords(
        gettext_noop("True positive rate"),
        gettext_noop(
            "Of those whose recorded outcome is favourable, how many get the favourable decision?"
        ),
        gettext_noop("people with the favourable outcome"),
        gettext_noop(
            "Of those with the favourable outcome on record, {a} of {g} and {b} of {r} were chosen"
        ),
        gettext_noop("recognised less often"),
        gettext_noop("more often"),
    ),
    "fpr": MetricWords(
        gettext_noop("False positive rate"),
        gettext_noop(
            "Of those whose recorded outcome is not favourable, how many still get the "
            "favourable decision?"
        ),
        gettext_noop("people without the favourable outcome"),
        gettext_noop(
            "Of those without the favourable outcome on record, {a} of {g} and {b} of {r} "
            "were chosen"
        ),
        gettext_noop("chosen in error less often"),
        gettext_noop("more often"),
    ),
    "precision": MetricWords(
        gettext_noop("Precision"),
        gettext_noop(
            "Of those who get the favourable decision, how many have the favourable "
            "recorded outcome?"
        ),
        gettext_noop("people chosen"),
        gettext_noop(
            "Of those chosen, {a} of {g} and {b} of {r} had the favourable outcome on record"
        ),
        gettext_noop("right less often"),
        gettext_noop("more often"),
    ),
    "accuracy": MetricWords(
        gettext_noop("Accuracy"),
        gettext_noop("How often do decision and recorded outcome agree?"),
        gettext_noop("people"),
        gettext_noop("Decision and recorded outcome agreed for {a} of {g} and {b} of {r}"),
        gettext_noop("right less often"),
        gettext_noop("more often"),
    ),
    "balanced-accuracy": MetricWords(
        gettext_noop("Balanced accuracy"),
        gettext_noop("The mean of true positive rate and true negative rate."),
        gettext_noop("people"),
        "",
    ),
    "tnr": MetricWords(
        gettext_noop("True negative rate"),
        gettext_noop(
            "Of those whose recorded outcome is not favourable, how many are not chosen?"
        ),
        gettext_noop("people without the favourable outcome"),
        "",
    ),
    "fnr": MetricWords(
        gettext_noop("False negative rate"),
        gettext_noop("Of those whose recorded outcome is favourable, how many are not chosen?"),
        gettext_noop("people with the favourable outcome"),
        "",
    ),
    "npv": MetricWords(
        gettext_noop("Negative predictive value"),
        gettext_noop("Of those not chosen, how many have an unfavourable recorded outcome?"),
        gettext_noop("people not chosen"),
        "",
    ),
    "fdr": MetricWords(
        gettext_noop("False discovery rate"),
        gettext_noop("Of those chosen, how many have an unfavourable recorded outcome?"),
        gettext_noop("people chosen"),
        "",
    ),
    "for": MetricWords(
        gettext_noop("False omission rate"),
        gettext_noop("Of those not chosen, how many have the favourable recorded outcome?"),
        gettext_noop("people not chosen"),
        "",
    ),
    "base-rate": MetricWords(
        gettext_noop("Base rate"),
        gettext_noop("How many have the favourable recorded outcome?"),
        gettext_noop("people with a recorded outcome"),
        "",
    ),
    "predicted-actual-ratio": MetricWords(
        gettext_noop("Predicted to actual ratio"),
        gettext_noop("How many are chosen for each person with the favourable recorded outcome?"),
        gettext_noop("people"),
        "",
    ),
    "macro-tpr": MetricWords(
        gettext_noop("Macro true positive rate"),
        gettext_noop(
            "The mean over classes of the true positive rate, each class counting alike."
        ),
        gettext_noop("people"),
        "",
    ),
    "macro-fpr": MetricWords(
        gettext_noop("Macro false positive rate"),
        gettext_noop(
            "The mean over classes of the false positive rate, each class counting alike."
        ),
        gettext_noop("people"),
        "",
    ),
    "macro-precision": MetricWords(
        gettext_noop("Macro precision"),
        gettext_noop("The mean over classes of the precision, each class counting alike."),
        gettext_noop("people"),
        "",
    ),
    "abstention-rate": MetricWords(
        gettext_noop("Abstention rate"),
        gettext_noop("How many get no decision and are sent to a person?"),
        gettext_noop("people"),
        "",
    ),
    "bias": MetricWords(
        gettext_noop("Signed error"),
        gettext_noop("Are predictions too high or too low on average?"),
        gettext_noop("people"),
        gettext_noop("On average, predictions are {a} for {g} and {b} for {r}"),
        gettext_noop("predicted lower"),
        gettext_noop("predicted higher"),
        (
            gettext_noop("have lower predictions, relative to their outcomes, than"),
            gettext_noop("have higher predictions, relative to their outcomes, than"),
        ),
        (gettext_noop("lower relative to outcomes"), gettext_noop("higher relative to outcomes")),
        (gettext_noop("too low"), gettext_noop("too high")),
    ),
    "mae": MetricWords(
        gettext_noop("Mean absolute error"),
        gettext_noop("How far off are predictions on average, whichever way?"),
        gettext_noop("people"),
        gettext_noop("On average, predictions are off by {a} for {g} and by {b} for {r}"),
        gettext_noop("smaller errors"),
        gettext_noop("larger errors"),
        (gettext_noop("have smaller errors than"), gettext_noop("have larger errors than")),
    ),
    "mean-prediction": MetricWords(
        gettext_noop("Mean prediction"),
        gettext_noop("How high are predictions on average, whatever the outcome?"),
        gettext_noop("people"),
        gettext_noop("The mean prediction is {a} for {g} and {b} for {r}"),
        ways=(
            gettext_noop("have lower predictions than"),
            gettext_noop("have higher predictions than"),
        ),
        way=(gettext_noop("lower"), gettext_noop("higher")),
    ),
    "rmse": MetricWords(
        gettext_noop("Root mean squared error"),
        gettext_noop("How large are errors when large ones count more?"),
        gettext_noop("people"),
        "",
    ),
    "r2": MetricWords(
        "R²",
        gettext_noop("Which share of the spread of outcomes do predictions account for?"),
        gettext_noop("people"),
        "",
    ),
    "mean-label": MetricWords(
        gettext_noop("Mean recorded outcome"),
        gettext_noop("How high are recorded outcomes on average?"),
        gettext_noop("people"),
        "",
    ),
    "selection-at-k": MetricWords(
        gettext_noop("Selection at k"),
        gettext_noop("Of all people, how many are among the first {k}?"),
        gettext_noop("people"),
        gettext_noop("{a} of {g} and {b} of {r} are among the first {k}"),
        gettext_noop("less often on top"),
        gettext_noop("more often"),
        (
            gettext_noop("are among the first {k} less often than"),
            gettext_noop("are among the first {k} more often than"),
        ),
    ),
    "exposure": MetricWords(
        gettext_noop("Exposure"),
        gettext_noop("How much attention do places give, as a share of the average?"),
        gettext_noop("people"),
        gettext_noop("The places of {g} give {a} of the average exposure and those of {r} {b}"),
        gettext_noop("less exposure"),
        gettext_noop("more exposure"),
        (gettext_noop("get less exposure than"), gettext_noop("get more exposure than")),
    ),
    "ndcg": MetricWords(
        gettext_noop("NDCG"),
        gettext_noop("How near is the order of people to the best possible order?"),
        gettext_noop("people"),
        gettext_noop("The order of {g} reaches {a} of the best possible one and that of {r} {b}"),
        gettext_noop("worse order"),
        gettext_noop("better order"),
        (gettext_noop("are in worse order than"), gettext_noop("are in better order than")),
    ),
    "skew-at-k": MetricWords(
        gettext_noop("Skew at k"),
        gettext_noop("Is the share among the first {k} larger than the share in the list?"),
        gettext_noop("people"),
        "",
    ),
}

#: The same of one class against all others.
CLASSED: dict[str, MetricWords] = {
    "selection-rate": MetricWords(
        gettext_noop("Share predicted as {c}"),
        gettext_noop("Of all people, how many are predicted as {c}?"),
        gettext_noop("people"),
        gettext_noop("{a} of {g} and {b} of {r} were predicted as {c}"),
        gettext_noop("predicted less often"),
        gettext_noop("more often"),
        (
            gettext_noop("are predicted as {c} less often than"),
            gettext_noop("are predicted as {c} more often than"),
        ),
        name=gettext_noop("the share predicted as {c}"),
    ),
    "tpr": MetricWords(
        gettext_noop("True positive rate, {c}"),
        gettext_noop("Of those recorded as {c}, how many are predicted as {c}?"),
        gettext_noop("people recorded as {c}"),
        gettext_noop("Of those recorded as {c}, {a} of {g} and {b} of {r} were predicted so"),
        gettext_noop("recognised less often"),
        gettext_noop("more often"),
        name=gettext_noop("true positive rate for {c}"),
    ),
    "fpr": MetricWords(
        gettext_noop("False positive rate, {c}"),
        gettext_noop("Of those not recorded as {c}, how many are still predicted as {c}?"),
        gettext_noop("people not recorded as {c}"),
        gettext_noop(
            "Of those not recorded as {c}, {a} of {g} and {b} of {r} were still predicted so"
        ),
        gettext_noop("predicted in error less often"),
        gettext_noop("more often"),
        name=gettext_noop("false positive rate for {c}"),
    ),
    "precision": MetricWords(
        gettext_noop("Precision, {c}"),
        gettext_noop("Of those predicted as {c}, how many are recorded so?"),
        gettext_noop("people predicted as {c}"),
        gettext_noop("Of those predicted as {c}, {a} of {g} and {b} of {r} were recorded so"),
        gettext_noop("right less often"),
        gettext_noop("more often"),
        name=gettext_noop("precision for {c}"),
    ),
}


def words(metric: str) -> MetricWords:
    """The words of a metric; an unknown one is named by its slug."""
    name = measures.class_of(metric)
    if name is not None and measures.metric_of(metric) in CLASSED:
        return _of_class(CLASSED[measures.metric_of(metric)], quoted(name))
    known = METRICS.get(metric)
    if known is not None:
        return _spoken(known)
    for start, named in (
        ("pinball-", _("Quantile error at {}%")),
        ("error-quantile-", _("{}% below")),
    ):
        if metric.startswith(start):
            return MetricWords(named.format(metric.removeprefix(start)), "", _("people"), "")
    title = metric.replace("-", " ").capitalize()
    return MetricWords(title, "", _("people"), "")


def _spoken(known: MetricWords) -> MetricWords:
    """The same words in the language that is being written."""
    if current() == ENGLISH:
        return known
    texts = ("title", "asks", "behind", "given", "less", "more", "name")
    pairs: Any = {
        key: found if found is None else (_(found[0]), _(found[1]))
        for key in ("ways", "way", "sides")
        for found in (getattr(known, key),)
    }
    return replace(known, **{**pairs, **{key: _(getattr(known, key)) for key in texts}})


def _of_class(known: MetricWords, name: str) -> MetricWords:
    """Every text but `given` with the class in it; that one is filled run by run."""
    known = _spoken(known)
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
    known = _spoken(known)
    title = known.title.replace("{c}", _("each class"))
    return replace(known, title=title, asks=known.asks.replace("{c}", _("the class")))


def lower(metric: str) -> str:
    """The title inside a sentence."""
    known = words(metric)
    if known.name:
        return known.name
    found = known.title
    if current() != ENGLISH:
        return found if found[:2].isupper() else found[:1].lower() + found[1:]
    return found if found[:2].isupper() or found[1:2] == "²" else found[:1].lower() + found[1:]


def title(metric: str) -> str:
    return words(metric).title


def given(metric: str) -> str:
    """The opening of a finding."""
    found = words(metric)
    return found.given or _("{title} was {{a}} for {{g}} and {{b}} for {{r}}").format(
        title=found.title
    )
