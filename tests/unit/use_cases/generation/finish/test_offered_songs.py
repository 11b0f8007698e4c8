"""A paid song that an answer offers or holds is taken: at the deadline, in a rescue, and from a poll's own body."""

from datetime import timedelta

import pytest
from pydantic import JsonValue

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.providers.failures import FailureClass
from fermata.errors import LinkTroubleError, TransientError
from fermata.use_cases.generation.finish.rescue_audio import rescue_audio
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, store_audio
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.operator.redeliver import redeliver
from fermata.wiring.generation import poll_ports, rescue_ports, settle_ports, start_ports, store_ports
from fermata.wiring.operator import manage_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, generating_job, json_answer, queued_job

AUDIO = b"ID3" + bytes(5000)
TASK = "uuid:minimax/music-2.0"
LINK = "https://cdn.aimlapi.com/song.mp3"
OTHER = "https://cdn.aimlapi.com/other.mp3"
READY = json_answer({"id": TASK, "status": "ready", "audio_file": {"url": LINK}})
PREVIEW = json_answer({"id": TASK, "status": "generating", "audio_file": {"url": LINK}})
TEXT = json_answer({"id": TASK, "status": "completed", "data": {"audio": AUDIO.hex()}})
FILE = ScriptedAnswer(AUDIO, 200, "audio/mpeg")
FOREIGN = json_answer({"id": "other:minimax/music-2.0", "status": "error"})


def generating(*script: ScriptedAnswer, job: Job | None = None) -> World:
    world = World(upstream=FakeUpstream(*script))
    world.jobs.create(job or generating_job())
    return world


def ordered(answer: ScriptedAnswer, provider: str = "aimlapi") -> World:
    world = World(upstream=FakeUpstream(answer))
    world.jobs.create(queued_job(provider))
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.READY
    return world


def poll() -> StepKind:
    return poll_generation(JOB_ID, 1, poll_ports()).kind


def delivered(world: World, job_id: str = JOB_ID) -> Job:
    assert store_audio(job_id, 1, store_ports(world.remaining_ms)).outcome is StoreOutcome.STORED
    settle_job(job_id, None, settle_ports(), world.clock())
    return world.stored(job_id)


def test_an_offered_link_is_taken_once_the_generation_time_is_over() -> None:
    world = generating(READY, READY)
    world.clock.pass_seconds(3599)
    assert poll() is StepKind.GENERATING
    world.clock.pass_seconds(1)
    assert poll() is StepKind.READY
    world.links.files[LINK] = AUDIO
    job = delivered(world)
    assert (job.status, job.charged) == (JobStatus.SUCCEEDED, Charged.YES)


def test_an_offered_link_is_taken_when_trouble_has_made_the_generation_longer() -> None:
    trouble = ScriptedAnswer(b"<html>", 502, "text/html")
    world = generating(trouble, READY, READY)
    world.clock.pass_seconds(3590)
    assert poll() is StepKind.GENERATING
    world.clock.pass_seconds(20)
    assert poll() is StepKind.GENERATING
    world.clock.pass_seconds(3600)
    assert poll() is StepKind.READY


def test_an_offered_link_that_brings_nothing_ends_the_job_with_the_links_failure() -> None:
    world = generating(*[READY] * 100)
    world.links.files[LINK] = LinkTroubleError("cdn answered 404", 404)
    world.clock.pass_seconds(3600)
    for _ in range(200):
        if poll() is not StepKind.READY:
            break
        step = store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
        if step.outcome is StoreOutcome.STORED:
            break
        world.clock.pass_seconds(step.wait_seconds)
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    failure = world.stored(JOB_ID).failure
    assert failure is not None
    assert failure.failure_class is FailureClass.RESULT_EXPIRED
    assert world.clock() - NOON <= timedelta(hours=2)
    assert world.upstream.posts == 0


def test_a_link_that_was_dead_is_taken_again_where_the_task_offers_it_with_an_unknown_status() -> None:
    job = generating_job()
    renewed = job.attempts[0].model_copy(update={"link_renewals": 1})
    generating(READY, job=job.model_copy(update={"attempts": (renewed,)}))
    assert poll() is StepKind.READY


def test_a_preview_is_not_taken_at_the_deadline() -> None:
    world = generating(PREVIEW)
    world.clock.pass_seconds(3600)
    assert poll() is StepKind.FAILED
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert (failure.failure_class, failure.code) == (FailureClass.UNKNOWN_OUTCOME, "generation_timeout")


