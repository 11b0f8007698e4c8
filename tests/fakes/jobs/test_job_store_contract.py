"""One contract for job records, kept by the in-memory fake and by DynamoDB."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import MAX_ATTEMPTS, Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.orders.references import unusable
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.errors import StaleRecordError, TransientError
from fermata.ports.jobs import JobStore
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.references import AUDIO_URL, REGISTERED_CANDIDATE, job_with, known_as, prepared
from tests.songs import (
    JOB_ID,
    claimed_attempt,
    delivered_job,
    failed_job,
    generating_job,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    submitting_job,
)
from tests.support.cloud import TABLE, Answer, AnswersInstead, aws_error, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def canceled(reason: str) -> Callable[[], Answer]:
    reasons = [{"Code": reason}, {"Code": "None"}]
    return aws_error("TransactionCanceledException", "canary", CancellationReasons=reasons)


def batch(items: Sequence[object], kept_back: Sequence[object]) -> Callable[[], Answer]:
    unprocessed = {TABLE: {"Keys": kept_back, "ConsistentRead": True}}
    parsed = {"Responses": {TABLE: items}, "UnprocessedKeys": unprocessed}
    return lambda: (AWSResponse("https://aws", 200, HTTPHeaders(), None), parsed)


CONFLICT = canceled("TransactionConflict")


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table(*FUNDED_WALLETS)


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> JobStore:
    if request.param == "in_memory":
        return InMemoryJobStore()
    return DynamoJobStore(DynamoTransactions(request.getfixturevalue("dynamodb"), TABLE))


def advanced_to(job: Job, store: JobStore) -> Job:
    """Store `job` as if it had gone through all of its versions, and give back what is stored."""
    current = queued_job(job.candidate.provider)
    store.create(current)
    for version in range(2, job.version + 1):
        attempts = job.attempts[: max(1, len(job.attempts) - (job.version - version))]
        current = job.model_copy(update={"version": version, "attempts": attempts})
        if version < job.version and job.status.is_terminal:
            current = current.model_copy(update={"status": JobStatus.STORING})
        (store.settle if current.status.is_terminal else store.save)(current)
    return current


def test_an_unknown_job_is_not_there(store: JobStore) -> None:
    assert store.load(JOB_ID) is None


@pytest.mark.parametrize(
    "request_fields",
    [
        {},
        {"audio": {"format": "wav", "sample_rate": 32000}},
        {"audio": {"bitrate": 128000}, "title": "雨 \U0001f3b5", "metadata": {"order": "42", "pk": "x", "sk": ""}},
        {"prompt": "", "lyrics": "", "auto_lyrics": True},
        {"lyrics": "\U0001f3b5" * 3500},
    ],
)
def test_a_created_job_is_read_back_equal(store: JobStore, request_fields: dict[str, object]) -> None:
    job = queued_job(request=song_request(**request_fields), now=NOON + timedelta(milliseconds=7))
    store.create(job)
    assert store.load(JOB_ID) == job


@pytest.mark.parametrize(
    "job",
    [submitting_job(), generating_job(), ready_job("https://a.example/x%2Fy?s=1"), delivered_job()],
    ids=lambda job: job.status.value,
)
def test_every_state_is_read_back_equal(store: JobStore, job: Job) -> None:
    assert advanced_to(job, store) == job
    assert store.load(JOB_ID) == job


def test_a_reference_with_its_rule_is_read_back_equal(store: JobStore) -> None:
    job = job_with({"audio_url": AUDIO_URL, "purpose": None}, REGISTERED_CANDIDATE)
    store.create(job)
    stored = job.with_reference(prepared(known_as()), NOON)
    store.save(stored)
    assert store.load(JOB_ID) == stored


def test_a_refused_reference_is_read_back_equal(store: JobStore) -> None:
    store.create(job_with())
    refused = job_with().with_refusal(unusable("reference_too_short", "expected more"), NOON)
    store.save(refused)
    assert store.load(JOB_ID) == refused


def test_a_failure_is_read_back_whole(store: JobStore) -> None:
    failure = Failure(
        failure_class=FailureClass.PROVIDER_ERROR,
        provider_charged=ProviderCharged.UNKNOWN,
        message="é",
        code="9",
        http_status=200,
        trace_id="t",
        retry_after_s=3,
    )
    job = failed_job(failure).settled(failure, NOON)
    advanced_to(job, store)
    assert store.load(JOB_ID) == job


def test_an_id_is_created_once(store: JobStore) -> None:
    store.create(queued_job())
    with pytest.raises(StaleRecordError):
        store.create(queued_job(tenant_id="other"))
    assert store.load(JOB_ID) == queued_job()


def test_a_job_that_was_never_created_cannot_be_saved(store: JobStore) -> None:
    with pytest.raises(StaleRecordError):
        store.save(submitting_job())
    assert store.load(JOB_ID) is None


def test_of_two_writers_that_read_the_same_version_one_wins(store: JobStore) -> None:
    store.create(queued_job())
    first = queued_job().claimed(claimed_attempt(claim_id="first"), NOON)
    second = queued_job().claimed(claimed_attempt(claim_id="second"), NOON)
    store.save(first)
    with pytest.raises(StaleRecordError):
        store.save(second)
    assert store.load(JOB_ID) == first


@pytest.mark.parametrize("step", [-1, 0, 2])
def test_only_the_next_version_may_be_saved(store: JobStore, step: int) -> None:
    advanced_to(submitting_job(), store)
    stale = submitting_job().model_copy(update={"version": 2 + step, "status": JobStatus.FAILED})
    with pytest.raises(StaleRecordError):
        store.save(stale)
    assert store.load(JOB_ID) == submitting_job()


def test_attempts_are_kept_in_their_order(store: JobStore) -> None:
    store.create(queued_job())
    job = queued_job()
    for number in range(1, MAX_ATTEMPTS + 1):
        job = job.claimed(claimed_attempt(number=number), NOON)
        store.save(job)
        job = job.with_outcome(
            job.attempts[-1].model_copy(update={"failure": rate_limited(), "state": AttemptState.FAILED}), NOON
        ).model_copy(update={"status": JobStatus.QUEUED})
        store.save(job)
    loaded = store.load(JOB_ID)
    assert loaded is not None
    assert [attempt.number for attempt in loaded.attempts] == [1, 2, 3, 4]
    assert [attempt.claim_id for attempt in loaded.attempts] == ["run-1", "run-2", "run-3", "run-4"]


def test_what_was_read_is_not_what_is_stored(store: JobStore) -> None:
    store.create(queued_job(request=song_request(metadata={"order": "42"})))
    loaded = store.load(JOB_ID)
    assert loaded is not None
    loaded.request.metadata["order"] = "43"
    again = store.load(JOB_ID)
    assert again is not None
    assert again.request.metadata == {"order": "42"}


def test_jobs_do_not_see_each_other(store: JobStore) -> None:
    other = queued_job(id="job_01JD0ABCDEFGHJKMNPQRSTVWXZ", tenant_id="other")
    store.create(queued_job())
    store.create(other)
    store.save(submitting_job())
    assert store.load(other.id) == other


def test_many_jobs_are_read_in_the_order_of_their_ids_as_each_is_alone(store: JobStore) -> None:
    advanced_to(delivered_job(), store)
    others = [queued_job(id=new_job_id(NOON, bytes([number] * 10)), tenant_id="other") for number in range(40)]
    for job in others:
        store.create(job)
    ids = [others[39].id, JOB_ID, "job_01JD0ABCDEFGHJKMNPQRSTVWXZ", *(job.id for job in others[:39])]
    assert store.load_all(ids) == [others[39], delivered_job(), *others[:39]]
    assert store.load_all([]) == []


def test_a_status_is_read_without_the_job(store: JobStore) -> None:
    assert store.status(JOB_ID) is None
    store.create(queued_job())
    assert store.status(JOB_ID) is JobStatus.QUEUED
    store.save(submitting_job())
    assert store.status(JOB_ID) is JobStatus.SUBMITTING


# ---- what only DynamoDB does


class Patience:
    """Pauses that pass at once, on a clock of their own."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def clock(self) -> float:
        return sum(self.pauses)


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture
def patient_store(dynamodb: "DynamoDBClient", patience: Patience) -> DynamoJobStore:
    return DynamoJobStore(DynamoTransactions(dynamodb, TABLE, patience.pause, patience.clock))


