"""A request is held until its job has ended, for as long as it asked, and never fails for it."""

from datetime import timedelta

import pytest

from fermata.domain.jobs import Job, JobStatus
from fermata.errors import TransientError
from fermata.use_cases.await_end import LOOK_EVERY_S, await_end
from tests.songs import JOB_ID, delivered_job, generating_job, queued_job, rate_limited
from tests.twins import NOON, World


def waited(world: World, seconds: float, tenant_id: str = "acme") -> object:
    ended = await_end(JOB_ID, tenant_id, world.wait_ports(), NOON, seconds)
    return None if ended is None else ended.job.status


def world_of(job: Job) -> World:
    world = World()
    world.jobs.create(job)
    return world


def seconds_passed(world: World) -> float:
    return (world.clock.now - NOON).total_seconds()


@pytest.mark.parametrize(
    "job", [delivered_job(), queued_job().canceled(NOON), queued_job().settled(rate_limited(), NOON)]
)
def test_a_job_that_has_ended_is_told_at_once(job: Job) -> None:
    world = world_of(job)
    assert waited(world, 25) is job.status
    assert (world.jobs.looks, seconds_passed(world)) == (1, 0)


def test_a_job_that_ends_meanwhile_is_told_at_the_next_look_with_fresh_links() -> None:
    world = world_of(generating_job())

    def deliver() -> None:
        if world.jobs.looks == 4:
            world.jobs.rows[JOB_ID] = delivered_job().model_dump_json()

    world.jobs.before_look = deliver
    ended = await_end(JOB_ID, "acme", world.wait_ports(), NOON, 25)
    assert ended is not None
    assert (ended.job.status, seconds_passed(world)) == (JobStatus.SUCCEEDED, 3 * LOOK_EVERY_S)
    assert ended.links[1].expires_at == NOON + timedelta(seconds=903)


@pytest.mark.parametrize("seconds", [0, 0.5, 1, 2.5, 25])
def test_an_open_job_is_waited_for_that_long_and_no_longer(seconds: float) -> None:
    world = world_of(queued_job())
    assert waited(world, seconds) is None
    assert seconds_passed(world) == seconds
    assert world.jobs.looks == int(seconds) + (2 if seconds % 1 else 1)


def test_a_time_that_has_passed_already_is_one_look() -> None:
    world = world_of(queued_job())
    assert waited(world, -3) is None
    assert (world.jobs.looks, seconds_passed(world)) == (1, 0)


def test_a_table_that_cannot_be_read_ends_the_wait_and_not_the_order() -> None:
    world = world_of(queued_job())

    def fail() -> None:
        raise TransientError("the job table could not be read: ThrottlingException")

    world.jobs.before_look = fail
    assert waited(world, 25) is None


def test_what_was_deleted_or_is_another_tenants_is_not_told() -> None:
    world = world_of(delivered_job())
    assert waited(world, 25, tenant_id="other") is None
    world.jobs.forget(delivered_job().forgotten(NOON))
    assert waited(world, 25) is None
    assert waited(World(), 25) is None
