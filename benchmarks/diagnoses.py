"""Error rates and power of the diagnoses: shift, strata, three levels, references, flips.

Each function draws data of which the truth is known and returns what was found; :func:`run`
states it against its bound. Tests call the same functions with fewer draws.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from metrics import addition, drift, exact, flips, imbalance, levels, references, strata
from metrics.groups import Attribute
from metrics.logistic import Feature, fit, predict
from metrics.source import source_scores

Array = NDArray[np.generic]
TABLES = 1000


def sex(codes: Array) -> Attribute:
    """Two groups."""
    return Attribute("sex", ("Men", "Women"), codes.astype(np.int64))


def same_outcomes(rng: np.random.Generator, n: int = 5000) -> tuple[Array, Array, Array]:
    """Group, score and label with one P(y | s) and selection rates 20 points apart."""
    group = (rng.random(n) < 0.5).astype(np.int64)
    score = np.where(group == 0, rng.beta(2, 3, n), rng.beta(2.9, 2.8, n))
    return group, score, (rng.random(n) < score).astype(np.int64)


def margin_null(tables: int = TABLES, n: int = 5000) -> dict[str, NDArray[np.float64]]:
    """p-values of the tests of scores and of the marginal outcome test without a difference."""
    found: dict[str, list[float]] = {"calibration": [], "sufficiency": [], "margin": []}
    rates = []
    for seed in range(tables):
        group, score, label = same_outcomes(np.random.default_rng([1, seed]), n)
        out = levels.levels_section([sex(group)], label=label, score=score)
        found["calibration"].append(out["scores"]["groups"][0]["p"])
        found["sufficiency"].append(out["scores"]["comparisons"][0]["p"])
        found["margin"].append(out["decisions"]["comparisons"][0]["p"])
        rates.append([(score[group == g] >= 0.5).mean() for g in (0, 1)])
    arrays = {name: np.array(values) for name, values in found.items()}
    return arrays | {"selection": np.mean(rates, axis=0)}


def strata_null(
    tables: int = TABLES, *, sites: int = 6, n: int = 3000, rate: float = 0.3
) -> dict[str, float]:
    """Share of tables in which the pooled test, or homogeneity, rejects without an effect."""
    pooled = homogeneity = reversals = tested = 0
    for seed in range(tables):
        rng = np.random.default_rng([2, seed, sites])
        site = rng.integers(0, sites, n)
        group = (rng.random(n) < 0.2 + 0.6 * site / sites).astype(np.int64)
        chance = rate * (0.5 + site / sites)
        decision = (rng.random(n) < chance).astype(np.int64)
        control = Attribute("site", tuple(str(s) for s in range(sites)), site)
        out = strata.strata_section(
            [sex(group)], control, decision=decision, metrics=("selection-rate",)
        )
        record = out["comparisons"][0]
        pooled += record["p"] is not None and record["p"] <= 0.05
        p = record["homogeneity"]["p"]
        tested += p is not None
        homogeneity += p is not None and p <= 0.05
        reversals += record["reversal"]["kind"] == "settled"
    return {
        "pooled": pooled / tables,
        "homogeneity": homogeneity / tested if tested else float("nan"),
        "tested": tested / tables,
        "reversal": reversals / tables,
    }


def drift_null(tables: int = TABLES, *, n: int = 2000, alpha: float = 0.05) -> float:
    """Share of pairs of audits with any drift when both are drawn from one law."""
    shares = np.array([0.02, 0.6, 0.2, 0.1, 0.05, 0.03])
    words = tuple("ABCDE")
    alarms = 0
    for seed in range(tables):
        rng = np.random.default_rng([3, seed])
        sides = []
        for size in (n, n // 2):
            table = np.zeros((6, 3, 4), dtype=np.int64)
            cells = np.outer(shares, [0.35, 0.25, 0.1, 0.3])
            drawn = rng.multinomial(size, cells.ravel()).reshape(6, 2, 2)
            table[:, 1:, 1:3] = drawn
            sides.append({"race": table})
        out = drift.drift_section(*sides, {"race": words}, alpha=alpha, seed=seed)
        alarms += any(test["drift"] for test in out["tests"])
    return alarms / tables


def flips_null(tables: int = TABLES, *, n: int = 3000) -> dict[str, float]:
    """Share of pairs of runs with a finding when flips fall on everybody alike."""
    between = net = 0
    for seed in range(tables):
        rng = np.random.default_rng([4, seed])
        first = (rng.random(n) < 0.4).astype(np.int64)
        second = np.where(rng.random(n) < 0.02, 1 - first, first)
        group = rng.choice(4, n, p=[0.6, 0.2, 0.15, 0.05])
        race = Attribute("race", tuple("ABCD"), group)
        out = flips.flips_section([race], first, second)
        between += any(c["p_adjusted"] <= 0.05 for c in out["comparisons"])
        changed = first != second
        coin = rng.random(n) < 0.5
        up = int((changed & coin).sum())
        net += float(exact.mcnemar(up, int(changed.sum()) - up)) <= 0.05
    return {"between": between / tables, "net": net / tables}


def label_audit(tables: int = TABLES, *, wrong: float = 0.0, gold: int = 500) -> float:
    """Share of label audits with a finding when labels of group 1 are flipped at `wrong`."""
    found = 0
    for seed in range(tables):
        rng = np.random.default_rng([5, seed])
        truth = (rng.random(gold) < 0.4).astype(np.int64)
        group = (rng.random(gold) < 0.5).astype(np.int64)
        base = 0.05 if wrong == 0 else 0.0
        flip = rng.random(gold) < base + wrong * group
        out = levels.label_level([sex(group)], np.where(flip, 1 - truth, truth), truth)
        p = [c["p_adjusted"] for c in out["comparisons"] if c["p_adjusted"] is not None]
        found += min(p) <= 0.05
    return found / tables


def source_null(tables: int = TABLES, *, n: int = 200) -> dict[str, float]:
    """Share of equal sources whose AUC is found above one half, and coverage of one half."""
    above = covered = 0
    for seed in range(tables):
        rng = np.random.default_rng([6, seed])
        side = np.repeat([0, 1], n)
        features = [
            Feature("x", rng.normal(size=2 * n)),
            Feature("c", rng.integers(0, 5, 2 * n), categorical=True),
        ]
        label = (rng.random(2 * n) < 0.4).astype(np.int64)
        out = source_scores(features, side, label=label, seed=seed)["xy"]
        above += out["p"] <= 0.05
        covered += out["low"] <= 0.5 <= out["high"]
    return {"above": above / tables, "covered": covered / tables}


def information_null(tables: int = TABLES, *, n: int = 500, draws: int = 200) -> dict[str, float]:
    """Spurious correlation without any: test, and whether either interval reaches 0."""
    reject = ours = plain = 0
    shares = np.outer([0.5, 0.3, 0.15, 0.05], [0.6, 0.4])
    for seed in range(tables):
        rng = np.random.default_rng([7, seed])
        counts = rng.multinomial(n, shares.ravel()).reshape(shares.shape)
        record = imbalance.score_records(counts, rng=rng, draws=draws)[0]
        reject += record["p"] <= 0.05
        ours += record["low"] == 0.0
        drawn = rng.multinomial(n, (counts / n).ravel(), size=draws).reshape(draws, 4, 2)
        plain += np.quantile(imbalance.shift_scores(drawn)[:, 0], 0.025) <= 0
    return {"reject": reject / tables, "ours": ours / tables, "plain": plain / tables}


def people(
    rng: np.random.Generator, n: int, *, turn: float = 0.0, move: float = 0.0
) -> tuple[Array, Array, Array]:
    """Features (n, 3), group and label; `turn` bends group 1's rule, `move` shifts its people."""
    group = (rng.random(n) < 0.4).astype(np.int64)
    x = rng.normal(size=(n, 2)) + move * group[:, None]
    slope = np.where(group == 1, 2.0 * (1 - 2 * turn), 2.0)
    label = (rng.random(n) < 1 / (1 + np.exp(0.8 - slope * x[:, 0] - 0.5 * x[:, 1]))).astype(int)
    return np.column_stack([x, group]), group, label