@pytest.mark.parametrize("answer", [READY, TEXT, FILE], ids=["offered", "text", "file"])
def test_a_rescue_takes_what_a_task_offers_or_answers_with_at_once(answer: ScriptedAnswer) -> None:
    world = generating(answer)
    settle_job(JOB_ID, "States.Timeout", settle_ports(), world.clock())
    world.links.files[LINK] = AUDIO
    rescue_audio(JOB_ID, rescue_ports(world.remaining_ms))
    attempt = world.stored(JOB_ID).attempts[0]
    assert (attempt.kept, world.answers.files[JOB_ID, 1, "file.1"]) == ((1,), AUDIO)


def test_a_rescue_takes_no_preview() -> None:
    world = generating(PREVIEW)
    settle_job(JOB_ID, "States.Timeout", settle_ports(), world.clock())
    world.links.files[LINK] = AUDIO
    rescue_audio(JOB_ID, rescue_ports(world.remaining_ms))
    assert (world.stored(JOB_ID).attempts[0].kept, world.links.fetched) == ((), [])


@pytest.mark.parametrize("answer", [TEXT, FILE], ids=["text", "file"])
def test_a_poll_that_brings_the_song_itself_is_kept_and_delivered(answer: ScriptedAnswer) -> None:
    world = generating(answer)
    assert poll() is StepKind.READY
    assert world.answers.files[JOB_ID, 1, "file.1"] == AUDIO
    job = delivered(world)
    assert (job.status, job.charged, job.missing) == (JobStatus.SUCCEEDED, Charged.YES, ())
    assert world.tracks.files[f"tracks/{JOB_ID}/1.mp3"][0] == AUDIO
    assert world.links.fetched == []


def test_a_song_of_a_poll_that_cannot_be_kept_now_is_requested_again() -> None:
    world = generating(FILE, FILE)
    world.answers.fail_next_keep_file = TransientError("staging is busy")
    assert poll() is StepKind.GENERATING
    retries = world.stored(JOB_ID).attempts[0].retries
    assert retries.last is not None
    assert retries.last.code == "song_not_kept"
    assert poll() is StepKind.READY


def test_a_text_that_is_cut_inside_is_kept_and_requested_again() -> None:
    half = json_answer({"id": TASK, "status": "completed", "data": {"audio": AUDIO.hex()[:-1]}})
    world = generating(half, TEXT)
    assert poll() is StepKind.GENERATING
    assert world.answers.files[JOB_ID, 1, "body.1"] == half.body
    assert poll() is StepKind.READY


def test_another_tasks_failure_does_not_end_the_job() -> None:
    generating(FOREIGN, TEXT)
    assert poll() is StepKind.GENERATING
    assert poll() is StepKind.READY


def test_one_of_two_songs_does_not_end_a_running_task() -> None:
    songs: list[JsonValue] = [{"status": "complete", "audio_url": LINK}]
    part = json_answer({"data": {"status": "IN_PROGRESS", "response_data": songs}})
    whole = json_answer({"data": {"status": "IN_PROGRESS", "response_data": [*songs, {"status": "error"}]}})
    world = ordered_task(part, part, whole)
    for _ in range(2):
        assert poll() is not StepKind.READY
        assert world.stored(JOB_ID).status is JobStatus.GENERATING
    assert poll() is StepKind.READY
    assert world.stored(JOB_ID).attempts[0].audio == Audio(source=AudioSource.LINKS, links=(LINK,), without_link=(2,))


def ordered_task(*polls: ScriptedAnswer) -> World:
    world = World(upstream=FakeUpstream(json_answer({"task_id": "task-1"}), *polls))
    world.jobs.create(queued_job("apiinone"))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    return world


@pytest.mark.parametrize("provider", ["aimlapi", "apiinone"])
def test_a_dead_link_of_the_orders_own_answer_is_renewed_by_its_task(provider: str) -> None:
    world = ordered(json_answer({"task_id": "task-1", "data": {"status": "completed", "audio_url": LINK}}), provider)
    assert world.stored(JOB_ID).attempts[0].upstream_id == "task-1"
    world.links.files |= {LINK: LinkTroubleError("cdn answered 404", 404), OTHER: AUDIO}
    step = store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
    assert step.outcome is StoreOutcome.LINK_EXPIRED
    world.clock.pass_seconds(step.wait_seconds)
    world.upstream.script.append(json_answer({"task_id": "task-1", "status": "completed", "audio_url": OTHER}))
    assert poll() is StepKind.READY
    assert delivered(world).status is JobStatus.SUCCEEDED
    assert world.upstream.posts == 1


UNKNOWN_TASK = json_answer({"message": "no such task", "statusCode": 404}, 404)


