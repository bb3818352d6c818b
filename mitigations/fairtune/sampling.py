"""What is searched, and how values are drawn: by the trial's seed, whoever draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, Trial

Value = bool | int | float | str
Params = Mapping[str, Value]


@dataclass(frozen=True)
class Whole:
    """A whole number, both ends allowed."""

    low: int
    high: int


@dataclass(frozen=True)
class Real:
    """A number, both ends allowed; drawn evenly by its logarithm where `log` is set."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    options: tuple[Value, ...]


Space = Mapping[str, Whole | Real | Choice]


def suggest(trial: Trial, name: str, kind: Whole | Real | Choice) -> None:
    if isinstance(kind, Whole):
        trial.suggest_int(name, kind.low, kind.high)
    elif isinstance(kind, Real):
        trial.suggest_float(name, kind.low, kind.high, log=kind.log)
    else:
        trial.suggest_categorical(name, kind.options)


def _distribution(kind: Whole | Real | Choice) -> BaseDistribution:
    from optuna import distributions as kinds

    if isinstance(kind, Whole):
        return kinds.IntDistribution(kind.low, kind.high)
    if isinstance(kind, Real):
        return kinds.FloatDistribution(kind.low, kind.high, log=kind.log)
    return kinds.CategoricalDistribution(kind.options)


def sampler(space: Space, startup: int, seed_of: Callable[[FrozenTrial], int]) -> Any:
    """Draws that depend on the trial and on earlier results, not on the process."""
    from optuna.samplers import BaseSampler, TPESampler

    kinds = {name: _distribution(kind) for name, kind in space.items()}

    class Seeded(BaseSampler):
        def __init__(self) -> None:
            self._current: tuple[int, TPESampler] | None = None

        def _for(self, trial: FrozenTrial) -> TPESampler:
            if self._current is None or self._current[0] != trial._trial_id:
                seed = seed_of(trial)
                tpe = TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True)
                self._current = (trial._trial_id, tpe)
            return self._current[1]

        def infer_relative_search_space(self, _: Any, trial: FrozenTrial) -> Any:
            return {} if trial.system_attrs.get("fixed_params") else kinds

        def sample_relative(self, of: Any, trial: FrozenTrial, search_space: Any) -> Any:
            return self._for(trial).sample_relative(of, trial, search_space)

        def sample_independent(self, of: Any, trial: FrozenTrial, name: str, kind: Any) -> Any:
            return self._for(trial).sample_independent(of, trial, name, kind)

    return Seeded()
