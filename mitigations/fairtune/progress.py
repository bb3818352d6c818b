"""How far a search is, and about how long the rest takes."""

from __future__ import annotations

import time

from mitigations.contract import Context

#: Seconds between two words on progress; also how soon a wish to stop is heard.
PATIENCE = 0.1
#: Trainings after which their own time says more than the steps timed before.
ENOUGH = 5


class Progress:
    """Counts trainings over all arms.

    Parameters
    ----------
    total
        Trainings in all, at most.
    each
        Seconds of one, from timed steps.
    """

    def __init__(self, context: Context, total: int, each: float) -> None:
        self._context, self._total, self._each = context, total, each
        self._before = self._inside = 0
        self._began = time.monotonic()
        self._last = 0.0

    def __call__(self, label: str, inside: int | None = None) -> None:
        """Say what is being trained; `inside` counts the trainings of the study at hand."""
        if inside is not None:
            self._inside = inside
        now = time.monotonic()
        if now - self._last < PATIENCE and inside is None:
            return
        self._last = now
        done = min(self._before + self._inside, self._total - 1)
        text = f"{label}, training {done + 1} of {self._total}"
        self._context.tick(done, self._total, f"{text}, {self._left(done, now)}")

    def finished(self, trainings: int) -> None:
        """A study is over."""
        self._before += trainings
        self._inside = 0

    def skip(self, trainings: int) -> None:
        """Trainings that will not be done."""
        self._total = max(self._total - trainings, 1)

    def _left(self, done: int, now: float) -> str:
        each = (now - self._began) / done if done >= ENOUGH else self._each
        seconds = each * (self._total - done)
        if seconds < 90:
            return f"about {max(round(seconds), 1)} s left"
        return f"about {round(seconds / 60)} min left"