def test_a_conflict_with_another_transaction_is_repeated(
    dynamodb: "DynamoDBClient", patient_store: DynamoJobStore, patience: Patience
) -> None:
    injected = AnswersInstead(dynamodb, "TransactWriteItems", CONFLICT, CONFLICT)
    patient_store.create(queued_job())
    assert (injected.calls, len(patience.pauses)) == (3, 2)
    assert patient_store.load(JOB_ID) == queued_job()


def test_conflicts_are_repeated_after_growing_pauses_for_three_seconds_and_no_longer(
    dynamodb: "DynamoDBClient", patient_store: DynamoJobStore, patience: Patience
) -> None:
    injected = AnswersInstead(dynamodb, "TransactWriteItems", *[CONFLICT] * 9999)
    with pytest.raises(TransientError, match="kept conflicting for 3 s; nothing was written"):
        patient_store.create(queued_job())
    assert injected.calls == len(patience.pauses) + 1
    assert all(0 <= pause <= min(0.4, 0.02 * 2**n) for n, pause in enumerate(patience.pauses))
    assert 2.5 < sum(patience.pauses) <= 3
    assert patient_store.load(JOB_ID) is None


def test_a_conflict_on_a_lost_race_is_told_as_stale(dynamodb: "DynamoDBClient", patient_store: DynamoJobStore) -> None:
    store = patient_store
    store.create(queued_job())
    AnswersInstead(dynamodb, "TransactWriteItems", CONFLICT)
    with pytest.raises(StaleRecordError):
        store.create(queued_job())


