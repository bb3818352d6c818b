"""Data sets: uploading, looking at, reading again, deleting."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router, Schema
from pydantic import Field

from auditapp import selectors
from auditapp.api import once, shapes, uploads
from auditapp.api.answers import MAKE, ONE, UPLOAD, answers
from auditapp.api.auth import ADMIN, READ, WRITE
from auditapp.api.paging import PageIn, page
from auditapp.api.words import Body, Name, examples
from auditapp.models import Dataset
from auditapp.services import sources
from auditapp.services import uploads as services

router = Router(tags=["Data sets"])
Json = dict[str, Any]
Encoding = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
Delimiter = Annotated[str, Field(min_length=1, max_length=1, pattern=r"^[^\x00\r\n]$")]
Mark = Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]
Key = Annotated[
    str | None,
    Header(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Made by you, new for every request: the same request sent again with it"
        " within a day is answered, not done again",
    ),
]


class DatasetsOut(Schema):
    """A page of data sets."""

    items: list[shapes.DatasetOut]
    next: str | None = Field(description="Cursor of the next page; null on the last")


class DatasetsIn(PageIn):
    """Which data sets."""

    series: UUID | None = Field(None, description="Versions of one table only")


class FileIn(Schema):
    """What goes with an uploaded file."""

    filename: Name | None = Field(
        None, description="Name of the file; needed where the body is the file itself"
    )
    name: Name | None = Field(None, description="What lists call it; the file's name if not given")


class TableIn(FileIn):
    """How an uploaded table is to be read."""

    delimiter: Delimiter | None = Field(None, description="Detected if not given")
    encoding: Encoding | None = Field(None, description="Detected if not given")
    header: bool | None = Field(None, description="Whether the first row holds names")
    quotes: bool = Field(True, description="Whether quotes hold text with delimiters in it")
    missing: list[Mark] | None = Field(
        None, max_length=50, description="Cells that stand for a blank; repeat it for several"
    )

    def options(self) -> Json:
        """As `ReadOptions` has them."""
        given = {
            "delimiter": self.delimiter,
            "encoding": self.encoding,
            "header": self.header,
            "quote": None if self.quotes else "",
            "missing": self.missing,
        }
        return {name: value for name, value in given.items() if value is not None}


class ReadingIn(Body):
    """How a table is to be read instead; null means detect."""

    model_config = examples(delimiter=";", header=True)

    delimiter: Delimiter | None = None
    encoding: Encoding | None = None
    header: bool | None = None
    quotes: bool = True
    missing: Annotated[list[Mark], Field(max_length=50)] | None = None

    def options(self) -> Json:
        """As `ReadOptions` has them."""
        return {
            "delimiter": self.delimiter,
            "encoding": self.encoding,
            "header": self.header,
            "quote": None if self.quotes else "",
            "missing": self.missing,
        }


def get(request: HttpRequest, key: UUID, *, edit: bool = False) -> Dataset:
    """A data set of the token's workspace."""
    workspace = request.auth.workspace
    return selectors.dataset_get(user=request.user, id=key, edit=edit, workspace=workspace)


@router.get("/datasets", auth=READ, response=answers({200: DatasetsOut}), summary="List data sets")
def datasets_list(request: HttpRequest, asked: Query[DatasetsIn]) -> Json:
    """Newest first."""
    rows = selectors.datasets_for(user=request.user, workspace=request.auth.workspace)
    if asked.series is not None:
        rows = rows.filter(series=asked.series)
    items, cursor = page(rows.defer("profile"), asked)
    return {"items": [shapes.dataset(row) for row in items], "next": cursor}


@router.post(
    "/datasets",
    auth=WRITE,
    response=answers({201: shapes.DatasetOut}, *UPLOAD),
    summary="Upload a data set",
    openapi_extra={"requestBody": uploads.BODY},
)
def dataset_upload(
    request: HttpRequest, asked: Query[TableIn], idempotency_key: Key = None
) -> HttpResponse:
    """CSV (also gz or zip) or Parquet, streamed to disk.

    A worker then checks it: ask for it until its state is `ready` or `refused`.
    """

    def make() -> Json:
        return shapes.dataset(
            services.dataset_receive(
                workspace=request.auth.workspace,
                user=request.user,
                file=file,
                name=asked.name or "",
                read_options=asked.options(),
            )
        )

    with uploads.received(request, asked.filename) as file:
        return once.answer(request, idempotency_key, make, shapes.DatasetOut, digest=file.sha256)


@router.get(
    "/datasets/{uuid:dataset_id}",
    auth=READ,
    response=answers({200: shapes.DatasetDetailOut}, *ONE),
    summary="Look at a data set",
)
def dataset_get(request: HttpRequest, dataset_id: UUID) -> Json:
    """Its state, and once it is ready its columns."""
    return shapes.dataset_detail(get(request, dataset_id))


@router.post(
    "/datasets/{uuid:dataset_id}/versions",
    auth=WRITE,
    response=answers({201: shapes.DatasetOut}, *ONE, *UPLOAD),
    summary="Upload a new version",
    openapi_extra={"requestBody": uploads.BODY},
)
def dataset_version(
    request: HttpRequest,
    dataset_id: UUID,
    asked: Query[FileIn],
    idempotency_key: Key = None,
) -> HttpResponse:
    """A newer state of the same table, read in the same way; schedules audit the newest."""
    before = get(request, dataset_id, edit=True)

    def make() -> Json:
        return shapes.dataset(
            sources.version_receive(of=before, user=request.user, file=file, name=asked.name or "")
        )

    with uploads.received(request, asked.filename) as file:
        return once.answer(request, idempotency_key, make, shapes.DatasetOut, digest=file.sha256)


@router.post(
    "/datasets/{uuid:dataset_id}/reading",
    auth=WRITE,
    response=answers({200: shapes.DatasetOut}, *ONE, *MAKE),
    summary="Read a data set again",
)
def dataset_read(request: HttpRequest, dataset_id: UUID, body: ReadingIn) -> Json:
    """The same file with other options."""
    row = get(request, dataset_id, edit=True)
    return shapes.dataset(
        services.dataset_reread(dataset=row, options=body.options(), user=request.user)
    )


@router.delete(
    "/datasets/{uuid:dataset_id}",
    auth=ADMIN,
    response=answers({204: None}, *ONE, 409),
    summary="Delete a data set",
)
def dataset_delete(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """With its files; finished audits keep their reports."""
    services.dataset_delete(dataset=get(request, dataset_id, edit=True), user=request.user)
    return HttpResponse(status=204)
