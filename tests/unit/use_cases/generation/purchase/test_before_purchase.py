"""What stands in the way of a purchase: found before anything is claimed, and without a call of the provider."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from fermata.domain.jobs.next_step import StepKind
from fermata.domain.money.wallet import Plan
from fermata.domain.providers.circuit import Circuit
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.providers.queue import Admitted, WaitUntil, epoch_ms
from fermata.domain.providers.spending import Blocked
from fermata.domain.providers.state import NotAsked, ProviderState
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import (
    TransientError,
)
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.before_purchase import (
    Cleared,
    NoKey,
    TooManyLost,
    Unprepared,
    before_purchase,
)
from fermata.use_cases.generation.purchase.provider_queue import Request
from fermata.use_cases.generation.purchase.run import StartRun
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import resume_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.provider_keys import KEY, FixedProviderKeys
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.references import AUDIO_URL, REGISTERED_CANDIDATE, job_with
from tests.songs import (
    JOB_ID,
    claimed_attempt,
    hex_answer,
    queued_job,
)

OTHER_ID = "job_01KD0000000000000000000001"
SONG = hex_answer(b"ID3" + bytes(5000))


def world_with(*script: ScriptedAnswer | Exception, provider: str = "minimax") -> World:
    world = World(upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    world.jobs.create(queued_job(provider))
    return world


def run_in(world: World) -> StartRun:
    """A run for the next attempt of the stored job, as it begins."""
    job, ports = world.stored(JOB_ID), start_ports(world.remaining_ms)
    ordered = job.candidate
    return StartRun(
        job=job,
        ordered=ordered,
        ids=job.ids,
        request=Request(
            ordered.provider,
            job.id,
            len(job.attempts) + 1,
            ordered.upstream_model,
            has_alternative=job.has_another_provider,
        ),
        claim_id="run-1",
        claim_until=NOON + timedelta(seconds=960),
        ports=ports,
    )


def paused(world: World) -> None:
    world.brakes.pause("minimax", NOON)


def out_of_lost_songs(world: World) -> None:
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(lost_songs_per_day=1))
    lost = queued_job(id=OTHER_ID).claimed(claimed_attempt(), NOON)
    world.jobs.create(queued_job(id=OTHER_ID))
    world.jobs.save(lost)
    settle_job(OTHER_ID, "Execution.ABORTED", settle_ports(), NOON)


def without_a_key(world: World) -> None:
    world.keys.keys = {}


def shut_out(world: World) -> None:
    world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=Circuit(disabled_at_ms=1)))


def behind_a_pause(world: World) -> None:
    opened = Circuit(open_until_ms=epoch_ms(NOON) + 30_000, open_for_ms=30_000)
    world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=opened))


@pytest.mark.parametrize(
    ("trouble", "obstacle"),
    [
        (paused, Blocked),
        (out_of_lost_songs, TooManyLost),
        (without_a_key, NoKey),
        (shut_out, NotAsked),
        (behind_a_pause, WaitUntil),
    ],
)
def test_an_obstacle_is_returned_and_leaves_the_job_and_the_provider_alone(
    trouble: Callable[[World], None], obstacle: type
) -> None:
    world = world_with()
    trouble(world)
    assert isinstance(before_purchase(run_in(world)), obstacle)
    assert (world.stored(JOB_ID), world.upstream.posts) == (queued_job(), 0)


def test_a_job_whose_reference_is_not_measured_is_unprepared_whatever_the_operator_paused() -> None:
    world = World()
    world.jobs.create(job_with({"audio_url": AUDIO_URL}, REGISTERED_CANDIDATE))
    world.brakes.pause("all", NOON)
    assert before_purchase(run_in(world)) == Unprepared()
    assert world.provider_states.loads == 0


def test_a_cleared_run_holds_a_slot_until_its_claim_ends_and_has_the_key() -> None:
    world = world_with()
    assert before_purchase(run_in(world)) == Cleared(Admitted(0), 50_000_000, "default", KEY)
    (lease,) = world.provider_states.load("minimax").queue.running.values()
    assert lease.until_ms == epoch_ms(NOON + timedelta(seconds=960)) + 1
    assert (world.stored(JOB_ID), world.upstream.posts) == (queued_job(), 0)


def test_a_missing_provider_key_fails_the_job_unpaid() -> None:
    world = world_with()
    world.keys.keys = {}
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    (attempt,) = world.stored(JOB_ID).attempts
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.failure.code, attempt.provider_charged) == (
        FailureClass.AUTH,
        "no_key",
        ProviderCharged.NO,
    )
    assert world.upstream.posts == 0


def test_keys_that_cannot_be_read_now_leave_the_job_queued() -> None:
    world = world_with()

    def unreadable() -> None:
        raise TransientError("the secret of provider keys could not be read")

    world.keys.on_use = unreadable
    with pytest.raises(TransientError):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert world.stored(JOB_ID) == queued_job()
    assert resume_generation(JOB_ID, resume_ports(), NOON).kind is StepKind.RETRY_LATER


def test_the_first_of_several_keys_places_the_order_and_is_remembered() -> None:
    world = world_with(SONG)
    world.keys = FixedProviderKeys({"minimax": {"2026-11": "new", "2026-05": "old"}})
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (world.upstream.sent[0].key, world.stored(JOB_ID).attempts[0].key_alias) == ("new", "2026-11")
