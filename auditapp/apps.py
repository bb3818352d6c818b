"""The one Django application."""

from django.apps import AppConfig


class AuditAppConfig(AppConfig):
    """Registers the checks that run before anything starts, and what the trail listens to."""

    name = "auditapp"
    label = "auditapp"
    verbose_name = "Evenhand"

    def ready(self) -> None:
        """Register system checks and signals."""
        from auditapp import checks, signals  # noqa: F401
