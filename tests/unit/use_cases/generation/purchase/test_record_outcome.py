"""What a run writes down of its attempt where others wrote the job meanwhile."""

from datetime import timedelta

import pytest

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.errors import (
    AnswerLostError,
    StaleRecordError,
)
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import resume_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    hex_answer,
    json_answer,
    queued_job,
)

SONG = hex_answer(b"ID3" + bytes(5000))
TOO_MANY = json_answer({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}})


def world_with(*script: ScriptedAnswer | Exception, provider: str = "minimax") -> World:
    world = World(upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    world.jobs.create(queued_job(provider))
    return world


def test_a_refusal_after_start_by_is_final() -> None:
    world = world_with(TOO_MANY)
    world.upstream.while_sending = lambda: world.clock.pass_seconds(3600)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    assert world.stored(JOB_ID).status is JobStatus.SUBMITTING


def test_a_first_run_that_was_closed_as_unknown_marks_itself_late_and_changes_nothing_else() -> None:
    world = world_with(SONG)

    def close() -> None:
        world.clock.pass_seconds(961)
        verdict = resume_generation(JOB_ID, resume_ports(), world.clock())
        assert verdict.kind is StepKind.FAILED

    world.upstream.while_sending = close
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    job = world.stored(JOB_ID)
    (attempt,) = job.attempts
    assert attempt.late
    assert (attempt.state, attempt.provider_charged) == (AttemptState.FAILED, ProviderCharged.UNKNOWN)
    assert (attempt.failure and attempt.failure.code) == "claim_ran_out"
    assert job.status is JobStatus.SUBMITTING
    assert (JOB_ID, 1) in world.answers.kept


def test_a_first_run_that_comes_after_the_settlement_is_marked_late_and_stays_settled() -> None:
    world = world_with(SONG)
    world.upstream.while_sending = lambda: settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), NOON)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    job = world.stored(JOB_ID)
    assert (job.status, job.attempts[0].late, job.finished_at) == (JobStatus.FAILED, True, NOON)
    assert job.failure is not None
    assert job.failure.failure_class is FailureClass.UNKNOWN_OUTCOME


def test_the_late_mark_survives_a_settlement_in_between() -> None:
    world = world_with(SONG)

    def close() -> None:
        world.clock.pass_seconds(961)
        resume_generation(JOB_ID, resume_ports(), world.clock())
        # The next write is the stale verdict, the one after it the late mark.
        world.jobs.before_next_save = settle_before_the_late_mark

    def settle_before_the_late_mark() -> None:
        world.jobs.before_next_save = lambda: settle_job(JOB_ID, None, settle_ports(), world.clock())

    world.upstream.while_sending = close
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    job = world.stored(JOB_ID)
    assert (job.status, job.attempts[0].late) == (JobStatus.FAILED, True)


def test_a_run_that_was_closed_as_unknown_without_an_answer_is_not_late() -> None:
    world = world_with(AnswerLostError("cut"))

    def close() -> None:
        world.clock.pass_seconds(961)
        resume_generation(JOB_ID, resume_ports(), world.clock())

    world.upstream.while_sending = close
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert not world.stored(JOB_ID).attempts[0].late


@pytest.mark.parametrize("answer", [SONG, ScriptedAnswer(b"<html>", 502, "text/html")], ids=["song", "unknown"])
def test_a_run_whose_answer_a_resume_recorded_first_is_not_late(answer: ScriptedAnswer) -> None:
    world = world_with(answer)

    def resume_first() -> None:
        world.clock.pass_seconds(5)
        resume_generation(JOB_ID, resume_ports(), world.clock())
        world.clock.pass_seconds(5)

    def arm() -> None:
        world.jobs.before_next_save = resume_first

    world.upstream.while_sending = arm
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    (attempt,) = world.stored(JOB_ID).attempts
    assert not attempt.late
    assert attempt.finished_at == NOON + timedelta(seconds=5)


def test_a_verdict_whose_write_was_applied_and_lost_is_not_late() -> None:
    world = world_with(SONG)

    def lose_the_answer() -> None:
        raise StaleRecordError("the version is not the one before")

    def arm() -> None:
        world.jobs.after_next_save = lose_the_answer

    world.upstream.while_sending = arm
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.READY
    assert not world.stored(JOB_ID).attempts[0].late
