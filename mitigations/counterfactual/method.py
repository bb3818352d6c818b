"""Counterfactual distributions: repair the inputs of a fixed model instead of the model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mitigations.contract import Card, Context, Method, MethodError, Outcome, Problem
from mitigations.counterfactual.descent import Limits
from mitigations.counterfactual.disparity import DISPARITIES, GOALS
from mitigations.counterfactual.group import prepare
from mitigations.counterfactual.people import aim, gather, stream
from mitigations.counterfactual.repair import least_move, points, remarks, repair
from mitigations.counterfactual.tables import tables
from mitigations.counterfactual.transport import pot
from mitigations.parameters import param
from mitigations.rules.space import Space


@dataclass(frozen=True)
class Counterfactual(Method):
    """Reweight a group's inputs until the gap is gone, and move people accordingly."""

    card = Card(
        title="Counterfactual distributions",
        text=(
            "Keeps the model and changes what it is told about people of some groups: inputs are "
            "moved, as little as possible, until the gap is closed. It also shows which inputs "
            "would have to be distributed otherwise for the gap not to arise, without moving "
            "anybody."
        ),
        source=(
            "Wang, Ustun, Calmon, Repairing without retraining: avoiding disparate impact with "
            "counterfactual distributions, ICML 2019, sections 3-4"
        ),
        kind="transport",
        needs=frozenset({"features", "model"}),
        uses_group_at_decision=True,
    )

    equal: str = param(
        "goal",
        label="What is to be equal",
        help="The disparity that is closed; those of error rates need a label.",
        choices=(("goal", "The goal of the audit"), *DISPARITIES.items()),
    )
    close: tuple[float, ...] = param(
        (0.5, 1.0),
        0.01,
        1.0,
        label="Shares of the gap to close",
        help="One rule for each; 1 closes all of it.",
    )
    toward: str = param(
        "best",
        label="Brought to",
        help="The rate that the other groups are brought to.",
        choices=(
            ("best", "The group that is best off"),
            ("largest", "The largest group"),
            ("pooled", "The rate over all groups"),
            ("least", "The rate that moves people least"),
        ),
    )
    reference: str = param(
        "",
        label="Group to bring others to",
        help="Its name; stronger than the setting before. Empty for that.",
    )
    explain_only: bool = param(
        False,
        label="Explain only",
        help="Show which distributions would have to change, and make no rule.",
    )
    label_model: str = param(
        "logistic",
        label="Chance of the label",
        help="How P(Y=1) at an input is found; used for error rates.",
        choices=(
            ("logistic", "Logistic regression, cross-fitted"),
            ("boosting", "Boosted trees, cross-fitted and recalibrated"),
            ("observed", "The labels that were recorded"),
        ),
    )
    ratio: float = param(
        20.0,
        1.1,
        1000.0,
        label="Largest density ratio",
        help="No input becomes more than so many times as frequent, or as rare.",
    )
    evenness: float = param(
        0.3,
        0.05,
        1.0,
        label="Least effective share of people",
        help="A distribution that rests on fewer people is not used.",
    )
    steps: int = param(
        200, 1, 5000, label="Steps", help="Longest path of the descent.", unit="steps"
    )
    inputs: int = param(
        4000,
        50,
        12_000,
        label="Most different inputs",
        help="Of one group; beyond, drawn inputs stand for their neighbours. 12,000 take 2 GB.",
        unit="inputs",
    )
    rows: int = param(
        20_000,
        200,
        1_000_000,
        label="Most rows of a group",
        help="From larger data that many rows of each group are drawn.",
        unit="rows",
    )

    def fit(self, problem: Problem, context: Context) -> Outcome:
        _usable(problem, self.explain_only)
        if not self.close:
            raise MethodError("bad-setting", "There is no share of the gap to close.", "Enter 1.")
        kind = GOALS.get(problem.goal, "selection-rate") if self.equal == "goal" else self.equal
        context.tick(0, 1, "loading the solver")
        pot()
        context.tick(0, 1, "asking the model")
        fitted = gather(
            problem.train, problem, kind, self.rows, stream(context, "train"), own=False
        )
        checked = gather(
            problem.valid, problem, kind, self.rows, stream(context, "valid"), own=True
        )
        least = self.toward == "least" and not self.reference
        toward = "pooled" if least else self.toward
        aimed = aim(problem, kind, toward, self.reference, fitted, checked)
        space = Space.fit(problem.columns, fitted.part.x)
        build = partial(
            prepare, problem, context, space, fitted, aimed,
            kind=kind, label_model=self.label_model, inputs=self.inputs,
        )  # fmt: skip
        groups = context.map(build, aimed.moved)
        notes = [*aimed.notes]
        limits = Limits(self.ratio, self.evenness, self.steps)
        if least:
            aimed, groups, remark = least_move(groups, aimed, limits, context)
            notes += remark
        shares = tuple(sorted(set(self.close)))
        repairs = context.map(
            partial(repair, problem, context, checked, aimed, limits, shares), groups
        )
        return Outcome(
            () if self.explain_only else points(problem, space, kind, shares, repairs),
            tables(problem, fitted, aimed, repairs, self.ratio),
            (*notes, *remarks(repairs, self.inputs)),
        )


def _usable(problem: Problem, explain_only: bool) -> None:
    """Refuse what no setting can use."""
    if not problem.columns or problem.train.x.shape[1] == 0:
        raise MethodError(
            "needs-features",
            "There are no columns whose values could be moved.",
            "Give columns the role feature, or choose a remedy that uses the score alone.",
        )
    if problem.predict is None and not explain_only:
        raise MethodError(
            "needs-model",
            "The model cannot be asked about other inputs; only what it decided is known.",
            "Upload the model, let one be trained here, or choose to explain only.",
        )
