"""What only DynamoDB does with credits: races of many writers, and lost answers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ReadTimeoutError

from fermata.domain.money.movement import EntryKind
from fermata.domain.money.wallet import Plan
from fermata.domain.orders.job_id import new_job_id
from fermata.errors import (
    IdempotencyKeyTakenError,
    OutOfCreditError,
    StaleRecordError,
    TransientError,
)
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, items, ledger_in_dynamodb
from tests.songs import JOB_ID, queued_job, rate_limited
from tests.support.cloud import AnswersInstead

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
from tests.fakes.money.orders import DECEMBER, OTHER_JOB, counters, created, delivered, funded, receipt
from tests.support.cloud import canceled, passes


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
