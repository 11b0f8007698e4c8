"""A job's end begins one delivery, however often it is settled; and nothing about webhooks changes how it ends."""

import pytest

from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.errors import TransientError
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.wiring.generation import reap_ports, settle_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import JOB_ID, delivered_job, queued_job, ready_job, song_request, stored_track
from tests.webhooks import CALLBACK_URL, SECRET, listening_world

NAME = f"{JOB_ID}.succeeded"
DONE = ready_job().with_tracks((stored_track(),), NOON)
REFUSED = TransientError("the webhook's state machine could not be started: ThrottlingException")


def settle(world: World) -> JobStatus:
    return settle_job(JOB_ID, None, settle_ports(), world.clock())


def test_an_end_begins_one_delivery_under_the_events_name() -> None:
    world = listening_world(DONE)
    for _ in range(2):
        assert settle(world) is JobStatus.SUCCEEDED
    assert world.webhook_machine.started == {NAME: (JOB_ID, 0)}


@pytest.mark.parametrize(("url", "callback_url", "started"), [(None, None, 0), (None, CALLBACK_URL, 1)])
def test_a_delivery_begins_only_where_an_address_is_set(
    url: str | None, callback_url: str | None, started: int
) -> None:
    job = DONE.model_copy(update={"request": song_request(callback_url=callback_url)})
    world = listening_world(job, url)
    assert settle(world) is JobStatus.SUCCEEDED
    assert len(world.webhook_machine.started) == started
    assert not world.stored(JOB_ID).publish_pending


def test_a_tenant_without_a_webhook_pays_for_no_delivery() -> None:
    world = World()
    world.jobs.create(DONE)
    assert settle(world) is JobStatus.SUCCEEDED
    assert world.webhook_machine.started == {}


def test_an_end_whose_delivery_did_not_begin_stays_pending_and_is_published_by_the_next_run() -> None:
    world = listening_world(DONE)
    world.webhook_machine.failure = REFUSED
    with pytest.raises(TransientError):
        settle(world)
    job = world.stored(JOB_ID)
    assert (job.status, job.charged, job.publish_pending) == (JobStatus.SUCCEEDED, Charged.YES, True)
    world.webhook_machine.failure = None
    settle(world)
    assert (list(world.webhook_machine.started), world.stored(JOB_ID).publish_pending) == ([NAME], False)
    assert {str(event.detail["event_id"]) for event in world.events.published} == {NAME}


def test_the_reaper_publishes_an_end_that_the_machine_did_not() -> None:
    world = listening_world(delivered_job())
    world.clock.pass_seconds(3600)
    reap_jobs(reap_ports(world.lose), world.clock())
    assert list(world.webhook_machine.started) == [NAME]


def test_the_reaper_publishes_the_end_of_a_canceled_job() -> None:
    world = listening_world(queued_job())
    cancel_job(JOB_ID, "acme", world.jobs, world.clock())
    reap_jobs(reap_ports(world.lose), world.clock())
    assert list(world.webhook_machine.started) == [f"{JOB_ID}.canceled"]


def test_a_webhook_that_is_set_after_the_end_was_published_changes_nothing() -> None:
    world = World()
    world.jobs.create(DONE)
    settle(world)
    world.webhooks.point(WebhookEndpoint(tenant_id="acme", url="https://late.example.com/"), SECRET)
    settle(world)
    assert world.webhook_machine.started == {}
