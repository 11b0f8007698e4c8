"""The end of a job and its usage are one entry each on the default bus; one that is refused is not published."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from fermata.adapters.events import EventBridgeJobEvents
from fermata.domain.finish.events import end_of
from fermata.domain.money.usage import usage_event
from fermata.errors import TransientError
from tests.songs import LYRICS, PROMPT, delivered_job
from tests.support.cloud import ONE_TRY, Answer, AnswersInstead, aws_error, session

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


@pytest.fixture
def client() -> Iterator["EventBridgeClient"]:
    with mock_aws():
        yield session().client("events", config=ONE_TRY)


def refused_entry() -> Answer:
    refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "canary"}
    parsed = {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, refused]}
    return AWSResponse("https://aws", 200, HTTPHeaders(), None), parsed


def test_an_end_and_its_usage_are_entries_of_ours(client: "EventBridgeClient") -> None:
    seen: list[dict[str, str]] = []
    client.meta.events.register(
        "provide-client-params.events.PutEvents", lambda params, **_: seen.extend(params["Entries"])
    )
    EventBridgeJobEvents(client, "fermata").publish(end_of(delivered_job()), usage_event(delivered_job()))
    assert [entry["Source"] for entry in seen] == ["fermata", "fermata"]
    assert [entry["DetailType"] for entry in seen] == ["Music Job Succeeded", "Usage Recorded"]
    assert json.loads(seen[0]["Detail"]) == {**end_of(delivered_job()).detail, "stack": "fermata"}
    assert json.loads(seen[1]["Detail"]) == {**usage_event(delivered_job()).detail, "stack": "fermata"}
    assert not any(secret in json.dumps(seen) for secret in (PROMPT, LYRICS, "tracks/"))


@pytest.mark.parametrize("answer", [refused_entry, aws_error("InternalException", "canary")])
def test_an_entry_that_was_not_taken_is_transient(client: "EventBridgeClient", answer: Callable[[], Answer]) -> None:
    AnswersInstead(client, "PutEvents", answer)
    with pytest.raises(TransientError) as caught:
        EventBridgeJobEvents(client, "fermata").publish(end_of(delivered_job()), usage_event(delivered_job()))
    assert "canary" not in str(caught.value)
