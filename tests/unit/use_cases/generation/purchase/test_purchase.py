"""The purchase: one claim, one POST, the answer kept before it is read, and an honest record of every other end."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.errors import (
    AnswerLostError,
    ConfigurationError,
    NotSentError,
    StaleRecordError,
    TransientError,
)
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import poll_ports, resume_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.provider_keys import KEY, FixedProviderKeys
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    LINK,
    candidate,
    claimed_attempt,
    hex_answer,
    json_answer,
    queued_job,
    song_request,
    stream_answer,
)
from tests.support.audio_files import mp3

SONG = hex_answer(b"ID3" + bytes(5000))
TASK = json_answer({"id": "uuid:minimax/music-2.0", "status": "queued"}, 201)


def world_with(*script: ScriptedAnswer | Exception, provider: str = "minimax") -> World:
    world = World(upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    world.jobs.create(queued_job(provider))
    return world


def test_a_blocking_provider_answers_with_a_song_that_is_ready_to_store() -> None:
    world = world_with(SONG)
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (verdict.kind, verdict.attempt) == (StepKind.READY, 1)
    job = world.stored(JOB_ID)
    assert job.status is JobStatus.STORING
    (attempt,) = job.attempts
    assert (attempt.state, attempt.provider_charged, attempt.audio) == (
        AttemptState.READY,
        ProviderCharged.YES,
        Audio(source=AudioSource.HEX),
    )
    assert (attempt.provider, attempt.model, attempt.key_alias, attempt.claim_id) == (
        "minimax",
        "music-2.5",
        "default",
        "run-1",
    )
    assert world.answers.kept[JOB_ID, 1].body == SONG.body


def test_a_link_in_the_answer_is_kept_byte_for_byte() -> None:
    world = world_with(json_answer({"data": {"audio": LINK, "status": 2}, "base_resp": {"status_code": 0}}))
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.READY
    assert world.stored(JOB_ID).attempts[0].audio == Audio(source=AudioSource.LINKS, links=(LINK,))


PARTS = [(b"ID3" + bytes(3000), 1), (bytes(2000), 1)]
WHOLE = (b"ID3" + bytes(5000), 2)


def live_world(answer: ScriptedAnswer) -> World:
    world = World(upstream=FakeUpstream(answer))
    model = candidate().model_copy(update={"live": True})
    world.jobs.create(queued_job(candidates=(model,), request=song_request(live=True)))
    return world


def test_a_live_song_is_one_post_whose_stream_is_staged_byte_for_byte() -> None:
    answer = stream_answer(*PARTS, WHOLE)
    world = live_world(answer)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.READY
    (sent,) = world.upstream.sent
    body = sent.call.body or {}
    assert (body["stream"], body["output_format"]) == (True, "hex")
    assert world.answers.kept[JOB_ID, 1].body == answer.body
    assert world.stored(JOB_ID).attempts[0].audio == Audio(source=AudioSource.EVENTS, whole_event=2)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (stream_answer(*PARTS), FailureClass.UNKNOWN_OUTCOME),
        (stream_answer(), FailureClass.INCOMPLETE),
        (stream_answer((b"", 2)), FailureClass.INCOMPLETE),
    ],
    ids=["no_last_event", "empty", "no_audio"],
)
def test_a_stream_without_a_song_may_have_been_billed_and_what_came_is_kept(
    answer: ScriptedAnswer, found: FailureClass
) -> None:
    world = live_world(answer)
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    (attempt,) = world.stored(JOB_ID).attempts
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.provider_charged) == (found, ProviderCharged.UNKNOWN)
    assert world.answers.kept[JOB_ID, 1].body == answer.body


def test_a_stream_that_is_cut_is_an_unknown_outcome_and_what_was_heard_is_kept() -> None:
    answer = replace(stream_answer(*PARTS), ends_with=AnswerLostError("cut"))
    world = live_world(answer)
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    (attempt,) = world.stored(JOB_ID).attempts
    assert attempt.failure is not None
    assert attempt.failure.failure_class is FailureClass.UNKNOWN_OUTCOME
    assert world.answers.files[JOB_ID, 1, "cut"] == answer.body


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
def test_json_in_place_of_a_stream_is_read_as_ever(content_type: str) -> None:
    world = live_world(replace(SONG, content_type=content_type))
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.READY
    assert world.stored(JOB_ID).attempts[0].audio == Audio(source=AudioSource.HEX)


def test_a_task_provider_answers_with_a_task_to_poll() -> None:
    world = world_with(TASK, provider="aimlapi")
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (verdict.kind, verdict.wait_seconds) == (StepKind.GENERATING, 49)
    job = world.stored(JOB_ID)
    assert (job.status, job.attempts[0].upstream_id) == (JobStatus.GENERATING, "uuid:minimax/music-2.0")
    assert job.attempts[0].provider_charged is ProviderCharged.YES


def a_house_that_speaks_like(dialect: str) -> World:
    """A provider of its own name and key whose only model is ordered in another's dialect."""
    shipped = read_catalogue()
    providers = {**shipped.providers, "house": shipped.providers["minimax"]}
    catalogue = shipped.model_copy(update={"providers": providers})
    world = World(keys=FixedProviderKeys({"house": {"2026-11": KEY}}), catalogue=catalogue)
    model = candidate(dialect).model_copy(update={"provider": "house"})
    world.jobs.create(queued_job(candidates=(model,)))
    return world


