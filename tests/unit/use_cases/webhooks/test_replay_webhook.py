"""A finished job's webhook is sent again on request, under the same id and a name of its own."""

import json
from typing import Any

import pytest

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.money.wallet import Plan
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.domain.webhooks.delivery import MOST_REPLAYS, Answered, StartedReplay, Try, Verdict
from fermata.domain.webhooks.message import webhook_id
from fermata.errors import NotFoundError, NoWebhookError, TransientError
from fermata.use_cases.webhooks.deliver_webhook import deliver_webhook
from fermata.use_cases.webhooks.replay_webhook import list_webhook_attempts, replay_webhook
from fermata.wiring.webhooks import deliver_ports, replay_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.functions import FakeContext, http_event, wired_app
from tests.songs import JOB_ID, delivered_job, generating_job, queued_job, submitting_job
from tests.webhooks import CALLBACK_URL, ORIGIN, URL, called_back, listening_world

REPLAY, LIST = f"/v1/jobs/{JOB_ID}/webhooks/replay", f"/v1/jobs/{JOB_ID}/webhooks"


def replay(world: World, tenant_id: str = "acme") -> StartedReplay:
    return replay_webhook(JOB_ID, tenant_id, replay_ports(), world.clock())


def ask(world: World, method: str, path: str, tenant_id: str = "acme") -> tuple[int, Any]:
    app = wired_app("replay_webhook", world)
    answer = app.lambda_handler(http_event(method, path, tenant_id=tenant_id), FakeContext())
    return answer["statusCode"], json.loads(answer["body"])


def test_each_replay_is_another_delivery_of_the_same_event() -> None:
    world = listening_world()
    answers = [replay(world) for _ in range(2)]
    assert [answer.webhook_id for answer in answers] == [webhook_id(delivered_job())] * 2
    assert world.webhook_machine.started == {
        f"{JOB_ID}.succeeded.replay-1": (JOB_ID, 1),
        f"{JOB_ID}.succeeded.replay-2": (JOB_ID, 2),
    }
    assert answers[0].origin == ORIGIN
    assert "canary" not in str(answers)


def test_a_replay_sends_what_the_first_delivery_sent() -> None:
    world = listening_world()
    for number in (0, replay(world).replay):
        step = deliver_webhook(JOB_ID, Try(number, 1), deliver_ports(), world.clock())
        assert step.verdict is Verdict.DELIVERED
        world.clock.pass_seconds(60)
    first, again = world.sender.sent
    assert (first.url, first.body, first.headers["webhook-id"]) == (again.url, again.body, again.headers["webhook-id"])


def test_a_replay_goes_to_the_jobs_own_address() -> None:
    assert replay(listening_world(called_back(), None)).origin == CALLBACK_URL.rpartition("/")[0]


@pytest.mark.parametrize("job", [queued_job(), submitting_job(), generating_job()])
def test_an_open_job_has_no_end_to_replay(job: Job) -> None:
    world = listening_world(job)
    status, problem = ask(world, "POST", REPLAY)
    assert (status, problem["type"]) == (409, "urn:fermata:problem:not_finished")
    assert world.webhook_machine.started == {}


def test_without_an_address_there_is_nothing_to_replay_to() -> None:
    world = World()
    world.jobs.create(delivered_job())
    status, problem = ask(world, "POST", REPLAY)
    assert (status, problem["type"]) == (409, "urn:fermata:problem:no_webhook")


@pytest.mark.parametrize("how", ["off", "gone"])
def test_an_endpoint_that_is_off_gets_no_replay(how: str) -> None:
    world = listening_world()
    world.webhooks.switch_off("acme") if how == "off" else world.webhooks.disable("acme", URL, NOON)
    with pytest.raises(NoWebhookError):
        replay(world)
    assert world.webhook_machine.started == {}


def test_replays_have_an_end() -> None:
    world = listening_world()
    statuses = [ask(world, "POST", REPLAY)[0] for _ in range(MOST_REPLAYS)]
    assert statuses == [202] * MOST_REPLAYS
    status, problem = ask(world, "POST", REPLAY)
    assert (status, problem["type"]) == (409, "urn:fermata:problem:too_many_replays")
    assert len(world.webhook_machine.started) == MOST_REPLAYS


def test_a_webhook_that_was_posted_as_often_as_it_may_be_is_not_replayed() -> None:
    world = listening_world()
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(webhook_posts_per_job=1))
    deliver_webhook(JOB_ID, Try(0, 1), deliver_ports(), world.clock())
    status, problem = ask(world, "POST", REPLAY)
    assert (status, problem["type"]) == (409, "urn:fermata:problem:too_many_replays")
    assert "or posted 1 times" in problem["detail"]
    assert world.webhook_machine.started == {}


def test_a_replay_that_did_not_begin_is_a_retryable_error() -> None:
    world = listening_world()
    world.webhook_machine.failure = TransientError("the webhook's state machine could not be started")
    status, problem = ask(world, "POST", REPLAY)
    assert (status, problem["retryable"]) == (503, True)


@pytest.mark.parametrize(("method", "path"), [("POST", REPLAY), ("GET", LIST)])
def test_another_tenants_job_is_not_found(method: str, path: str) -> None:
    world = listening_world()
    assert ask(world, method, path, tenant_id="other")[0] == 404
    assert world.webhook_machine.started == {}


def test_the_end_of_a_deleted_job_is_not_replayed() -> None:
    with pytest.raises(NotFoundError):
        replay(listening_world(tombstone_of(delivered_job(), NOON)))


def test_tries_are_listed_in_order_and_without_the_address() -> None:
    world = listening_world()
    world.sender.script = [Answered(302), Answered(204)]
    for number in (1, 2):
        deliver_webhook(JOB_ID, Try(0, number), deliver_ports(), world.clock())
    status, body = ask(world, "GET", LIST)
    assert (status, body["next_cursor"]) == (200, None)
    tried = [(each["number"], each["status_code"], each["outcome"], each["next_try_at"]) for each in body["data"]]
    assert tried == [(1, 302, "failed", "2026-11-21T12:00:05.000Z"), (2, 204, "delivered", None)]
    assert {each["origin"] for each in body["data"]} == {ORIGIN}
    assert "canary" not in str(body)


def test_a_job_without_deliveries_has_an_empty_list() -> None:
    listening_world(queued_job())
    assert list_webhook_attempts(JOB_ID, "acme", replay_ports()) == ()
