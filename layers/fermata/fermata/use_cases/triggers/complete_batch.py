"""Complete a batch: write one file with its results for the tenant."""

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
    """Count the results of a batch's lines, write and return the counts, and free the batch's place. Running it again
    counts anew. `stopped_by` is the error that ended the run, if any.
    """
    manifest = json.loads(inbox.find(manifest_of(batch.file)) or b"[]")
    completed = completion(batch, _outcomes(batch.file, inbox), [item["line"] for item in manifest], stopped_by, now)
    inbox.put(batch.file.results + COMPLETED, completed)
    # The place is freed last, because a late notification first takes the place and then looks for the file.
    open_batches.give_back(batch.file.tenant_id or "", batch.file.run)
    return completed


def _outcomes(file: InboxFile, inbox: InboxStore) -> Iterator[tuple[int, str]]:
    """The number and the outcome of each line that has a result. Both are in the result's name, so none is read."""
    begin = f"{file.results}lines/"
    for name in inbox.names(begin):
        found = _RESULT.fullmatch(name.removeprefix(begin))
        # Other files in the folder are no results.
        if found is not None:
            yield int(found[1]), found[2]
