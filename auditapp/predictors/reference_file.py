"""A reference model as plain JSON: written beside the rules that cut its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditapp.errors import AuditError

if TYPE_CHECKING:
    from auditapp.predictors.reference import Fitted

SCHEMA = "evenhand/reference-model/1"
#: As the design of the linear model clips far outliers.
CLIP = 50.0

Json = dict[str, Any]
Floats = NDArray[np.float64]


def to_json(fitted: Fitted) -> Json:
    """Write a trained model down: coefficients, or the nodes of its trees."""
    names = [column.name for column in fitted.columns]
    if fitted.info["estimator"] == "boosting":
        return {"schema": SCHEMA, "kind": "trees", "columns": names, **_trees(fitted)}
    return {"schema": SCHEMA, "kind": "linear", "columns": names, **_linear(fitted)}


def _linear(fitted: Fitted) -> Json:
    weights = fitted.model.coef_[0]
    terms: list[Json] = []
    place = 0
    for column in fitted.columns:
        if column.codes is not None:
            width = column.levels + 2
            terms.append({"levels": weights[place : place + width].tolist()})
            place += width
            continue
        values = np.asarray(column.values)
        blank = ~np.isfinite(values)
        known = values[fitted.train & ~blank]
        flag = bool((blank & fitted.train).any())
        sd = float(known.std()) if known.size else 1.0
        terms.append(
            {
                "mean": float(known.mean()) if known.size else 0.0,
                "sd": sd if sd > 0 else 1.0,
                "slope": float(weights[place]),
                "blank": float(weights[place + 1]) if flag else 0.0,
            }
        )
        place += 2 if flag else 1
    return {"intercept": float(fitted.model.intercept_[0]), "terms": terms}


def _trees(fitted: Fitted) -> Json:
    """The nodes of every tree, features numbered as the model orders them."""
    model = fitted.model
    order, categories, blanks = list(range(len(fitted.columns))), {}, {}
    if model._preprocessor is not None:
        inside = model._preprocessor
        codes = [j for j, column in enumerate(fitted.columns) if column.codes is not None]
        numbers = [j for j in order if j not in codes]
        order = codes + numbers
        found = inside.named_transformers_["encoder"].categories_
        categories = {str(j): known.tolist() for j, known in zip(codes, found, strict=True)}
        blanks = {str(j): fitted.columns[j].levels + 1 for j in codes}
    trees = []
    for (tree,) in model._predictors:
        nodes = tree.nodes
        trees.append(
            {
                "feature": nodes["feature_idx"].tolist(),
                "threshold": [_finite(v) for v in nodes["num_threshold"].tolist()],
                "blank_left": nodes["missing_go_to_left"].astype(bool).tolist(),
                "left": nodes["left"].tolist(),
                "right": nodes["right"].tolist(),
                "leaf": nodes["is_leaf"].astype(bool).tolist(),
                "value": nodes["value"].tolist(),
                "set": [int(row["bitset_idx"]) if row["is_categorical"] else -1 for row in nodes],
                "sets": [_members(bits) for bits in tree.raw_left_cat_bitsets],
            }
        )
    return {
        "order": order,
        "categories": categories,
        "blanks": blanks,
        "base": float(model._baseline_prediction.ravel()[0]),
        "trees": trees,
    }


def _finite(value: float) -> float:
    return value if np.isfinite(value) else 1.7976931348623157e308


def _members(bits: NDArray[np.uint32]) -> list[int]:
    return [i for i in range(32 * len(bits)) if int(bits[i // 32]) >> (i % 32) & 1]


@dataclass(frozen=True)
class Stored:
    """A model read back."""

    state: Mapping[str, Any]

    @classmethod
    def read(cls, state: Any) -> Stored:
        """Check the outer shape of a file.

        Raises
        ------
        AuditError
            It is no such file.
        """
        if not isinstance(state, dict) or state.get("schema") != SCHEMA:
            raise AuditError(
                "not-a-model",
                "The file of the reference model does not hold one.",
                "Keep it beside the rules as the audit wrote them.",
            )
        return cls(state)

    def ask(self, x: NDArray[Any]) -> Floats:
        """Scores of rows, (m, d): numbers and codes in the order of its columns, NaN blank."""
        values = np.asarray(x, dtype=np.float64)
        raw = self._linear(values) if self.state["kind"] == "linear" else self._trees(values)
        # The two halves are those of scipy's expit: neither overflows.
        small = np.exp(-np.abs(raw))
        return np.where(raw >= 0.0, 1.0 / (1.0 + small), small / (1.0 + small))

    def _linear(self, x: Floats) -> Floats:
        out = np.full(len(x), float(self.state["intercept"]))
        for j, term in enumerate(self.state["terms"]):
            blank = ~np.isfinite(x[:, j])
            if "levels" in term:
                weights = np.asarray(term["levels"], dtype=np.float64)
                codes = np.where(blank, len(weights) - 1, x[:, j]).astype(np.int64)
                out += weights[codes]
                continue
            scaled = np.clip((x[:, j] - term["mean"]) / term["sd"], -CLIP, CLIP)
            out += np.where(blank, term["blank"], scaled * term["slope"])
        return out

    def _trees(self, x: Floats) -> Floats:
        columns = []
        for j in self.state["order"]:
            known = self.state["categories"].get(str(j))
            column = x[:, j]
            if known is not None:
                place = {float(code): float(i) for i, code in enumerate(known)}
                blank = float(self.state["blanks"][str(j)])
                coded = np.where(np.isfinite(column), column, blank).tolist()
                column = np.array([place.get(value, np.nan) for value in coded])
            columns.append(column)
        values = np.stack(columns, axis=1) if columns else np.zeros((len(x), 0))
        out = np.full(len(x), float(self.state["base"]))
        for tree in self.state["trees"]:
            out += _leaf_values(tree, values)
        return out


def _leaf_values(tree: Mapping[str, Any], x: Floats) -> Floats:
    leaf = np.asarray(tree["leaf"], dtype=bool)
    feature = np.asarray(tree["feature"], dtype=np.int64)
    threshold = np.asarray(tree["threshold"], dtype=np.float64)
    blank_left = np.asarray(tree["blank_left"], dtype=bool)
    left = np.asarray(tree["left"], dtype=np.int64)
    right = np.asarray(tree["right"], dtype=np.int64)
    which = np.asarray(tree["set"], dtype=np.int64)
    sets = np.zeros((max(len(tree["sets"]), 1), 256), dtype=bool)
    for i, members in enumerate(tree["sets"]):
        sets[i, members] = True
    at = np.zeros(len(x), dtype=np.int64)
    going = ~leaf[at]
    while going.any():
        rows = np.flatnonzero(going)
        node = at[rows]
        value = x[rows, feature[node]]
        blank = ~np.isfinite(value)
        code = np.clip(np.where(blank, 0.0, value), 0, 255).astype(np.int64)
        member = sets[np.maximum(which[node], 0), code]
        goes_left = np.where(which[node] >= 0, member, value <= threshold[node])
        goes_left = np.where(blank, blank_left[node], goes_left)
        at[rows] = np.where(goes_left, left[node], right[node])
        going = ~leaf[at]
    return np.asarray(tree["value"], dtype=np.float64)[at]
