"""Reads the states of a job's execution from its history in Step Functions."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.demo.errors import SongError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# A job is settled one state before its execution ends.
END_WITHIN_S: Final = 30
_POLL_EVERY_S: Final = 0.05
_POLL_STATE: Final = "PollGeneration"
_DECISION: Final = "ChoiceStateEntered"


@dataclass(frozen=True)
class StatesPassed:
    """The states other than choices, in the order of their first entry, with the number of entries."""

    counts: tuple[tuple[str, int], ...]

    @property
    def poll_runs(self) -> int:
        """The number of runs that polled the provider's task, each once or several times."""
        return dict(self.counts).get(_POLL_STATE, 0)

    def lines(self) -> tuple[str, ...]:
        """One line per state."""
        return tuple(name if count == 1 else f"{name} x{count}" for name, count in self.counts)


def read_states_passed(client: "SFNClient", machine_arn: str, job_id: str) -> StatesPassed:
    """The states of a closed job; raises `SongError` where its execution does not end or is unknown."""
    execution_arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{job_id}"
    try:
        _wait_for_the_end(client, execution_arn)
        return StatesPassed(tuple(Counter(_entered(client, execution_arn)).items()))
    except (BotoCoreError, ClientError) as error:
        raise SongError(f"expected the history of execution {job_id}, found: {error}") from error


def _wait_for_the_end(client: "SFNClient", execution_arn: str) -> None:
    deadline = time.monotonic() + END_WITHIN_S
    while client.describe_execution(executionArn=execution_arn)["status"] == "RUNNING":
        if time.monotonic() > deadline:
            raise SongError(f"the job is closed, but its execution still runs {END_WITHIN_S} s later")
        time.sleep(_POLL_EVERY_S)


def _entered(client: "SFNClient", execution_arn: str) -> Iterator[str]:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    for page in pages:
        for event in page["events"]:
            if event["type"].endswith("StateEntered") and event["type"] != _DECISION:
                yield event["stateEnteredEventDetails"]["name"]
