"""Settings of abstention; what needs a solver is loaded when it runs."""

from __future__ import annotations

from dataclasses import dataclass

from mitigations.contract import Card, Context, Method, MethodError, Outcome, Problem
from mitigations.parameters import param
from mitigations.parity import CHOICES, compared, labelled
from mitigations.thresholds import fitting_part


@dataclass(frozen=True)
class Abstention(Method):
    """Least errors among the decided, under limits on gap, accuracy and the share left out."""

    card = Card(
        title="Abstention without harm",
        text=(
            "Leaves the cases near the threshold to a person so that the gap between groups "
            "shrinks and no group is judged less accurately than before. It costs the time of "
            "the people who decide those cases, and what they decide is not measured here."
        ),
        source=(
            "Yin, Ton, Guo, Yao, Liu, Liu, Fair classifiers that abstain without harm, "
            "ICLR 2024 (integer program, abstention and flip blocks)"
        ),
        kind="abstain",
        needs=frozenset({"label", "score"}),
        uses_group_at_decision=True,
    )

    share: float = param(
        0.1,
        0.0,
        0.9,
        label="Share left to a person",
        help="Largest share of each group; 0.1 is one in ten. This point is always among them.",
    )
    shares: tuple[float, ...] = param(
        (0.02, 0.05, 0.1, 0.15, 0.2, 0.3),
        0.0,
        0.9,
        label="Other shares to draw",
        help="One point of the curve for each.",
    )
    gap: float = param(
        0.05,
        0.0,
        1.0,
        label="Largest gap",
        help="Largest difference between two groups; 0.05 allows 5 points.",
    )
    equal: str = param(
        "goal",
        label="What is to be equal",
        help="The rate whose largest difference between two groups is limited.",
        choices=CHOICES,
    )
    reading: str = param(
        "decided",
        label="Rates are counted among",
        help=(
            "Among everybody, whoever is left to a person counts as not favoured, as published; "
            "among the decided is the stricter reading."
        ),
        choices=(("decided", "People who get a decision"), ("whole", "Everybody")),
    )
    policy: str = param(
        "bins",
        label="Kind of rule",
        help=(
            "Intervals of the score are decided alike and can be read; networks learn from all "
            "columns whom the program left out, as published."
        ),
        choices=(
            ("bins", "Intervals of the score, by group"),
            ("shared", "Intervals of the score, the same for all groups"),
            ("nets", "Networks"),
        ),
    )
    flips: float = param(
        0.0,
        0.0,
        1.0,
        label="Share that may be overturned",
        help=(
            "Largest share of a group that gets the other decision instead of a person's; 0 "
            "overturns nobody, 1 is as published."
        ),
    )
    slack: float = param(
        0.0,
        0.0,
        0.5,
        label="Accuracy a group may lose",
        help="0 asks that no group is judged less accurately than before.",
    )
    allowance: str = param(
        "additive",
        label="How that loss is counted",
        help="Error rate e may become e + s (1 - e), as in the authors' code, or (1 + s) e.",
        choices=(("additive", "Added to the error rate"), ("multiplicative", "Times the rate")),
    )
    spread: float = param(
        1.0,
        0.0,
        1.0,
        label="Largest difference of the shares left to a person",
        help="Between two groups; 1 sets no limit.",
    )
    bins: int = param(
        20,
        2,
        100,
        label="Intervals of the score",
        help="How many of equal size, with one more cut at the threshold.",
    )
    chance: bool = param(
        True,
        label="Draw people within an interval",
        help=(
            "Where an interval is treated in two ways, people are drawn; otherwise the interval "
            "is cut at a score."
        ),
    )
    caution: bool = param(
        True,
        label="Leave room for chance",
        help="Keep shares and gap 1.64 standard errors below their limits.",
    )
    draws: int = param(
        200,
        0,
        1000,
        label="Draws for intervals",
        help="How often the counts are drawn anew for the interval of the best that is possible.",
    )

    def fit(self, problem: Problem, context: Context) -> Outcome:
        from metrics.abstention_cells import Wish
        from mitigations.abstention.work import Work, gather

        split, part = fitting_part(problem)
        used = labelled(part, scored=True)
        if self.policy == "nets" and part.x.shape[1] == 0:
            raise MethodError(
                "needs-features",
                "There are no columns for networks to learn from.",
                "Name columns with the role feature, or choose intervals of the score.",
            )
        to = compared(problem, part, used, self.equal)
        rows = gather(part, used, to, problem.threshold)
        wish = Wish(
            parity=to.parity,
            gap=self.gap,
            slack=self.slack,
            allowance=self.allowance,
            flips=self.flips,
            reading=self.reading,
            spread=(self.spread, 1.0, 1.0),
            floor=1,
            exempt=(len(to.codes),),
        )
        work = Work(self, problem, context, part.take(used), to, rows, wish, split)
        wanted = sorted({round(s, 6) for s in (*self.shares, self.share)})
        found = [work.point(share, i, len(wanted)) for i, share in enumerate(wanted)]
        return Outcome(tuple(f.point for f in found), work.tables(found), work.notes(found))
