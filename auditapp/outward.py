"""Requests to addresses that users wrote down: public hosts over HTTPS, within time and size.

A name is resolved once, every address it has is checked, and the connection goes to that very
address, so that a name cannot lead elsewhere between check and use. Every redirect is checked
anew.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from auditapp.errors import AuditError

AGENT = "Evenhand"
REDIRECTS = (301, 302, 303, 307, 308)
#: One wait for the other side; all of them together end at the deadline.
PATIENCE = 15.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """Where a request goes."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{name}:{self.port}"

    @property
    def trusted(self) -> bool:
        """Whether the operator named this origin, so that it may be a private one."""
        return self.origin in {_origin(item) for item in settings.TRUSTED_TARGETS}


def target_of(url: str) -> Target:
    """Take an address apart.

    Raises
    ------
    AuditError
        ``bad-url`` or ``not-https``.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        host = host if ":" in host else host.encode("idna").decode("ascii")
    except ValueError as error:
        raise _bad_url() from error
    if not host or not url.isascii() or any(c.isspace() or ord(c) < 32 for c in url):
        raise _bad_url()
    if parts.username is not None or parts.password is not None:
        raise AuditError(
            "bad-url",
            "The address holds a user name or a password.",
            "Use an address that is signed by its own query, or one that needs no password.",
            where="url",
        )
    default = 443 if parts.scheme == "https" else 80
    path = parts.path or "/"
    target = Target(
        parts.scheme,
        host.lower(),
        port or default,
        f"{path}?{parts.query}" if parts.query else path,
    )
    if target.scheme != "https" and not (target.scheme == "http" and target.trusted):
        raise AuditError(
            "not-https",
            f"The address begins with “{parts.scheme}:”.",
            "Use an address that begins with https://.",
            where="url",
        )
    return target


def shown(url: str) -> str:
    """An address without its query, which may hold a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def resolve(target: Target) -> list[str]:
    """Every address of a host; tests replace this."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def tls() -> ssl.SSLContext:
    """Certificates are checked against those of the machine; tests replace this."""
    return ssl.create_default_context()


def is_public(address: str) -> bool:
    """Whether an address belongs to the open internet, also when it stands inside another."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None or ip in _NAT64:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def check(url: str, *, allowed: Callable[[str], bool] | None = None) -> Target:
    """Refuse what would be refused before any byte is sent, the name's addresses aside."""
    target = target_of(url)
    if allowed is not None and not target.trusted and not allowed(target.host):
        raise AuditError(
            "host-not-allowed",
            f"Data may not be fetched from “{target.host}”.",
            "Ask the person who runs this installation to name the host in SOURCE_HOSTS.",
            where="url",
        )
    return target


def address_of(target: Target) -> str:
    """One address of the host, after all of them were found to be public.

    Raises
    ------
    AuditError
        ``no-such-host`` or ``private-address``.
    """
    try:
        found = resolve(target)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise AuditError(
            "no-such-host",
            f"The host “{target.host}” was not found.",
            "Check the name; it may also be a passing fault of the name service.",
            permanent=False,
        )
    if not target.trusted and not all(is_public(address) for address in found):
        raise AuditError(
            "private-address",
            f"“{target.host}” leads to an address inside a private network.",
            "Use a public host, or ask the person who runs this installation to name the origin"
            " in TRUSTED_TARGETS.",
        )
    return found[0]


@contextmanager
def request(
    method: str,
    url: str,
    *,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    redirects: int = 0,
    allowed: Callable[[str], bool] | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """Send one request; the answer may be read until `seconds` are over.

    Raises
    ------
    AuditError
        ``bad-url``, ``not-https``, ``host-not-allowed``, ``no-such-host``, ``private-address``,
        ``unreachable``, ``too-slow`` or ``too-many-redirects``.
    """
    end = time.monotonic() + seconds
    for _ in range(redirects + 1):
        target = check(url, allowed=allowed)
        address = address_of(target)
        with _exchange(method, target, address, end, headers or {}, body) as answer:
            place = answer.headers.get("Location")
            if redirects == 0 or answer.status not in REDIRECTS or place is None:
                yield answer
                return
            url = urljoin(url, place)
    raise AuditError(
        "too-many-redirects",
        f"The address leads on more than {redirects} times.",
        "Use the address that it ends at.",
    )


@contextmanager
def _exchange(
    method: str,
    target: Target,
    address: str,
    end: float,
    headers: Mapping[str, str],
    body: bytes | None,
) -> Iterator[http.client.HTTPResponse]:
    connection = _Pinned(target, address, timeout=_left(end))
    watchdog = threading.Timer(_left(end), connection.cut)
    watchdog.daemon = True
    watchdog.start()
    answer: http.client.HTTPResponse | None = None
    try:
        sent = {"User-Agent": AGENT, "Accept-Encoding": "identity", "Connection": "close"}
        connection.request(method, target.path, body=body, headers={**sent, **headers})
        answer = connection.getresponse()
        yield answer
    except (OSError, http.client.HTTPException) as error:
        if time.monotonic() >= end or isinstance(error, TimeoutError):
            raise AuditError(
                "too-slow",
                f"“{target.host}” did not answer in time.",
                "Try again later, or use a faster source.",
                permanent=False,
            ) from error
        what = "has no valid certificate" if isinstance(error, ssl.SSLError) else "broke off"
        if isinstance(error, ConnectionRefusedError):
            what = "refused the connection"
        raise AuditError(
            "unreachable",
            f"“{target.host}” {what}.",
            "Check the address in a browser, and the server behind it.",
            found=type(error).__name__,
            permanent=False,
        ) from error
    finally:
        watchdog.cancel()
        if answer is not None:
            answer.close()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was checked, in the name of its host."""

    def __init__(self, target: Target, address: str, *, timeout: float) -> None:
        super().__init__(target.host, target.port, timeout=min(timeout, PATIENCE))
        self._target = target
        self._address = address
        # The connection forgets its socket as soon as the answer has begun.
        self._opened: Any = None

    def connect(self) -> None:
        """Open the connection, with TLS where the address says so."""
        self.sock: Any = socket.create_connection((self._address, self.port), self.timeout)
        self._opened = self.sock
        if self._target.scheme == "https":
            self.sock = tls().wrap_socket(self.sock, server_hostname=self._target.host)
        self._opened = self.sock

    def cut(self) -> None:
        """End whatever is going on, from another thread."""
        if self._opened is not None:
            with suppress(OSError):
                self._opened.shutdown(socket.SHUT_RDWR)


def _left(end: float) -> float:
    return max(end - time.monotonic(), 0.01)


def _origin(text: str) -> str:
    parts = urlsplit(text)
    port = parts.port if parts.port is not None else 443 if parts.scheme == "https" else 80
    name = parts.hostname if parts.hostname is not None else ""
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def _bad_url() -> AuditError:
    return AuditError(
        "bad-url",
        "This is no web address.",
        "Write it whole, such as https://data.example.org/people.csv.",
        where="url",
    )
