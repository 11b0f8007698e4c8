"""What only DynamoDB guards of a wallet: each order passed Python's check of the wallet as it read it, and another
write came between. An order of the same minute and month came before, so that nothing but the named condition refuses.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import grant_of
from fermata.domain.money.wallet import Plan, empty_wallet
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.failures import unknown_outcome
from fermata.domain.tenants.discounts import Tier
from fermata.errors import (
    ConfigurationError,
    FermataError,
    OtherDiscountError,
    OutOfCreditError,
    StaleRecordError,
    TenantSuspendedError,
)
from fermata.limit_errors import LostSongsError, MonthlyLimitError, UnpaidJobsError
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, items, ledger_in_dynamodb
from tests.fakes.money.orders import counters, delivered
from tests.fakes.tenants.orders import GENEROUS, lose, risky
from tests.songs import JOB_ID, candidate, claimed_attempt, queued_job, ready_job, stored_track
from tests.support.cloud import TABLE, AnswersInstead

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
TOMORROW = NOON + timedelta(days=1)
PRICE = 30
"""Credits that each order here holds."""
TWO, THREE = 2 * PRICE, 3 * PRICE

Change = Callable[[Ledger], object]


@pytest.fixture
def ledger(dynamodb: "DynamoDBClient") -> Ledger:
    ledger = ledger_in_dynamodb(dynamodb)
    ledger.wallets.open(empty_wallet("acme", NOON))
    return ledger


def order(ledger: Ledger, number: int, now: datetime = NOON, discount_percent: int = 0) -> Job:
    chain = (candidate().model_copy(update={"discount_percent": discount_percent}),)
    job = queued_job(id=new_job_id(NOON, bytes([number] * 10)), now=now, candidates=chain)
    ledger.jobs.create(job)
    return job


def meanwhile(dynamodb: "DynamoDBClient", change: Callable[[], object]) -> None:
    """Let a change be written right before the next transaction, which was composed before it."""

    def happens() -> None:
        change()

    AnswersInstead(dynamodb, "TransactWriteItems", happens)


def prepaid(amount: int) -> Change:
    return lambda ledger: ledger.wallets.grant(grant_of("acme", amount, "0000-grant", NOON))


def postpaid(cap: int) -> Change:
    return lambda ledger: ledger.wallets.set_plan("acme", Plan.POSTPAID, cap, GENEROUS)


def monthly(limit: int) -> Change:
    return lambda ledger: ledger.wallets.set_plan(
        "acme", Plan.POSTPAID, 1000, GENEROUS.model_copy(update={"monthly_credits": limit})
    )


def another_order(ledger: Ledger) -> None:
    order(ledger, 2)


@pytest.mark.parametrize(
    ("funds", "between", "now", "refused"),
    [
        pytest.param(prepaid(THREE - 1), another_order, NOON, OutOfCreditError, id="the balance"),
        pytest.param(prepaid(THREE), another_order, NOON, None, id="a balance for three"),
        pytest.param(postpaid(THREE - 1), another_order, NOON, OutOfCreditError, id="the cap"),
        pytest.param(postpaid(THREE), another_order, NOON, None, id="a cap for three"),
        pytest.param(postpaid(THREE), postpaid(TWO - 1), NOON, OutOfCreditError, id="a lowered cap"),
        pytest.param(postpaid(THREE - 1), another_order, DECEMBER, OutOfCreditError, id="the cap, held over"),
        pytest.param(postpaid(THREE), another_order, DECEMBER, None, id="a cap for three, held over"),
        pytest.param(monthly(THREE - 1), another_order, NOON, MonthlyLimitError, id="the month"),
        pytest.param(monthly(THREE), another_order, NOON, None, id="a month for three"),
        pytest.param(monthly(THREE), monthly(TWO - 1), NOON, MonthlyLimitError, id="a lowered month"),
        pytest.param(monthly(THREE - 1), another_order, DECEMBER, MonthlyLimitError, id="the month, held over"),
        pytest.param(monthly(THREE), another_order, DECEMBER, None, id="a month for three, held over"),
    ],
)
def test_of_two_orders_that_read_the_same_wallet_the_second_gets_what_the_first_left(
    dynamodb: "DynamoDBClient",
    ledger: Ledger,
    funds: Change,
    between: Change,
    now: datetime,
    refused: type[FermataError] | None,
) -> None:
    funds(ledger)
    order(ledger, 1)
    meanwhile(dynamodb, lambda: between(ledger))
    if refused is None:
        order(ledger, 3, now)
        assert ledger.wallet().held == THREE
    else:
        with pytest.raises(refused):
            order(ledger, 3, now)
    counters(ledger)


def test_an_order_that_read_the_wallet_before_a_suspension_is_refused_by_the_write(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    prepaid(THREE)(ledger)
    order(ledger, 1)
    meanwhile(dynamodb, lambda: ledger.wallets.suspend("acme", NOON))
    with pytest.raises(TenantSuspendedError):
        order(ledger, 2)
    ledger.wallets.resume("acme")
    order(ledger, 3)
    assert ledger.wallet().held == TWO


@pytest.mark.parametrize(("cap", "good"), [(4 * PRICE, True), (4 * PRICE - 1, False)])
def test_what_jobs_hold_when_a_month_begins_counts_in_it_beside_its_orders(
    dynamodb: "DynamoDBClient", ledger: Ledger, cap: int, good: bool
) -> None:
    postpaid(cap)(ledger)
    order(ledger, 1)
    order(ledger, 2, DECEMBER)
    meanwhile(dynamodb, lambda: order(ledger, 3, DECEMBER))
    if good:
        order(ledger, 4, DECEMBER)
    else:
        with pytest.raises(OutOfCreditError):
            order(ledger, 4, DECEMBER)
    assert ledger.wallet().committed == (4 * PRICE if good else 3 * PRICE)


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(lambda ledger: order(ledger, 3, DECEMBER), id="an order"),
        pytest.param(lambda ledger: ledger.wallets.grant(grant_of("acme", 1, "1-grant", DECEMBER)), id="a grant"),
        pytest.param(lambda ledger: ledger.jobs.settle(ended(ledger, 2)), id="an end"),
    ],
)
def test_what_begins_a_month_that_has_begun_meanwhile_forgets_nothing_that_was_spent_in_it(
    dynamodb: "DynamoDBClient", ledger: Ledger, late: Change
) -> None:
    postpaid(1000)(ledger)
    order(ledger, 2)
    end = delivered(ledger).model_copy(update={"finished_at": DECEMBER})
    meanwhile(dynamodb, lambda: ledger.jobs.settle(end))
    late(ledger)
    wallet = ledger.wallet()
    assert (wallet.month, wallet.spent_in_month) == ("2026-12", PRICE)
    counters(ledger)


def ended(ledger: Ledger, number: int) -> Job:
    job = ledger.jobs.load(new_job_id(NOON, bytes([number] * 10)))
    assert job is not None
    return job.canceled(DECEMBER)


# ---- songs that were lost, or may be


def losing(limit: int) -> Change:
    """A plan by which so many songs a day may be lost."""
    return lambda ledger: ledger.wallets.set_plan(
        "acme", Plan.POSTPAID, 1000, GENEROUS.model_copy(update={"lost_songs_per_day": limit})
    )


def may_be_lost(number: int, now: datetime = NOON) -> Change:
    return lambda ledger: ledger.jobs.create(risky(number, now))


def stake(dynamodb: "DynamoDBClient", ledger: Ledger) -> int:
    """What the day's limit counts, which is the sum of what was lost and what open orders may lose."""
    (item,) = items(dynamodb, "WALLET#acme", "WALLET")
    assert item["at_stake"] == ledger.wallet().lost_in_day + ledger.wallet().at_risk
    return int(item["at_stake"])