def trainer(
    data: dict[str, tuple[Array, Array]], x_valid: Array
) -> Callable[[tuple[str, ...]], NDArray[np.int64]]:
    """Train the project's logistic classifier on the target plus the named sources."""

    def expand(x: Array) -> NDArray[np.float64]:
        return np.column_stack([x, x[:, :2] * x[:, 2:]])

    def train(names: tuple[str, ...]) -> NDArray[np.int64]:
        parts = [data[name] for name in ("target", *names)]
        weights = fit(expand(np.vstack([x for x, _ in parts])), np.hstack([y for _, y in parts]))
        return np.asarray(predict(weights, expand(x_valid)) >= 0.5, dtype=np.int64)

    return train


def add_one(kind: str, seed: int = 0, n: int = 4000) -> dict[str, float]:
    """AUCs and changes when a copy of the target's law, or one with flipped labels, is added."""
    rng = np.random.default_rng([8, seed])
    x, _, label = people(rng, n)
    other, other_group, other_label = people(rng, n)
    if kind == "flipped":
        other_label = np.where(other_group == 1, 1 - other_label, other_label)
    x_valid, valid_group, valid_label = people(rng, n)
    both = np.vstack([x, other])
    features = [Feature(f"x{j}", both[:, j]) for j in range(3)]
    auc = source_scores(
        features, np.repeat([0, 1], n), label=np.concatenate([label, other_label]), seed=seed
    )
    out = addition.addition_section(
        [addition.Source("B", auc["xy"]["value"], n)],
        trainer({"target": (x, label), "B": (other, other_label)}, x_valid),
        sex(valid_group),
        valid_label,
        draws=200,
    )
    change = out["steps"][1]["change"]
    return {
        "x": auc["x"]["value"],
        "xy": auc["xy"]["value"],
        "accuracy": change["accuracy"]["value"],
        "worst": change["worst"]["value"],
        "harms": float(out["steps"][1]["answer"] == "harms"),
    }


