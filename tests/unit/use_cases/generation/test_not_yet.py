"""The last "not yet" of a provider travels with the state machine, costs no write, and is stored with the song."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.latency import song_time_of
from fermata.domain.jobs.next_step import NextStep, StepKind, read_instant
from fermata.errors import AnswerLostError, FermataError
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import poll_ports, poll_run, resume_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.scenario.asl_interpreter import Functions, Played
from tests.songs import JOB_ID, callback, called_back_job, hex_answer, json_answer, queued_job, stored_track

TAKEN = json_answer({"id": "uuid:minimax/music-2.0", "status": "queued"}, 201)
RUNNING = json_answer({"id": "uuid:minimax/music-2.0", "status": "generating"})
DONE = json_answer({"status": "completed", "audio_file": {"url": "https://cdn.aimlapi.com/x.mp3"}})
LOST = AnswerLostError("cut")
SUNO_TAKEN = json_answer({"code": 200, "data": {"task_id": "n74a", "status": "IN_PROGRESS"}})
SUNO_RUNNING = json_answer({"code": 200, "data": {"type": "FIRST", "response_data": []}})
SUNO_DONE = json_answer(
    {"code": 200, "data": {"type": "SUCCESS", "response_data": [{"audio_url": "https://cdn1.suno.ai/a.mp3"}]}}
)


def world_with(*script: ScriptedAnswer | FermataError, provider: str = "aimlapi") -> World:
    world = World(upstream=FakeUpstream(*script))
    world.jobs.create(queued_job(provider))
    return world


def attempt_of(world: World) -> Attempt:
    return world.stored(JOB_ID).attempts[-1]


def poll(world: World, before: NextStep, after_s: float) -> NextStep:
    """Poll with what the machine remembers, so many seconds after the verdict before."""
    world.clock.pass_seconds(after_s)
    not_yet_at = read_instant(before.not_before)
    return poll_generation(JOB_ID, before.attempt, poll_ports(), not_yet_at)


def bounds_of(world: World) -> tuple[float, float]:
    """What would be learned of the song if it were stored now."""
    job = world.stored(JOB_ID).with_tracks((stored_track(),), world.clock()).settled(None, world.clock())
    song = song_time_of(job)
    assert song is not None
    return song.bounds


def seconds(instant: str) -> float:
    found = read_instant(instant)
    assert found is not None
    return (found - NOON).total_seconds()


# ---- what is remembered


def test_an_order_that_was_taken_and_every_poll_that_found_no_song_say_not_yet() -> None:
    world = world_with(TAKEN, RUNNING, RUNNING)
    world.upstream.while_sending = lambda: world.clock.pass_seconds(2)
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run")
    assert seconds(verdict.not_before) == 2
    verdict = poll(world, verdict, 56)
    assert (verdict.kind, seconds(verdict.not_before)) == (StepKind.GENERATING, 58)
    assert seconds(poll(world, verdict, 7).not_before) == 65


def test_polls_that_find_no_song_write_nothing() -> None:
    world = world_with(TAKEN, RUNNING, RUNNING)
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run")
    version = world.stored(JOB_ID).version
    poll(world, poll(world, verdict, 56), 7)
    assert world.stored(JOB_ID).version == version


def test_the_song_is_stored_with_the_last_not_yet_and_the_first_answer_that_had_it() -> None:
    world = world_with(TAKEN, RUNNING, RUNNING, DONE)
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run")
    for pause_s in (56, 7, 8):
        verdict = poll(world, verdict, pause_s)
    assert verdict.kind is StepKind.READY
    assert attempt_of(world).not_yet_at == NOON + timedelta(seconds=63)
    assert bounds_of(world) == (63, 71)


def test_a_song_that_the_first_poll_found_was_ready_after_the_order_was_taken() -> None:
    world = world_with(TAKEN, DONE)
    poll(world, start_generation(JOB_ID, start_ports(world.remaining_ms), "run"), 56)
    assert bounds_of(world) == (0, 56)


@pytest.mark.parametrize("lost", [1, 3])
def test_a_poll_that_was_not_answered_is_no_not_yet(lost: int) -> None:
    world = world_with(TAKEN, RUNNING, *[LOST] * lost, DONE)
    verdict = poll(world, start_generation(JOB_ID, start_ports(world.remaining_ms), "run"), 56)
    for _ in range(lost):
        verdict = poll(world, verdict, 10)
        assert seconds(verdict.not_before) == 56
    poll(world, verdict, 10)
    assert bounds_of(world) == (56, 66 + 10 * lost)


@pytest.mark.parametrize(
    "wordless",
    [
        pytest.param([json_answer({"code": 500, "message": "internal"})], id="trouble"),
        pytest.param([json_answer({"code": 200, "message": "success", "data": {}})] * 2, id="no_state_on_either_route"),
    ],
)
def test_a_poll_whose_answer_has_no_status_of_the_task_is_no_not_yet(wordless: list[ScriptedAnswer]) -> None:
    world = world_with(SUNO_TAKEN, SUNO_RUNNING, *wordless, SUNO_DONE, provider="apiinone")
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run")
    for pause_s in (40, 10, 10):
        verdict = poll(world, verdict, pause_s)
    assert verdict.kind is StepKind.READY
    assert bounds_of(world) == (40, 60)


def test_a_song_in_the_answer_to_the_order_took_exactly_as_long_as_that_answer() -> None:
    world = world_with(hex_answer(b"ID3" + bytes(2000)), provider="minimax")
    world.upstream.while_sending = lambda: world.clock.pass_seconds(72)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run").kind is StepKind.READY
    assert bounds_of(world) == (72, 72)


def test_an_answer_that_another_run_reads_later_was_there_at_some_time_before() -> None:
    world = world_with(hex_answer(b"ID3" + bytes(2000)), provider="minimax")
    world.upstream.while_sending = lambda: setattr(world.jobs, "before_next_save", crash)
    with pytest.raises(RuntimeError):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run")
    world.clock.pass_seconds(500)
    assert resume_generation(JOB_ID, resume_ports(), world.clock()).kind is StepKind.READY
    assert bounds_of(world) == (0, 500)


def test_a_resume_reports_when_the_order_was_taken_and_not_when_it_read() -> None:
    world = world_with(TAKEN)
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run")
    world.clock.pass_seconds(500)
    assert seconds(resume_generation(JOB_ID, resume_ports(), world.clock()).not_before) == 0


def crash() -> None:
    raise RuntimeError("the run was killed")


def test_a_song_that_was_called_back_for_was_ready_before_the_poll_that_the_post_led_to() -> None:
    world = World(upstream=FakeUpstream(SUNO_RUNNING, SUNO_DONE))
    world.jobs.create(called_back_job())
    world.callbacks.create(callback()[1])
    first = NextStep(StepKind.AWAITING_CALLBACK, 1, 120, "2026-11-21T12:00:01Z")
    woken = poll(world, first, 30)
    assert (woken.kind, seconds(woken.not_before)) == (StepKind.AWAITING_CALLBACK, 30)
    poll(world, woken, 25)
    assert bounds_of(world) == (30, 55)


# ---- what the machine hands over


@pytest.mark.parametrize(
    "value",
    [None, "", "noon", "2026-11-21", "2026-11-21T12:00:00", 1_795_000_000, {}, [], True, "2026-11-21T25:00:00Z"],
)
def test_a_value_that_is_no_instant_is_ignored(value: object) -> None:
    assert read_instant(value) is None


@pytest.mark.parametrize("value", ["2026-11-21T12:00:00Z", "2026-11-21T12:00:00.000000Z", "2026-11-21T13:00:00+01:00"])
def test_an_instant_is_read_in_any_precision_and_time_zone(value: str) -> None:
    assert read_instant(value) == NOON


def test_an_execution_that_began_before_this_was_remembered_knows_when_the_order_was_taken() -> None:
    world = world_with(TAKEN, DONE)
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run")
    world.clock.pass_seconds(56)
    poll_generation(JOB_ID, 1, poll_ports())
    assert bounds_of(world) == (0, 56)


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_remembered_of_another_attempt_or_of_a_job_that_has_ended_changes_nothing(number: int) -> None:
    job = queued_job()
    assert job.known_not_yet(number, NOON) is job
    ready = world_with(hex_answer(b"ID3" + bytes(2000)), provider="minimax")
    start_generation(JOB_ID, start_ports(ready.remaining_ms), "run")
    stored = ready.stored(JOB_ID)
    assert stored.known_not_yet(number, NOON + timedelta(hours=1)) is stored


# ---- the shipped machine


class Machine:
    """The shipped machine from an order to a settled job, over the use cases themselves."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.played = Played(JOB_ID, world.clock())

    def run(self) -> Job:
        while not self.played.is_over:
            self.world.clock.now = max(self.world.clock.now, self.played.due)
            self.played.play(self._functions(), self.world.clock())
        return self.world.stored(JOB_ID)

    def _functions(self) -> Functions:
        world = self.world
        return {
            "${StartGenerationFunctionArn}": lambda _: start_generation(
                JOB_ID, start_ports(world.remaining_ms), "run"
            ).as_payload(),
            "${PollGenerationFunctionArn}": self._poll,
            "${StoreAudioFunctionArn}": self._store,
        }

    def _poll(self, payload: dict[str, object]) -> dict[str, object]:
        not_yet_at = read_instant(payload["not_yet_at"])
        assert not_yet_at is not None
        run = poll_run(self.world.remaining_ms)
        return poll_generation(JOB_ID, 1, poll_ports(), not_yet_at, run).as_payload()

    def _store(self, _: dict[str, object]) -> dict[str, object]:
        job = self.world.stored(JOB_ID)
        self.world.jobs.save(job.with_tracks((stored_track(),), self.world.clock()))
        return {"status": settle_job(JOB_ID, None, settle_ports(), self.world.clock()).value}


def learned_from(answers: Iterable[ScriptedAnswer | FermataError]) -> tuple[float, float]:
    with world_with(TAKEN, *answers) as world:
        job = Machine(world).run()
    assert job.attempts[-1].state is AttemptState.READY
    ((song,),) = world.estimates.times.models.values()
    return song.bounds


def test_the_shipped_machine_learns_the_bounds_of_a_song() -> None:
    assert learned_from([DONE]) == (0, 49)
    assert learned_from([RUNNING, DONE]) == (49, 56)
    assert learned_from([RUNNING, RUNNING, RUNNING, DONE]) == (63, 71)


def test_the_shipped_machine_learns_wide_bounds_where_a_poll_had_trouble() -> None:
    earliest_s, latest_s = learned_from([RUNNING, LOST, DONE])
    assert earliest_s == 49
    assert latest_s > 56


def test_a_machine_without_an_instant_polls_all_the_same() -> None:
    verdict = replace(NextStep(StepKind.GENERATING, 1, 5, "2026-11-21T12:00:00Z"), not_before="")
    world = world_with(TAKEN, DONE)
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run")
    assert poll(world, verdict, 56).kind is StepKind.READY
