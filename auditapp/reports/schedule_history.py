"""C11 for a schedule: the gaps that matter most, over its runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from auditapp.reports.metric_words import title as metric_title
from auditapp.reports.numbers import points

Json = dict[str, Any]
ANCHOR = "schedule-history"
MOST = 8


def history_view(history: Mapping[str, Any] | None) -> Json | None:
    """What the page of a schedule shows of its history: words, a table and the chart.

    Of all gaps those of one metric and one group column are shown: the one whose gap was told
    about, else the one with the largest gap now. None where fewer than two runs are known.
    """
    if not history or len(history["runs"]) < 2:
        return None
    streams = [s for s in history["streams"] if s["by"] and _known(s)]
    if not streams:
        return None
    top = max(streams, key=lambda s: (_changes(s), abs(_last(s)["value"])))
    drawn = [s for s in streams if s["by"] == top["by"] and s["metric"] == top["metric"]]
    if len(_groups(drawn)) == 2 and len(drawn) == 2:
        # Of two groups one gap is the other with its sign turned.
        drawn = [top]
    drawn.sort(key=lambda s: (-_changes(s), -abs(_last(s)["value"])))
    heading = (history.get("titles") or {}).get(top["by"][0], top["by"][0])
    metric = metric_title(top["metric"])
    runs = [{"label": label} for label in _labels(history["runs"])]
    series = [{"label": _name(s), "points": s["points"]} for s in drawn]
    tolerance = float(history.get("tolerance") or 0.0)
    return {
        "anchor": ANCHOR,
        "title": f"{metric}: gaps by {heading[:60]}",
        "subtitle": "Difference of each group to everybody else in points, with its own 95%"
        f" interval, at each run. Band: the limit of {tolerance * 100:g} points."
        + (" A triangle marks where a change that was told began." if _changes(top) else ""),
        "alt": "; ".join(f"{_name(s)} {points(_last(s)['value'])} points" for s in drawn[:MOST]),
        "names": [_name(s) for s in drawn[:MOST]],
        "lines": [
            {"label": run["label"], "cells": [s["points"][at] for s in drawn[:MOST]]}
            for at, run in reversed(list(enumerate(runs)))
        ],
        "chart": {"kind": "history", "tolerance": tolerance, "runs": runs, "series": series},
    }


def _known(stream: Mapping[str, Any]) -> bool:
    return any(point is not None for point in stream["points"])


def _last(stream: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(p for p in reversed(stream["points"]) if p is not None)
    return found


def _changes(stream: Mapping[str, Any]) -> bool:
    return any(point is not None and point.get("changed") for point in stream["points"])


def _groups(streams: list[Mapping[str, Any]]) -> set[str]:
    return {_name(stream) for stream in streams}


def _name(stream: Mapping[str, Any]) -> str:
    return str(next(iter(stream["group"].values())))


def _labels(runs: list[Mapping[str, Any]]) -> list[str]:
    """The day of each run where days differ, else its number."""
    moments = [datetime.fromisoformat(run["date"]) for run in runs]
    days = [f"{at.day} {at:%b %Y}" for at in moments]
    return days if len(set(days)) == len(days) else [f"Run {run['number']}" for run in runs]
