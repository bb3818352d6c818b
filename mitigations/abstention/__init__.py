"""Abstention without harm: who is decided by the model and who by a person."""

from mitigations.abstention.method import Abstention

__all__ = ["Abstention"]
