"""One small chart of each kind, for the tests of charts and of the drawings' sanitiser."""

from __future__ import annotations

import copy
from typing import Any

HOSTILE = (
    "<script>alert(1)</script> & \"quoted\" 'single'",
    "abc \u202egnp.exe\u200f \u2066x\u2069",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
    "日本語の長いラベル",
    "x" * 300,
    "bell \x07 escape \x1b[31m nul \x00 lone \ud800 end \uffff",
    "",
    '${datum.f0} {{x}} %s \\n fill="#FE01FE" url(#a)',
    "line one\nline two\r\n\tthree",
    "العربية مجموعة",
)


def gap_strip() -> dict[str, Any]:
    values = ((-0.273, 0.007, "difference"), (0.01, 0.02, "no-difference"))
    rows = [
        {
            "label": f"Group {i}",
            "n": 1000 + i,
            "value": v,
            "low": v - h,
            "high": v + h,
            "thick_low": v - h / 2,
            "thick_high": v + h / 2,
            "verdict": verdict,
        }
        for i, (v, h, verdict) in enumerate(values)
    ]
    few = {"label": "Few", "n": 29, "value": None, "low": None, "high": None}
    few |= {"verdict": "not-enough-data", "note": "29 people, under the floor"}
    wide = {**rows[0], "label": "Wide", "verdict": "not-enough-data", "low": -0.4, "high": 0.1}
    rows += [few, wide]
    return {"kind": "gap-strip", "rows": rows, "tolerance": 0.05, "reference": "White"}


def group_sizes() -> dict[str, Any]:
    rows = [
        {"label": label, "n": n, "below_floor": n < 30}
        for label, n in (("White", 259_625), ("Black", 29_482), ("Few", 12), ("None", 0))
    ]
    return {"kind": "group-sizes", "floor": 30, "rows": rows}


def rates() -> dict[str, Any]:
    rows = [
        {
            "label": "White",
            "value": 0.37,
            "low": 0.36,
            "high": 0.38,
            "n": 9,
            "status": "reference",
        },
        {"label": "Asian", "value": 0.45, "low": 0.44, "high": 0.47, "n": 9, "status": "group"},
        {"label": "Few", "value": 0.2, "low": 0.1, "high": 0.4, "n": 9, "status": "below-floor"},
        {"label": "None", "value": None, "low": None, "high": None, "n": 0, "status": "undefined"},
    ]
    titles = ("Selection rate", "True positive rate", "Precision")
    panels = [{"title": title, "overall": 0.35, "rows": copy.deepcopy(rows)} for title in titles]
    return {"kind": "rates", "panels": panels}


def intersection_grid() -> dict[str, Any]:
    x, y = ["White", "Black", "Asian"], ["Men", "Women"]
    values = {("White", "Men"): 0.13, ("Black", "Women"): -0.2, ("Asian", "Men"): 0.004}
    cells = [
        {"x": a, "y": b, "value": values.get((a, b)), "n": 120, "status": "shown"}
        for a in x
        for b in y
    ]
    for cell in cells:
        if cell["value"] is None:
            cell["status"] = "below-floor"
    cells[-1] |= {"status": "empty", "n": 0}
    return {"kind": "intersection-grid", "x": x, "y": y, "cells": cells, "floor": 30}


def threshold_sweep(n: int = 3) -> dict[str, Any]:
    series = [
        {
            "label": f"Group {i}",
            "reference": i == 0,
            "points": [
                {"t": t / 20, "value": v, "low": max(0.0, v - 0.01), "high": min(1.0, v + 0.01)}
                for t in range(21)
                for v in [(1 - t / 20) ** (1 + i / 2)]
            ],
        }
        for i in range(n)
    ]
    return {"kind": "threshold-sweep", "threshold": 0.5, "series": series}


def calibration() -> dict[str, Any]:
    points = [
        {"x": k / 10 + 0.05, "value": k / 10, "low": max(0, k / 10 - 0.05), "high": 0.9, "n": 50}
        for k in range(9)
    ]
    series = [{"label": f"Group {i}", "reference": i == 0, "points": points} for i in range(3)]
    return {"kind": "calibration", "series": series}


def score_histogram() -> dict[str, Any]:
    edges, shares = [k / 10 for k in range(11)], [0.1] * 10
    series = [
        {"label": f"Group {i}", "reference": i == 0, "n": 500, "edges": edges, "shares": shares}
        for i in range(3)
    ]
    return {"kind": "score-histogram", "threshold": 0.5, "series": series}


