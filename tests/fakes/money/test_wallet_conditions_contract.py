"""What only DynamoDB guards of a wallet: each order passed Python's check of the wallet as it read it, and another
write came between. An order of the same minute and month came before, so that nothing but the named condition refuses.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.domain.jobs.job import Job
from fermata.domain.money.wallet import Plan, empty_wallet, grant_of
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.failures import unknown_outcome
from fermata.errors import (
    ConfigurationError,
    FermataError,
    LostSongsError,
    MonthlyLimitError,
    OutOfCreditError,
    StaleRecordError,
    UnpaidJobsError,
)
from tests.books import Books, books_in_dynamodb, items
from tests.cloud import TABLE, AnswersInstead, dynamodb_with_table
from tests.fakes.clock import NOON
from tests.fakes.money.test_money_contract import counters, delivered
from tests.fakes.tenants.test_limits_contract import GENEROUS, lose, risky
from tests.songs import JOB_ID, claimed_attempt, queued_job

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
TOMORROW = NOON + timedelta(days=1)
PRICE = 30
"""Credits that each order here holds."""
TWO, THREE = 2 * PRICE, 3 * PRICE

Change = Callable[[Books], object]


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture
def books(dynamodb: "DynamoDBClient") -> Books:
    books = books_in_dynamodb(dynamodb)
    books.wallets.open(empty_wallet("acme", NOON))
    return books


def order(books: Books, number: int, now: datetime = NOON) -> Job:
    job = queued_job(id=new_job_id(NOON, bytes([number] * 10)), now=now)
    books.jobs.create(job)
    return job


def meanwhile(dynamodb: "DynamoDBClient", change: Callable[[], object]) -> None:
    """Let a change be written right before the next transaction, which was composed before it."""

    def happens() -> None:
        change()

    AnswersInstead(dynamodb, "TransactWriteItems", happens)


def prepaid(amount: int) -> Change:
    return lambda books: books.wallets.grant(grant_of("acme", amount, "0000-grant", NOON))


def postpaid(cap: int) -> Change:
    return lambda books: books.wallets.set_plan("acme", Plan.POSTPAID, cap, GENEROUS)


def monthly(limit: int) -> Change:
    return lambda books: books.wallets.set_plan(
        "acme", Plan.POSTPAID, 1000, GENEROUS.model_copy(update={"monthly_credits": limit})
    )


def another_order(books: Books) -> None:
    order(books, 2)


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
    books: Books,
    funds: Change,
    between: Change,
    now: datetime,
    refused: type[FermataError] | None,
) -> None:
    funds(books)
    order(books, 1)
    meanwhile(dynamodb, lambda: between(books))
    if refused is None:
        order(books, 3, now)
        assert books.wallet().held == THREE
    else:
        with pytest.raises(refused):
            order(books, 3, now)
    counters(books)


@pytest.mark.parametrize(("cap", "good"), [(4 * PRICE, True), (4 * PRICE - 1, False)])
def test_what_jobs_hold_when_a_month_begins_counts_in_it_beside_its_orders(
    dynamodb: "DynamoDBClient", books: Books, cap: int, good: bool
) -> None:
    postpaid(cap)(books)
    order(books, 1)
    order(books, 2, DECEMBER)
    meanwhile(dynamodb, lambda: order(books, 3, DECEMBER))
    if good:
        order(books, 4, DECEMBER)
    else:
        with pytest.raises(OutOfCreditError):
            order(books, 4, DECEMBER)
    assert books.wallet().committed == (4 * PRICE if good else 3 * PRICE)


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(lambda books: order(books, 3, DECEMBER), id="an order"),
        pytest.param(lambda books: books.wallets.grant(grant_of("acme", 1, "1-grant", DECEMBER)), id="a grant"),
        pytest.param(lambda books: books.jobs.settle(ended(books, 2)), id="an end"),
    ],
)
def test_what_begins_a_month_that_has_begun_meanwhile_forgets_nothing_that_was_spent_in_it(
    dynamodb: "DynamoDBClient", books: Books, late: Change
) -> None:
    postpaid(1000)(books)
    order(books, 2)
    end = delivered(books).model_copy(update={"finished_at": DECEMBER})
    meanwhile(dynamodb, lambda: books.jobs.settle(end))
    late(books)
    wallet = books.wallet()
    assert (wallet.month, wallet.spent_in_month) == ("2026-12", PRICE)
    counters(books)


def ended(books: Books, number: int) -> Job:
    job = books.jobs.load(new_job_id(NOON, bytes([number] * 10)))
    assert job is not None
    return job.canceled(DECEMBER)


# ---- songs that were lost, or may be


def losing(limit: int) -> Change:
    """A plan by which so many songs a day may be lost."""
    return lambda books: books.wallets.set_plan(
        "acme", Plan.POSTPAID, 1000, GENEROUS.model_copy(update={"lost_songs_per_day": limit})
    )


def may_be_lost(number: int, now: datetime = NOON) -> Change:
    return lambda books: books.jobs.create(risky(number, now))


def stake(dynamodb: "DynamoDBClient", books: Books) -> int:
    """What the day's limit counts, which is the sum of what was lost and what open orders may lose."""
    (item,) = items(dynamodb, "WALLET#acme", "WALLET")
    assert item["at_stake"] == books.wallet().lost_in_day + books.wallet().at_risk
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
    dynamodb: "DynamoDBClient", books: Books, limit: int, between: Change, now: datetime, *, refused: bool
) -> None:
    losing(limit)(books)
    may_be_lost(1)(books)
    meanwhile(dynamodb, lambda: between(books))
    if refused:
        with pytest.raises(LostSongsError):
            may_be_lost(3, now)(books)
    else:
        may_be_lost(3, now)(books)
    assert stake(dynamodb, books) == books.wallet().at_risk


