"""What an alert says: one line for lists and mails, and the lines below it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from auditapp.models import AlertKind
from auditapp.reports.captions import clip
from auditapp.reports.metric_words import title as metric_title
from auditapp.reports.numbers import count, limit, percent, points

Json = dict[str, Any]
LONGEST = 60
EVERYBODY = "everybody"
WHAT = {"label-rate": "share of favourable labels", "selection-rate": "selection rate"}


def title(kind: str, detail: Mapping[str, Any]) -> str:
    """The line of an alert."""
    words = _TITLES[kind](detail)
    return words[0].upper() + words[1:]


def lines(kind: str, detail: Mapping[str, Any]) -> list[str]:
    """What else there is to know, for the page of an alert and its mail."""
    if kind in {AlertKind.CHANGE, AlertKind.TOLERANCE}:
        out = [_stream(item) for item in detail["streams"]]
        return [*out, f"The earliest of these changes began in run {detail['baseline']}."]
    if kind == AlertKind.DRIFT:
        return [_drifted(item) for item in detail["tests"]]
    if kind == AlertKind.VANISHED:
        return [_gone(item) for item in detail["groups"]]
    error = detail.get("error") or {}
    return [text for text in (error.get("hint"), error.get("found")) if text]


def group_name(group: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """`Women (Sex)`, or `everybody`."""
    for name, word in group.items():
        heading = titles.get(name, name)
        return f"{clip(str(word), LONGEST)} ({clip(heading, LONGEST)})"
    return EVERYBODY


def _change(detail: Mapping[str, Any]) -> str:
    streams = detail["streams"]
    rest = len(streams) - 1
    more = f", and {count(rest)} more changed" if rest else ""
    return f"{_moved(streams[0])}{more}"


def _tolerance(detail: Mapping[str, Any]) -> str:
    crossed = next(item for item in detail["streams"] if item["crossed"])
    rest = len(detail["streams"]) - 1
    more = f"; {count(rest)} more changed" if rest else ""
    return f"{_moved(crossed)}, beyond the limit of {limit(detail['tolerance'])} points{more}"


def _moved(item: Mapping[str, Any]) -> str:
    name = metric_title(item["metric"]).lower()
    before, after = item["before"], item["after"]
    if item["label"] == EVERYBODY:
        return f"{name} of everybody went from {percent(before, 1)} to {percent(after, 1)}"
    return (
        f"the gap of {item['label']} to all others in {name} went from {points(before)} to"
        f" {points(after)} points"
    )


def _stream(item: Mapping[str, Any]) -> str:
    text = _moved(item)
    span = f"{points(item['low'])} to {points(item['high'])} points"
    return (
        f"{text[0].upper()}{text[1:]} from run {item['since']} on. Change"
        f" {points(item['change'])} points, with certainty of 96% for the whole year {span}."
    )


def _drift(detail: Mapping[str, Any]) -> str:
    names = [item["label"] for item in detail["tests"]]
    more = f" and {count(len(names) - 1)} more" if len(names) > 1 else ""
    return f"the people in the data differ from before: {names[0]}{more}"


def _drifted(item: Mapping[str, Any]) -> str:
    if item["moved"] is None:
        text = f"{percent(item['before'], 1)} before, {percent(item['after'], 1)} now"
    else:
        text = f"{percent(item['moved'], 1)} of people would have to change groups to undo it"
    label = item["label"]
    return f"{label[0].upper()}{label[1:]}: {text}."


def _vanished(detail: Mapping[str, Any]) -> str:
    first, rest = detail["groups"][0], len(detail["groups"]) - 1
    more = f", and of {count(rest)} more groups" if rest > 1 else ", and of one more group"
    return f"nobody of {first['label']} is in run {detail['run']}{more if rest else ''}"


def _gone(item: Mapping[str, Any]) -> str:
    return (
        f"{item['label']}: none in this run; about {count(item['expected'])} were to be expected"
        f" from {count(item['before'])} in earlier runs."
    )


def _rewritten(detail: Mapping[str, Any]) -> str:
    return (
        f"rows of earlier versions changed or are gone, so run {detail['run']} is not compared"
        " with earlier ones"
    )


def _no_run(detail: Mapping[str, Any]) -> str:
    return f"run {detail['run']} came to no audit. {detail['error'].get('message', '')}".strip()


def _late(detail: Mapping[str, Any]) -> str:
    due = datetime.fromisoformat(detail["first_due"])
    missed = detail["missed"]
    times = "one time" if missed == 1 else f"{count(missed)} times"
    more = f"; {times} before run {detail['run']} passed without one" if missed else ""
    return f"nothing ran at {due:%Y-%m-%d %H:%M} UTC, no worker was there{more}"


_TITLES = {
    AlertKind.CHANGE: _change,
    AlertKind.TOLERANCE: _tolerance,
    AlertKind.DRIFT: _drift,
    AlertKind.VANISHED: _vanished,
    AlertKind.REWRITTEN: _rewritten,
    AlertKind.SOURCE: _no_run,
    AlertKind.COLUMN: _no_run,
    AlertKind.FAILED: _no_run,
    AlertKind.LATE: _late,
}