def hidden_gaps() -> dict[str, Any]:
    rows = [
        {
            "label": f"Group {i}",
            "value": 0.2 / (i + 1),
            "low": 0.2 / (i + 1) - 0.05,
            "high": 0.2 / (i + 1) + 0.05,
            "thick_low": 0.2 / (i + 1) - 0.02,
            "thick_high": 0.2 / (i + 1) + 0.02,
            "null_mean": 0.02,
            "null_p95": 0.04 * (i + 1),
            "elsewhere": (0.03, -0.02, None)[i],
            "verdict": ("difference", "not-enough-data", "not-enough-data")[i],
        }
        for i in range(3)
    ]
    return {"kind": "hidden-gaps", "rows": rows, "tolerance": 0.05}


def held_equal() -> dict[str, Any]:
    together = {"look": "together", "value": -0.142, "low": -0.17, "high": -0.113}
    equal = {"look": "equal", "value": 0.018, "low": -0.009, "high": 0.044}
    nothing = {"look": "equal", "value": None, "low": None, "high": None, "note": "none shared"}
    rows = [
        {"label": "Women", "n": 1835, "marks": [together, equal]},
        {"label": "Unknown to both", "n": 40, "marks": [together, nothing]},
    ]
    return {"kind": "held-equal", "reference": "Men", "rows": rows}


def ratio_strip() -> dict[str, Any]:
    shared = {"status": "group", "n": 339}
    rows = [
        {"label": "White", "n": 2041, "value": None, "low": None, "high": None,
         "status": "reference"},
        {**shared, "label": "Black", "value": 0.79996, "low": 0.74, "high": 0.846,
         "printed": "0.79996"},
        {**shared, "label": "Few", "value": 1.9, "low": 0.3, "high": 12.4, "printed": "1.90",
         "status": "below-floor"},
        {**shared, "label": "None", "value": None, "low": None, "high": None,
         "note": "nobody selected"},
    ]  # fmt: skip
    return {"kind": "ratio-strip", "reference": "White", "marks": [0.8], "rows": rows,
            "mark_label": "four fifths"}  # fmt: skip


def shift_panel(n: int = 4) -> dict[str, Any]:
    rows = [
        {
            "label": f"Site {i}",
            "value": v,
            "low": v - 0.03,
            "high": v + 0.03,
            "thin_low": v - 0.05,
            "thin_high": v + 0.05,
            "differs": i == 1,
            "others": v + 0.12,
        }
        for i in range(n)
        for v in [-0.12 + 0.2 * (i == 1) + 0.05 * ((7 * i) % 11 - 5) / 5]
    ]
    return {"kind": "shift-panel", "rows": rows, "together": -0.12}


def history(runs: int = 3, n: int = 2) -> dict[str, Any]:
    series: list[dict[str, Any]] = [
        {
            "label": f"Group {i}",
            "points": [
                {"value": v, "low": v - 0.02, "high": v + 0.02, "changed": t == 1 and i == 0}
                for t in range(runs)
                for v in [-0.1 * i - 0.08 * (t > 0)]
            ],
        }
        for i in range(n)
    ]
    series[-1]["points"][0] = None
    dates = [{"label": f"20{20 + t}-11-02"} for t in range(runs)]
    return {"kind": "history", "tolerance": 0.05, "runs": dates, "series": series}


def gap_parts() -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"label": "Decisions", "unique": 20.1, "redundant": 2.0, "masked": 4.2},
        {"label": "Recorded outcomes", "unique": 0.0, "redundant": 0.41, "masked": 15.5},
    ]
    for row in rows:
        row["value"] = sum(v for v in row.values() if isinstance(v, float))
        row |= {"low": 0.9 * row["value"], "high": 1.1 * row["value"]}
    sites = [
        {"label": f"Site {i}", "value": 3.0 / (i + 1), "low": 0.0, "high": 4.0} for i in range(3)
    ]
    return {"kind": "gap-parts", "rows": rows, "sites": sites, "title": "All sites"}


