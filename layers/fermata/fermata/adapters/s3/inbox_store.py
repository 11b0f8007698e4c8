"""The inbox in S3: what tenants put under `requests/`, and what is written of it under `results/` and `manifests/`."""

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
"""What S3 says of a version that was deleted; the third and the last, of a marker that stands for a deletion."""


class S3InboxStore:
    """`InboxStore` over one bucket with versions."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def open(self, file: InboxFile) -> Iterator[bytes]:
        """The bytes of one version, in pieces."""
        with aws_errors(_NOT_READ, means=_gone()):
            stored = self._client.get_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id)
            yield from stored["Body"].iter_chunks(_READ_BYTES)

    def read(self, file: InboxFile, start: int, length: int) -> bytes:
        """Some bytes of one version."""
        span = f"bytes={start}-{start + length - 1}"
        with aws_errors(_NOT_READ, means=_gone()):
            stored = self._client.get_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id, Range=span)
            return stored["Body"].read()

    def put_at(self, file: InboxFile) -> datetime:
        """When one version was put in, to the second."""
        with aws_errors(_NOT_READ, means=_gone()):
            stored = self._client.head_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id)
            return stored["LastModified"]

    def find(self, key: str) -> bytes | None:
        """An object that Fermata wrote, or None."""
        with aws_errors(_NOT_READ, NO_SUCH_KEY, means=_gone()):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return None

    def put(self, key: str, document: Mapping[str, JsonValue]) -> None:
        """Write one JSON document."""
        self._put(key, json.dumps(document, indent=1).encode())

    @contextmanager
    def spool(self, key: str) -> Iterator[Spool]:
        """An object that is written on disk first and sent in one request."""
        with spooled_file(disk(), _IN_MEMORY_BYTES) as file:
            yield file
            if file.tell():
                file.seek(0)
                self._put(key, file)

    def names(self, prefix: str) -> Iterator[str]:
        """The names of objects, a thousand a request."""
        with aws_errors("the inbox could not be listed"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (found["Key"] for found in page.get("Contents", []))

    def _put(self, key: str, body: bytes | IO[bytes]) -> None:
        with aws_errors("the inbox could not be written"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")


def _gone() -> dict[str, NotFoundError]:
    return dict.fromkeys(_GONE, NotFoundError("this version of the file is not there any more"))
