"""`fermata-admin run-schedule FUNCTION`: run a scheduled function now, on a cloud on this machine."""

import json
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from cli.shell import chosen_state_dir
from local.cloud_client import client_of
from local.emulator.schedules import read_schedules
from local.errors import LocalCloudError, UsageError
from local.state_dir import find_state_dir


class RunScheduleError(LocalCloudError):
    """The function could not be run, or failed; the message says what to do."""


def run_schedule(function: str, state_dir: Path | None) -> str:
    """Run a scheduled function once with its rule's event, and return its answer as JSON. Raises `RunScheduleError`, or
    `UsageError` where the function has no schedule.
    """
    cloud = find_state_dir(state_dir or chosen_state_dir()).running()
    try:
        schedules = {schedule.function: schedule for schedule in read_schedules(client_of(cloud, "events"))}
        schedule = schedules.get(function)
        if schedule is None:
            raise UsageError(f"{function} is not on a schedule; expected one of {', '.join(sorted(schedules))}")
        payload = json.dumps(schedule.event()).encode()
        answer = client_of(cloud, "lambda").invoke(FunctionName=schedule.target["Arn"], Payload=payload)
        text = answer["Payload"].read().decode()
    except (BotoCoreError, ClientError) as error:
        raise RunScheduleError(f"cannot run {function}: {error}") from error
    if "FunctionError" in answer:
        name = json.loads(text).get("errorType", "unknown error")
        raise RunScheduleError(f"{function} failed with {name}; see its log in {cloud['logs_dir']}")
    return json.dumps(json.loads(text))