@pytest.mark.parametrize(
    ("limit", "between", "now", "refused"),
    [
        pytest.param(2, may_be_lost(2), NOON, True, id="the last place"),
        pytest.param(3, may_be_lost(2), NOON, False, id="one place is left"),
        pytest.param(3, losing(1), NOON, True, id="a lowered limit"),
        pytest.param(2, may_be_lost(2), TOMORROW, True, id="the last place, held over"),
        pytest.param(3, may_be_lost(2), TOMORROW, False, id="one place is left, held over"),
    ],
)
def test_an_order_that_may_be_lost_has_a_place_that_another_one_left(
    dynamodb: "DynamoDBClient", ledger: Ledger, limit: int, between: Change, now: datetime, *, refused: bool
) -> None:
    losing(limit)(ledger)
    may_be_lost(1)(ledger)
    meanwhile(dynamodb, lambda: between(ledger))
    if refused:
        with pytest.raises(LostSongsError):
            may_be_lost(3, now)(ledger)
    else:
        may_be_lost(3, now)(ledger)
    assert stake(dynamodb, ledger) == ledger.wallet().at_risk


def test_what_begins_a_day_that_has_begun_meanwhile_forgets_no_loss_of_it(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    losing(3)(ledger)
    first, second = order(ledger, 1), order(ledger, 2)
    meanwhile(dynamodb, lambda: lose(ledger, first, TOMORROW))
    order(ledger, 3, TOMORROW)
    assert ledger.wallet().lost_in_day == 1
    lose(ledger, second, TOMORROW)
    lose(ledger, order(ledger, 4, TOMORROW), TOMORROW)
    with pytest.raises(LostSongsError):
        order(ledger, 5, TOMORROW)
    assert stake(dynamodb, ledger) == 3


def test_of_two_losses_that_begin_a_day_both_count(dynamodb: "DynamoDBClient", ledger: Ledger) -> None:
    losing(3)(ledger)
    first, second = order(ledger, 1), order(ledger, 2)
    claimed = second.claimed(claimed_attempt(), NOON)
    ledger.jobs.save(claimed)
    meanwhile(dynamodb, lambda: lose(ledger, first, TOMORROW))
    ledger.jobs.settle(claimed.expired(unknown_outcome("too late"), TOMORROW))
    assert (ledger.wallet().lost_in_day, ledger.wallet().day) == (2, "2026-11-22")


def test_of_cancels_and_losses_that_begin_a_day_all_count(dynamodb: "DynamoDBClient", ledger: Ledger) -> None:
    losing(3)(ledger)
    first, second, third = (order(ledger, number) for number in (1, 2, 3))
    meanwhile(dynamodb, lambda: ledger.jobs.settle(first.canceled(TOMORROW)))
    ledger.jobs.settle(second.canceled(TOMORROW))
    lose(ledger, third, TOMORROW)
    wallet = ledger.wallet()
    assert (wallet.unpaid_in_day, wallet.lost_in_day, wallet.day) == (2, 1, "2026-11-22")
    ledger.jobs.settle(order(ledger, 4, TOMORROW + timedelta(days=1)).canceled(TOMORROW + timedelta(days=1)))
    assert (ledger.wallet().unpaid_in_day, ledger.wallet().lost_in_day) == (1, 0)


def test_a_wallet_from_before_the_limit_of_unpaid_jobs_takes_orders_and_counts_what_is_taken_back(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    postpaid(1000)(ledger)
    order(ledger, 1)
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "WALLET#acme"}, "sk": {"S": "WALLET"}},
        UpdateExpression="REMOVE unpaid_in_day, unpaid_jobs_per_day",
    )
    ledger.jobs.settle(order(ledger, 2).canceled(NOON))
    order(ledger, 3)
    assert ledger.wallet().unpaid_in_day == 1


