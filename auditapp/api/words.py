"""Types of request fields: strict, and free of what no database takes."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

#: A text without NUL, which PostgreSQL refuses.
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Names = Annotated[list[Name], Field(max_length=5000)]
Cursor = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]
#: A number as JSON knows it: no NaN, and true is none.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
#: JSON has no type for ids, so a text is taken for one even where types are strict.
Id = Annotated[UUID, Field(strict=False)]


class Body(Schema):
    """A request body: unknown fields and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def examples(**fields: Any) -> ConfigDict:
    """Configuration of a body with what its documentation shows."""
    return ConfigDict(json_schema_extra={"examples": [fields]})
