"""A resume answers from the record, closes what can be closed, and has no way to a provider."""

import dataclasses
from datetime import timedelta

import pytest

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.errors import NotFoundError, StaleRecordError, TransientError
from fermata.ports.providers import ProviderKeys, Upstream
from fermata.use_cases.generation.finish.resume_generation import ResumePorts, resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import resume_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    failed_job,
    generating_job,
    hex_answer,
    json_answer,
    queued_job,
    rate_limited,
    ready_job,
    submitting_job,
)

SONG = hex_answer(b"ID3" + bytes(5000))


def world_of(job: object, answer: ScriptedAnswer | None = None) -> World:
    world = World()
    world.jobs.create(job)  # type: ignore[arg-type]  # one name for every builder's result
    if answer is not None:
        world.answers.keep(JOB_ID, 1, answer)
    return world


def resume(world: World) -> StepKind:
    return resume_generation(JOB_ID, resume_ports(), world.clock()).kind


def test_a_resume_has_no_way_to_a_provider() -> None:
    kinds = {field.type for field in dataclasses.fields(ResumePorts)}
    assert kinds.isdisjoint({Upstream, ProviderKeys})
    with World():
        assert not any(hasattr(port, "send") for port in vars(resume_ports()).values())


def test_a_crash_between_the_post_and_the_verdict_is_resumed_from_staging() -> None:
    world = World(upstream=FakeUpstream(SONG))
    world.jobs.create(queued_job())

    def crash() -> None:
        raise MemoryError("the run ended here")

    world.upstream.while_sending = lambda: setattr(world.jobs, "before_next_save", crash)
    with pytest.raises(MemoryError):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.stored(JOB_ID).attempts[0].state is AttemptState.CLAIMED
    verdict = resume_generation(JOB_ID, resume_ports(), world.clock())
    assert (verdict.kind, verdict.attempt) == (StepKind.READY, 1)
    assert (world.stored(JOB_ID).status, world.upstream.posts) == (JobStatus.STORING, 1)


def test_a_staged_answer_is_believed_even_after_the_claim_ran_out() -> None:
    world = world_of(submitting_job(), SONG)
    world.clock.pass_seconds(5000)
    assert resume(world) is StepKind.READY
    assert world.stored(JOB_ID).attempts[0].provider_charged is ProviderCharged.YES


def test_a_staged_task_is_polled_on() -> None:
    world = world_of(submitting_job("aimlapi"), json_answer({"id": "task:1", "status": "queued"}, 201))
    assert resume(world) is StepKind.GENERATING
    assert world.stored(JOB_ID).attempts[0].upstream_id == "task:1"


def test_a_staged_refusal_without_charge_leads_to_another_attempt() -> None:
    world = world_of(submitting_job(), json_answer({"base_resp": {"status_code": 1002}}))
    assert resume(world) is StepKind.RETRY_LATER
    assert world.stored(JOB_ID).status is JobStatus.QUEUED


def test_before_the_claim_runs_out_a_silent_run_is_in_flight() -> None:
    world = world_of(submitting_job())
    before = world.stored(JOB_ID)
    world.clock.pass_seconds(959)
    assert resume(world) is StepKind.IN_FLIGHT
    assert world.stored(JOB_ID) == before


@pytest.mark.parametrize(
    ("after_s", "not_before"), [(0, "2026-11-21T12:00:16Z"), (955, "2026-11-21T12:16:01Z")], ids=["early", "late"]
)
def test_an_in_flight_claim_is_checked_soon_and_right_after_its_end(after_s: int, not_before: str) -> None:
    world = world_of(submitting_job())
    world.clock.pass_seconds(after_s)
    assert resume_generation(JOB_ID, resume_ports(), world.clock()).not_before == not_before


def test_once_the_claim_ran_out_without_an_answer_the_outcome_is_unknown() -> None:
    world = world_of(submitting_job())
    world.clock.pass_seconds(960)
    assert resume(world) is StepKind.FAILED
    (attempt,) = world.stored(JOB_ID).attempts
    assert attempt.failure is not None
    assert (attempt.state, attempt.failure.failure_class, attempt.failure.code, attempt.provider_charged) == (
        AttemptState.FAILED,
        FailureClass.UNKNOWN_OUTCOME,
        "claim_ran_out",
        ProviderCharged.UNKNOWN,
    )
    assert not attempt.late
    assert attempt.finished_at == NOON + timedelta(seconds=960)


def test_a_resume_that_loses_the_race_answers_from_what_the_first_run_wrote() -> None:
    world = world_of(submitting_job())
    world.clock.pass_seconds(960)
    finished = ready_job().model_copy(update={"version": 3})
    world.jobs.before_next_save = lambda: world.jobs.save(finished)
    assert resume(world) is StepKind.READY
    assert world.stored(JOB_ID) == finished


def test_a_resume_that_loses_its_own_answer_is_repeated_without_effect() -> None:
    world = world_of(submitting_job(), SONG)

    def lose_the_answer() -> None:
        raise StaleRecordError("the version is not the one before")

    world.jobs.after_next_save = lose_the_answer
    assert resume(world) is StepKind.READY
    saves = world.jobs.saves
    assert resume(world) is StepKind.READY
    assert world.jobs.saves == saves


def test_a_staging_store_that_is_down_is_not_mistaken_for_silence() -> None:
    world = world_of(submitting_job(), SONG)
    world.clock.pass_seconds(5000)
    world.answers.fail_next_open = TransientError("the staged answer could not be opened")
    with pytest.raises(TransientError):
        resume(world)
    assert world.stored(JOB_ID) == submitting_job()


@pytest.mark.parametrize(
    ("job", "word"),
    [
        pytest.param(queued_job(), StepKind.RETRY_LATER, id="never_ordered"),
        pytest.param(generating_job(), StepKind.GENERATING, id="generating"),
        pytest.param(ready_job(), StepKind.READY, id="ready"),
        pytest.param(failed_job(rate_limited()), StepKind.RETRY_LATER, id="refused_without_charge"),
    ],
)
def test_a_resume_answers_from_the_record_and_writes_nothing(job: object, word: StepKind) -> None:
    world = world_of(job)
    assert resume(world) is word
    assert world.stored(JOB_ID) == job
    assert world.jobs.saves == 0


def test_a_job_that_was_not_ordered_in_time_has_failed() -> None:
    world = world_of(queued_job())
    world.clock.pass_seconds(3600)
    assert resume(world) is StepKind.FAILED


def test_the_claim_of_a_settled_job_is_not_reopened() -> None:
    world = world_of(submitting_job(), SONG)
    settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), NOON)
    before = world.stored(JOB_ID)
    assert resume(world) is StepKind.FAILED
    assert world.stored(JOB_ID) == before


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(NotFoundError):
        resume(World())