@pytest.mark.parametrize(("provider", "routes"), [("aimlapi", 1), ("apiinone", 2)])
def test_a_link_whose_task_is_unknown_is_tried_again(provider: str, routes: int) -> None:
    world = ordered(json_answer({"task_id": "task-1", "data": {"status": "completed", "audio_url": LINK}}), provider)
    world.links.files[LINK] = LinkTroubleError("cdn answered 404", 404)
    for _ in range(3):
        step = store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
        assert step.outcome is StoreOutcome.LINK_EXPIRED
        world.clock.pass_seconds(step.wait_seconds)
        world.upstream.script += [UNKNOWN_TASK] * routes
        assert poll() is StepKind.READY
    world.links.files[LINK] = AUDIO
    assert delivered(world).status is JobStatus.SUCCEEDED
    assert world.upstream.posts == 1


def test_a_link_that_never_works_and_whose_task_is_unknown_ends_the_job_within_its_patience() -> None:
    world = ordered(json_answer({"task_id": "task-1", "data": {"status": "completed", "audio_url": LINK}}))
    world.links.files[LINK] = LinkTroubleError("cdn answered 404", 404)
    world.upstream.script += [UNKNOWN_TASK] * 100
    while (step := store_audio(JOB_ID, 1, store_ports(world.remaining_ms))).outcome is not StoreOutcome.STORED:
        world.clock.pass_seconds(step.wait_seconds)
        if step.outcome is StoreOutcome.LINK_EXPIRED and poll() is not StepKind.READY:
            break
    assert world.clock() - NOON <= timedelta(hours=1)
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    assert world.stored(JOB_ID).status is JobStatus.FAILED


def test_a_rescue_falls_back_to_the_links_whose_renewal_was_never_answered() -> None:
    world = ordered(json_answer({"task_id": "task-1", "data": {"status": "completed", "audio_url": LINK}}))
    world.links.files[LINK] = LinkTroubleError("cdn answered 404", 404)
    assert store_audio(JOB_ID, 1, store_ports(world.remaining_ms)).outcome is StoreOutcome.LINK_EXPIRED
    settle_job(JOB_ID, "States.Timeout", settle_ports(), world.clock())
    world.links.files[LINK] = AUDIO
    world.upstream.script.append(UNKNOWN_TASK)
    rescue_audio(JOB_ID, rescue_ports(world.remaining_ms))
    assert world.stored(JOB_ID).attempts[0].kept == (1,)


@pytest.mark.parametrize("provider", ["aimlapi", "apiinone"])
@pytest.mark.parametrize(
    ("answer", "source"),
    [
        (FILE, AudioSource.BODY),
        (json_answer({"data": {"audio": AUDIO.hex()}}), AudioSource.HEX),
        (json_answer({"task_id": "task-1", "data": {"audio": AUDIO.hex(), "status": "completed"}}), AudioSource.HEX),
    ],
    ids=["file", "text", "text_of_a_task"],
)
def test_a_song_in_the_orders_own_answer_is_delivered_and_can_be_redelivered(
    provider: str, answer: ScriptedAnswer, source: AudioSource
) -> None:
    world = ordered(answer, provider)
    attempt = world.stored(JOB_ID).attempts[0]
    assert (attempt.state, attempt.audio) == (AttemptState.READY, Audio(source=source))
    settle_job(JOB_ID, "TransientError", settle_ports(), world.clock())
    new = str(redeliver(JOB_ID, manage_ports().redeliver, world.clock())["job_id"])
    assert delivered(world, new).status is JobStatus.SUCCEEDED
    assert world.tracks.files[f"tracks/{new}/1.mp3"][0] == AUDIO
    assert world.upstream.posts == 1


@pytest.mark.parametrize("provider", ["skillboss", "minimax"])
@pytest.mark.parametrize(
    ("first", "numbers", "missing"),
    [(AUDIO, [1, 2], []), (LinkTroubleError("cdn answered 404", 404), [2], [1])],
    ids=["both", "first_dead"],
)
def test_each_of_several_songs_in_a_blocking_answer_is_fetched_and_the_order_paid_once(
    provider: str, first: bytes | LinkTroubleError, numbers: list[int], missing: list[int]
) -> None:
    name, place = {"skillboss": ("url", "outputs"), "minimax": ("audio", "data")}[provider]
    world = ordered(json_answer({place: [{name: LINK}, {name: OTHER}]}), provider)
    world.links.files |= {LINK: first, OTHER: AUDIO + b"another song"}
    while (step := store_audio(JOB_ID, 1, store_ports(world.remaining_ms))).outcome is not StoreOutcome.STORED:
        world.clock.pass_seconds(step.wait_seconds)
    assert world.clock() - NOON <= timedelta(minutes=10)
    job = delivered(world)
    assert ([track.number for track in job.tracks], [each.number for each in job.missing]) == (numbers, missing)
    assert (job.status, job.spent_credits) == (JobStatus.SUCCEEDED, job.price_credits)
