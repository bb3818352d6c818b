"""The Celery application that workers, beat and queue.py share."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auditapp.settings")

app = Celery("auditapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
