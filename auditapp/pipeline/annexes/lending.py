"""Numbers of the template: fair lending."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from auditapp.datasets.keys import key_of
from auditapp.errors import AuditError
from auditapp.pipeline.annexes import alternatives, named
from auditapp.pipeline.audited import Audited
from metrics import lending
from metrics.groups import Attribute

Json = dict[str, Any]

#: Age from which Regulation B calls an applicant elderly (12 CFR 1002.2(o)).
ELDERLY = 62.0
AGE_TITLE = "Age, cut at 62"
YOUNGER, OLDER = "Under 62", "62 and over"
_AGE = re.compile(r"(^|[^a-z])age([^a-z]|$)|aged", re.I)
#: Prohibited bases (12 CFR 1002.2(z)) and what names of columns for them look like.
BASES: Mapping[str, re.Pattern[str]] = {
    "race": re.compile(
        r"race|ethnic|colou?r|hispan|latin|black|white|afam|asian|hipac|amind", re.I
    ),
    "religion": re.compile(r"relig|faith", re.I),
    "national-origin": re.compile(r"origin|nativ|nationalit|citizen|countr|hispan|latin", re.I),
    "sex": re.compile(r"(^|[^a-z])sex([^a-z]|$)|gender|(^|[^a-z])(fe)?male|women", re.I),
    "marital-status": re.compile(r"marit|married|marriage|single|divorc|widow", re.I),
    "age": _AGE,
    "public-assistance": re.compile(r"assistance|welfare|benefit", re.I),
    "exercise-of-rights": re.compile(r"exercise|ccpa|credit_?protection", re.I),
}


def run(audited: Audited | None, document: Mapping[str, Any], settings: Mapping[str, Any]) -> Json:
    """Approvals, terms, imputed classes and alternatives.

    Returns
    -------
    dict
        ``marks`` (bands, their names, SMD), ``bases[]``, ``approvals[]``
        (`metrics.lending.approval`), ``terms[]``, ``imputed`` or None, ``alternatives`` or None,
        ``weighted``, and ``open``.
    """
    edges = named.exact(settings["priority"]), named.exact(settings["review"])
    labels = list(settings["bands"])
    if not edges[0] < edges[1]:
        raise _refuse("The first band does not end below the second one.")
    if len(labels) != len(edges) + 1:
        raise _refuse(f"There are three bands, and {len(labels)} names of them.")
    out: Json = {
        "marks": {
            "bands": [float(edge) for edge in edges],
            "labels": labels,
            "smd": float(settings["smd"]),
        },
        "bases": _bases(document["plan"], str(settings["age"])),
        "weighted": document["plan"].get("weights") is not None,
        "approvals": [],
        "imputed": None,
        "alternatives": None,
        "open": [],
    }
    if audited is None:
        return {**out, "terms": _predicted(document, settings)}
    untold, classes = _classes(audited, settings)
    floor = audited.plan.floor
    for gone, (attribute, control) in zip(untold, classes, strict=True):
        found = lending.approval(attribute, audited.decision, control, bands=edges)
        _without_bands(found, floor)
        out["approvals"].append({**found, "untold": gone})
    out["terms"] = [
        _term(audited, column, worse, source, classes, float(settings["smd"]))
        for column, worse, source in _terms(audited, settings)
    ]
    out["imputed"] = _imputed(audited, settings, edges)
    if settings["imputed"] and out["imputed"] is None:
        text = "A class is imputed, and no columns of its probabilities are named."
        out["open"].append({"code": "hard-labels", "text": text})
    out["alternatives"] = alternatives.found(document, _named_control(settings), edges)
    return out


def _refuse(message: str, hint: str = "Change the settings of the template.") -> AuditError:
    return AuditError("bad-template-setting", message, hint, where="templates")


def _named_control(settings: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in settings["control"]]


def _classes(
    audited: Audited, settings: Mapping[str, Any]
) -> tuple[list[list[Json]], list[tuple[Attribute, int | None]]]:
    """The columns of classes with the control class that is named, if one is.

    Before them the groups of each column whose people did not say which class they are in.
    """
    told = [named.told(found) for found in named.attributes(audited, settings["columns"])]
    made = [attribute for attribute, _ in told]
    untold = [gone for _, gone in told]
    age = _ages(audited, str(settings["age"]))
    if age is not None:
        made.append(age)
        untold.append([])
    names = _named_control(settings)
    used: set[str] = set()
    out = []
    for attribute in made:
        place = None
        for name in names:
            found = _control(audited, attribute, name)
            if found is None:
                continue
            if place is not None and found != place:
                both = f"“{attribute.levels[place]}” and “{attribute.levels[found]}”"
                raise _refuse(f"Two control classes are named for one column: {both}.")
            place = found
            used.add(name)
        out.append((attribute, place))
    unused = [name for name in names if name not in used]
    imputed = [_pair(audited, text)[0].casefold() for text in settings["probabilities"]]
    lost = [name for name in unused if name.casefold() not in imputed]
    if lost:
        raise _refuse(f"The control class “{lost[0]}” is in none of the columns.")
    return untold, out


def _control(audited: Audited, attribute: Attribute, name: str) -> int | None:
    """The control class in a column: its word or its code, with or without `column:`."""
    spec = next((s for s in audited.plan.attributes if s.column == attribute.name), None)
    titles = [attribute.name] if spec is None else [spec.column, spec.title]
    for title in titles:
        if name.casefold().startswith(f"{title.casefold()}:"):
            name = name[len(title) + 1 :].strip()
            break
    words = {} if spec is None else spec.words
    return named.place(attribute.levels, words.get(key_of(name), name))


def _ages(audited: Audited, column: str) -> Attribute | None:
    """Applicants aged 62 and over, and younger ones, who are the control."""
    if not column:
        specs = audited.plan.attributes
        column = next((s.column for s in specs if s.kind == "binned" and _is_age(s)), "")
    if not column:
        return None
    years = named.numbers(audited, column)
    codes = np.where(np.isfinite(years), (years >= ELDERLY).astype(np.int32), -1)
    return Attribute(AGE_TITLE, (YOUNGER, OLDER), codes.astype(np.int32), 0)


def _is_age(spec: Any) -> bool:
    return bool(_AGE.search(spec.column) or _AGE.search(spec.title))


def _without_bands(found: Json, floor: int) -> None:
    """A class with fewer people than the floor has a ratio with its interval, and no band."""
    sizes = [row["applications"] for row in found["classes"] if row["role"] == "control"]
    for row in found["classes"]:
        if row["band"] is not None and min(row["applications"], *sizes) < floor:
            row |= {"band": None, "reason": "below-floor"}


def _terms(audited: Audited, settings: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Columns of numbers with the way that is worse, and where they come from."""
    made = [(str(c), "higher", "term") for c in settings["higher_worse"]]
    made += [(str(c), "lower", "term") for c in settings["lower_worse"]]
    columns = [column for column, _, _ in made]
    twice = next((c for c in columns if columns.count(c) > 1), None)
    if twice is not None:
        raise _refuse(f"The term “{twice}” is named twice.")
    score = audited.plan.score
    if audited.score is not None:
        column = "" if score is None or score.column is None else score.column
        worse = "lower" if score is None or not column or score.favourable else "higher"
        if column not in columns:
            made.append((column, worse, "score"))
    return made


