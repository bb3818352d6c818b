"""A remedy that fine-tunes, for pages that are tested without one."""
