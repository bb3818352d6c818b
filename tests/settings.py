"""Settings under test: pytest-django reads them before conftest.py, so the folder is set here."""

import atexit
import os
import shutil
import tempfile

# A folder for each process: pytest-xdist's workers would inherit the first one's.
if "PYTEST_XDIST_WORKER" in os.environ or "DATA_DIR" not in os.environ:
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="evenhand-test-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

from auditapp.settings import *  # noqa: F403
from auditapp.settings import DATA_DIR, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Pages render without collectstatic; the browser tests run the collected files.
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# No Redis under test; what is shared is tested in test_cache.py.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
