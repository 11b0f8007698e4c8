"""One contract for what waits to be redelivered and for the slots of rescues, kept by the fakes and by DynamoDB."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.due_jobs import DynamoDueJobs
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.jobs.recoverable_jobs import DynamoRecoverableJobs
from fermata.adapters.dynamodb.jobs.rescue_slots import DynamoRescueSlots
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.finish.recoverable_list import Place, PlaceOf, place_of
from fermata.domain.finish.rescue import KEPT_FOR, redelivered, with_rescue_begun
from fermata.domain.finish.settlement import settle
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.failures import ProviderCharged
from fermata.errors import TransientError
from fermata.ports.jobs import DueJobs, JobStore, RecoverableJobs, RescueSlots
from tests.fakes.clock import NOON
from tests.fakes.jobs.due_jobs import InMemoryDueJobs
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.jobs.recoverable_jobs import InMemoryRecoverableJobs
from tests.fakes.jobs.rescue_slots import InMemoryRescueSlots
from tests.fakes.money.ledger import items
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.songs import LINK, ready_job, stored_track
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

Stores = tuple[JobStore, RecoverableJobs, DueJobs]
LATER = NOON + timedelta(minutes=5)


@pytest.fixture(params=["in_memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "in_memory":
        jobs = InMemoryJobStore()
        yield jobs, InMemoryRecoverableJobs(jobs), InMemoryDueJobs(jobs)
        return
    with mock_aws():
        transactions = DynamoTransactions(dynamodb_with_table(*FUNDED_WALLETS), TABLE)
        yield DynamoJobStore(transactions), DynamoRecoverableJobs(transactions), DynamoDueJobs(transactions)


def ended(jobs: JobStore, minute: int = 0, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    """A stored job whose paid song was not delivered."""
    at = NOON + timedelta(minutes=minute)
    job = ready_job(LINK).model_copy(update={"id": new_job_id(at, bytes([minute] * 10)), "version": 1, **changes})
    jobs.create(job)
    settled = settle(job, None, at)
    assert settled is not None
    jobs.settle(settled)
    jobs.save(settled.published())
    return settled.published()


def places(found: RecoverableJobs, limit: int = 9, provider: str = "minimax") -> list[tuple[str, int]]:
    """Every place of a list, page by page."""
    pages: list[list[Place]] = [found.find(provider, limit, None)]
    while len(pages[-1]) == limit:
        pages.append(found.find(provider, limit, pages[-1][-1]))
    return [(place.job_id, place.attempt) for page in pages for place in page]


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_what_waits_is_found_once_in_the_order_of_the_ends(stores: Stores, limit: int) -> None:
    jobs, found, _ = stores
    made = [ended(jobs, minute).id for minute in (3, 1, 2)]
    assert places(found, limit) == [(made[1], 1), (made[2], 1), (made[0], 1)]
    assert places(found, limit, "aimlapi") == []


def test_a_delivered_job_is_not_on_the_list(stores: Stores) -> None:
    jobs, found, _ = stores
    ended(jobs, tracks=(stored_track(),))
    assert places(found) == []


def test_a_redelivered_job_leaves_the_list_and_the_jobs_that_are_due(stores: Stores) -> None:
    jobs, found, due = stores
    job, other = ended(jobs, 1), ended(jobs, 2)
    assert list(due.find(LATER)) == [job.id, other.id]
    jobs.save(redelivered(job, other.id))
    assert (places(found), list(due.find(LATER))) == ([(other.id, 1)], [other.id])
    loaded = jobs.load(job.id)
    assert loaded == redelivered(job, other.id)


def test_a_page_goes_on_after_a_job_that_has_left_the_list(stores: Stores) -> None:
    jobs, found, _ = stores
    made = [ended(jobs, minute) for minute in (1, 2, 3)]
    first = found.find("minimax", 1, None)
    jobs.save(redelivered(made[0], made[1].id))
    assert [place.job_id for place in found.find("minimax", 9, first[-1])] == [made[1].id, made[2].id]


def test_a_deleted_job_leaves_the_list(stores: Stores) -> None:
    jobs, found, due = stores
    job = ended(jobs)
    jobs.forget(tombstone_of(job, LATER))
    assert (places(found), list(due.find(LATER))) == ([], [])


def test_an_attempt_that_the_bill_does_not_list_leaves_the_list(stores: Stores) -> None:
    jobs, found, _ = stores
    jobs.reconcile(ended(jobs).with_bills({1: ProviderCharged.NO}, LATER), ())
    assert places(found) == []


def test_a_late_answer_puts_an_ended_job_on_the_list(stores: Stores) -> None:
    jobs, found, due = stores
    job = ended(jobs, attempts=(ready_job(LINK).attempts[0].model_copy(update={"audio": None}),))
    assert places(found) == []
    jobs.save(with_rescue_begun(job.with_late_answer(1, LATER, ready_job(LINK).attempts[0])))
    assert (places(found), list(due.find(LATER))) == ([(job.id, 1)], [job.id])


def test_the_files_of_every_attempt_are_on_record(stores: Stores) -> None:
    jobs, _, _ = stores
    first = ready_job(LINK).attempts[0]
    job = ended(jobs, attempts=(first, first.model_copy(update={"number": 2})))
    assert job.rescue is not None
    kept = job.with_rescue(job.rescue, {1: (1,), 2: (1,)})
    jobs.save(kept)
    assert jobs.load(job.id) == kept


def test_a_job_can_be_put_off_while_it_waits_for_its_rescue(stores: Stores) -> None:
    jobs, _, due = stores
    job = ended(jobs)
    due.put_off(job, LATER, None)
    assert (list(due.find(LATER - timedelta(seconds=1))), list(due.find(LATER))) == ([], [job.id])


# ---- slots


@pytest.fixture(params=["in_memory", "dynamodb"])
def slots(request: pytest.FixtureRequest) -> Iterator[RescueSlots]:
    if request.param == "in_memory":
        yield InMemoryRescueSlots(2)
        return
    with mock_aws():
        yield DynamoRescueSlots(dynamodb_with_table(), TABLE, 2)


def test_as_many_runs_have_a_slot_as_there_are(slots: RescueSlots) -> None:
    assert [slots.take(each, LATER, NOON) for each in ("a", "b", "c")] == [0, 1, None]
    slots.give_back(0, "a")
    assert [slots.take(each, LATER, NOON) for each in ("c", "d")] == [0, None]


def test_the_slot_of_a_run_that_was_killed_is_free_after_its_lease(slots: RescueSlots) -> None:
    assert [slots.take(each, LATER, NOON) for each in ("a", "b")] == [0, 1]
    assert slots.take("c", LATER, LATER - timedelta(milliseconds=1)) is None
    assert slots.take("c", LATER + timedelta(hours=1), LATER) == 0


def test_a_run_frees_no_slot_of_another(slots: RescueSlots) -> None:
    slots.take("a", LATER, NOON)
    slots.take("c", LATER + timedelta(hours=1), LATER)
    slots.give_back(0, "a")
    slots.give_back(1, "a")
    assert [slots.take(each, LATER + timedelta(hours=1), LATER) for each in ("d", "e")] == [1, None]


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("PutItem", lambda client: DynamoRescueSlots(client, TABLE, 2).take("a", LATER, NOON)),
        ("DeleteItem", lambda client: DynamoRescueSlots(client, TABLE, 2).give_back(0, "a")),
        ("Query", lambda client: DynamoRecoverableJobs(DynamoTransactions(client, TABLE)).find("minimax", 1, None)),
    ],
)
def test_trouble_with_the_table_is_transient_and_names_awss_own_code(
    operation: str, call: Callable[[Any], object]
) -> None:
    with mock_aws():
        client = dynamodb_with_table()
        AnswersInstead(client, operation, aws_error("ThrottlingException"))
        with pytest.raises(TransientError, match="ThrottlingException"):
            call(client)


# ---- what it costs, and what only DynamoDB does


class Counted:
    """A client that counts its calls and the parts of its transactions."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3's
        self._client = client
        self.calls: list[tuple[str, int]] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - boto3's
        method = getattr(self._client, name)
        if not callable(method) or name == "exceptions":
            return method

        def call(**about: Any) -> Any:  # noqa: ANN401 - boto3's
            self.calls.append((name, len(about.get("TransactItems", [None]))))
            return method(**about)

        return call


