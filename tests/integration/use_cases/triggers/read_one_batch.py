"""The reader of a file of many requests, in a process of its own that reports what memory and time it took.

Usage: python -m tests.integration.use_cases.triggers.read_one_batch BUCKET KEY VERSION BYTES
"""

import json
import sys
import time
from pathlib import Path
from typing import Final

from fermata.adapters import aws
from fermata.adapters.s3.inbox_store import S3InboxStore
from fermata.domain.triggers.inbox import InboxFile
from fermata.use_cases.triggers.start_batch import BatchPorts, start_batch
from tests.fakes.clock import NOON
from tests.fakes.triggers.batch_machine import RecordingBatchMachine
from tests.fakes.triggers.open_batches import InMemoryOpenBatches

_KIB: Final = 1024


def memory(field: str) -> int:
    """Bytes of memory of this process, as Linux reports them: VmRSS are now held, VmHWM were at most."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1]) * _KIB


def main(bucket: str, key: str, version_id: str, size_bytes: str) -> None:
    store, machine = S3InboxStore(aws.s3(), bucket), RecordingBatchMachine()
    file = InboxFile(bucket=bucket, key=key, version_id=version_id, size_bytes=int(size_bytes))
    store.put("manifests/warm", {"the client": "and its connection are there"})
    idle, begun = memory("VmRSS"), time.monotonic()
    start_batch(file, BatchPorts(store, machine, InMemoryOpenBatches(), 20, 10), NOON)
    took_s = time.monotonic() - begun
    (given,) = machine.started.values()
    told = {"idle": idle, "peak": memory("VmHWM"), "took_s": took_s, "good": given["good"], "bad": given["bad"]}
    sys.stderr.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
