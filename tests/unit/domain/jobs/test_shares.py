"""Several songs of one order: each has its place, what is there is paid for, and what is not there says why."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.finish.settlement import is_overdue
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.shares import ordered_numbers, share_of
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.candidates import candidates_for
from fermata.domain.providers.failures import FailureClass
from tests.fakes.clock import NOON
from tests.songs import (
    delivered_job,
    generating_job,
    missing_track,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    stored_track,
    suno_job,
)

LATER = NOON + timedelta(minutes=5)

# ---- shares


@settings(derandomize=True)
@given(st.integers(0, 1_000_000), st.integers(0, 12), st.integers(1, 10))
def test_a_share_is_rounded_down_to_whole_credits(price: int, delivered: int, ordered: int) -> None:
    share, counted = share_of(price, delivered, ordered), min(delivered, ordered)
    assert share * ordered <= price * counted < (share + 1) * ordered
    assert share <= share_of(price, delivered + 1, ordered) <= price
    assert share_of(price, ordered + delivered, ordered) == price


@pytest.mark.parametrize(
    ("songs", "wanted", "numbers"),
    [(1, (), (1,)), (2, (), (1, 2)), (1, (2,), (2,)), (1, (3, 2), (2,)), (2, (2, 4, 5), (2, 4)), (1, (3,), (3,))],
)
def test_the_first_songs_of_those_that_are_wanted_are_paid_for(
    songs: int, wanted: tuple[int, ...], numbers: tuple[int, ...]
) -> None:
    assert ordered_numbers(songs, wanted) == numbers


# ---- what is frozen with the order


@pytest.mark.parametrize(
    ("model_id", "songs"),
    [("apiinone/suno", 2), ("apiinone/suno-v5", 2), ("apiinone/minimax-music", 1), ("minimax/music-2.5", 1)],
)
def test_an_order_keeps_how_many_songs_its_price_is_for(model_id: str, songs: int) -> None:
    catalogue = read_catalogue()
    model = catalogue.find(model_id)
    assert model is not None
    (chosen,) = candidates_for(song_request(model=model_id, fallbacks=[]), model, catalogue, {}, None)
    assert (model.songs, chosen.songs) == (songs, songs)


# ---- songs and their places


def test_songs_keep_the_providers_places_in_any_order_of_storing() -> None:
    job = suno_job(3, made=3).with_tracks((stored_track(3), stored_track(2)), NOON, (missing_track(1),))
    assert [track.number for track in job.tracks] == [2, 3]
    assert [each.number for each in job.missing] == [1]


def test_a_song_that_is_stored_after_all_is_not_missing() -> None:
    noted = suno_job(1).with_tracks((stored_track(1),), NOON, (missing_track(2),))
    assert [each.number for each in noted.missing] == [2]
    assert noted.with_tracks((stored_track(1), stored_track(2)), NOON).missing == ()


def test_what_was_noted_as_missing_stays_noted_while_another_song_is_stored() -> None:
    noted = suno_job().with_tracks((), NOON, (missing_track(1),))
    assert noted.with_tracks((stored_track(2),), NOON).missing == (missing_track(1),)


def with_one_link() -> Job:
    """A job whose provider made two songs and gave a link to the second only."""
    job = suno_job(2)
    audio = Audio(source=AudioSource.LINKS, links=("https://cdn1.suno.ai/2.mp3",), without_link=(1,))
    return job.model_copy(update={"attempts": (job.attempts[0].model_copy(update={"audio": audio}),)})


def in_trouble(*, still: bool) -> Job:
    """A job whose second song was fetched in vain, and was being fetched again when the job ended or in no trouble."""
    job = suno_job(1)
    retries = job.attempts[0].retries.after_fetch(2, missing_track(2).reason, NOON)
    retries = retries if still else retries.recovered()
    return job.with_asking(job.attempts[0].with_retries(retries))


@pytest.mark.parametrize(
    ("job", "missing"),
    [
        pytest.param(suno_job(1, 2), {}, id="all are there"),
        pytest.param(delivered_job(), {}, id="one was ordered"),
        pytest.param(suno_job(1), {2: "could not be stored"}, id="the second was not noted"),
        pytest.param(suno_job(2), {1: "could not be stored"}, id="the first was not noted"),
        pytest.param(suno_job(2, made=3), {1: "could not be stored", 3: "could not be stored"}, id="an extra one too"),
        pytest.param(with_one_link(), {1: "without a link"}, id="no link"),
        pytest.param(in_trouble(still=True), {2: "no audio was found"}, id="still polling"),
        pytest.param(in_trouble(still=False), {2: "could not be stored"}, id="trouble that is over"),
        pytest.param(suno_job(1, made=1), {2: "only 1 of the ordered songs was made"}, id="one was made"),
        pytest.param(
            suno_job(1, songs=4, made=2).with_tracks((stored_track(1),), NOON, (missing_track(2),)),
            {2: "no audio was found", 3: "only 2 of the ordered songs were made", 4: "only 2"},
            id="some were made",
        ),
    ],
)
def test_a_delivered_job_names_every_song_that_was_ordered_or_made_and_is_not_there(
    job: Job, missing: dict[int, str]
) -> None:
    ended = job.settled(None, NOON)
    assert [each.number for each in ended.missing] == list(missing)
    for each in ended.missing:
        assert missing[each.number] in each.reason.message


def test_a_song_whose_task_was_polled_again_and_failed_is_missing_for_that_reason() -> None:
    stored = suno_job(1)
    asked_again = stored.attempts[0].awaiting_a_new_link()
    waiting = stored.with_outcome(asked_again, NOON)
    failed = asked_again.model_copy(update={"failure": rate_limited()})
    for job, failure_class in (
        (waiting, FailureClass.TRANSIENT),
        (waiting.model_copy(update={"attempts": (failed,)}), FailureClass.RATE_LIMITED),
    ):
        (missing,) = job.settled(None, NOON).missing
        assert (missing.number, missing.reason.failure_class) == (2, failure_class)


def test_a_failed_job_keeps_the_reasons_that_were_noted_and_adds_none() -> None:
    failed = suno_job().with_tracks((), NOON, (missing_track(1),)).settled(rate_limited(), NOON)
    assert (failed.missing, failed.spent_credits) == ((missing_track(1),), 0)


# ---- what was paid


@pytest.mark.parametrize("job", [queued_job(), generating_job(), ready_job(), suno_job(1, 2)])
def test_an_open_job_has_spent_nothing(job: Job) -> None:
    assert (job.spent_credits, job.price_credits) == (0, job.hold_credits)


@pytest.mark.parametrize("stored", [(1,), (2,), (1, 2), (1, 2, 3)])
def test_a_deleted_job_has_spent_what_it_had_and_lost_its_songs(stored: tuple[int, ...]) -> None:
    ended = suno_job(*stored, made=3).settled(None, NOON)
    for deleted in (tombstone_of(ended, NOON), tombstone_of(tombstone_of(ended, NOON), LATER)):
        assert (deleted.spent_credits, deleted.price_credits) == (ended.spent_credits, 20)
        assert (deleted.tracks, deleted.missing) == ((), ())
        assert Job.model_validate_json(deleted.model_dump_json()) == deleted


# ---- a deadline


def due(job: Job) -> Job:
    return job.model_copy(update={"request": song_request(finish_by=NOON + timedelta(minutes=1))})


def test_one_song_in_time_is_enough_whenever_the_other_is_given_up() -> None:
    stored = due(suno_job(1))
    given_up = stored.with_tracks(stored.tracks, LATER, (missing_track(2),))
    asked_again = stored.with_outcome(stored.attempts[0].awaiting_a_new_link(), LATER)
    for job in (stored, given_up, asked_again, given_up.with_late_answer(1, LATER)):
        assert not is_overdue(job, LATER)


def test_songs_that_were_all_stored_too_late_are_too_late() -> None:
    first = due(suno_job()).with_tracks((stored_track(1),), LATER)
    assert is_overdue(first, LATER)
    assert is_overdue(first.with_tracks((stored_track(1), stored_track(2)), LATER), LATER)


# ---- records from before there were shares


def as_before(job: Job) -> Job:
    """A job as it is read from a record that has none of the new fields."""
    record: dict[str, Any] = job.model_dump(mode="json")
    for name in ("missing", "first_stored_at", "spent_before_deletion"):
        del record[name]
    for each in record["candidates"]:
        del each["songs"]
    for each in record["attempts"]:
        del each["wanted"]
    return Job.model_validate(record)


@pytest.mark.parametrize(
    ("job", "spent"),
    [
        pytest.param(queued_job("apiinone"), 0, id="queued"),
        pytest.param(suno_job(1), 0, id="storing"),
        pytest.param(suno_job(1, 2).settled(None, NOON), 20, id="delivered"),
        pytest.param(suno_job(1).settled(None, NOON), 20, id="delivered in part"),
        pytest.param(tombstone_of(suno_job(1, 2).settled(None, NOON), NOON), 20, id="deleted"),
        pytest.param(suno_job().settled(rate_limited(), NOON), 0, id="failed"),
        pytest.param(tombstone_of(suno_job().settled(rate_limited(), NOON), NOON), 0, id="failed and deleted"),
    ],
)
def test_an_order_from_before_costs_what_it_cost_then(job: Job, spent: int) -> None:
    read = as_before(job)
    assert (read.spent_credits, read.hold_credits, read.missing) == (spent, 20, ())
    assert read.attempts == job.attempts


def test_an_order_from_before_that_ends_now_costs_its_whole_price_for_any_song() -> None:
    ended = as_before(suno_job(1)).settled(None, NOON)
    assert (ended.status, ended.spent_credits) == (JobStatus.SUCCEEDED, 20)