@pytest.mark.parametrize(
    "refusal",
    [
        aws_error("ProvisionedThroughputExceededException", "canary"),
        aws_error("ResourceNotFoundException", "canary"),
        canceled("ThrottlingError"),
    ],
)
def test_other_trouble_of_the_table_is_transient_and_says_only_its_code(
    dynamodb: "DynamoDBClient", refusal: Callable[[], Answer]
) -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    AnswersInstead(dynamodb, "TransactWriteItems", refusal)
    with pytest.raises(TransientError) as caught:
        store.create(queued_job())
    assert "canary" not in str(caught.value)
    assert "Exception" in str(caught.value)


def test_a_table_that_cannot_be_reached_is_transient(dynamodb: "DynamoDBClient") -> None:
    def unreachable() -> Answer:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    AnswersInstead(dynamodb, "TransactWriteItems", unreachable)
    AnswersInstead(dynamodb, "Query", unreachable)
    with pytest.raises(TransientError):
        store.create(queued_job())
    with pytest.raises(TransientError):
        store.load(JOB_ID)


def test_a_table_that_cannot_be_read_is_not_an_absent_job(dynamodb: "DynamoDBClient") -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, "no-such-table"))
    with pytest.raises(TransientError, match="ResourceNotFoundException"):
        store.load(JOB_ID)


def test_a_job_is_read_consistently(dynamodb: "DynamoDBClient") -> None:
    asked: list[bool] = []

    def look(params: dict[str, object], **_: object) -> None:
        asked.append(params["ConsistentRead"] is True)

    dynamodb.meta.events.register("provide-client-params.dynamodb.Query", look)
    DynamoJobStore(DynamoTransactions(dynamodb, TABLE)).load(JOB_ID)
    assert asked == [True]


def test_what_dynamodb_keeps_back_of_a_batch_is_asked_for_again(dynamodb: "DynamoDBClient") -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    advanced_to(delivered_job(), store)
    keys = [{"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": key}} for key in ("JOB", "REQUEST", "ATTEMPT#0001")]
    rows = [dynamodb.get_item(TableName=TABLE, Key=key)["Item"] for key in keys]
    kept_back = batch(rows[:1], keys[1:])
    injected = AnswersInstead(dynamodb, "BatchGetItem", kept_back)
    assert store.load_all([JOB_ID]) == [delivered_job()]
    assert injected.calls == 2


def test_a_throttled_batch_is_repeated_after_pauses_for_three_seconds_and_then_transient(
    dynamodb: "DynamoDBClient", patient_store: DynamoJobStore, patience: Patience
) -> None:
    keys = [{"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}}]
    injected = AnswersInstead(dynamodb, "BatchGetItem", *[batch([], keys)] * 9999)
    with pytest.raises(TransientError, match="could not be read: it is throttled"):
        patient_store.load_all([JOB_ID])
    assert injected.calls == len(patience.pauses) + 1
    assert 2.5 < sum(patience.pauses) <= 3


def test_many_jobs_that_cannot_be_read_are_not_absent(dynamodb: "DynamoDBClient") -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, "no-such-table"))
    with pytest.raises(TransientError, match="ResourceNotFoundException"):
        store.load_all([JOB_ID])


def test_a_status_is_read_from_one_item_without_waiting_for_the_latest(dynamodb: "DynamoDBClient") -> None:
    asked: list[dict[str, Any]] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.GetItem", lambda params, **_: asked.append(params))
    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    store.create(queued_job())
    asked.clear()
    assert store.status(JOB_ID) is JobStatus.QUEUED
    [read] = asked
    assert read["Key"] == {"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}}
    assert not read.get("ConsistentRead")


def test_a_status_that_cannot_be_read_is_not_an_absent_job(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(TransientError, match="ResourceNotFoundException"):
        DynamoJobStore(DynamoTransactions(dynamodb, "no-such-table")).status(JOB_ID)


def test_the_row_that_is_written_most_holds_neither_prompt_nor_lyrics(dynamodb: "DynamoDBClient") -> None:
    store = DynamoJobStore(DynamoTransactions(dynamodb, TABLE))
    store.create(queued_job())
    key = {"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}}
    row = json.dumps(dynamodb.get_item(TableName=TABLE, Key=key)["Item"])
    assert "canary" not in row
    assert len(row) < 1024