def test_a_model_is_ordered_in_its_dialect_with_the_key_of_its_provider() -> None:
    world = a_house_that_speaks_like("aimlapi")
    world.upstream.script = [TASK]
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.GENERATING
    (sent,) = world.upstream.sent
    assert (sent.provider, sent.key, sent.call.path) == ("house", KEY, "/v2/generate/audio")
    (attempt,) = world.stored(JOB_ID).attempts
    assert (attempt.provider, attempt.dialect, attempt.key_alias) == ("house", "aimlapi", "2026-11")


def test_a_task_is_polled_in_the_dialect_in_which_it_was_ordered() -> None:
    world = a_house_that_speaks_like("aimlapi")
    link = "https://cdn.house.example/song.mp3"
    world.upstream.script = [TASK, json_answer({"status": "completed", "audio_file": {"url": link}})]
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is StepKind.READY
    sent = world.upstream.sent[-1]
    assert (sent.provider, sent.key, sent.call.method) == ("house", KEY, "GET")
    assert world.stored(JOB_ID).attempts[0].audio == Audio(source=AudioSource.LINKS, links=(link,))


def test_a_staged_answer_is_resumed_in_the_dialect_in_which_it_was_ordered() -> None:
    world = a_house_that_speaks_like("minimax")
    world.upstream.script = [SONG]
    # The run dies once the answer is staged and before the record is written.
    world.answers.fail_next_keep = StaleRecordError("killed")
    with pytest.raises(StaleRecordError):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert resume_generation(JOB_ID, resume_ports(), NOON).kind is StepKind.READY


def test_the_post_ends_before_the_run_does() -> None:
    world = world_with(SONG)
    world.remaining_s = 300
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.upstream.sent[0].within_s == 255


@pytest.mark.parametrize("remaining_s", [300, 899.5])
def test_the_claim_outlives_the_run_by_the_margin(remaining_s: float) -> None:
    world = world_with(SONG)
    world.remaining_s = remaining_s
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.stored(JOB_ID).attempts[0].claim_until == NOON + timedelta(seconds=remaining_s + 60)


def test_time_spent_on_reading_the_key_does_not_shorten_the_claim() -> None:
    world = world_with(SONG)

    def slow_secret() -> None:
        world.clock.pass_seconds(100)
        world.remaining_s -= 100

    world.keys.on_use = slow_secret
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.stored(JOB_ID).attempts[0].claim_until == NOON + timedelta(seconds=960)


def test_the_claim_is_on_record_before_the_request_goes_out() -> None:
    world = world_with(SONG)
    seen = []
    world.upstream.while_sending = lambda: seen.append(world.stored(JOB_ID))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (seen[0].status, seen[0].attempts[0].state) == (JobStatus.SUBMITTING, AttemptState.CLAIMED)
    assert seen[0].attempts[0].claim_id == "run-1"


