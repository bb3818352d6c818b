"""Evenhand: who is treated differently, how sure that is, and what a remedy would cost."""

__version__ = "1.0.0"
