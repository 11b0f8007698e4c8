"""Events on the dedicated bus of the running cloud: the tenant is whose source it is, and a refusal is published."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.song import Cloud, request

ACCOUNT = "123456789012"
"""The account that everything on one machine belongs to."""


@pytest.fixture
def refusals(cloud: Cloud) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """What a pipeline receives about an event of its own that was refused."""
    sqs, events, name = cloud.aws("sqs"), cloud.aws("events"), f"refusals-{uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["fermata"], "detail-type": ["Music Job Refused"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    seen: list[dict[str, Any]] = []

    def of(event_id: str) -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600)
        seen.extend(json.loads(message["Body"])["detail"] for message in messages.get("Messages", []))
        return [detail for detail in seen if detail["request_event_id"] == event_id]

    yield of
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


def tenant_with_events(cloud: Cloud) -> str:
    """A tenant with credits; the name of its source is its own."""
    tenant_id = f"events-{uuid4().hex[:8]}"
    cloud.manage(action="create_tenant", tenant_id=tenant_id)
    cloud.manage(action="grant", tenant_id=tenant_id, credits=300)
    arguments = ["set-triggers", tenant_id, "--events", "on", "--source", f"{ACCOUNT}/{tenant_id}"]
    assert cloud.admin(*arguments).done() == {
        "tenant_id": tenant_id,
        "inbox": False,
        "events": True,
        "sources": [f"{ACCOUNT}/{tenant_id}"],
    }
    return tenant_id


def put(cloud: Cloud, source: str, detail: object, detail_type: str = "Music Job Requested") -> str:
    """The id of an event that was put on the bus of requests."""
    entry = {
        "EventBusName": cloud.line["outputs"]["RequestBusName"],
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
    }
    answer = cloud.aws("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0
    return str(answer["Entries"][0]["EventId"])


def jobs_of(cloud: Cloud, tenant_id: str) -> list[dict[str, Any]]:
    key = cloud.manage(action="issue_key", tenant_id=tenant_id)["api_key"]
    with cloud.http(key) as http:
        return list(http.get("/v1/jobs?limit=100").raise_for_status().json()["data"])


def test_an_event_that_comes_twice_is_one_song(cloud: Cloud) -> None:
    tenant_id = tenant_with_events(cloud)
    detail = {**request("asked for by an event"), "idempotency_key": "order-1"}
    for _ in range(2):
        put(cloud, tenant_id, detail)
    put(cloud, tenant_id, {**detail, "idempotency_key": "order-2"}, "Something Else Happened")
    put(cloud, tenant_id, {**detail, "prompt": "the second", "idempotency_key": "order-3"})
    cloud.until(lambda: [job["status"] for job in jobs_of(cloud, tenant_id)] == ["succeeded", "succeeded"])


def test_a_refused_event_is_reported_and_stores_nothing(
    cloud: Cloud, refusals: Callable[[str], list[dict[str, Any]]]
) -> None:
    tenant_id = tenant_with_events(cloud)
    before = cloud.stored_and_started()
    detail = {**request("refused as an event"), "idempotency_key": "order-1"}
    without_key = put(cloud, tenant_id, request("refused as an event"))
    unknown_sender = put(cloud, "somebody.else", detail)
    cloud.until(lambda: refusals(without_key) and refusals(unknown_sender))
    (told,), (of_nobody,) = refusals(without_key), refusals(unknown_sender)
    assert told["problem"]["type"] == "urn:fermata:problem:invalid_request"
    assert (told["tenant_id"], told["problem"]["fields"]) == (tenant_id, ["/idempotency_key"])
    assert (of_nobody["tenant_id"], of_nobody["problem"]["type"]) == (None, "urn:fermata:problem:trigger_off")
    assert cloud.left_since(before) == set()
