"""How many networks a remedy trains and how long that takes, before anybody says yes to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

import mitigations
from auditapp import pace
from auditapp.forms import remedy_words
from mitigations.catalogue import Entry

log = logging.getLogger(__name__)

#: Part of the rows that remedies are fitted on, as the rows are split where nothing else is said.
FITTED = 0.5
#: Seconds of one training on one core where a card names none, and for what it was measured.
_TRAINING: Mapping[str, float] = MappingProxyType({"road": 0.55, "fairtune": 0.45})
#: Settings of the forms as published, and how many times as long one takes.
_PUBLISHED, _TIMES = 4, 12.0
#: Seconds of what is not training: looking at columns, measuring parts and what chance shows.
_AROUND: Mapping[str, float] = MappingProxyType({"road": 14.0, "fairtune": 5.0})
_ROAD_STEPS, _ROAD_BATCH = 600, 1024
_TUNED_ROWS, _TUNED_EPOCHS = 1200, 8


@dataclass(frozen=True)
class Cost:
    """Networks to train, and about how many seconds a remedy takes in all."""

    trainings: int
    seconds: float

    @property
    def words(self) -> str:
        """`96 trainings, about 3 minutes`."""
        spent = remedy_words.roughly(self.seconds)
        if not self.trainings:
            return spent
        noun = "training" if self.trainings == 1 else "trainings"
        return f"{self.trainings:,} {noun}, {spent}"


def cost(entry: Entry, settings: Mapping[str, Any], rows: int) -> Cost:
    """What a remedy costs with these settings."""
    card = _card(entry.slug)
    base = remedy_words.seconds(entry.slug, rows)
    if card is None:
        return Cost(0, base)
    try:
        many = int(card.trainings(settings))
        own = getattr(card, "seconds", None)
        spent = _spent(entry.slug, settings, rows, many) if own is None else own(settings, rows)
    except Exception:  # a page is not taken down by a guess
        log.exception("no estimate for the remedy %s", entry.slug)
        return Cost(0, base)
    spent = float(spent) * _slower(entry)
    return Cost(many, spent + _AROUND.get(entry.slug, 2.0))


@cache
def _card(slug: str) -> Any:
    """The module of a package that counts trainings; it loads no library that computes."""
    target = mitigations.REGISTRY.get(slug, "")
    package, _, name = target.partition(":")[0].rpartition(".")
    if name != "method":
        return None
    try:
        found = import_module(f"{package}.card")
    except ImportError:
        return None
    return found if hasattr(found, "trainings") else None


def _spent(slug: str, settings: Mapping[str, Any], rows: int, many: int) -> float:
    once = _each(slug, settings, rows)
    if not settings.get("published"):
        return many * once
    slow = min(_PUBLISHED * int(settings.get("seeds", 1)), many)
    return (many - slow + _TIMES * slow) * once


def _each(slug: str, settings: Mapping[str, Any], rows: int) -> float:
    """Seconds of one training, by what it was measured for."""
    once = _TRAINING.get(slug, 0.5)
    if "epochs" in settings:
        work = FITTED * rows * float(settings["epochs"])
        return once * max(work / (_TUNED_ROWS * _TUNED_EPOCHS), 0.1)
    steps = float(settings.get("steps", _ROAD_STEPS)) / _ROAD_STEPS
    return once * steps * float(settings.get("batch", _ROAD_BATCH)) / _ROAD_BATCH


def _slower(entry: Entry) -> float:
    """This machine beside the one of the measurements, where its steps were timed."""
    found = pace.read()
    lane = "gpu" if entry.card.lane == "gpu" and "gpu" in found else "cpu"
    return found[lane].slower if lane in found else 1.0


def measured() -> str:
    """When the steps of this machine were timed; empty where nobody did."""
    return max((item.measured for item in pace.read().values()), default="")
