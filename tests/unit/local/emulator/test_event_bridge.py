"""An event reaches a function, or is kept."""

import json
import queue
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from local.emulator.event_bridge import EventBridge
from local.runtime.lambda_answers import Answer, error_answer
from local.runtime.lambda_runtime import TooManyRequestsError, UnknownFunctionError

RULE = "arn:aws:events:eu-west-1:123456789012:rule/ended"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:settle"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:kept"
EVENT = {"id": "1", "detail-type": "Ended", "source": "aws.states", "time": 0.0, "detail": {"name": "job_1"}}
TARGET = {"Arn": FUNCTION, "InputPath": "$.detail", "DeadLetterConfig": {"Arn": QUEUE}}
WITHIN_S = 5


class World:
    """A function whose answers are given beforehand, and the AWS calls that were made."""

    def __init__(self) -> None:
        self.answers: list[Answer | Exception] = []
        self.invocations: queue.Queue[tuple[str, str]] = queue.Queue()
        self.calls: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def submit(self, arn: str, payload: bytes) -> Future[Answer]:
        self.invocations.put((arn, payload.decode()))
        answer = self.answers.pop(0) if self.answers else Answer(b"{}")
        if isinstance(answer, Exception):
            raise answer
        future: Future[Answer] = Future()
        future.set_result(answer)
        return future

    def clients(self, _service: str) -> "World":
        return self

    def get_queue_url(self, **request: object) -> dict[str, str]:
        return {"QueueUrl": f"http://queue/{request['QueueName']}"}

    def send_message(self, **request: object) -> None:
        self.calls.put(("send_message", request))

    def put_events(self, **request: object) -> None:
        self.calls.put(("put_events", request))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def bridge(world: World) -> Iterator[EventBridge]:
    bridge = EventBridge(world.submit, world.clients, retry_delays_s=(0, 0))
    yield bridge
    bridge.stop()


def test_a_target_gets_what_the_rule_selects(bridge: EventBridge, world: World) -> None:
    bridge.deliver(RULE, TARGET, EVENT)
    arn, payload = world.invocations.get(timeout=WITHIN_S)
    assert (arn, json.loads(payload)) == (FUNCTION, {"name": "job_1"})


@pytest.mark.parametrize(
    "trouble", [error_answer("KeyError", "x"), TooManyRequestsError("busy"), UnknownFunctionError("gone")]
)
def test_a_failed_delivery_is_tried_twice_more_and_then_kept(
    bridge: EventBridge, world: World, trouble: Answer | Exception
) -> None:
    world.answers = [trouble] * 3
    bridge.deliver(RULE, TARGET, EVENT)
    _, request = world.calls.get(timeout=WITHIN_S)
    assert world.invocations.qsize() == 3
    assert request["QueueUrl"] == "http://queue/kept"
    assert json.loads(request["MessageBody"]) == {"name": "job_1"}
    attributes = {name: value["StringValue"] for name, value in request["MessageAttributes"].items()}
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (RULE, FUNCTION)
    assert attributes["ERROR_CODE"] in {"KeyError", "TooManyRequestsException", "UnknownFunctionException"}


def test_a_delivery_that_succeeds_on_the_second_try_is_not_kept(bridge: EventBridge, world: World) -> None:
    world.answers = [error_answer("KeyError", "x")]
    bridge.deliver(RULE, TARGET, EVENT)
    for _ in range(2):
        world.invocations.get(timeout=WITHIN_S)
    bridge.publish({"Source": "aws.states"})
    assert world.calls.get(timeout=WITHIN_S)[0] == "put_events"


def test_without_a_queue_an_event_that_is_given_up_is_logged(
    bridge: EventBridge, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.answers = [error_answer("KeyError", "x")] * 3
    bridge.deliver(RULE, {"Arn": FUNCTION}, EVENT)
    for _ in range(3):
        world.invocations.get(timeout=WITHIN_S)
    bridge.publish({"Source": "aws.states"})
    world.calls.get(timeout=WITHIN_S)
    said = capsys.readouterr().err
    assert FUNCTION in said
    assert "KeyError" in said
    assert "job_1" not in said


def test_an_event_that_cannot_be_handled_does_not_stop_the_next(
    bridge: EventBridge, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.answers = [RuntimeError("unexpected")]
    bridge.deliver(RULE, TARGET, EVENT)
    bridge.deliver(RULE, TARGET, EVENT)
    for _ in range(2):
        world.invocations.get(timeout=WITHIN_S)
    assert "not delivered: RuntimeError" in capsys.readouterr().err


def test_an_asynchronous_invocation_is_tried_three_times(bridge: EventBridge, world: World) -> None:
    world.answers = [error_answer("KeyError", "x")] * 2
    bridge.invoke_later(FUNCTION, b'{"a":1}')
    assert [world.invocations.get(timeout=WITHIN_S) for _ in range(3)] == [(FUNCTION, '{"a":1}')] * 3


class Refusing:
    """Policies that let no rule do anything, or let it leave events only."""

    def __init__(self, *, may_leave: bool) -> None:
        self._may_leave = may_leave

    def refused_target(self, rule_arn: str, function_arn: str) -> str | None:
        return f"{rule_arn} may not call {function_arn}"

    def refused_dead_letter(self, rule_arn: str, queue_arn: str) -> str | None:
        return None if self._may_leave else f"{rule_arn} may not send to {queue_arn}"


def test_what_a_rule_may_not_call_is_kept_at_once(world: World) -> None:
    bridge = EventBridge(world.submit, world.clients, retry_delays_s=(0, 0), rights=Refusing(may_leave=True))
    bridge.deliver(RULE, TARGET, EVENT)
    _, request = world.calls.get(timeout=WITHIN_S)
    bridge.stop()
    assert request["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert world.invocations.empty()


def test_an_event_is_lost_where_the_rule_may_not_leave_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    bridge = EventBridge(world.submit, world.clients, retry_delays_s=(0, 0), rights=Refusing(may_leave=False))
    bridge.deliver(RULE, TARGET, EVENT)
    bridge.publish({"Source": "aws.states"})
    assert world.calls.get(timeout=WITHIN_S)[0] == "put_events"
    bridge.stop()
    assert f"{RULE} may not send to" in capsys.readouterr().err


def test_an_asynchronous_invocation_is_no_rules(world: World) -> None:
    bridge = EventBridge(world.submit, world.clients, retry_delays_s=(0, 0), rights=Refusing(may_leave=False))
    bridge.invoke_later(FUNCTION, b"{}")
    assert world.invocations.get(timeout=WITHIN_S) == (FUNCTION, "{}")
    bridge.stop()
