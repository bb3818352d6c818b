"""Data intake: every accepted format becomes one canonical table and one profile.

Importing this package loads nothing heavy: formats are dotted names resolved on use.
"""

from __future__ import annotations

REGISTRY: dict[str, str] = {
    "csv": "auditapp.datasets.delimited:read",
    "parquet": "auditapp.datasets.parquet:read",
}
