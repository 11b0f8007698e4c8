"""Polling is free: trouble of the poll itself keeps a job generating until its deadline."""

from datetime import timedelta

import pytest

from fermata.domain.catalogue import Estimate
from fermata.domain.failures import FailureClass, ProviderCharged
from fermata.domain.jobs import Audio, AudioSource, Job, JobStatus
from fermata.domain.verdicts import Verdict, Word
from fermata.errors import AnswerLostError, ConfigurationError, FermataError, NotFoundError, NotSentError
from fermata.use_cases.poll_generation import MISSES_IN_A_ROW, POLL_WITHIN_S, poll_generation
from fermata.use_cases.settle_job import settle_job
from fermata.use_cases.start_generation import start_generation
from tests.songs import JOB_ID, generating_job, json_answer, queued_job, rate_limited, ready_job
from tests.twins import KEY, NOON, FakeUpstream, ScriptedAnswer, World

TASK_ID = "uuid:minimax/music-2.0"
SONG_LINK = "https://cdn.aimlapi.com/x%2Fy.mp3?sig=a%2Bb"
DONE = json_answer({"id": TASK_ID, "status": "completed", "audio_file": {"url": SONG_LINK}})
TASK_CREATED = json_answer({"id": TASK_ID, "status": "queued"}, 201)
RUNNING = json_answer({"id": TASK_ID, "status": "generating"})
UNKNOWN_TASK = json_answer({"message": "no such generation", "statusCode": 404}, 404)


def world_with(*script: ScriptedAnswer | FermataError, job: Job | None = None) -> World:
    world = World(upstream=FakeUpstream(*script))
    world.jobs.create(job or generating_job())
    return world


def poll(world: World, misses: int = 0, timeout_s: int = 3600) -> Verdict:
    return poll_generation(JOB_ID, 1, misses, world.poll_ports(timeout_s))


def test_a_finished_task_is_ready_with_its_link_byte_for_byte() -> None:
    world = world_with(DONE)
    assert poll(world).verdict is Word.READY
    job = world.stored(JOB_ID)
    assert (job.status, job.attempts[0].finished_at) == (JobStatus.STORING, NOON)
    assert job.attempts[0].audio == Audio(source=AudioSource.LINKS, links=(SONG_LINK,))


def test_a_task_is_asked_for_by_its_id_with_the_key_that_created_it() -> None:
    world = world_with(RUNNING)
    world.keys.keys = {"aimlapi": {"newer": "another key", "default": KEY}}
    poll(world)
    (sent,) = world.upstream.sent
    assert (sent.provider, sent.call.method, sent.key, sent.within_s) == ("aimlapi", "GET", KEY, POLL_WITHIN_S)
    assert sent.call.query == {"generation_id": TASK_ID}
    assert sent.call.body is None


def test_a_running_task_is_asked_again_after_a_share_of_the_time_it_took_so_far_and_nothing_is_written() -> None:
    world = world_with(RUNNING)
    world.clock.pass_seconds(80)
    verdict = poll(world)
    assert (verdict.verdict, verdict.wait_seconds, verdict.misses) == (Word.GENERATING, 10, 0)
    assert world.stored(JOB_ID) == generating_job()


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(NotSentError("no connection"), id="no_connection"),
        pytest.param(AnswerLostError("cut"), id="cut"),
        pytest.param(ScriptedAnswer(b"{", ends_with=AnswerLostError("cut")), id="cut_in_the_body"),
        pytest.param(ScriptedAnswer(b"<html>", 502, "text/html"), id="html"),
        pytest.param(ScriptedAnswer(b"", 200), id="empty"),
        pytest.param(json_answer({"message": "internal"}, 500), id="http_500"),
        pytest.param(json_answer({"message": "slow down"}, 429), id="http_429"),
        pytest.param(json_answer({"status": "completed", "audio_file": None}), id="no_file_yet"),
        pytest.param(json_answer({"status": "dreaming"}), id="unknown_word"),
        pytest.param(ScriptedAnswer(b'{"data": {"audio": "0", "audio": "1"}}'), id="two_songs"),
    ],
)
def test_trouble_of_the_poll_itself_ends_nothing(trouble: ScriptedAnswer | FermataError) -> None:
    world = world_with(trouble)
    assert poll(world).verdict is Word.GENERATING
    assert world.stored(JOB_ID) == generating_job()


def test_the_providers_own_wish_for_a_pause_is_honoured() -> None:
    world = world_with(json_answer({"message": "slow down"}, 429, retry_after_s=140))
    assert poll(world).wait_seconds == 140


def test_polls_keep_to_what_the_models_last_songs_took() -> None:
    world = world_with(RUNNING, RUNNING)
    model = world.stored(JOB_ID).candidate.model
    before = poll(world).wait_seconds
    world.estimates.known = {model: Estimate(p50_s=8, p80_s=30)}
    assert (before, poll(world).wait_seconds) == (5, 2)


