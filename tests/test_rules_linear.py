"""Linear rules: the same number as the encoder's, and the same decisions in onnxruntime."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mitigations.contract import Part
from mitigations.encode import Encoder
from mitigations.rules import decide, uniforms
from mitigations.rules.graph import dyadic
from mitigations.rules.linear import Linear, LinearByGroup
from tests import problems
from tests.test_mitigations_contract import run_graph


def rows(n: int = 5000) -> Part:
    """With blanks, infinities, and codes never seen while fitting."""
    part = problems.audit(n, groups=3)
    x = part.x.copy()
    rng = np.random.default_rng(0)
    x[rng.random(n) < 0.1, 0] = np.nan
    x[rng.random(n) < 0.01, 1] = np.inf
    x[rng.random(n) < 0.1, 2] = 17
    x[rng.random(n) < 0.1, 2] = np.nan
    group = part.group.copy()
    group[::11] = -1
    return replace(part, x=x, group=group)


def rule(models: int = 3, *, by_group: bool = False) -> Linear:
    given = problems.problem(500)
    x = given.train.x.copy()
    x[:5, 0] = np.nan
    encoder = Encoder.fit(given.columns, x)
    rng = np.random.default_rng(1)
    facts = {
        "encoder": encoder,
        "weights": tuple(map(tuple, rng.normal(size=(models, encoder.width)).tolist())),
        "intercepts": tuple(rng.normal(size=models).tolist()),
        "shares": tuple(dyadic(rng.dirichlet(np.ones(models))).tolist()),
    }
    if by_group:
        return LinearByGroup(**facts, groups=("a", "b", "c"), offsets=(0.1, -0.7, 0.3))
    return Linear(**facts)


def test_margins_are_those_of_the_encoded_rows() -> None:
    given, part = rule(), rows()
    wanted = given.encoder.transform(part.x) @ np.array(given.weights).T + given.intercepts
    np.testing.assert_allclose(given.margins(part), wanted, atol=1e-12)
    sparse = given.encoder.sparse(part.x)
    np.testing.assert_array_equal(sparse.toarray(), given.encoder.transform(part.x))


@pytest.mark.parametrize("by_group", [False, True])
@pytest.mark.parametrize("models", [1, 3, 12])
def test_the_graph_decides_as_the_rule_does(models: int, by_group: bool) -> None:
    given, part = rule(models, by_group=by_group), rows()
    u = uniforms(given.id, part.row_key)
    np.testing.assert_array_equal(run_graph(given.to_onnx(), part, u), decide(given, part))


def test_offsets_are_added_by_group_and_not_for_unknown_ones() -> None:
    part = rows(100)
    plain, shifted = rule(2), rule(2, by_group=True)
    found = (shifted.margins(part) - plain.margins(part))[:, 0]
    np.testing.assert_allclose(found, np.array([0.1, -0.7, 0.3, 0.0])[part.group], atol=1e-12)


def test_shares_add_up_without_rounding_in_any_order() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        shares = dyadic(rng.dirichlet(np.full(rng.integers(1, 30), 0.1)))
        assert shares.sum() == shares[::-1].sum() == 1.0
        assert rng.permutation(shares).sum() == 1.0 and shares.min() >= 0.0
