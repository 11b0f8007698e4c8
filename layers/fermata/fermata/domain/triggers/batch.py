"""A file of many requests: what its state machine is told, and what its tenant is told at the end."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fermata.domain.triggers.inbox import InboxFile
from fermata.domain.triggers.json_lines import Line
from fermata.domain.web.formats import rfc3339

COMPLETED: Final = "completed.json"
BAD_LINES: Final = "bad-lines.jsonl"
MOST_OPEN_BATCHES: Final = 3
"""How many files of one tenant are taken at once, from the first byte that is read to the last line."""
READ_WITHIN: Final = timedelta(minutes=15)
"""How long a file keeps its place while it is read and its run is started, unless it is seen again."""
RUNS_FOR: Final = timedelta(days=8)
"""How long a run keeps its place where nobody gives it back; the state machine ends after seven days."""
_MOST_NAMED: Final = 1000
"""How many lines that failed are named at most."""


class Batch(BaseModel):
    """What is known of a file once it was read: so many lines that may be requests (`good`) and that cannot (`bad`).
    It is the input of the state machine, so it holds no word of a request. `concurrency` lines are submitted at once,
    and the run is given up where more than `tolerated_failure_percent` fail for reasons of ours.
    """

    model_config = ConfigDict(frozen=True)

    file: InboxFile
    good: int
    bad: int
    concurrency: Annotated[int, Field(ge=1)]
    tolerated_failure_percent: Annotated[int, Field(ge=0, le=100)]

    def machine_input(self) -> dict[str, JsonValue]:
        """What the state machine begins with."""
        return {**self.model_dump(mode="json"), "manifest": manifest_of(self.file)}


class _Ended(BaseModel):
    """The event of Step Functions for an execution that ended otherwise than by its last state."""

    class Detail(BaseModel):
        input: str
        status: str

    detail: Detail


def read_end(event: dict[str, Any]) -> tuple[Batch, str | None]:
    """The batch that has ended, and the error that stopped it: told by its last state, or where it did not come so far
    by the event of its execution, which quotes what it was given.
    """
    if "detail" not in event:
        return Batch.model_validate(event), event.get("failure", {}).get("Error")
    ended = _Ended.model_validate(event).detail
    return Batch.model_validate_json(ended.input), f"Execution.{ended.status}"


def manifest_of(file: InboxFile) -> str:
    """The object with a JSON array of the lines that may be requests."""
    return f"{file.manifests}manifest.json"


def batch_of(file: InboxFile) -> str:
    """The object that is there once a file was read to its end."""
    return f"{file.manifests}batch.json"


def manifest_item(line: Line) -> dict[str, JsonValue]:
    """A line as the manifest has it: where it lies."""
    return {"line": line.number, "start": line.start, "length": line.length}


def completion(
    batch: Batch, outcomes: Iterable[tuple[int, str]], lines: Collection[int], stopped_by: str | None, now: datetime
) -> dict[str, JsonValue]:
    """What is written once nothing more will be submitted: of `lines`, those without an outcome failed."""
    told = dict(outcomes)
    failed: list[JsonValue] = [line for line in lines if line not in told]
    said = list(told.values())
    return {
        "object": "inbox_batch",
        "file": {"key": batch.file.key, "version_id": batch.file.version_id},
        "lines": batch.good + batch.bad,
        "accepted": said.count("accepted"),
        "refused": said.count("refused"),
        "bad": batch.bad,
        "bad_lines": batch.file.results + BAD_LINES if batch.bad else None,
        "failed": len(failed),
        "failed_lines": failed[:_MOST_NAMED],
        "stopped_by": stopped_by,
        "completed_at": rfc3339(now),
    }
