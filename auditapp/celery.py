"""The Celery application that workers, beat and queue.py share."""

from __future__ import annotations

import os
import warnings

from celery import Celery

# Jobs are ids in JSON, so what this warning is about (pickled jobs run by root) cannot happen.
warnings.filterwarnings("ignore", message="You're running the worker with superuser")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auditapp.settings")

app = Celery("auditapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
