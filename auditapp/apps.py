"""The one Django application."""

from django.apps import AppConfig


class AuditAppConfig(AppConfig):
    """Registers the checks that run before anything starts."""

    name = "auditapp"
    label = "auditapp"
    verbose_name = "Evenhand"

    def ready(self) -> None:
        """Register system checks."""
        from auditapp import checks  # noqa: F401
