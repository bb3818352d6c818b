"""What local fairness says of itself, and which networks its settings ask for. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mitigations.contract import Card, MethodError

CARD = Card(
    title="Local fairness (ROAD)",
    text=(
        "Trains small networks that are pressed hardest where one part of the people is decided "
        "most unlike between groups, even where the gaps of several parts cancel in the whole. "
        "It costs accuracy, and the group is not asked for when deciding."
    ),
    source=(
        "Grari, Laugel, Hashimoto, Lamprier, Detyniecki, On the fairness ROAD: robust "
        "optimization for adversarial debiasing, ICLR 2024 (objective, equations of section 3); "
        "the weight on the worst parts is kept, the adversary replaced by an estimate of the gap"
    ),
    kind="retrain",
    needs=frozenset({"label", "features"}),
    lane="gpu",
)

#: Forms in their order, in words.
FORMS: Mapping[str, str] = MappingProxyType(
    {
        "plain": "No penalty",
        "groupdro": "Worst part first (GroupDRO)",
        "dfr": "Last layer retrained on balanced rows",
        "explicit": "Explicit ROAD",
        "newton": "Adversary",
        "kernel": "Kernel penalty",
        "bins": "Penalty on declared parts",
        "tree": "Penalty on parts found by a tree",
        "conditional": "Adversary that sees the parts",
        "road": "ROAD as published",
        "broad": "BROAD as published",
    }
)
#: Forms that are always among the points: without a penalty there is nothing to compare with.
ALWAYS = ("plain", "groupdro", "dfr")
#: Weights of the forms beside explicit ROAD, by the setting that asks for them.
RIVALS: Mapping[str, Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "none": {},
        "few": {
            "newton": (1.0, 10.0),
            "kernel": (0.1, 0.3),
            "bins": (0.3, 1.0),
            "tree": (0.1, 0.3),
            "conditional": (1.0, 3.0),
        },
        "grid": {
            "newton": (1.0, 3.0, 10.0, 30.0),
            "kernel": (0.1, 0.3, 1.0, 3.0),
            "bins": (0.1, 0.3, 1.0, 3.0),
            "tree": (0.1, 0.3, 1.0, 3.0),
            "conditional": (1.0, 3.0, 10.0),
        },
    }
)
#: Weights and temperature of the forms as published.
PUBLISHED = ((1.0, 3.0), 0.3)


@dataclass(frozen=True)
class Asked:
    """One setting: its form, weight of the penalty, and temperature where it has one."""

    form: str
    lam: float = 0.0
    tau: float | None = None

    @property
    def id(self) -> str:
        """Slug of the point."""
        parts = [self.form]
        if self.form not in ALWAYS:
            parts.append(_slug(self.lam))
        if self.tau is not None:
            parts.append(_slug(self.tau))
        return "-".join(parts)

    @property
    def label(self) -> str:
        """What the report calls it."""
        text = FORMS[self.form]
        if self.form not in ALWAYS:
            text += f", weight {self.lam:g}"
        return text if self.tau is None else f"{text}, temperature {self.tau:g}"


def _slug(value: float) -> str:
    return f"{value:g}".replace(".", "-").replace("+", "")


def asked(
    strengths: Sequence[float], temperatures: Sequence[float], rivals: str, published: bool
) -> tuple[Asked, ...]:
    """Every setting to train, without those that are the same."""
    out = [Asked(form) for form in ALWAYS]
    lams = sorted({float(v) for v in strengths if v > 0.0})
    out += [Asked("explicit", lam, tau) for lam in lams for tau in sorted(set(temperatures))]
    for form, values in RIVALS[rivals].items():
        out += [Asked(form, lam) for lam in values]
    if published:
        out += [Asked(form, lam, PUBLISHED[1]) for form in ("road", "broad")
                for lam in PUBLISHED[0]]  # fmt: skip
    return tuple(dict.fromkeys(out))


def trainings(settings: Mapping[str, Any]) -> int:
    """How many networks these settings train; settings that are not given are the defaults.

    Raises
    ------
    MethodError
        A setting cannot be read.
    """
    from mitigations.parameters import build
    from mitigations.road.method import Road

    return build_count(build(Road, settings))


def build_count(method: Any) -> int:
    """Networks of a method with its settings."""
    wanted = asked(method.strengths, method.temperatures, method.rivals, method.published)
    return len(wanted) * int(method.seeds)


def names(text: str) -> tuple[str, ...]:
    """Column names of a setting, separated by commas or semicolons."""
    found = [part.strip() for part in text.replace(";", ",").split(",")]
    return tuple(dict.fromkeys(name for name in found if name))


def among(wanted: Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    """The names, checked.

    Raises
    ------
    MethodError
        ``unknown-column``.
    """
    stray = [name for name in wanted if name not in known]
    if stray:
        shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
        raise MethodError(
            "unknown-column",
            f"{what} name “{stray[0][:60]}”, which is no column that a remedy is given.",
            f"Choose among {shown}." if known else "Leave the setting empty.",
        )
    return tuple(wanted)
