"""Remedies: each produces decision rules that `metrics` measures; none marks its own work."""

from __future__ import annotations

#: slug -> "module:Class"; resolved on use, so that importing this package costs nothing.
REGISTRY: dict[str, str] = {}
