"""Repair without retraining on the binarised Adult file: gaps left on held-out rows, and time.

Tests call the same functions.
"""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.audits import SHARED
from mitigations.contract import Column, Context, Part, Problem
from mitigations.counterfactual.method import Counterfactual
from mitigations.counterfactual.transport import pot
from mitigations.rules import expected

Floats = NDArray[np.float64]

DATA = SHARED / "adult-proxy-ctfdist" / "adult_proxy_data.csv"
SEEDS = (2338, 1, 2, 3, 4)
GROUPS = ("Female", "Male")


@dataclass(frozen=True)
class Spec:
    """What the prototype of the specification left: gap, its standard deviation, accuracy."""

    reference: str
    gap: float
    sd: float
    accuracy: float


#: methods/counterfactual_distributions.md, section 7, calibrated stop, five seeds.
SPEC = {
    "fpr": Spec("Female", 0.0049, 0.0064, 0.726),
    "fnr": Spec("Male", 0.0272, 0.0188, 0.865),
    "selection-rate": Spec("Female", 0.0019, 0.0076, 0.715),
}


@dataclass(frozen=True, eq=False)
class Adult:
    """One split of the file: a problem, and the rows it is judged on."""

    problem: Problem
    test: Part


def adult(seed: int) -> Adult:
    """Split 60/20/20 into audit, training and test by sex and label; audit rows 5 to 2.

    The model is a logistic regression on the training rows, which nothing else sees.
    """
    from sklearn.linear_model import LogisticRegression

    names, x, y, group = _file()
    rng = np.random.default_rng(seed)
    cell = 2 * group + y
    order = rng.permutation(y.size)
    order = order[np.argsort(cell[order], kind="stable")]
    place = np.empty(y.size)
    for code in range(4):
        mine = order[cell[order] == code]
        place[mine] = np.arange(mine.size) / mine.size
    train, test = (place >= 0.6) & (place < 0.8), place >= 0.8
    model = LogisticRegression(C=100.0, max_iter=1000).fit(x[train], y[train])
    keys = np.random.default_rng([seed, 1]).integers(0, 2**63, y.size, dtype=np.uint64)

    def predict(part: Part) -> NDArray[np.float64]:
        return np.asarray(model.predict_proba(part.x)[:, 1], dtype=np.float64)

    def part(rows: NDArray[np.bool_]) -> Part:
        score = np.asarray(model.predict_proba(x[rows])[:, 1], dtype=np.float64)
        return Part(
            x=x[rows], group=group[rows], row_key=keys[rows], y=y[rows], score=score,
            decision=(score >= 0.5).astype(np.int8),
        )  # fmt: skip

    columns = tuple(Column(name, "binary", slot=i) for i, name in enumerate(names))
    problem = Problem(
        train=part(place < 0.6 * 5 / 7), valid=part((place >= 0.6 * 5 / 7) & (place < 0.6)),
        columns=columns, group_names=GROUPS, predict=predict,
    )  # fmt: skip
    return Adult(problem, part(test))


def _file() -> tuple[list[str], NDArray[np.float32], NDArray[np.int8], NDArray[np.int32]]:
    with DATA.open(newline="") as file:
        head, *rows = csv.reader(file)
    names = [name for name in head if name not in ("IncomeOver50K", "Sex")]
    number = {"TRUE": 1.0, "FALSE": 0.0, "1": 1.0, "0": 0.0}
    at = [head.index(name) for name in names]
    x = np.array([[number[row[i]] for i in at] for row in rows], dtype=np.float32)
    label, sex = head.index("IncomeOver50K"), head.index("Sex")
    y = np.array([row[label] == "1" for row in rows], dtype=np.int8)
    return names, x, y, np.array([GROUPS.index(row[sex]) for row in rows], dtype=np.int32)


@dataclass(frozen=True)
class Seed:
    """What one split gave on its test rows: the moved group minus the other."""

    before: float
    after: float
    estimate: float
    accuracy: float
    distance: float
    evenness: float
    seconds: float


