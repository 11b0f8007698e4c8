"""Polling is free: trouble of the poll itself is met with patience, and only the task's own final status ends it."""

from datetime import timedelta

import pytest

from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep, StepKind
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.providers.patience import MOST_POLLS
from fermata.errors import AnswerLostError, FermataError, NotFoundError, NotSentError, TransientError
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.follow.ask_task import POLL_WITHIN_S
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import poll_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.provider_keys import KEY
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, generating_job, json_answer, queued_job, rate_limited, ready_job, song_request

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


def poll(world: World, timeout_s: int = 3600) -> NextStep:
    world.set(GENERATION_TIMEOUT_SECONDS=str(timeout_s))
    return poll_generation(JOB_ID, 1, poll_ports())


def test_a_finished_task_is_ready_with_its_link_byte_for_byte() -> None:
    world = world_with(DONE)
    assert poll(world).kind is StepKind.READY
    job = world.stored(JOB_ID)
    assert (job.status, job.attempts[0].finished_at) == (JobStatus.STORING, NOON)
    assert job.attempts[0].audio == Audio(source=AudioSource.LINKS, links=(SONG_LINK,))


def test_a_task_is_polled_by_its_id_with_the_key_that_created_it() -> None:
    world = world_with(RUNNING)
    world.keys.keys = {"aimlapi": {"newer": "another key", "default": KEY}}
    poll(world)
    (sent,) = world.upstream.sent
    assert (sent.provider, sent.call.method, sent.key, sent.within_s) == ("aimlapi", "GET", KEY, POLL_WITHIN_S)
    assert sent.call.query == {"generation_id": TASK_ID}
    assert sent.call.body is None


def test_a_running_task_is_polled_again_after_a_share_of_its_time_so_far_and_nothing_is_written() -> None:
    world = world_with(RUNNING)
    world.clock.pass_seconds(80)
    verdict = poll(world)
    assert (verdict.kind, verdict.wait_seconds) == (StepKind.GENERATING, 10)
    assert world.stored(JOB_ID) == generating_job()


TROUBLES = [
    pytest.param(NotSentError("no connection"), "transient", id="no_connection"),
    pytest.param(AnswerLostError("cut"), "transient", id="cut"),
    pytest.param(ScriptedAnswer(b"{", ends_with=AnswerLostError("cut")), "transient", id="cut_in_the_body"),
    pytest.param(ScriptedAnswer(b"<html>", 502, "text/html"), "transient", id="html"),
    pytest.param(ScriptedAnswer(b"<html>", 403, "text/html"), "transient", id="html_403"),
    pytest.param(ScriptedAnswer(b"", 200), "transient", id="empty"),
    pytest.param(json_answer({"message": "Unauthorized", "statusCode": 401}, 401), "auth", id="http_401"),
    pytest.param(json_answer({"message": "pay"}, 402), "out_of_credit", id="http_402"),
    pytest.param(json_answer({"message": "no credit"}, 403), "out_of_credit", id="http_403"),
    pytest.param(UNKNOWN_TASK, "not_found", id="http_404"),
    pytest.param(json_answer({"message": "bad"}, 400), "provider_error", id="http_400"),
    pytest.param(json_answer({"message": "timeout"}, 408), "transient", id="http_408"),
    pytest.param(json_answer({"message": "conflict"}, 409), "transient", id="http_409"),
    pytest.param(json_answer({"message": "too early"}, 425), "transient", id="http_425"),
    pytest.param(json_answer({"message": "slow down"}, 429), "rate_limited", id="http_429"),
    pytest.param(json_answer({"message": "internal"}, 500), "transient", id="http_500"),
    pytest.param(json_answer({"message": "away"}, 503), "transient", id="http_503"),
]


