"""A fake of the inbox store."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

from pydantic import JsonValue

from fermata.domain.triggers.inbox import InboxFile
from fermata.errors import FermataError, NotFoundError
from fermata.ports.triggers import Spool

PUT_AT: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""When every file was put in."""


class InMemoryInboxStore:
    """A bucket with versions of what tenants put in, and the last version of what was written about it."""

    def __init__(self, chunk_bytes: int = 7) -> None:
        self.versions: dict[tuple[str, str], bytes] = {}
        self.written: dict[str, bytes] = {}
        self.opened = 0
        self.failure: FermataError | None = None
        self._chunk_bytes = chunk_bytes

    def put_in(self, key: str, body: bytes, version_id: str = "v1") -> InboxFile:
        """A tenant puts a file in."""
        self.versions[key, version_id] = body
        return InboxFile(bucket="inbox", key=key, version_id=version_id, size_bytes=len(body))

    def document(self, key: str) -> dict[str, Any]:
        """A JSON document that was written."""
        found: dict[str, Any] = json.loads(self.written[key])
        return found

    def open(self, file: InboxFile) -> Iterator[bytes]:
        self.opened += 1
        body = self._body(file)
        yield from (body[start : start + self._chunk_bytes] for start in range(0, len(body), self._chunk_bytes))

    def read(self, file: InboxFile, start: int, length: int) -> bytes:
        return self._body(file)[start : start + length]

    def put_at(self, file: InboxFile) -> datetime:
        self._body(file)
        return PUT_AT

    def find(self, key: str) -> bytes | None:
        return self.written.get(key)

    def put(self, key: str, document: Mapping[str, JsonValue]) -> None:
        if self.failure is not None:
            raise self.failure
        self.written[key] = json.dumps(document).encode()

    @contextmanager
    def spool(self, key: str) -> Iterator[Spool]:
        file = BytesIO()
        yield file
        if file.tell():
            self.written[key] = file.getvalue()

    def names(self, prefix: str) -> Iterator[str]:
        yield from sorted(name for name in self.written if name.startswith(prefix))

    def _body(self, file: InboxFile) -> bytes:
        body = self.versions.get((file.key, file.version_id))
        if body is None:
            raise NotFoundError("this version of the file is not there any more")
        return body
