"""What the command line said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditapp.plan import Split


@dataclass(frozen=True)
class Options:
    """What the command line said; None where it said nothing."""

    data: Path
    out: Path
    pdf: Path | None = None
    language: str = "en"
    sign: Path | None = None
    images: Path | None = None
    join: Path | None = None
    on: tuple[str, str] | None = None
    references: Path | None = None
    previous: Path | None = None
    keep: Path | None = None
    model: Path | None = None
    model_output: str | None = None
    positive_class: str | None = None
    prediction: str | None = None
    score: str | None = None
    train: str | None = None
    outcome: str = "binary"
    classes: Sequence[str] = ()
    query: str | None = None
    label: str | None = None
    gold: str | None = None
    favourable: Sequence[str] | None = None
    favourable_decision: Sequence[str] | None = None
    score_is: str = "favourable"
    score_range: tuple[float, float] | None = None
    sensitive: Sequence[str] = ()
    site: str | None = None
    target: str | None = None
    control: str | None = None
    bins: Mapping[str, Sequence[float]] = field(default_factory=dict)
    compare_to: Mapping[str, str] = field(default_factory=dict)
    features: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    split: Split = field(default_factory=Split)
    unit: str | None = None
    skip: Sequence[str] = ()
    method: Sequence[tuple[str, Mapping[str, Any]]] = ()
    protect: str | None = None
    immutable: Sequence[str] = ()
    cost: Sequence[float] | None = None
    weight: str | None = None
    replicate_weights: str | None = None
    replicate_method: str = "sdr"
    source: tuple[str, Sequence[str]] | None = None
    checkpoint: Path | None = None
    template: Sequence[tuple[str, Mapping[str, Any]]] = ()
    rules: Path | None = None
    device: str = "auto"
    policy: Mapping[str, Any] = field(default_factory=dict)
    read: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    more: Sequence[Path] = ()
    task: str | None = None
    task_settings: Mapping[str, Any] = field(default_factory=dict)
