"""Run every execution of stdin on moto's engine and print what happened, in their order.

A process of its own, because what is put into moto's seams stays there. Waits and back-offs are noted and take no time.
"""

import inspect
import json
import sys
import threading
from collections import defaultdict
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from moto import mock_aws

from local.emulator import moto_backends, moto_seams, step_functions
from local.runtime.lambda_answers import Answer, error_answer
from tests.integration.states_language.specification import payload, posted
from tests.support.moto_engine import LOOK_EVERY_S, client, done, post_later

Run = dict[str, Any]


class Script:
    """The functions of all executions, by the `job_id` in their payload."""

    def __init__(self, runs: dict[str, Run]) -> None:
        self.left = {name: list(run["answers"]) for name, run in runs.items()}
        self.silent = {name: run["silent"] for name, run in runs.items()}
        self.calls: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def submit(self, function: str, body: bytes) -> "Future[Answer]":
        """Answer as the function would."""
        order = json.loads(body)
        name, task_token = order["job_id"], order.get("task_token")
        shown = {**order, **({"task_token": "token"} if task_token else {})}
        self.calls[name].append({"state": function.rpartition(":")[2], "payload": shown})
        if task_token and self.silent[name]:
            return done(Answer(b"{}"))
        answer = self.left[name].pop(0) if self.left[name] else {}
        if "error" in answer:
            return done(error_answer(answer["error"], "scripted"))
        if task_token:
            post_later(task_token, json.dumps(posted(answer)))
        return done(Answer(json.dumps(payload(answer)).encode()))


def note_waits() -> dict[str, list[float]]:
    """Have the engine's waits and back-offs noted by execution, and over at once."""
    waits: dict[str, list[float]] = defaultdict(list)

    def note(env: Any, seconds: float) -> None:  # noqa: ANN401 - moto's environment
        if seconds > 0:
            waits[env.states.context_object.context_object_data["Execution"]["Name"]].append(float(seconds))

    moto_seams.WAIT.replace(lambda self, env, wait_seconds: note(env, wait_seconds))  # noqa: ARG005 - moto's own names

    def sleep(seconds: float) -> None:
        # What sleeps is a retrier's own method, which has the environment as an argument.
        note(inspect.stack(0)[1].frame.f_locals["env"], seconds)

    moto_seams.RETRY_SLEEP.replace(SimpleNamespace(sleep=sleep))
    return waits


def main() -> None:
    """Start everything at once and wait for the last to end."""
    machines_given = json.load(sys.stdin)
    runs = {run["name"]: run for machine in machines_given for run in machine["runs"]}
    moto_backends.import_engine()
    with mock_aws():
        moto_backends.execute_machines()
        moto_backends.lock_backends()
        step_functions.parse_once()
        waits, script, machines = note_waits(), Script(runs), client("stepfunctions")
        step_functions.use_clients(client, script.submit)
        started = {}
        for number, machine in enumerate(machines_given):
            arn = machines.create_state_machine(
                name=f"machine-{number}",
                definition=json.dumps(machine["definition"]),
                roleArn="arn:aws:iam::123456789012:role/machine",
            )["stateMachineArn"]
            for run in machine["runs"]:
                given = json.dumps(run["input"])
                started[run["name"]] = machines.start_execution(stateMachineArn=arn, name=run["name"], input=given)
        ended = [
            {**_ended(machines, each["executionArn"]), "calls": script.calls[name], "waits": waits[name]}
            for name, each in started.items()
        ]
    sys.stdout.write(json.dumps(ended))


def _ended(machines: Any, arn: str) -> dict[str, Any]:  # noqa: ANN401 - boto3's client
    never = threading.Event()
    while (found := machines.describe_execution(executionArn=arn))["status"] == "RUNNING":
        never.wait(LOOK_EVERY_S)
    events = machines.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = (event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event)
    output = json.loads(found["output"]) if "output" in found else found["error"]
    return {"states": list(entered), "status": found["status"], "output": output}


if __name__ == "__main__":
    main()