def calls_of_an_end(tracks: tuple[Any, ...]) -> list[tuple[str, int]]:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        job = ready_job(LINK).model_copy(update={"version": 1, "tracks": tracks})
        DynamoJobStore(DynamoTransactions(client, TABLE)).create(job)
        counted = Counted(client)
        jobs = DynamoJobStore(DynamoTransactions(counted, TABLE))  # type: ignore[arg-type]  # it counts
        settled = settle(job, None, NOON)
        assert settled is not None
        jobs.settle(settled)
        jobs.save(settled.published())
        return counted.calls


def test_the_end_of_a_delivered_job_costs_nothing_for_rescues() -> None:
    delivered, undelivered = calls_of_an_end((stored_track(),)), calls_of_an_end(())
    # The row, its attempt, the day's usage, the line of the log, the wallet and the entry of its ledger; then the row
    # and its attempt again.
    assert delivered == [("get_item", 1), ("transact_write_items", 6), ("transact_write_items", 2)]
    # The entry of the list, with each of them.
    assert undelivered == [("get_item", 1), ("transact_write_items", 7), ("transact_write_items", 3)]


def test_an_entry_of_the_list_goes_with_what_it_speaks_of() -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        job = ended(DynamoJobStore(DynamoTransactions(client, TABLE)))
        (item,) = items(client, f"JOB#{job.id}", "RECOVERABLE#")
        assert item["ttl"] == int((NOON + KEPT_FOR).timestamp())


# ---- cursors


@pytest.mark.parametrize(
    "place", [PlaceOf("minimax"), PlaceOf("aimlapi", Place(LATER, new_job_id(NOON, bytes(10)), 4))]
)
def test_a_cursor_leads_to_its_place(place: PlaceOf) -> None:
    assert place_of(place.as_cursor()) == place


@pytest.mark.parametrize("text", ["", "x", "é", "YQ", "bWluaW1heAoKCg" * 3, "bWluaW1heApub24KeAox"])
def test_what_is_no_cursor_leads_nowhere(text: str) -> None:
    assert place_of(text) is None
