"""What AWS would ask for what a cloud on this machine did: its logs are counted and priced by a list.

The prices are the list's for us-east-1, without free tier or discounts: HTTP API, Lambda on arm64, DynamoDB on demand
(since November 2024), S3 Standard, Step Functions standard, EventBridge's custom events, CloudWatch Logs. They were
looked up on 2026-11-30 in copies that others made of AWS's pages; those of events and logs were in none of them.

Counted is on the high side: every read is taken as strongly consistent and of one unit for each item, a query as two
units; a write as one unit for each item or KiB that is sent; a transaction costs both twice, and three units more for
the rows of the two indices. Seconds of functions are those of this machine, with everything that runs beside.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.integration.song import Cloud

USD: Final[Mapping[str, float]] = {
    "requests": 1.00 / 1_000_000,
    "invocations": 0.20 / 1_000_000,
    "GB-s": 0.0000133334,
    "write units": 0.625 / 1_000_000,
    "read units": 0.125 / 1_000_000,
    "S3 writes": 0.005 / 1_000,
    "S3 reads": 0.0004 / 1_000,
    "transitions": 0.025 / 1_000,
    "events": 1.00 / 1_000_000,
    "GB logged": 0.50,
}
"""USD for one of each."""
STORED_GB_MONTH_USD: Final = 0.023
"""A GB (1,000,000,000 bytes) in S3 Standard for a month."""
HOURS_A_MONTH: Final = 730

_NOBODYS: Final = frozenset({"ReapJobsFunction", "AuditWalletsFunction", "ManageTenantsFunction"})
"""They run whether or not somebody attacks, or for the operator."""
_LINE: Final = "SubmitLineFunction"
_INDEX_UNITS: Final = 3
_WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"})
_READS: Final[Mapping[str, int]] = {"GetItem": 1, "BatchGetItem": 1, "Query": 2, "TransactGetItems": 2}
_S3_WRITES: Final = frozenset({"PutObject", "CopyObject", "PostObject", "ListObjects", "UploadPart"})
_S3_READS: Final = frozenset({"GetObject", "HeadObject"})


class Use(Counter[str]):
    """How much of each priced thing was used; `GB-s` and `GB logged` are kept in thousand-millionths."""

    @property
    def usd(self) -> float:
        """What AWS asks for it."""
        return sum(USD[name] * self.amount(name) for name in self)

    def amount(self, name: str) -> float:
        """How many of the unit that has a price."""
        return self[name] / 1_000_000_000 if name.startswith("GB") else float(self[name])

    def each(self, requests: int) -> str:
        """What one of so many requests used, dearest first."""
        dearest = sorted(self, key=lambda name: -USD[name] * self.amount(name))
        return ", ".join(f"{self.amount(name) / max(1, requests):.3g} {name}" for name in dearest if self[name])


@dataclass
class Meter:
    """Reads what the logs of a running cloud have more than at the last reading."""

    cloud: Cloud
    read_to: dict[Path, int] = field(default_factory=dict)
    executions: set[str] = field(default_factory=set)
    memory_mb: dict[str, int] = field(default_factory=dict)

    def read(self) -> Use:
        """What was used since the last reading, but for the requests, which whoever sent them has counted. Everything
        must be over: executions count once.
        """
        used = Use()
        folder = Path(self.cloud.line["logs_dir"])
        for call in self._news(folder / "aws.jsonl"):
            if call["function"] and call["function"] not in _NOBODYS:
                used.update(_units(call))
        for path in sorted(folder.glob("*Function.jsonl")):
            if path.stem not in _NOBODYS:
                used.update(self._of_function(path))
        used["transitions"] += sum(self._transitions())
        return used

    def _of_function(self, path: Path) -> Use:
        used, memory_mb = Use(), self._memory_mb(path.stem)
        for entry in self._news(path):
            if entry.get("type") != "platform.report":
                used["GB logged"] += len(json.dumps(entry))
                continue
            used["invocations"] += 1
            # A line of a file is a child execution of one state.
            used["transitions"] += path.stem == _LINE
            used["GB-s"] += math.ceil(entry["record"]["metrics"]["durationMs"]) * memory_mb * 1_000_000 // 1024
        return used

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

    def _transitions(self) -> Iterator[int]:
        machines = self.cloud.aws("stepfunctions")
        for machine in machines.list_state_machines()["stateMachines"]:
            pages = machines.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
            for execution in (each["executionArn"] for page in pages for each in page["executions"]):
                if execution not in self.executions:
                    self.executions.add(execution)
                    yield self._states(execution)

    def _states(self, execution: str) -> int:
        pages = self.cloud.aws("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
        return sum(event["type"].endswith("StateEntered") for page in pages for event in page["events"])


def _units(call: Mapping[str, Any]) -> Use:
    """What one call of a function to AWS costs."""
    service, _, action = call["action"].partition(":")
    written = max(call["items"], math.ceil(call["bytes"] / 1024))
    if service == "dynamodb" and action == "TransactWriteItems":
        return Use({"write units": 2 * written + _INDEX_UNITS})
    if service == "dynamodb" and action in _WRITES:
        return Use({"write units": written})
    if service == "dynamodb":
        return Use({"read units": _READS.get(action, 1) * call["items"]})
    if service == "s3":
        return Use({"S3 writes": action in _S3_WRITES, "S3 reads": action in _S3_READS})
    return Use({"events": 1}) if action == "PutEvents" else Use()
