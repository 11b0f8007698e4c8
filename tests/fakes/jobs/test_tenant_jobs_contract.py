"""One contract for the lists of a tenant's jobs, kept by the in-memory fake and by the index in DynamoDB."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.jobs import tenant_jobs as dynamo_tenant_jobs
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.jobs.tenant_jobs import DynamoTenantJobs
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.lists.job_list import JobList
from fermata.domain.lists.page import PageOfIds, PageRequest
from fermata.domain.orders.job_id import new_job_id
from fermata.errors import TransientError
from fermata.ports.jobs import JobStore, TenantJobs
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.jobs.tenant_jobs import InMemoryTenantJobs
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.songs import queued_job
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

Stores = tuple[JobStore, TenantJobs]
MINE = JobList("acme")


@pytest.fixture(params=["in_memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "in_memory":
        jobs = InMemoryJobStore()
        yield jobs, InMemoryTenantJobs(jobs)
        return
    with mock_aws():
        transactions = DynamoTransactions(dynamodb_with_table(*FUNDED_WALLETS), TABLE)
        yield DynamoJobStore(transactions), DynamoTenantJobs(transactions)


def submitted(
    jobs: JobStore, minute: int, tenant_id: str = "acme", metadata: dict[str, str] | None = None, **changes: object
) -> Job:
    now = NOON + timedelta(minutes=minute)
    job = queued_job(now=now, id=new_job_id(now, bytes(10)), tenant_id=tenant_id)
    request = job.request.model_copy(update={"metadata": metadata or {}, **changes})
    jobs.create(job := job.model_copy(update={"request": request}))
    return job


def canceled(jobs: JobStore, job: Job) -> Job:
    jobs.settle(ended := job.canceled(NOON))
    return ended


def pages(lists: TenantJobs, of: JobList, limit: int) -> list[tuple[str, ...]]:
    """Every page of a list up to the last one."""
    found = [lists.find(PageRequest(of, limit))]
    while found[-1].next_before is not None:
        found.append(lists.find(PageRequest(of, limit, found[-1].next_before)))
    return [page.job_ids for page in found]


def test_a_tenant_without_jobs_has_one_empty_page(stores: Stores) -> None:
    jobs, lists = stores
    submitted(jobs, 1, "other")
    assert lists.find(PageRequest(MINE)) == PageOfIds((), None)


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (4, [4, 1]), (5, [5]), (100, [5])])
def test_pages_hold_every_job_of_the_tenant_once_newest_first(stores: Stores, limit: int, sizes: list[int]) -> None:
    jobs, lists = stores
    mine = [submitted(jobs, minute).id for minute in (3, 1, 5, 2, 4)]
    submitted(jobs, 6, "other")
    found = pages(lists, MINE, limit)
    assert [len(page) for page in found] == sizes
    assert [job_id for page in found for job_id in page] == sorted(mine, reverse=True)


def test_a_job_that_came_later_does_not_move_the_next_page(stores: Stores) -> None:
    jobs, lists = stores
    old, older = submitted(jobs, 2), submitted(jobs, 1)
    first = lists.find(PageRequest(MINE, 1))
    submitted(jobs, 9)
    assert first == PageOfIds((old.id,), old.id)
    assert lists.find(PageRequest(MINE, 1, first.next_before)) == PageOfIds((older.id,), None)


def test_jobs_are_found_by_the_status_that_they_have_now(stores: Stores) -> None:
    jobs, lists = stores
    kept = [submitted(jobs, minute) for minute in range(4)]
    gone = [canceled(jobs, kept[minute]).id for minute in (2, 0)]
    assert pages(lists, JobList("acme", JobStatus.CANCELED), 1) == [(gone[0],), (gone[1],)]
    assert pages(lists, JobList("acme", JobStatus.QUEUED), 9) == [(kept[3].id, kept[1].id)]
    assert pages(lists, JobList("other", JobStatus.QUEUED), 9) == [()]


def test_a_deleted_job_is_in_no_list_and_leads_on_as_a_place(stores: Stores) -> None:
    jobs, lists = stores
    older, newer = submitted(jobs, 1), submitted(jobs, 2)
    ended = canceled(jobs, newer)
    jobs.forget(tombstone_of(ended, NOON))
    assert lists.find(PageRequest(MINE)).job_ids == (older.id,)
    assert lists.find(PageRequest(JobList("acme", JobStatus.CANCELED))).job_ids == ()
    assert lists.find(PageRequest(MINE, 9, newer.id)).job_ids == (older.id,)


def test_filters_go_together_and_pages_of_them_hold_every_fitting_job_once(stores: Stores) -> None:
    jobs, lists = stores
    day = 24 * 60
    ours = [
        submitted(jobs, minute, metadata={"order": str(minute % 2), "shop": "north"})
        for minute in (0, 1, 2, day, day + 1, day + 2, 2 * day)
    ]
    chosen = submitted(jobs, 3, metadata={"order": "1"}, model="auto")
    canceled(jobs, ours[4])
    model, today = chosen.candidates[0].model, NOON.date()
    for of in (
        JobList("acme", model=model),
        JobList("acme", model="another"),
        JobList("acme", first=today, last=today),
        JobList("acme", first=today + timedelta(days=1)),
        JobList("acme", last=today - timedelta(days=1)),
        JobList("acme", first=today + timedelta(days=9)),
        JobList("acme", metadata=(("order", "1"),)),
        JobList("acme", metadata=(("order", "1"), ("shop", "north"))),
        JobList("acme", JobStatus.CANCELED, model, today, today + timedelta(days=1), (("order", "1"),)),
        JobList("acme", JobStatus.QUEUED, None, None, today + timedelta(days=1), (("order", "1"),)),
    ):
        expected = [job.id for job in sorted([*ours, chosen], key=lambda job: job.id, reverse=True)]
        expected = [each for each in expected if of.has(jobs.load_existing(each))]
        for limit in (1, 2, 9):
            assert [each for page in pages(lists, of, limit) for each in page] == expected, of
    assert pages(lists, JobList("other", model=model), 9) == [()]


def test_the_last_place_of_a_day_leads_to_an_empty_page(stores: Stores) -> None:
    jobs, lists = stores
    only = submitted(jobs, 0)
    of = JobList("acme", first=NOON.date(), last=NOON.date())
    assert lists.find(PageRequest(of, 1, only.id)) == PageOfIds((), None)


# ---- what only DynamoDB does


def test_a_page_of_rare_metadata_reads_a_bounded_number_of_orders_and_leads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamo_tenant_jobs, "ORDERS_AT_ONCE", 2)
    monkeypatch.setattr(dynamo_tenant_jobs, "MOST_QUERIES", 2)
    with mock_aws():
        transactions = DynamoTransactions(dynamodb_with_table(*FUNDED_WALLETS), TABLE)
        jobs, lists = DynamoJobStore(transactions), DynamoTenantJobs(transactions)
        kept = [submitted(jobs, minute, metadata={"order": str(minute)}) for minute in range(9)]
        read: list[tuple[str, str]] = []
        get_all = transactions.get_all

        def noting(keys: list[tuple[str, str]]) -> list[Item]:
            read.extend(keys)
            return get_all(keys)

        monkeypatch.setattr(transactions, "get_all", noting)
        of = JobList("acme", metadata=(("order", "1"),))
        assert lists.find(PageRequest(of)) == PageOfIds((), kept[5].id)
        assert read == [(f"JOB#{job.id}", "REQUEST") for job in kept[:4:-1]]
        assert sum(pages(lists, of, 20), ()) == (kept[1].id,)


def test_a_search_for_a_rare_status_ends_and_leads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamo_tenant_jobs, "AT_ONCE", 2)
    monkeypatch.setattr(dynamo_tenant_jobs, "MOST_QUERIES", 2)
    with mock_aws():
        transactions = DynamoTransactions(dynamodb_with_table(*FUNDED_WALLETS), TABLE)
        jobs, lists = DynamoJobStore(transactions), DynamoTenantJobs(transactions)
        kept = [submitted(jobs, minute) for minute in range(9)]
        rare = canceled(jobs, kept[1])
        of = JobList("acme", JobStatus.CANCELED)
        assert lists.find(PageRequest(of)) == PageOfIds((), kept[5].id)
        assert lists.find(PageRequest(of, before=kept[5].id)).job_ids == (rare.id,)
        assert sum(pages(lists, of, 20), ()) == (rare.id,)


def test_an_index_that_cannot_be_read_is_not_an_empty_list() -> None:
    with mock_aws():
        client = dynamodb_with_table()
        AnswersInstead(client, "Query", aws_error("ProvisionedThroughputExceededException", "canary"))
        with pytest.raises(TransientError, match="ProvisionedThroughputExceeded"):
            DynamoTenantJobs(DynamoTransactions(client, TABLE)).find(PageRequest(MINE))