def ordering(sets: int = 20, n: int = 400) -> tuple[int, int]:
    """In how many sets of ten sources the order by shift beats a random one, and ties."""
    wins = ties = 0
    for seed in range(sets):
        rng = np.random.default_rng([9, seed])
        x, _, label = people(rng, n)
        x_valid, group, valid = people(rng, 4000)
        data = {"target": (x, label)}
        sources = []
        for k, turn in enumerate(rng.permutation(np.linspace(0, 1, 10))):
            own, _, own_label = people(rng, n, turn=float(turn))
            data[f"s{k}"] = (own, own_label)
            both = np.vstack([x, own])
            auc = source_scores(
                [Feature(f"x{j}", both[:, j]) for j in range(3)], np.repeat([0, 1], n),
                label=np.concatenate([label, own_label]), seed=seed,
            )  # fmt: skip
            sources.append(addition.Source(f"s{k}", auc["xy"]["value"], n))
        names = rng.permutation(10)
        random = [addition.Source(s.name, float(names[k]), n) for k, s in enumerate(sources)]
        area = []
        for listed in (sources, random):
            out = addition.addition_section(
                listed, trainer(data, x_valid), sex(group), valid, draws=0, stop=False
            )
            area.append(sum(step["worst"]["value"] for step in out["steps"]))
        wins, ties = wins + (area[0] > area[1]), ties + (area[0] == area[1])
    return wins, ties


def superhuman(seed: int = 0, n: int = 2000) -> tuple[float, float, float]:
    """gamma of the Bayes model; gamma of a model with a gap over 50 references, and over 51."""
    rng = np.random.default_rng([10, seed])
    group = (rng.random(n) < 0.5).astype(np.int64)
    label = (rng.random(n) < 0.5).astype(np.int64)
    noise = rng.uniform(0.1, 0.3, 50)
    noisy = np.stack([np.where(rng.random(n) < e, 1 - label, label) for e in noise])
    first = references.references_section(
        sex(group), label, label, noisy, losses=("error-rate", "equalized-odds-gap")
    )["gamma"]
    # References that refuse group 1 more often than the labels do, by different amounts.
    refuse = np.stack([np.where((group == 1) & (rng.random(n) < e), 0, label) for e in noise])
    model = np.where((group == 1) & (rng.random(n) < 0.02), 0, label)
    some = references.references_section(sex(group), label, model, refuse)["gamma"]
    everybody = np.vstack([refuse, np.ones((1, n), dtype=np.int64)])
    more = references.references_section(sex(group), label, model, everybody)["gamma"]
    return first, some, more


