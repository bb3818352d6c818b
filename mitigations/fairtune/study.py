"""A search that many processes share, any of which may be killed.

The number of trials is fixed before the first begins: each is a slot, and a slot whose process is
gone gets a new trial with the same values and the same seed. So a search ends with as many
trials as were asked for, however often it was interrupted, and its trials do not depend on who
did them.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mitigations.fairtune.alive import Heart, Watch, who_am_i
from mitigations.fairtune.sampling import Choice, Params, Real, Space, Whole, sampler, suggest
from mitigations.fairtune.storages import open_storage
from mitigations.fairtune.trials import Ask, Gone, Result, result_of, slot_of

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

Direction = Literal["maximize", "minimize"]
Tick = Callable[[int, int, str], None]

#: A slot whose process went so many times is given up: it most likely ends every process.
MOST_LOST = 2
#: A trial whose sign of life is older than this, in seconds, is taken from its holder.
PATIENCE = 30.0


@dataclass
class Study:
    """A search for the best values.

    Parameters
    ----------
    store
        See `storages.open_storage`.
    name
        One storage holds many studies.
    direction
        Whether a large value is good.
    anchors
        Trials that are done first and never cut short, by name.
    space
        What is searched.
    requested
        Trials in all, anchors included.
    seed
        Of the whole study.
    least, factor
        A trial is compared with the others after `least` epochs, then after `factor` times as
        many, and so on; each time the best one of `factor` goes on.
    prune
        Whether trials are cut short at all.
    startup
        Trials drawn blindly before the values of earlier ones are used.
    patience
        Seconds without a sign of life after which a trial counts as lost.
    create
        False for a process that only helps: it joins a study that is already there.
    """

    store: str | None
    name: str
    direction: Direction
    anchors: Mapping[str, Params]
    space: Space
    requested: int
    seed: int
    least: int = 2
    factor: int = 3
    prune: bool = True
    startup: int = 10
    patience: float = PATIENCE
    create: bool = True
    _storage: BaseStorage = field(init=False, repr=False)
    _watch: Watch = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import optuna

        if self.requested < len(self.anchors):
            raise ValueError(f"{self.requested} trials cannot hold {len(self.anchors)} anchors")
        self._storage = open_storage(self.store)
        self._watch = Watch(self.patience)
        draw = sampler(self.space, self.startup, lambda trial: self.seed_of(slot_of(trial)))
        pruner = optuna.pruners.SuccessiveHalvingPruner(
            min_resource=self.least, reduction_factor=self.factor
        )
        given = {"storage": self._storage, "sampler": draw, "pruner": pruner}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study = (
                optuna.create_study(
                    study_name=self.name, direction=self.direction, load_if_exists=True, **given
                )
                if self.create
                else optuna.load_study(study_name=self.name, **given)
            )
        self._id = self._storage.get_study_id_from_name(self.name)
        if self.create:
            self._declare()
            self._mend()

    @classmethod
    def join(cls, store: str, name: str, *, patience: float = PATIENCE) -> Study:
        """The study as another process declared it, to help with.

        Raises
        ------
        KeyError
            There is none of that name.
        """
        storage = open_storage(store)
        kept = storage.get_study_user_attrs(storage.get_study_id_from_name(name))["declared"]
        told = json.loads(kept)
        kinds = {"Whole": Whole, "Real": Real, "Choice": Choice}
        space = {
            word: kinds[kind](**{k: tuple(v) if isinstance(v, list) else v for k, v in at.items()})
            for word, (kind, at) in told.pop("space").items()
        }
        return cls(store=store, name=name, space=space, patience=patience, create=False, **told)

    @property
    def done(self) -> int:
        """Trials that are complete or were cut short."""
        return sum(r.state in ("complete", "pruned") for r in self.results())

    def results(self) -> list[Result]:
        """Every trial so far, by number."""
        trials = self._storage.get_all_trials(self._id, deepcopy=False)
        return [result_of(trial) for trial in trials]

    def best(self) -> Result | None:
        """The complete trial of the best value; the earliest among equals."""
        sign = 1.0 if self.direction == "maximize" else -1.0
        found = [r for r in self.results() if r.state == "complete" and r.value is not None]
        return max(found, key=lambda r: (sign * float(r.value or 0.0), -r.slot), default=None)

    def seed_of(self, slot: int) -> int:
        """Seed of a slot: below 2^31."""
        words = f"{self.seed}/{self.name}/{slot}".encode()
        return int.from_bytes(hashlib.blake2b(words, digest_size=4).digest(), "big") >> 1

    def run_until_done(
        self,
        objective: Callable[[Ask], float],
        tick: Tick | None = None,
        *,
        wait: bool = True,
        leave: Callable[[], bool] | None = None,
    ) -> int:
        """Do trials until as many as requested are done.

        Parameters
        ----------
        objective
            Does one trial and returns its value; one that is not a number counts as cut short.
            It calls `Ask.report` after each epoch and returns early where that says so.
        tick
            ``tick(done, total, text)`` between trials and while waiting.
        wait
            False to return as soon as no trial is left to begin: for helpers.
        leave
            Asked between trials whether to return early.

        Returns
        -------
        int
            Trials done by this process.
        """
        mine = 0
        while leave is None or not leave():
            done = self.done
            if tick is not None:
                tick(done, self.requested, "trials")
            if self.create:
                self._mend()
            ask = self._next()
            if ask is not None:
                mine += self._do(ask, objective)
            elif not wait or done >= self.requested:
                break
            elif self.done < self.requested:
                time.sleep(0.1)
        return mine

    def _do(self, ask: Ask, objective: Callable[[Ask], float]) -> bool:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with self._heart(ask):
            try:
                value = float(objective(ask))
            except Gone:
                return False
            except BaseException as error:
                self._end(ask._trial._trial_id, "failed", type(error).__name__)
                raise
        try:
            if ask.pruned or not math.isfinite(value):
                self._study.tell(ask._trial, state=TrialState.PRUNED)
            else:
                self._study.tell(ask._trial, value)
        except (UpdateFinishedTrialError, ValueError):
            if not self._storage.get_trial(ask._trial._trial_id).state.is_finished():
                raise
            return False
        return True

    def _heart(self, ask: Ask) -> AbstractContextManager[None]:
        if self.store is None:
            return nullcontext()

        def lost() -> None:
            ask.lost = True

        return Heart(self._storage, ask._trial._trial_id, self.patience / 5, lost)

    def _next(self) -> Ask | None:
        """Take the first waiting trial that nobody else took."""
        import optuna
        from optuna.trial import TrialState

        waiting = self._storage.get_all_trials(
            self._id, deepcopy=False, states=(TrialState.WAITING,)
        )
        for found in waiting:
            # What ended a helper may be too large for its machine: the coordinator does it.
            if found.user_attrs.get("again") and not self.create:
                continue
            try:
                taken = self._storage.set_trial_state_values(found._trial_id, TrialState.RUNNING)
            except optuna.exceptions.UpdateFinishedTrialError:
                continue
            if not taken:
                continue
            slot = slot_of(found)
            if self._taken(slot, found.number):
                self._end(found._trial_id, "twice")
                continue
            self._storage.set_trial_user_attr(found._trial_id, "who", who_am_i())
            trial = optuna.Trial(self._study, found._trial_id)
            for name, kind in self.space.items():
                suggest(trial, name, kind)
            return Ask(trial, slot, self.seed_of(slot), prune=self.prune)
        return None

    def _taken(self, slot: int, number: int) -> bool:
        """Whether an earlier trial of the slot stands: two processes may both have filled it."""
        from optuna.trial import TrialState

        trials = self._storage.get_all_trials(self._id, deepcopy=False)
        return any(
            slot_of(t) == slot and t.number < number and t.state != TrialState.FAIL for t in trials
        )

    def _declare(self) -> None:
        """Write down what the study is, or see that it is the same as before."""
        told = {
            "direction": self.direction,
            "anchors": {name: dict(params) for name, params in self.anchors.items()},
            "space": {n: [type(kind).__name__, asdict(kind)] for n, kind in self.space.items()},
            "requested": self.requested,
            "seed": self.seed,
            "least": self.least,
            "factor": self.factor,
            "prune": self.prune,
            "startup": self.startup,
        }
        told_text = json.dumps(told)
        kept = self._study.user_attrs.get("declared")
        if kept is None:
            self._study.set_user_attr("declared", told_text)
        elif kept != told_text:
            raise ValueError(f"the study {self.name} was begun with other settings")

    def _mend(self) -> None:
        """Fail the trials whose process is gone, and fill every slot that has no trial."""
        from optuna.trial import TrialState

        standing: set[int] = set()
        failed: dict[int, list[FrozenTrial]] = {}
        for trial in self._storage.get_all_trials(self._id, deepcopy=False):
            slot = slot_of(trial)
            if trial.state == TrialState.RUNNING and self._watch.is_gone(trial):
                lost = sum(t.user_attrs.get("end") == "lost" for t in failed.get(slot, ()))
                self._end(trial._trial_id, "lost", given_up=lost + 1 >= MOST_LOST)
                trial = self._storage.get_trial(trial._trial_id)
            if trial.state == TrialState.FAIL:
                failed.setdefault(slot, []).append(trial)
            else:
                standing.add(slot)
        anchors = list(self.anchors.items())
        for slot in range(self.requested):
            if slot in standing:
                continue
            name, params = anchors[slot] if slot < len(anchors) else (None, {})
            for trial in failed.get(slot, ()):
                params = {**params, **trial.params}
            attrs: dict[str, Any] = {"slot": slot, "anchor": name, "again": slot in failed}
            self._study.enqueue_trial(dict(params), user_attrs=attrs)

    def _end(self, key: int, why: str, error: str = "", *, given_up: bool = False) -> None:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        state = TrialState.PRUNED if given_up else TrialState.FAIL
        try:
            self._storage.set_trial_user_attr(key, "end", why)
            if error:
                self._storage.set_trial_user_attr(key, "error", error)
            self._storage.set_trial_state_values(key, state)
        except UpdateFinishedTrialError:
            pass


__all__ = ["Ask", "Choice", "Gone", "Params", "Real", "Result", "Space", "Study", "Whole"]