def test_what_begins_a_day_that_has_begun_meanwhile_forgets_no_loss_of_it(
    dynamodb: "DynamoDBClient", books: Books
) -> None:
    losing(3)(books)
    first, second = order(books, 1), order(books, 2)
    meanwhile(dynamodb, lambda: lose(books, first, TOMORROW))
    order(books, 3, TOMORROW)
    assert books.wallet().lost_in_day == 1
    lose(books, second, TOMORROW)
    lose(books, order(books, 4, TOMORROW), TOMORROW)
    with pytest.raises(LostSongsError):
        order(books, 5, TOMORROW)
    assert stake(dynamodb, books) == 3


def test_of_two_losses_that_begin_a_day_both_count(dynamodb: "DynamoDBClient", books: Books) -> None:
    losing(3)(books)
    first, second = order(books, 1), order(books, 2)
    claimed = second.claimed(claimed_attempt(), NOON)
    books.jobs.save(claimed)
    meanwhile(dynamodb, lambda: lose(books, first, TOMORROW))
    books.jobs.settle(claimed.expired(unknown_outcome("too late"), TOMORROW))
    assert (books.wallet().lost_in_day, books.wallet().day) == (2, "2026-11-22")


def test_of_cancels_and_losses_that_begin_a_day_all_count(dynamodb: "DynamoDBClient", books: Books) -> None:
    losing(3)(books)
    first, second, third = (order(books, number) for number in (1, 2, 3))
    meanwhile(dynamodb, lambda: books.jobs.settle(first.canceled(TOMORROW)))
    books.jobs.settle(second.canceled(TOMORROW))
    lose(books, third, TOMORROW)
    wallet = books.wallet()
    assert (wallet.unpaid_in_day, wallet.lost_in_day, wallet.day) == (2, 1, "2026-11-22")
    books.jobs.settle(order(books, 4, TOMORROW + timedelta(days=1)).canceled(TOMORROW + timedelta(days=1)))
    assert (books.wallet().unpaid_in_day, books.wallet().lost_in_day) == (1, 0)


