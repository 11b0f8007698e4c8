"""What orders and their ends do to the counter of a capped key, as pure values."""

from datetime import UTC, datetime

import pytest

from fermata.domain.jobs.job import Job
from fermata.domain.money.key_counter import KeyCounter, empty_counter
from fermata.domain.money.movement import hold_on, settlement_of
from fermata.domain.tenants.key_cap import KeyCap
from fermata.limit_errors import KeyLimitError
from tests.fakes.clock import NOON
from tests.songs import candidate, delivered_job, failed_job, queued_job, rate_limited, ready_job, stored_track

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
CAP = KeyCap(counter_id="aaaaaaaa", monthly_credits=100)
CHAIN = (candidate("minimax"), candidate("aimlapi"))


def counter(held: int = 0, spent: int = 0) -> KeyCounter:
    return KeyCounter(month="2026-11", held=held, spent_in_month=spent)


def delivered_by_the_cheaper_model() -> Job:
    ready = ready_job(candidate=0).model_copy(update={"candidates": CHAIN})
    return ready.with_tracks((stored_track(),), NOON).settled(None, NOON)


@pytest.mark.parametrize(
    ("held", "spent", "good"),
    [(70, 0, True), (0, 70, True), (35, 35, True), (71, 0, False), (0, 71, False), (36, 35, False)],
)
def test_a_key_orders_up_to_its_cap_and_not_a_credit_further(held: int, spent: int, good: bool) -> None:
    before = counter(held, spent)
    if good:
        assert before.after(hold_on(queued_job()), CAP).committed == 100
    else:
        with pytest.raises(KeyLimitError, match="may cost 30 credits and 29 of this key's 100 a month are left"):
            before.after(hold_on(queued_job()), CAP)


def test_a_refusal_says_when_the_month_ends() -> None:
    with pytest.raises(KeyLimitError) as caught:
        counter(100).after(hold_on(queued_job()), CAP)
    assert caught.value.retry_after_s == 9 * 86_400 + 12 * 3600 + 1


def test_a_hold_that_is_not_spent_comes_back_to_the_key() -> None:
    refused = failed_job(rate_limited()).settled(rate_limited(), NOON)
    held = counter(spent=10).after(hold_on(refused), CAP)
    assert held.committed == 40
    assert held.after(settlement_of(refused), CAP) == counter(spent=10)


def test_a_dearer_hold_leaves_what_the_delivered_song_cost() -> None:
    job = delivered_by_the_cheaper_model()
    held = counter().after(hold_on(job), CAP)
    assert (held.held, held.after(settlement_of(job), CAP)) == (39, counter(spent=30))


def test_a_new_month_frees_what_was_spent_and_not_what_is_held() -> None:
    november = counter(held=40, spent=60)
    december = november.after(hold_on(queued_job(created_at=DECEMBER)), CAP)
    assert december == KeyCounter(month="2026-12", held=70, spent_in_month=0)
    with pytest.raises(KeyLimitError):
        counter(held=71).after(hold_on(queued_job(created_at=DECEMBER)), CAP)


def test_a_refund_comes_back_after_the_month_turned_too() -> None:
    canceled = queued_job().canceled(DECEMBER)
    december = counter().after(hold_on(canceled), CAP).after(settlement_of(canceled), CAP)
    assert december == KeyCounter(month="2026-12")


def test_a_job_that_ends_in_a_new_month_counts_in_that_month() -> None:
    ended = delivered_job().model_copy(update={"finished_at": DECEMBER})
    assert counter(held=30).after(settlement_of(ended), CAP) == KeyCounter(month="2026-12", spent_in_month=30)


def test_a_writer_whose_clock_is_late_does_not_bring_the_old_month_back() -> None:
    december = KeyCounter(month="2026-12", held=30, spent_in_month=5)
    assert december.after(settlement_of(delivered_job()), CAP) == KeyCounter(month="2026-12", spent_in_month=35)


def test_an_end_is_counted_whatever_the_cap_is_by_then() -> None:
    lowered = CAP.model_copy(update={"monthly_credits": 1})
    assert counter(held=30).after(settlement_of(delivered_job()), lowered) == counter(spent=30)


def test_a_counter_begins_empty_in_the_month_of_its_first_order() -> None:
    assert empty_counter(DECEMBER) == KeyCounter(month="2026-12")
