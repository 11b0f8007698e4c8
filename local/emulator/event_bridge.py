"""Delivery from EventBridge to Lambda: a failed invocation is retried twice, then the event goes to the dead-letter
queue.
"""

import json
import queue
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Thread, Timer
from typing import Any, Final, Protocol
from uuid import uuid4

from local.emulator.event_targets import as_sent, payload
from local.emulator.moto_seams import MotoValue
from local.errors import LocalCloudError
from local.runtime.lambda_answers import Answer, error_answer, error_type
from local.runtime.lambda_runtime import TooManyRequestsError, UnknownFunctionError

RETRY_DELAYS_S: Final = (60.0, 120.0)
"""Lambda's waits in seconds before the second and third attempt of an asynchronous invocation."""


_NO_PERMISSIONS: Final = "NO_PERMISSIONS"
"""EventBridge's code for a target whose policy does not let the rule call it."""


@dataclass(frozen=True)
class Delivery:
    """One event for one function; without a rule, it is an asynchronous invocation."""

    function_arn: str
    payload: str
    rule_arn: str | None = None
    dead_letter_arn: str | None = None
    tries: int = 0
    id: str = field(default_factory=lambda: uuid4().hex)


class Keeper(Protocol):
    """Remembers deliveries until they have ended."""

    def accept(self, delivery: Delivery, begin: Callable[[], None]) -> None:
        """Remember a delivery, then `begin` it."""

    def done(self, delivery: Delivery) -> None:
        """Forget a delivery that has ended."""

    def pending(self) -> list[Delivery]:
        """Return the deliveries of an earlier run that have not ended."""


class NothingKept:
    """Deliveries end with the process."""

    def accept(self, delivery: Delivery, begin: Callable[[], None]) -> None:  # noqa: ARG002 (a `Keeper`)
        """Begin the delivery."""
        begin()

    def done(self, delivery: Delivery) -> None:
        """Do nothing."""

    def pending(self) -> list[Delivery]:
        """Return none."""
        return []


class RuleRights(Protocol):
    """What the policies of functions and queues let rules do."""

    def refused_target(self, rule_arn: str, function_arn: str) -> str | None:
        """Return why a rule may not call a function, None where it may."""

    def refused_dead_letter(self, rule_arn: str, queue_arn: str) -> str | None:
        """Return why a rule may not leave an event in a queue, None where it may."""


class AllRights:
    """Rules may do everything."""

    def refused_target(self, rule_arn: str, function_arn: str) -> str | None:
        """Return None."""

    def refused_dead_letter(self, rule_arn: str, queue_arn: str) -> str | None:
        """Return None."""


