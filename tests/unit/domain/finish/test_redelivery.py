"""The missing songs of a delivered job are fetched under a new job, which pays no more than the rest of the price."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from fermata.domain.finish.redelivery import may_have_a_song, missing_numbers, paid_numbers, recovered_id, recovered_job
from fermata.domain.jobs.attempt import StagedAt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.movement import grant_of, hold_on
from fermata.domain.money.wallet import empty_wallet
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.calls import AudioAt, TaskStarted
from fermata.errors import OutOfCreditError, StaleRecordError
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, assert_the_ledger_explains, ledger_in_dynamodb, ledger_in_memory
from tests.songs import (
    JOB_ID,
    claimed_attempt,
    delivered_job,
    missing_track,
    queued_job,
    rate_limited,
    stored_track,
    suno_job,
)
from tests.support.cloud import dynamodb_with_table

if TYPE_CHECKING:
    from collections.abc import Iterator


def made_songs(many: int) -> AudioAt:
    """What a provider says that made so many songs."""
    first, *others = (f"https://cdn1.suno.ai/{number}.mp3" for number in range(1, many + 1))
    return AudioAt(first, tuple(others))


def again(job: Job, made: int = 2) -> Job:
    """The job that redelivers this one, its songs ready to be stored."""
    (attempt,) = may_have_a_song(job)
    return recovered_job(job, attempt, made_songs(made), NOON)


def with_songs(job: Job, numbers: Sequence[int]) -> Job:
    """The end of a job once songs with these numbers were stored; a failure where there are none."""
    if not numbers:
        return job.settled(rate_limited(), NOON)
    return job.with_tracks(tuple(map(stored_track, numbers)), NOON).settled(None, NOON)


# ---- the new job


def test_a_redelivery_fetches_what_is_missing_for_what_is_left_of_the_price() -> None:
    job = suno_job(1, price=21).settled(None, NOON)
    second = again(job)
    (attempt,) = second.attempts
    assert (missing_numbers(job), attempt.wanted, paid_numbers(second)) == ((2,), (2,), (2,))
    assert (job.spent_credits, second.hold_credits, second.candidate.songs) == (10, 11, 1)
    assert (second.status, second.recovered_from, attempt.staged_at) == (
        JobStatus.STORING,
        JOB_ID,
        StagedAt(job_id=JOB_ID, attempt=1),
    )
    assert hold_on(second).to_hold == 11
    assert with_songs(second, (2,)).spent_credits == 11


def test_a_redelivery_that_delivers_has_no_missing_songs() -> None:
    delivered = with_songs(again(suno_job(2).settled(None, NOON)), (1,))
    assert ([track.number for track in delivered.tracks], delivered.missing) == ([1], ())
    assert missing_numbers(delivered) == ()


def test_a_redelivery_of_several_songs_that_finds_one_leads_on_to_the_next() -> None:
    second = again(suno_job(3, price=100, songs=4, made=4).settled(None, NOON))
    assert (second.attempts[0].wanted, second.hold_credits) == ((1, 2, 4), 75)
    in_part = with_songs(second, (2,))
    assert (in_part.spent_credits, missing_numbers(in_part)) == (25, (1, 4))
    third = again(in_part)
    assert (third.attempts[0].wanted, third.hold_credits, third.candidate.songs) == ((1, 4), 50, 2)
    assert third.attempts[0].staged_at == StagedAt(job_id=JOB_ID, attempt=1)


def test_a_redelivery_that_failed_is_redelivered_with_its_own_songs_and_price() -> None:
    second = again(suno_job(1).settled(None, NOON))
    third = again(with_songs(second, ()))
    assert (third.attempts[0].wanted, third.hold_credits, third.recovered_from) == ((2,), 10, second.id)


def test_a_song_beyond_the_order_that_is_missing_is_fetched_for_nothing() -> None:
    stored = suno_job(1, 2, made=3)
    second = again(stored.with_tracks(stored.tracks, NOON, (missing_track(3),)).settled(None, NOON))
    assert (second.attempts[0].wanted, second.hold_credits) == ((3,), 0)
    assert with_songs(second, (3,)).spent_credits == 0


def test_an_ordered_song_is_free_where_another_was_paid_in_its_place() -> None:
    second = again(suno_job(1, 3, made=3).settled(None, NOON))
    assert (second.attempts[0].wanted, second.hold_credits) == ((2,), 0)


def test_a_task_that_is_polled_again_keeps_which_songs_are_wanted() -> None:
    job = suno_job(1).settled(None, NOON)
    second = recovered_job(job, job.attempts[0], TaskStarted("n74a"), NOON)
    found = second.with_outcome(second.attempts[0].after(made_songs(2), NOON), NOON)
    assert (second.status, found.status, found.attempts[0].wanted) == (JobStatus.GENERATING, JobStatus.STORING, (2,))


def test_a_redelivery_knows_the_links_and_the_files_of_all_that_was_delivered_before() -> None:
    job = suno_job(3, songs=4, made=4)
    third = again(with_songs(again(job.settled(None, NOON)), (2,)))
    (attempt,) = third.attempts
    assert (attempt.wanted, attempt.audio) == ((1, 4), job.attempts[0].audio)
    assert attempt.delivered == {number: stored_track(number).sha256 for number in (2, 3)}
    asked = recovered_job(job.settled(rate_limited(), NOON), job.attempts[0], TaskStarted("n74a"), NOON)
    assert (asked.attempts[0].has_links, asked.attempts[0].delivered) == (True, {})


def test_a_redelivery_knows_marked_songs_by_what_their_provider_sent() -> None:
    job = suno_job(1)
    marked = tuple(track.model_copy(update={"source_sha256": "cd" * 32}) for track in job.tracks)
    assert again(job.model_copy(update={"tracks": marked}).settled(None, NOON)).attempts[0].delivered == {1: "cd" * 32}


def test_a_redelivery_of_a_job_that_failed_fetches_all_songs_for_the_whole_price() -> None:
    second = again(suno_job().settled(rate_limited(), NOON))
    assert (second.attempts[0].wanted, second.hold_credits, second.candidate.songs) == ((), 20, 2)
    assert with_songs(second, (2,)).spent_credits == 10


@pytest.mark.parametrize(
    "job", [delivered_job(), suno_job(1, 2).settled(None, NOON), suno_job(), suno_job(1), queued_job().canceled(NOON)]
)
def test_a_complete_or_undelivered_job_has_no_missing_songs(job: Job) -> None:
    assert missing_numbers(job) == ()


def test_only_the_attempt_that_delivered_leads_to_the_missing_songs() -> None:
    job = suno_job(1).settled(None, NOON)
    failed = claimed_attempt("apiinone").model_copy(update={"state": "failed"})
    second = job.attempts[0].model_copy(update={"number": 2})
    assert may_have_a_song(job.model_copy(update={"attempts": (failed, second)})) == [second]


# ---- what a chain of redeliveries costs

CHAINS = st.integers(1, 5).flatmap(
    lambda songs: st.tuples(
        st.integers(0, 1000),
        st.just(songs),
        st.integers(songs, songs + 2),
        st.lists(st.sets(st.integers(1, songs + 2)), min_size=1, max_size=5),
    )
)


@settings(derandomize=True)
@given(CHAINS)
def test_a_chain_of_redeliveries_never_costs_more_than_the_frozen_price(
    chain: tuple[int, int, int, list[set[int]]],
) -> None:
    price, songs, made, found = chain
    job = suno_job(price=price, songs=songs, made=made)
    spent, there, ids = 0, set[int](), {job.id}
    for numbers in found:
        job = with_songs(job, sorted(numbers & set(job.attempts[0].wanted or range(1, made + 1))))
        assert job.spent_credits <= job.hold_credits <= price - spent
        spent += job.spent_credits
        there |= {track.number for track in job.tracks}
        if set(range(1, songs + 1)) <= there:
            assert spent == price
        if job.status is JobStatus.SUCCEEDED and not missing_numbers(job):
            assert there == set(range(1, made + 1))
            return
        job = again(job, made)
        assert job.id not in ids
        ids.add(job.id)


@settings(derandomize=True)
@given(st.integers(0, 1000), st.integers(1, 5), st.data())
def test_songs_that_all_arrive_in_the_end_cost_exactly_the_frozen_price(
    price: int, songs: int, data: st.DataObject
) -> None:
    left = data.draw(st.permutations(range(1, songs + 1)))
    job, spent = suno_job(price=price, songs=songs, made=songs), 0
    while left:
        many = data.draw(st.integers(1, len(left)))
        job, left = with_songs(job, left[:many]), left[many:]
        spent += job.spent_credits
        assert bool(missing_numbers(job)) is bool(left)
        job = again(job, songs) if left else job
    assert spent == price


# ---- in the books


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> "Iterator[Ledger]":
    if request.param == "in_memory":
        yield ledger_in_memory()
        return
    with mock_aws():
        yield ledger_in_dynamodb(dynamodb_with_table())


def recorded(ledger: Ledger, *stored: int, granted: int = 20) -> Job:
    """A delivered job of two songs for 20 credits in the books of a tenant that was granted so many."""
    ledger.wallets.open(empty_wallet("acme", NOON))
    ledger.wallets.grant(grant_of("acme", granted, "0000-grant", NOON))
    job = suno_job(*stored)
    ledger.jobs.create(queued_job("apiinone"))
    ledger.jobs.save(job.model_copy(update={"version": 2}))
    end = job.model_copy(update={"version": 2}).settled(None, NOON)
    ledger.jobs.settle(end)
    return end


def finished(ledger: Ledger, job: Job, *stored: int) -> Job:
    """A job that is in the books, at its end there."""
    with_tracks = job.with_tracks(tuple(map(stored_track, stored)), NOON)
    ledger.jobs.save(with_tracks)
    end = with_tracks.settled(None, NOON)
    ledger.jobs.settle(end)
    return end


def test_both_jobs_together_cost_the_price_in_the_ledger_and_in_the_usage(ledger: Ledger) -> None:
    second = again(recorded(ledger, 2))
    ledger.jobs.create(second)
    assert (ledger.wallet().balance, ledger.wallet().held, ledger.wallet().spent) == (0, 10, 10)
    end = finished(ledger, second, 1)
    assert ledger.jobs.load(second.id) == end
    assert_the_ledger_explains(ledger.wallet(), ledger.entries("acme"))
    assert (ledger.wallet().balance, ledger.wallet().held, ledger.wallet().spent) == (0, 0, 20)
    assert sum(row.credits for row in ledger.used()) == ledger.wallet().spent_in_month == 20


def test_redelivering_twice_holds_once(ledger: Ledger) -> None:
    first = recorded(ledger, 1, granted=100)
    ledger.jobs.create(again(first))
    assert recovered_id(first) == again(first).id
    with pytest.raises(StaleRecordError):
        ledger.jobs.create(again(first))
    assert (ledger.wallet().held, ledger.wallet().open_jobs) == (10, 1)


def test_a_redelivery_that_costs_nothing_holds_and_settles_nothing(ledger: Ledger) -> None:
    second = again(recorded(ledger, 1, 3))
    ledger.jobs.create(second)
    finished(ledger, second, 2)
    moved = [(entry.kind.value, entry.credits) for entry in ledger.entries("acme") if entry.job_id == second.id]
    assert moved == [("hold", 0), ("settle", 0)]
    assert_the_ledger_explains(ledger.wallet(), ledger.entries("acme"))
    assert (ledger.wallet().spent, ledger.wallet().open_jobs) == (20, 0)


def test_a_redelivery_is_held_like_an_order(ledger: Ledger) -> None:
    second = again(recorded(ledger, 1))
    other = queued_job("minimax", id=new_job_id(NOON, bytes(10)))
    ledger.jobs.create(other.model_copy(update={"candidates": second.candidates}))
    with pytest.raises(OutOfCreditError):
        ledger.jobs.create(second)
    assert ledger.jobs.load(second.id) is None
