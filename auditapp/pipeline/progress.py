"""What the progress page shows: the steps, how long each took, and the first numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol


class Tick(Protocol):
    """Called often; whoever runs the pipeline stores it, and may stop the run instead."""

    def __call__(self, done: int, total: int, text: str, **extra: Any) -> None: ...


#: slug, title, share of the expected time in percent
STEPS = (
    ("read", "Read the table", 5),
    ("decide", "Score everyone", 20),
    ("count", "Count once", 5),
    ("measure", "Intervals and verdicts", 5),
    ("diagnose", "Look deeper", 20),
    ("remedies", "Try remedies", 25),
    ("report", "Write the report", 20),
)


class Progress:
    """Keeps the list of steps and passes every change on through `tick`."""

    def __init__(self, tick: Tick | None, without: frozenset[str] = frozenset()) -> None:
        self._tick = tick
        kept = [step for step in STEPS if step[0] not in without]
        whole = sum(weight for _, _, weight in kept)
        self._weights = [100.0 * weight / whole for _, _, weight in kept]
        self._preview: dict[str, Any] | None = None
        self.seconds: dict[str, float] = {}
        self.steps: list[dict[str, Any]] = [
            {"slug": slug, "title": title, "detail": "", "state": "waiting", "seconds": None}
            for slug, title, _ in kept
        ]

    @contextmanager
    def step(self, slug: str, detail: str = "") -> Iterator[Mapping[str, Any]]:
        """Mark a step as running inside the block and as done after it."""
        index = next(i for i, item in enumerate(self.steps) if item["slug"] == slug)
        item = self.steps[index]
        item.update(state="running", detail=detail)
        started = time.perf_counter()
        self._send(index, 0.0)
        yield item
        spent = time.perf_counter() - started
        item.update(state="done", seconds=round(spent, 3))
        self.seconds[slug] = spent
        self._send(index, 1.0)

    def within(self, slug: str, share: float, detail: str | None = None) -> None:
        """Report how far the running step is, 0 to 1."""
        index = next(i for i, item in enumerate(self.steps) if item["slug"] == slug)
        if detail is not None:
            self.steps[index]["detail"] = detail
        self._send(index, share)

    def preview(self, preview: dict[str, Any]) -> None:
        """First numbers, counted but not final."""
        self._preview = preview

    def _send(self, index: int, share: float) -> None:
        if self._tick is None:
            return
        before = sum(self._weights[:index])
        percent = int(before + self._weights[index] * min(max(share, 0.0), 1.0) + 1e-9)
        step = self.steps[index]
        text = f"{step['title']}: {step['detail']}" if step["detail"] else str(step["title"])
        self._tick(
            percent,
            100,
            text,
            percent=percent,
            steps=[dict(item) for item in self.steps],
            preview=self._preview,
        )
