"""What a webhook says, to whom, and under which names."""

import json
import re

import pytest

from fermata.domain.finish.events import end_of
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.webhooks.delivery import MOST_REPLAYS
from fermata.domain.webhooks.message import WebhookEndpoint, delivery_name, message_of, receiver_of, webhook_id
from fermata.domain.webhooks.secret import WebhookSecrets
from tests.fakes.clock import NOON
from tests.songs import JOB_ID, LYRICS, PROMPT, delivered_job, failed_job, queued_job, rate_limited, suno_job
from tests.speech import speech_job
from tests.support.api_document import problems_with, read_document
from tests.webhooks import CALLBACK_URL, SECRET, URL, called_back

TOO_LATE = Failure(failure_class=FailureClass.TRANSIENT, provider_charged=ProviderCharged.NO, message="x", code="late")
ENDPOINT = WebhookEndpoint(tenant_id="acme", url=URL)


def test_a_message_is_thin() -> None:
    content = json.loads(message_of(delivered_job()).body)
    assert content == {
        "type": "job.succeeded",
        "timestamp": "2026-11-21T12:00:00.000Z",
        "data": {
            "event_id": f"{JOB_ID}.succeeded",
            "job_id": JOB_ID,
            "status": "succeeded",
            "kind": "song",
            "model": "minimax/music-2.5",
            "charged": "yes",
            "price_credits": 30,
            "spent_credits": 30,
            "error_class": None,
            "finished_at": "2026-11-21T12:00:00.000Z",
        },
    }


def test_a_message_about_a_speech_is_of_the_same_type_and_says_its_kind() -> None:
    job = speech_job().canceled(NOON)
    content = json.loads(message_of(job).body)
    assert (content["type"], content["data"]["kind"]) == ("job.canceled", "speech")
    assert (end_of(job).detail_type, end_of(job).detail["kind"]) == ("Music Job Canceled", "speech")
    assert "canary" not in message_of(job).body.decode()


def test_a_message_says_the_share_that_was_paid() -> None:
    data = json.loads(message_of(suno_job(2).settled(None, NOON)).body)["data"]
    assert (data["price_credits"], data["spent_credits"], data["charged"]) == (20, 10, "yes")


@pytest.mark.parametrize(
    ("job", "kind"),
    [
        (delivered_job(), "job.succeeded"),
        (failed_job(rate_limited()).settled(rate_limited(), NOON), "job.failed"),
        (queued_job().canceled(NOON), "job.canceled"),
        (queued_job().expired(TOO_LATE, NOON), "job.expired"),
    ],
)
def test_every_end_has_its_type_and_none_contains_the_song(job: Job, kind: str) -> None:
    body = message_of(job).body.decode()
    assert json.loads(body)["type"] == kind
    documented = read_document()["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert problems_with(documented, json.loads(body)) == []
    assert not any(secret in body for secret in (PROMPT, LYRICS, "tracks/", "https://", "acme"))


def test_a_message_that_is_sent_again_is_the_same_but_for_its_timestamp_and_signature() -> None:
    secrets, later = WebhookSecrets.model_validate({"current": SECRET}), NOON.replace(hour=13)
    first, again = message_of(delivered_job()), message_of(delivered_job().published())
    assert first == again
    changed = {
        name for name, value in first.headers(secrets, NOON).items() if again.headers(secrets, later)[name] != value
    }
    assert changed == {"webhook-timestamp", "webhook-signature"}
    assert first.headers(secrets, NOON)["webhook-timestamp"] == str(int(NOON.timestamp()))


def test_an_id_has_nothing_that_the_signed_text_is_divided_by() -> None:
    assert webhook_id(delivered_job()) == f"{JOB_ID}_succeeded"
    assert "." not in webhook_id(delivered_job())


@pytest.mark.parametrize("replay", [0, 1, MOST_REPLAYS])
def test_a_delivery_has_a_name_that_step_functions_takes_and_no_other_has(replay: int) -> None:
    """Names: StartExecution in the Step Functions API reference."""
    name = delivery_name(delivered_job(), replay)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", name)
    assert name == f"{JOB_ID}.succeeded" + (f".replay-{replay}" if replay else "")


@pytest.mark.parametrize(
    ("job", "endpoint", "receiver"),
    [
        (delivered_job(), None, None),
        (delivered_job(), ENDPOINT, URL),
        (delivered_job(), ENDPOINT.model_copy(update={"url": None}), None),
        (delivered_job(), ENDPOINT.model_copy(update={"disabled_at": NOON}), None),
        (called_back(), None, None),
        (called_back(), ENDPOINT, CALLBACK_URL),
        (called_back(), ENDPOINT.model_copy(update={"url": None}), CALLBACK_URL),
        (called_back(), ENDPOINT.model_copy(update={"disabled_at": NOON}), CALLBACK_URL),
        (tombstone_of(delivered_job(), NOON), ENDPOINT, None),
        (tombstone_of(called_back(), NOON), ENDPOINT, None),
    ],
)
def test_an_end_is_sent_to_the_jobs_own_address_else_to_the_tenants(
    job: Job, endpoint: WebhookEndpoint | None, receiver: str | None
) -> None:
    assert receiver_of(job, endpoint) == receiver
