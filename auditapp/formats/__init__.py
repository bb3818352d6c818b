"""Formats of each language, as templates use them by themselves."""
