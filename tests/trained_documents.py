"""Result documents with remedies that train networks, made up in the shape the methods store."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np

from tests.tradeoff_documents import Measured, cuts_for, document

FORMS = {
    "explicit": ((0.1, 0.3, 1.0, 3.0), (0.05, 0.1, 0.3, 1.0)),
    "newton": ((1.0, 3.0, 10.0, 30.0), (None,)),
    "kernel": ((0.1, 0.3, 1.0, 3.0), (None,)),
    "bins": ((0.1, 0.3, 1.0, 3.0), (None,)),
    "conditional": ((1.0, 3.0, 10.0), (None,)),
}
ALONE = ("plain", "groupdro", "dfr")
STRENGTH = {0.1: 0.15, 0.3: 0.3, 1.0: 0.5, 3.0: 0.72, 10.0: 0.8, 30.0: 0.86}
NOISE = {"explicit": 0.05, "newton": 0.09, "kernel": 0.07, "bins": 0.06, "conditional": 0.05}


def table(columns: str, rows: list[list[Any]], caption: str = "", split: str = "valid") -> Any:
    return {"columns": columns.split(), "rows": rows, "caption": caption, "split": split}


def seeds(point: dict[str, Any], n: int = 3) -> dict[str, Any]:
    return {
        "n": n,
        **{
            key: {
                "mean": point[key]["value"] + 0.001,
                "sd": 0.004,
                "worst": point[key]["value"] + (0.006 if key == "disparity" else -0.006),
            }
            for key in ("accuracy", "disparity")
        },
    }


def road(made: Measured) -> dict[str, Any]:
    """ROAD with every form on one frontier."""

    def rule(strength: float, noise: float) -> Any:
        cuts = cuts_for(made.valid, strength)
        return lambda p: ((p.score + noise * (p.luck - 0.5)) >= cuts[p.group]).astype(np.int8)

    points = []
    for form, (lams, taus) in FORMS.items():
        for lam in lams:
            for tau in taus:
                strength = STRENGTH[lam] * (1.0 if tau is None else 1.12 - 0.3 * tau)
                noise = NOISE[form] + (0.0 if tau is None else 0.02 * tau) + 0.02 * strength
                at = f"weight {lam:g}" + ("" if tau is None else f", temperature {tau:g}")
                name = f"{form}-{lam:g}" + ("" if tau is None else f"-{tau:g}")
                settings = {"form": form, "lambda": lam, "tau": tau}
                points.append(
                    made.point(
                        name.replace(".", "-"), f"{form.capitalize()}, {at}",
                        rule(strength, noise), uses_group=False, settings=settings,
                    )
                )  # fmt: skip
    for form in ALONE:
        settings = {"form": form}
        points.append(
            made.point(form, form.capitalize(), rule(0.02, 0.05), uses_group=False,
                       settings=settings)
        )  # fmt: skip
    for point in points:
        point["seeds"] = seeds(point)
    return {
        "slug": "road", "title": "Local fairness (ROAD)", "kind": "retrain", "status": "ok",
        "text": "Trains a network that presses the parts where groups are decided most unlike.",
        "source": "Grari et al., ICLR 2024", "uses_group_at_decision": False, "settings": {},
        "error": None, "notes": ["Two networks of the form ROAD as published collapsed and are "
        "not offered."], "points": points,
        "tables": {
            "training": table(
                "device precision trainings seconds", [["cpu", "float32", 96, 38.4]]
            ),
            "weight-went": table(
                "region share_of_rows share_of_weight gap group",
                [
                    ["Age under 30, hours a week 40 and more", 0.112, 0.274, 0.213, "Asian"],
                    ["Age 60 and over", 0.091, 0.188, 0.174, "Some other race"],
                    ["Education up to high school", 0.342, 0.301, 0.061, "Some other race"],
                    ["Everybody else", 0.455, 0.237, 0.018, "Asian"],
                ], split="train",
            ),
            "local-gaps": table(
                "form family region n n_other gap low high",
                [
                    ["plain", "declared", "Age under 30", 420, 1310, 0.231, 0.182, 0.28],
                    ["plain", "declared", "Age 60 and over", 61, 402, 0.144, 0.031, 0.25],
                    ["plain", "tree", "Hours a week under 20", 38, 150, 0.262, 0.09, 0.43],
                    ["explicit", "declared", "Age under 30", 420, 1310, 0.121, 0.072, 0.17],
                    ["explicit", "tree", "Hours a week under 20", 38, 150, 0.18, 0.01, 0.35],
                ],
            ),
            "local-null": table(
                "form family worst null_mean null_p95",
                [
                    ["plain", "declared", 0.231, 0.061, 0.104],
                    ["plain", "tree", 0.262, 0.17, 0.281],
                    ["plain", "random", 0.09, 0.07, 0.11],
                    ["explicit", "declared", 0.121, 0.061, 0.104],
                    ["explicit", "tree", 0.18, 0.17, 0.281],
                ],
            ),
            "settings": table(
                "point form lambda tau seeds accuracy accuracy_sd auc gap rank_gap rank_gap_sd "
                "collapsed failed offered front new_gap selected",
                [
                    ["plain", "plain", 0.0, None, 3, 0.8, 0.002, 0.87, 0.3, 0.2, 0.01, 0, 0,
                     True, True, False, False],
                    ["explicit-1-0-1", "explicit", 1.0, 0.1, 3, 0.79, 0.002, 0.86, 0.1, 0.1,
                     0.01, 0, 0, True, True, True, True],
                    ["broad-3-0-3", "broad", 3.0, 0.3, 3, 0.6, 0.1, 0.5, 0.0, None, None, 2, 0,
                     False, False, False, False],
                ],
            ),
            "descriptors": table(
                "column auc used why",
                [
                    ["AGEP", 0.53, True, ""],
                    ["WKHP", 0.55, True, ""],
                    ["POBP", 0.83, False, "tells the group (AUC above 0.65)"],
                ],
            ),
        },
    }  # fmt: skip


def fairtune(made: Measured) -> dict[str, Any]:
    """FairTune without a gain that its interval supports."""
    cuts = cuts_for(made.valid, 0.2)
    points = [
        made.point(
            "selected", "Selected checkpoint",
            lambda p: (p.score >= cuts[p.group]).astype(np.int8),
            uses_group=False, settings={"checkpoint": "selected", "mask": ["head", "norm"]},
        )
    ]  # fmt: skip
    points[0]["seeds"] = seeds(points[0], 5)
    trials = [
        [i, "anchor" if i < 6 else "search", "Head" if i == 0 else f"Head, norm 0 to {i % 4}",
         0.001 * (1 + i % 5), 8, "PRUNED" if i % 7 == 6 else "COMPLETE",
         None if i % 7 == 6 else 0.78 + 0.001 * i]
        for i in range(30)
    ]  # fmt: skip
    return {
        "slug": "fairtune", "title": "Fair fine-tuning (FairTune)", "kind": "tune", "status": "ok",
        "text": "Searches which parts of a network to fine-tune.", "source": "Dutt et al., 2024",
        "uses_group_at_decision": False, "settings": {}, "error": None, "notes": [],
        "points": points,
        "tables": {
            "training": table("device precision trainings seconds tolerance",
                              [["NVIDIA H100", "bfloat16", 96, 754.0, 0.002]]),
            "trials": table("number kind mask lr epochs state value", trials),
            "rerank": table("configuration seeds mean sd worst",
                            [["Head, norm 0 to 2", 3, 0.789, 0.004, 0.785],
                             ["Head", 3, 0.788, 0.002, 0.786]]),
            "arms": table("arm trainings mean sd worst", [
                ["Head only (linear probe)", 19, 0.791, 0.003, 0.788],
                ["Everything (full fine-tuning)", 19, 0.781, 0.024, 0.751],
                ["Layer norms only", 19, 0.785, 0.008, 0.776],
                ["Searched parts", 39, 0.789, 0.014, 0.772],
            ]),
            "gain": table("baseline diff low high evidence metric",
                          [["Head only (linear probe)", -0.002, -0.015, 0.01, False,
                            "lowest AUC of a group"]]),
            "groups": table("group n auc_before auc low high", [
                ["White", 5200, 0.871, 0.862, 0.851, 0.873],
                ["Asian", 1200, 0.803, 0.799, 0.77, 0.827],
            ]),
            "importance": table("group effect", [["norm 0", 0.012], ["attention 1", -0.004]]),
        },
    }  # fmt: skip


@lru_cache(maxsize=4)
def _cached(n: int, groups: int) -> str:
    return json.dumps(document(n, groups=groups, more=(road, fairtune)))


def trained(n: int = 8000, groups: int = 3) -> dict[str, Any]:
    """A document with thresholds, reductions and both remedies that train networks."""
    found: dict[str, Any] = json.loads(_cached(n, groups))
    return found


def local_points(doc: dict[str, Any]) -> None:
    """Add the widest declared gap under every setting: thresholds lower it, ROAD more so."""
    rows: list[list[Any]] = [
        [None, None, "Audited decisions", 0.3, "Age under 30", 0.2, 0.4, 0.06, 0.1, 0.001]
    ]
    for found in doc["methods"]:
        for point in found["points"]:
            worst = {"thresholds": 0.15, "road": 0.08}.get(found["slug"], 0.25)
            rows.append(
                [found["slug"], point["id"], point["label"], worst, "Age under 30",
                 worst - 0.12, worst + 0.1, 0.06, 0.1, 0.2]
            )  # fmt: skip
    columns = "method point label worst region low high null_mean null_p95 p"
    method(doc, "road")["tables"]["local-points"] = table(columns, rows, split="audit")


def method(doc: dict[str, Any], slug: str) -> dict[str, Any]:
    found: dict[str, Any] = next(m for m in doc["methods"] if m["slug"] == slug)
    return found
