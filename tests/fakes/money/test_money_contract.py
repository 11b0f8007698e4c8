"""One contract for credits, kept by the in-memory fake and by DynamoDB: they move with their job or not at all."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.wallet import EntryKind, Plan, empty_wallet, grant_of
from fermata.domain.orders.idempotency import FirstAnswer, Receipt, key_hash, receipt_for
from fermata.domain.orders.job_id import new_job_id
from fermata.errors import (
    ConfigurationError,
    IdempotencyKeyTakenError,
    OutOfCreditError,
    StaleRecordError,
    TransientError,
)
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, assert_the_ledger_explains, items, ledger_in_dynamodb, ledger_in_memory
from tests.songs import JOB_ID, claimed_attempt, queued_job, rate_limited, ready_job, stored_track, suno_job
from tests.support.cloud import Answer, AnswersInstead, aws_error, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
OTHER_JOB = "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "in_memory":
        return ledger_in_memory()
    return ledger_in_dynamodb(request.getfixturevalue("dynamodb"))


def funded(ledger: Ledger, amount: int) -> Ledger:
    ledger.wallets.open(empty_wallet("acme", NOON))
    if amount:
        ledger.wallets.grant(grant_of("acme", amount, "0000-grant", NOON))
    return ledger


def counters(ledger: Ledger) -> tuple[int, int, int, int]:
    wallet = ledger.wallet()
    assert_the_ledger_explains(wallet, ledger.entries("acme"))
    return wallet.granted, wallet.balance, wallet.held, wallet.spent


def kinds(ledger: Ledger) -> list[str]:
    return [entry.kind.value for entry in ledger.entries("acme")]


def created(ledger: Ledger, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    job = queued_job(**changes)
    ledger.jobs.create(job)
    return job


def delivered(ledger: Ledger, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    """A job just before its end, and its end."""
    job = created(ledger, **changes).claimed(claimed_attempt(), NOON)
    ledger.jobs.save(job)
    stored = job.with_outcome(ready_job().attempts[0], NOON)
    ledger.jobs.save(stored)
    with_tracks = stored.with_tracks((stored_track(),), NOON)
    ledger.jobs.save(with_tracks)
    return with_tracks.settled(None, NOON)


def receipt(key: str = "k", job_id: str = JOB_ID, now: datetime = NOON, tenant_id: str = "acme") -> Receipt:
    answer = FirstAnswer(headers={"Location": "/x"}, body='{"id": "é"}')
    return receipt_for(tenant_id, key, queued_job().request, job_id, answer, now)


# ---- holds and settlements


def test_a_job_is_created_together_with_its_hold(ledger: Ledger) -> None:
    created(funded(ledger, 100))
    assert counters(ledger) == (100, 70, 30, 0)
    assert kinds(ledger) == ["grant", "hold"]


def test_a_job_that_the_wallet_is_not_good_for_leaves_no_trace(ledger: Ledger) -> None:
    funded(ledger, 29)
    with pytest.raises(OutOfCreditError) as caught:
        ledger.jobs.create(queued_job(), receipt())
    assert (caught.value.balance, caught.value.price) == (29, 30)
    assert (ledger.jobs.load(JOB_ID), counters(ledger), kinds(ledger)) == (None, (29, 29, 0, 0), ["grant"])
    assert ledger.jobs.find_receipt("acme", key_hash("k")) is None


def test_an_id_that_is_taken_holds_nothing_more(ledger: Ledger) -> None:
    created(funded(ledger, 100))
    with pytest.raises(StaleRecordError):
        created(ledger)
    assert counters(ledger) == (100, 70, 30, 0)


def test_a_delivered_job_is_spent_when_it_is_settled_and_not_before(ledger: Ledger) -> None:
    end = delivered(funded(ledger, 100))
    assert counters(ledger) == (100, 70, 30, 0)
    ledger.jobs.settle(end)
    assert counters(ledger) == (100, 70, 0, 30)
    assert kinds(ledger) == ["grant", "hold", "settle"]
    assert ledger.jobs.load(JOB_ID) == end


def delivered_in_part(ledger: Ledger, *stored: int, **changes: Any) -> Job:  # noqa: ANN401 - fields of `suno_job`
    """The end of a job of several songs, of which those with these numbers are there; it has reached the books."""
    job = suno_job(*stored, **changes)
    ledger.jobs.create(queued_job("apiinone", candidates=job.candidates))
    ledger.jobs.save(job.model_copy(update={"version": 2}))
    end = job.model_copy(update={"version": 2}).settled(None, NOON)
    ledger.jobs.settle(end)
    return end


@pytest.mark.parametrize(
    ("price", "stored", "spent"),
    [(20, (1, 2), 20), (20, (1,), 10), (20, (2,), 10), (21, (2,), 10), (1, (1,), 0)],
)
def test_a_part_of_the_songs_costs_its_share_and_the_rest_comes_back(
    ledger: Ledger, price: int, stored: tuple[int, ...], spent: int
) -> None:
    end = delivered_in_part(funded(ledger, 100), *stored, price=price)
    assert counters(ledger) == (100, 100 - spent, 0, spent)
    moved = {entry.kind.value: entry.credits for entry in ledger.entries("acme") if entry.job_id}
    back = {"refund": price - spent} if spent < price else {}
    assert moved == {"hold": price, "settle": spent, **back}
    assert (ledger.jobs.load(JOB_ID), end.spent_credits, end.price_credits) == (end, spent, price)
    wallet, (used,) = ledger.wallet(), ledger.used()
    assert (wallet.spent_in_month, used.credits, used.succeeded, wallet.open_jobs) == (spent, spent, 1, 0)


def test_the_share_of_a_deleted_job_stays_what_it_was(ledger: Ledger) -> None:
    end = delivered_in_part(funded(ledger, 100), 2).published()
    ledger.jobs.save(end)
    ledger.jobs.forget(end.forgotten(NOON))
    tombstone = ledger.jobs.load(JOB_ID)
    assert tombstone is not None
    assert (tombstone.spent_credits, tombstone.tracks, tombstone.missing) == (10, (), ())
    assert counters(ledger) == (100, 90, 0, 10)


def test_a_failed_job_gives_its_hold_back(ledger: Ledger) -> None:
    failed = created(funded(ledger, 100)).settled(rate_limited(), NOON)
    ledger.jobs.settle(failed)
    assert counters(ledger) == (100, 100, 0, 0)
    assert kinds(ledger) == ["grant", "hold", "refund"]


def test_a_job_is_settled_once_however_often_it_is_tried(ledger: Ledger) -> None:
    end = delivered(funded(ledger, 100))
    other_end = end.model_copy(update={"status": JobStatus.FAILED, "tracks": ()})
    ledger.jobs.settle(end)
    for again in (end, other_end):
        with pytest.raises(StaleRecordError):
            ledger.jobs.settle(again)
    assert counters(ledger) == (100, 70, 0, 30)
    assert ledger.jobs.load(JOB_ID) == end


def test_even_a_settlement_under_a_later_version_adds_no_entry_twice(ledger: Ledger) -> None:
    end = delivered(funded(ledger, 100))
    ledger.jobs.settle(end)
    with pytest.raises(StaleRecordError):
        ledger.jobs.settle(end.model_copy(update={"version": end.version + 1}))
    assert counters(ledger) == (100, 70, 0, 30)


def test_a_job_cannot_end_without_its_credits(ledger: Ledger) -> None:
    end = delivered(funded(ledger, 100))
    with pytest.raises(StaleRecordError):
        ledger.jobs.save(end)
    assert counters(ledger) == (100, 70, 30, 0)


def test_a_bill_does_not_end_a_job(ledger: Ledger) -> None:
    end = delivered(funded(ledger, 100))
    with pytest.raises(StaleRecordError):
        ledger.jobs.reconcile(end, ())
    assert counters(ledger) == (100, 70, 30, 0)


def test_of_two_runs_that_learn_something_after_the_end_the_second_reads_again(ledger: Ledger) -> None:
    end = delivered(funded(ledger, 100))
    ledger.jobs.settle(end)
    late = end.with_late_answer(1, NOON)
    ledger.jobs.save(late)
    with pytest.raises(StaleRecordError):
        ledger.jobs.save(end.published())
    assert ledger.jobs.load(JOB_ID) == late


def test_what_is_learned_after_the_end_is_saved_and_moves_nothing(ledger: Ledger) -> None:
    end = delivered(funded(ledger, 100))
    ledger.jobs.settle(end)
    late = end.with_late_answer(1, NOON)
    ledger.jobs.save(late)
    assert (ledger.jobs.load(JOB_ID), counters(ledger)) == (late, (100, 70, 0, 30))


def test_a_settlement_that_lost_the_race_moves_nothing(ledger: Ledger) -> None:
    end = delivered(funded(ledger, 100))
    current = ledger.jobs.load(JOB_ID)
    assert current is not None
    ledger.jobs.save(current.with_late_answer(1, NOON))
    with pytest.raises(StaleRecordError):
        ledger.jobs.settle(end)
    assert counters(ledger) == (100, 70, 30, 0)


def test_an_order_of_a_tenant_without_a_wallet_is_the_operators_mistake(ledger: Ledger) -> None:
    with pytest.raises(ConfigurationError, match="acme has no wallet"):
        created(ledger)
    assert ledger.jobs.load(JOB_ID) is None


# ---- plans and months


def test_a_wallet_is_opened_once(ledger: Ledger) -> None:
    funded(ledger, 50)
    ledger.wallets.open(empty_wallet("acme", DECEMBER))
    assert counters(ledger) == (50, 50, 0, 0)
    assert ledger.wallets.find("other") is None


def test_a_grant_that_is_carried_out_again_is_the_same_grant(ledger: Ledger) -> None:
    funded(ledger, 50)
    ledger.wallets.grant(grant_of("acme", 50, "0000-grant", NOON))
    assert counters(ledger) == (50, 50, 0, 0)


def test_a_postpaid_tenant_orders_up_to_its_cap_and_owes_what_it_holds(ledger: Ledger) -> None:
    funded(ledger, 10)
    assert ledger.wallets.set_plan("acme", Plan.POSTPAID, 60)
    for job_id in (JOB_ID, OTHER_JOB):
        created(ledger, id=job_id)
    with pytest.raises(OutOfCreditError) as caught:
        created(ledger, id=new_job_id(NOON, bytes(10)))
    assert (caught.value.available, caught.value.balance) == (0, -50)
    assert counters(ledger) == (10, -50, 60, 0)


def test_the_cap_counts_what_was_spent_in_the_month_and_what_is_held(ledger: Ledger) -> None:
    funded(ledger, 0)
    ledger.wallets.set_plan("acme", Plan.POSTPAID, 60)
    ledger.jobs.settle(delivered(ledger))
    created(ledger, id=OTHER_JOB)
    with pytest.raises(OutOfCreditError):
        created(ledger, id=new_job_id(NOON, bytes(10)))
    in_december = created(ledger, id=new_job_id(DECEMBER, bytes(10)), created_at=DECEMBER)
    assert (ledger.wallet().month, ledger.wallet().spent_in_month, ledger.wallet().available) == ("2026-12", 0, 0)
    ledger.jobs.settle(in_december.settled(rate_limited(), DECEMBER))
    assert ledger.wallet().available == 30
    assert counters(ledger) == (0, -60, 30, 30)


def test_a_job_that_ends_in_a_new_month_is_spent_there(ledger: Ledger) -> None:
    funded(ledger, 0)
    ledger.wallets.set_plan("acme", Plan.POSTPAID, 60)
    end = delivered(ledger)
    ledger.jobs.settle(end.model_copy(update={"finished_at": DECEMBER}))
    wallet = ledger.wallet()
    assert (wallet.month, wallet.spent_in_month, wallet.available) == ("2026-12", 30, 30)
    created(ledger, id=OTHER_JOB, created_at=DECEMBER)
    with pytest.raises(OutOfCreditError):
        created(ledger, id=new_job_id(DECEMBER, bytes(10)), created_at=DECEMBER)


def test_a_tenant_that_owes_credits_stays_postpaid(ledger: Ledger) -> None:
    funded(ledger, 0)
    ledger.wallets.set_plan("acme", Plan.POSTPAID, 60)
    created(ledger)
    assert not ledger.wallets.set_plan("acme", Plan.PREPAID, None)
    assert ledger.wallet().plan is Plan.POSTPAID
    ledger.wallets.grant(grant_of("acme", 30, "1-grant", NOON))
    assert ledger.wallets.set_plan("acme", Plan.PREPAID, None)
    assert (ledger.wallet().plan, ledger.wallet().cap_credits, ledger.wallet().available) == (Plan.PREPAID, None, 0)


# ---- receipts


def test_a_receipt_is_kept_with_its_job_and_read_back_equal(ledger: Ledger) -> None:
    funded(ledger, 100)
    ledger.jobs.create(queued_job(), receipt())
    assert ledger.jobs.find_receipt("acme", key_hash("k")) == receipt()
    assert ledger.jobs.find_receipt("acme", key_hash("K")) is None
    assert ledger.jobs.find_receipt("other", key_hash("k")) is None


def test_a_key_that_is_taken_stores_no_second_job_and_holds_nothing_more(ledger: Ledger) -> None:
    funded(ledger, 100)
    ledger.jobs.create(queued_job(), receipt())
    with pytest.raises(IdempotencyKeyTakenError):
        ledger.jobs.create(queued_job(id=OTHER_JOB), receipt(job_id=OTHER_JOB))
    assert (ledger.jobs.load(OTHER_JOB), counters(ledger)) == (None, (100, 70, 30, 0))
    assert ledger.jobs.find_receipt("acme", key_hash("k")) == receipt()


@pytest.mark.parametrize(
    ("after", "taken"), [(timedelta(hours=24), True), (timedelta(hours=24, seconds=1), False), (timedelta(9), False)]
)
def test_a_key_is_free_again_after_a_day_although_nothing_deleted_it(
    ledger: Ledger, after: timedelta, taken: bool
) -> None:
    funded(ledger, 100)
    first = receipt()
    ledger.jobs.create(queued_job(), first)
    assert first.is_live(NOON + after) is taken
    second = receipt(job_id=OTHER_JOB, now=NOON + after)
    order = queued_job(id=OTHER_JOB, now=NOON + after)
    if taken:
        with pytest.raises(IdempotencyKeyTakenError):
            ledger.jobs.create(order, second)
    else:
        ledger.jobs.create(order, second)
    assert ledger.jobs.find_receipt("acme", key_hash("k")) == (first if taken else second)


# ---- what only DynamoDB does


def canceled(*codes: str) -> Callable[[], Answer]:
    reasons = [{"Code": code} for code in codes]
    return aws_error("TransactionCanceledException", "canary", CancellationReasons=reasons)


def passes() -> None:
    """Let a call reach the table."""


def another_order(ledger: Ledger) -> None:
    created(ledger, id=OTHER_JOB)


def another_order_in_december(ledger: Ledger) -> None:
    created(ledger, id=OTHER_JOB, created_at=DECEMBER)


def another_job_ended_in_december(ledger: Ledger) -> None:
    ledger.jobs.settle(created(ledger, id=OTHER_JOB).settled(rate_limited(), DECEMBER))


def plan(plan: Plan, cap: int | None) -> Callable[[Ledger], object]:
    return lambda ledger: ledger.wallets.set_plan("acme", plan, cap)


PREPAID = plan(Plan.PREPAID, None)


@pytest.mark.parametrize(
    ("funds", "before", "meanwhile", "order_at", "good"),
    [
        pytest.param(30, PREPAID, another_order, NOON, False, id="the balance is gone"),
        pytest.param(60, PREPAID, another_order, NOON, True, id="the balance is enough for both"),
        pytest.param(30, PREPAID, another_job_ended_in_december, NOON, True, id="a month has begun"),
        pytest.param(30, PREPAID, plan(Plan.POSTPAID, 29), NOON, False, id="a cap took the place of the balance"),
        pytest.param(30, PREPAID, plan(Plan.POSTPAID, 30), NOON, True, id="a cap that is enough took its place"),
        pytest.param(0, plan(Plan.POSTPAID, 90), PREPAID, NOON, False, id="the balance took the place of a cap"),
        pytest.param(0, plan(Plan.POSTPAID, 90), plan(Plan.POSTPAID, 29), NOON, False, id="the cap was lowered"),
        pytest.param(0, plan(Plan.POSTPAID, 59), another_order, NOON, False, id="the cap is used up"),
        pytest.param(0, plan(Plan.POSTPAID, 60), another_order, NOON, True, id="the cap is enough for both"),
        pytest.param(
            0, plan(Plan.POSTPAID, 59), another_order_in_december, DECEMBER, False, id="the new cap is used up"
        ),
        pytest.param(0, plan(Plan.POSTPAID, 59), another_order, DECEMBER, False, id="held over the end of the month"),
    ],
)
def test_a_wallet_that_changed_after_it_was_read_decides_by_what_it_is_now(
    dynamodb: "DynamoDBClient",
    funds: int,
    before: Callable[[Ledger], object],
    meanwhile: Callable[[Ledger], object],
    order_at: datetime,
    good: bool,
) -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), funds)
    before(ledger)

    def change() -> None:
        meanwhile(ledger)

    AnswersInstead(dynamodb, "TransactWriteItems", change)
    if good:
        created(ledger, created_at=order_at)
    else:
        with pytest.raises(OutOfCreditError):
            created(ledger, created_at=order_at)
    assert (ledger.jobs.load(JOB_ID) is not None) is good
    counters(ledger)


def test_the_reason_of_a_key_goes_before_the_reason_of_the_wallet(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), 30)
    both = canceled("None", "None", "ConditionalCheckFailed", "ConditionalCheckFailed", "None")
    AnswersInstead(dynamodb, "TransactWriteItems", both)
    with pytest.raises(IdempotencyKeyTakenError):
        ledger.jobs.create(queued_job(), receipt())


def test_a_lost_answer_to_a_settlement_is_made_good_by_the_next_run(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), 100)
    end = delivered(ledger)

    def lose(**_: object) -> None:
        dynamodb.meta.events.unregister("after-call.dynamodb.TransactWriteItems", lose)
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    dynamodb.meta.events.register("after-call.dynamodb.TransactWriteItems", lose)
    with pytest.raises(TransientError):
        ledger.jobs.settle(end)
    with pytest.raises(StaleRecordError):
        ledger.jobs.settle(end)
    assert counters(ledger) == (100, 70, 0, 30)


@pytest.mark.usefixtures("one_call_at_a_time")
def test_of_fifty_parallel_orders_a_wallet_for_ten_songs_pays_exactly_ten(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb, pause=lambda _: None, clock=lambda: 0.0), 300)
    conflict = canceled("None", "None", "TransactionConflict")
    injected = AnswersInstead(dynamodb, "TransactWriteItems", *[conflict, passes, conflict] * 20)

    def order(number: int) -> bool:
        try:
            ledger.jobs.create(queued_job(id=new_job_id(NOON, bytes([number] * 10))))
        except OutOfCreditError:
            return False
        return True

    with ThreadPoolExecutor(16) as clients:
        accepted = sum(clients.map(order, range(50)))
    assert (accepted, counters(ledger)) == (10, (300, 0, 300, 0))
    assert injected.calls > 10


@pytest.mark.usefixtures("one_call_at_a_time")
def test_of_fifty_parallel_orders_with_one_key_one_is_stored(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb, pause=lambda _: None, clock=lambda: 0.0), 3000)
    AnswersInstead(dynamodb, "TransactWriteItems", *[canceled("TransactionConflict"), passes] * 10)

    def order(number: int) -> bool:
        job_id = new_job_id(NOON, bytes([number] * 10))
        try:
            ledger.jobs.create(queued_job(id=job_id), receipt(job_id=job_id))
        except IdempotencyKeyTakenError:
            return False
        return True

    with ThreadPoolExecutor(16) as clients:
        accepted = sum(clients.map(order, range(50)))
    assert (accepted, counters(ledger)) == (1, (3000, 2970, 30, 0))


def test_a_ledger_is_only_added_to_and_has_no_end_of_life(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), 100)
    created(ledger)
    entries = items(dynamodb, "WALLET#acme", "LEDGER#")
    assert [entry["kind"] for entry in entries] == [EntryKind.GRANT, EntryKind.HOLD]
    assert not any("ttl" in entry for entry in entries)
