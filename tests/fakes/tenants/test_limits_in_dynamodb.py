"""What only DynamoDB does with limits: races of many writers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fermata.errors import FermataError
from fermata.limit_errors import LostSongsError, MonthlyLimitError, RateLimitedError, TooManyJobsError, UnpaidJobsError
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb
from tests.support.cloud import Answer, AnswersInstead, canceled, passes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
from tests.fakes.tenants.orders import allow, lose, order, rich, take_back


@pytest.mark.parametrize(
    ("limits", "refused"),
    [({"submits_per_minute": 10}, RateLimitedError), ({"concurrent_jobs": 10}, TooManyJobsError)],
    ids=["a minute", "open at once"],
)
def test_of_fifty_parallel_orders_a_limit_of_ten_takes_exactly_ten(
    dynamodb: "DynamoDBClient", limits: dict[str, int], refused: type[FermataError]
) -> None:
    ledger = rich(ledger_in_dynamodb(dynamodb, pause=lambda _: None, clock=lambda: 0.0), **limits)
    conflict = canceled("None", "None", "TransactionConflict")
    AnswersInstead(dynamodb, "TransactWriteItems", *[conflict, passes, conflict] * 20)

    def taken(number: int) -> bool:
        try:
            order(ledger, number)
        except refused:
            return False
        return True

    with ThreadPoolExecutor(16) as clients:
        assert sum(clients.map(taken, range(50))) == 10
    wallet = ledger.wallet()
    assert (wallet.submits_in_minute, wallet.open_jobs, wallet.held) == (10, 10, 300)


Meanwhile = Callable[[Ledger], object]


@pytest.mark.parametrize(
    ("limits", "meanwhile", "refused"),
    [
        pytest.param({"submits_per_minute": 2}, lambda ledger: order(ledger, 2), RateLimitedError, id="the last order"),
        pytest.param({"submits_per_minute": 3}, lambda ledger: order(ledger, 2), None, id="one order is left"),
        pytest.param({}, lambda ledger: allow(ledger, submits_per_minute=1), RateLimitedError, id="fewer a minute"),
        pytest.param({}, lambda ledger: allow(ledger, concurrent_jobs=1), TooManyJobsError, id="fewer at once"),
        pytest.param({}, lambda ledger: allow(ledger, monthly_credits=59), MonthlyLimitError, id="fewer credits"),
        pytest.param({}, lambda ledger: allow(ledger, monthly_credits=60), None, id="fewer credits that are enough"),
        pytest.param(
            {"monthly_credits": 60}, lambda ledger: order(ledger, 2), MonthlyLimitError, id="the month's last credits"
        ),
        pytest.param({"concurrent_jobs": 2}, lambda ledger: order(ledger, 2), TooManyJobsError, id="the last place"),
        pytest.param(
            {"lost_songs_per_day": 1}, lambda ledger: lose(ledger, order(ledger, 2)), LostSongsError, id="the last loss"
        ),
        pytest.param(
            {"lost_songs_per_day": 2}, lambda ledger: lose(ledger, order(ledger, 2)), None, id="one more may be lost"
        ),
        pytest.param(
            {"unpaid_jobs_per_day": 1},
            lambda ledger: take_back(ledger, order(ledger, 2)),
            UnpaidJobsError,
            id="the last end",
        ),
        pytest.param(
            {"unpaid_jobs_per_day": 2}, lambda ledger: take_back(ledger, order(ledger, 2)), None, id="one more may end"
        ),
        pytest.param(
            {"submits_per_minute": 1},
            lambda ledger: order(ledger, 2, NOON + timedelta(minutes=1)),
            RateLimitedError,
            id="another begins the minute",
        ),
    ],
)
def test_what_changes_while_an_order_is_written_counts(
    dynamodb: "DynamoDBClient", limits: dict[str, int], meanwhile: Meanwhile, refused: type[FermataError] | None
) -> None:
    ledger = rich(ledger_in_dynamodb(dynamodb), **limits)
    late = "submits_per_minute" in limits and limits["submits_per_minute"] == 1
    order(ledger, 1)

    def between() -> Answer | None:
        meanwhile(ledger)
        return None

    AnswersInstead(dynamodb, "TransactWriteItems", between)
    if refused is None:
        order(ledger, 3)
    else:
        with pytest.raises(refused):
            order(ledger, 3, NOON + timedelta(minutes=1) if late else NOON)