def test_an_order_that_begins_a_day_which_has_begun_meanwhile_forgets_no_cancel_of_it(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    ledger.wallets.set_plan("acme", Plan.POSTPAID, 1000, GENEROUS.model_copy(update={"unpaid_jobs_per_day": 1}))
    first = order(ledger, 1)
    meanwhile(dynamodb, lambda: ledger.jobs.settle(first.canceled(TOMORROW)))
    with pytest.raises(UnpaidJobsError):
        order(ledger, 2, TOMORROW)
    assert ledger.wallet().unpaid_in_day == 1


def test_a_loss_that_begins_a_month_which_has_begun_meanwhile_forgets_nothing_that_was_spent_in_it(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    postpaid(1000)(ledger)
    end = delivered(ledger).model_copy(update={"finished_at": DECEMBER})
    claimed = order(ledger, 2).claimed(claimed_attempt(), NOON)
    ledger.jobs.save(claimed)
    meanwhile(dynamodb, lambda: ledger.jobs.settle(end))
    ledger.jobs.settle(claimed.expired(unknown_outcome("too late"), DECEMBER))
    wallet = ledger.wallet()
    assert (wallet.month, wallet.spent_in_month, wallet.lost_in_day) == ("2026-12", PRICE, 1)


def test_what_the_days_limit_counts_follows_every_order_and_end(dynamodb: "DynamoDBClient", ledger: Ledger) -> None:
    losing(5)(ledger)
    jobs = [risky(number) for number in range(1, 4)]
    for job in jobs:
        ledger.jobs.create(job)
    assert stake(dynamodb, ledger) == 3
    lose(ledger, jobs[0])
    assert stake(dynamodb, ledger) == 3
    ledger.jobs.settle(jobs[1].canceled(NOON))
    assert stake(dynamodb, ledger) == 2
    may_be_lost(4, TOMORROW)(ledger)
    assert stake(dynamodb, ledger) == 2
    plain = order(ledger, 5, TOMORROW)
    lose(ledger, plain, TOMORROW)
    assert stake(dynamodb, ledger) == 3
    two_days = TOMORROW + timedelta(days=1)
    lose(ledger, jobs[2], two_days)
    assert (stake(dynamodb, ledger), ledger.wallet().lost_in_day) == (2, 1)


def test_an_order_whose_entry_stands_in_the_ledger_is_not_taken_again_although_its_job_is_gone(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    prepaid(100)(ledger)
    ledger.jobs.create(queued_job())
    entries = ledger.entries("acme")
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}})
    with pytest.raises(StaleRecordError):
        ledger.jobs.create(queued_job(now=NOON + timedelta(minutes=1)))
    assert (ledger.entries("acme"), counters(ledger)) == (entries, (100, 70, 30, 0))


