"""Formats of times and ids in answers and events, shared by their models and the OpenAPI document."""

from datetime import datetime
from typing import Annotated, Final, overload

from pydantic import Field

JOB_ID_PATTERN: Final = r"^job_[0-7][0-9A-HJKMNP-TV-Z]{25}$"
REFERENCE_ID_PATTERN: Final = r"^ref_[0-7][0-9A-HJKMNP-TV-Z]{25}$"

JobId = Annotated[str, Field(pattern=JOB_ID_PATTERN)]
ReferenceId = Annotated[str, Field(pattern=REFERENCE_ID_PATTERN)]
Moment = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        json_schema_extra={"format": "date-time", "examples": ["2026-11-21T07:47:55.020Z"]},
    ),
]
"""A time in UTC with milliseconds (RFC 3339), as `rfc3339` formats it."""


@overload
def rfc3339(moment: datetime) -> str: ...


@overload
def rfc3339(moment: datetime | None) -> str | None: ...


def rfc3339(moment: datetime | None) -> str | None:
    """A UTC time as text with milliseconds, or None."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def usd(micro_usd: int) -> str:
    """Millionths of a USD as text in USD, exactly."""
    return f"{micro_usd // 1_000_000}.{micro_usd % 1_000_000:06d}"
