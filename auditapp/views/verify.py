"""The public page that says whether a report is what this installation wrote, and its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import (
    StopUpload,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from auditapp import rate, signing
from auditapp.errors import AuditError
from auditapp.services import keys, verify

FIELD = "file"
STATUS = {"busy": 503, "too-large": 413}
#: A request is read this many times past the limit before the connection is closed: a browser
#: shows its own network error for a connection that closes early.
PATIENCE = 4


class VerifyUploadHandler(TemporaryFileUploadHandler):
    """Keep one file of anybody's request, up to a small limit, for as long as the request."""

    limit = 0
    received = 0
    taken = keeping = False

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Take the first file of the form's own field; of all others nothing is written.

        Skipping them is no way: it closes the files that came before.
        """
        self.limit = settings.VERIFY_LIMIT_BYTES
        self.keeping = not self.taken and field_name == FIELD
        if self.keeping:
            self.taken = True
            super().new_file(field_name, *args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write what is within the limit, count the rest, and stop listening at last."""
        self.received += len(raw_data)
        if self.received > PATIENCE * self.limit:
            raise StopUpload(connection_reset=True)
        if self.keeping and self.received <= self.limit:
            self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """Say how much came."""
        if not self.keeping:
            return None
        file: UploadedFile = super().file_complete(file_size)
        file.size = self.received
        return file


@csrf_exempt  # for people without a session; nothing is changed and nothing is kept
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_page(request: HttpRequest) -> HttpResponse:
    """Answer a file or a hash; nothing of either is kept."""
    asked = request.method == "POST" or "hash" in request.GET
    if not asked:
        return _page(request)
    wait = rate.seconds_to_wait(
        "verify", rate.address_of(request), settings.VERIFY_REQUESTS_PER_MINUTE
    )
    if wait:
        response = _page(
            request,
            errors=[("", f"There were many questions from your address. Wait {wait} seconds.")],
            status=429,
        )
        response["Retry-After"] = str(wait)
        return response
    if request.method == "POST":
        # Before anything reads the request; the ordinary handler is for those who are signed in.
        request.upload_handlers = [VerifyUploadHandler(request)]
    try:
        return _page(request, answer=_answer(request))
    except AuditError as error:
        where = "hash" if error.code == "bad-hash" else FIELD
        return _page(request, errors=[(where, str(error))], status=STATUS.get(error.code, 400))


@require_safe
def verify_key(request: HttpRequest) -> HttpResponse:
    """The public key as PEM."""
    response = HttpResponse(
        signing.public_pem(keys.public_key()), content_type="application/x-pem-file"
    )
    response["Content-Disposition"] = 'attachment; filename="evenhand-key.pem"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _answer(request: HttpRequest) -> verify.Answer:
    if request.method != "POST":
        return verify.verify_hash(text=request.GET["hash"][:200])
    file = request.FILES.get(FIELD)
    if file is None or not file.size:
        raise AuditError("no-file", "No file was chosen, or it is empty.", "Choose a PDF or JSON.")
    if file.size > settings.VERIFY_LIMIT_BYTES:
        limit = settings.VERIFY_LIMIT_BYTES // 1024**2
        raise AuditError(
            "too-large",
            f"The file has more than {limit} MB, and nothing of it was kept.",
            "Ask for its hash instead.",
        )
    file.flush()
    return verify.verify_file(path=Path(file.temporary_file_path()))


def _page(
    request: HttpRequest,
    *,
    answer: verify.Answer | None = None,
    errors: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "answer": answer,
        "errors": errors if errors is not None else [],
        "wrong": errors[0][0] if errors else "",
        "asked": request.GET.get("hash", "")[:200],
        "limit": settings.VERIFY_LIMIT_BYTES // 1024**2,
        "key": keys.key_name(),
    }
    return render(request, "pages/verify.html", context, status=status)