@pytest.mark.parametrize(("trouble", "failure_class"), TROUBLES)
def test_a_poll_that_had_trouble_is_repeated_after_a_second(
    trouble: ScriptedAnswer | FermataError, failure_class: str
) -> None:
    world = world_with(trouble)
    verdict = poll(world)
    assert (verdict.kind, verdict.wait_seconds) == (StepKind.GENERATING, 1)
    job = world.stored(JOB_ID)
    retries = job.attempts[0].retries
    assert (job.status, job.updated_at, retries.polls, retries.since) == (JobStatus.GENERATING, NOON, 1, NOON)
    assert retries.last is not None
    assert retries.last.failure_class == failure_class


@pytest.mark.parametrize(("trouble", "failure_class"), TROUBLES)
def test_trouble_that_lasts_for_the_patience_ends_the_job_with_the_last_failure(
    trouble: ScriptedAnswer | FermataError, failure_class: str
) -> None:
    world = world_with(*[trouble] * MOST_POLLS)
    polls = until_it_ends(world)
    assert (world.clock.now - NOON).total_seconds() == 3600
    assert polls < MOST_POLLS
    attempt = world.stored(JOB_ID).attempts[0]
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.provider_charged) == (failure_class, ProviderCharged.UNKNOWN)


@pytest.mark.parametrize(("trouble", "failure_class"), TROUBLES)
def test_a_song_that_is_there_after_the_trouble_is_taken(
    trouble: ScriptedAnswer | FermataError, failure_class: str
) -> None:
    world = world_with(*[trouble] * 15, DONE)
    assert until_it_ends(world) == 16
    attempt = world.stored(JOB_ID).attempts[0]
    assert (attempt.state, attempt.retries.polls, attempt.retries.since) == (AttemptState.READY, 15, None)
    assert attempt.retries.last is not None
    assert attempt.retries.last.failure_class == failure_class


def until_it_ends(world: World, timeout_s: int = 3600) -> int:
    """How many polls it takes until the machine goes on, with its pauses between them."""
    for polls in range(1, 500):
        verdict = poll(world, timeout_s)
        if verdict.kind is not StepKind.GENERATING:
            return polls
        world.clock.pass_seconds(verdict.wait_seconds)
    raise AssertionError("polled for ever")


def test_pauses_of_trouble_double_up_to_five_minutes_and_do_not_start_over_with_an_empty_poll() -> None:
    world = world_with(*[AnswerLostError("cut")] * 3, RUNNING, *[AnswerLostError("cut")] * 2)
    assert [poll(world).wait_seconds for _ in range(6)] == [1, 2, 4, 5, 8, 16]


def test_trouble_that_is_over_is_forgotten_and_a_later_one_has_a_patience_of_its_own() -> None:
    world = world_with(AnswerLostError("cut"), RUNNING, AnswerLostError("cut"))
    poll(world)
    world.clock.pass_seconds(100)
    poll(world)
    assert world.stored(JOB_ID).attempts[0].retries.since is None
    world.clock.pass_seconds(100)
    poll(world)
    assert world.stored(JOB_ID).attempts[0].retries.since == NOON + timedelta(seconds=200)


def test_trouble_that_began_in_time_extends_the_job_once_by_its_patience() -> None:
    world = world_with(AnswerLostError("cut"), *[RUNNING] * 3, DONE)
    world.clock.pass_seconds(99)
    assert poll(world, timeout_s=100).kind is StepKind.GENERATING
    world.clock.pass_seconds(1000)
    assert poll(world, timeout_s=100).kind is StepKind.GENERATING
    world.clock.pass_seconds(2599)
    assert poll(world, timeout_s=100).kind is StepKind.GENERATING
    world.clock.pass_seconds(1)
    assert poll(world, timeout_s=100).kind is StepKind.FAILED
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert failure.code == "generation_timeout"


def test_a_pause_that_the_provider_requests_is_honoured() -> None:
    world = world_with(json_answer({"message": "slow down"}, 429, retry_after_s=140))
    assert poll(world).wait_seconds == 140


