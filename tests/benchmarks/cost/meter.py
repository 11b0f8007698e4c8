"""What AWS would bill for what a cloud on this machine did, as its logs say: calls, units, invocations, log bytes and
transitions, exact; seconds of functions are those of this machine, with everything that runs beside.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.cost.prices import ASSUMED, FINE, Use
from tests.integration.song import Cloud

BY_THE_CLOCK: Final = frozenset({"ReapJobsFunction", "AuditWalletsFunction", "ManageTenantsFunction"})
"""They run whether or not somebody orders, or for the operator."""
_LINE: Final = "SubmitLineFunction"
_S3_WRITES: Final = frozenset(
    {"PutObject", "CopyObject", "PostObject", "ListObjects", "ListBucket", "UploadPart", "UploadPartCopy"}
    | {"CreateMultipartUpload", "CompleteMultipartUpload", "PutObjectTagging"}
)
_FREE: Final = frozenset({"DeleteObject", "DeleteObjects", "AbortMultipartUpload"})


@dataclass
class Reading:
    """What the logs had more: the calls of functions, `reports` of their invocations in milliseconds by function, the
    bytes and lines that each logged, the routes that were asked for, and the states that were entered.
    """

    calls: Sequence[Mapping[str, Any]] = ()
    reports: dict[str, list[float]] = field(default_factory=dict)
    logged_bytes: Counter[str] = field(default_factory=Counter)
    logged_lines: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    states: Sequence[str] = ()

    def of(self, function: str, *, alone: bool) -> "Reading":
        """What a function did alone, or all the others."""

        def mine(name: str) -> bool:
            return (name == function) is alone

        return Reading(
            [call for call in self.calls if mine(call["function"])],
            {name: each for name, each in self.reports.items() if mine(name)},
            Counter({name: each for name, each in self.logged_bytes.items() if mine(name)}),
            Counter({name: each for name, each in self.logged_lines.items() if mine(name)}),
            Counter() if alone else self.routes,
            [] if alone else self.states,
        )

    def use(self, memory_mb: Mapping[str, int]) -> Use:
        """All of it but for the requests to the API, by the memory of each function."""
        used = Use()
        for call in self.calls:
            used.update(use_of(call))
        for function, durations in self.reports.items():
            used["invocations"] += len(durations)
            # A line of a file is a child execution of one state.
            used["transitions"] += len(durations) * (function == _LINE)
            used["GB-s"] += sum(map(math.ceil, durations)) * memory_mb[function] * 1_000_000 // 1024
        used["GB logged"] += self.logged_bytes.total() + ASSUMED["line_bytes"] * self.logged_lines.total()
        used["GB logged"] += ASSUMED["invocation_log_bytes"] * used["invocations"]
        used["transitions"] += len(self.states)
        return used


@dataclass
class Meter:
    """Reads what the logs of a running cloud have more than at the last reading."""

    cloud: Cloud
    leaves_out: str = "nothing"
    """Functions and machines with this in their names are not read."""
    read_to: dict[Path, int] = field(default_factory=dict)
    executions: set[str] = field(default_factory=set)
    memory_mb: dict[str, int] = field(default_factory=dict)

    def read(self) -> Use:
        """What was used since the last reading, but for the requests, which whoever sent them has counted. Everything
        must be over: executions count once.
        """
        reading = self.reading()
        return reading.use({function: self._memory_mb(function) for function in reading.reports})

    def reading(self) -> Reading:
        """What the logs have more, in all its parts, under the same condition."""
        found, folder = Reading(), Path(self.cloud.line["logs_dir"])
        found.calls = [call for call in self._news(folder / "aws.jsonl") if self._is_read(call["function"])]
        found.routes.update(line["route"] for line in self._news(folder / "http.jsonl"))
        for path in sorted(folder.glob("*Function.jsonl")):
            if self._is_read(path.stem):
                self._of_function(path, found)
        found.states = list(self._states_entered())
        return found

    def _is_read(self, function: str | None) -> bool:
        return _is_of_a_request(function) and self.leaves_out not in (function or "")

    def memory(self) -> Mapping[str, int]:
        """The memory of all functions in MB."""
        self._memory_mb("SubmitJobFunction")
        return self.memory_mb

    def _of_function(self, path: Path, found: Reading) -> None:
        for entry in self._news(path):
            if entry.get("type") == "platform.report":
                found.reports.setdefault(path.stem, []).append(entry["record"]["metrics"]["durationMs"])
            else:
                found.logged_bytes[path.stem] += len(json.dumps(entry))
                found.logged_lines[path.stem] += 1

    def _memory_mb(self, logical_id: str) -> int:
        if not self.memory_mb:
            pages = self.cloud.aws("lambda").get_paginator("list_functions").paginate()
            for function in (each for page in pages for each in page["Functions"]):
                self.memory_mb[function["FunctionName"].rpartition("-")[2]] = function["MemorySize"]
        return self.memory_mb[logical_id]

    def _news(self, path: Path) -> Iterator[dict[str, Any]]:
        if not path.exists():
            return
        with path.open("rb") as log:
            log.seek(self.read_to.get(path, 0))
            for line in log:
                # The last line may still be being written.
                if line.endswith(b"\n"):
                    self.read_to[path] = self.read_to.get(path, 0) + len(line)
                    yield json.loads(line)

    def _states_entered(self) -> Iterator[str]:
        machines = self.cloud.aws("stepfunctions")
        for machine in machines.list_state_machines()["stateMachines"]:
            if self.leaves_out in machine["name"]:
                continue
            pages = machines.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
            for execution in (each["executionArn"] for page in pages for each in page["executions"]):
                if execution not in self.executions:
                    self.executions.add(execution)
                    yield from self._states(execution)

    def _states(self, execution: str) -> Iterator[str]:
        pages = self.cloud.aws("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
        for event in (event for page in pages for event in page["events"]):
            if event["type"].endswith("StateEntered"):
                yield event["stateEnteredEventDetails"]["name"]


def use_of(call: Mapping[str, Any]) -> Use:
    """What one call of a function to AWS costs."""
    service, _, action = call["action"].partition(":")
    match service:
        case "dynamodb":
            written = call["write_units"] + call["index_units"]
            return Use({"write units": written, "read units": round(call["read_units"] * FINE)})
        case "s3":
            is_write = action in _S3_WRITES
            return Use({"S3 writes": is_write, "S3 reads": not is_write and action not in _FREE})
        case "events":
            return Use({"events": action == "PutEvents"})
        case "secretsmanager":
            return Use({"secrets": 1})
    return Use()


def _is_of_a_request(function: str | None) -> bool:
    return function is not None and function not in BY_THE_CLOCK
