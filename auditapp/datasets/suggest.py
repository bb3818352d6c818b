"""Fill in a new audit's draft from a profile. Pure and light: the web process calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.datasets import further
from auditapp.datasets.codebooks import is_zero_one
from auditapp.datasets.roles import WHY_WIDE, slug, tokens, topic

AGE_CUTS = (25, 35, 45, 55, 65)
MAX_ATTRIBUTES = 4
MAX_LEVELS = 200

_ORDER = ("race", "sex", "age")
_GOOD = ("1", "true", "yes", "y", "approved", "accepted", "hired", "promoted", "admitted")
_GOOD_MORE = ("selected", "granted", "repaid", "passed", "high", "good", "positive")
_BAD_OUTCOMES = frozenset(
    {"deny", "denied", "default", "defaulted", "reject", "rejected", "recid", "recidivism"}
    | {"priced", "readmitted", "fraud", "churn", "arrest", "risk", "violation", "reoffend"}
)
_GROUPS_OF_ONE = {
    **{word: word.capitalize() for word in ("male", "female", "black", "white", "asian")},
    **{word: word.capitalize() for word in ("hispanic", "married", "immigrant", "veteran")},
    **{word: word.capitalize() for word in ("pregnant", "disabled")},
    "hispan": "Hispanic",
    "afam": "African American",
    "amind": "American Indian",
    "hipac": "Pacific Islander",
}
_INCOME_OUTCOME = "A prediction of income above $50,000"

Column = Mapping[str, Any]


def plan_defaults(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return the draft of a new audit: roles and what follows from them.

    Parameters
    ----------
    profile
        A profile document.

    Returns
    -------
    dict
        ``roles, label, decision, score, site, gold, references, attributes, features, unit,
        model, policy, about`` as in the draft; a part is None when no column suggests itself.
        A site stays a feature where it was one.
    """
    columns: Sequence[Column] = profile["columns"]
    attributes = _attributes(columns)
    chosen = {spec["column"] for spec in attributes}
    roles = {
        column["name"]: column["guess"]
        if column["guess"] != "sensitive" or column["name"] in chosen
        else "unused"
        for column in columns
    }
    further.one_of_each(columns, roles)
    label = _outcome(columns, roles, "label")
    decision = _outcome(columns, roles, "decision")
    if decision is not None and label is not None:
        _same_side(columns, label, decision)
    score = _score(columns, roles)
    others = _others(columns, roles, decision if decision is not None else label)
    gold = _gold(columns, roles, label)
    given = decision is not None or score is not None
    return {
        "roles": roles,
        "label": label,
        "decision": decision,
        "score": score,
        "site": _site(columns, roles),
        "gold": gold,
        "references": others,
        "attributes": attributes,
        "features": [name for name, role in roles.items() if role == "feature"],
        "unit": _unit(columns, profile["rows"]),
        "model": _model(profile, given=given),
        "policy": {
            "goal": "selection-rate",
            "tolerance": 0.05,
            "floor": 30,
            "intersections": 2,
            "threshold": 0.5,
            "draws": 1000,
            "seed": 0,
        },
        "about": {"title": _title(profile), "outcome": _outcome_words(columns, label)},
    }


def _model(profile: Mapping[str, Any], *, given: bool) -> dict[str, Any]:
    """Where decisions come from: columns that hold them; nothing trained here sees pictures."""
    if given or profile.get("images"):
        return {"kind": "columns" if given else "upload", "estimator": None}
    return {"kind": "train", "estimator": "logistic"}


def attribute_spec(column: Column) -> dict[str, Any]:
    """Return a column as a sensitive attribute: its title, bins or words."""
    cuts = age_cuts(column)
    return {
        "column": column["name"],
        "title": column["title"] or plain_title(str(column["name"])),
        "kind": "binned" if cuts else "categorical",
        "cuts": cuts,
        "words": column["words"] or _words_of_one(column),
        "reference": None,
    }


def site_spec(column: Column) -> dict[str, Any]:
    """Return a column as a site: codes of sites are groups, not numbers to be cut."""
    spec = attribute_spec(column)
    if column["type"] == "integer" and column["top"]:
        spec |= {"kind": "categorical", "cuts": []}
    return spec


def values_like(column: Column, favourable: Sequence[str]) -> list[str]:
    """Return the favourable values of another column as far as this one has them."""
    have = {str(item["value"]) for item in column["top"]}
    same = [value for value in favourable if value in have]
    return same if same and len(same) < len(have) else favourable_values(column)


def age_cuts(column: Column) -> list[float]:
    """Return cut points for a numeric column, or none when its values are groups themselves."""
    if column["type"] not in {"integer", "number"} or column["min"] is None:
        return []
    if column["kind"] not in {"numeric", "categorical"} or column["words"]:
        return []
    low, high = column["min"], column["max"]
    by_age = [cut for cut in AGE_CUTS if low < cut <= high]
    if _about_age(column) and len(by_age) >= 2:
        return [float(cut) for cut in by_age]
    if column["kind"] == "categorical":
        return []
    step = (high - low) / 4
    cuts = [low + step * i for i in (1, 2, 3)]
    if column["type"] == "integer" and step >= 1:
        cuts = [float(round(cut)) for cut in cuts]
    return sorted({float(f"{cut:.4g}") for cut in cuts})


