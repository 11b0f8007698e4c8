"""Executions of the state machines: which states each entered, with input, output, errors and log lines."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from local.operator_page.log_lines import lines_of
from local.operator_page.sources import Sources, UnknownError

PAGE: Final = 50
MOST_EVENTS: Final = 5_000
"""Most events that a page reads of one history."""

Json = dict[str, Any]


def list_executions(sources: Sources, machine: str | None, after: str | None) -> Json:
    """A page of a machine's executions, newest first; of the machine of jobs where none is named."""
    chosen = machine or next(iter(sources.machines))
    more = {"nextToken": after} if after else {}
    try:
        page = sources.clients("stepfunctions").list_executions(
            stateMachineArn=_machine(sources, chosen), maxResults=PAGE, **more
        )
    except ClientError as error:
        raise UnknownError("expected the `next` of an earlier page") from error
    shown = [_summary(each) for each in page["executions"]]
    return {"machines": [*sources.machines], "machine": chosen, "executions": shown, "next": page.get("nextToken")}


def show_execution(sources: Sources, machine: str, name: str) -> Json:
    """One execution with the machine's definition, the states in the order in which it entered them, and its log."""
    client, arn = sources.clients("stepfunctions"), _machine(sources, machine)
    try:
        found = client.describe_execution(executionArn=f"{arn.replace(':stateMachine:', ':execution:')}:{name}")
    except ClientError as error:
        raise UnknownError("expected the name of an execution of this machine") from error
    events = _events(client, found["executionArn"])
    log = lines_of(sources.logs_dir, name)
    return {
        "machine": machine,
        "execution": {**_summary(found), "input": _value(found.get("input")), "output": _value(found.get("output"))},
        "definition": json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"]),
        "states": _with_logs(states_entered(events), log),
        "failed_with": _failure(events),
        "is_cut": len(events) >= MOST_EVENTS,
        "log": log,
    }


def states_entered(events: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The states of a history in the order of entry. Events between entry and exit belong to the state entered last."""
    entered: list[Json] = []
    for event in events:
        kind, at = str(event["type"]), event["timestamp"].isoformat()
        if kind.endswith("StateEntered"):
            details = event["stateEnteredEventDetails"]
            state = {"name": details["name"], "type": kind.removesuffix("StateEntered"), "entered_at": at}
            entered.append({**state, "exited_at": None, "input": _value(details.get("input")), "output": None})
            entered[-1] |= {"tries": 0, "errors": []}
        elif kind.endswith("StateExited"):
            details = event["stateExitedEventDetails"]
            same = [each for each in entered if each["name"] == details["name"] and each["exited_at"] is None]
            for state in same[-1:]:
                state |= {"exited_at": at, "output": _value(details.get("output"))}
        elif entered:
            entered[-1]["tries"] += kind in {"TaskScheduled", "LambdaFunctionScheduled"}
            if (error := _error_in(event)) is not None:
                entered[-1]["errors"].append({"at": at, **error})
    return entered


def _events(client: Any, arn: str) -> list[Json]:  # noqa: ANN401 - a boto3 client
    events: list[Json] = []
    for page in client.get_paginator("get_execution_history").paginate(executionArn=arn):
        events += page["events"]
        if len(events) >= MOST_EVENTS:
            break
    return events[:MOST_EVENTS]


def _error_in(event: Mapping[str, Any]) -> Json | None:
    for name, details in event.items():
        if name.endswith("EventDetails") and isinstance(details, dict) and ("error" in details or "cause" in details):
            return {"error": details.get("error"), "cause": details.get("cause")}
    return None


def _failure(events: list[Json]) -> Json | None:
    return _error_in(events[-1]) if events and str(events[-1]["type"]).startswith("Execution") else None


def _with_logs(states: list[Json], log: list[Json]) -> list[Json]:
    """The states, each with the lines that functions wrote between its entry and its exit."""
    for state in states:
        begun, ended = state["entered_at"], state["exited_at"] or "9"
        state["log"] = [line for line in log if line["at"] and begun[:23] <= line["at"][:23] <= ended[:23]]
    return states


def _summary(execution: Mapping[str, Any]) -> Json:
    stopped = execution.get("stopDate")
    return {
        "name": execution["name"],
        "status": execution["status"],
        "started_at": execution["startDate"].isoformat(),
        "stopped_at": stopped.isoformat() if stopped else None,
    }


def _machine(sources: Sources, name: str) -> str:
    if name not in sources.machines:
        raise UnknownError(f"expected a state machine, one of {', '.join(sources.machines)}")
    return sources.machines[name]


def _value(text: str | None) -> Any:  # noqa: ANN401 - JSON
    """The JSON in a text, or the text itself."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
