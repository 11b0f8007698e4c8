"""Jobs that no execution moves, on the whole cloud: the reaper is run by hand, as an operator would."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from fermata.domain.orders.job_id import new_job_id
from fermata.domain.orders.order_request import SongRequest
from tests.integration.song import Cloud, request
from tests.integration.use_cases.accounts.test_money import Customer, customer
from tests.songs import queued_job


def reap(cloud: Cloud) -> dict[str, int]:
    return cloud.run_schedule("reap_jobs")


def reaped(cloud: Cloud, tenant: Customer, job_id: str) -> dict[str, Any]:
    """The job once the reaper has seen it through."""

    def ended() -> bool:
        reap(cloud)
        return tenant.get(f"/v1/jobs/{job_id}")["finished_at"] is not None

    cloud.until(ended)
    return tenant.get(f"/v1/jobs/{job_id}")


def lost_order(tenant: Customer, prompt: str) -> str:
    """A job that was stored and paid for, and whose execution was never started."""
    now = datetime.now(UTC).replace(microsecond=0)
    job = queued_job(
        now=now,
        id=new_job_id(now, uuid4().bytes),
        tenant_id=tenant.tenant_id,
        request=SongRequest.model_validate(request(prompt)),
        check_at=now,
    )
    tenant.ledger().jobs.create(job)
    return job.id


@contextmanager
def status_rule_off(cloud: Cloud) -> Iterator[None]:
    events = cloud.aws("events")
    (name,) = [rule["Name"] for rule in events.list_rules()["Rules"] if "ExecutionEnded" in rule["Name"]]
    events.disable_rule(Name=name)
    try:
        yield
    finally:
        events.enable_rule(Name=name)


@pytest.fixture
def told(cloud: Cloud) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """The events about a job that others would get."""
    sqs, events, name = cloud.aws("sqs"), cloud.aws("events"), f"ends-{uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["fermata"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    seen: list[dict[str, Any]] = []

    def about(job_id: str) -> list[dict[str, Any]]:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get(
            "Messages"
        ):
            seen.extend(json.loads(message["Body"]) for message in messages)
        return [event for event in seen if event["detail"]["job_id"] == job_id]

    yield about
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


def test_a_job_whose_start_was_lost_is_started_and_delivered(cloud: Cloud) -> None:
    tenant = customer(cloud)
    job = reaped(cloud, tenant, lost_order(tenant, "its start was lost"))
    assert (job["status"], job["charged"]) == ("succeeded", "yes")
    assert tenant.account() == (270, 0, 30)


def test_a_killed_execution_that_the_rule_missed_is_settled_once_however_often_the_reaper_runs(
    cloud: Cloud, told: Callable[[str], list[dict[str, Any]]]
) -> None:
    tenant = customer(cloud)
    with status_rule_off(cloud):
        job_id = tenant.post(request("killed unseen [[fault:hang:30]]")).json()["id"]
        cloud.aws("stepfunctions").stop_execution(executionArn=cloud.execution(job_id))
        job = reaped(cloud, tenant, job_id)
    for _ in range(2):
        reap(cloud)
    assert (job["status"], job["charged"]) == ("failed", "refunded")
    assert tenant.get(f"/v1/jobs/{job_id}")["finished_at"] == job["finished_at"]
    assert (tenant.account(), tenant.kinds()) == ((300, 0, 0), ["grant", "hold", "refund"])
    assert {event["detail"]["event_id"] for event in told(job_id)} == {f"{job_id}.failed", f"{job_id}.usage"}


def test_a_delivered_job_is_published_once_on_the_default_bus(
    cloud: Cloud, told: Callable[[str], list[dict[str, Any]]]
) -> None:
    tenant = customer(cloud)
    job = tenant.finished(tenant.post(request("told of on the bus")).json()["id"])
    cloud.until(lambda: told(job["id"]))
    event, usage = sorted(told(job["id"]), key=lambda event: event["detail-type"])
    assert (usage["source"], usage["detail-type"]) == ("fermata", "Usage Recorded")
    assert usage["detail"] == {
        "event_id": f"{job['id']}.usage",
        "job_id": job["id"],
        "tenant_id": tenant.tenant_id,
        "day": job["finished_at"][:10],
        "model": "minimax/music-2.5",
        "status": "succeeded",
        "charged": "yes",
        "credits": 30,
        "unit": "song",
        "units": 1,
        "key_id": job["api_key_id"],
        "audio_ms": job["tracks"][0]["duration_ms"],
        "finished_at": job["finished_at"],
        "stack": "fermata",
    }
    assert (event["source"], event["detail-type"]) == ("fermata", "Music Job Succeeded")
    assert event["detail"] == {
        "event_id": f"{job['id']}.succeeded",
        "job_id": job["id"],
        "tenant_id": tenant.tenant_id,
        "kind": "song",
        "status": "succeeded",
        "model": "minimax/music-2.5",
        "charged": "yes",
        "price_credits": 30,
        "spent_credits": 30,
        "error_class": None,
        "finished_at": job["finished_at"],
        "stack": "fermata",
    }


def test_a_song_that_is_not_there_at_its_deadline_is_expired_and_refunded(
    cloud: Cloud, told: Callable[[str], list[dict[str, Any]]]
) -> None:
    tenant = customer(cloud)
    now = datetime.now(UTC).replace(microsecond=0)
    cloud.fault("minimax", "hang:3", "create", "wanted sooner")
    job = queued_job(
        now=now,
        id=new_job_id(now, uuid4().bytes),
        tenant_id=tenant.tenant_id,
        request=SongRequest.model_validate(
            request("wanted sooner", finish_by=f"{now + timedelta(seconds=3):%Y-%m-%dT%H:%M:%SZ}")
        ),
        check_at=now,
    )
    tenant.ledger().jobs.create(job)
    ended = reaped(cloud, tenant, job.id)
    assert (ended["status"], ended["charged"], ended["error"]["code"]) == ("expired", "refunded", "finish_by_passed")
    assert (tenant.account(), sorted(tenant.kinds())) == ((300, 0, 0), ["grant", "hold", "refund"])
    cloud.until(lambda: told(job.id))
    assert {event["detail-type"] for event in told(job.id)} == {"Music Job Expired", "Usage Recorded"}