def test_two_racing_runs_claim_once_and_post_once() -> None:
    world = world_with(SONG)
    verdicts = []

    def the_other_run() -> None:
        verdicts.append(start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2"))

    # The other run does everything between this run's read and its claim.
    world.jobs.before_next_save = the_other_run
    verdicts.append(start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1"))
    assert world.upstream.posts == 1
    assert [attempt.claim_id for attempt in world.stored(JOB_ID).attempts] == ["run-2"]
    assert [verdict.kind for verdict in verdicts] == [StepKind.READY, StepKind.READY]


def test_a_run_whose_claim_came_second_posts_nothing_while_the_first_is_posting() -> None:
    world = world_with()
    first = queued_job().claimed(claimed_attempt(claim_id="run-2"), NOON)
    world.jobs.before_next_save = lambda: world.jobs.save(first)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.IN_FLIGHT
    assert (world.upstream.posts, world.stored(JOB_ID)) == (0, first)


def test_a_claim_whose_answer_was_lost_is_recognised_by_its_id() -> None:
    world = world_with(SONG)

    def lose_the_answer() -> None:
        # What a client sees that sends an applied write again.
        raise StaleRecordError("the version is not the one before")

    world.jobs.after_next_save = lose_the_answer
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert verdict.kind is StepKind.READY
    assert world.upstream.posts == 1
    assert [attempt.claim_id for attempt in world.stored(JOB_ID).attempts] == ["run-1"]


def test_a_runs_own_claim_that_was_closed_meanwhile_is_not_posted() -> None:
    world = world_with()

    def lose_the_answer_for_long() -> None:
        world.clock.pass_seconds(1000)
        resume_generation(JOB_ID, resume_ports(), world.clock())
        raise StaleRecordError("the version is not the one before")

    world.jobs.after_next_save = lose_the_answer_for_long
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (verdict.kind, world.upstream.posts) == (StepKind.FAILED, 0)


def test_a_claim_that_could_not_be_written_posts_nothing() -> None:
    world = world_with()

    def out_of_order() -> None:
        raise TransientError("the job table could not be written")

    world.jobs.before_next_save = out_of_order
    with pytest.raises(TransientError):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (world.upstream.posts, world.stored(JOB_ID).attempts) == (0, ())


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(AnswerLostError("cut after 10 bytes"), id="cut_before_the_answer"),
        pytest.param(ScriptedAnswer(SONG.body[:3000], ends_with=AnswerLostError("cut")), id="cut_in_the_body"),
        pytest.param(ScriptedAnswer(SONG.body[:3000]), id="short_but_complete"),
        pytest.param(ScriptedAnswer(b"<html>Bad gateway</html>", 502, "text/html"), id="html"),
        pytest.param(ScriptedAnswer(b"\x00\xff garbage", 200, "application/json"), id="garbage"),
        pytest.param(ScriptedAnswer(b"", 200), id="empty"),
        pytest.param(ScriptedAnswer(b"[]", 200), id="a_list"),
        pytest.param(json_answer({"error": "internal"}, 500), id="http_500"),
        pytest.param(json_answer({"base_resp": {"status_code": 1001, "status_msg": "timeout"}}), id="provider_timeout"),
    ],
)
def test_an_inconclusive_answer_is_an_unknown_outcome_and_its_order_is_never_repeated(
    trouble: ScriptedAnswer | AnswerLostError,
) -> None:
    world = world_with(trouble)
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert verdict.kind is StepKind.FAILED
    job = world.stored(JOB_ID)
    failure = job.attempts[0].failure
    assert failure is not None
    assert (failure.failure_class, job.attempts[0].provider_charged) == (
        FailureClass.UNKNOWN_OUTCOME,
        ProviderCharged.UNKNOWN,
    )
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2").kind is StepKind.FAILED
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-3").kind is StepKind.FAILED
    assert world.upstream.posts == 1


def test_a_cut_answer_leaves_nothing_staged() -> None:
    world = world_with(ScriptedAnswer(SONG.body[:3000], ends_with=AnswerLostError("cut")))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.answers.kept == {}


def test_an_answer_is_durable_before_it_is_read() -> None:
    world = world_with(ScriptedAnswer(b'{"data": {"audio": "00", "audio": "01"}}'))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.answers.kept[JOB_ID, 1].body.startswith(b'{"data"')


def test_an_answer_with_two_songs_as_texts_is_ready_and_staged_whole() -> None:
    answer = ScriptedAnswer(json.dumps({"data": [{"audio": mp3().hex()}, {"audio": mp3()[:-417].hex()}]}).encode())
    world = world_with(answer)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.READY
    attempt = world.stored(JOB_ID).attempts[0]
    assert (attempt.audio, attempt.failure) == (Audio(source=AudioSource.HEX), None)
    assert world.answers.kept[JOB_ID, 1].body == answer.body


def test_an_upload_whose_answer_was_lost_is_looked_for() -> None:
    world = world_with(SONG)
    world.answers.fail_next_keep = TransientError("the provider's answer could not be staged")
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.READY
    assert world.upstream.posts == 1


def test_an_answer_that_could_not_be_staged_is_an_unknown_outcome() -> None:
    world = world_with(ScriptedAnswer(SONG.body[:3000], ends_with=TransientError("staging broke")))  # never kept
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert (failure.failure_class, failure.code) == (FailureClass.UNKNOWN_OUTCOME, "TransientError")


def test_a_staged_answer_that_cannot_be_read_now_is_left_for_a_resume() -> None:
    world = world_with(SONG)
    world.answers.fail_next_keep = TransientError("the store's answer was lost")
    world.answers.fail_next_open = TransientError("the staged answer could not be opened")
    with pytest.raises(TransientError):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.stored(JOB_ID).attempts[0].state is AttemptState.CLAIMED
    assert resume_generation(JOB_ID, resume_ports(), world.clock()).kind is StepKind.READY


def test_no_connection_is_unpaid_and_tried_again_later() -> None:
    world = world_with(NotSentError("no connection to minimax"), SONG)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.RETRY_LATER
    attempt = world.stored(JOB_ID).attempts[0]
    assert (attempt.provider_charged, attempt.failure and attempt.failure.code) == (
        ProviderCharged.NO,
        "no_connection",
    )
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2").kind is StepKind.READY


def test_messages_on_record_hold_no_key() -> None:
    world = world_with(json_answer({"base_resp": {"status_code": 1004, "status_msg": f"bad key {KEY}"}}))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert KEY not in json.dumps(world.stored(JOB_ID).model_dump(mode="json"))


def test_an_unknown_dialect_is_a_configuration_error() -> None:
    world = World()
    world.jobs.create(queued_job(candidates=(candidate().model_copy(update={"dialect": "nobody"}),)))
    with pytest.raises(ConfigurationError):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.upstream.posts == 0
