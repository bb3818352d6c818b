"""Two finished audits held against each other: one document, one page, one PDF."""