def _term(
    audited: Audited,
    column: str,
    worse: str,
    source: str,
    classes: list[tuple[Attribute, int | None]],
    mark: float,
) -> Json:
    values = named.numbers(audited, column) if column else audited.score
    assert values is not None
    made = [lending.terms(a, values, r, floor=audited.plan.floor) for a, r in classes]
    for found in made:
        _reviewed(found["classes"], worse, mark)
    return {"column": column, "worse": worse, "source": source, "attributes": made}


def _reviewed(rows: list[Json], worse: str, mark: float) -> None:
    """Which way each difference is, and whether it reaches the mark of review."""
    for row in rows:
        value = None if row["smd"] is None else row["smd"]["value"]
        row["worse"] = None if not value else (value > 0) == (worse == "higher")
        row["review"] = None if value is None else abs(value) >= mark


def _predicted(document: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Json]:
    """A predicted price or line: the differences that the report has measured already."""
    plan = document["plan"]
    wanted = [name.casefold() for name in settings["columns"]]
    gaps = [g for g in document.get("gaps") or [] if g["kind"] == "standardised"]
    tables: dict[str, list[Json]] = {}
    for gap in gaps:
        if len(gap["by"]) == 1 and gap["comparator"] != "rest":
            tables.setdefault(gap["by"][0], []).append(gap)
    titles = {a["column"]: a["title"] for a in plan["attributes"]}
    worse = str(settings["outcome_worse"])
    made = []
    for by, found in tables.items():
        if wanted and by.casefold() not in wanted and titles[by].casefold() not in wanted:
            continue
        control = found[0]["comparator"]["group"]
        rows = [
            {"group": control, "n": found[0]["n_comparator"], "mean": found[0]["rate_comparator"],
             "sd": None, "role": "control", "smd": None}
        ] + [
            {"group": g["group"], "n": g["n"], "mean": g["rate"], "sd": None, "role": "class",
             "smd": _known(g)}
            for g in found
        ]  # fmt: skip
        _reviewed(rows, worse, float(settings["smd"]))
        made.append(
            {"by": [by], "values": None, "blank": None, "mean": None, "sd": None,
             "control": control, "classes": rows}
        )  # fmt: skip
    _same_control(made, _named_control(settings))
    column = (plan.get("score") or {}).get("column") or ""
    return [{"column": column, "worse": worse, "source": "prediction", "attributes": made}]


