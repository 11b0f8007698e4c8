"""Sends the messages of a dead letter queue to the function that could not take them.

AWS's own redrive does not serve these queues: asynchronous calls of a function and EventBridge's rules filled them. A
call leaves what the function was called with. A rule leaves an event and says which rule it was; where that event is in
the form of the bus, the rule's target says what the function gets of it.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cli.denied import denied
from cli.deployed_stack import output_of
from local.emulator.event_targets import payload
from local.errors import LocalCloudError, UsageError

OUTPUT: Final = "DeadLetterQueues"
"""The output of the stack that has the address and the function of each queue."""
QUEUES: Final = ("ingest-request", "complete-batch", "settle-job", "measure-tracks")
MOST_REDRIVEN: Final = 100
_AT_ONCE: Final = 10
_ENVELOPE: Final = frozenset({"source", "detail-type", "detail"})
_HIDDEN_S: Final = 3600
"""For how long a message is hidden from others while it is sent: longer than ten functions one after another take."""


class RedriveError(LocalCloudError):
    """The queue could not be read, or a message not be sent; those that were not sent are still there."""


def redrive(
    queue: str, outputs: dict[str, str], client: Callable[[str], Any], limit: int, *, dry_run: bool
) -> dict[str, Any]:
    """Invoke the queue's function with at most `limit` messages and wait for each answer; a message is deleted once the
    function has taken it. One that it refuses again stays, and is counted and named. Returns counts and one entry for
    each message, without its content. Raises `RedriveError`, `StackError`, and `UsageError` for a limit below 1.
    """
    if limit < 1:
        raise UsageError("--limit must be at least 1")
    url, function = json.loads(output_of(outputs, OUTPUT))[queue]
    sqs, functions = client("sqs"), client("lambda")
    held: list[str] = []
    found: list[dict[str, Any]] = []
    try:
        for message in _messages(sqs, url, limit, held):
            refusal = None if dry_run else _refusal(functions, function, _payload(message, client))
            if not dry_run and refusal is None:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                held.remove(message["ReceiptHandle"])
            found.append(_entry(message, refusal))
    except (BotoCoreError, ClientError) as error:
        raise RedriveError(denied(error) or f"cannot redrive {queue}: {error}; give the command again") from error
    finally:
        _show_again(sqs, url, held)
    sent = len(found) - len(held)
    return {"queue": queue, "dry_run": dry_run, "redriven": sent, "stayed": len(held), "messages": found}


def _messages(sqs: Any, url: str, limit: int, held: list[str]) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a boto3 client
    """At most `limit` messages, each hidden from others; `held` gets the handle of every received one."""
    left = limit
    while left:
        batch = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(_AT_ONCE, left),
            VisibilityTimeout=_HIDDEN_S,
            # A short poll asks only some of the queue's servers and may miss messages.
            WaitTimeSeconds=1,
            AttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not batch:
            return
        held += [message["ReceiptHandle"] for message in batch]
        yield from batch
        left -= len(batch)


def _payload(message: dict[str, Any], client: Callable[[str], Any]) -> str | None:
    """What the function is invoked with; None for a body that is no JSON object."""
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    rule = message.get("MessageAttributes", {}).get("RULE_ARN", {}).get("StringValue")
    if rule is None or not body.keys() >= _ENVELOPE:
        return str(message["Body"])
    bus, _, name = rule.partition(":rule/")[2].rpartition("/")
    targets = client("events").list_targets_by_rule(Rule=name, EventBusName=bus or "default")["Targets"]
    return payload(body, targets[0] if targets else {})


def _refusal(function_client: Any, function: str, event: str | None) -> str | None:  # noqa: ANN401 - a boto3 client
    """The error with which the function ends; None once it has taken the event."""
    if event is None:
        return "the message is no JSON object"
    answer = function_client.invoke(FunctionName=function, Payload=event.encode())
    if "FunctionError" not in answer:
        return None
    return str(json.loads(answer["Payload"].read()).get("errorType", "unknown error"))


def _show_again(sqs: Any, url: str, handles: list[str]) -> None:  # noqa: ANN401 - a boto3 client
    """Let the messages that stay be received at once; where that fails, they appear again after `_HIDDEN_S`."""
    for handle in handles:
        try:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
        except (BotoCoreError, ClientError):
            return


def _entry(message: dict[str, Any], refusal: str | None) -> dict[str, Any]:
    attributes = message.get("MessageAttributes", {})
    said = next((attributes[name]["StringValue"] for name in _SAYS_WHY if name in attributes), None)
    return {
        "message_id": message["MessageId"],
        "sent_at_ms": int(message["Attributes"]["SentTimestamp"]),
        "said": said,
        "refused_with": refusal,
    }


_SAYS_WHY: Final = ("ERROR_CODE", "ErrorCode")
"""The attributes in which EventBridge and Lambda say why they gave up."""
