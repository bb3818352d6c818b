"""Every setting, read from the environment; docs/configure.md lists the variables."""

from __future__ import annotations

import re
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from auditapp.environment import broker_url, generated_key, private_folder, runtime_dir, secret
from auditapp.logs import logging_config
from auditapp.reports.language import LANGUAGES as NAMES_OF_LANGUAGES

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

# Where everything is kept
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).expanduser().absolute()
RUN_DIR = runtime_dir(DATA_DIR)
TEMP_DIR = DATA_DIR / "tmp"
private_folder(DATA_DIR)
private_folder(TEMP_DIR)

# Who may reach it
DEBUG = env.bool("DEBUG", default=False)
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=False)
SECRET_KEY = secret(env, "SECRET_KEY") or generated_key(DATA_DIR / "secret.key")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SIGNING_KEY = secret(env, "EVENHAND_SIGNING_KEY")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "auditapp.views.pages.csrf_failure"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=0)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Else failed sign-ins of one person would count against everybody behind the proxy.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Application
INSTALLED_APPS = [
    "auditapp.apps.AuditAppConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_celery_beat",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "auditapp.middleware.private_pages",
    "auditapp.middleware.api_problems",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "auditapp.languages.in_language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "auditapp.urls"
WSGI_APPLICATION = "auditapp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "auditapp.context.frame",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
LANGUAGES = tuple(NAMES_OF_LANGUAGES.items())
LOCALE_PATHS = [BASE_DIR / "auditapp" / "locale"]
FORMAT_MODULE_PATH = ["auditapp.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

# Database
DATABASES = {
    "default": env.db_url_config(
        secret(env, "DATABASE_URL", f"sqlite:///{DATA_DIR / 'evenhand.sqlite3'}")
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE with WAL: the one combination under which several writers never meet "locked".
    # A transaction locks from its first statement, so ATOMIC_REQUESTS must stay off.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        " PRAGMA mmap_size=134217728;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# Sign-in
AUTH_USER_MODEL = "auditapp.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "signin"
LOGIN_REDIRECT_URL = "home"
SIGNIN_LINK_MINUTES = env.int("SIGNIN_LINK_MINUTES", default=15)
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", default=False)
ACCOUNT_ADAPTER = "auditapp.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# Guesses of the current password, by somebody who found an open session.
# The password of a shared link: guesses from one address, and from everywhere.
ACCOUNT_RATE_LIMITS = {
    "change_password": "5/5m/user",
    "reauthenticate": "5/5m/user",
    "shared_password": "10/5m/ip,60/1h/key",
}
ACCOUNT_FORMS = {
    "reset_password": "auditapp.forms.second_step.ResetForm",
    "reset_password_from_key": "auditapp.forms.second_step.NewPasswordForm",
    "reauthenticate": "auditapp.forms.second_step.AgainForm",
}
MFA_ADAPTER = "auditapp.adapter.SecondStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
# Accounts come from the operator or an invitation, so no stranger can claim an address with it.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Evenhand"
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "auditapp.forms.second_step.CodeForm",
    "reauthenticate": "auditapp.forms.second_step.CodeAgainForm",
    "activate_totp": "auditapp.forms.second_step.FirstCodeForm",
}
PASSWORD_RESET_TIMEOUT = 3600
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)
SHARE_DAYS = env.int("SHARE_DAYS", default=30)
SHARE_DAYS_MOST = env.int("SHARE_DAYS_MOST", default=365)
EMAIL_SET = bool(secret(env, "EMAIL_URL"))
vars().update(env.email_url_config(secret(env, "EMAIL_URL", "dummymail://")))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="evenhand@localhost")

# Queue. Without REDIS_URL the supervisor (`manage.py up`) runs a private Redis in RUN_DIR.
EMBEDDED_REDIS = not secret(env, "REDIS_URL")
REDIS_SOCKET = RUN_DIR / "redis.sock"
REDIS_URL = secret(env, "REDIS_URL", f"unix://{REDIS_SOCKET}?db=0")
# Limits on failed sign-ins count across every process of the web server.
CACHES = {
    "default": {
        "BACKEND": "auditapp.cache.SharedCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "evenhand-cache",
    }
}
LEASE_SECONDS = env.int("LEASE_SECONDS", default=20)
AUDIT_TIME_LIMIT = env.int("AUDIT_TIME_LIMIT", default=6 * 3600)
INSPECT_TIME_LIMIT = env.int("INSPECT_TIME_LIMIT", default=1800)
CENSUS_URL = env.str(
    "CENSUS_URL", default="https://www2.census.gov/programs-surveys/acs/data/pums"
)
WORKER_PROCESSES = env.int("WORKER_PROCESSES", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=16)
DEVICE = env.str("EVENHAND_DEVICE", default="auto")
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": AUDIT_TIME_LIMIT + 3600,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_IMPORTS = ("auditapp.tasks",)
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE = {
    "requeue-stale": {
        "task": "auditapp.requeue_stale",
        "schedule": 10.0,
        "options": {"expires": 9},
    },
    "follow-schedules": {
        "task": "auditapp.follow_schedules",
        "schedule": 10.0,
        "options": {"expires": 9},
    },
    "sweep": {"task": "auditapp.sweep", "schedule": 3600.0, "options": {"expires": 3000}},
}

# Schedules: where tables may be fetched from, and alerts be sent to
SOURCE_HOSTS = env.list("SOURCE_HOSTS", default=[])
SOURCE_TIME_LIMIT = env.int("SOURCE_TIME_LIMIT", default=900)
SOURCE_VERSIONS = env.int("SOURCE_VERSIONS", default=12)
TRUSTED_TARGETS = env.list("TRUSTED_TARGETS", default=[])

# Uploads
UPLOAD_LIMIT_BYTES = env.int("UPLOAD_LIMIT_MB", default=4096) * 1024**2
FILE_UPLOAD_HANDLERS = ["auditapp.uploadhandler.DiskUploadHandler"]
FILE_UPLOAD_TEMP_DIR = TEMP_DIR
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FILES = 64  # a Census file of every state, words, and a model
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024**2
DATA_UPLOAD_MAX_NUMBER_FIELDS = 50_000  # a role for each column of a wide table

# The public page that verifies reports
VERIFY_LIMIT_BYTES = env.int("VERIFY_LIMIT_MB", default=32) * 1024**2
VERIFY_REQUESTS_PER_MINUTE = env.int("VERIFY_REQUESTS_PER_MINUTE", default=20)

# What one workspace may hold; 0: no limit
WORKSPACE_DISK_BYTES = env.int("WORKSPACE_DISK_MB", default=0) * 1024**2
WORKSPACE_QUEUE_LIMIT = env.int("WORKSPACE_QUEUE_LIMIT", default=100)

# Programs
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)
API_CHANGES_PER_MINUTE = env.int("API_CHANGES_PER_MINUTE", default=60)

