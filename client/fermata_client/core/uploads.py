"""Recordings to sing after: announced to Fermata, then sent to the store by a form, without the key."""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fermata_client.core.calls import network_error, value
from fermata_client.core.connection import multipart
from fermata_client.core.context import Context
from fermata_client.core.flow import Flow, LostError, Pause, Request, do, send
from fermata_client.errors import FermataError, SettingsError, UploadError
from fermata_client.models.reference import Reference

KINDS: Final = {".mp3": "audio/mpeg", ".wav": "audio/wav", ".flac": "audio/flac"}
"""The content types of recordings, by the ending of the file's name."""


def upload_reference(
    context: Context, path: str | os.PathLike[str], content_type: str | None = None
) -> Flow[Reference]:
    """Upload a recording (MP3, WAV or FLAC) and return its id, for `reference={"id": ...}` of any number of orders.

    Without `content_type` the ending of the name says it. Raises `SettingsError` for another ending, `OSError` for a
    file that cannot be read, and `UploadError` where the store does not take it. Nothing is paid.
    """
    file = Path(path)
    kind = content_type or KINDS.get(file.suffix.lower())
    if kind is None:
        known = ", ".join(KINDS)
        raise SettingsError(f"expected a file that ends with {known}, found {file.name!r}; or pass content_type")
    content = yield from do(file.read_bytes)
    offer = context.request("POST", "references", body={"content_type": kind, "bytes": len(content)})
    reference = yield from value(context, offer, Reference)
    headers, body = multipart(reference.upload.fields, content, kind)
    yield from _sent(context, Request("POST", reference.upload.url, headers, body))
    return reference


def _sent(context: Context, form: Request) -> Flow[None]:
    """Send the form until it is taken. The same bytes under the same name do no harm twice."""
    failures = 0
    while True:
        try:
            response = yield from send(form)
        except LostError as lost:
            error: FermataError = network_error(lost)
            is_over = lost.bad_certificate
        else:
            if response.status < HTTPStatus.MULTIPLE_CHOICES:
                return
            error = UploadError(f"the store answered {response.status}; upload the recording again")
            is_over = response.status < HTTPStatus.INTERNAL_SERVER_ERROR
        failures += 1
        pause_s = None if is_over else context.retries.pause_s(failures, None, context.clock.chance)
        if pause_s is None:
            raise error
        yield Pause(pause_s)
