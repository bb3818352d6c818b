"""A file in the body of a request: as one part of a form, or as the body itself."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from auditapp.api.problems import Problem, cut_off
from auditapp.storage import CHUNK

FORM = "multipart/form-data"
RAW = "application/octet-stream"

#: What the OpenAPI document says of the body.
BODY: dict[str, Any] = {
    "required": True,
    "description": "The file: the body itself, streamed to disk as it comes, or the part `file`"
    " of a form.",
    "content": {
        RAW: {"schema": {"type": "string", "format": "binary", "minLength": 1}},
        FORM: {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary", "minLength": 1}},
                "required": ["file"],
            }
        },
    },
}


class Spooled:
    """A body that was written to disk on its way in; like an uploaded file of a form."""

    def __init__(self, path: Path, name: str, size: int, sha256: str) -> None:
        self.name, self.size, self.sha256 = name, size, sha256
        self._path = path

    def temporary_file_path(self) -> str:
        """Where it lies."""
        return str(self._path)

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def received(request: HttpRequest, filename: str | None) -> Iterator[Any]:
    """The uploaded file with its SHA-256; what nobody took is deleted afterwards."""
    if request.content_type == FORM:
        file = request.FILES.get("file")
        if file is None:
            raise Problem(
                422,
                "no-file",
                "The form has no file in its part “file”.",
                "With curl: -F file=@people.csv",
                where="body.file",
            )
        if filename is not None:
            file.name = filename
        try:
            yield file
        finally:
            file.close()
        return
    if filename is None:
        raise Problem(
            422,
            "no-filename",
            "Nothing says what the file is called.",
            "Add filename=people.csv to the address.",
            where="query.filename",
        )
    path, size, sha256 = _spool(request)
    try:
        yield Spooled(path, filename, size, sha256)
    finally:
        path.unlink(missing_ok=True)


def _spool(request: HttpRequest) -> tuple[Path, int, str]:
    """Write the body to disk, hashed; what lies past the limit is read and thrown away."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if "HTTP_TRANSFER_ENCODING" in request.META or not length.isdigit():
        raise Problem(
            411,
            "no-length",
            "The request does not say how long its body is.",
            "Send the header Content-Length.",
        )
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(
        dir=settings.TEMP_DIR, prefix="api-", suffix=".upload", delete=False
    ) as out:
        path = Path(out.name)
        try:
            while chunk := request.read(CHUNK):
                size += len(chunk)
                if size <= settings.UPLOAD_LIMIT_BYTES:
                    digest.update(chunk)
                    out.write(chunk)
            if size != int(length):
                raise cut_off()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return path, size, digest.hexdigest()
