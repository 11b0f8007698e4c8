"""What scripted functions need around moto's engine of state machines, in a process that runs it."""

import threading
from concurrent.futures import Future
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from local.runtime.lambda_answers import Answer

LOOK_EVERY_S: Final = 0.02


def client(service: str) -> Any:  # noqa: ANN401 - one client type per service
    """A client of moto."""
    return boto3.client(service, region_name="eu-west-1")  # type: ignore[call-overload]  # the stubs know literals only


def done(answer: Answer) -> "Future[Answer]":
    """The answer of a function that takes no time."""
    future: Future[Answer] = Future()
    future.set_result(answer)
    return future


def post_later(task_token: str, output: str) -> None:
    """End a wait for a token with this JSON, once the engine waits."""
    threading.Thread(target=_post, args=[task_token, output], daemon=True).start()


def _post(task_token: str, output: str) -> None:
    machines, never = client("stepfunctions"), threading.Event()
    while True:
        try:
            machines.send_task_success(taskToken=task_token, output=output)
            return
        except ClientError:
            # The engine knows the token once the function has answered.
            never.wait(LOOK_EVERY_S)