def test_the_first_poll_keeps_to_what_the_models_last_songs_took() -> None:
    world = world_with(TASK_CREATED, job=queued_job("aimlapi"))
    world.estimates.known = {queued_job("aimlapi").candidate.model: Estimate(p50_s=20, p80_s=30)}
    assert start_generation(JOB_ID, world.start_ports(), "run-1").wait_seconds == 16


def test_an_absurd_wish_for_a_pause_is_cut_to_ten_minutes() -> None:
    world = world_with(json_answer({"message": "slow down"}, 429, retry_after_s=86_400))
    assert poll(world).wait_seconds == 600


def test_a_task_that_is_not_found_is_believed_the_fifth_time_in_a_row() -> None:
    world = world_with(*[UNKNOWN_TASK] * MISSES_IN_A_ROW)
    misses = 0
    for expected in (1, 2, 3, 4):
        verdict = poll(world, misses)
        assert (verdict.verdict, verdict.misses) == (Word.GENERATING, expected)
        misses = verdict.misses
    assert poll(world, misses).verdict is Word.FAILED
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert (failure.failure_class, failure.provider_charged) == (FailureClass.NOT_FOUND, ProviderCharged.UNKNOWN)


def test_a_task_that_is_found_again_starts_the_count_anew() -> None:
    world = world_with(RUNNING)
    assert poll(world, misses=4).misses == 0


def test_a_task_that_failed_ends_the_attempt_as_perhaps_billed() -> None:
    world = world_with(json_answer({"status": "error", "error": {"name": "Moderation", "message": "no"}}))
    assert poll(world).verdict is Word.FAILED
    attempt = world.stored(JOB_ID).attempts[0]
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.failure.code, attempt.provider_charged) == (
        FailureClass.PROVIDER_ERROR,
        "Moderation",
        ProviderCharged.UNKNOWN,
    )


def test_a_task_that_never_ends_is_given_up_at_its_deadline_as_unknown() -> None:
    world = world_with(RUNNING, RUNNING)
    world.clock.pass_seconds(99)
    assert poll(world, timeout_s=100).verdict is Word.GENERATING
    world.clock.pass_seconds(1)
    assert poll(world, timeout_s=100).verdict is Word.FAILED
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert (failure.failure_class, failure.code) == (FailureClass.UNKNOWN_OUTCOME, "generation_timeout")


def test_a_song_that_is_finished_at_the_deadline_is_taken() -> None:
    world = world_with(DONE)
    world.clock.pass_seconds(100)
    assert poll(world, timeout_s=100).verdict is Word.READY


def test_a_missing_key_keeps_the_job_generating_for_the_machine_to_repeat() -> None:
    world = world_with()
    world.keys.keys = {}
    with pytest.raises(ConfigurationError):
        poll(world)
    assert world.stored(JOB_ID) == generating_job()


@pytest.mark.parametrize(
    ("job", "word"),
    [
        pytest.param(ready_job(), Word.READY, id="ready"),
        pytest.param(queued_job(), Word.RETRY_LATER, id="queued"),
        pytest.param(generating_job().settled(rate_limited(), NOON), Word.FAILED, id="settled"),
    ],
)
def test_a_job_that_waits_for_no_task_is_answered_from_the_record_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture, job: Job, word: Word
) -> None:
    world = world_with(job=job)
    assert poll(world).verdict is word
    assert (world.upstream.sent, world.stored(JOB_ID)) == ([], job)
    assert late_polls(caplog) == [(1, job.status)]


def late_polls(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Attempt and the job's status of every poll that changed nothing because its attempt waits no more."""
    lines = [vars(line) for line in caplog.records if line.getMessage() == "late poll changes nothing"]
    return [(line["attempt"], line["status"]) for line in lines]


def test_a_poll_for_an_earlier_attempt_asks_nobody_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    world = world_with()
    assert poll_generation(JOB_ID, 2, 0, world.poll_ports()).verdict is Word.GENERATING
    assert world.upstream.sent == []
    assert late_polls(caplog) == [(2, JobStatus.GENERATING)]


def test_a_poll_that_loses_the_race_answers_from_what_the_other_wrote_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = world_with(DONE)
    world.upstream.while_sending = lambda: settle_job(JOB_ID, "Execution.ABORTED", world.settle_ports(), NOON)
    assert poll(world).verdict is Word.FAILED
    assert world.stored(JOB_ID).status is JobStatus.FAILED
    assert late_polls(caplog) == [(1, JobStatus.FAILED)]


def test_a_poll_in_time_is_not_called_late(caplog: pytest.LogCaptureFixture) -> None:
    poll(world_with(DONE))
    assert late_polls(caplog) == []


def test_the_deadline_counts_from_the_order_and_not_from_the_job() -> None:
    started = NOON + timedelta(hours=1)
    job = generating_job()
    late = job.attempts[0].model_copy(update={"started_at": started})
    world = world_with(RUNNING, job=job.model_copy(update={"attempts": (late,)}))
    world.clock.now = started + timedelta(seconds=99)
    assert poll(world, timeout_s=100).verdict is Word.GENERATING


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(NotFoundError):
        poll(World())
