"""Checks before anything starts; each names its cause and what to do."""
