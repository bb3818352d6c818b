"""ASGI entry, for servers that need one; the views are synchronous."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auditapp.settings")
application = get_asgi_application()
