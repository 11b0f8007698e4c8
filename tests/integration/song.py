"""What the tests of whole jobs say to a running cloud."""

import json
import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import httpx

from cli.run_schedule import run_schedule
from local.cli import main
from tests.integration.cloud_process import PATIENCE_S, until
from tests.support.api_document import assert_documented

LYRICS = "[Verse]\nRain on the window\n[Chorus]\nStay a while"
# One for all clients: making it costs more than a request.
TLS = ssl.create_default_context()
_SHORTEST_TIMEOUT_S = 10
"""What the template gives a function of the API that names no timeout of its own."""
_JOB_ID = re.compile(r"job_\w+")
_SHUTS_OUT = ("code:2044", "code:2061", "code:2153", "http:410")
TERMINAL = ("succeeded", "failed", "canceled", "expired")


class _PatientTransport(httpx.HTTPTransport):
    """Repeats what API Gateway answers with 500 because a function's time was over: on a machine that does much else,
    the 10 s of a function that reads one item may pass before it has had one. An answer of Fermata's own, any other
    failure, and what is not safe to repeat are returned as they are.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            begun = time.monotonic()
            answer = super().handle_request(request)
            ended = time.monotonic()
            if not _timed_out(answer, ended - begun) or not _repeatable(request) or ended > deadline:
                return answer
            answer.close()


def _timed_out(answer: httpx.Response, took_s: float) -> bool:
    by_the_gateway = answer.status_code == 500 and answer.headers.get("content-type") == "application/json"
    return by_the_gateway and took_s >= _SHORTEST_TIMEOUT_S


def _repeatable(request: httpx.Request) -> bool:
    return request.method == "GET" or "idempotency-key" in request.headers


class Said(NamedTuple):
    """What a command of the operator came to."""

    code: int
    answer: dict[str, Any]
    stderr: str

    def done(self) -> dict[str, Any]:
        """The answer of a command that must succeed."""
        assert self.code == 0, self.stderr
        return self.answer


@dataclass(frozen=True)
class Cloud:
    """A running one-machine cloud, from the one line that it prints."""

    line: Mapping[str, Any]
    shut_out: set[str] = field(default_factory=set)
    """The providers whose simulators were set to close the operator's account."""
    clients: dict[str, Any] = field(default_factory=dict)
    """The AWS clients that were asked for, by service."""

    def http(self, api_key: str | None = None) -> httpx.Client:
        """A client whose every answer from the API is held against the OpenAPI document."""
        headers = {"Authorization": f"Bearer {api_key or self.line['api_key']}"}
        hooks = {"response": [self._is_documented]}
        return httpx.Client(
            base_url=self.line["api_url"],
            headers=headers,
            timeout=PATIENCE_S,
            transport=_PatientTransport(verify=TLS),
            event_hooks=hooks,
        )

    def _is_documented(self, answer: httpx.Response) -> None:
        asked = answer.request
        if str(asked.url).startswith(self.line["api_url"]):
            text = answer.read().decode()
            assert_documented(asked.method, asked.url.path, answer.status_code, answer.headers, text)

    def aws(self, service: str) -> Any:  # noqa: ANN401 - one client type per service
        """The client of a service, which is made once: that takes longer than a call."""
        if service not in self.clients:
            self.clients[service] = boto3.client(  # type: ignore[call-overload]  # the stubs know services by literal only
                service,
                endpoint_url=self.line["aws_endpoint_url"],
                region_name=self.line["region"],
                aws_access_key_id=self.line["access_key_id"],
                aws_secret_access_key=self.line["secret_access_key"],
            )
        return self.clients[service]

    def submit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.http() as http:
            answer = http.post("/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def job(self, job_id: str) -> dict[str, Any]:
        with self.http() as http:
            return dict(http.get(f"/v1/jobs/{job_id}").raise_for_status().json())

    def attempts(self, job_id: str) -> list[dict[str, Any]]:
        with self.http() as http:
            return list(http.get(f"/v1/jobs/{job_id}/attempts").raise_for_status().json()["data"])

    def finished(self, job_id: str) -> dict[str, Any]:
        """The job once it is terminal."""
        job: dict[str, Any] = {}

        def has_ended() -> bool:
            job.update(self.job(job_id))
            return job["status"] in TERMINAL

        until(has_ended, f"the end of {job_id}")
        return job

    def until(self, holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Look until something holds."""
        until(holds, "what the test waits for", within_s)

    def execution(self, job_id: str) -> str:
        """The ARN of a job's execution."""
        machine: str = self.line["outputs"]["MusicJobMachineArn"]
        return f"{machine.replace(':stateMachine:', ':execution:')}:{job_id}"

    def ended_execution(self, job_id: str) -> str:
        """The ARN of a job's execution once that has ended: a job is settled one state before."""
        arn, machines = self.execution(job_id), self.aws("stepfunctions")
        self.until(lambda: machines.describe_execution(executionArn=arn)["status"] != "RUNNING")
        return arn

    def states_so_far(self, job_id: str) -> list[str]:
        """The states of a job's execution in the order in which they were entered; it may enter more."""
        pages = self.aws("stepfunctions").get_paginator("get_execution_history")
        events = [event for page in pages.paginate(executionArn=self.execution(job_id)) for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def states(self, job_id: str) -> list[str]:
        """All states that an execution went through, in order, once it has ended."""
        self.ended_execution(job_id)
        return self.states_so_far(job_id)

    def admin(self, *arguments: object) -> Said:
        """What `python -m local admin` prints and how it ends. It runs in this process: a new one takes a second of CPU
        time to import what it needs, and tests/integration/local/test_cloud_process.py starts it as operators do.
        """
        where = ["admin", "--state-dir", str(self.line["state_dir"])]
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            code = main([*where, *map(str, arguments)])
        return Said(code, json.loads(out.getvalue() or "{}"), err.getvalue())

    def run_schedule(self, function: str) -> dict[str, Any]:
        """What a scheduled function answers that is run now."""
        return dict(json.loads(run_schedule(function, Path(self.line["state_dir"]))))

    def manage(self, **command: object) -> dict[str, Any]:
        """What the operator's function answers."""
        name = self.line["outputs"]["ManageTenantsFunctionName"]
        answer = self.aws("lambda").invoke(FunctionName=name, Payload=json.dumps(command).encode())
        return dict(json.loads(answer["Payload"].read()))

    def enable(self, provider: str) -> dict[str, Any]:
        """What an operator does once a provider that shut the account out takes orders again."""
        self.shut_out.discard(provider)
        return self.manage(action="enable_provider", provider=provider)

    def made(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The finished job of a request."""
        return self.finished(self.submit(body)["id"])

    def original(self, job: Mapping[str, Any], number: int = 1) -> bytes:
        """A song as its provider sent it."""
        with self.http() as http:
            answer = http.get(f"/v1/jobs/{job['id']}/audio?track={number}&original=true")
        return httpx.get(answer.headers["location"], verify=TLS).raise_for_status().content

    def fault(self, provider: str, fault: str, on: str, match: str, times: int = 1) -> None:
        if fault in _SHUTS_OUT:
            self.shut_out.add(provider)
        body = {"fault": fault, "on": on, "match": match, "times": times}
        httpx.post(f"{self.line['simulators'][provider]}/_sim/faults", json=body, verify=TLS).raise_for_status()

    def release(self, provider: str) -> None:
        """Let the streams go on that a simulator holds."""
        httpx.post(f"{self.line['simulators'][provider]}/_sim/release", verify=TLS).raise_for_status()

    def limit(self, provider: str, concurrent: int | None = None, per_minute: int | None = None) -> None:
        """Have a simulator refuse what goes beyond, and count anew."""
        body = {"concurrent": concurrent, "per_minute": per_minute}
        httpx.post(f"{self.line['simulators'][provider]}/_sim/limits", json=body, verify=TLS).raise_for_status()

    def limits(self, provider: str) -> dict[str, Any]:
        """What a simulator counted since its limits were set."""
        return dict(httpx.get(f"{self.line['simulators'][provider]}/_sim/limits", verify=TLS).raise_for_status().json())

    def posts(self, provider: str, prompt_sha256: str) -> list[dict[str, Any]]:
        """The bill items of one prompt."""
        bill = httpx.get(f"{self.line['simulators'][provider]}/_sim/bill", verify=TLS).raise_for_status().json()
        return [item for item in bill["items"] if item["prompt_sha256"] == prompt_sha256]

    def kill_function(self, logical_id: str) -> None:
        """Kill every process of one function, as a crash of its environment would."""
        assert self.start_anew(logical_id), f"no process of {logical_id} is running"

    def start_anew(self, logical_id: str) -> bool:
        """Have the next call of a function find no process of it; False where there was none already."""
        words = re.findall("[A-Z][a-z]*", logical_id.removesuffix("Function"))
        folder = "_".join(words).lower()
        victims = [pid for pid in self._processes() if working_folder(pid) == folder]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        return bool(victims)

    def _processes(self) -> list[int]:
        """The processes that the cloud has started, and those that they have."""
        listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
        parents = {int(pid): int(parent) for pid, parent in map(str.split, listed.stdout.splitlines())}
        found = [self.line["pid"]]
        for ancestor in found:
            found += [pid for pid, parent in parents.items() if parent == ancestor]
        return found[1:]

    def count(self, status: str) -> int:
        """How many jobs of the table have this status."""
        pages = self.aws("dynamodb").get_paginator("scan")
        found = pages.paginate(
            TableName=self.line["outputs"]["TableName"],
            FilterExpression="sk = :job AND #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":job": {"S": "JOB"}, ":status": {"S": status}},
            Select="COUNT",
        )
        return sum(page["Count"] for page in found)

    def stored_and_started(self) -> frozenset[str]:
        """The items of the table and the executions, by name. Counters of calls, slots of providers and of rescues,
        what is learned from a song after its job has ended, and what expires within two hours, at any moment, are left
        out.
        """
        outputs = self.line["outputs"]
        found = (
            self.aws("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=outputs["TableName"],
                ProjectionExpression="pk, sk",
                FilterExpression=(
                    "NOT begins_with(pk, :counters) AND NOT begins_with(pk, :providers) "
                    "AND NOT begins_with(pk, :rescues) AND pk <> :estimates "
                    "AND (attribute_not_exists(#ttl) OR #ttl > :soon)"
                ),
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":counters": {"S": "READS#"},
                    ":providers": {"S": "PROVIDER#"},
                    ":rescues": {"S": "RESCUE#"},
                    ":estimates": {"S": "ESTIMATES"},
                    ":soon": {"N": str(int(time.time()) + 7_200)},
                },
            )
        )
        items = {f"{item['pk']['S']}/{item['sk']['S']}" for page in found for item in page["Items"]}
        pages = self.aws("stepfunctions").get_paginator("list_executions")
        return frozenset(items).union(
            execution["executionArn"]
            for page in pages.paginate(stateMachineArn=outputs["MusicJobMachineArn"])
            for execution in page["executions"]
        )

    def left_since(self, before: frozenset[str]) -> set[str]:
        """What was stored or started since `stored_and_started`, except for the jobs of that time, which go on."""
        jobs = {name for each in before for name in _JOB_ID.findall(each)}
        return {each for each in self.stored_and_started() - before if not jobs.intersection(_JOB_ID.findall(each))}


def working_folder(pid: int) -> str:
    """The name of the folder that a process works in: a function's own; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink().name
    except OSError:
        return ""


def request(prompt: str, **fields: object) -> dict[str, Any]:
    """A valid request; every test brings its own prompt so that the bill can be read by it."""
    return {"model": "minimax/music-2.5", "prompt": prompt, "lyrics": LYRICS, **fields}
