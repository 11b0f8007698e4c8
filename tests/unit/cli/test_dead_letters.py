"""Dead letters go to their function once more: what it takes is deleted, what it refuses stays and is counted."""

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cli.dead_letters import OUTPUT, QUEUES, RedriveError, redrive
from cli.deployed_stack import StackError
from local.errors import UsageError

GOOD = {"job_id": "job_1", "failure": {"Error": "Execution.FAILED"}}
ON_THE_BUS = {
    "source": "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    "detail": {"name": "job_1", "status": "FAILED"},
}
POISON = {"detail": {"name": "canary of a caller"}}


class Settle:
    """A function that takes every event but the poison, and none beyond `most`."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.taken: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert FunctionName == "settle"
        event = json.loads(Payload)
        if event == POISON:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorType": "NotFoundError"}')}
        if len(self.taken) == self.most:
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
        self.taken.append(event)
        return {"Payload": io.BytesIO(b"null")}


class Queue:
    """The dead letter queue of `settle-job`."""

    def __init__(self) -> None:
        self.sqs = boto3.client("sqs", region_name="eu-west-1")
        self.url = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        self.function = Settle()

    def put(self, *bodies: object, rule: str | None = None) -> None:
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            attributes: Any = {"ErrorCode": {"DataType": "Number", "StringValue": "200"}}
            if rule is not None:
                attributes = {"RULE_ARN": {"DataType": "String", "StringValue": rule}}
            self.sqs.send_message(QueueUrl=self.url, MessageBody=text, MessageAttributes=attributes)

    def left(self) -> list[str]:
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return sorted(message["Body"] for message in found.get("Messages", []))

    def redrive(self, limit: int = 100, *, dry_run: bool = False) -> dict[str, Any]:
        outputs = {OUTPUT: json.dumps({name: [self.url, "settle"] for name in QUEUES})}
        clients = {"sqs": self.sqs, "lambda": self.function, "events": boto3.client("events", region_name="eu-west-1")}
        return redrive("settle-job", outputs, clients.__getitem__, limit, dry_run=dry_run)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield Queue()


def test_what_the_function_takes_is_deleted_and_poison_stays_and_is_named(queue: Queue) -> None:
    queue.put(GOOD, POISON, "no JSON", "[]", GOOD)
    told = queue.redrive()
    assert (told["redriven"], told["stayed"], queue.function.taken) == (2, 3, [GOOD, GOOD])
    assert sorted(str(each["refused_with"]) for each in told["messages"]) == [
        "None",
        "None",
        "NotFoundError",
        "the message is no JSON object",
        "the message is no JSON object",
    ]
    assert {each["said"] for each in told["messages"]} == {"200"}
    assert "canary" not in json.dumps(told)
    assert queue.left() == sorted([json.dumps(POISON), "no JSON", "[]"])
    again = queue.redrive()
    assert (again["redriven"], again["stayed"], len(queue.left())) == (0, 3, 3)


@pytest.mark.parametrize("bus", ["default", "requests"])
def test_an_event_of_a_rule_becomes_what_the_rules_target_gets(queue: Queue, bus: str) -> None:
    events = boto3.client("events", region_name="eu-west-1")
    if bus != "default":
        events.create_event_bus(Name=bus)
    pattern = json.dumps({"source": ["aws.states"]})
    rule = events.put_rule(Name="ends", EventBusName=bus, EventPattern=pattern)["RuleArn"]
    made = {
        "InputPathsMap": {"job_id": "$.detail.name", "status": "$.detail.status"},
        "InputTemplate": '{"job_id": "<job_id>", "failure": {"Error": "Execution.<status>"}}',
    }
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:settle"
    target: Any = {"Id": "settle", "Arn": arn, "InputTransformer": made}
    events.put_targets(Rule="ends", EventBusName=bus, Targets=[target])
    queue.put(ON_THE_BUS, GOOD, rule=rule)
    assert queue.redrive()["redriven"] == 2
    assert queue.function.taken == [GOOD, GOOD]


def test_a_dry_run_shows_the_messages_and_sends_and_deletes_none(queue: Queue) -> None:
    queue.put(GOOD, POISON)
    told = queue.redrive(dry_run=True)
    assert (told["redriven"], told["stayed"], len(told["messages"]), queue.function.taken) == (0, 2, 2, [])
    assert len(queue.left()) == 2


def test_no_more_than_the_limit_is_sent(queue: Queue) -> None:
    queue.put(*[GOOD] * 12)
    assert queue.redrive(11)["redriven"] == 11
    assert len(queue.left()) == 1
    with pytest.raises(UsageError, match="at least 1"):
        queue.redrive(0)


def test_messages_that_could_not_be_sent_are_still_there(queue: Queue) -> None:
    queue.function = Settle(most=1)
    queue.put(GOOD, GOOD, POISON)
    with pytest.raises(RedriveError, match=r"TooManyRequestsException.*give the command again"):
        queue.redrive()
    assert len(queue.function.taken) == 1
    assert len(queue.left()) == 2


def test_an_empty_queue_sends_nothing(queue: Queue) -> None:
    assert queue.redrive()["messages"] == []


def test_a_stack_of_an_older_template_is_named() -> None:
    with pytest.raises(StackError, match="no output DeadLetterQueues"):
        redrive("settle-job", {}, lambda _name: None, 1, dry_run=False)
