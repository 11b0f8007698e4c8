"""A batch file of many requests: its state machine's input, and the report for its tenant."""

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
"""Most files of one tenant in progress at once, from the first byte read to the last line."""
READ_WITHIN: Final = timedelta(minutes=15)
"""How long a file keeps its slot while it is read and its run is started, unless the event is repeated."""
RUNS_FOR: Final = timedelta(days=8)
"""How long a run keeps its slot unless it returns it; the state machine ends after seven days."""
_MOST_NAMED: Final = 1000
"""Most failed lines that the report names."""


class Batch(BaseModel):
    """A file after it was read: the number of lines that may be requests (`good`) and that cannot (`bad`). It is the
    state machine's input and contains no text of a request. `concurrency` lines are submitted at once, and the run is
    given up if more than `tolerated_failure_percent` fail for internal reasons.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    file: InboxFile
    good: int
    bad: int
    concurrency: Annotated[int, Field(ge=1)]
    tolerated_failure_percent: Annotated[int, Field(ge=0, le=100)]

    def machine_input(self) -> dict[str, JsonValue]:
        """The state machine's input."""
        return {**self.model_dump(mode="json"), "manifest": manifest_of(self.file)}


class _Ended(BaseModel):
    """The event of Step Functions for an execution that did not reach its last state."""

    class Detail(BaseModel):
        input: str
        status: str

    detail: Detail


def read_end(event: dict[str, Any]) -> tuple[Batch, str | None]:
    """The batch that has ended, and the error that stopped it, if any: from the execution's last state, or, if it did
    not get so far, from the execution's event, which quotes its input.
    """
    if "detail" not in event:
        return Batch.model_validate(event), event.get("failure", {}).get("Error")
    ended = _Ended.model_validate(event).detail
    return Batch.model_validate_json(ended.input), f"Execution.{ended.status}"


def manifest_of(file: InboxFile) -> str:
    """The key of the object with a JSON array of the lines that may be requests."""
    return f"{file.manifests}manifest.json"


def batch_of(file: InboxFile) -> str:
    """The key of the object that exists once a file was read to its end."""
    return f"{file.manifests}batch.json"


def manifest_item(line: Line) -> dict[str, JsonValue]:
    """A line's entry in the manifest: its number and position, in bytes."""
    return {"line": line.number, "start": line.start, "length": line.length}


def completion(
    batch: Batch, outcomes: Iterable[tuple[int, str]], lines: Collection[int], stopped_by: str | None, now: datetime
) -> dict[str, JsonValue]:
    """The report that is written once no more lines are submitted; `lines` without an outcome have failed."""
    outcome_of = dict(outcomes)
    failed: list[JsonValue] = [line for line in lines if line not in outcome_of]
    reported = list(outcome_of.values())
    return {
        "object": "inbox_batch",
        "file": {"key": batch.file.key, "version_id": batch.file.version_id},
        "lines": batch.good + batch.bad,
        "accepted": reported.count("accepted"),
        "refused": reported.count("refused"),
        "bad": batch.bad,
        "bad_lines": batch.file.results + BAD_LINES if batch.bad else None,
        "failed": len(failed),
        "failed_lines": failed[:_MOST_NAMED],
        "stopped_by": stopped_by,
        "completed_at": rfc3339(now),
    }
