"""Triggers, the inbox, and batch files in progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue

if TYPE_CHECKING:
    from fermata.domain.triggers.inbox import InboxFile
    from fermata.domain.triggers.refusals import RefusedInARow
    from fermata.domain.triggers.senders import Triggers


class TriggerStore(Protocol):
    """The tenants' triggers: which events and files become jobs. Every method raises `TransientError`."""

    def of_tenant(self, tenant_id: str) -> Triggers:
        """A tenant's triggers; all are off before the first write, and for an unknown tenant."""

    def tenant_of(self, source: str) -> str | None:
        """The tenant that owns this source of events, or None."""

    def save(self, before: Triggers, after: Triggers) -> None:
        """Replace the previous version, and take and release the sources that differ, in one transaction. Raises
        `StaleRecordError` if another run wrote first, otherwise `SourceTakenError`.
        """


class Spool(Protocol):
    """An object of the inbox that is being written."""

    def write(self, data: bytes, /) -> object:
        """Append bytes."""


class InboxStore(Protocol):
    """The tenants' files in the inbox, and Fermata's results beside them. Every method raises `TransientError`."""

    def open(self, file: InboxFile) -> Iterator[bytes]:
        """The file's bytes in chunks; raises `NotFoundError` if this version was deleted, also while it is read."""

    def read(self, file: InboxFile, start: int, length: int) -> bytes:
        """At most `length` bytes of the file from `start` on; raises `NotFoundError` if this version was deleted."""

    def put_at(self, file: InboxFile) -> datetime:
        """When the tenant uploaded this version, which never changes; raises `NotFoundError` if it was deleted."""

    def find(self, key: str) -> bytes | None:
        """An object that Fermata wrote, whole, or None."""

    def put(self, key: str, document: Mapping[str, JsonValue]) -> None:
        """Write one JSON document, replacing any object under this key."""

    def spool(self, key: str) -> AbstractContextManager[Spool]:
        """An object to write piece by piece, in constant memory. It exists once the context ends without an error,
        provided that something was written.
        """

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all objects with this prefix."""


class OpenBatches(Protocol):
    """Batch files in progress, by tenant and run, with each one's consecutive refusals. Every method raises
    `TransientError`.
    """

    def take(self, tenant_id: str, run: str, until: datetime, now: datetime) -> bool:
        """Whether the run gets, or already has, one of its tenant's few slots until a moment. Afterwards, or after
        `give_back`, any run may take it.
        """

    def give_back(self, tenant_id: str, run: str) -> None:
        """Free the run's slot, if it has one, and forget its refusals."""

    def refused_in_a_row(self, tenant_id: str, run: str) -> RefusedInARow:
        """The refusals of the run's lines since the last line that became a job."""

    def note_refusal(self, tenant_id: str, run: str, now: datetime, *, comes_again: bool) -> None:
        """Count one refusal of a line; `comes_again` if the line is tried again because the plan had no room yet."""

    def note_job(self, tenant_id: str, run: str) -> None:
        """Reset the count of refusals: a line became a job."""


class BatchMachine(Protocol):
    """The state machine that runs batches."""

    def start(self, name: str, given: Mapping[str, JsonValue]) -> None:
        """Start the execution of this name; a second start changes nothing. Raises `TransientError`."""
