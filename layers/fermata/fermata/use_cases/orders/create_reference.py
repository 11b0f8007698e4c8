"""Offer an upload for a reference recording. No record is stored: the id contains the time, and the object key the
tenant.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fermata.domain.catalogue.models import Catalogue
from fermata.domain.orders.job_id import new_reference_id
from fermata.domain.orders.references import OfferedUpload, object_key, usable_until
from fermata.domain.web.json_body import read_body
from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import FieldError, InvalidRequestError
from fermata.ports.audio import ReferenceStore
from fermata.ports.tenants import CallCounts
from fermata.use_cases.accounts.count_calls import count_reference


class UploadRequest(BaseModel):
    """The file that a caller is going to upload: its media type and its exact size."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    content_type: Literal["audio/mpeg", "audio/wav", "audio/flac"]
    """The media type of the file."""
    bytes: WholeNumber = Field(ge=1)
    """The exact size of the file in bytes."""


@dataclass(frozen=True)
class CreateReferencePorts:
    """Ports of `create_reference`. An upload may begin for `upload_ttl_s` seconds."""

    references: ReferenceStore
    catalogue: Catalogue
    upload_ttl_s: int
    counts: CallCounts


def create_reference(
    body: bytes, tenant_id: str, ports: CreateReferencePorts, now: datetime, randomness: bytes
) -> OfferedUpload:
    """A new reference's id, its upload form, and the plan's allowance for the rest of the day. Raises a
    `RequestRefusedError`; that is a `RateLimitedError` if the allowance is used up.
    """
    wanted = read_body(body, UploadRequest)
    most = ports.catalogue.longest_reference_bytes()
    if wanted.bytes > most:
        raise InvalidRequestError([FieldError("/bytes", f"must be at most {most}, got {wanted.bytes}")])
    allowance = count_reference(tenant_id, ports.counts, now)
    if allowance is not None and allowance.exceeded:
        raise allowance.refusal()
    reference_id = new_reference_id(now, randomness)
    key = object_key(tenant_id, reference_id)
    form = ports.references.upload_form(key, wanted.content_type, wanted.bytes, ports.upload_ttl_s)
    upload_until = now + timedelta(seconds=ports.upload_ttl_s)
    return OfferedUpload(reference_id, form.url, form.fields, upload_until, usable_until(reference_id), allowance)
