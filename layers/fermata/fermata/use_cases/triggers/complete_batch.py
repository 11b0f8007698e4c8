"""Once nothing more of a batch will be submitted, its tenant is told what came of it, in one file."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from fermata.domain.triggers.batch import COMPLETED, Batch, completion, manifest_of
from fermata.domain.triggers.inbox import InboxFile
from fermata.ports.triggers import InboxStore, OpenBatches

_RESULT: Final = re.compile(r"([0-9]+)\.(accepted|refused)\.json")


def complete_batch(
    batch: Batch, stopped_by: str | None, inbox: InboxStore, open_batches: OpenBatches, now: datetime
) -> dict[str, JsonValue]:
    """Count the results of a batch's lines, write them down and give the batch's place to another file; doing it again
    counts anew. `stopped_by` is the error that ended the run, if any.
    """
    manifest = json.loads(inbox.find(manifest_of(batch.file)) or b"[]")
    told = completion(batch, _outcomes(batch.file, inbox), [item["line"] for item in manifest], stopped_by, now)
    inbox.put(batch.file.results + COMPLETED, told)
    # Afterwards: a notification that comes late takes the place first, and then looks for the file.
    open_batches.give_back(batch.file.tenant_id or "", batch.file.run)
    return told


def _outcomes(file: InboxFile, inbox: InboxStore) -> Iterator[tuple[int, str]]:
    """The number and the outcome of each line that has a result: both are in its name, so none has to be read."""
    begin = f"{file.results}lines/"
    for name in inbox.names(begin):
        found = _RESULT.fullmatch(name.removeprefix(begin))
        # What else somebody put there says nothing of a line.
        if found is not None:
            yield int(found[1]), found[2]
