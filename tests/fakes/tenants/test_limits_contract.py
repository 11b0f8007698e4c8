"""What a plan limits, kept by the in-memory fake and by DynamoDB: exactly, whatever orders come at the same time."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from fermata.domain.finish.redelivery import recovered_job
from fermata.domain.jobs.job import Job
from fermata.domain.money.wallet import Plan
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.calls import TaskStarted
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import IdempotencyKeyTakenError, OutOfCreditError, StaleRecordError
from fermata.limit_errors import LostSongsError, MonthlyLimitError, RateLimitedError, TooManyJobsError, UnpaidJobsError
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_in_memory
from tests.fakes.money.orders import delivered, receipt
from tests.fakes.tenants.orders import DECEMBER, GENEROUS, accepted, allow, bought, lose, order, rich, risky, take_back
from tests.songs import queued_job, rate_limited


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    made = (
        ledger_in_memory() if request.param == "in_memory" else ledger_in_dynamodb(request.getfixturevalue("dynamodb"))
    )
    return rich(made)


def test_a_minute_takes_as_many_orders_as_the_plan_says_and_the_next_as_many_again(ledger: Ledger) -> None:
    allow(ledger, submits_per_minute=3)
    late = NOON + timedelta(seconds=59)
    assert (accepted(ledger, range(2)), accepted(ledger, range(2, 9), late)) == (2, 1)
    with pytest.raises(RateLimitedError) as caught:
        order(ledger, 9, late)
    assert caught.value.retry_after_s == 1
    assert accepted(ledger, range(10, 20), NOON + timedelta(seconds=60)) == 3
    assert (ledger.wallet().submits_in_minute, ledger.wallet().minute) == (3, "2026-11-21T12:01")


def test_an_order_by_a_late_clock_counts_in_the_minute_that_has_begun(ledger: Ledger) -> None:
    allow(ledger, submits_per_minute=2)
    order(ledger, 1, NOON + timedelta(seconds=60))
    assert accepted(ledger, range(2, 9), NOON) == 1


def test_a_refused_order_leaves_no_trace_and_counts_nothing(ledger: Ledger) -> None:
    allow(ledger, submits_per_minute=1)
    order(ledger, 1)
    before = ledger.wallet()
    with pytest.raises(RateLimitedError):
        order(ledger, 2)
    assert ledger.wallet() == before
    assert ledger.jobs.load(new_job_id(NOON, bytes([2] * 10))) is None
    assert [entry.kind.value for entry in ledger.entries("acme")] == ["grant", "hold"]


def test_an_order_that_was_stored_before_does_not_count_again(ledger: Ledger) -> None:
    ledger.jobs.create(queued_job(), receipt())
    with pytest.raises(IdempotencyKeyTakenError):
        ledger.jobs.create(queued_job(id=new_job_id(NOON, bytes(10))), receipt())
    with pytest.raises(StaleRecordError):
        ledger.jobs.create(queued_job())
    assert (ledger.wallet().submits_in_minute, ledger.wallet().open_jobs) == (1, 1)


def test_the_store_reports_what_is_left_in_the_minute(ledger: Ledger) -> None:
    allow(ledger, submits_per_minute=3)
    now = NOON + timedelta(seconds=18)
    left = [ledger.jobs.create(queued_job(id=new_job_id(NOON, bytes([n] * 10)), now=now)) for n in range(3)]
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
def test_every_end_gives_its_place_back(ledger: Ledger, end: Callable[[Job], Job]) -> None:
    allow(ledger, concurrent_jobs=2)
    jobs = [order(ledger, number) for number in range(2)]
    with pytest.raises(TooManyJobsError):
        order(ledger, 2)
    ledger.jobs.settle(end(jobs[0]))
    assert ledger.wallet().open_jobs == 1
    with pytest.raises(StaleRecordError):
        ledger.jobs.settle(end(jobs[0]))
    assert accepted(ledger, range(3, 9)) == 1
    assert ledger.wallet().open_jobs == 2


def test_a_delivered_job_gives_its_place_back_once(ledger: Ledger) -> None:
    allow(ledger, concurrent_jobs=1)
    end = delivered(ledger)
    with pytest.raises(TooManyJobsError):
        order(ledger, 2)
    ledger.jobs.settle(end)
    ledger.jobs.save(end.published())
    assert ledger.wallet().open_jobs == 0
    order(ledger, 2)


def test_a_month_takes_what_is_spent_and_held_up_to_its_credits(ledger: Ledger) -> None:
    allow(ledger, monthly_credits=89)
    ledger.jobs.settle(delivered(ledger))
    order(ledger, 1)
    with pytest.raises(MonthlyLimitError) as caught:
        order(ledger, 2)
    assert "30 credits and 29 of the month's 89 are left" in str(caught.value)
    assert caught.value.retry_after_s == int((DECEMBER - NOON).total_seconds()) + 1
    order(ledger, 3, DECEMBER)
    with pytest.raises(MonthlyLimitError):
        order(ledger, 4, DECEMBER)


def test_a_plan_without_limits_of_its_own_has_the_usual_ones(ledger: Ledger) -> None:
    allow(ledger, submits_per_minute=1, monthly_credits=1)
    ledger.wallets.set_plan("acme", Plan.PREPAID, None)
    assert ledger.wallet().limits == PlanLimits()
    assert accepted(ledger, range(70)) == 60


def test_every_limit_of_a_plan_is_kept_as_it_was_set(ledger: Ledger) -> None:
    limits = PlanLimits(submits_per_minute=1, concurrent_jobs=2, monthly_credits=3, reads_per_minute=4)
    ledger.wallets.set_plan("acme", Plan.PREPAID, None, limits)
    assert ledger.wallet().limits == limits


def test_a_plan_keeps_every_limit_that_it_was_given(ledger: Ledger) -> None:
    others = {
        "unknown_paid_by": "tenant",
        "foreign_reference_ids": True,
        "own_voices": ["narrator", "shop"],
        "discount_percent": 7,
        "tiers": [{"from_credits": 900, "percent": 12}, {"from_credits": 30, "percent": 9}],
    }
    counts = {name: 7_000 + position for position, name in enumerate(PlanLimits.model_fields)}
    wanted = PlanLimits.model_validate(counts | others)
    ledger.wallets.set_plan("acme", Plan.PREPAID, None, wanted)
    assert ledger.wallet().limits == wanted


def test_an_exceeded_limit_is_reported_before_missing_credit(ledger: Ledger) -> None:
    allow(ledger, submits_per_minute=1)
    order(ledger, 1)
    ledger.wallets.set_plan("acme", Plan.POSTPAID, 1, GENEROUS.model_copy(update={"submits_per_minute": 1}))
    with pytest.raises(RateLimitedError):
        order(ledger, 2)
    with pytest.raises(OutOfCreditError):
        order(ledger, 2, NOON + timedelta(minutes=1))


# ---- songs that a provider was paid for and the tenant was not


@pytest.fixture
def losing_ledger(ledger: Ledger) -> Ledger:
    allow(ledger, lost_songs_per_day=2)
    return ledger


def test_a_day_takes_no_order_once_as_many_songs_were_lost_as_the_plan_says(losing_ledger: Ledger) -> None:
    ledger = losing_ledger
    for number in range(2):
        lose(ledger, order(ledger, number))
    with pytest.raises(LostSongsError) as caught:
        order(ledger, 2)
    assert caught.value.retry_after_s == 12 * 3600
    assert "2 songs were made today whose credits were returned, and the plan allows 2 a day" in str(caught.value)
    tomorrow = NOON + timedelta(hours=12)
    lose(ledger, order(ledger, 3, tomorrow), tomorrow)
    assert (ledger.wallet().lost_in_day, ledger.wallet().day) == (1, "2026-11-22")


def test_orders_that_may_be_lost_by_their_own_terms_are_open_only_as_far_as_the_limit_goes(
    losing_ledger: Ledger,
) -> None:
    ledger = losing_ledger
    first, second = (bought(ledger, risky(number)) for number in (1, 2))
    with pytest.raises(LostSongsError) as caught:
        bought(ledger, risky(3))
    assert (caught.value.retry_after_s, ledger.wallet().at_risk) == (10, 2)
    order(ledger, 4)
    lose(ledger, first)
    with pytest.raises(LostSongsError):
        bought(ledger, risky(5))
    ledger.jobs.settle(second.canceled(NOON))
    assert (ledger.wallet().at_risk, ledger.wallet().lost_in_day) == (0, 1)
    bought(ledger, risky(6))


def test_what_is_open_at_midnight_counts_on_the_next_day(losing_ledger: Ledger) -> None:
    ledger, tomorrow = losing_ledger, NOON + timedelta(hours=12)
    lose(ledger, bought(ledger, risky(1)))
    second = bought(ledger, risky(2))
    bought(ledger, risky(3, tomorrow))
    with pytest.raises(LostSongsError):
        bought(ledger, risky(4, tomorrow))
    lose(ledger, second, tomorrow)
    assert (ledger.wallet().lost_in_day, ledger.wallet().at_risk) == (1, 1)
    with pytest.raises(LostSongsError):
        bought(ledger, risky(5, tomorrow))


def test_a_loss_of_a_late_clock_counts_on_the_day_that_has_begun(losing_ledger: Ledger) -> None:
    ledger, tomorrow = losing_ledger, NOON + timedelta(hours=12)
    first = order(ledger, 1)
    lose(ledger, order(ledger, 2, tomorrow), tomorrow)
    lose(ledger, first, NOON)
    with pytest.raises(LostSongsError):
        order(ledger, 3, tomorrow)


def test_songs_that_were_not_paid_or_are_fetched_again_are_no_losses(losing_ledger: Ledger) -> None:
    ledger = losing_ledger
    for number in range(3):
        ledger.jobs.settle(order(ledger, number).settled(rate_limited(), NOON))
    ledger.jobs.settle(delivered(ledger))
    assert ledger.wallet().lost_in_day == 0
    lost = [order(ledger, number) for number in (4, 5)]
    for each in lost:
        lose(ledger, each)
    ended = ledger.jobs.load(lost[0].id)
    assert ended is not None
    ledger.jobs.create(recovered_job(ended, ended.attempts[0], TaskStarted("task"), NOON))


# ---- jobs that their caller ended before anything was bought


def test_a_day_takes_no_order_once_as_many_jobs_were_taken_back_as_the_plan_says(ledger: Ledger) -> None:
    allow(ledger, unpaid_jobs_per_day=2)
    for number in range(2):
        take_back(ledger, order(ledger, number))
    with pytest.raises(UnpaidJobsError) as caught:
        order(ledger, 2)
    assert caught.value.retry_after_s == 12 * 3600
    assert str(caught.value).startswith("2 jobs of today were canceled, too late for finish_by or without")
    tomorrow = NOON + timedelta(hours=12)
    take_back(ledger, order(ledger, 3, tomorrow), tomorrow)
    assert (ledger.wallet().unpaid_in_day, ledger.wallet().day) == (1, "2026-11-22")


def test_only_what_its_caller_ended_before_anything_was_bought_is_taken_back(ledger: Ledger) -> None:
    ends: dict[str, Callable[[Job], Job]] = {
        "canceled": lambda job: job.canceled(NOON),
        "too late to be ordered": lambda job: job.expired(rate_limited(), NOON),
        "no usable reference": lambda job: job.with_refusal(rate_limited(), NOON).settled(rate_limited(), NOON),
        "refused": lambda job: job.settled(rate_limited(), NOON),
    }
    counted = []
    for number, end in enumerate(ends.values()):
        job = order(ledger, number)
        ended = end(job)
        ledger.jobs.settle(ended.model_copy(update={"version": job.version + 1}))
        counted.append(ledger.wallet().unpaid_in_day)
    lose(ledger, order(ledger, 4))
    ledger.jobs.settle(delivered(ledger))
    assert (counted, ledger.wallet().unpaid_in_day, ledger.wallet().lost_in_day) == ([1, 2, 3, 3], 3, 1)


def test_a_cancel_of_a_late_clock_counts_on_the_day_that_has_begun(ledger: Ledger) -> None:
    allow(ledger, unpaid_jobs_per_day=1)
    tomorrow = NOON + timedelta(hours=12)
    first = order(ledger, 1)
    order(ledger, 2, tomorrow)
    take_back(ledger, first, NOON)
    assert (ledger.wallet().unpaid_in_day, ledger.wallet().day) == (1, "2026-11-22")
    with pytest.raises(UnpaidJobsError):
        order(ledger, 3, tomorrow)


def test_what_was_bought_before_is_redelivered_although_the_days_jobs_are_used_up(ledger: Ledger) -> None:
    allow(ledger, unpaid_jobs_per_day=1)
    first, lost = order(ledger, 1), order(ledger, 2)
    lose(ledger, lost)
    take_back(ledger, first)
    ended = ledger.jobs.load(lost.id)
    assert ended is not None
    ledger.jobs.create(recovered_job(ended, ended.attempts[0], TaskStarted("task"), NOON))