def test_a_wallet_from_before_the_limit_of_unpaid_jobs_takes_orders_and_counts_what_is_taken_back(
    dynamodb: "DynamoDBClient", books: Books
) -> None:
    postpaid(1000)(books)
    order(books, 1)
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "WALLET#acme"}, "sk": {"S": "WALLET"}},
        UpdateExpression="REMOVE unpaid_in_day, unpaid_jobs_per_day",
    )
    books.jobs.settle(order(books, 2).canceled(NOON))
    order(books, 3)
    assert books.wallet().unpaid_in_day == 1


def test_an_order_that_begins_a_day_which_has_begun_meanwhile_forgets_no_cancel_of_it(
    dynamodb: "DynamoDBClient", books: Books
) -> None:
    books.wallets.set_plan("acme", Plan.POSTPAID, 1000, GENEROUS.model_copy(update={"unpaid_jobs_per_day": 1}))
    first = order(books, 1)
    meanwhile(dynamodb, lambda: books.jobs.settle(first.canceled(TOMORROW)))
    with pytest.raises(UnpaidJobsError):
        order(books, 2, TOMORROW)
    assert books.wallet().unpaid_in_day == 1


def test_a_loss_that_begins_a_month_which_has_begun_meanwhile_forgets_nothing_that_was_spent_in_it(
    dynamodb: "DynamoDBClient", books: Books
) -> None:
    postpaid(1000)(books)
    end = delivered(books).model_copy(update={"finished_at": DECEMBER})
    claimed = order(books, 2).claimed(claimed_attempt(), NOON)
    books.jobs.save(claimed)
    meanwhile(dynamodb, lambda: books.jobs.settle(end))
    books.jobs.settle(claimed.expired(unknown_outcome("too late"), DECEMBER))
    wallet = books.wallet()
    assert (wallet.month, wallet.spent_in_month, wallet.lost_in_day) == ("2026-12", PRICE, 1)


def test_what_the_days_limit_counts_follows_every_order_and_end(dynamodb: "DynamoDBClient", books: Books) -> None:
    losing(5)(books)
    jobs = [risky(number) for number in range(1, 4)]
    for job in jobs:
        books.jobs.create(job)
    assert stake(dynamodb, books) == 3
    lose(books, jobs[0])
    assert stake(dynamodb, books) == 3
    books.jobs.settle(jobs[1].canceled(NOON))
    assert stake(dynamodb, books) == 2
    may_be_lost(4, TOMORROW)(books)
    assert stake(dynamodb, books) == 2
    plain = order(books, 5, TOMORROW)
    lose(books, plain, TOMORROW)
    assert stake(dynamodb, books) == 3
    two_days = TOMORROW + timedelta(days=1)
    lose(books, jobs[2], two_days)
    assert (stake(dynamodb, books), books.wallet().lost_in_day) == (2, 1)


def test_an_order_whose_entry_stands_in_the_ledger_is_not_taken_again_although_its_job_is_gone(
    dynamodb: "DynamoDBClient", books: Books
) -> None:
    prepaid(100)(books)
    books.jobs.create(queued_job())
    ledger = books.ledger("acme")
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}})
    with pytest.raises(StaleRecordError):
        books.jobs.create(queued_job(now=NOON + timedelta(minutes=1)))
    assert (books.ledger("acme"), counters(books)) == (ledger, (100, 70, 30, 0))


def test_an_order_on_a_wallet_that_went_after_it_was_read_makes_none(dynamodb: "DynamoDBClient", books: Books) -> None:
    prepaid(100)(books)
    key = {"pk": {"S": "WALLET#acme"}, "sk": {"S": "WALLET"}}
    meanwhile(dynamodb, lambda: dynamodb.delete_item(TableName=TABLE, Key=key))
    with pytest.raises(ConfigurationError):
        order(books, 1)
    assert items(dynamodb, "WALLET#acme", "WALLET") == []


def test_a_plan_of_a_tenant_that_is_not_there_makes_no_wallet(dynamodb: "DynamoDBClient", books: Books) -> None:
    for plan, cap in ((Plan.PREPAID, None), (Plan.POSTPAID, 60)):
        assert not books.wallets.set_plan("nobody", plan, cap)
    assert items(dynamodb, "WALLET#nobody", "WALLET") == []
