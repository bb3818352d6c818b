"""Settings of FairTune; what trains networks is loaded when it runs."""

from __future__ import annotations

from dataclasses import dataclass

from mitigations.contract import Context, Method, Outcome, Problem
from mitigations.fairtune.card import CARD
from mitigations.parameters import param


@dataclass(frozen=True)
class FairTune(Method):
    """The mask of trained parts with the best lowest AUC of a group on validation rows."""

    card = CARD

    trials: int = param(
        30, 6, 500,
        label="Trials of the search",
        help="How many masks and learning rates are tried; six of them are fixed starts.",
    )  # fmt: skip
    baseline_trials: int = param(
        0, 0, 500,
        label="Trials of each baseline",
        help="Learning rates tried for each way of fine-tuning that is compared with; 0 is as "
        "many as the search.",
    )  # fmt: skip
    top: int = param(
        3, 1, 10,
        label="Configurations trained again",
        help="The best of many trials is partly lucky; so many of the best are trained again.",
    )  # fmt: skip
    again: int = param(
        2, 0, 10,
        label="Fresh seeds for each of them",
        help="The configuration with the best mean is kept.",
    )  # fmt: skip
    final: int = param(
        3, 1, 10,
        label="Final seeds",
        help="Fresh trainings of the kept configuration; their mean is what it is worth.",
    )  # fmt: skip
    epochs: int = param(
        8, 1, 500,
        label="Epochs",
        help="Passes over the training rows of every training.",
    )  # fmt: skip
    batch: int = param(
        64, 1, 8192,
        label="Rows of a step",
        help="Halved once where memory runs out.",
    )  # fmt: skip
    lr: float = param(
        1e-3, 1e-6, 1.0,
        label="Default learning rate",
        help="Of the fixed starts.",
    )  # fmt: skip
    lr_low: float = param(
        1e-4, 1e-7, 1.0,
        label="Lowest learning rate",
        help="The search draws learning rates from here, evenly by their logarithm.",
    )  # fmt: skip
    lr_high: float = param(
        1e-2, 1e-7, 1.0,
        label="Highest learning rate",
        help="Up to here.",
    )  # fmt: skip
    space: str = param(
        "structured",
        label="Masks that are searched",
        help="One first trained block for each kind of part, or one switch for every part as "
        "published.",
        choices=(("structured", "First trained block of each kind"), ("free", "Every part alone")),
    )  # fmt: skip
    biases: bool = param(
        True,
        label="Search all biases as well",
        help="A switch that trains every bias on top of the mask.",
    )
    objective: str = param(
        "auto",
        label="What is made large",
        help="The lowest AUC of a group where every group has 20 outcomes of each kind, else the "
        "smoothed largest loss of a group made small; both keep the AUC of everybody.",
        choices=(
            ("auto", "As the rows allow"),
            ("auc", "Lowest AUC of a group"),
            ("loss", "Largest loss of a group, made small"),
            ("pareto", "Lowest AUC and overall AUC, as a curve"),
        ),
    )
    scratch: bool = param(
        True,
        label="Compare with training from new weights",
        help="Whether starting from the network is worth anything.",
    )
    prune: bool = param(
        True,
        label="Stop weak trials early",
        help="After 2, 6, 18 epochs only the best third of the trials goes on.",
    )
    frozen: str = param(
        "eval",
        label="Parts that are not trained",
        help="Keep their statistics and drop nothing out, or behave as in training.",
        choices=(("eval", "Keep their statistics"), ("train", "Behave as in training")),
    )
    cut: str = param(
        "threshold",
        label="Who is favoured",
        help="People whose chance reaches the threshold of the audit, or as large a share of the "
        "validation rows as the audited system favours.",
        choices=(("threshold", "The threshold of the audit"), ("share", "As many as now")),
    )
    arch: str = param(
        "residual-mlp",
        label="Network, where one is trained here",
        help="Used where the network to start from is trained on the other population; picture "
        "sets take the last two.",
        choices=(
            ("residual-mlp", "Residual MLP"),
            ("ft-transformer", "FT-Transformer"),
            ("vit", "Vision transformer"),
            ("convnet", "Convolutional network"),
        ),
    )
    width: int = param(
        64, 4, 1024,
        label="Width of that network",
        help="Numbers in each layer; a multiple of 4.",
    )  # fmt: skip
    depth: int = param(
        3, 1, 24,
        label="Blocks of that network",
        help="Each can be trained or left alone.",
    )  # fmt: skip
    source_epochs: int = param(
        6, 1, 200,
        label="Epochs on the other population",
        help="Passes over its rows before fine-tuning.",
    )  # fmt: skip

    def fit(self, problem: Problem, context: Context) -> Outcome:
        from mitigations.fairtune.fit import fit

        return fit(self, problem, context)
