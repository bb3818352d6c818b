"""Everything on this machine under one supervisor: Redis, worker, beat, web."""

from __future__ import annotations

import fcntl
import http.client
import os
import socket
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from auditapp import embedded, status
from auditapp.errors import AuditError
from auditapp.models import User
from auditapp.services.accounts import base_url, signin_link_make, signin_link_url
from auditapp.services.demo import DEMO_EMAIL
from auditapp.supervisor import Child, Supervisor


class Command(BaseCommand):
    """``manage.py up``."""

    help = "Start Redis, a worker, the scheduler and the web server; Ctrl-C stops all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument(
            "--demo",
            action="store_true",
            help="make a demo workspace on simulated data, start its first audit, print a"
            " sign-in link for it",
        )
        parser.add_argument(
            "--link", metavar="EMAIL", help="print a sign-in link for this account"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Start, look after, stop."""
        self._check()
        lock = self._lock()
        supervisor = Supervisor(env=_environment(), cwd=settings.BASE_DIR)
        supervisor.listen()
        try:
            self._start(supervisor, options)
            supervisor.run()
        except AuditError as error:
            raise CommandError(str(error)) from error
        finally:
            self.stdout.write("Stopping.")
            supervisor.stop(between={"worker": embedded.set_free})
            connections.close_all()
            lock.close()

    def _start(self, supervisor: Supervisor, options: dict[str, Any]) -> None:
        if settings.EMBEDDED_REDIS:
            supervisor.start(embedded.redis_child())
            if not supervisor.wait(embedded.redis_answers, timeout=60):
                if supervisor.stopping:
                    return
                raise AuditError("redis", "Redis does not answer.", "Read its messages above.")
        # First, since it frees whatever anybody held: the demo inspects its own table.
        supervisor.start(embedded.worker_child())
        demo: Child | None = None
        if options["demo"]:
            demo = embedded.demo_child()
            supervisor.start(demo)
        supervisor.start(embedded.beat_child())
        supervisor.start(embedded.web_child())
        connections.close_all()
        if not supervisor.wait(_web_answers, timeout=60):
            if not supervisor.stopping:
                self.stderr.write("The web server does not answer yet; see the messages above.")
            return
        if demo is not None:
            supervisor.wait(lambda: not demo.running, timeout=120)
            if demo.process is not None and demo.process.returncode:
                self.stderr.write("The demo could not be made; see the messages above.")
        self._say(DEMO_EMAIL if options["demo"] else options["link"])

    def _say(self, email: str | None) -> None:
        self.stdout.write(f"\nEvenhand runs at {base_url()}/")
        user = None if email is None else User.objects.filter(email__iexact=email).first()
        if user is not None:
            link = signin_link_url(token=signin_link_make(user=user))
            minutes = settings.SIGNIN_LINK_MINUTES
            self.stdout.write(f"\nSign in (once, within {minutes} minutes):\n  {link}\n")
        else:
            self.stdout.write("Sign-in link: manage.py signin_link you@example.org --create")
        self.stdout.write("Ctrl-C stops everything; the next start goes on from there.\n")
        self.stdout.flush()

    def _check(self) -> None:
        tables = status.migrations()
        connections.close_all()
        if tables.state != "ok":
            raise CommandError(f"The database is not ready: {tables.detail}. {tables.hint}")
        host, port = settings.HOST, settings.PORT
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    f"Port {port} of {host} cannot be used: {error.strerror}. Another program"
                    " may listen there; choose another port with PORT=8001."
                ) from error

    def _lock(self) -> IO[str]:
        """Two supervisors on one data folder would take each other's work for lost."""
        path = Path(settings.DATA_DIR) / "up.lock"
        lock = path.open("a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise CommandError(
                f"Evenhand runs already on {settings.DATA_DIR} (process {holder}). Stop it first,"
                " or set another DATA_DIR."
            ) from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "PYTHONUNBUFFERED": "1",
    }


def _web_answers() -> bool:
    host, port = embedded.local_address()
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": _known_host()})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _known_host() -> str:
    """A name the web server accepts, so that asking for it leaves no complaint in the log."""
    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    return f"{names[0] if names else 'localhost'}:{settings.PORT}"