def test_an_order_on_a_wallet_that_went_after_it_was_read_makes_none(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    prepaid(100)(ledger)
    key = {"pk": {"S": "WALLET#acme"}, "sk": {"S": "WALLET"}}
    meanwhile(dynamodb, lambda: dynamodb.delete_item(TableName=TABLE, Key=key))
    with pytest.raises(ConfigurationError):
        order(ledger, 1)
    assert items(dynamodb, "WALLET#acme", "WALLET") == []


def test_a_plan_of_a_tenant_that_is_not_there_makes_no_wallet(dynamodb: "DynamoDBClient", ledger: Ledger) -> None:
    for plan, cap in ((Plan.PREPAID, None), (Plan.POSTPAID, 60)):
        assert not ledger.wallets.set_plan("nobody", plan, cap)
    assert items(dynamodb, "WALLET#nobody", "WALLET") == []


# ---- discounts


def off(percent: int = 0, **tiers: int) -> Change:
    """A plan with a discount, and with tiers such as `from_30=10`."""
    steps = tuple(Tier(from_credits=int(name.removeprefix("from_")), percent=each) for name, each in tiers.items())
    limits = GENEROUS.model_copy(update={"discount_percent": percent, "tiers": steps})
    return lambda ledger: ledger.wallets.set_plan("acme", Plan.PREPAID, None, limits)


def order_and_deliver(ledger: Ledger, number: int, discount_percent: int) -> None:
    """Another order of the tenant is delivered, for 30 credits."""
    job = order(ledger, number, discount_percent=discount_percent)
    claimed = job.claimed(claimed_attempt(), NOON)
    ready = claimed.with_outcome(ready_job().attempts[0], NOON)
    stored = ready.with_tracks((stored_track(),), NOON)
    for step in (claimed, ready, stored):
        ledger.jobs.save(step)
    ledger.jobs.settle(stored.settled(None, NOON))


@pytest.mark.parametrize(
    ("before", "between", "then"),
    [
        pytest.param(off(), off(10), 10, id="a discount is given"),
        pytest.param(off(10), off(), 0, id="a discount is taken away"),
        pytest.param(off(10), off(20), 20, id="a discount grows"),
        pytest.param(off(), off(from_0=5), 5, id="a tier is given"),
        pytest.param(off(from_0=5), off(), 0, id="a tier is taken away"),
        pytest.param(off(from_0=5), off(from_0=6), 6, id="a tier changes"),
    ],
)
def test_an_order_is_not_taken_at_a_discount_that_changed_after_it_was_priced(
    dynamodb: "DynamoDBClient", ledger: Ledger, before: Change, between: Change, then: int
) -> None:
    prepaid(TWO)(ledger)
    before(ledger)
    priced_at = ledger.wallet().discount_at(NOON)
    meanwhile(dynamodb, lambda: between(ledger))
    with pytest.raises(OtherDiscountError) as refused:
        order(ledger, 1, discount_percent=priced_at)
    assert refused.value.percent == then
    assert ledger.wallet().held == 0
    order(ledger, 1, discount_percent=then)


def test_an_order_is_taken_at_the_tier_that_the_months_spent_credits_reach_at_its_write(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    prepaid(4 * PRICE)(ledger)
    off(from_0=1, **{f"from_{PRICE}": 10, f"from_{TWO}": 20})(ledger)
    priced_at = ledger.wallet().discount_at(NOON)
    meanwhile(dynamodb, lambda: order_and_deliver(ledger, 2, priced_at))
    with pytest.raises(OtherDiscountError) as refused:
        order(ledger, 1, discount_percent=priced_at)
    assert (priced_at, refused.value.percent) == (1, 10)
    order(ledger, 1, discount_percent=10)


def test_a_refund_never_lowers_the_tier_and_a_new_month_begins_at_the_first() -> None:
    wallet = empty_wallet("acme", NOON).model_copy(
        update={"spent_in_month": PRICE, "tiers": (Tier(from_credits=PRICE, percent=10),)}
    )
    assert (wallet.discount_at(NOON), wallet.discount_at(DECEMBER)) == (10, 0)


def test_a_wallet_from_before_there_were_discounts_takes_orders_at_the_whole_price(
    dynamodb: "DynamoDBClient", ledger: Ledger
) -> None:
    prepaid(TWO)(ledger)
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "WALLET#acme"}, "sk": {"S": "WALLET"}},
        UpdateExpression="REMOVE discount_percent, tiers",
    )
    with pytest.raises(OtherDiscountError):
        order(ledger, 1, discount_percent=1)
    order(ledger, 1, discount_percent=0)
    assert ledger.wallet().held == PRICE