def _known(gap: Json) -> Json:
    """A difference with its interval, or neither and the reason."""
    if gap["low"] is None:
        reason = gap["reason"] if gap["reason"] is not None else "below-floor"
        return dict.fromkeys(("value", "low", "high", "p")) | {"reason": reason}
    return {key: gap[key] for key in ("value", "low", "high", "p")} | {"reason": None}


def _same_control(made: list[Json], names: list[str]) -> None:
    """Predictions are compared with the reference group of the plan: it has to be the control."""
    controls = {next(iter(found["control"].values())).casefold() for found in made}
    lost = next((name for name in names if name.strip().casefold() not in controls), None)
    if lost is not None:
        raise _refuse(
            f"The control class “{lost}” is not the reference group of the audit.",
            "Choose it as the reference group of its column.",
        )


def _imputed(audited: Audited, settings: Mapping[str, Any], edges: Any) -> Json | None:
    pairs = [_pair(audited, text) for text in settings["probabilities"]]
    if not pairs:
        return None
    if len(pairs) < 2:
        raise _refuse("One column of class probabilities is named; a comparison needs two.")
    names = [name for name, _ in pairs]
    if len({name.casefold() for name in names}) < len(names):
        raise _refuse("A class has two columns of probabilities.")
    places = (named.place(names, wanted) for wanted in _named_control(settings))
    control = next((found for found in places if found is not None), None)
    shares = np.column_stack([named.numbers(audited, column) for _, column in pairs])
    try:
        found = lending.imputed(names, shares, audited.decision, control or 0, bands=edges)
    except ValueError as error:
        raise _refuse(
            "The class probabilities lie outside 0 to 1, or add up to more than 1 in a row.",
            "Check the columns of probabilities.",
        ) from error
    found["control_choice"] = "first" if control is None else "chosen"
    found["columns"] = [column for _, column in pairs]
    return found


def _pair(audited: Audited, text: str) -> tuple[str, str]:
    """`class: column`, where either may hold a colon."""
    bits = text.split(":")
    for cut in range(1, len(bits)):
        name, column = ":".join(bits[:cut]).strip(), ":".join(bits[cut:]).strip()
        if name and audited.table.has(column):
            return name, column
    raise _refuse(
        f"“{text[:80]}” does not name a class and a column of the table.",
        "Write class: column, such as Black: prob_black.",
    )


def _bases(plan: Mapping[str, Any], age: str) -> list[Json]:
    """The bases of Regulation B, each with the sensitive columns whose names speak of it."""
    specs = list(plan["attributes"])
    if age and all(a["column"] != age for a in specs):
        specs.append({"column": age, "title": "Age"})
    return [
        {
            "code": code,
            "columns": [
                a["column"]
                for a in specs
                if pattern.search(a["column"]) or pattern.search(a.get("title") or "")
            ],
        }
        for code, pattern in BASES.items()
    ]
