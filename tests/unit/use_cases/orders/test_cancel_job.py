"""A cancel is free while nothing is bought and refused afterwards; of a cancel and a claim, the faster one wins."""

from collections.abc import Callable, Iterator

import pytest
from moto import mock_aws

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.errors import (
    AlreadyFinishedError,
    AlreadyOrderedError,
    NotFoundError,
    RequestRefusedError,
    StaleRecordError,
    TransientError,
)
from fermata.ports.jobs import JobStore
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.wiring.generation import settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_over
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    claimed_attempt,
    delivered_job,
    failed_job,
    generating_job,
    hex_answer,
    queued_job,
    rate_limited,
    ready_job,
    submitting_job,
)
from tests.support.cloud import dynamodb_with_table

CANCELED = failed_job(rate_limited()).canceled(NOON)


def world_of(job: Job) -> World:
    world = World(upstream=FakeUpstream(hex_answer(b"ID3" + bytes(2000))))
    world.jobs.create(job)
    return world


def cancel(world: World, tenant_id: str = "acme") -> Job:
    return cancel_job(JOB_ID, tenant_id, world.jobs, world.clock())


def kinds(world: World) -> list[str]:
    wallet = world.wallets.find("acme")
    assert wallet is not None
    assert wallet.held == 0
    return [entry.kind.value for entry in world.wallets.ledger("acme")]


@pytest.mark.parametrize("job", [queued_job(), failed_job(rate_limited())], ids=["first turn", "another turn"])
def test_a_job_that_waits_for_a_turn_is_canceled_and_refunded(job: Job) -> None:
    world = world_of(job)
    world.clock.pass_seconds(7)
    canceled = cancel(world)
    assert world.stored(JOB_ID) == canceled
    assert (canceled.status, canceled.charged, canceled.failure) == (JobStatus.CANCELED, Charged.REFUNDED, None)
    assert (canceled.finished_at, canceled.attempts) == (world.clock(), job.attempts)
    assert kinds(world) == ["hold", "refund"]


def test_the_execution_of_a_canceled_job_orders_nothing_and_settles_nothing() -> None:
    world = world_of(queued_job())
    canceled = cancel(world)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    assert settle_job(JOB_ID, None, settle_ports(), world.clock()) is JobStatus.CANCELED
    assert world.stored(JOB_ID) == canceled.published()
    assert [event.detail_type for event in world.events.published] == ["Music Job Canceled"]
    assert (world.upstream.posts, kinds(world)) == (0, ["hold", "refund"])


@pytest.mark.parametrize(
    ("job", "error"),
    [
        (submitting_job(), AlreadyOrderedError),
        (generating_job(), AlreadyOrderedError),
        (ready_job(), AlreadyOrderedError),
        (delivered_job(), AlreadyFinishedError),
        (failed_job(rate_limited()).settled(rate_limited(), NOON), AlreadyFinishedError),
        (CANCELED, AlreadyFinishedError),
    ],
    ids=lambda given: given.status.value if isinstance(given, Job) else "",
)
def test_an_ordered_or_finished_job_stays_and_its_state_is_named(job: Job, error: type[RequestRefusedError]) -> None:
    world = world_of(job)
    with pytest.raises(error, match=f"is {job.status}"):
        cancel(world)
    assert (world.stored(JOB_ID), world.jobs.saves) == (job, 0)


def test_another_tenants_job_and_an_unknown_one_are_not_found() -> None:
    world = world_of(queued_job())
    with pytest.raises(NotFoundError):
        cancel(world, "other")
    with pytest.raises(NotFoundError):
        cancel_job("job_01JD0ABCDEFGHJKMNPQRSTVWXZ", "acme", world.jobs, NOON)
    assert world.stored(JOB_ID) == queued_job()


# ---- races


def test_a_claim_that_is_faster_wins() -> None:
    world = world_of(queued_job())
    world.jobs.before_next_save = lambda: start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    with pytest.raises(AlreadyOrderedError):
        cancel(world)
    assert (world.stored(JOB_ID).status, world.upstream.posts) == (JobStatus.STORING, 1)


def test_a_cancel_that_is_faster_than_the_claim_wins_and_nothing_is_ordered() -> None:
    world = world_of(queued_job())
    world.jobs.before_next_save = lambda: cancel(world)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    assert (world.stored(JOB_ID).status, world.upstream.posts) == (JobStatus.CANCELED, 0)
    assert kinds(world) == ["hold", "refund"]


def test_one_of_two_cancels_refunds() -> None:
    world = world_of(queued_job())
    world.jobs.before_next_save = lambda: cancel(world)
    world.clock.pass_seconds(1)
    late = world.clock()
    world.clock.now = NOON
    with pytest.raises(AlreadyFinishedError):
        cancel_job(JOB_ID, "acme", world.jobs, late)
    assert kinds(world) == ["hold", "refund"]


def test_a_cancel_whose_write_was_applied_and_lost_is_a_success() -> None:
    world = world_of(queued_job())

    def lose_the_answer() -> None:
        raise StaleRecordError("the client sent it again, and the second found the first")

    world.jobs.after_next_save = lose_the_answer
    assert cancel(world) == world.stored(JOB_ID)
    assert kinds(world) == ["hold", "refund"]


def test_a_job_that_keeps_changing_is_tried_again_later() -> None:
    world = world_of(queued_job())

    def write_again() -> None:
        world.jobs.save(world.stored(JOB_ID).with_late_answer(1, NOON))
        world.jobs.before_next_save = write_again

    world.jobs.before_next_save = write_again
    with pytest.raises(TransientError, match="try again"):
        cancel(world)
    assert world.stored(JOB_ID).status is JobStatus.QUEUED


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    if request.param == "in_memory":
        yield ledger_over(InMemoryJobStore())
        return
    with mock_aws():
        yield ledger_in_dynamodb(dynamodb_with_table(*FUNDED_WALLETS))


def _claim(jobs: JobStore) -> None:
    jobs.save(queued_job().claimed(claimed_attempt(), NOON))


def _cancel(jobs: JobStore) -> None:
    jobs.settle(queued_job().canceled(NOON))


@pytest.mark.parametrize(
    ("first", "second", "status", "entries"),
    [(_claim, _cancel, JobStatus.SUBMITTING, ["hold"]), (_cancel, _claim, JobStatus.CANCELED, ["hold", "refund"])],
    ids=["claim first", "cancel first"],
)
def test_either_a_claim_or_a_cancel_of_the_same_version_is_written(
    ledger: Ledger,
    first: Callable[[JobStore], None],
    second: Callable[[JobStore], None],
    status: JobStatus,
    entries: list[str],
) -> None:
    ledger.jobs.create(queued_job())
    first(ledger.jobs)
    with pytest.raises(StaleRecordError):
        second(ledger.jobs)
    job = ledger.jobs.load(JOB_ID)
    assert job is not None
    assert job.status is status
    assert all(attempt.state is AttemptState.CLAIMED for attempt in job.attempts)
    assert [entry.kind.value for entry in ledger.entries("acme")] == entries
    wallet = ledger.wallet()
    assert wallet.granted == wallet.balance + wallet.held + wallet.spent
