"""One contract for the caps of keys, kept by the in-memory fake and by DynamoDB; and what only DynamoDB guards: each
order here passed Python's check of the counter as it read it, and another write came between.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from fermata.adapters.dynamodb.money.key_counters import DynamoKeyCounters
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.finish.redelivery import recovered_job
from fermata.domain.jobs.job import Job
from fermata.domain.money.key_counter import KeyCounter
from fermata.domain.money.wallet import Plan
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.calls import AudioAt
from fermata.domain.tenants.key_cap import KeyCap
from fermata.errors import OutOfCreditError, StaleRecordError, TransientError
from fermata.limit_errors import KeyLimitError
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, items, ledger_in_dynamodb, ledger_in_memory
from tests.fakes.money.orders import DECEMBER, counters, delivered
from tests.fakes.money.wallet_store import InMemoryKeyCounters, InMemoryWalletStore
from tests.fakes.tenants.orders import GENEROUS, rich
from tests.songs import claimed_attempt, queued_job, rate_limited
from tests.support.cloud import TABLE, AnswersInstead, canceled, passes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PRICE = 30
"""Credits that each order here holds."""
NOVEMBER = "2026-11"


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    in_memory = request.param == "in_memory"
    made = ledger_in_memory() if in_memory else ledger_in_dynamodb(request.getfixturevalue("dynamodb"))
    return rich(made, **GENEROUS.limits.model_dump())


def key(songs: int, counter_id: str = "aaaaaaaa", spare: int = 0) -> KeyCap:
    """A key for so many songs a month, and so many credits beyond."""
    return KeyCap(counter_id=counter_id, monthly_credits=songs * PRICE + spare)


def order(ledger: Ledger, number: int, cap: KeyCap | None, now: datetime = NOON) -> Job:
    job = queued_job(id=new_job_id(NOON, bytes([number] * 10)), now=now, api_key_id="cccccccc", key_cap=cap)
    ledger.jobs.create(job)
    return job


def is_refused(ledger: Ledger, number: int, cap: KeyCap, now: datetime = NOON) -> bool:
    before = counters(ledger)
    with pytest.raises(KeyLimitError):
        order(ledger, number, cap, now)
    assert ledger.jobs.load(new_job_id(NOON, bytes([number] * 10))) is None
    assert counters(ledger) == before
    return True


def test_a_key_orders_up_to_its_cap_and_what_is_refused_stores_and_holds_nothing(ledger: Ledger) -> None:
    for number in (1, 2):
        order(ledger, number, key(2, spare=29))
    assert is_refused(ledger, 3, key(2, spare=29))
    assert ledger.key_counter("aaaaaaaa") == KeyCounter(month=NOVEMBER, held=2 * PRICE)


def test_a_job_is_read_back_with_its_key_and_cap(ledger: Ledger) -> None:
    job = order(ledger, 1, key(1))
    assert ledger.jobs.load(job.id) == job
    assert (job.api_key_id, job.key_cap) == ("cccccccc", key(1))


def test_each_key_has_its_own_counter_and_a_key_without_a_cap_has_none(ledger: Ledger) -> None:
    order(ledger, 1, key(1))
    order(ledger, 2, key(1, "bbbbbbbb"))
    order(ledger, 3, None)
    assert is_refused(ledger, 4, key(1))
    assert ledger.key_counter("cccccccc") is None


def test_a_successor_with_another_cap_counts_on(ledger: Ledger) -> None:
    order(ledger, 1, key(1))
    order(ledger, 2, key(2))
    assert is_refused(ledger, 3, key(2))


@pytest.mark.parametrize("end", ["cancel", "fail", "expire"])
def test_what_was_held_comes_back_to_the_key_with_every_end_without_a_song(ledger: Ledger, end: str) -> None:
    job = order(ledger, 1, key(1))
    ends = {
        "cancel": job.canceled(NOON),
        "fail": job.settled(rate_limited(), NOON),
        "expire": job.expired(rate_limited(), NOON),
    }
    ledger.jobs.settle(ends[end])
    assert ledger.key_counter("aaaaaaaa") == KeyCounter(month=NOVEMBER)
    order(ledger, 2, key(1))


def test_a_song_is_spent_once_however_often_its_end_is_written(ledger: Ledger) -> None:
    end = delivered(ledger, key_cap=key(2))
    ledger.jobs.settle(end)
    with pytest.raises(StaleRecordError):
        ledger.jobs.settle(end)
    assert ledger.key_counter("aaaaaaaa") == KeyCounter(month=NOVEMBER, spent_in_month=PRICE)
    order(ledger, 2, key(2))
    assert is_refused(ledger, 3, key(2))


def test_a_new_month_frees_what_was_spent_and_not_what_is_held(ledger: Ledger) -> None:
    ledger.jobs.settle(delivered(ledger, key_cap=key(2)))
    order(ledger, 2, key(2))
    order(ledger, 3, key(2), DECEMBER)
    assert is_refused(ledger, 4, key(2), DECEMBER)


def test_what_november_held_comes_back_in_december(ledger: Ledger) -> None:
    job = order(ledger, 1, key(1))
    assert is_refused(ledger, 2, key(1), DECEMBER)
    ledger.jobs.settle(job.canceled(DECEMBER))
    assert ledger.key_counter("aaaaaaaa") == KeyCounter(month="2026-12")
    order(ledger, 2, key(1), DECEMBER)


def test_a_redelivery_counts_on_no_key(ledger: Ledger) -> None:
    first = order(ledger, 1, key(1)).claimed(claimed_attempt(), NOON)
    ledger.jobs.save(first)
    failed = first.settled(rate_limited(), NOON)
    ledger.jobs.settle(failed)
    again = recovered_job(failed, failed.attempts[0], AudioAt("https://cdn.example.com/1.mp3"), NOON)
    assert (again.api_key_id, again.key_cap) == (None, None)
    ledger.jobs.create(again)
    assert ledger.key_counter("aaaaaaaa") == KeyCounter(month=NOVEMBER)


def test_the_wallet_of_the_tenant_refuses_before_the_key_does(ledger: Ledger) -> None:
    ledger.wallets.set_plan("acme", Plan.POSTPAID, 1, GENEROUS)
    with pytest.raises(OutOfCreditError):
        order(ledger, 1, key(0, spare=1))


def test_the_counters_of_several_keys_are_read_together(dynamodb: "DynamoDBClient") -> None:
    table = rich(ledger_in_dynamodb(dynamodb))
    fake = ledger_in_memory()
    for made, counters_of in (
        (table, DynamoKeyCounters(DynamoTransactions(dynamodb, TABLE)).of),
        (rich(fake), InMemoryKeyCounters(in_memory_wallets(fake)).of),
    ):
        order(made, 1, key(1))
        order(made, 2, key(2, "bbbbbbbb"))
        found = counters_of("acme", {"aaaaaaaa", "bbbbbbbb", "cccccccc"})
        assert found == dict.fromkeys(("aaaaaaaa", "bbbbbbbb"), KeyCounter(month=NOVEMBER, held=PRICE))
        assert counters_of("other", {"aaaaaaaa"}) == counters_of("acme", set()) == {}


def test_the_counter_of_one_key_is_found_once_it_counts(dynamodb: "DynamoDBClient") -> None:
    fake = ledger_in_memory()
    for made, store in (
        (rich(ledger_in_dynamodb(dynamodb)), DynamoKeyCounters(DynamoTransactions(dynamodb, TABLE))),
        (rich(fake), InMemoryKeyCounters(in_memory_wallets(fake))),
    ):
        order(made, 1, key(1))
        assert store.find("acme", "aaaaaaaa") == KeyCounter(month=NOVEMBER, held=PRICE)
        assert store.find("acme", "bbbbbbbb") is store.find("other", "aaaaaaaa") is None


def in_memory_wallets(ledger: Ledger) -> InMemoryWalletStore:
    assert isinstance(ledger.wallets, InMemoryWalletStore)
    return ledger.wallets


# ---- in DynamoDB alone


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> Ledger:
    return rich(ledger_in_dynamodb(dynamodb, pause=lambda _: None, clock=lambda: 0.0), **GENEROUS.limits.model_dump())


Change = Callable[[Ledger], object]


def another_order(ledger: Ledger) -> None:
    order(ledger, 2, key(9))


def a_december_order_of(songs: int) -> Change:
    return lambda ledger: order(ledger, 2, key(songs), DECEMBER)


@pytest.mark.parametrize(
    ("before", "between", "now", "cap", "good"),
    [
        pytest.param(1, another_order, NOON, key(3), True, id="enough for both"),
        pytest.param(1, another_order, NOON, key(3, spare=-1), False, id="the last credits are gone"),
        pytest.param(0, another_order, NOON, key(2), True, id="the first order of the key, enough for both"),
        pytest.param(0, another_order, NOON, key(2, spare=-1), False, id="the first order of the key"),
        pytest.param(1, another_order, DECEMBER, key(3), True, id="held over, enough for both"),
        pytest.param(1, another_order, DECEMBER, key(3, spare=-1), False, id="held over"),
        pytest.param(1, a_december_order_of(9), DECEMBER, key(3), True, id="the month has begun, enough for both"),
        pytest.param(1, a_december_order_of(9), DECEMBER, key(3, spare=-1), False, id="the month has begun"),
        pytest.param(1, a_december_order_of(9), NOON, key(3, spare=-1), False, id="a late clock"),
    ],
)
def test_of_two_orders_that_read_the_same_counter_the_second_gets_what_the_first_left(
    dynamodb: "DynamoDBClient",
    table: Ledger,
    before: int,
    between: Change,
    now: datetime,
    cap: KeyCap,
    good: bool,
) -> None:
    if before:
        order(table, 1, key(9))

    def happens() -> None:
        between(table)

    AnswersInstead(dynamodb, "TransactWriteItems", happens)
    if good:
        order(table, 3, cap, now)
    else:
        with pytest.raises(KeyLimitError):
            order(table, 3, cap, now)
    counter = table.key_counter("aaaaaaaa")
    assert counter is not None
    assert counter.held == table.wallet().held == (before + 1 + good) * PRICE
    counters(table)


@pytest.mark.parametrize("late", ["an order", "an end"])
def test_what_begins_a_month_that_has_begun_meanwhile_forgets_nothing_that_was_spent_in_it(
    dynamodb: "DynamoDBClient", table: Ledger, late: str
) -> None:
    other = order(table, 2, key(9))
    end = delivered(table, key_cap=key(9)).model_copy(update={"finished_at": DECEMBER})

    def happens() -> None:
        table.jobs.settle(end)

    AnswersInstead(dynamodb, "TransactWriteItems", happens)
    if late == "an order":
        order(table, 3, key(9), DECEMBER)
    else:
        table.jobs.settle(other.canceled(DECEMBER))
    counter = table.key_counter("aaaaaaaa")
    assert counter is not None
    assert (counter.month, counter.spent_in_month) == ("2026-12", PRICE)
    assert counter.held == table.wallet().held


def test_of_fifty_parallel_orders_a_key_for_ten_songs_makes_exactly_ten(
    dynamodb: "DynamoDBClient", table: Ledger
) -> None:
    AnswersInstead(dynamodb, "TransactWriteItems", *[canceled("TransactionConflict"), passes] * 20)

    def submit(number: int) -> bool:
        try:
            order(table, number, key(10, spare=29))
        except KeyLimitError:
            return False
        return True

    with ThreadPoolExecutor(16) as clients:
        accepted = sum(clients.map(submit, range(50)))
    assert (accepted, table.key_counter("aaaaaaaa")) == (10, KeyCounter(month=NOVEMBER, held=10 * PRICE))
    assert table.wallet().held == 10 * PRICE


def test_parallel_orders_and_ends_around_the_turn_of_a_month_lose_no_credit_of_the_key(table: Ledger) -> None:
    cap = key(40)
    jobs = [order(table, number, cap) for number in range(20)]

    def act(number: int) -> None:
        if number % 2:
            table.jobs.settle(jobs[number // 2].canceled(DECEMBER if number % 3 else NOON))
        else:
            order(table, 20 + number // 2, cap, DECEMBER if number % 3 else NOON)

    with ThreadPoolExecutor(16) as clients:
        list(clients.map(act, range(40)))
    counter = table.key_counter("aaaaaaaa")
    assert counter is not None
    assert (counter.month, counter.held, counter.spent_in_month) == ("2026-12", 20 * PRICE, 0)
    assert table.wallet().held == 20 * PRICE


@pytest.mark.parametrize("lost", ["the order", "the end"])
def test_a_lost_answer_counts_once(dynamodb: "DynamoDBClient", table: Ledger, lost: str) -> None:
    job = queued_job(key_cap=key(2))
    if lost == "the end":
        table.jobs.create(job)
    with lost_answer(dynamodb), pytest.raises(TransientError):
        table.jobs.create(job) if lost == "the order" else table.jobs.settle(job.canceled(NOON))
    with pytest.raises(StaleRecordError):
        table.jobs.create(job) if lost == "the order" else table.jobs.settle(job.canceled(NOON))
    held = PRICE if lost == "the order" else 0
    assert table.key_counter("aaaaaaaa") == KeyCounter(month=NOVEMBER, held=held)


@contextmanager
def lost_answer(client: "DynamoDBClient") -> Iterator[None]:
    def lose(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    client.meta.events.register("after-call.dynamodb.TransactWriteItems", lose)
    try:
        yield
    finally:
        client.meta.events.unregister("after-call.dynamodb.TransactWriteItems", lose)


def test_an_order_without_a_capped_key_makes_no_further_call_and_writes_no_further_item(
    dynamodb: "DynamoDBClient", table: Ledger
) -> None:
    made: list[tuple[str, int]] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        made.append((model.name, len(params.get("TransactItems", ()))))

    dynamodb.meta.events.register("provide-client-params.dynamodb.*", note)
    order(table, 1, None)
    without, made[:] = list(made), []
    order(table, 2, key(1))
    # The batch has the wallet, and whether new orders are taken.
    assert without == [("BatchGetItem", 0), ("TransactWriteItems", 5)]
    assert made == [("BatchGetItem", 0), ("GetItem", 0), ("TransactWriteItems", 6)]


def test_a_counter_lies_beside_the_wallet_and_is_no_entry_of_its_ledger(
    dynamodb: "DynamoDBClient", table: Ledger
) -> None:
    order(table, 1, key(1))
    (item,) = items(dynamodb, "WALLET#acme", "KEY#")
    assert (item["sk"], item["held"], item["committed"], item["month"]) == ("KEY#aaaaaaaa", PRICE, PRICE, NOVEMBER)
    assert len(list(table.wallets.ledger("acme"))) == 2


def test_a_job_that_was_stored_before_keys_had_caps_is_read(dynamodb: "DynamoDBClient", table: Ledger) -> None:
    order(table, 1, None)
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"JOB#{new_job_id(NOON, bytes([1] * 10))}"}, "sk": {"S": "JOB"}},
        UpdateExpression="REMOVE api_key_id, key_cap",
    )
    job = table.jobs.load(new_job_id(NOON, bytes([1] * 10)))
    assert job is not None
    assert (job.api_key_id, job.key_cap) == (None, None)
    table.jobs.settle(job.canceled(NOON))
    assert table.key_counter("aaaaaaaa") is None
