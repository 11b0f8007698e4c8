"""What a plan limits, kept by the in-memory fake and by DynamoDB: exactly, whoever orders at the same time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from fermata.domain.finish.redelivery import recovered_job
from fermata.domain.jobs.job import Job
from fermata.domain.money.wallet import Plan, empty_wallet, grant_of
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.calls import TaskStarted
from fermata.domain.providers.failures import unknown_outcome
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import (
    FermataError,
    IdempotencyKeyTakenError,
    LimitReachedError,
    LostSongsError,
    MonthlyLimitError,
    OutOfCreditError,
    RateLimitedError,
    StaleRecordError,
    TooManyJobsError,
    UnpaidJobsError,
)
from tests.books import Books, books_in_dynamodb, books_in_memory
from tests.cloud import Answer, AnswersInstead, dynamodb_with_table
from tests.fakes.clock import NOON
from tests.fakes.money.test_money_contract import canceled, delivered, passes, receipt
from tests.songs import claimed_attempt, queued_job, rate_limited

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
GENEROUS = PlanLimits(submits_per_minute=1000, concurrent_jobs=1000)


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def books(request: pytest.FixtureRequest) -> Books:
    made = books_in_memory() if request.param == "in_memory" else books_in_dynamodb(request.getfixturevalue("dynamodb"))
    return rich(made)


def rich(books: Books, **limits: Any) -> Books:  # noqa: ANN401 - fields of the limits
    books.wallets.open(empty_wallet("acme", NOON))
    books.wallets.grant(grant_of("acme", 100_000, "0000-grant", NOON))
    allow(books, **limits)
    return books


def allow(books: Books, **limits: Any) -> None:  # noqa: ANN401 - fields of the limits
    books.wallets.set_plan("acme", Plan.PREPAID, None, GENEROUS.model_copy(update=limits))


def order(books: Books, number: int, now: datetime = NOON) -> Job:
    job = queued_job(id=new_job_id(NOON, bytes([number] * 10)), now=now)
    books.jobs.create(job)
    return job


def accepted(books: Books, numbers: range, now: datetime = NOON) -> int:
    """How many of these orders were taken; what refused the others is a limit."""
    taken = 0
    for number in numbers:
        try:
            order(books, number, now)
        except LimitReachedError:
            continue
        taken += 1
    return taken


def test_a_minute_takes_as_many_orders_as_the_plan_says_and_the_next_as_many_again(books: Books) -> None:
    allow(books, submits_per_minute=3)
    late = NOON + timedelta(seconds=59)
    assert (accepted(books, range(2)), accepted(books, range(2, 9), late)) == (2, 1)
    with pytest.raises(RateLimitedError) as caught:
        order(books, 9, late)
    assert caught.value.retry_after_s == 1
    assert accepted(books, range(10, 20), NOON + timedelta(seconds=60)) == 3
    assert (books.wallet().submits_in_minute, books.wallet().minute) == (3, "2026-11-21T12:01")


def test_an_order_by_a_late_clock_counts_in_the_minute_that_has_begun(books: Books) -> None:
    allow(books, submits_per_minute=2)
    order(books, 1, NOON + timedelta(seconds=60))
    assert accepted(books, range(2, 9), NOON) == 1


def test_a_refused_order_leaves_no_trace_and_counts_nothing(books: Books) -> None:
    allow(books, submits_per_minute=1)
    order(books, 1)
    before = books.wallet()
    with pytest.raises(RateLimitedError):
        order(books, 2)
    assert books.wallet() == before
    assert books.jobs.load(new_job_id(NOON, bytes([2] * 10))) is None
    assert [entry.kind.value for entry in books.ledger("acme")] == ["grant", "hold"]


def test_an_order_that_was_stored_before_does_not_count_again(books: Books) -> None:
    books.jobs.create(queued_job(), receipt())
    with pytest.raises(IdempotencyKeyTakenError):
        books.jobs.create(queued_job(id=new_job_id(NOON, bytes(10))), receipt())
    with pytest.raises(StaleRecordError):
        books.jobs.create(queued_job())
    assert (books.wallet().submits_in_minute, books.wallet().open_jobs) == (1, 1)


def test_the_store_tells_what_is_left_in_the_minute(books: Books) -> None:
    allow(books, submits_per_minute=3)
    now = NOON + timedelta(seconds=18)
    left = [books.jobs.create(queued_job(id=new_job_id(NOON, bytes([n] * 10)), now=now)) for n in range(3)]
    assert [wallet.submits_left(now).remaining for wallet in left] == [2, 1, 0]
    assert (left[0].submits_left(now).quota, left[0].submits_left(now).resets_in_s) == (3, 42)
    assert left[0].submits_left(now + timedelta(seconds=42)).remaining == 3


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda job: job.settled(rate_limited(), NOON), id="failed"),
        pytest.param(lambda job: job.canceled(NOON), id="canceled"),
        pytest.param(lambda job: job.expired(rate_limited(), NOON), id="expired"),
    ],
)
def test_every_end_gives_its_place_back(books: Books, end: Callable[[Job], Job]) -> None:
    allow(books, concurrent_jobs=2)
    jobs = [order(books, number) for number in range(2)]
    with pytest.raises(TooManyJobsError):
        order(books, 2)
    books.jobs.settle(end(jobs[0]))
    assert books.wallet().open_jobs == 1
    with pytest.raises(StaleRecordError):
        books.jobs.settle(end(jobs[0]))
    assert accepted(books, range(3, 9)) == 1
    assert books.wallet().open_jobs == 2


def test_a_delivered_job_gives_its_place_back_once(books: Books) -> None:
    allow(books, concurrent_jobs=1)
    end = delivered(books)
    with pytest.raises(TooManyJobsError):
        order(books, 2)
    books.jobs.settle(end)
    books.jobs.save(end.published())
    assert books.wallet().open_jobs == 0
    order(books, 2)


def test_a_month_takes_what_is_spent_and_held_up_to_its_credits(books: Books) -> None:
    allow(books, monthly_credits=89)
    books.jobs.settle(delivered(books))
    order(books, 1)
    with pytest.raises(MonthlyLimitError) as caught:
        order(books, 2)
    assert "30 credits and 29 of the month's 89 are left" in str(caught.value)
    assert caught.value.retry_after_s == int((DECEMBER - NOON).total_seconds()) + 1
    order(books, 3, DECEMBER)
    with pytest.raises(MonthlyLimitError):
        order(books, 4, DECEMBER)


def test_a_plan_without_limits_of_its_own_has_the_usual_ones(books: Books) -> None:
    allow(books, submits_per_minute=1, monthly_credits=1)
    books.wallets.set_plan("acme", Plan.PREPAID, None)
    assert books.wallet().limits == PlanLimits()
    assert accepted(books, range(70)) == 60


def test_every_limit_of_a_plan_is_kept_as_it_was_set(books: Books) -> None:
    limits = PlanLimits(submits_per_minute=1, concurrent_jobs=2, monthly_credits=3, reads_per_minute=4)
    books.wallets.set_plan("acme", Plan.PREPAID, None, limits)
    assert books.wallet().limits == limits


def test_a_plan_keeps_every_limit_that_it_was_given(books: Books) -> None:
    wanted = PlanLimits.model_validate(
        {name: "tenant" if name == "unknown_paid_by" else 7_000 + n for n, name in enumerate(PlanLimits.model_fields)}
    )
    books.wallets.set_plan("acme", Plan.PREPAID, None, wanted)
    assert books.wallet().limits == wanted


def test_a_limit_is_told_before_credit(books: Books) -> None:
    allow(books, submits_per_minute=1)
    order(books, 1)
    books.wallets.set_plan("acme", Plan.POSTPAID, 1, GENEROUS.model_copy(update={"submits_per_minute": 1}))
    with pytest.raises(RateLimitedError):
        order(books, 2)
    with pytest.raises(OutOfCreditError):
        order(books, 2, NOON + timedelta(minutes=1))


# ---- songs that a provider was paid for and the tenant was not


def risky(number: int, now: datetime = NOON) -> Job:
    """An order with a deadline."""
    deadline = queued_job().request.model_copy(update={"finish_by": now + timedelta(minutes=10)})
    return queued_job(id=new_job_id(NOON, bytes([number] * 10)), now=now, request=deadline)


def lose(books: Books, job: Job, now: datetime = NOON) -> None:
    """The provider takes the order, and the song never comes."""
    claimed = job.claimed(claimed_attempt(), now)
    books.jobs.save(claimed)
    books.jobs.settle(claimed.expired(unknown_outcome("too late", code="finish_by_passed"), now))


def bought(books: Books, job: Job) -> Job:
    books.jobs.create(job)
    return job


@pytest.fixture
def books_that_lose_two(books: Books) -> Books:
    allow(books, lost_songs_per_day=2)
    return books


def test_a_day_takes_no_order_once_as_many_songs_were_lost_as_the_plan_says(books_that_lose_two: Books) -> None:
    books = books_that_lose_two
    for number in range(2):
        lose(books, order(books, number))
    with pytest.raises(LostSongsError) as caught:
        order(books, 2)
    assert caught.value.retry_after_s == 12 * 3600
    assert "2 songs were made today whose credits were returned, and the plan allows 2 a day" in str(caught.value)
    tomorrow = NOON + timedelta(hours=12)
    lose(books, order(books, 3, tomorrow), tomorrow)
    assert (books.wallet().lost_in_day, books.wallet().day) == (1, "2026-11-22")


def test_orders_that_may_be_lost_by_their_own_terms_are_open_only_as_far_as_the_limit_goes(
    books_that_lose_two: Books,
) -> None:
    books = books_that_lose_two
    first, second = (bought(books, risky(number)) for number in (1, 2))
    with pytest.raises(LostSongsError) as caught:
        bought(books, risky(3))
    assert (caught.value.retry_after_s, books.wallet().at_risk) == (10, 2)
    order(books, 4)
    lose(books, first)
    with pytest.raises(LostSongsError):
        bought(books, risky(5))
    books.jobs.settle(second.canceled(NOON))
    assert (books.wallet().at_risk, books.wallet().lost_in_day) == (0, 1)
    bought(books, risky(6))


def test_what_is_open_at_midnight_counts_on_the_next_day(books_that_lose_two: Books) -> None:
    books, tomorrow = books_that_lose_two, NOON + timedelta(hours=12)
    lose(books, bought(books, risky(1)))
    second = bought(books, risky(2))
    bought(books, risky(3, tomorrow))
    with pytest.raises(LostSongsError):
        bought(books, risky(4, tomorrow))
    lose(books, second, tomorrow)
    assert (books.wallet().lost_in_day, books.wallet().at_risk) == (1, 1)
    with pytest.raises(LostSongsError):
        bought(books, risky(5, tomorrow))


def test_a_loss_of_a_late_clock_counts_on_the_day_that_has_begun(books_that_lose_two: Books) -> None:
    books, tomorrow = books_that_lose_two, NOON + timedelta(hours=12)
    first = order(books, 1)
    lose(books, order(books, 2, tomorrow), tomorrow)
    lose(books, first, NOON)
    with pytest.raises(LostSongsError):
        order(books, 3, tomorrow)


def test_songs_that_were_not_paid_or_are_fetched_again_are_no_losses(books_that_lose_two: Books) -> None:
    books = books_that_lose_two
    for number in range(3):
        books.jobs.settle(order(books, number).settled(rate_limited(), NOON))
    books.jobs.settle(delivered(books))
    assert books.wallet().lost_in_day == 0
    lost = [order(books, number) for number in (4, 5)]
    for each in lost:
        lose(books, each)
    ended = books.jobs.load(lost[0].id)
    assert ended is not None
    books.jobs.create(recovered_job(ended, ended.attempts[0], TaskStarted("task"), NOON))


# ---- jobs that their caller ended before anything was bought


def take_back(books: Books, job: Job, now: datetime = NOON) -> None:
    """The caller cancels an order."""
    books.jobs.settle(job.canceled(now))


def test_a_day_takes_no_order_once_as_many_jobs_were_taken_back_as_the_plan_says(books: Books) -> None:
    allow(books, unpaid_jobs_per_day=2)
    for number in range(2):
        take_back(books, order(books, number))
    with pytest.raises(UnpaidJobsError) as caught:
        order(books, 2)
    assert caught.value.retry_after_s == 12 * 3600
    assert str(caught.value).startswith("2 jobs of today were canceled, too late for finish_by or without")
    tomorrow = NOON + timedelta(hours=12)
    take_back(books, order(books, 3, tomorrow), tomorrow)
    assert (books.wallet().unpaid_in_day, books.wallet().day) == (1, "2026-11-22")


def test_only_what_its_caller_ended_before_anything_was_bought_is_taken_back(books: Books) -> None:
    ends: dict[str, Callable[[Job], Job]] = {
        "canceled": lambda job: job.canceled(NOON),
        "too late to be ordered": lambda job: job.expired(rate_limited(), NOON),
        "no usable reference": lambda job: job.with_refusal(rate_limited(), NOON).settled(rate_limited(), NOON),
        "refused": lambda job: job.settled(rate_limited(), NOON),
    }
    counted = []
    for number, end in enumerate(ends.values()):
        job = order(books, number)
        ended = end(job)
        books.jobs.settle(ended.model_copy(update={"version": job.version + 1}))
        counted.append(books.wallet().unpaid_in_day)
    lose(books, order(books, 4))
    books.jobs.settle(delivered(books))
    assert (counted, books.wallet().unpaid_in_day, books.wallet().lost_in_day) == ([1, 2, 3, 3], 3, 1)


def test_a_cancel_of_a_late_clock_counts_on_the_day_that_has_begun(books: Books) -> None:
    allow(books, unpaid_jobs_per_day=1)
    tomorrow = NOON + timedelta(hours=12)
    first = order(books, 1)
    order(books, 2, tomorrow)
    take_back(books, first, NOON)
    assert (books.wallet().unpaid_in_day, books.wallet().day) == (1, "2026-11-22")
    with pytest.raises(UnpaidJobsError):
        order(books, 3, tomorrow)


def test_what_was_bought_before_is_redelivered_although_the_days_jobs_are_used_up(books: Books) -> None:
    allow(books, unpaid_jobs_per_day=1)
    first, lost = order(books, 1), order(books, 2)
    lose(books, lost)
    take_back(books, first)
    ended = books.jobs.load(lost.id)
    assert ended is not None
    books.jobs.create(recovered_job(ended, ended.attempts[0], TaskStarted("task"), NOON))


# ---- what only DynamoDB does


@pytest.mark.parametrize(
    ("limits", "refused"),
    [({"submits_per_minute": 10}, RateLimitedError), ({"concurrent_jobs": 10}, TooManyJobsError)],
    ids=["a minute", "open at once"],
)
@pytest.mark.usefixtures("one_call_at_a_time")
def test_of_fifty_parallel_orders_a_limit_of_ten_takes_exactly_ten(
    dynamodb: "DynamoDBClient", limits: dict[str, int], refused: type[FermataError]
) -> None:
    books = rich(books_in_dynamodb(dynamodb, pause=lambda _: None, clock=lambda: 0.0), **limits)
    conflict = canceled("None", "None", "TransactionConflict")
    AnswersInstead(dynamodb, "TransactWriteItems", *[conflict, passes, conflict] * 20)

    def taken(number: int) -> bool:
        try:
            order(books, number)
        except refused:
            return False
        return True

    with ThreadPoolExecutor(16) as clients:
        assert sum(clients.map(taken, range(50))) == 10
    wallet = books.wallet()
    assert (wallet.submits_in_minute, wallet.open_jobs, wallet.held) == (10, 10, 300)


Meanwhile = Callable[[Books], object]


@pytest.mark.parametrize(
    ("limits", "meanwhile", "refused"),
    [
        pytest.param({"submits_per_minute": 2}, lambda books: order(books, 2), RateLimitedError, id="the last order"),
        pytest.param({"submits_per_minute": 3}, lambda books: order(books, 2), None, id="one order is left"),
        pytest.param({}, lambda books: allow(books, submits_per_minute=1), RateLimitedError, id="fewer a minute"),
        pytest.param({}, lambda books: allow(books, concurrent_jobs=1), TooManyJobsError, id="fewer at once"),
        pytest.param({}, lambda books: allow(books, monthly_credits=59), MonthlyLimitError, id="fewer credits"),
        pytest.param({}, lambda books: allow(books, monthly_credits=60), None, id="fewer credits that are enough"),
        pytest.param(
            {"monthly_credits": 60}, lambda books: order(books, 2), MonthlyLimitError, id="the month's last credits"
        ),
        pytest.param({"concurrent_jobs": 2}, lambda books: order(books, 2), TooManyJobsError, id="the last place"),
        pytest.param(
            {"lost_songs_per_day": 1}, lambda books: lose(books, order(books, 2)), LostSongsError, id="the last loss"
        ),
        pytest.param(
            {"lost_songs_per_day": 2}, lambda books: lose(books, order(books, 2)), None, id="one more may be lost"
        ),
        pytest.param(
            {"unpaid_jobs_per_day": 1},
            lambda books: take_back(books, order(books, 2)),
            UnpaidJobsError,
            id="the last end",
        ),
        pytest.param(
            {"unpaid_jobs_per_day": 2}, lambda books: take_back(books, order(books, 2)), None, id="one more may end"
        ),
        pytest.param(
            {"submits_per_minute": 1},
            lambda books: order(books, 2, NOON + timedelta(minutes=1)),
            RateLimitedError,
            id="another begins the minute",
        ),
    ],
)
def test_what_changes_while_an_order_is_written_counts(
    dynamodb: "DynamoDBClient", limits: dict[str, int], meanwhile: Meanwhile, refused: type[FermataError] | None
) -> None:
    books = rich(books_in_dynamodb(dynamodb), **limits)
    late = "submits_per_minute" in limits and limits["submits_per_minute"] == 1
    order(books, 1)

    def between() -> Answer | None:
        meanwhile(books)
        return None

    AnswersInstead(dynamodb, "TransactWriteItems", between)
    if refused is None:
        order(books, 3)
    else:
        with pytest.raises(refused):
            order(books, 3, NOON + timedelta(minutes=1) if late else NOON)
