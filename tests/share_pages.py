"""Links and copies that tests of pages need."""

from __future__ import annotations

import json
import uuid
from typing import Any

from auditapp import storage
from auditapp.models import Report, SharedCopy, ShareLink, State, User
from auditapp.services.shares import share_create

DOCUMENT: dict[str, Any] = {
    "id": "EH-2026-0001",
    "hash": "ab" * 32,
    "status": "Draft",
    "version": "1.0.0",
    "simulated": True,
    "sections": [
        {"slug": "cover", "number": 0, "title": "Cover", "lede": None, "blocks": []},
        {"slug": "answer", "number": 1, "title": "The answer", "lede": None, "blocks": []},
    ],
}


def make_share(report: Report, user: User, **fields: Any) -> tuple[ShareLink, str]:
    """A link for 30 days, and its token."""
    return share_create(report=report, user=user, **{"days": 30, **fields})


def make_copy(report: Report, smallest: int = 10, title: str = "The copy") -> SharedCopy:
    """A copy that is made, with files."""
    key = uuid.uuid4()
    path = storage.folder_of("reports", key)
    folder = storage.absolute(path)
    folder.mkdir(parents=True)
    write_files(folder, title=title)
    found, _ = SharedCopy.objects.update_or_create(
        report=report,
        smallest=smallest,
        defaults={"state": State.DONE, "path": path, "result_hash": "cd" * 32,
                  "status": report.status},
    )  # fmt: skip
    return found


def write_files(folder: Any, *, title: str) -> None:
    """The files of a report, or of a copy."""
    sections = [DOCUMENT["sections"][0], {**DOCUMENT["sections"][1], "title": title}]
    (folder / "report.json").write_text(json.dumps({**DOCUMENT, "sections": sections}))
    (folder / "report.pdf").write_bytes(f"%PDF-1.7 {title}".encode())
    (folder / "result.json").write_text(json.dumps({"title": title}))
    (folder / "tables.csv").write_text(f"{title}\n")
