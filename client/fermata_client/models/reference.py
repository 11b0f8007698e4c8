"""An upload that an order may name as its reference."""

from datetime import datetime

from pydantic import Field

from fermata_client.models.answer import Answer


class UploadForm(Answer):
    """Where the file goes: `fields` first, then the file. Whoever has it may upload, so it is not shown."""

    method: str
    url: str = Field(repr=False)
    fields: dict[str, str] = Field(repr=False)
    expires_at: datetime


class Reference(Answer):
    """A recording: orders may name it as `reference={"id": ...}` until `expires_at`."""

    id: str
    upload: UploadForm
    expires_at: datetime
