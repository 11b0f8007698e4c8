"""One contract for credits, kept by the in-memory fake and by DynamoDB: they move with their job or not at all."""

from datetime import timedelta
from typing import Any

import pytest

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.movement import grant_of
from fermata.domain.money.wallet import Plan, empty_wallet
from fermata.domain.orders.idempotency import key_hash
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.spending import NEW_ORDERS
from fermata.errors import (
    ConfigurationError,
    DrainingError,
    IdempotencyKeyTakenError,
    OutOfCreditError,
    StaleRecordError,
    TenantSuspendedError,
)
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_in_memory
from tests.fakes.money.orders import DECEMBER, OTHER_JOB, counters, created, delivered, funded, kinds, receipt
from tests.songs import JOB_ID, queued_job, rate_limited, suno_job


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "in_memory":
        return ledger_in_memory()
    return ledger_in_dynamodb(request.getfixturevalue("dynamodb"))


# ---- holds and settlements


def test_a_job_is_created_together_with_its_hold(ledger: Ledger) -> None:
    created(funded(ledger, 100))
    assert counters(ledger) == (100, 70, 30, 0)
    assert kinds(ledger) == ["grant", "hold"]


def test_a_job_that_the_wallet_cannot_cover_leaves_no_trace(ledger: Ledger) -> None:
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
    ledger.jobs.forget(tombstone_of(end, NOON))
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


def test_a_suspended_tenant_orders_nothing_while_its_jobs_end_and_their_songs_are_redelivered(ledger: Ledger) -> None:
    funded(ledger, 100)
    job = delivered(ledger)
    assert ledger.wallets.suspend("acme", NOON)
    with pytest.raises(TenantSuspendedError, match=f"on {NOON:%Y-%m-%d}"):
        created(ledger, id=OTHER_JOB)
    ledger.jobs.settle(job)
    created(ledger, id=new_job_id(NOON, bytes(10)), recovered_from=JOB_ID)
    assert counters(ledger) == (100, 40, 30, 30)


def test_during_maintenance_nobody_orders_while_jobs_end_and_their_songs_are_redelivered(ledger: Ledger) -> None:
    funded(ledger, 100)
    job = delivered(ledger)
    assert ledger.brakes.pause(NEW_ORDERS, NOON)
    with pytest.raises(DrainingError):
        created(ledger, id=OTHER_JOB)
    ledger.jobs.settle(job)
    created(ledger, id=new_job_id(NOON, bytes(10)), recovered_from=JOB_ID)
    assert counters(ledger) == (100, 40, 30, 30)
    assert (ledger.brakes.resume(NEW_ORDERS), ledger.brakes.resume(NEW_ORDERS)) == (True, False)
    created(ledger, id=OTHER_JOB)


def test_a_job_that_the_operator_cancels_is_refunded_and_not_the_tenants_doing(ledger: Ledger) -> None:
    funded(ledger, 100)
    for number, by_operator in enumerate((True, False)):
        job = created(ledger, id=new_job_id(NOON, bytes([number] * 10)))
        ledger.jobs.settle(job.canceled(NOON, by_operator=by_operator))
        assert ledger.wallet().unpaid_in_day == number
    assert counters(ledger) == (100, 100, 0, 0)


def test_a_suspension_keeps_its_first_time_ends_once_and_survives_a_new_plan(ledger: Ledger) -> None:
    funded(ledger, 100)
    assert not ledger.wallets.resume("acme")
    assert [ledger.wallets.suspend("acme", moment) for moment in (NOON, DECEMBER)] == [True, False]
    ledger.wallets.set_plan("acme", Plan.POSTPAID, 60)
    assert ledger.wallet().suspended_at == NOON
    assert [ledger.wallets.resume("acme") for _ in range(2)] == [True, False]
    created(ledger)


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
