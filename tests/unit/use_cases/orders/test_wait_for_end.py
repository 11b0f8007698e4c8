"""A request is held until its job has ended, at most as long as it requested, and never fails for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.wallet import Plan
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import TransientError
from fermata.use_cases.orders.wait_for_end import LOOK_EVERY_S, NOT_HELD, Wait, wait_for_end
from fermata.wiring.orders import wait_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import JOB_ID, delivered_job, generating_job, queued_job, rate_limited


def waited(seconds: float, tenant_id: str = "acme") -> object:
    ended = hold(seconds, tenant_id).ended
    return None if ended is None else ended.job.status


def hold(seconds: float = 25, tenant_id: str = "acme") -> Wait:
    return wait_for_end(JOB_ID, tenant_id, wait_ports(), NOON, seconds)


def world_of(job: Job) -> World:
    world = World()
    world.jobs.create(job)
    return world


def seconds_passed(world: World) -> float:
    return (world.clock.now - NOON).total_seconds()


@pytest.mark.parametrize(
    "job", [delivered_job(), queued_job().canceled(NOON), queued_job().settled(rate_limited(), NOON)]
)
def test_a_job_that_has_ended_is_returned_at_once(job: Job) -> None:
    world = world_of(job)
    assert waited(25) is job.status
    assert (world.jobs.looks, seconds_passed(world)) == (1, 0)


def test_a_job_that_ends_meanwhile_is_returned_at_the_next_read_with_fresh_links() -> None:
    world = world_of(generating_job())

    def deliver() -> None:
        if world.jobs.looks == 4:
            world.jobs.rows[JOB_ID] = delivered_job().model_dump_json()

    world.jobs.before_look = deliver
    ended = hold().ended
    assert ended is not None
    assert (ended.job.status, seconds_passed(world)) == (JobStatus.SUCCEEDED, 3 * LOOK_EVERY_S)
    assert ended.links[1].expires_at == NOON + timedelta(seconds=903)


@pytest.mark.parametrize("seconds", [0, 0.5, 1, 2.5, 25])
def test_an_open_job_is_waited_for_that_long_and_no_longer(seconds: float) -> None:
    world = world_of(queued_job())
    assert waited(seconds) is None
    assert seconds_passed(world) == seconds
    assert world.jobs.looks == int(seconds) + (2 if seconds % 1 else 1)


def test_a_time_that_has_passed_already_is_one_read() -> None:
    world = world_of(queued_job())
    assert waited(-3) is None
    assert (world.jobs.looks, seconds_passed(world)) == (1, 0)


def test_a_table_that_cannot_be_read_ends_the_wait_and_not_the_order() -> None:
    world = world_of(queued_job())

    def fail() -> None:
        raise TransientError("the job table could not be read: ThrottlingException")

    world.jobs.before_look = fail
    assert waited(25) is None


def test_a_job_that_was_deleted_or_is_another_tenants_is_not_returned() -> None:
    world = world_of(delivered_job())
    assert waited(25, tenant_id="other") is None
    world.jobs.forget(tombstone_of(delivered_job(), NOON))
    assert waited(25) is None


def test_a_job_that_never_existed_is_not_returned() -> None:
    World()
    assert waited(25) is None


# ---- places


def meanwhile(world: World, act: Callable[[], object]) -> None:
    """Do something once, while a request is held."""

    def look() -> None:
        if world.jobs.looks == 2:
            act()

    world.jobs.before_look = look


def occupied(world: World, places: range, until: datetime) -> None:
    world.waiting_places.taken = {place: (f"other-{place}", until) for place in places}


LONG: datetime = NOON + timedelta(hours=1)


def test_a_held_request_has_a_place_and_gives_it_back_for_two_writes_in_all() -> None:
    world, seen = world_of(queued_job()), list[int]()
    meanwhile(world, lambda: seen.append(len(world.waiting_places.taken)))
    assert hold() == Wait(25)
    assert (seen, world.waiting_places.taken, world.waiting_places.writes) == ([1], {}, 2)


def test_one_tenant_holds_a_limited_number_of_requests_and_the_next_is_answered_at_once() -> None:
    world, held = world_of(queued_job()), list[bool]()
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(waiting_requests=2))

    def arrive(left: int) -> None:
        """One more request, and while it is held, or after its answer, the others that are left."""

        def pause(_: float) -> None:
            if left:
                arrive(left - 1)
            world.clock.now = NOON + timedelta(seconds=25)

        wait = wait_for_end(JOB_ID, "acme", replace(wait_ports(), pause=pause), NOON, 25)
        held.append(wait.held_s is not None)
        if left and wait.held_s is None:
            arrive(left - 1)

    arrive(4)
    assert sorted(held) == [False, False, False, True, True]
    assert world.waiting_places.taken == {}


@pytest.mark.parametrize("environments", [0, 1, 3])
def test_all_tenants_together_hold_no_more_than_there_are_places(environments: int) -> None:
    world = world_of(queued_job())
    world.set(WAITING_ENVIRONMENTS=str(environments))
    occupied(world, range(environments), LONG)
    assert hold() == NOT_HELD
    assert (seconds_passed(world), world.waiting_places.writes) == (0, 0)


def test_the_place_of_a_request_whose_environment_was_killed_is_free_by_itself() -> None:
    world = world_of(queued_job())
    world.set(WAITING_ENVIRONMENTS="1")
    occupied(world, range(1), NOON)
    assert hold(3) == Wait(3)


def test_a_place_is_held_longer_than_the_request_can_be() -> None:
    world, until = world_of(queued_job()), list[datetime]()
    meanwhile(world, lambda: until.extend(end for _, end in world.waiting_places.taken.values()))
    hold(25)
    assert until == [NOON + timedelta(seconds=29)]


@pytest.mark.parametrize(("job", "seconds"), [(delivered_job(), 25), (queued_job(), 0), (queued_job(), -3)])
def test_a_request_that_need_not_wait_needs_no_place(job: Job, seconds: float) -> None:
    world = world_of(job)
    world.set(WAITING_ENVIRONMENTS="0")
    world.waiting_places.failure = TransientError("nobody is to be asked")
    assert hold(seconds).held_s == seconds
    assert world.waiting_places.writes == 0


def test_trouble_with_places_is_answered_at_once() -> None:
    world = world_of(queued_job())
    world.waiting_places.failure = TransientError("a place could not be taken: ThrottlingException")
    assert hold() == NOT_HELD
    assert seconds_passed(world) == 0


def test_a_place_that_cannot_be_given_back_is_no_reason_to_hide_the_end() -> None:
    world = world_of(queued_job())

    def end() -> None:
        world.jobs.rows[JOB_ID] = delivered_job().model_dump_json()
        world.waiting_places.failure = TransientError("a place could not be freed: ThrottlingException")

    meanwhile(world, end)
    assert waited(25) is JobStatus.SUCCEEDED


def test_trouble_while_a_request_is_held_gives_its_place_back() -> None:
    world = world_of(queued_job())

    def fail() -> None:
        raise TransientError("the job table could not be read: ThrottlingException")

    meanwhile(world, fail)
    assert (hold(), world.waiting_places.taken) == (NOT_HELD, {})


def test_a_tenant_without_a_wallet_is_held_as_the_usual_plan_says() -> None:
    world = world_of(queued_job())
    assert hold(1).held_s == 1
    vars(world.wallets)["_wallets"].clear()
    assert hold(1).held_s == 1