def _row(what: str, measured: str, bound: str, *, holds: bool) -> str:
    return f"| {what} | {measured} | {bound} | {'yes' if holds else '**no**'} |"


def run() -> str:
    """State every number against its bound, as a Markdown table."""
    began = time.perf_counter()
    error = 3 * (0.05 * 0.95 / TABLES) ** 0.5
    most = 0.05 + error
    rows = []

    def null(what: str, share: float, low: float, high: float) -> None:
        bound = f"{low:.1%} to {high:.1%}" if low > 0 else f"at most {high:.1%}"
        rows.append(_row(f"{what}, null", f"{share:.1%}", bound, holds=low <= share <= high))

    found = margin_null()
    for name in ("calibration", "sufficiency", "margin"):
        share = float((found[name] <= 0.05).mean())
        tight = 0.015 if name == "margin" else 0.02
        null(f"{name} test, n = 5,000", share, 0.05 - tight, 0.05 + tight)
    for sites, n, rate in ((6, 3000, 0.3), (200, 1200, 0.3), (6, 3000, 0.01)):
        out = strata_null(sites=sites, n=n, rate=rate)
        name = f"{sites} strata, {n:,} rows, rate {rate:.0%}"
        null(f"pooled test, {name}", out["pooled"], 0, most)
        if out["tested"] > 0.5:
            null(f"homogeneity, {name}", out["homogeneity"], 0, most)
        null(f"settled reversal, {name}", out["reversal"], 0, 0.05)
    null("any drift between two audits", drift_null(), 0, most)
    for name, share in flips_null().items():
        null(f"flips: {name}", share, 0, most)
    null("label audit, 500 gold labels", label_audit(), 0, most)
    out = source_null()
    null("source AUC above one half, 2 x 200 rows", out["above"], 0.03, 0.07)
    out = information_null()
    null("spurious correlation", out["reject"], 0, most)
    rows.append(
        _row("its interval reaches 0 without any", f"{out['ours']:.1%} (plain percentile "
             f"{out['plain']:.1%})", "at least 95 %", holds=out["ours"] >= 0.95)
    )  # fmt: skip
    rows += _power()
    seconds = time.perf_counter() - began
    table = "\n".join(rows)
    return (
        f"Tests at 5 %, {TABLES:,} simulated tables without a difference each; families of "
        "several comparisons count any finding.\n\n| what | measured | bound | holds |\n"
        f"|---|---|---|---|\n{table}\n\n{seconds:.0f} s in all."
    )


def _power() -> list[str]:
    share = label_audit(200, wrong=0.1)
    rows = [
        _row(
            "label audit finds 10 % flipped labels", f"{share:.0%}", ">= 90 %", holds=share >= 0.9
        )
    ]
    copy, flipped = add_one("copy"), add_one("flipped")
    near = abs(copy["xy"] - 0.5) <= 0.03 and copy["accuracy"] >= -0.005
    rows.append(
        _row("a copy of the target added", f"AUC {copy['xy']:.3f}, accuracy "
             f"{100 * copy['accuracy']:+.1f} points", "0.50 +- 0.03, >= -0.5", holds=near)
    )  # fmt: skip
    holds = flipped["xy"] >= 0.6 and flipped["worst"] <= -0.05
    rows.append(
        _row("labels of group 1 flipped", f"AUC {flipped['x']:.3f} on X, {flipped['xy']:.3f} on "
             f"(X, Y), worst group {100 * flipped['worst']:+.1f} points",
             "(X, Y) >= 0.6, <= -5 points", holds=holds)
    )  # fmt: skip
    wins, ties = ordering()
    # One-sided sign test at 5 % over 20 sets: 15 wins.
    rows.append(
        _row("order by shift beats a random order", f"{wins} of 20 sets, {ties} ties",
             "sign test p < .05: 15", holds=wins >= 15)
    )  # fmt: skip
    bayes, some, more = superhuman()
    rows.append(
        _row("gamma of the Bayes model over 50 noisy references", f"{bayes:.2f}", ">= .95",
             holds=bayes >= 0.95)
    )  # fmt: skip
    rows.append(
        _row("gamma after one more reference that selects everybody",
             f"{some:.3f} to {more:.3f}", "down by gamma / 51",
             holds=abs(some - more - some / 51) < 1e-12)
    )  # fmt: skip
    return rows
