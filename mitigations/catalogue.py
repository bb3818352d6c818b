"""What every remedy says of itself before it runs, for pages and docs.

Only what a method's module loads at its top is loaded here; a module that cannot be loaded is left
out, so that one broken remedy does not take a page down with it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import mitigations
from mitigations.contract import Card, Method
from mitigations.parameters import Parameter, parameters

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A method of the registry: how it is named, its card, and what can be set."""

    slug: str
    card: Card
    parameters: tuple[Parameter, ...]


def catalogue() -> tuple[Entry, ...]:
    """Methods in the order of the registry."""
    found = (entry(slug) for slug in mitigations.REGISTRY)
    return tuple(item for item in found if item is not None)


def entry(slug: str) -> Entry | None:
    """One method; None where the registry has none of that name, or its module is broken."""
    target = mitigations.REGISTRY.get(slug)
    return None if target is None else _entry(slug, target)


@cache
def _entry(slug: str, target: str) -> Entry | None:
    module, _, name = target.partition(":")
    try:
        method: type[Method] = getattr(import_module(module), name)
        return Entry(slug, method.card, parameters(method))
    except Exception:  # whatever a module raises while it is loaded
        log.exception("the remedy %s cannot be loaded", slug)
        return None
