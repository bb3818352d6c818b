"""Log lines of every process: one format, and nothing secret in them."""

from __future__ import annotations

import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_KEYS = re.compile(r"password|secret|token|authorization|cookie|csrf|session|api_?key", re.I)
SECRET_TEXT = re.compile(
    r"(?P<path>/sign-?in/link/|/password/reset/key/|/invitation/|/shared/)[^/\s\"'?]+"
    r"|(?P<user>://[^:/@\s]*:)[^/@\s]+(?=@)"
    r"|(?P<key>evh_)[\w-]+"
    r"|(?P<bearer>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}"
    # password='...', "token": "...", api_key=...: as a traceback shows arguments and settings
    r"|(?P<name>\b\w*(?:password|passwd|secret|token|api_?key|otpauth)\w*[\"']?\s*[=:]\s*)"
    r"(?:[bf]?'[^'\n]*'|[bf]?\"[^\"\n]*\"|(?![\[\]{}(),\s])[^\s,;)&}\]]+)",
    re.I,
)
HIDDEN = "[hidden]"

Event = MutableMapping[str, Any]


def hide_secrets(_logger: object, _method: str, event: Event) -> Event:
    """Replace values of secret-looking names, tokens in paths and headers, URL passwords."""
    for key, value in event.items():
        event[key] = HIDDEN if SECRET_KEYS.search(key) else _cleaned(value)
    return event


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return SECRET_TEXT.sub(_hidden, value)
    if isinstance(value, dict):
        return {
            name: HIDDEN if SECRET_KEYS.search(str(name)) else _cleaned(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value


def _hidden(match: re.Match[str]) -> str:
    kept = (match[name] for name in ("path", "user", "key", "bearer", "name"))
    return next(text for text in kept if text) + HIDDEN


def logging_config(*, level: str, as_json: bool) -> None:
    """Send structlog's and the standard library's messages through the same steps."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    final = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    # A traceback becomes text before the secrets are looked for: it may carry some as well.
    steps: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [*steps, hide_secrets, final],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "django.db.backends": {"level": "INFO"},
                "celery.worker.strategy": {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                "django_celery_beat": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
