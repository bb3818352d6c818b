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
    ("decide", "Score everyone", 35),
    ("count", "Count once", 5),
    ("measure", "Intervals and verdicts", 10),
    ("diagnose", "Look deeper", 20),
    ("report", "Write the report", 25),
)


class Progress:
    """Keeps the list of steps and passes every change on through `tick`."""

    def __init__(self, tick: Tick | None) -> None:
        self._tick = tick
        self._preview: dict[str, Any] | None = None
        self.seconds: dict[str, float] = {}
        self.steps: list[dict[str, Any]] = [
            {"slug": slug, "title": title, "detail": "", "state": "waiting", "seconds": None}
            for slug, title, _ in STEPS
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
        before = sum(weight for _, _, weight in STEPS[:index])
        percent = int(before + STEPS[index][2] * min(max(share, 0.0), 1.0))
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
