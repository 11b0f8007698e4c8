"""One run polls several times: its pauses are the schedule's, short and bounded, and always leave time for a poll."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.config import PollSettings
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep, StepKind, read_instant
from fermata.domain.providers.failures import unknown_outcome
from fermata.errors import AnswerLostError, FermataError
from fermata.use_cases.generation.follow.ask_task import POLL_WITHIN_S
from fermata.use_cases.generation.follow.poll_generation import TIME_TO_RECORD_S, PollRun, poll_generation
from fermata.wiring import runtime
from fermata.wiring.generation import poll_ports, poll_run
from local.deploy.transform import read_template
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.functions import ROOT
from tests.songs import JOB_ID, called_back_job, generating_job, json_answer

RUNNING = json_answer({"id": "uuid:minimax/music-2.0", "status": "generating"})
DONE = json_answer({"status": "completed", "audio_file": {"url": "https://cdn.aimlapi.com/x.mp3"}})
NO_LINK = json_answer({"status": "completed", "audio_file": None})
SUNO_RUNNING = json_answer({"code": 200, "data": {"type": "FIRST", "response_data": []}})
SUNO_DONE = json_answer(
    {"code": 200, "data": {"type": "SUCCESS", "response_data": [{"audio_url": "https://cdn1.suno.ai/a.mp3"}]}}
)
LOST = AnswerLostError("cut")
FIRST_POLL_S = 46
"""After the order; the estimate is of 70 and 120 s."""


def world_with(*script: ScriptedAnswer | FermataError, job: Job | None = None, at_s: float = FIRST_POLL_S) -> World:
    world = World(upstream=FakeUpstream(*script), remaining_s=100)
    world.jobs.create(job or generating_job())
    world.clock.pass_seconds(at_s)
    return world


def run_of(
    world: World, remaining_s: float = 100, most_s: int = 30, meanwhile: Callable[[], object] = lambda: None
) -> PollRun:
    """A run that began now and has so many seconds; `meanwhile` happens in each pause."""
    ends = world.clock() + timedelta(seconds=remaining_s)

    def pause(seconds: float) -> None:
        world.clock.pass_seconds(seconds)
        meanwhile()

    def left_s() -> float:
        return (ends - world.clock()).total_seconds()

    return PollRun(pause, left_s, most_s)


def polls(world: World, run: PollRun) -> tuple[NextStep, list[float]]:
    """The step after a run, and when it polled, in seconds after the order."""
    at: list[float] = []
    send = world.upstream.send

    def noted(*arguments: object) -> object:
        at.append((world.clock() - NOON).total_seconds())
        return send(*arguments)  # type: ignore[arg-type] # as it was called

    world.upstream.send = noted  # type: ignore[method-assign,assignment] # the fake's own, watched
    return poll_generation(JOB_ID, 1, poll_ports(), None, run), at


# ---- pauses


def test_a_song_that_comes_within_thirty_seconds_of_the_first_poll_takes_one_run() -> None:
    world = world_with(RUNNING, RUNNING, RUNNING, DONE)
    step, at = polls(world, run_of(world))
    assert (step.kind, at) == (StepKind.READY, [46, 52, 59, 67])


def test_a_run_ends_with_the_machines_pause_before_its_pauses_exceed_thirty_seconds() -> None:
    world = world_with(*[RUNNING] * 9)
    step, at = polls(world, run_of(world))
    assert at == [46, 52, 59, 67, 76]
    assert (step.kind, step.wait_seconds) == (StepKind.GENERATING, 10)


def test_a_run_pauses_ten_seconds_where_the_machine_would_wait_longer() -> None:
    world = world_with(*[RUNNING] * 9, at_s=110)
    step, at = polls(world, run_of(world))
    assert at == [110, 120, 130, 140]
    assert step.wait_seconds == 15


def test_a_run_without_time_for_pauses_polls_once() -> None:
    world = world_with(RUNNING)
    step, at = polls(world, run_of(world, most_s=0))
    assert (at, step.wait_seconds) == ([46], 6)


def test_a_late_song_is_left_to_the_machine() -> None:
    world = world_with(RUNNING, at_s=241)
    step, at = polls(world, run_of(world))
    assert (at, step.wait_seconds) == ([241], 31)


@given(
    at_s=st.integers(1, 4000),
    remaining_s=st.floats(0, 200),
    most_s=st.integers(0, 30),
    wishes=st.lists(st.none() | st.integers(0, 20), min_size=40, max_size=40),
)
def test_whatever_the_provider_wishes_a_run_keeps_its_bounds(
    at_s: int, remaining_s: float, most_s: int, wishes: list[int | None]
) -> None:
    answers = [json_answer({"status": "generating"}, retry_after_s=wish) for wish in wishes]
    with world_with(*answers, at_s=at_s) as world:
        step, at = polls(world, run_of(world, remaining_s, most_s))
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert sum(pauses) <= most_s
    assert all(max(1, wish or 0) <= pause <= 10 for wish, pause in zip(wishes, pauses, strict=False))
    assert not pauses or at_s + remaining_s - at[-1] >= POLL_WITHIN_S + TIME_TO_RECORD_S
    assert step.kind in (StepKind.GENERATING, StepKind.FAILED)


# ---- what only the machine waits for


@pytest.mark.parametrize(
    ("wish_s", "at", "wait_s"), [(9, [46, 55], None), (10, [46, 56], None), (11, [46], 11), (600, [46], 600)]
)
def test_a_retry_after_is_obeyed_by_the_run_up_to_ten_seconds_and_by_the_machine_beyond(
    wish_s: int, at: list[float], wait_s: int | None
) -> None:
    world = world_with(json_answer({"status": "generating"}, retry_after_s=wish_s), DONE)
    step, polled = polls(world, run_of(world))
    assert polled == at
    assert wait_s is None or step.wait_seconds == wait_s


@pytest.mark.parametrize("trouble", [LOST, NO_LINK, json_answer({"message": "slow down"}, 429, retry_after_s=5)])
def test_patience_is_the_machines(trouble: ScriptedAnswer | FermataError) -> None:
    world = world_with(RUNNING, trouble)
    step, at = polls(world, run_of(world))
    assert (step.kind, at) == (StepKind.GENERATING, [46, 52])
    assert world.stored(JOB_ID).attempts[0].retries.polls == 1


@pytest.mark.parametrize(("remaining_s", "polled"), [(61, 2), (60.9, 1), (20, 1)])
def test_a_run_pauses_only_if_it_can_still_finish_the_longest_poll(remaining_s: float, polled: int) -> None:
    world = world_with(RUNNING, RUNNING)
    _, at = polls(world, run_of(world, remaining_s))
    assert len(at) == polled
    assert (6 + POLL_WITHIN_S + TIME_TO_RECORD_S) == 61


def test_a_run_whose_polls_are_slow_pauses_less() -> None:
    world = world_with(*[RUNNING] * 3)
    run = run_of(world)
    world.upstream.while_sending = lambda: world.clock.pass_seconds(36)
    step, at = polls(world, run)
    assert at == [46]
    assert step.wait_seconds == 11


# ---- what happens meanwhile


def test_a_job_that_ended_in_a_pause_is_not_polled_again() -> None:
    world = world_with(RUNNING)

    def end() -> None:
        world.jobs.settle(world.stored(JOB_ID).settled(unknown_outcome("its machine ran out of time"), world.clock()))

    step, at = polls(world, run_of(world, meanwhile=end))
    assert (step.kind, at) == (StepKind.FAILED, [46])


def test_a_job_that_passes_its_finish_by_in_a_run_is_given_up() -> None:
    job = generating_job()
    request = job.request.model_copy(update={"finish_by": NOON + timedelta(seconds=50)})
    late = job.model_copy(update={"request": request})
    world = world_with(RUNNING, RUNNING, job=late)
    step, at = polls(world, run_of(world))
    assert (step.kind, at) == (StepKind.FAILED, [46, 52])


def test_the_run_remembers_the_last_not_yet_as_the_machine_does() -> None:
    world = world_with(RUNNING, RUNNING, DONE)
    version = world.stored(JOB_ID).version
    polls(world, run_of(world))
    attempt = world.stored(JOB_ID).attempts[0]
    assert (attempt.state, attempt.not_yet_at) == (AttemptState.READY, NOON + timedelta(seconds=52))
    assert attempt.finished_at == NOON + timedelta(seconds=59)
    assert world.stored(JOB_ID).version == version + 1


def test_the_machine_learns_the_last_not_yet_of_a_run() -> None:
    world = world_with(*[RUNNING] * 5)
    step, at = polls(world, run_of(world))
    assert read_instant(step.not_before) == NOON + timedelta(seconds=at[-1])


def test_a_poll_without_a_word_of_the_task_moves_no_not_yet() -> None:
    wordless = json_answer({"data": {}})
    world = world_with(RUNNING, wordless, wordless, DONE)
    polls(world, run_of(world))
    assert world.stored(JOB_ID).attempts[0].not_yet_at == NOON + timedelta(seconds=46)


# ---- callbacks


def test_a_callback_that_came_before_the_time_of_the_first_poll_leads_back_to_sleep() -> None:
    world = world_with(SUNO_RUNNING, job=called_back_job(), at_s=10)
    step, at = polls(world, run_of(world))
    assert (step.kind, at) == (StepKind.AWAITING_CALLBACK, [10])


def test_a_callback_at_the_time_of_the_song_wakes_its_job_once() -> None:
    world = world_with(SUNO_RUNNING, SUNO_RUNNING, SUNO_DONE, job=called_back_job(), at_s=80)
    step, at = polls(world, run_of(world))
    assert (step.kind, at) == (StepKind.READY, [80, 90, 100])


# ---- the shipped run


def test_the_laptop_divides_the_pauses_of_a_run_as_it_divides_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    world_with()
    monkeypatch.setenv("TIME_SCALE", "4")
    slept: list[float] = []
    monkeypatch.setattr(runtime, "pause", slept.append)
    run = poll_run(lambda: 70_000)
    run.pause(10)
    assert (slept, run.remaining_s(), run.longest_pauses_s) == ([2.5], 70, 30)


def test_a_function_of_aws_knows_no_other_time() -> None:
    assert PollSettings.model_fields["time_scale"].default == 1


def test_a_function_has_time_for_all_pauses_and_the_longest_poll_and_its_state_for_the_function() -> None:
    template = read_template(ROOT / "template.yaml")
    timeout_s = template["Resources"]["PollGenerationFunction"]["Properties"]["Timeout"]
    pauses_s = template["Parameters"]["PollPausesSeconds"]
    assert pauses_s["Default"] == pauses_s["MaxValue"] == 30
    assert timeout_s >= pauses_s["MaxValue"] + POLL_WITHIN_S + TIME_TO_RECORD_S + 10