def bound_curve() -> dict[str, Any]:
    tops = (("Any rule at all", 0.9), ("These decisions, reworked by group", 0.78))
    series: list[dict[str, Any]] = [
        {"label": label, "points": [{"x": k / 50, "value": top + k / 100} for k in range(6)]}
        for label, top in tops
    ]
    now = {"x": 0.098, "value": 0.8, "label": "Now"}
    return {
        "kind": "bound-curve",
        "series": series,
        "now": now,
        "x_title": "Largest gap in selection rate, points",
        "limit": 0.05,
        "limit_label": "Your limit: 5 points",
    }


def frontier(n: int = 3) -> dict[str, Any]:
    series = [
        {
            "label": f"Method {i}",
            "points": [
                {
                    "x": x, "value": v, "x_low": max(x - 0.02, 0), "x_high": x + 0.02,
                    "low": v - 0.01, "high": v + 0.01,
                    "hollow": k == 2, "recommended": i == 0 and k == 1,
                }
                for k in range(3)
                for x, v in [(0.02 + 0.07 * k + 0.01 * i, 0.78 + 0.008 * k - 0.003 * i)]
            ],
        }
        for i in range(n)
    ]  # fmt: skip
    return {
        "kind": "frontier",
        "series": series,
        "now": {"x": 0.3, "value": 0.8, "low": 0.79, "high": 0.81, "x_low": 0.28, "x_high": 0.32},
        "x_title": "Largest gap in selection rate, points",
        "frontier": [[0.02, 0.78], [0.09, 0.788], [0.16, 0.796]],
        "yardstick": [[0.0, 0.779], [0.1, 0.79], [0.3, 0.8]],
        "bound": [[0.0, 0.79], [0.1, 0.8], [0.3, 0.806]],
        "beyond": "Out of reach of any rule",
        "limit": 0.05,
        "limit_label": "Your limit: 5 points",
    }


def abstention() -> dict[str, Any]:
    series = [
        {
            "label": f"Group {i}",
            "reference": i == 0,
            "now": 0.8 - 0.02 * i,
            "points": [
                {"x": x, "value": v, "low": v - 0.01, "high": v + 0.01, "hollow": k == 0}
                for k, x in enumerate((0.02, 0.05, 0.1))
                for v in [0.8 - 0.02 * i + 0.3 * x]
            ],
        }
        for i in range(3)
    ]
    return {"kind": "abstention", "series": series, "infeasible": 0.03, "recommended": 0.05}


def move_profile() -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"label": f"Column: value {i}", "now": 0.1 * i, "target": 0.12 * i, "reference": 0.11}
        for i in range(1, 5)
    ]
    rows[-1]["reference"] = None
    return {"kind": "move-profile", "rows": rows}


def people_changed() -> dict[str, Any]:
    rows = [
        {"label": f"Group {i}", "up": 0.05 * i, "down": 0.089 if i == 1 else 0.0003}
        for i in range(4)
    ]
    rows[-1]["human"] = 0.02
    return {"kind": "people-changed", "rows": rows}


SAMPLES = {
    sample()["kind"]: sample
    for sample in (
        gap_strip,
        group_sizes,
        rates,
        intersection_grid,
        threshold_sweep,
        calibration,
        score_histogram,
        shift_panel,
        history,
        held_equal,
        ratio_strip,
        hidden_gaps,
        gap_parts,
        bound_curve,
        frontier,
        abstention,
        move_profile,
        people_changed,
    )
}


def relabelled(chart: dict[str, Any]) -> dict[str, Any]:
    """The same chart with hostile text wherever a chart takes text."""
    chart = copy.deepcopy(chart)
    names: dict[str, str] = {}

    def swap(old: str) -> str:
        return names.setdefault(old, HOSTILE[len(names) % len(HOSTILE)])

    for part in (chart, *chart.get("panels", [])):
        for item in (*part.get("rows", []), *part.get("series", []), *part.get("sites", [])):
            item["label"] = swap(item["label"])
            if "note" in item:
                item["note"] = HOSTILE[5]
    if "cells" in chart:
        chart["x"], chart["y"] = list(map(swap, chart["x"])), list(map(swap, chart["y"]))
        for cell in chart["cells"]:
            cell["x"], cell["y"] = swap(cell["x"]), swap(cell["y"])
    for run in chart.get("runs", []):
        run["label"] = HOSTILE[1]
    for key in ("reference", "less", "more", "x_title", "y_title", "limit_label", "sites_title"):
        chart[key] = HOSTILE[0]
    for panel in chart.get("panels", []):
        panel["title"] = HOSTILE[7]
    return chart
