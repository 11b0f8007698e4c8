"""Everything that waits is canceled and refunded once, and what is ordered goes on to its end."""

from collections.abc import Callable
from typing import Any

import pytest

from fermata.domain.jobs.status import JobStatus
from fermata.domain.tenants.tenant import Tenant
from fermata.errors import InvalidRequestError, NotFoundError, TransientError
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.operator.maintenance import cancel_all as module
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.use_cases.orders.submit_job import submit_job
from fermata.wiring.generation import start_ports
from fermata.wiring.operator import manage_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import LYRICS, PROMPT, hex_answer, order

BODY = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
AIML = {**BODY, "model": "aimlapi/minimax/music-2.0"}
NOTHING = {"canceled": 0, "followed": 0, "ended": 0, "failed": 0, "refunded_credits": 0}


@pytest.fixture
def world() -> World:
    world = World(upstream=FakeUpstream(hex_answer(b"ID3")))
    for tenant_id in ("acme", "other"):
        world.tenants.create_tenant(Tenant(tenant_id=tenant_id, created_at=NOON))
    return world


def submit(number: int, tenant_id: str = "acme", body: object = BODY) -> str:
    return submit_job(order(body, tenant_id=tenant_id), submit_ports(), NOON, bytes([number] * 10)).job_id


def cancel_all(**more: object) -> dict[str, Any]:
    return dict(manage_tenants({"action": "cancel_all", **more}, manage_ports(), NOON, bytes(25)))


def buy(job_id: str, world: World) -> None:
    start_generation(job_id, start_ports(world.remaining_ms), "run-1")
    assert world.stored(job_id).status is JobStatus.STORING


def end(job_id: str, world: World) -> None:
    world.jobs.settle(world.stored(job_id).canceled(NOON))


def test_what_waits_is_refunded_what_is_bought_goes_on_and_a_second_time_changes_nothing(world: World) -> None:
    waiting, bought = submit(1), submit(2)
    buy(bought, world)
    told = {**NOTHING, "canceled": 1, "followed": 1, "refunded_credits": 30, "next_cursor": None}
    assert cancel_all(dry_run=True) == {**told, "dry_run": True}
    assert world.stored(waiting).status is JobStatus.QUEUED
    assert cancel_all() == {**told, "dry_run": False}
    assert cancel_all() == {**NOTHING, "followed": 1, "next_cursor": None, "dry_run": False}
    job, wallet = world.stored(waiting), world.wallets.find("acme")
    assert wallet is not None
    assert (job.status, job.charged, job.publish_pending) == (JobStatus.CANCELED, "refunded", True)
    assert (wallet.held, wallet.open_jobs, wallet.unpaid_in_day) == (30, 1, 0)
    start_generation(waiting, start_ports(world.remaining_ms), "run-2")
    assert world.upstream.posts == 1


@pytest.mark.parametrize(
    ("which", "canceled"),
    [
        ({}, 3),
        ({"tenant_id": "acme"}, 2),
        ({"provider": "aimlapi"}, 1),
        ({"tenant_id": "other", "provider": "aimlapi"}, 0),
    ],
)
def test_only_the_named_tenants_and_providers_jobs_are_canceled(
    world: World, which: dict[str, object], canceled: int
) -> None:
    ids = [submit(1), submit(2, body=AIML), submit(3, "other")]
    assert cancel_all(**which)["canceled"] == canceled
    assert sum(world.stored(job_id).status is JobStatus.CANCELED for job_id in ids) == canceled


def test_pages_go_through_everything_and_a_command_given_again_goes_on_with_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 2)
    ids = [submit(number) for number in range(5)]
    buy(ids[0], world)
    first = cancel_all()
    assert (first["canceled"], first["followed"], first["next_cursor"]) == (1, 1, ids[1])
    pages = [cancel_all()]
    while (cursor := pages[-1]["next_cursor"]) is not None:
        pages.append(cancel_all(cursor=cursor))
    assert (sum(page["canceled"] for page in pages), sum(page["followed"] for page in pages)) == (3, 1)
    assert [world.stored(job_id).status for job_id in ids] == [JobStatus.STORING, *[JobStatus.CANCELED] * 4]


@pytest.mark.parametrize(
    ("meanwhile", "outcome", "posts"),
    [
        pytest.param(buy, "followed", 1, id="a run orders it"),
        pytest.param(end, "ended", 0, id="it ends"),
    ],
)
def test_a_job_that_another_run_writes_first_is_never_canceled_over_it(
    world: World, meanwhile: Callable[[str, World], None], outcome: str, posts: int
) -> None:
    job_id = submit(1)
    world.jobs.before_next_save = lambda: meanwhile(job_id, world)
    told = cancel_all()
    assert (told[outcome], told["canceled"], world.upstream.posts) == (1, 0, posts)
    wallet = world.wallets.find("acme")
    assert wallet is not None
    assert wallet.held == 30 * posts


def test_a_job_that_cannot_be_written_is_counted_and_the_others_are_canceled(world: World) -> None:
    ids = [submit(number) for number in range(3)]

    def throttled() -> None:
        raise TransientError("the table could not be written")

    world.jobs.before_next_save = throttled
    assert (cancel_all()["canceled"], cancel_all()["canceled"]) == (2, 1)
    assert {world.stored(job_id).status for job_id in ids} == {JobStatus.CANCELED}


@pytest.mark.usefixtures("world")
def test_an_unknown_tenant_or_provider_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no tenant nobody"):
        cancel_all(tenant_id="nobody")
    with pytest.raises(InvalidRequestError, match="must be one of minimax"):
        cancel_all(provider="mini")
