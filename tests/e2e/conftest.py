"""The stack that a run tests. Whoever starts it names the stack in the environment: `python -m tests.e2e` does."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.e2e.plan import RefusedError
from tests.e2e.stack import Stack, aws_environment
from tests.integration.webhook_receiver import Receiver, receiving

_RECEIVER = os.environ.get("E2E_RECEIVER", "")
_ENVIRONMENT, _AWS = dict(os.environ), aws_environment()
# A stack on AWS reaches no receiver on this machine.
collect_ignore = [] if _RECEIVER else ["test_webhooks.py"]


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver | None]:
    """The receiver on this machine; None where it is elsewhere, or there is none."""
    with ExitStack() as exits:
        yield exits.enter_context(receiving()) if _RECEIVER == "local" else None


@pytest.fixture(scope="session")
def stack(receiver: Receiver | None) -> Iterator[Stack]:
    """The stack, once its providers' prices are within the run's budget; the run's jobs are forgotten afterwards."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            # The tests' own settings keep every other test from AWS.
            for name in set(aws_environment()) - set(_AWS):
                patch.delenv(name)
            for name, value in _AWS.items():
                patch.setenv(name, value)
            made = Stack.of(_ENVIRONMENT, f"{receiver.origin}/e2e" if receiver else _RECEIVER or None)
            made.check()
    except RefusedError as error:
        pytest.exit(str(error), returncode=2)
    yield made
    made.leave()


@pytest.fixture(scope="session")
def secret(stack: Stack) -> str:
    """The secret that signs the tenant's webhooks, made anew before anything is posted."""
    with stack.http() as http:
        return str(http.post("/v1/webhook/rotate", json={"overlap_s": 0}).raise_for_status().json()["secret"])


@pytest.fixture(scope="session")
def song(stack: Stack, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The one song that most tests look at: the job as it was ordered, before its end."""
    if stack.callback_url:
        request.getfixturevalue("secret")
    answer = stack.order("song")
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


@pytest.fixture(scope="session")
def sung(stack: Stack, song: dict[str, Any]) -> dict[str, Any]:
    """The same job once it has ended."""
    job = stack.finished(song["id"])
    assert job["status"] == "succeeded", job
    return job
