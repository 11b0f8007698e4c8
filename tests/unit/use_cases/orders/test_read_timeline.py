"""What happened to a job stands in the order of its moments, in its tenant's words, and costs nobody a write."""

from datetime import datetime, timedelta

import pytest
from botocore.model import OperationModel
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.adapters.dynamodb.webhooks.webhook_deliveries import DynamoWebhookDeliveries
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.lists.timeline import What, timeline_of
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.web.formats import rfc3339
from fermata.domain.webhooks.delivery import Answered, NoAnswer, NotAnswered, Try, attempt_after
from fermata.errors import NotFoundError
from fermata.use_cases.orders.read_timeline import read_timeline
from fermata.wiring.orders import timeline_ports
from tests.fakes.clock import NOON
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.fakes.world import World
from tests.songs import claimed_attempt, delivered_job, queued_job, rate_limited, stored_track
from tests.support.cloud import TABLE, dynamodb_with_table

RECEIVER = "https://shop.example.com"


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def polled_job() -> Job:
    """A job whose first provider refused and whose second one was polled and delivered."""
    refused = claimed_attempt(
        started_at=later(2),
        finished_at=later(3),
        state=AttemptState.FAILED,
        failure=rate_limited(),
        provider_charged=ProviderCharged.NO,
    )
    made = claimed_attempt(
        number=2, started_at=later(13.5), not_yet_at=later(60), finished_at=later(80), state=AttemptState.READY
    )
    return queued_job(
        attempts=(refused, made),
        status=JobStatus.SUCCEEDED,
        tracks=(stored_track(),),
        first_stored_at=later(82),
        finished_at=later(83),
    )


def test_a_job_is_told_from_its_submission_to_its_webhooks_in_the_order_of_time() -> None:
    failed = attempt_after(NotAnswered(NoAnswer.TIMEOUT), Try(0, 1), RECEIVER, NOON + timedelta(seconds=84), 0)
    delivered = attempt_after(Answered(204), Try(0, 2), RECEIVER, NOON + timedelta(seconds=90), 0)
    entries = timeline_of(polled_job(), [failed, delivered])
    assert [((entry.at - NOON).total_seconds(), entry.what.value) for entry in entries] == [
        (0, "submitted"),
        (2, "turn"),
        (2, "ordered"),
        (3, "attempt_failed"),
        (13.5, "turn"),
        (13.5, "ordered"),
        (60, "polled"),
        (80, "made"),
        (82, "stored"),
        (83, "succeeded"),
        (84, "webhook"),
        (90, "webhook"),
    ]
    told = [entry.detail for entry in entries]
    assert told[1] == "The job had its turn at minimax after 2.0 s."
    assert told[3].endswith("Whether the provider charged: no.")
    assert told[4] == "The job had its turn at minimax after 10.5 s."
    assert told[7] == "Attempt 2: minimax was done after 66.5 s."
    assert told[9] == "1 file was delivered for 30 credits."
    assert told[10] == (
        f"The end was posted to {RECEIVER}: failed (timeout). The next try is at {rfc3339(failed.next_try_at)}."
    )
    assert told[11] == f"The end was posted to {RECEIVER}: delivered (204)."


def test_an_open_job_has_no_end_and_a_song_of_an_earlier_job_no_order() -> None:
    assert [entry.what for entry in timeline_of(queued_job(), [])] == [What.SUBMITTED]
    found = claimed_attempt(bought_at=NOON)
    entries = timeline_of(queued_job(attempts=(found,), recovered_from="job_01JD0ABCDEFGHJKMNPQRSTVWXY"), [])
    assert [entry.what for entry in entries] == [What.SUBMITTED, What.FOUND]


def test_what_a_provider_says_of_the_operators_account_is_not_told() -> None:
    failure = Failure(
        failure_class=FailureClass.OUT_OF_CREDIT,
        code="1008",
        message="insufficient balance of account 4711",
        provider_charged=ProviderCharged.NO,
    )
    attempt = claimed_attempt(finished_at=later(1), state=AttemptState.FAILED, failure=failure)
    job = queued_job(attempts=(attempt,), status=JobStatus.FAILED, failure=failure, finished_at=later(2))
    told = " ".join(entry.detail for entry in timeline_of(job, []))
    assert "4711" not in told
    assert "30 credits were returned" in told


@pytest.mark.parametrize("hidden", ["unknown", "another_tenants", "deleted"])
def test_a_job_that_is_not_the_tenants_is_not_found(hidden: str) -> None:
    world, job = World(), delivered_job()
    world.jobs.create(tombstone_of(job, NOON) if hidden == "deleted" else job)
    tenant = "other" if hidden == "another_tenants" else "acme"
    job_id = "job_01JD0ZZZZZZZZZZZZZZZZZZZZZ" if hidden == "unknown" else job.id
    with pytest.raises(NotFoundError):
        read_timeline(job_id, tenant, timeline_ports())


def test_a_timeline_is_two_queries_and_no_write() -> None:
    asked: list[str] = []
    with mock_aws():
        transactions = DynamoTransactions(dynamodb_with_table(*FUNDED_WALLETS), TABLE)
        jobs, deliveries = DynamoJobStore(transactions), DynamoWebhookDeliveries(transactions)
        jobs.create(job := queued_job())
        deliveries.add(job.id, attempt_after(Answered(204), Try(0, 1), RECEIVER, NOON, 0))

        def note(model: OperationModel, **_: object) -> None:
            asked.append(model.name)

        transactions.client.meta.events.register("before-call.dynamodb", note)
        World()
        ports = type(timeline_ports())(jobs, deliveries)
        entries = read_timeline(job.id, "acme", ports)
    assert [entry.what for entry in entries] == [What.SUBMITTED, What.WEBHOOK]
    assert asked == ["Query", "Query"]