def favourable_values(column: Column) -> list[str]:
    """Return the value that probably is the favourable one, or none when nothing says so."""
    keys = [str(item["value"]) for item in column["top"]]
    folded = {key.casefold(): key for key in keys}
    bad = bool(set(tokens(str(column["name"]))) & _BAD_OUTCOMES)
    if bad and len(keys) <= 2:
        for other in ("0", "false", "no", "n", "-1"):
            if other in folded:
                return [folded[other]]
    for good in (*_GOOD, *_GOOD_MORE):
        if good in folded and not bad:
            return [folded[good]]
    above = [key for key in keys if key.startswith(">")]
    if len(above) == 1 and not bad:
        return above
    return ["1"] if is_zero_one(column) and keys and not bad else []


def score_spec(column: Column) -> dict[str, Any]:
    """Return a column as a score: its direction and range."""
    low, high = column["min"], column["max"]
    inside = low is None or (low >= 0 and high <= 1)
    bad = bool(set(tokens(str(column["name"]))) & _BAD_OUTCOMES)
    return {
        "column": column["name"],
        "favourable": not bad,
        "low": 0.0 if inside else float(low),
        "high": 1.0 if inside else float(high),
    }


def may_be_feature(column: Column) -> bool:
    """Whether a model trained here may use a column that nobody gave a role.

    Identifiers, row numbers, weights, free text, outcomes and sensitive columns are not used.
    """
    if column["kind"] not in {"binary", "categorical", "numeric"}:
        return False
    return bool(column["guess"] == "feature" or column["why"] == WHY_WIDE)


def plain_title(name: str) -> str:
    """Return ``Age cat`` for ``age_cat``; names with capitals or digits stay as they are."""
    if name.islower() and name.replace("_", "").isalpha():
        return name.replace("_", " ").capitalize()
    return name


def _attributes(columns: Sequence[Column]) -> list[dict[str, Any]]:
    groupable = [
        column
        for column in columns
        if column["guess"] == "sensitive" and (_groups(column) or age_cuts(column))
    ]
    ranked = sorted(groupable, key=_rank)
    return [attribute_spec(column) for column in ranked[:MAX_ATTRIBUTES]]


def _groups(column: Column) -> bool:
    return column["kind"] in {"binary", "categorical"} and column["distinct"] <= MAX_LEVELS


def _rank(column: Column) -> int:
    about = topic(column)
    return _ORDER.index(about) if about in _ORDER else len(_ORDER)


def _about_age(column: Column) -> bool:
    return topic(column) == "age" or str(column["name"]).upper() == "AGEP"


def _words_of_one(column: Column) -> dict[str, str]:
    """Return words for a yes/no column that names one group: Married, Not married."""
    word = _GROUPS_OF_ONE.get(slug(str(column["name"])))
    keys = {str(item["value"]) for item in column["top"]}
    pairs = {"1": "0", "true": "false", "yes": "no", "Yes": "No"}
    for yes, no in pairs.items():
        if word is not None and keys == {yes, no}:
            return {yes: word, no: f"Not {word}"}
    return {}


def _outcome(
    columns: Sequence[Column], roles: Mapping[str, str], role: str
) -> dict[str, Any] | None:
    for column in columns:
        if roles[column["name"]] == role:
            return {"column": column["name"], "favourable": favourable_values(column)}
    return None


def _same_side(columns: Sequence[Column], label: dict[str, Any], decision: dict[str, Any]) -> None:
    """Where a decision predicts a label in the same coding, the same value is favourable."""
    top = {column["name"]: column["top"] for column in columns}
    values = {str(item["value"]) for item in top[decision["column"]]}
    if label["favourable"] and (set(label["favourable"]) <= values or values <= {"0", "1"}):
        decision["favourable"] = list(label["favourable"])


def _site(columns: Sequence[Column], roles: Mapping[str, str]) -> dict[str, Any] | None:
    name = further.site(columns, roles)
    return next((site_spec(column) for column in columns if column["name"] == name), None)


def _gold(
    columns: Sequence[Column], roles: dict[str, str], label: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """The gold label; a model must not see it, so it is no feature."""
    name = further.gold(columns, roles)
    if name is None or label is None:
        return None
    roles[name] = "gold"
    column = next(column for column in columns if column["name"] == name)
    return {"column": name, "favourable": values_like(column, label["favourable"])}


def _others(
    columns: Sequence[Column], roles: dict[str, str], like: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Decisions of somebody else with the values of the first; they are no features either."""
    found = further.references(columns, roles)
    if not found:
        return None
    roles.update(dict.fromkeys(found, "reference"))
    first = next(column for column in columns if column["name"] == found[0])
    favourable = [] if like is None else like["favourable"]
    return {"columns": found, "favourable": values_like(first, favourable)}


def _score(columns: Sequence[Column], roles: Mapping[str, str]) -> dict[str, Any] | None:
    found = (column for column in columns if roles[column["name"]] == "score")
    return next((score_spec(column) for column in found), None)


def _unit(columns: Sequence[Column], rows: int) -> str | None:
    for column in columns:
        shared = column["distinct"] < rows - column["missing"] and column["kind"] != "identifier"
        if column["guess"] == "identifier" and shared:
            return str(column["name"])
    return None


def _title(profile: Mapping[str, Any]) -> str:
    recognised = profile.get("recognised")
    if recognised:
        return str(recognised["title"])
    stem = str(profile["name"]).split(".")[0].replace("_", " ").replace("-", " ").strip()
    return stem[:1].upper() + stem[1:]


def _outcome_words(columns: Sequence[Column], label: Mapping[str, Any] | None) -> str:
    for column in columns:
        if label is not None and column["name"] == label["column"]:
            if column["title"] == "Income above $50,000":
                return _INCOME_OUTCOME
            return ""
    return ""
