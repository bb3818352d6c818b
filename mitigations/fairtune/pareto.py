"""Two objectives at once: a curve of the overall AUC and that of the worst group.

References
----------
Deb, Pratap, Agarwal, Meyarivan, A fast and elitist multiobjective genetic algorithm: NSGA-II,
IEEE Transactions on Evolutionary Computation 6, 2002.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from mitigations.fairtune.card import CURVE
from mitigations.fairtune.sampling import Params, Space, suggest
from mitigations.fairtune.search import Config
from mitigations.fairtune.study import Ask, Result

#: Trials of one generation: few trials make several generations.
POPULATION = 10
#: What a failed trial is told as: worse than anything.
WORST = -1e9


class _Ask:
    """A trial of this process: what `study.Ask` is to an objective."""

    def __init__(self, slot: int, anchor: str | None, params: Params, seed: int) -> None:
        self.number = self.slot = slot
        self.anchor, self.params, self.seed = anchor, params, seed
        self.history: dict[int, float] = {}
        self.notes: dict[str, Any] = {}

    def report(self, epoch: int, value: float) -> bool:
        """Never cut short: there is no order between two objectives to cut by."""
        self.history[epoch] = value
        return False

    def note(self, **facts: Any) -> None:
        """Keep facts beside the trial."""
        self.notes |= facts


def run(
    objective: Callable[[Ask], float], space: Space, anchors: Mapping[str, Params], *,
    requested: int, seed: int, seed_of: Callable[[int], int], tick: Callable[[int], None],
) -> list[Result]:  # fmt: skip
    """Trials by NSGA-II, anchors first; one process, the same seed gives the same trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
        study = optuna.create_study(directions=["maximize", "maximize"], sampler=sampler)
    for params in anchors.values():
        study.enqueue_trial(dict(params))
    names, out = list(anchors), []
    for slot in range(requested):
        tick(slot)
        trial = study.ask()
        for name, kind in space.items():
            suggest(trial, name, kind)
        anchor = names[slot] if slot < len(names) else None
        ask = _Ask(slot, anchor, dict(trial.params), seed_of(slot))
        value = float(objective(cast(Ask, ask)))
        good = math.isfinite(value)
        overall = ask.notes.get("overall")
        study.tell(trial, [value if good else WORST, WORST if overall is None else overall])
        out.append(
            Result(slot, slot, anchor, ask.params, "complete" if good else "pruned",
                   value if good else None, ask.history,
                   float(ask.notes.get("seconds", 0.0)), ask.notes)
        )  # fmt: skip
    return out


def front(trials: Sequence[Result]) -> list[Config]:
    """Configurations that no other beats in both, the best overall AUC first."""
    good = [
        r for r in trials
        if r.state == "complete" and r.value is not None and r.notes.get("overall") is not None
    ]  # fmt: skip
    pairs = [(float(r.notes["overall"]), float(r.value or 0.0)) for r in good]
    out: dict[tuple[frozenset[str], str], Config] = {}
    for r, (overall, value) in sorted(zip(good, pairs, strict=True), key=lambda p: -p[1][0]):
        if any(a >= overall and b >= value and (a, b) != (overall, value) for a, b in pairs):
            continue
        mask, lr = frozenset(r.notes["mask"]), float(r.notes["lr"])
        config = Config(mask, lr, str(r.notes["words"]), r.slot, (value,))
        out.setdefault((mask, f"{lr:.3g}"), config)
    found = list(out.values())
    if len(found) <= CURVE:
        return found
    places = sorted({round(i * (len(found) - 1) / (CURVE - 1)) for i in range(CURVE)})
    return [found[i] for i in places]
