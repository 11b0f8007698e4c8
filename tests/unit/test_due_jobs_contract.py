"""One contract for the jobs that are due, kept by the in-memory twin and by the index in DynamoDB."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from moto import mock_aws

from fermata.adapters.dynamo_due_jobs import AT_ONCE, DynamoDueJobs
from fermata.adapters.dynamo_job_store import DynamoJobStore
from fermata.adapters.dynamo_transactions import DynamoTransactions
from fermata.domain.job_ids import new_job_id
from fermata.domain.jobs import Job
from fermata.errors import TransientError
from fermata.ports import DueJobs, JobStore
from tests.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table
from tests.songs import JOB_ID, queued_job, submitting_job
from tests.twins import FUNDED_WALLETS, NOON, InMemoryDueJobs, InMemoryJobStore

LATER = NOON + timedelta(seconds=90, milliseconds=7)
Stores = tuple[JobStore, DueJobs]


@pytest.fixture(params=["in_memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "in_memory":
        jobs = InMemoryJobStore()
        yield jobs, InMemoryDueJobs(jobs)
        return
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        yield DynamoJobStore(DynamoTransactions(client, TABLE)), DynamoDueJobs(DynamoTransactions(client, TABLE))


def stored(jobs: JobStore) -> Job:
    job = jobs.load(JOB_ID)
    assert job is not None
    return job


def test_a_job_is_found_from_its_instant_on_to_the_millisecond(stores: Stores) -> None:
    jobs, due = stores
    jobs.create(queued_job(check_at=LATER))
    assert stored(jobs).check_at == LATER
    assert due.find(LATER - timedelta(milliseconds=1)) == []
    assert due.find(LATER) == due.find(LATER + timedelta(days=40)) == [JOB_ID]


def test_a_job_that_has_nothing_left_to_do_is_not_found(stores: Stores) -> None:
    jobs, due = stores
    jobs.create(queued_job(check_at=NOON))
    canceled = queued_job(check_at=NOON).canceled(NOON)
    jobs.settle(canceled)
    assert due.find(NOON) == [JOB_ID]
    jobs.save(canceled.published())
    assert due.find(NOON + timedelta(days=1)) == []
    assert stored(jobs) == canceled.published()


def test_every_job_is_found_whichever_its_id(stores: Stores) -> None:
    jobs, due = stores
    ids = [new_job_id(NOON, bytes([number] * 10)) for number in range(12)]
    for job_id in ids:
        jobs.create(queued_job(id=job_id, check_at=NOON))
    assert sorted(due.find(NOON)) == sorted(ids)


def test_a_job_that_is_put_off_is_found_again_later_and_otherwise_as_it_was(stores: Stores) -> None:
    jobs, due = stores
    jobs.create(queued_job(check_at=NOON))
    due.put_off(stored(jobs), LATER, NOON)
    assert (due.find(NOON), due.find(LATER)) == ([], [JOB_ID])
    assert stored(jobs) == queued_job(check_at=LATER, absent_since=NOON)
    due.put_off(stored(jobs), LATER, None)
    assert stored(jobs).absent_since is None
    jobs.save(submitting_job())


def test_a_job_that_somebody_wrote_meanwhile_is_not_put_off(stores: Stores) -> None:
    jobs, due = stores
    read = queued_job(check_at=NOON)
    jobs.create(read)
    claimed = submitting_job().model_copy(update={"check_at": NOON})
    jobs.save(claimed)
    due.put_off(read, LATER, NOON)
    assert stored(jobs) == claimed


def test_a_job_that_has_nothing_left_to_do_is_not_put_off(stores: Stores) -> None:
    jobs, due = stores
    jobs.create(queued_job())
    due.put_off(queued_job(), LATER, None)
    assert due.find(LATER) == []
    assert stored(jobs) == queued_job()


def test_a_run_takes_no_more_than_it_can_do_the_longest_waiting_first() -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        jobs, due = DynamoJobStore(DynamoTransactions(client, TABLE)), DynamoDueJobs(DynamoTransactions(client, TABLE))
        seen: list[int] = []
        client.meta.events.register(
            "provide-client-params.dynamodb.Query", lambda params, **_: seen.append(params["Limit"])
        )
        jobs.create(queued_job(check_at=NOON))
        due.find(NOON)
        assert set(seen) == {AT_ONCE}


def test_an_index_that_cannot_be_read_is_not_an_empty_one() -> None:
    with mock_aws():
        client = dynamodb_with_table()
        AnswersInstead(client, "Query", aws_error("ProvisionedThroughputExceededException", "canary"))
        with pytest.raises(TransientError, match="ProvisionedThroughputExceeded"):
            DynamoDueJobs(DynamoTransactions(client, TABLE)).find(NOON)
