"""The REST API under /api/v1/: thin over selectors and services, one router a resource."""
