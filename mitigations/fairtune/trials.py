"""One trial of a search: to be done, and as it is read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mitigations.fairtune.sampling import Params

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

State = Literal["waiting", "running", "complete", "pruned", "failed"]
_NOTE = "note:"


@dataclass(frozen=True)
class Result:
    """One trial as the storage knows it.

    Parameters
    ----------
    number
        Counts every trial, those that were lost included.
    slot
        Counts the trials that were asked for, from 0; anchors come first.
    value
        What the objective returned; of a pruned trial its last report, None where there is none.
    history
        Reports by epoch.
    notes
        What the objective noted (`Ask.note`).
    """

    number: int
    slot: int
    anchor: str | None
    params: Params
    state: State
    value: float | None
    history: Mapping[int, float]
    seconds: float
    notes: Mapping[str, Any]


class Gone(Exception):
    """Another process took this trial over: what it was about to say does not count."""


class Ask:
    """One trial to be done.

    Parameters
    ----------
    number, slot, anchor, params
        As in `Result`.
    seed
        A function of the study and the slot: a trial that is done again is done alike.
    """

    def __init__(self, trial: Trial, slot: int, seed: int, *, prune: bool) -> None:
        self.number = trial.number
        self.slot = slot
        self.anchor: str | None = trial.user_attrs.get("anchor")
        self.params: Params = dict(trial.params)
        self.seed = seed
        self.pruned = False
        self.lost = False
        self._prune = prune
        self._trial = trial

    def report(self, epoch: int, value: float) -> bool:
        """Say how it stands after so many epochs, counted from 1; True where it should stop.

        Raises
        ------
        Gone
            The trial was taken for lost and is done elsewhere.
        """
        from optuna.exceptions import UpdateFinishedTrialError

        if self.lost:
            raise Gone
        try:
            self._trial.report(value, epoch)
            stop = self._prune and self._trial.should_prune()
        except UpdateFinishedTrialError as error:
            raise Gone from error
        self.pruned = bool(stop) and self.anchor is None
        return self.pruned

    def note(self, **facts: Any) -> None:
        """Keep facts beside the trial: plain JSON values."""
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            for name, value in facts.items():
                self._trial.set_user_attr(f"{_NOTE}{name}", value)
        except UpdateFinishedTrialError as error:
            raise Gone from error


def slot_of(trial: FrozenTrial) -> int:
    return int(trial.user_attrs["slot"])


def result_of(trial: FrozenTrial) -> Result:
    from optuna.trial import TrialState

    states: dict[TrialState, State] = {
        TrialState.WAITING: "waiting",
        TrialState.RUNNING: "running",
        TrialState.COMPLETE: "complete",
        TrialState.PRUNED: "pruned",
        TrialState.FAIL: "failed",
    }
    lasted = None if trial.datetime_start is None else trial.duration
    return Result(
        number=trial.number,
        slot=slot_of(trial),
        anchor=trial.user_attrs.get("anchor"),
        params=dict(trial.params),
        state=states[trial.state],
        value=trial.value if trial.state.is_finished() else None,
        history=dict(trial.intermediate_values),
        seconds=0.0 if lasted is None else lasted.total_seconds(),
        notes={
            name.removeprefix(_NOTE): value
            for name, value in trial.user_attrs.items()
            if name.startswith(_NOTE)
        },
    )