class EventBridge:
    """Delivers to functions; `submit` runs a function, `clients` returns AWS clients by service name."""

    def __init__(
        self,
        submit: Callable[[str, bytes], Future[Answer]],
        clients: Callable[[str], Any],  # boto3 clients have no common type
        retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S,
        keeper: Keeper | None = None,
        rights: RuleRights | None = None,
    ) -> None:
        """With `rights`, a rule calls and leaves events only where it may."""
        self._rights: RuleRights = rights or AllRights()
        self._submit, self._clients, self._retry_delays_s = submit, clients, retry_delays_s
        self._keeper: Keeper = keeper or NothingKept()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = Thread(target=self._run, daemon=True, name="event-bridge")
        self._thread.start()

    def publish(self, entry: Mapping[str, Any], then: Callable[[], None] = lambda: None) -> None:
        """Put an event of an AWS service on the default bus, and take a step after it, in the background."""
        self._work.put(lambda: self._put(entry, then))

    def resume(self) -> None:
        """Try again what an earlier run accepted and did not deliver."""
        for delivery in self._keeper.pending():
            self._begin(delivery)

    def deliver(self, rule_arn: str, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Invoke a function that is the target of a rule with an event, in the background."""
        dead_letter_arn = target.get("DeadLetterConfig", {}).get("Arn")
        self._accept(Delivery(target["Arn"], payload(as_sent(event), target), rule_arn, dead_letter_arn))

    def invoke_later(self, function_arn: str, payload: bytes) -> None:
        """Run a function in the background, like Lambda's invocation type Event."""
        self._accept(Delivery(function_arn, payload.decode("utf-8", "replace")))

    def stop(self) -> None:
        """Stop delivery."""
        self._work.put(None)

    def _run(self) -> None:
        while (step := self._work.get()) is not None:
            try:
                step()
            except LocalCloudError:
                # The cloud ends and says why; what was accepted is kept.
                continue
            except Exception as error:  # noqa: BLE001 (edge of a thread: the next event must not wait for ever)
                print(f"an event was not delivered: {type(error).__name__}: {error}", file=sys.stderr)

    def _accept(self, delivery: Delivery) -> None:
        self._keeper.accept(delivery, lambda: self._begin(delivery))

    def _begin(self, delivery: Delivery) -> None:
        self._work.put(lambda: self._try(delivery))

    def _put(self, entry: Mapping[str, Any], then: Callable[[], None]) -> None:
        self._clients("events").put_events(Entries=[dict(entry)])
        then()

    def _try(self, delivery: Delivery) -> None:
        refusal = delivery.rule_arn and self._rights.refused_target(delivery.rule_arn, delivery.function_arn)
        if refusal:
            # EventBridge does not try again what it has no permission for.
            self._keep(delivery, error_answer(_NO_PERMISSIONS, refusal))
            return
        try:
            answer = self._submit(delivery.function_arn, delivery.payload.encode())
        except (TooManyRequestsError, UnknownFunctionError) as error:
            self._failed(delivery, error_answer(type(error).__name__.replace("Error", "Exception"), str(error)))
            return
        answer.add_done_callback(lambda done: self._ended(delivery, done.result()))

    def _ended(self, delivery: Delivery, answer: Answer) -> None:
        if answer.failed:
            self._failed(delivery, answer)
        else:
            self._work.put(lambda: self._keeper.done(delivery))

    def _failed(self, delivery: Delivery, answer: Answer) -> None:
        if delivery.tries < len(self._retry_delays_s):
            again = replace(delivery, tries=delivery.tries + 1)
            timer = Timer(self._retry_delays_s[delivery.tries], self._work.put, [lambda: self._try(again)])
            timer.daemon = True
            timer.start()
        else:
            self._work.put(lambda: self._keep(delivery, answer))

    def _keep(self, delivery: Delivery, answer: Answer) -> None:
        self._report(delivery, answer)
        self._keeper.done(delivery)

    def _report(self, delivery: Delivery, answer: Answer) -> None:
        code = error_type(answer)
        if delivery.dead_letter_arn is None:
            print(
                f"an event for {delivery.function_arn} was given up after {code}; the rule has no queue for it",
                file=sys.stderr,
            )
            return
        refusal = delivery.rule_arn and self._rights.refused_dead_letter(delivery.rule_arn, delivery.dead_letter_arn)
        if refusal:
            print(f"an event for {delivery.function_arn} was given up after {code}: {refusal}", file=sys.stderr)
            return
        attributes = {"RULE_ARN": str(delivery.rule_arn), "TARGET_ARN": delivery.function_arn, "ERROR_CODE": code}
        sqs = self._clients("sqs")
        url = sqs.get_queue_url(QueueName=delivery.dead_letter_arn.rsplit(":", 1)[-1])["QueueUrl"]
        sqs.send_message(
            QueueUrl=url,
            MessageBody=delivery.payload,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )


def execution_status_change(execution: MotoValue) -> dict[str, Any]:
    """Return the event that Step Functions publishes when an execution starts or ends."""
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": str(execution.status),
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(execution.stop_date),
        "input": json.dumps(execution.input_data, default=str),
        "output": None if execution.output is None else json.dumps(execution.output, default=str),
        "error": execution.error,
        "cause": execution.cause,
    }
    return {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Resources": [execution.exec_arn],
        "Detail": json.dumps(detail),
    }


def _milliseconds(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp() * 1000)
