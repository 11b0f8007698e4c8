"""In-memory twins of the ports of triggers."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

from pydantic import JsonValue

from fermata.domain.triggers.batch import MOST_OPEN_BATCHES
from fermata.domain.triggers.inbox import InboxFile
from fermata.domain.triggers.refusals import RefusedInARow
from fermata.domain.triggers.senders import Triggers
from fermata.errors import FermataError, NotFoundError, SourceTakenError, StaleRecordError
from fermata.ports.triggers import Spool

PUT_AT: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""When every file was put in."""


class InMemoryTriggerStore:
    def __init__(self) -> None:
        self._tenants: dict[str, Triggers] = {}
        self._sources: dict[str, str] = {}

    def of_tenant(self, tenant_id: str) -> Triggers:
        return self._tenants.get(tenant_id, Triggers(tenant_id=tenant_id))

    def tenant_of(self, source: str) -> str | None:
        return self._sources.get(source)

    def save(self, before: Triggers, after: Triggers) -> None:
        if self.of_tenant(after.tenant_id).version != after.version - 1:
            raise StaleRecordError("the triggers changed meanwhile")
        new = set(after.sources) - set(before.sources)
        taken = sorted(new & set(self._sources))
        if taken:
            raise SourceTakenError(taken)
        for source in set(before.sources) - set(after.sources):
            del self._sources[source]
        self._sources |= dict.fromkeys(new, after.tenant_id)
        self._tenants[after.tenant_id] = after


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


class InMemoryOpenBatches:
    """Which run has each place of a tenant and until when, and what each was refused in a row."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, int], tuple[str, datetime]] = {}
        self.refusals: dict[tuple[str, str], RefusedInARow] = {}

    def take(self, tenant_id: str, run: str, until: datetime, now: datetime) -> bool:
        places = [(tenant_id, number) for number in range(MOST_OPEN_BATCHES)]
        taken = {
            place: self.places[place][0] for place in places if place in self.places and self.places[place][1] > now
        }
        own = [place for place, holder in taken.items() if holder == run]
        free = [place for place in places if place not in taken]
        found = [*own, *free][:1]
        self.places |= dict.fromkeys(found, (run, until))
        return bool(found)

    def give_back(self, tenant_id: str, run: str) -> None:
        self.places = {place: held for place, held in self.places.items() if (place[0], held[0]) != (tenant_id, run)}
        self.note_job(tenant_id, run)

    def refused_in_a_row(self, tenant_id: str, run: str) -> RefusedInARow:
        return self.refusals.get((tenant_id, run), RefusedInARow())

    def note_refusal(self, tenant_id: str, run: str, now: datetime, *, comes_again: bool) -> None:
        before = self.refused_in_a_row(tenant_id, run)
        self.refusals[tenant_id, run] = before.and_one_more(now, comes_again=comes_again)

    def note_job(self, tenant_id: str, run: str) -> None:
        self.refusals.pop((tenant_id, run), None)


class RecordingBatchMachine:
    """Remembers what was started; a name is started once. `failure` is raised instead."""

    def __init__(self) -> None:
        self.started: dict[str, Mapping[str, JsonValue]] = {}
        self.failure: FermataError | None = None

    def start(self, name: str, given: Mapping[str, JsonValue]) -> None:
        if self.failure is not None:
            raise self.failure
        self.started.setdefault(name, given)
