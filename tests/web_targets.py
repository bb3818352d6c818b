"""Servers of our own to fetch from and send to, over HTTP or HTTPS, each answering as told."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """Where it is, and what it was sent."""

    scheme: str
    port: int
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@cache
def certificate() -> tuple[Path, Path]:
    """A certificate for data.example.org that only we know, and its key."""
    folder = Path(mkdtemp(prefix="evenhand-cert-"))
    paths = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=data.example.org", "-addext", "subjectAltName=DNS:data.example.org",
         "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


@contextmanager
def serve(answer: Answer, *, https: bool = False) -> Iterator[Server]:
    """Answer every request by a function until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.note(b"")
            answer(self)

        def do_POST(self) -> None:
            self.note(self.rfile.read(int(self.headers["Content-Length"])))
            answer(self)

        def note(self, body: bytes) -> None:
            server.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    http = Quiet(("127.0.0.1", 0), Handler)
    if https:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate())
        http.socket = context.wrap_socket(http.socket, server_side=True)
    server = Server("https" if https else "http", http.server_address[1])
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.daemon = True
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def says(body: bytes = b"", *, status: int = 200, length: bool = True, **headers: str) -> Answer:
    """Answer with these bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hangs(until: threading.Event, drip: bytes = b"") -> Answer:
    """Answer nothing, or a byte now and then, until the event is set."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if drip:
            handler.send_response(200)
            handler.end_headers()
        while not until.wait(0.05):
            if drip:
                handler.wfile.write(drip)
                handler.wfile.flush()

    return answer
