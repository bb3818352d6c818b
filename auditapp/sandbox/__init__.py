"""Work in a child process that can be stopped, and that uploaded files cannot break out of.

``run_child`` starts a fresh interpreter with an empty environment, resource limits and its own
session; with ``isolated=True`` it also has no network, cannot start programs and sees only the
files it was handed. ``isolation`` says what of that this machine enforces.
"""

from auditapp.sandbox.limits import Limits
from auditapp.sandbox.probe import isolation
from auditapp.sandbox.run import run_child

__all__ = ["Limits", "isolation", "run_child"]
