"""Hostile code and files, small and real, that the sandbox and the loaders must survive."""
