"""Decision rules: what a remedy hands over, applied to any row, written as JSON or ONNX.

A rule gives each person the probabilities of {0, 1, abstain}; the decision is drawn by a number
that depends on the rule and the person alone, so the same person always gets the same answer and
no order of rows matters.
"""

from mitigations.rules.base import ABSTAIN, Rule, decide, expected, from_state, uniforms

__all__ = ["ABSTAIN", "Rule", "decide", "expected", "from_state", "uniforms"]
