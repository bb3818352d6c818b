"""What a report says differently where a number or a place in a list is decided."""

from __future__ import annotations

from auditapp.reports.blocks import Rich, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.language import Rows, Words, gettext_noop
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, upper_first
from auditapp.reports.stamps import decisions

GOALS = Words(
    {
        "bias": gettext_noop("Are predictions too high or too low alike in every group?"),
        "mae": gettext_noop("Are predictions equally far off in every group?"),
        "mean-prediction": gettext_noop("Are predictions equally high in every group?"),
        "selection-at-k": gettext_noop("Does every group reach the top equally often?"),
        "exposure": gettext_noop("Do the places of every group get the same attention?"),
        "ndcg": gettext_noop("Are the lists of every group equally well ordered?"),
    }
)
LEDES = Words(
    {
        "regression": gettext_noop(
            "Predictions and their errors are averaged for each group and compared with a "
            "stated comparator. Every comparison carries its interval."
        ),
        "ranking": gettext_noop(
            "Places are counted for each group and compared with a stated comparator. "
            "Every comparison carries its interval."
        ),
    }
)
LABELS = Words({"ranking": gettext_noop("Relevance")})
LABEL = gettext_noop("Recorded outcome")
UNLABELLED = Words(
    {
        "regression": gettext_noop("Not given: errors are not applicable"),
        "ranking": gettext_noop("Not given: whether people belong at their places is not known"),
    }
)
NOT_SEARCHED = Words(
    {
        "regression": gettext_noop(
            "Groups nobody named, where a gap comes from, legitimate factors, other places "
            "and change over time: these searches are made for yes/no decisions, not for "
            "numbers."
        ),
        "ranking": gettext_noop(
            "Groups nobody named, where a gap comes from, legitimate factors, other places "
            "and change over time: these searches are made for yes/no decisions, not for "
            "ranked lists."
        ),
    }
)
BLANK = Words({"ranking": gettext_noop("counted as fitting nowhere")})


def special(facts: Facts) -> bool:
    """Whether a number or a place is decided, and not a class."""
    return facts.kind in LEDES


def decided(facts: Facts) -> list[tuple[str, str]]:
    """What is decided and by what, as label and text."""
    if facts.kind == "regression":
        return [(_("Predicted"), facts.outcome), (_("Prediction"), upper_first(decisions(facts)))]
    return [(_("What a place gives"), facts.outcome), (_("Order"), _order(facts))]


def _order(facts: Facts) -> str:
    plan = facts.plan
    high = (plan.get("score") or {}).get("favourable", True)
    way = _("higher") if high else _("lower")
    lists = (
        _("a list for each value of column {query}").format(query=plan["query"])
        if plan.get("query")
        else _("one list")
    )
    first = _("the first {value} places count as the top").format(value=count(plan.get("k", 10)))
    return _("{facts}, {way} is nearer the top; {lists}; {first}").format(
        facts=upper_first(decisions(facts)), way=way, lists=lists, first=first
    )


def limits(facts: Facts) -> list[Rich]:
    """What recorded outcomes and averages leave open."""
    if facts.kind == "ranking":
        return [_relevance(facts)]
    if not facts.plan.get("label"):
        return [
            rich(
                bold(_("No recorded outcome. ")),
                _(
                    "Only how high predictions are could be compared. Whether they are right is "
                    "not known."
                ),
            )
        ]
    return [
        rich(
            bold(_("Recorded outcomes. ")),
            _(
                "Errors take the recorded outcome as true. If it was recorded differently for "
                "different groups, errors inherit that, in either direction."
            ),
        ),
        rich(
            bold(_("Averages. ")),
            _(
                "A signed error of zero can hold large errors both ways; the mean absolute "
                "error says how large they are."
            ),
        ),
    ]


def _relevance(facts: Facts) -> Rich:
    if facts.plan.get("label"):
        return rich(
            bold(_("Relevance. ")),
            _(
                "NDCG takes the relevance as true. Places at the top and exposure do not ask "
                "who belongs there."
            ),
        )
    return rich(
        bold(_("No relevance. ")),
        _("Only places could be compared. Whether people belong at them is not known."),
    )


def terms(facts: Facts) -> list[tuple[str, str]]:
    """Entries of the glossary."""
    if facts.kind == "ranking":
        k = count(facts.plan.get("k", 10))
        found = [
            (
                _("Selection at k"),
                _("The share of a group that is among the first {k}.").format(k=k),
            ),
            (
                _("Exposure"),
                _(
                    "Places get less attention the lower they are: the first counts 1, the second "
                    "0.63, the tenth 0.29. Exposure is a group's average, as a share of "
                    "everybody's; a point is one hundredth of that."
                ),
            ),
            (
                _("Skew at k"),
                _(
                    "Logarithm of the share on top over the share in the list: 0 is proportional, "
                    "0.69 twice as many."
                ),
            ),
        ]
        if facts.plan.get("label"):
            found.append(
                (
                    _("NDCG"),
                    _(
                        "How near the order of a group's own people comes to the best one. A "
                        "random "
                        "order does not reach 0."
                    ),
                )
            )
        return found
    return [
        (
            _("Unit"),
            _(
                "One unit of {value}, as the file counts. Differences are taken before rounding."
            ).format(value=facts.unit("bias").axis.removeprefix(_("units of {of}").format(of=""))),
        ),
        (
            _("Standard deviation"),
            _(
                "How far values usually lie from their mean, here of everybody together. It "
                "makes limits comparable between outcomes."
            ),
        ),
        (
            _("Signed error"),
            _("Mean of prediction minus recorded outcome: below zero, predictions are too low."),
        ),
        (_("Mean absolute error"), _("How far predictions are off on average, whichever way.")),
        (
            "R²",
            _(
                "Share of the spread of outcomes inside a group that predictions account for. "
                "It is low where outcomes lie close together, even where errors are small."
            ),
        ),
    ]


METHODS = Rows(
    {
        "regression": (
            gettext_noop(
                "Means and their differences: Student's and Welch's t (Biometrika 1947); a "
                "comparison needs 25 times the squared skewness in rows (Cochran, Sampling "
                "techniques, 1977)."
            ),
            gettext_noop(
                "Root mean squared error and R²: limits on the log scale from fourth moments."
            ),
            gettext_noop(
                "Error quantiles: Woodruff, Journal of the American Statistical Association 1952."
            ),
            gettext_noop("One weighted Bonferroni family over the whole report."),
            gettext_noop(
                "“No difference found”: two one-sided tests (Schuirmann, J. Pharmacokinet. "
                "Biopharm. 1987)."
            ),
        ),
        "ranking": (
            gettext_noop(
                "Selection at k in one list: central Fisher exact given the places, limits "
                "from the noncentral hypergeometric law."
            ),
            gettext_noop(
                "Exposure in one list: shuffles of the two sides over their places; Singh and "
                "Joachims, KDD 2018."
            ),
            gettext_noop(
                "Several lists: lists are drawn again with replacement; gaps by Student's t."
            ),
            gettext_noop(
                "NDCG: Järvelin and Kekäläinen, ACM Transactions on Information Systems 2002. "
                "Skew: Geyik, Ambler and Kenthapadi, KDD 2019."
            ),
            gettext_noop("One weighted Bonferroni family over the whole report."),
            gettext_noop(
                "“No difference found”: two one-sided tests (Schuirmann, J. Pharmacokinet. "
                "Biopharm. 1987)."
            ),
        ),
    }
)
