"""The inbox in S3: what tenants put under `requests/`, and what is written of it under `results/` and `manifests/`."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import JsonValue

from fermata.adapters.dynamo_items import error_code
from fermata.domain.inbox import InboxFile
from fermata.errors import NotFoundError, TransientError
from fermata.ports import Spool

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READ_BYTES: Final = 1024 * 1024
_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "404"})
"""What S3 says of a version that was deleted; the third of a marker that stands for a deletion."""


class S3InboxStore:
    """`InboxStore` over one bucket with versions."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def open(self, file: InboxFile) -> Iterator[bytes]:
        """The bytes of one version, in pieces."""
        try:
            stored = self._client.get_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id)
            yield from stored["Body"].iter_chunks(_READ_BYTES)
        except (ClientError, BotoCoreError) as error:
            raise _read_error(error) from error

    def read(self, file: InboxFile, start: int, length: int) -> bytes:
        """Some bytes of one version."""
        span = f"bytes={start}-{start + length - 1}"
        try:
            stored = self._client.get_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id, Range=span)
            return stored["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise _read_error(error) from error

    def find(self, key: str) -> bytes | None:
        """An object that Fermata wrote, or None."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        except (ClientError, BotoCoreError) as error:
            raise _read_error(error) from error

    def put(self, key: str, document: Mapping[str, JsonValue]) -> None:
        """Write one JSON document."""
        self._put(key, json.dumps(document, indent=1).encode())

    @contextmanager
    def spool(self, key: str) -> Iterator[Spool]:
        """An object that is written on disk first and sent in one request."""
        with tempfile.TemporaryFile() as file:
            yield file
            if file.tell():
                file.seek(0)
                self._put(key, file)

    def names(self, prefix: str) -> Iterator[str]:
        """The names of objects, a thousand a request."""
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (found["Key"] for found in page.get("Contents", []))
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the inbox could not be listed: {error_code(error)}") from error

    def _put(self, key: str, body: bytes | IO[bytes]) -> None:
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the inbox could not be written: {error_code(error)}") from error


def _read_error(error: ClientError | BotoCoreError) -> NotFoundError | TransientError:
    if error_code(error) in _GONE:
        return NotFoundError("this version of the file is not there any more")
    return TransientError(f"the inbox could not be read: {error_code(error)}")
