"""Settings of local fairness; what needs torch is loaded when it runs."""

from __future__ import annotations

from dataclasses import dataclass

from mitigations.contract import Context, Method, MethodError, Outcome, Problem
from mitigations.parameters import param
from mitigations.parity import CHOICES
from mitigations.road.card import CARD
from mitigations.training import rows_param


@dataclass(frozen=True)
class Road(Method):
    """Explicit ROAD, the forms it competes with, and the forms as published, on one frontier."""

    card = CARD

    strengths: tuple[float, ...] = param(
        (0.1, 0.3, 1.0),
        0.0,
        100.0,
        label="Weights of the penalty",
        help="How much the gaps of the worst parts count beside errors; one point for each.",
    )
    temperatures: tuple[float, ...] = param(
        (0.1, 0.3),
        0.01,
        1e6,
        label="Temperatures",
        help=(
            "How gently weight moves to the worst parts: a part whose gap is wider by 0.8 of "
            "this gets 2.7 times the weight. Small values press on few people."
        ),
    )
    overall: float = param(
        1.0,
        0.0,
        100.0,
        label="Weight of the gap in the whole",
        help="Beside the gaps of the parts; 0 looks at the parts alone.",
    )
    equal: str = param(
        "goal",
        label="What is to be equal",
        help="The rate whose differences inside parts are made small.",
        choices=CHOICES,
    )
    axes: str = param(
        "protected",
        label="Sensitive columns",
        help="With all of them the penalty is the average of one for each column.",
        choices=(("protected", "The protected one"), ("all", "All that the audit compares")),
    )
    descriptors: str = param(
        "",
        label="Columns that describe parts",
        help=(
            "Names separated by commas. Empty takes columns from which the group cannot be told."
        ),
    )
    regions: str = param(
        "",
        label="Columns of the declared parts",
        help=(
            "At most two names; their bins are crossed. Empty takes the other sensitive columns, "
            "else the first two that describe parts."
        ),
    )
    rivals: str = param(
        "few",
        label="Forms to compare with",
        help="Adversaries and simpler penalties on the same frontier; each is trained as well.",
        choices=(("few", "All, two weights each"), ("grid", "All, four weights each"),
                 ("none", "Only those that are always there")),
    )  # fmt: skip
    published: bool = param(
        False,
        label="Forms as published",
        help=(
            "ROAD and BROAD with their adversary. They cannot see gaps that cancel in the whole, "
            "tend to give everybody the same score, and take several times as long."
        ),
    )
    seeds: int = param(
        3,
        1,
        10,
        label="Networks for each setting",
        help="Trained from different first weights; the report shows how far they differ.",
    )
    steps: int = param(
        400,
        10,
        20_000,
        label="Steps",
        help="Most steps of training; a network stops where validation rows gain no more.",
    )
    batch: int = param(
        1024, 32, 65_536, label="Rows of a step", help="Drawn anew for each step.", unit="rows"
    )
    precision: str = param(
        "float32",
        label="Precision",
        help="Of the matrix products.",
        choices=(("float32", "32 bits"), ("bfloat16", "16 bits, on a GPU")),
    )
    rows: int = rows_param(200_000)

    def fit(self, problem: Problem, context: Context) -> Outcome:
        if not problem.columns or problem.train.x.shape[1] == 0:
            raise MethodError(
                "needs-features",
                "There are no columns to train a network on.",
                "Give columns the role feature, or choose a remedy that uses the score alone.",
            )
        from mitigations.road.finish import run

        return run(self, problem, context)
