"""The end of a job is one entry on the default bus, and a refused entry is not taken for a told one."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from fermata.adapters.event_bridge_job_events import EventBridgeJobEvents
from fermata.domain.job_events import end_of
from fermata.errors import TransientError
from tests.cloud import ONE_TRY, Answer, AnswersInstead, aws_error, session
from tests.songs import LYRICS, PROMPT, delivered_job

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


@pytest.fixture
def client() -> Iterator["EventBridgeClient"]:
    with mock_aws():
        yield session().client("events", config=ONE_TRY)


def refused_entry() -> Answer:
    parsed = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "canary"}]}
    return AWSResponse("https://aws", 200, HTTPHeaders(), None), parsed


def test_an_end_is_one_entry_of_ours(client: "EventBridgeClient") -> None:
    seen: list[dict[str, str]] = []
    client.meta.events.register(
        "provide-client-params.events.PutEvents", lambda params, **_: seen.extend(params["Entries"])
    )
    EventBridgeJobEvents(client).publish(end_of(delivered_job()))
    (entry,) = seen
    assert (entry["Source"], entry["DetailType"]) == ("fermata", "Music Job Succeeded")
    assert json.loads(entry["Detail"]) == end_of(delivered_job()).detail
    assert not any(secret in json.dumps(entry) for secret in (PROMPT, LYRICS, "tracks/"))


@pytest.mark.parametrize("answer", [refused_entry, aws_error("InternalException", "canary")])
def test_an_entry_that_was_not_taken_is_worth_another_try(
    client: "EventBridgeClient", answer: Callable[[], Answer]
) -> None:
    AnswersInstead(client, "PutEvents", answer)
    with pytest.raises(TransientError) as caught:
        EventBridgeJobEvents(client).publish(end_of(delivered_job()))
    assert "canary" not in str(caught.value)
