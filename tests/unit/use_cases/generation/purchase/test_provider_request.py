"""What an order contains, and the address of each attempt that only the provider learns."""

import hashlib
from datetime import timedelta

import pytest

from fermata.domain.jobs.attempt import AwaitedCallback
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep, StepKind
from fermata.domain.providers.callbacks import is_callback_token, new_callback
from fermata.errors import StaleRecordError, TransientError
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import resume_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.provider_keys import KEY
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import CALLBACK_RANDOMNESS, World
from tests.songs import JOB_ID, LYRICS, PROMPT, candidate, hex_answer, json_answer, queued_job, song_request

ACCEPTED = json_answer({"code": 200, "data": {"task_id": "n74a", "status": "IN_PROGRESS"}})
SONG = hex_answer(b"ID3" + bytes(5000))
REFUSED = json_answer({"code": 429, "message": "too many requests"}, 429)


def world_with(*script: ScriptedAnswer, job: Job | None = None) -> World:
    world = World(upstream=FakeUpstream(*(script or (ACCEPTED,))))
    world.jobs.create(job or queued_job("apiinone"))
    return world


def start(world: World) -> NextStep:
    return start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")


def sent_url(world: World, call: int = 0) -> str | None:
    body = world.upstream.sent[call].call.body
    assert body is not None
    url = body.get("callback_url")
    assert url is None or isinstance(url, str)
    return url


def test_a_token_is_unguessable_and_fits_its_form() -> None:
    tokens = {new_callback(JOB_ID, 1, NOON, bytes([n]) * 32)[0] for n in range(256)}
    assert len(tokens) == 256
    assert all(is_callback_token(token) for token in tokens)


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 44, "a" * 42 + "/", "a" * 42 + "=", "a" * 42 + "é", "a" * 42 + "\n"]
)
def test_anything_else_is_no_token(text: str) -> None:
    assert not is_callback_token(text)


def test_the_provider_is_given_an_address_of_which_only_the_hash_is_kept() -> None:
    world = world_with()
    verdict = start(world)
    url = sent_url(world) or ""
    assert url.startswith("https://api.example.com/v1/callbacks/")
    token = url.rpartition("/")[2]
    attempt = world.stored(JOB_ID).attempts[0]
    assert attempt.callback == AwaitedCallback(sha256=hashlib.sha256(token.encode()).hexdigest(), timeout_s=120)
    record = world.callbacks.load(attempt.callback.sha256)
    assert record is not None
    assert (record.job_id, record.attempt, record.expires_at) == (JOB_ID, 1, NOON + timedelta(days=2))
    # Seven tenths of the model's P50 in the catalogue.
    assert record.expects_from == NOON + timedelta(seconds=42)
    assert token not in record.model_dump_json() + world.stored(JOB_ID).model_dump_json()
    assert (verdict.kind, verdict.wait_seconds) == (StepKind.AWAITING_CALLBACK, 120)


def test_the_address_is_on_record_before_the_provider_learns_it() -> None:
    world = world_with()
    seen: list[int] = []
    world.upstream.while_sending = lambda: seen.append(len(world.callbacks))
    start(world)
    assert seen == [1]


def test_every_attempt_has_an_address_of_its_own() -> None:
    world = world_with(REFUSED, ACCEPTED)
    start(world)
    world.callback_randomness = CALLBACK_RANDOMNESS[::-1]
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2")
    assert sent_url(world, 0) != sent_url(world, 1)
    assert len({attempt.callback for attempt in world.stored(JOB_ID).attempts}) == 2


def test_a_model_that_does_not_call_back_is_given_no_address() -> None:
    model = queued_job("apiinone").candidate.model_copy(update={"callbacks": False})
    world = world_with(job=queued_job("apiinone", candidates=(model,)))
    assert start(world).kind is StepKind.GENERATING
    assert sent_url(world) is None
    assert (len(world.callbacks), world.stored(JOB_ID).attempts[0].callback) == (0, None)


@pytest.mark.parametrize("part", ["api_url", "callbacks"])
def test_without_an_address_to_give_the_song_is_ordered_and_polled_for(
    caplog: pytest.LogCaptureFixture, part: str
) -> None:
    world = world_with()
    getattr(world, part).failure = TransientError("the API's address could not be read: AccessDenied")
    verdict = start(world)
    assert (verdict.kind, world.upstream.posts, sent_url(world)) == (StepKind.GENERATING, 1, None)
    assert world.stored(JOB_ID).attempts[0].callback is None
    assert [vars(line)["reason"] for line in caplog.records] == ["the API's address could not be read: AccessDenied"]


def test_a_run_that_loses_the_claim_orders_nothing_and_leaves_the_winners_address() -> None:
    world = world_with()
    winner = queued_job("apiinone")

    def another_run_claims() -> None:
        raise StaleRecordError("somebody else wrote")

    world.jobs.before_next_save = another_run_claims
    start(world)
    assert world.upstream.posts == 0
    assert world.stored(JOB_ID) == winner


def test_a_resume_waits_for_the_same_callback() -> None:
    world = world_with()
    start(world)
    resumed = resume_generation(JOB_ID, resume_ports(), NOON)
    assert (resumed.kind, resumed.wait_seconds) == (StepKind.AWAITING_CALLBACK, 120)


def test_the_order_carries_the_request_and_the_operators_key() -> None:
    world = world_with(SONG, job=queued_job())
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    (sent,) = world.upstream.sent
    assert sent.key == KEY
    assert sent.call.body == {
        "model": "music-2.5",
        "prompt": PROMPT,
        "lyrics": LYRICS,
        "stream": False,
        "output_format": "hex",
        "audio_setting": {"sample_rate": 44100, "bitrate": 256000, "format": "mp3"},
    }


def test_switches_and_the_wanted_file_reach_the_provider() -> None:
    world = World(upstream=FakeUpstream(SONG))
    audio = {"format": "wav", "sample_rate": 32000}
    request = song_request(lyrics="", auto_lyrics=True, audio=audio)
    world.jobs.create(queued_job(request=request, candidates=(candidate().model_copy(update={"delivery": "url"}),)))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    body = world.upstream.sent[0].call.body or {}
    assert (body["lyrics_optimizer"], body["output_format"]) == (True, "url")
    assert body["audio_setting"] == {"sample_rate": 32000, "bitrate": 256000, "format": "wav"}
    assert "lyrics" not in body
