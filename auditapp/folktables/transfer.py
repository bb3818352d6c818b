"""One request to the Census host: its status is looked at, and it may go on in the middle."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from auditapp.errors import AuditError

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Remote:
    """An address, and where in it to begin.

    ``mark`` is the entity tag or date of the file that was begun: where it has changed, the host
    sends all of it.
    """

    url: str
    timeout: float = 30.0
    start: int = 0
    mark: str = ""


@dataclass
class Answer:
    """What the host sends: ``start`` bytes in, of ``total`` (0 where it does not say)."""

    start: int
    total: int
    kind: str
    mark: str
    modified: str | None
    _body: Any

    def chunks(self, size: int) -> Iterator[bytes]:
        """The bytes, as they come; a broken connection ends them."""
        while True:
            try:
                chunk = self._body.read(size)
            except (OSError, http.client.HTTPException):
                return
            if not chunk:
                return
            yield chunk


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follow redirects on one host only, and never to a scheme without encryption."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        """Refuse another host."""
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.hostname != new.hostname or new.scheme not in {old.scheme, "https"}:
            fp.close()
            raise AuditError(
                "census-status",
                f"The Census host sends to another address: {new.hostname}.",
                "Load the file in a browser and upload it.",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def fetch(remote: Remote, *, head: bool = False) -> Iterator[Answer]:
    """Ask for an address.

    Raises
    ------
    AuditError
        ``no-census-host``, ``census-no-file`` or ``census-status``.
    """
    headers = {"User-Agent": "Evenhand", "Accept-Encoding": "identity"}
    if remote.start:
        headers |= {"Range": f"bytes={remote.start}-", "If-Range": remote.mark}
    request = urllib.request.Request(remote.url, headers=headers, method="HEAD" if head else "GET")
    if urlsplit(remote.url).scheme not in {"http", "https"}:
        raise _no_host(remote, "the address is neither http nor https")
    try:
        response = urllib.request.build_opener(_SameHost()).open(request, timeout=remote.timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and remote.start:
            # More is here than the host has: begin anew.
            with fetch(Remote(remote.url, remote.timeout)) as answer:
                yield answer
            return
        raise _status(remote, error.code) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _no_host(remote, str(getattr(error, "reason", error))) from error
    with response:
        yield _answer(response, remote)


def _answer(response: Any, remote: Remote) -> Answer:
    found = response.headers
    length = str(found.get("Content-Length") or "")
    total, start = int(length) if length.isdigit() else 0, 0
    part = _RANGE.match(str(found.get("Content-Range") or ""))
    if response.status == 206:
        if part is None or int(part[1]) != remote.start:
            raise _status(remote, 206)
        start = remote.start
        total = int(part[2]) if part[2].isdigit() else start + total
    tag = str(found.get("ETag") or "")
    modified = found.get("Last-Modified")
    # A weak tag does not promise the same bytes.
    mark = tag if tag and not tag.startswith("W/") else str(modified or "")
    kind = str(found.get("Content-Type") or "").lower()
    return Answer(start, total, kind, mark, modified, response)


def _no_host(remote: Remote, why: str) -> AuditError:
    return AuditError(
        "no-census-host",
        f"The Census host {urlsplit(remote.url).hostname or remote.url} cannot be reached from "
        "here.",
        "Load the file on a machine with access to it, and upload it or name it to the audit.",
        found=why[:200],
        permanent=False,
    )


def _status(remote: Remote, status: int) -> AuditError:
    name = remote.url.rsplit("/", 1)[-1]
    if status in {404, 410}:
        return AuditError(
            "census-no-file",
            f"The Census host has no file {name} for this year.",
            "Look at the state, the year and the horizon; the newest year comes out in autumn.",
            where=remote.url,
            found=f"status {status}",
        )
    return AuditError(
        "census-status",
        f"The Census host answered with status {status} instead of {name}.",
        "Try again later.",
        where=remote.url,
        found=f"status {status}",
        permanent=False,
    )