def test_a_requested_pause_may_exceed_the_longest_pause_and_never_the_patience_that_is_left() -> None:
    world = world_with(*[json_answer({"message": "slow down"}, 429, retry_after_s=2000)] * 2)
    assert poll(world).wait_seconds == 2000
    world.clock.pass_seconds(2000)
    assert poll(world).wait_seconds == 1600


def test_an_absurd_pause_requested_for_a_running_task_is_cut_to_ten_minutes() -> None:
    world = world_with(json_answer({"id": TASK_ID, "status": "generating"}, retry_after_s=86_400))
    assert poll(world).wait_seconds == 600


def test_an_unknown_status_is_a_running_task() -> None:
    world = world_with(json_answer({"id": TASK_ID, "status": "dreaming"}))
    assert poll(world).kind is StepKind.GENERATING
    assert world.stored(JOB_ID) == generating_job()


NO_LINK = json_answer({"id": TASK_ID, "status": "completed", "audio_file": None})


def test_a_task_that_is_done_without_a_link_five_times_in_a_row_is_incomplete_within_minutes() -> None:
    world = world_with(*[NO_LINK] * 5)
    assert until_it_ends(world) == 5
    assert 120 <= (world.clock.now - NOON).total_seconds() <= 300
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert failure.failure_class is FailureClass.INCOMPLETE


def test_a_task_whose_link_comes_after_its_final_status_is_ready() -> None:
    world = world_with(*[NO_LINK] * 4, DONE)
    assert until_it_ends(world) == 5
    assert world.stored(JOB_ID).status is JobStatus.STORING


def test_a_task_that_flips_between_done_and_running_ends_at_its_deadline() -> None:
    world = world_with(*[NO_LINK, RUNNING] * 200)
    polls = until_it_ends(world)
    assert (world.clock.now - NOON).total_seconds() <= 2 * 3600
    assert polls <= 2 * MOST_POLLS


def test_a_task_that_runs_again_after_its_link_was_dead_is_trouble() -> None:
    job = generating_job()
    renewed = job.attempts[0].model_copy(update={"link_renewals": 1})
    world = world_with(*[RUNNING] * MOST_POLLS, job=job.model_copy(update={"attempts": (renewed,)}))
    until_it_ends(world)
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert failure.code == "not_done_again"


def test_a_key_that_was_removed_is_trouble_until_it_is_back() -> None:
    world = world_with(DONE)
    world.keys.keys = {}
    assert poll(world).wait_seconds == 1
    world.keys.keys = {"aimlapi": {"default": KEY}}
    assert poll(world).kind is StepKind.READY


def test_the_callers_own_deadline_ends_patience() -> None:
    job = generating_job()
    hurried = job.model_copy(update={"request": song_request(finish_by=NOON + timedelta(seconds=10))})
    world = world_with(*[AnswerLostError("cut")] * MOST_POLLS, job=hurried)
    until_it_ends(world)
    assert 10 <= (world.clock.now - NOON).total_seconds() <= 20
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    assert world.stored(JOB_ID).status is JobStatus.EXPIRED


# ---- what is kept


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ScriptedAnswer(b"<html>a song, perhaps</html>", 200, "text/html"), id="html"),
        pytest.param(ScriptedAnswer(b'{"status": "completed", "audio_file": {"url": ', 200), id="half"),
        pytest.param(NO_LINK, id="no_link"),
        pytest.param(json_answer({"status": "error", "error": "no"}), id="failed"),
    ],
)
def test_an_answer_that_may_hold_a_paid_song_and_cannot_be_used_is_kept(answer: ScriptedAnswer) -> None:
    world = world_with(answer)
    poll(world)
    assert world.answers.files == {(JOB_ID, 1, "body.1"): answer.body}


@pytest.mark.parametrize("answer", [RUNNING, DONE, json_answer({"message": "slow down"}, 429), AnswerLostError("cut")])
def test_other_answers_are_not_kept(answer: ScriptedAnswer | FermataError) -> None:
    world = world_with(answer)
    poll(world)
    assert world.answers.files == {}


