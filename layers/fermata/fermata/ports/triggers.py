"""Triggers, the inbox, and the files that are being taken."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from fermata.domain.triggers.inbox import InboxFile
from fermata.domain.triggers.refusals import RefusedInARow
from fermata.domain.triggers.senders import Triggers


class TriggerStore(Protocol):
    """Which events and files become jobs, and whose; every method raises `TransientError`."""

    def of_tenant(self, tenant_id: str) -> Triggers:
        """What is on for a tenant; everything is off where nothing was ever written, or for an unknown tenant."""

    def tenant_of(self, source: str) -> str | None:
        """The tenant whose this source of events is, or None."""

    def save(self, before: Triggers, after: Triggers) -> None:
        """Replace the version before, and take and give back the sources that differ: all of it, or nothing. Raises
        `StaleRecordError` where somebody else wrote first, else `SourceTakenError`.
        """


class Spool(Protocol):
    """An object of the inbox that is being written."""

    def write(self, data: bytes, /) -> object:
        """Write more of it."""


class InboxStore(Protocol):
    """Files that tenants put into the inbox, and what is written about them. Every method raises `TransientError`."""

    def open(self, file: InboxFile) -> Iterator[bytes]:
        """The file's bytes in pieces; raises `NotFoundError` where this version was deleted, also while it is read."""

    def read(self, file: InboxFile, start: int, length: int) -> bytes:
        """So many of the file's bytes from `start` on; raises `NotFoundError` where this version was deleted."""

    def put_at(self, file: InboxFile) -> datetime:
        """When the tenant put this version in, which never changes; raises `NotFoundError` where it was deleted."""

    def find(self, key: str) -> bytes | None:
        """An object that Fermata wrote, whole, or None."""

    def put(self, key: str, document: Mapping[str, JsonValue]) -> None:
        """Write one JSON document, over whatever was there."""

    def spool(self, key: str) -> AbstractContextManager[Spool]:
        """An object to write piece by piece, in memory that does not grow with it. It is there once the context ends;
        nothing is where that raises, or nothing was written.
        """

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all objects that begin with a prefix."""


class OpenBatches(Protocol):
    """The files of many requests that are being taken, by tenant and run, and what each was refused in a row. Every
    method raises `TransientError`.
    """

    def take(self, tenant_id: str, run: str, until: datetime, now: datetime) -> bool:
        """Whether the run has one of its tenant's few places until a moment; one that has it already keeps it. Any run
        may take it afterwards, as after `give_back`.
        """

    def give_back(self, tenant_id: str, run: str) -> None:
        """Free the run's place, if it has one, and forget what it was refused."""

    def refused_in_a_row(self, tenant_id: str, run: str) -> RefusedInARow:
        """What the run's lines were refused since one became a job."""

    def note_refusal(self, tenant_id: str, run: str, now: datetime, *, comes_again: bool) -> None:
        """Count one refusal of a line; `comes_again` where the plan had no room for it yet."""

    def note_job(self, tenant_id: str, run: str) -> None:
        """Begin to count anew: a line became a job."""


class BatchMachine(Protocol):
    """The state machine that runs batches."""

    def start(self, name: str, given: Mapping[str, JsonValue]) -> None:
        """Start the execution of this name; a second start changes nothing. Raises `TransientError`."""