def repaired(seed: int, rate: str) -> Seed:
    """Repair one split and measure it on the test rows, by the probability of each decision."""
    data = adult(seed)
    method = Counterfactual(equal=rate, close=(1.0,), reference=SPEC[rate].reference)
    started = time.process_time()
    found = method.fit(data.problem, Context(seed=seed))
    seconds = time.process_time() - started
    test, predict = data.test, data.problem.predict
    assert test.decision is not None and test.y is not None
    moved = 1 - GROUPS.index(SPEC[rate].reference)
    after = expected(found.points[0].rules[0], test, predict)
    by_estimate = expected(found.points[-1].rules[0], test, predict)
    right = np.where(test.y == 1, after, 1.0 - after)
    facts = dict(zip(found.tables["stops"].columns, found.tables["stops"].rows[0], strict=True))
    return Seed(
        _gap(test.decision.astype(np.float64), test, rate, moved),
        _gap(after, test, rate, moved),
        _gap(by_estimate, test, rate, moved),
        float(right[test.group == moved].mean()),
        float(facts["distance"]),
        float(facts["evenness"]),
        seconds,
    )


def _gap(chance: Floats, part: Part, rate: str, moved: int) -> float:
    assert part.y is not None
    among = {"selection-rate": part.y >= 0, "fpr": part.y == 0, "fnr": part.y == 1}[rate]
    hit = 1.0 - chance if rate == "fnr" else chance
    one, other = (float(hit[among & (part.group == g)].mean()) for g in (moved, 1 - moved))
    return one - other


def summary(rate: str) -> tuple[Seed, Seed]:
    """Means and standard deviations of the five seeds of the specification."""
    runs = [repaired(seed, rate) for seed in SEEDS]
    table = np.array([[getattr(run, name) for name in Seed.__annotations__] for run in runs])
    return Seed(*table.mean(axis=0).tolist()), Seed(*table.std(axis=0, ddof=1).tolist())


def run() -> str:
    """State what was measured beside what the specification found, and the time."""
    if not DATA.is_file():
        return "The binarised Adult file is not beside this checkout; nothing was repaired."
    pot()
    repaired(0, "selection-rate")
    lines = [
        "32,561 people, 16 binary columns, five splits (60 % to repair on, 20 % for the model, "
        "20 % to measure on); gaps are the moved group minus the other, held out, mean ± "
        "standard deviation. Rival: the prototype of the specification, itself 7 to 28 times "
        "faster than the published code.",
        "",
        "| equal | before | left | rival left | held | accuracy in the group | rival | distance | "
        "processor time | bound | held |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for rate, spec in SPEC.items():
        mean, sd = summary(rate)
        near = abs(mean.after - spec.gap) <= 2.0 * spec.sd
        lines.append(
            f"| {rate} | {mean.before:+.4f} | {mean.after:+.4f} ± {sd.after:.4f} | "
            f"{spec.gap:+.4f} ± {spec.sd:.4f} | {'yes' if near else 'no'} | {mean.accuracy:.3f} | "
            f"{spec.accuracy:.3f} | {mean.distance:.2f} | {mean.seconds:.2f} s | 3 s | "
            f"{'yes' if mean.seconds < 3.0 else 'no'} |"
        )
    return "\n".join([*lines, "", _continuous()])


def _continuous() -> str:
    """10,000 different inputs, each of them moved one by one."""
    rng = np.random.default_rng(0)
    parts = [_people(rng, 25_000), _people(rng, 10_000)]
    columns = tuple(Column(f"c{i}", "numeric", slot=i) for i in range(16))
    problem = Problem(parts[0], parts[1], columns, ("a", "b"), predict=_model)
    n = int((parts[0].group == 1).sum())
    started = time.process_time()
    method = Counterfactual(equal="selection-rate", close=(1.0,), inputs=12_000)
    method.fit(problem, Context())
    seconds = time.process_time() - started
    return (
        f"{n:,} different inputs of 16 numbers, calibrated stop: {seconds:.1f} s of one core, "
        f"wanted under 30 s: {'yes' if seconds < 30.0 else 'no'}."
    )


def _model(part: Part) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-part.x[:, :3].astype(np.float64).sum(axis=1))))


def _people(rng: np.random.Generator, n: int) -> Part:
    group = (rng.random(n) < 0.4).astype(np.int32)
    x = rng.normal(size=(n, 16)).astype(np.float32)
    x[:, 0] -= 0.8 * group
    keys = rng.integers(0, 2**63, n, dtype=np.uint64)
    bare = Part(x=x, group=group, row_key=keys)
    y = (rng.random(n) < _model(bare)).astype(np.int8)
    return Part(x=x, group=group, row_key=keys, y=y, score=_model(bare))


if __name__ == "__main__":
    print(run())
