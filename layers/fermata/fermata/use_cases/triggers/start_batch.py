"""Read a file of many requests once: list the possible requests for the state machine, and report the other lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.orders.order_request import read_song_request
from fermata.domain.triggers.batch import (
    BAD_LINES,
    COMPLETED,
    MOST_OPEN_BATCHES,
    READ_WITHIN,
    RUNS_FOR,
    Batch,
    batch_of,
    manifest_item,
    manifest_of,
)
from fermata.domain.triggers.inbox import InboxFile, refused
from fermata.domain.triggers.json_lines import MAX_BAD_LINES, MAX_FILE_BYTES, Line, read_lines
from fermata.errors import BodyTooLargeError, MalformedBodyError, RequestRefusedError
from fermata.limit_errors import TooManyBatchesError
from fermata.log import logger
from fermata.ports.triggers import BatchMachine, InboxStore, OpenBatches, Spool
from fermata.use_cases.triggers.complete_batch import complete_batch

_LOOK_AGAIN_S: Final = 60


@dataclass(frozen=True)
class BatchPorts:
    """Ports of `start_batch`. `concurrency` and `tolerated_failure_percent` are those of the `Batch`."""

    inbox: InboxStore
    machine: BatchMachine
    open_batches: OpenBatches
    concurrency: int
    tolerated_failure_percent: int


def start_batch(file: InboxFile, ports: BatchPorts, now: datetime) -> None:
    """Read a file and start its batch. Running it again neither reads nor starts anything twice.

    Raises a `RequestRefusedError` if the file is refused as a whole and nothing is submitted. Reading stops once there
    are more than `MAX_BAD_LINES` bad lines; a file beyond `MOST_OPEN_BATCHES` is not read at all.
    """
    tenant_id = file.tenant_id or ""
    if not ports.open_batches.take(tenant_id, file.run, now + READ_WITHIN, now):
        raise TooManyBatchesError(MOST_OPEN_BATCHES, _LOOK_AGAIN_S)
    known = ports.inbox.find(batch_of(file))
    try:
        batch = Batch.model_validate_json(known) if known is not None else _read(file, ports)
    except RequestRefusedError:
        ports.open_batches.give_back(tenant_id, file.run)
        raise
    if batch.good:
        ports.machine.start(f"inbox-{file.run}", batch.machine_input())
        ports.open_batches.take(tenant_id, file.run, now + RUNS_FOR, now)
        if any(ports.inbox.names(file.results + COMPLETED)):
            # If the run has ended already, its completion may have freed the place before this lease was taken.
            ports.open_batches.give_back(tenant_id, file.run)
    else:
        complete_batch(batch, None, ports.inbox, ports.open_batches, now)
    logger.info("batch started", extra={"good": batch.good, "bad": batch.bad, "known": known is not None})


def _read(file: InboxFile, ports: BatchPorts) -> Batch:
    if file.size_bytes > MAX_FILE_BYTES:
        raise BodyTooLargeError(f"the file has {file.size_bytes} bytes; at most {MAX_FILE_BYTES} are read")
    with ports.inbox.spool(manifest_of(file)) as manifest:
        # If the file is refused for its bad lines, they are written, but the manifest is not.
        with ports.inbox.spool(file.results + BAD_LINES) as bad_lines:
            good, bad = _sort_lines(file, read_lines(ports.inbox.open(file), read_song_request), manifest, bad_lines)
        if bad > MAX_BAD_LINES:
            raise MalformedBodyError(
                f"expected one request a line, as POST /v1/jobs takes it; {bad} of the first {good + bad} lines are "
                f"none, and at most {MAX_BAD_LINES} may be: the rest was not read and nothing was submitted. "
                f"{BAD_LINES} has what was found; mend those lines, or split the file"
            )
        if not good + bad:
            raise MalformedBodyError("the file has no line; expected one request a line")
    batch = Batch(
        file=file,
        good=good,
        bad=bad,
        concurrency=ports.concurrency,
        tolerated_failure_percent=ports.tolerated_failure_percent,
    )
    ports.inbox.put(batch_of(file), batch.model_dump(mode="json"))
    return batch


def _sort_lines(file: InboxFile, lines: Iterator[Line], manifest: Spool, bad_lines: Spool) -> tuple[int, int]:
    """Write the possible requests into the manifest and report the other lines; returns the number of each. Stops at
    the first bad line beyond the limit.
    """
    good = bad = 0
    manifest.write(b"[")
    for line in lines:
        if line.problem is None:
            manifest.write((",\n" if good else "\n").encode() + json.dumps(manifest_item(line)).encode())
            good += 1
        else:
            bad_lines.write(json.dumps(refused(file, line.number, line.problem)).encode() + b"\n")
            bad += 1
            if bad > MAX_BAD_LINES:
                break
    manifest.write(b"\n]\n")
    return good, bad
