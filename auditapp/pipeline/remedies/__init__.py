"""Remedies of one audit: what each is given, what it found, and how it is measured."""

from auditapp.pipeline.remedies.run import remedies

__all__ = ["remedies"]