# Logs
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOGGING_CONFIG = None
logging_config(level=LOG_LEVEL, as_json=env.bool("LOG_JSON", default=False))

if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", DEVICE):
    raise ImproperlyConfigured(f"EVENHAND_DEVICE is {DEVICE!r}; write auto, cpu or cuda:0.")
for _name, _value in {
    "UPLOAD_LIMIT_MB": UPLOAD_LIMIT_BYTES,
    "VERIFY_LIMIT_MB": VERIFY_LIMIT_BYTES,
    "VERIFY_REQUESTS_PER_MINUTE": VERIFY_REQUESTS_PER_MINUTE,
    "WORKER_PROCESSES": WORKER_PROCESSES,
    "WEB_THREADS": WEB_THREADS,
    "LEASE_SECONDS": LEASE_SECONDS,
    "API_REQUESTS_PER_MINUTE": API_REQUESTS_PER_MINUTE,
    "API_CHANGES_PER_MINUTE": API_CHANGES_PER_MINUTE,
    "AUDIT_TIME_LIMIT": AUDIT_TIME_LIMIT,
    "SOURCE_TIME_LIMIT": SOURCE_TIME_LIMIT,
    "SOURCE_VERSIONS": SOURCE_VERSIONS,
    "INVITATION_DAYS": INVITATION_DAYS,
    "SHARE_DAYS": SHARE_DAYS,
    "SHARE_DAYS_MOST": SHARE_DAYS_MOST,
}.items():
    if _value <= 0:
        raise ImproperlyConfigured(f"{_name} is {_value}; it must be greater than zero.")
for _name, _value in {
    "WORKSPACE_DISK_MB": WORKSPACE_DISK_BYTES,
    "WORKSPACE_QUEUE_LIMIT": WORKSPACE_QUEUE_LIMIT,
}.items():
    if _value < 0:
        raise ImproperlyConfigured(f"{_name} is {_value}; write 0 for no limit.")
