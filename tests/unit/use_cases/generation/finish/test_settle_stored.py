"""The run that stores a job's last song settles the job; one that leaves songs says so by an error, and waits."""

from datetime import timedelta
from pathlib import Path

import pytest

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import JobStatus
from fermata.errors import LinkTroubleError, SongsOutstandingError, TransientError
from fermata.use_cases.generation.finish.settle_stored import resume_storage, settle_stored
from fermata.wiring.generation import settle_ports, store_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import JOB_ID, LINK, delivered_job, hex_answer, queued_job, rate_limited, ready_job, stored_track

SONG = b"ID3" + bytes(2000)
BUSY = LinkTroubleError("cdn.test answered 503", 503, retry_after_s=7)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(scratch=tmp_path)


def run(world: World) -> JobStatus:
    return settle_stored(JOB_ID, 1, store_ports(world.remaining_ms), settle_ports())


def resumed(world: World, attempt: int = 1) -> tuple[StepKind, int]:
    step = resume_storage(JOB_ID, attempt, world.jobs, world.clock())
    return step.kind, step.wait_seconds


def test_the_run_that_stores_the_song_settles_the_job_and_reports_it_once(world: World) -> None:
    world.jobs.create(ready_job())
    world.answers.keep(JOB_ID, 1, hex_answer(SONG))
    assert (run(world), run(world)) == (JobStatus.SUCCEEDED, JobStatus.SUCCEEDED)
    job = world.stored(JOB_ID)
    assert (job.status, len(job.tracks), job.publish_pending) == (JobStatus.SUCCEEDED, 1, False)
    assert [event.detail["event_id"] for event in world.events.published] == [f"{JOB_ID}.succeeded"]
    assert world.metrics.excused == 0


def test_a_run_that_died_between_storing_and_settling_is_followed_by_one_that_settles(world: World) -> None:
    world.jobs.create(ready_job().with_tracks((stored_track(),), NOON))
    assert run(world) is JobStatus.SUCCEEDED
    assert world.tracks.puts == 0


def test_a_run_whose_end_cannot_be_reported_fails_and_the_next_one_reports_it(world: World) -> None:
    world.jobs.create(ready_job())
    world.answers.keep(JOB_ID, 1, hex_answer(SONG))
    world.events.failure = TransientError("away")
    with pytest.raises(TransientError):
        run(world)
    world.events.failure = None
    assert run(world) is JobStatus.SUCCEEDED
    assert [event.detail["event_id"] for event in world.events.published] == [f"{JOB_ID}.succeeded"]


def test_a_song_that_is_not_there_yet_is_an_excused_error_and_settles_nothing(world: World) -> None:
    world.jobs.create(ready_job(LINK))
    world.links.files[LINK] = BUSY
    with pytest.raises(SongsOutstandingError):
        run(world)
    assert world.metrics.excused == 1
    assert not world.stored(JOB_ID).status.is_terminal
    assert resumed(world) == (StepKind.STORING, 7)
    world.clock.pass_seconds(7)
    world.links.files[LINK] = SONG
    assert run(world) is JobStatus.SUCCEEDED
    assert world.metrics.excused == 1


def test_a_task_with_dead_links_is_polled_after_the_pause_on_record(world: World) -> None:
    world.jobs.create(task_with_dead_links(next_in_s=20))
    assert resumed(world) == (StepKind.GENERATING, 20)


def test_a_look_at_the_record_writes_and_fetches_nothing(world: World) -> None:
    world.jobs.create(ready_job(LINK))
    before = world.stored(JOB_ID)
    assert resumed(world) == (StepKind.STORING, 1)
    assert world.stored(JOB_ID) == before
    assert world.links.fetched == []


@pytest.mark.parametrize(
    "job", [queued_job(), queued_job().canceled(NOON), delivered_job()], ids=lambda job: job.status
)
def test_a_job_that_has_no_song_to_store_is_settled(world: World, job: Job) -> None:
    world.jobs.create(job)
    assert resumed(world, attempt=2) == (StepKind.FAILED, 1)


def test_a_song_whose_deadline_passed_is_settled_as_expired(world: World) -> None:
    late = ready_job(LINK)
    late = late.model_copy(
        update={"request": late.request.model_copy(update={"finish_by": NOON + timedelta(seconds=1)})}
    )
    world.jobs.create(late)
    world.clock.pass_seconds(5)
    assert run(world) is JobStatus.EXPIRED


def task_with_dead_links(next_in_s: int) -> Job:
    job = ready_job(LINK)
    attempt = job.attempts[-1]
    retries = attempt.retries.after_fetch(1, rate_limited(), NOON, has_another=False).with_song(
        1, next_at=NOON + timedelta(seconds=next_in_s)
    )
    waiting = attempt.with_retries(retries).awaiting_a_new_link((1,))
    return job.model_copy(update={"attempts": (waiting,)})
