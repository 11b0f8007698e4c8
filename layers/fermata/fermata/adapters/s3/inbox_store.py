"""The inbox in S3: tenants put files under `requests/`, and Fermata writes under `results/` and `manifests/`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Final

from pydantic import JsonValue

from fermata.adapters.aws_errors import NO_SUCH_KEY, aws_errors
from fermata.domain.triggers.inbox import InboxFile
from fermata.errors import NotFoundError
from fermata.ports.triggers import Spool
from fermata.scratch import disk, spooled_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READ_BYTES: Final = 1024 * 1024
_IN_MEMORY_BYTES: Final = 1024 * 1024
_NOT_READ: Final = "the inbox could not be read"
_GONE: Final = (NO_SUCH_KEY, "NoSuchVersion", "MethodNotAllowed", "404", "405")
"""S3's codes for a deleted version; the third and the last stand for a delete marker."""


class S3InboxStore:
    """`InboxStore` over one versioned bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def open(self, file: InboxFile) -> Iterator[bytes]:
        """The bytes of one version in chunks; raises `NotFoundError` where it was deleted, `TransientError`."""
        with aws_errors(_NOT_READ, means=_gone()):
            stored = self._client.get_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id)
            yield from stored["Body"].iter_chunks(_READ_BYTES)

    def read(self, file: InboxFile, start: int, length: int) -> bytes:
        """`length` bytes of one version from `start` on; raises as `open` does."""
        span = f"bytes={start}-{start + length - 1}"
        with aws_errors(_NOT_READ, means=_gone()):
            stored = self._client.get_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id, Range=span)
            return stored["Body"].read()

    def put_at(self, file: InboxFile) -> datetime:
        """The time of upload of one version, to the second; raises as `open` does."""
        with aws_errors(_NOT_READ, means=_gone()):
            stored = self._client.head_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id)
            return stored["LastModified"]

    def find(self, key: str) -> bytes | None:
        """The content of an object that Fermata wrote, or None; raises `TransientError`."""
        with aws_errors(_NOT_READ, NO_SUCH_KEY, means=_gone()):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return None

    def put(self, key: str, document: Mapping[str, JsonValue]) -> None:
        """Write one JSON document; raises `TransientError`."""
        self._put(key, json.dumps(document, indent=1).encode())

    @contextmanager
    def spool(self, key: str) -> Iterator[Spool]:
        """A file on disk that becomes the object when the block ends, in one request; an empty one is not sent."""
        with spooled_file(disk(), _IN_MEMORY_BYTES) as file:
            yield file
            if file.tell():
                file.seek(0)
                self._put(key, file)

    def names(self, prefix: str) -> Iterator[str]:
        """The keys of the objects under a prefix, a thousand per request; raises `TransientError`."""
        with aws_errors("the inbox could not be listed"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (found["Key"] for found in page.get("Contents", []))

    def _put(self, key: str, body: bytes | IO[bytes]) -> None:
        with aws_errors("the inbox could not be written"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")


def _gone() -> dict[str, NotFoundError]:
    return dict.fromkeys(_GONE, NotFoundError("this version of the file is not there any more"))
