"""The record of what songs took: every job once, the last songs of a model, and no model without limit."""

from datetime import timedelta

import pytest

from fermata.domain.catalogue.models import Estimate
from fermata.domain.finish.settlement import settle
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.latency import SONGS_KEPT, SongTime, SongTimes, song_time_of
from fermata.domain.jobs.status import JobStatus
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.wiring.generation import settle_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import JOB_ID, delivered_job, failed_job, generating_job, rate_limited, submitting_job

PRIOR = Estimate(p50_s=700, p80_s=900)


def times_of(model_id: str, *seconds: int) -> SongTimes:
    times = SongTimes()
    for number, each in enumerate(seconds):
        times = times.with_song(model_id, SongTime(f"job_{number:03d}", each, each))
    return times


def sung(ready_s: float, not_yet_s: float | None) -> Job:
    """A delivered job whose first answer with a song, and whose last one without, came so long after its order."""
    job = delivered_job()
    attempt = job.attempts[0]
    changes = {
        "finished_at": attempt.started_at + timedelta(seconds=ready_s),
        "not_yet_at": None if not_yet_s is None else attempt.started_at + timedelta(seconds=not_yet_s),
    }
    return job.model_copy(update={"attempts": (attempt.model_copy(update=changes),)})


def test_a_model_without_songs_takes_what_its_prior_says() -> None:
    assert times_of("m", 10, 20, 30, 40, 50).estimate("other", PRIOR) == PRIOR


def test_the_songs_that_were_delivered_last_are_kept_whenever_they_were_ordered() -> None:
    times = times_of("m", *[60] * SONGS_KEPT).with_song("m", SongTime("job_000_ordered_first", 900, 850))
    assert [song.latest_s for song in times.models["m"]] == [60] * (SONGS_KEPT - 1) + [900]


def test_of_a_record_longer_than_the_current_limit_the_last_songs_count() -> None:
    songs = tuple(SongTime(f"job_{number}", 60 if number < 20 else 70) for number in range(20 + SONGS_KEPT))
    assert SongTimes(models={"m": songs}).estimate("m", PRIOR) == Estimate(p50_s=70, p80_s=70)


def test_a_job_is_counted_once_and_every_model_by_itself() -> None:
    once = SongTimes().with_song("m", SongTime("job_1", 60))
    assert once.with_song("m", SongTime("job_1", 90)) == once
    both = once.with_song("other", SongTime("job_2", 90))
    assert {name: len(songs) for name, songs in both.models.items()} == {"m": 1, "other": 1}


@pytest.mark.parametrize("stored", [["job_1", 60], ["job_1", 60, None]])
def test_a_time_of_before_bounds_were_noted_is_exact(stored: list[object]) -> None:
    times = SongTimes.model_validate({"models": {"m": [stored]}})
    assert times.models["m"][0].bounds == (60, 60)


@pytest.mark.parametrize(
    ("ready_s", "not_yet_s", "bounds"),
    [
        pytest.param(71.4, 63.2, (63, 71), id="between_two_polls"),
        pytest.param(56.0, 1.2, (1, 56), id="at_the_first_poll"),
        pytest.param(71.6, 71.6, (72, 72), id="in_the_answer_to_the_order"),
        pytest.param(71.6, None, (0, 72), id="found_by_another_run"),
        pytest.param(0.2, 0.2, (0, 1), id="within_a_second"),
        pytest.param(5, 9, (5, 5), id="clocks_that_disagree"),
        pytest.param(5, -3, (0, 5), id="before_the_order"),
    ],
)
def test_a_song_became_ready_between_the_last_answer_without_it_and_the_first_with_it(
    ready_s: float, not_yet_s: float | None, bounds: tuple[float, float]
) -> None:
    song = song_time_of(sung(ready_s, not_yet_s))
    assert song is not None
    assert (song.job_id, song.bounds) == (JOB_ID, bounds)


def test_a_song_whose_link_was_renewed_or_that_was_recovered_gives_no_time() -> None:
    job = sung(70, 60)
    renewed = job.attempts[0].model_copy(update={"link_renewals": 1})
    assert song_time_of(job.model_copy(update={"attempts": (renewed,)})) is None
    assert song_time_of(job.model_copy(update={"recovered_from": "job_before"})) is None
    assert song_time_of(job) is not None


@pytest.mark.parametrize("job", [submitting_job(), generating_job()], ids=["one long call", "polled"])
def test_a_song_whose_wait_was_given_up_took_at_least_so_long(job: Job) -> None:
    world = World()
    request = job.request.model_copy(update={"finish_by": NOON + timedelta(seconds=400)})
    world.jobs.create(job.model_copy(update={"request": request}))
    settle_job(JOB_ID, None, settle_ports(), NOON + timedelta(seconds=400))
    ((song,),) = world.estimates.times.models.values()
    assert song.latest_s == 400


def test_a_song_that_was_ready_and_came_too_late_took_what_it_took() -> None:
    job = sung(70, 60).model_copy(update={"status": JobStatus.STORING, "tracks": ()})
    request = job.request.model_copy(update={"finish_by": NOON + timedelta(seconds=400)})
    late = settle(job.model_copy(update={"request": request}), None, NOON + timedelta(seconds=400))
    assert late is not None
    song = song_time_of(late)
    assert song is not None
    assert (late.status, song.bounds) == (JobStatus.EXPIRED, (60, 70))


def test_an_attempt_that_failed_before_the_deadline_gives_no_time() -> None:
    failed = failed_job(rate_limited()).model_copy(update={"status": JobStatus.QUEUED})
    request = failed.request.model_copy(update={"finish_by": NOON + timedelta(seconds=400)})
    late = settle(failed.model_copy(update={"request": request}), None, NOON + timedelta(seconds=400))
    assert late is not None
    assert (late.status, song_time_of(late)) == (JobStatus.EXPIRED, None)


def test_the_last_not_yet_counts_and_never_one_from_before_the_order() -> None:
    attempt = delivered_job().attempts[0]
    later, earlier = NOON + timedelta(seconds=20), NOON + timedelta(seconds=10)
    assert attempt.not_yet(later).not_yet(earlier).not_yet_at == later
    assert attempt.not_yet(earlier).not_yet(later).not_yet_at == later
    assert attempt.not_yet(attempt.started_at - timedelta(seconds=1)).not_yet_at is None
