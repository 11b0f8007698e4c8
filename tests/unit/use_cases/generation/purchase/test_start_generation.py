"""Starting a job, again and again: it is bought once, and every other run answers from the record."""

import pytest

from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS
from fermata.domain.providers.failures import ProviderCharged
from fermata.errors import (
    NotFoundError,
)
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.pace import at_once
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


def test_a_run_that_comes_while_another_is_posting_waits() -> None:
    world = world_with(SONG)
    seen = []
    world.upstream.while_sending = lambda: seen.append(
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2")
    )
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert seen[0].kind is StepKind.IN_FLIGHT
    assert world.upstream.posts == 1


def test_a_repeated_start_after_the_song_was_bought_answers_from_the_record() -> None:
    world = world_with(SONG)
    first = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    again = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2")
    assert again == first
    assert world.upstream.posts == 1


def test_a_refusal_without_charge_is_tried_again_later_with_a_claim_of_its_own() -> None:
    world = world_with(TOO_MANY, SONG)
    refused = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (refused.kind, refused.attempt, refused.not_before) == (StepKind.RETRY_LATER, 1, "2026-11-21T12:00:10Z")
    assert world.stored(JOB_ID).status is JobStatus.QUEUED
    world.clock.pass_seconds(10)
    served = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2")
    assert (served.kind, served.attempt) == (StepKind.READY, 2)
    job = world.stored(JOB_ID)
    assert [(a.number, a.claim_id, a.provider_charged.value) for a in job.attempts] == [
        (1, "run-1", "no"),
        (2, "run-2", "yes"),
    ]
    assert set(world.answers.kept) == {(JOB_ID, 1), (JOB_ID, 2)}


def test_the_pause_doubles_with_every_refusal_and_the_fourth_is_the_last() -> None:
    world = world_with(*[TOO_MANY] * MAX_ATTEMPTS)
    instants = [
        start_generation(JOB_ID, at_once(start_ports(world.remaining_ms)), f"run-{n}").not_before
        for n in range(1, MAX_ATTEMPTS)
    ]
    assert instants == ["2026-11-21T12:00:10Z", "2026-11-21T12:00:20Z", "2026-11-21T12:00:40Z"]
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-4").kind is StepKind.FAILED
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-5").kind is StepKind.FAILED
    assert (world.upstream.posts, len(world.stored(JOB_ID).attempts)) == (4, 4)


def test_a_providers_retry_after_is_honoured() -> None:
    world = world_with(json_answer({"message": "slow down", "statusCode": 429}, 429, retry_after_s=37))
    verdict = start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (verdict.kind, verdict.not_before) == (StepKind.RETRY_LATER, "2026-11-21T12:00:37Z")


@pytest.mark.parametrize("code", [1004, 1008, 1026, 2013, 2061])
def test_a_refusal_that_would_come_again_is_not_retried(code: int) -> None:
    world = world_with(json_answer({"base_resp": {"status_code": code, "status_msg": "no"}}))
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2").kind is StepKind.FAILED
    assert (world.upstream.posts, world.stored(JOB_ID).attempts[0].provider_charged) == (1, ProviderCharged.NO)


def test_a_start_after_start_by_orders_nothing() -> None:
    world = world_with()
    world.clock.pass_seconds(3600)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    assert (world.upstream.posts, world.stored(JOB_ID).attempts) == (0, ())


def test_a_settled_job_is_not_bought_again() -> None:
    world = world_with()
    settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), NOON)
    before = world.stored(JOB_ID)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    assert (world.upstream.posts, world.stored(JOB_ID)) == (0, before)


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(NotFoundError):
        start_generation(JOB_ID, start_ports(World().remaining_ms), "run-1")