def test_an_answer_that_cannot_be_kept_ends_nothing() -> None:
    world = world_with(NO_LINK, DONE)
    world.answers.fail_next_keep_file = TransientError("S3 is away")
    assert poll(world).kind is StepKind.GENERATING
    assert poll(world).kind is StepKind.READY


# ---- the usual way


def test_polls_follow_how_long_the_models_last_songs_took() -> None:
    world = world_with(RUNNING, RUNNING)
    model = world.stored(JOB_ID).candidate.model
    before = poll(world).wait_seconds
    world.estimates.known = {model: Estimate(p50_s=8, p80_s=30)}
    assert (before, poll(world).wait_seconds) == (5, 2)


def test_the_first_poll_follows_how_long_the_models_last_songs_took() -> None:
    world = world_with(TASK_CREATED, job=queued_job("aimlapi"))
    world.estimates.known = {queued_job("aimlapi").candidate.model: Estimate(p50_s=20, p80_s=30)}
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").wait_seconds == 14


def test_a_task_that_failed_ends_the_attempt_as_perhaps_billed() -> None:
    world = world_with(json_answer({"status": "error", "error": {"name": "Moderation", "message": "no"}}))
    assert poll(world).kind is StepKind.FAILED
    attempt = world.stored(JOB_ID).attempts[0]
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.failure.code, attempt.provider_charged) == (
        FailureClass.CONTENT_REFUSED,
        "Moderation",
        ProviderCharged.UNKNOWN,
    )


def test_a_task_that_never_ends_is_given_up_at_its_deadline_as_unknown() -> None:
    world = world_with(RUNNING, RUNNING)
    world.clock.pass_seconds(99)
    assert poll(world, timeout_s=100).kind is StepKind.GENERATING
    world.clock.pass_seconds(1)
    assert poll(world, timeout_s=100).kind is StepKind.FAILED
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert (failure.failure_class, failure.code) == (FailureClass.UNKNOWN_OUTCOME, "generation_timeout")


def test_a_song_that_is_finished_at_the_deadline_is_taken() -> None:
    world = world_with(DONE)
    world.clock.pass_seconds(100)
    assert poll(world, timeout_s=100).kind is StepKind.READY


@pytest.mark.parametrize(
    ("job", "word"),
    [
        pytest.param(ready_job(), StepKind.READY, id="ready"),
        pytest.param(queued_job(), StepKind.RETRY_LATER, id="queued"),
        pytest.param(generating_job().settled(rate_limited(), NOON), StepKind.FAILED, id="settled"),
    ],
)
def test_a_job_that_waits_for_no_task_is_answered_from_the_record_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture, job: Job, word: StepKind
) -> None:
    world = world_with(job=job)
    assert poll(world).kind is word
    assert (world.upstream.sent, world.stored(JOB_ID)) == ([], job)
    assert late_polls(caplog) == [(1, job.status)]


def late_polls(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Attempt and the job's status of every poll that changed nothing because its attempt waits no more."""
    lines = [vars(line) for line in caplog.records if line.getMessage() == "late poll changes nothing"]
    return [(line["attempt"], line["status"]) for line in lines]


def test_a_poll_for_an_earlier_attempt_calls_no_provider_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    world = world_with()
    assert poll_generation(JOB_ID, 2, poll_ports()).kind is StepKind.GENERATING
    assert world.upstream.sent == []
    assert late_polls(caplog) == [(2, JobStatus.GENERATING)]


def test_a_poll_that_loses_the_race_answers_from_what_the_other_wrote_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = world_with(DONE)
    world.upstream.while_sending = lambda: settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), NOON)
    assert poll(world).kind is StepKind.FAILED
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
    assert poll(world, timeout_s=100).kind is StepKind.GENERATING


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(NotFoundError):
        poll(World())
