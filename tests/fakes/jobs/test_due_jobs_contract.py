"""One contract for the jobs that are due, kept by the in-memory fake and by the index in DynamoDB."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.due_jobs import AT_ONCE, DynamoDueJobs, index_keys
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.job import Job
from fermata.domain.orders.job_id import new_job_id
from fermata.errors import InvalidRequestError, TransientError
from fermata.ports.jobs import DueJobs, JobStore
from tests.fakes.clock import NOON
from tests.fakes.jobs.due_jobs import InMemoryDueJobs
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.songs import JOB_ID, queued_job, submitting_job
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

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
    assert list(due.find(LATER - timedelta(milliseconds=1))) == []
    assert list(due.find(LATER)) == list(due.find(LATER + timedelta(days=40))) == [JOB_ID]


def test_a_job_that_has_nothing_left_to_do_is_not_found(stores: Stores) -> None:
    jobs, due = stores
    jobs.create(queued_job(check_at=NOON))
    canceled = queued_job(check_at=NOON).canceled(NOON)
    jobs.settle(canceled)
    assert list(due.find(NOON)) == [JOB_ID]
    jobs.save(canceled.published())
    assert list(due.find(NOON + timedelta(days=1))) == []
    assert stored(jobs) == canceled.published()


def test_every_job_is_found_whichever_its_id(stores: Stores) -> None:
    jobs, due = stores
    ids = [new_job_id(NOON, bytes([number] * 10)) for number in range(12)]
    for job_id in ids:
        jobs.create(queued_job(id=job_id, check_at=NOON))
    assert sorted(due.find(NOON)) == sorted(ids)


def test_open_jobs_are_listed_once_each_from_any_place_on_even_if_all_are_due_at_once(stores: Stores) -> None:
    jobs, due = stores
    ids = [new_job_id(NOON, bytes([number] * 10)) for number in range(12)]
    for number, job_id in enumerate(ids):
        jobs.create(queued_job(id=job_id, check_at=NOON if number < 9 else LATER))
    found = list(due.open_jobs())
    assert sorted(job_id for job_id, _ in found) == sorted(ids)
    for number, (_, place) in enumerate(found):
        assert list(due.open_jobs(place)) == found[number + 1 :]


def test_a_list_of_open_jobs_goes_on_after_a_job_that_has_left_it(stores: Stores) -> None:
    jobs, due = stores
    for number in range(6):
        jobs.create(queued_job(id=new_job_id(NOON, bytes([number] * 10)), check_at=NOON))
    (_, _, (third, place), *rest) = due.open_jobs()
    jobs.settle(jobs.load_existing(third).canceled(NOON))
    assert list(due.open_jobs(place)) == rest


def test_a_job_that_is_put_off_is_found_again_later_and_otherwise_as_it_was(stores: Stores) -> None:
    jobs, due = stores
    jobs.create(queued_job(check_at=NOON))
    due.put_off(stored(jobs), LATER, NOON)
    assert (list(due.find(NOON)), list(due.find(LATER))) == ([], [JOB_ID])
    assert stored(jobs) == queued_job(check_at=LATER, absent_since=NOON)
    due.put_off(stored(jobs), LATER, None)
    assert stored(jobs).absent_since is None
    jobs.save(submitting_job())


def test_a_job_that_changed_meanwhile_is_not_put_off(stores: Stores) -> None:
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
    assert list(due.find(LATER)) == []
    assert stored(jobs) == queued_job()


def test_a_job_whose_record_cannot_be_worked_with_is_put_off_by_its_id_where_it_is_still_due(stores: Stores) -> None:
    jobs, due = stores
    jobs.create(queued_job(check_at=NOON))
    due.put_off_unread(JOB_ID, LATER, NOON - timedelta(milliseconds=1))
    assert list(due.find(NOON)) == [JOB_ID]
    due.put_off_unread(JOB_ID, LATER, NOON)
    assert (list(due.find(NOON)), list(due.find(LATER))) == ([], [JOB_ID])
    assert stored(jobs) == queued_job(check_at=LATER)
    due.put_off_unread("job_01JD0ABCDEFGHJKMNPQRSTVWXZ", LATER, NOON)
    assert jobs.load("job_01JD0ABCDEFGHJKMNPQRSTVWXZ") is None


def test_a_job_that_has_nothing_left_to_do_is_not_put_off_by_its_id(stores: Stores) -> None:
    jobs, due = stores
    jobs.create(queued_job())
    due.put_off_unread(JOB_ID, LATER, NOON)
    assert (list(due.find(LATER)), stored(jobs)) == ([], queued_job())


def test_canceled_jobs_with_pending_events_do_not_delay_a_job_that_is_stuck() -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        jobs, due = DynamoJobStore(DynamoTransactions(client, TABLE)), DynamoDueJobs(DynamoTransactions(client, TABLE))
        ids = [new_job_id(NOON, number.to_bytes(10)) for number in range(AT_ONCE + 10)]
        for number, job_id in enumerate(ids):
            job = queued_job(id=job_id, now=NOON + timedelta(minutes=number), check_at=NOON)
            jobs.create(job)
            jobs.settle(job.canceled(NOON))
        jobs.create(queued_job(now=NOON + timedelta(minutes=100), check_at=LATER))
        found = list(due.find(LATER))
        assert (found[0], sorted(found[1:])) == (JOB_ID, sorted(ids))


def test_the_kinds_of_jobs_take_turns_of_a_page_and_every_job_has_its_turn() -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        jobs, due = DynamoJobStore(DynamoTransactions(client, TABLE)), DynamoDueJobs(DynamoTransactions(client, TABLE))
        canceled, stuck = [], []
        for number in range(2 * AT_ONCE + 2):
            job = queued_job(id=new_job_id(NOON, number.to_bytes(10)), now=NOON + timedelta(minutes=number))
            due_job = job.model_copy(update={"check_at": NOON + timedelta(seconds=number)})
            jobs.create(due_job)
            canceled.append(job.id)
            jobs.settle(due_job.canceled(NOON + timedelta(seconds=number)))
        for number in range(AT_ONCE + 1):
            job = queued_job(id=one_of_the_first_shard(number), now=NOON + timedelta(minutes=200 + number))
            jobs.create(job.model_copy(update={"check_at": NOON + timedelta(seconds=number)}))
            stuck.append(job.id)
        found = list(due.find(NOON + timedelta(hours=1)))
        first, second = stuck[:AT_ONCE], stuck[AT_ONCE:]
        assert found == [*first, *canceled[:AT_ONCE], *second, *canceled[AT_ONCE:]]


def one_of_the_first_shard(number: int) -> str:
    """The id of a job that no other number has."""
    ids = (new_job_id(NOON, bytes([1, *number.to_bytes(2), *chance.to_bytes(7)])) for chance in range(100))
    return next(
        job_id for job_id in ids if index_keys(queued_job(id=job_id, check_at=NOON))["check_shard"] == "CHECK#0"
    )


def test_a_run_reads_no_more_than_it_takes_the_longest_waiting_first() -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        jobs, due = DynamoJobStore(DynamoTransactions(client, TABLE)), DynamoDueJobs(DynamoTransactions(client, TABLE))
        seen: list[int] = []
        client.meta.events.register(
            "provide-client-params.dynamodb.Query", lambda params, **_: seen.append(params["Limit"])
        )
        jobs.create(queued_job(check_at=NOON))
        found = due.find(NOON)
        assert seen == []
        assert list(found) == [JOB_ID]
        assert set(seen) == {AT_ONCE}


def test_an_index_that_cannot_be_read_is_not_an_empty_one() -> None:
    with mock_aws():
        client = dynamodb_with_table()
        AnswersInstead(client, "Query", aws_error("ProvisionedThroughputExceededException", "canary"))
        with pytest.raises(TransientError, match="ProvisionedThroughputExceeded"):
            list(DynamoDueJobs(DynamoTransactions(client, TABLE)).find(NOON))


@pytest.mark.parametrize("place", ["", "0", "4@2026-11-21T12:00:00.000Z@job_x", "0@soon@job_x", "0@2026@", "a@b@c"])
def test_what_is_no_place_in_the_list_of_open_jobs_is_refused(place: str) -> None:
    with mock_aws(), pytest.raises(InvalidRequestError, match="next_cursor"):
        list(DynamoDueJobs(DynamoTransactions(dynamodb_with_table(), TABLE)).open_jobs(place))
