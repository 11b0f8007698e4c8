"""Every attempt keeps the id by which its provider's support finds the paid call."""

from dataclasses import replace

import pytest

from fermata.errors import AnswerLostError, TransientError
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import poll_ports, start_ports
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, generating_job, hex_answer, json_answer, queued_job

BYTES = b"ID3" + bytes(5000)
LINK = "https://cdn.aimlapi.com/a.mp3"
DONE = json_answer({"id": "uuid:minimax/music-2.0", "status": "completed", "audio_file": {"url": LINK}})
TASK = json_answer({"id": "uuid:minimax/music-2.0", "status": "queued"}, 201)


def started(*script: ScriptedAnswer, provider: str = "minimax") -> World:
    world = World(upstream=FakeUpstream(*script))
    world.jobs.create(queued_job(provider))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    return world


def trace_of(world: World) -> str | None:
    return world.stored(JOB_ID).attempts[0].trace_id


def from_header(answer: ScriptedAnswer, trace_id: str) -> ScriptedAnswer:
    return replace(answer, trace_id=trace_id)


def test_a_delivered_songs_attempt_has_the_trace_id_of_the_body() -> None:
    world = started(from_header(hex_answer(BYTES, trace_id="04ed"), "header"))
    assert (trace_of(world), world.stored(JOB_ID).attempts[0].failure) == ("04ed", None)


def test_without_one_in_the_body_the_header_counts() -> None:
    assert trace_of(started(from_header(hex_answer(BYTES), "header"))) == "header"


def test_an_answer_that_is_the_song_itself_has_the_headers() -> None:
    song = ScriptedAnswer(BYTES, content_type="audio/mpeg", trace_id="header")
    assert trace_of(started(song, provider="skillboss")) == "header"


def test_an_answer_without_a_trace_id_leaves_none() -> None:
    assert trace_of(started(hex_answer(BYTES))) is None


@pytest.mark.parametrize("unusable", ["", "x" * 129, "a\nb", "\u00e9", 7, None, ["04ed"]])
def test_an_unusable_trace_id_gives_way_to_the_header(unusable: object) -> None:
    assert trace_of(started(from_header(hex_answer(BYTES, trace_id=unusable), "header"))) == "header"


def test_a_refused_attempt_has_the_trace_id_of_its_refusal() -> None:
    world = started(from_header(json_answer({"base_resp": {"status_code": 1026, "status_msg": "no"}}), "header"))
    assert trace_of(world) == "header"


def test_a_cut_answer_leaves_the_trace_id_of_its_headers() -> None:
    cut = replace(hex_answer(BYTES), ends_with=AnswerLostError("cut"), trace_id="header")
    world = started(cut)
    (attempt,) = world.stored(JOB_ID).attempts
    assert (attempt.trace_id, attempt.provider_charged.value) == ("header", "unknown")


def test_a_run_that_died_after_staging_loses_no_trace_id() -> None:
    world = World(upstream=FakeUpstream(from_header(hex_answer(BYTES), "header")))
    world.jobs.create(queued_job())
    world.answers.fail_next_keep = world.answers.fail_next_open = TransientError("the bucket is away")
    with pytest.raises(TransientError):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert trace_of(world) is None
    resume_generation(JOB_ID, start_ports(world.remaining_ms).resume, world.clock())
    assert trace_of(world) == "header"


def test_a_task_keeps_the_trace_id_of_its_paid_call() -> None:
    world = started(from_header(TASK, "paid"), from_header(DONE, "poll"), provider="aimlapi")
    assert trace_of(world) == "paid"
    poll_generation(JOB_ID, 1, poll_ports())
    assert trace_of(world) == "paid"


@pytest.mark.parametrize(
    "last_poll",
    [
        DONE,
        json_answer({"id": "uuid:minimax/music-2.0", "status": "error", "error": "no"}),
        ScriptedAnswer(BYTES, content_type="audio/mpeg"),
        hex_answer(BYTES),
    ],
    ids=["link", "failed", "the_song_itself", "hex"],
)
def test_a_task_without_one_has_that_of_the_poll_that_ended_it(last_poll: ScriptedAnswer) -> None:
    world = World(upstream=FakeUpstream(from_header(last_poll, "poll")))
    world.jobs.create(generating_job())
    poll_generation(JOB_ID, 1, poll_ports())
    assert (trace_of(world), world.stored(JOB_ID).version) == ("poll", generating_job().version + 1)


def test_the_trace_id_outlives_the_deletion_of_the_song() -> None:
    world = started(hex_answer(BYTES, trace_id="04ed"))
    assert world.stored(JOB_ID).attempts[0].forgotten().trace_id == "04ed"
