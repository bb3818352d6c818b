"""Uploaded files go to disk while they arrive, hashed, and never past the size limit."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler


class DiskUploadHandler(TemporaryFileUploadHandler):
    """Write to TEMP_DIR; what lies past the limit is counted and thrown away.

    The request is read to its end even then, since a browser shows its own network error when
    the connection closes early, and nobody reads ours.
    """

    #: Bytes of all files of the request: a table and a model may both be as large as allowed.
    total = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Open the temporary file; nothing of someone who is not signed in reaches the disk.

        Looking for the form's token reads the whole request, before any view can refuse it.
        """
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            raise SkipFile
        super().new_file(*args, **kwargs)
        self.received = 0
        self.digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keep a chunk that is within the limit."""
        self.received += len(raw_data)
        self.total += len(raw_data)
        limit = settings.UPLOAD_LIMIT_BYTES
        if self.received <= limit and self.total <= 2 * limit:
            self.digest.update(raw_data)
            self.file.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """Say how much came, and its SHA-256, beside the file."""
        file = super().file_complete(file_size)
        if file is not None:
            limit = settings.UPLOAD_LIMIT_BYTES
            # What was cut because others came before it is as good as too large.
            cut = self.total > 2 * limit
            file.size = max(self.received, limit + 1) if cut else self.received
            file.sha256 = self.digest.hexdigest()
        return file
