"""Run every path of stdin on moto's engine and print what happened: {name: {states, calls, status, output}}.

A process of its own, because what is put into moto's seams stays there. Waits and the back-off of retries take no time.
"""

import json
import sys
import threading
from concurrent.futures import Future
from typing import Any

from moto import mock_aws

from local.emulator import moto_backends, step_functions
from local.runtime.lambda_answers import Answer, error_answer
from tests.support.moto_engine import LOOK_EVERY_S, client, done, post_later

_HURRY = 1e9
NOT_IN_THE_SCRIPT: dict[str, Any] = {"state": None, "error": "NotInTheScript"}


class Script:
    """The functions of all executions: answers by job id, each in its order."""

    def __init__(self, paths: dict[str, Any]) -> None:
        self.left = {name: list(path["answers"]) for name, path in paths.items()}
        self.calls: dict[str, list[dict[str, Any]]] = {name: [] for name in paths}

    def submit(self, _function: str, payload: bytes) -> "Future[Answer]":
        """Answer as the function would."""
        order = json.loads(payload)
        name = order["job_id"]
        step = self.left[name].pop(0) if self.left[name] else NOT_IN_THE_SCRIPT
        self.calls[name].append({"state": step["state"], "payload": order})
        if "error" in step:
            return done(error_answer(step["error"], "scripted"))
        if "posted" in step:
            post_later(order["task_token"], "{}")
        return done(Answer(json.dumps(step.get("payload", {})).encode()))


def main() -> None:
    """Start everything at once and wait for the last to end."""
    asked = json.load(sys.stdin)
    moto_backends.import_engine()
    with mock_aws():
        moto_backends.execute_machines()
        moto_backends.lock_backends()
        step_functions.parse_once()
        machines = client("stepfunctions")
        script = Script(asked["paths"])
        step_functions.scale_time(_HURRY)
        step_functions.use_clients(client, script.submit)
        machine = machines.create_state_machine(
            name="machine", definition=json.dumps(asked["definition"]), roleArn="arn:aws:iam::123456789012:role/machine"
        )["stateMachineArn"]
        started = {
            name: machines.start_execution(
                stateMachineArn=machine, name=f"x{n}", input=json.dumps({"job_id": name, **asked.get("input", {})})
            )
            for n, name in enumerate(asked["paths"])
        }
        ended = {name: _ended(machines, each["executionArn"], script, name) for name, each in started.items()}
    sys.stdout.write(json.dumps(ended))


def _ended(machines: Any, arn: str, script: Script, name: str) -> dict[str, Any]:  # noqa: ANN401 - boto3's client
    never = threading.Event()
    while (found := machines.describe_execution(executionArn=arn))["status"] == "RUNNING":
        never.wait(LOOK_EVERY_S)
    events = machines.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = (event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event)
    output = json.loads(found["output"]) if "output" in found else found["error"]
    calls, left = script.calls[name], len(script.left[name])
    return {"states": list(entered), "calls": calls, "left": left, "status": found["status"], "output": output}


if __name__ == "__main__":
    main()
