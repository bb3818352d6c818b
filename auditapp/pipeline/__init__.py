"""One audit from frozen plan to stored report; knows no database, no broker and no request."""

from auditapp.pipeline.execute import execute

__all__ = ["execute"]
