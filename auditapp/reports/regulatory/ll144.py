"""Annex: New York City Local Law 144, in the tables and columns of the rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from auditapp.regulatory.ll144 import KINDS, last_day
from auditapp.reports.blocks import Block, Bullets, Fact, FactList, Prose, Section, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, given, plural, spelled, upper_first
from auditapp.reports.regulatory import frame
from auditapp.reports.regulatory.ll144_tables import (
    NAMES,
    by_score,
    name_of,
    people_of,
    rate_of,
    table,
    title,
)
from auditapp.reports.stamps import moment

Row = Mapping[str, Any]

MODES = {"selection": "Selection rate mode", "score": "Scoring rate mode"}
CSV_NUMBERS = ("numerator", "denominator", "value", "low", "high")
UNKNOWN = {"sex": "sex", "race": "race or ethnicity", "either": "sex, race or ethnicity"}
RULE_TABLES = ("sex", "race", "intersectional")


def section(facts: Facts, annex: Row) -> Section:
    """The annex as a chapter."""
    settings = annex["settings"]
    lede = (
        f"{annex['rule']}, text of {_day(annex['version'])}. {MODES[settings['mode']]}. "
        "A template, not legal advice."
    )
    if "failed" in annex:
        return frame.chapter(annex, (), lede)
    blocks: list[Block] = [*frame.modelled(facts), _header(facts, annex)]
    asked = [m["group"] is None and m["kind"] in RULE_TABLES for m in annex["tables"]]
    blocks += [table(annex, place) for place, wanted in enumerate(asked) if wanted]
    blocks.append(Prose(_unknown(annex)))
    blocks += _left_out(annex)
    blocks += [table(annex, place) for place, wanted in enumerate(asked) if not wanted]
    blocks += [Prose(rich(text), "note") for text in _notes(facts, annex)]
    return frame.chapter(annex, blocks, lede)


def items(facts: Facts, annex: Row) -> Iterator[dict[str, Any]]:
    """Rows of the CSV: rate and ratio of every category, unrounded, and the people in none."""
    for made in annex["tables"]:
        mode = "scoring-rate" if by_score(annex, made) else "selection-rate"
        for row in made["rows"]:
            head = {
                "by": [title(annex, made)],
                "group": {"category": name_of(row)},
                "n": row["rate"]["denominator"],
            }
            why = row.get("justification")
            yield head | {
                "metric": mode,
                **{name: row["rate"][name] for name in CSV_NUMBERS},
                "note": row["rate"]["undefined"],
            }
            yield head | {
                "metric": "impact-ratio",
                **{name: row["ratio"][name] for name in CSV_NUMBERS},
                "note": ": ".join(part for part in (row["ratio"]["undefined"], why) if part),
            }
    for what in ("sex", "race", "either"):
        yield {
            "by": [],
            "group": {},
            "metric": "unknown",
            "n": annex["unknown"][what],
            "note": UNKNOWN[what],
        }


def _day(text: str | None) -> str:
    """A date in words; the text itself where it is none."""
    try:
        when = date.fromisoformat(str(text))
    except ValueError:
        return str(text or frame.BLANK)
    return f"{when.day} {when:%B %Y}"


def _header(facts: Facts, annex: Row) -> FactList:
    """The block of 5-303: date, tool, data, and who made the audit."""
    settings = annex["settings"]
    distributed = settings["distribution_date"]
    tool = annex["tool"] or "Not named"
    since = (
        f"distribution date {_day(distributed)}"
        if distributed
        else ("distribution date not given")
    )
    rows = [
        Fact("Most recent audit", rich(_audited(facts, annex))),
        Fact("Tool", rich(f"{tool}; {since}")),
        Fact("Data", _data(facts, settings)),
    ]
    if settings["mode"] != "score":
        rows.append(Fact("Selected means", frame.decided(facts)))
    if settings["data_kind"] == "test":
        rows.append(frame.written("Why test data", settings["test_why"]))
    rows += [
        frame.written("Supplied by", settings["supplied_by"]),
        frame.written("Auditor", settings["auditor"]),
        frame.written("Independence", settings["independence"]),
        Fact("Unknown", rich(_unknown_short(annex))),
    ]
    if annex["hispanic"] == "none":
        text = ("Hispanic or Latino origin. Without it this annex ", bold("cannot be final"), ".")
        rows.append(Fact("Not in this file", rich(*text)))
    return FactList(tuple(rows), boxed=True)


def _audited(facts: Facts, annex: Row) -> str:
    """Day of the audit and the last day of the year after it."""
    given_day = annex["settings"]["audit_date"]
    if given_day:
        return f"{_day(given_day)}; valid for use until {_day(annex['valid_until'])}"
    when = moment(facts)
    if when is None:
        return frame.BLANK
    today = when.date()
    return f"{_day(today.isoformat())}; valid for use until {_day(last_day(today).isoformat())}"


def _data(facts: Facts, settings: Row) -> Any:
    kind = KINDS[settings["data_kind"]].partition(":")[0] if settings["data_kind"] else ""
    source = str(settings["data_source"]).strip()
    head = f"{kind}. " if kind else "Historical or test data: not stated. "
    return rich(head, source or "Source and explanation not given.")


def _unknown_short(annex: Row) -> str:
    sex, race = annex["unknown"]["sex"], annex["unknown"]["race"]
    text = f"{plural(sex, 'person', 'people')} with unknown sex, {count(race)} with unknown race"
    text += " or ethnicity"
    outside = annex["outside"]["sex"] + annex["outside"]["race"]
    if outside:
        text += f"; {count(outside)} of other categories are in a further table"
    return text


def _unknown(annex: Row) -> Any:
    """The line of 5-301(b)(5) and (c)(5), printed with 0 too."""
    unknown = annex["unknown"]
    n = unknown["either"]
    where = ""
    if n:
        where = (
            f" {upper_first(plural(unknown['sex'], 'person', 'people'))} of unknown sex "
            f"{'is' if unknown['sex'] == 1 else 'are'} not in the table of sex, "
            f"{count(unknown['race'])} of unknown race or ethnicity not in that of race and "
            f"ethnicity, and none of the {count(n)} in the intersectional one."
        )
    return rich(
        "Number of people the tool assessed who are not in these calculations because their sex, "
        "race or ethnicity is unknown: ",
        bold(count(n)),
        f".{where}",
    )


def _left_out(annex: Row) -> list[Block]:
    """What 5-301(d) asks for each category left out: people, rate, and why."""
    items = []
    for made in annex["tables"]:
        for row in made["rows"]:
            if made["group"] is not None or not row["left_out"]:
                continue
            text = f" ({NAMES[made['kind']].lower()}): {people_of(row)}, "
            text += f"{(annex['settings']['mode'] == 'score' and 'scoring') or 'selection'} rate "
            text += f"{rate_of(row)}. {row['justification'] or 'No justification is written yet.'}"
            items.append(rich(bold(name_of(row)), text))
    return [Bullets(tuple(items), "Left out of the impact ratios")] if items else []


def _notes(facts: Facts, annex: Row) -> Iterator[str]:
    settings = annex["settings"]
    if settings["mode"] == "score":
        yield _median(annex["sample"])
    left = facts.rows["left_out"]
    if left and not facts.rows.get("left_out_below"):
        gone = "; ".join(f"{count(item['n'])} ({item['reason']})" for item in left)
        yield (
            f"Of {count(facts.rows['uploaded'])} rows of the file, "
            f"{count(facts.rows['used'])} are counted here. Left out: {gone}."
        )
    rate = "scoring rate" if settings["mode"] == "score" else "selection rate"
    highest = "highest scoring" if settings["mode"] == "score" else "most selected"
    yield (
        f"Impact ratio: a category's {rate} divided by that of the {highest} category of the "
        "same table. Rates with one decimal, ratios with two, half away from zero, from exact "
        "fractions. The rule sets no mark that a ratio has to reach and asks for no intervals; "
        "the 95% intervals of every rate and ratio are in tables.csv."
        f"{_adjusted(annex)}"
    )
    if settings["screen"]:
        yield (
            "Four-fifths screen: is a ratio under 0.80, a mark of federal guidance (29 CFR "
            "1607.4(D)) and not of this rule? Ratios near 0.80 have further decimals."
        )
    if facts.plan.get("weights"):
        yield "Counts are people in the file; survey weights are not used here."
    if annex["settings"]["groups_column"]:
        yield "Placed in a group: of all people, those whom the tool put there count as selected."
    if annex["hispanic"] == "column":
        yield (
            "People of Hispanic or Latino origin are counted there whatever their race; the other "
            "races are people who are not."
        )
    small = _small(annex)
    if small:
        yield small
    yield (
        "The summary stays public until at least six months after the tool was last used for a "
        f"decision. Text followed: {annex['source']}."
    )


def _adjusted(annex: Row) -> str:
    """That half a person was added, where nobody of a category was selected."""
    rows = [row for made in annex["tables"] for row in made["rows"]]
    if not any(row["ratio"]["value"] == 0 and row["ratio"]["high"] is not None for row in rows):
        return ""
    return " The interval of a ratio of 0 adds half a person to each count for its upper end."


def _median(sample: Row) -> str:
    better = "above" if sample["higher_is_better"] else "below"
    where = " on the scale of this report" if sample["scale"] == "report" else ""
    text = (
        f"Median score of {plural(sample['people'], 'person', 'people')}{where}: "
        f"{given(sample['median'])}. Strictly {better} it counts; "
        f"{plural(sample['at_median'], 'person', 'people')} exactly at it "
        f"{'does' if sample['at_median'] == 1 else 'do'} not."
    )
    if not sample["higher_is_better"]:
        text += " Lower scores are the favourable ones."
    if sample["without_score"]:
        text += f" {plural(sample['without_score'], 'person', 'people')} without a score left out."
    return text


def _small(annex: Row) -> str:
    """How many categories could be left out, and of how many people 2% is taken."""
    parts = []
    for made in annex["tables"]:
        if made["kind"] not in RULE_TABLES or made["group"] is not None:
            continue
        small = [r for r in made["rows"] if r["small"] and r["rate"]["denominator"]]
        out = sum(row["left_out"] for row in small)
        if small:
            named = f"{spelled(len(small))} in {NAMES[made['kind']].lower()}"
            fate = f"{spelled(out)} left out" if out else "kept"
            parts.append(f"{named} (of {count(made['base'])} people), {fate}")
    if not parts:
        return ""
    return (
        "A category with under 2% of the people of its table may be left out of the ratios: "
        f"{'; '.join(parts)}."
    )
