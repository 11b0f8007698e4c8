"""One try to deliver a webhook: to whom, signed how, kept how, and never made twice where its outcome is known."""

from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.money.wallet import Plan
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.domain.webhooks.delivery import (
    SCHEDULE_S,
    Answered,
    NoAnswer,
    NotAnswered,
    Outcome,
    Step,
    Try,
    Verdict,
    put_off_s,
)
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.errors import ConfigurationError, TransientError
from fermata.use_cases.webhooks.deliver_webhook import LAG, deliver_webhook
from fermata.wiring.webhooks import deliver_ports
from tests.fakes.clock import NOON
from tests.fakes.webhooks.sender import SentWebhook
from tests.fakes.webhooks.webhook_store import InMemoryWebhookStore
from tests.fakes.world import World
from tests.songs import JOB_ID, delivered_job
from tests.webhooks import CALLBACK_URL, NEXT_SECRET, ORIGIN, SECRET, URL, called_back, listening_world

BUSY = Answered(503)


def deliver(world: World, number: int = 1, replay: int = 0) -> Step:
    return deliver_webhook(JOB_ID, Try(replay, number), deliver_ports(), world.clock())


def signatures(sent: SentWebhook, world: World, *secrets: str) -> list[str]:
    return [Webhook(secret).sign(sent.headers["webhook-id"], world.clock(), sent.body.decode()) for secret in secrets]


def test_a_job_is_posted_to_its_tenants_endpoint_signed_with_its_secret() -> None:
    world = listening_world()
    assert deliver(world) == Step(Verdict.DELIVERED, 1)
    (sent,) = world.sender.sent
    assert (sent.url, sent.headers["content-type"]) == (URL, "application/json")
    assert [sent.headers["webhook-signature"]] == signatures(sent, world, SECRET)
    (kept,) = world.deliveries.of(JOB_ID)
    assert (kept.at, kept.origin, kept.outcome, kept.status_code) == (NOON, ORIGIN, Outcome.DELIVERED, 204)


def test_the_first_post_says_how_long_after_the_end_it_leaves_and_no_other_does() -> None:
    world = listening_world()
    finished = world.stored(JOB_ID).finished_at
    assert finished is not None
    world.clock.now = finished + timedelta(seconds=70)
    world.sender.script = [BUSY]
    deliver(world)
    world.clock.pass_seconds(5)
    deliver(world, number=2)
    deliver(world, replay=1)
    assert world.metrics.lasted == [(LAG, 70)]


def test_a_job_with_an_address_of_its_own_is_posted_there_and_nowhere_else() -> None:
    world = listening_world(called_back())
    deliver(world)
    assert [sent.url for sent in world.sender.sent] == [CALLBACK_URL]
    assert [sent.headers["webhook-signature"] for sent in world.sender.sent] == signatures(
        world.sender.sent[0], world, SECRET
    )


def test_a_replaced_secret_signs_beside_the_new_one() -> None:
    world = listening_world()
    world.webhooks.rotate("acme", NEXT_SECRET, NOON.replace(hour=13))
    deliver(world)
    (sent,) = world.sender.sent
    assert sent.headers["webhook-signature"].split(" ") == signatures(sent, world, NEXT_SECRET, SECRET)


def test_all_ten_tries_have_one_id_and_one_body_and_each_its_own_time() -> None:
    world = listening_world()
    world.sender.script = [BUSY] * 10
    step = Step(Verdict.RETRY, 1)
    while step.verdict is Verdict.RETRY:
        step = deliver(world, step.number)
        world.clock.pass_seconds(step.wait_s)
    assert step.verdict is Verdict.GIVEN_UP
    assert len({sent.headers["webhook-id"] for sent in world.sender.sent}) == 1
    assert len({sent.body for sent in world.sender.sent}) == 1
    began = int(NOON.timestamp())
    since = [int(sent.headers["webhook-timestamp"]) - began for sent in world.sender.sent]
    assert since == [sum(SCHEDULE_S[: number + 1]) for number in range(10)]
    assert [attempt.outcome for attempt in world.deliveries.of(JOB_ID)] == [Outcome.FAILED] * 9 + [Outcome.GIVEN_UP]


@pytest.mark.parametrize(
    "reply", [Answered(204), BUSY, Answered(503, 3600), Answered(410), NotAnswered(NoAnswer.TIMEOUT)]
)
def test_a_try_that_is_on_record_is_not_made_again(reply: Answered | NotAnswered) -> None:
    """The state machine repeats a run whose answer was lost."""
    world = listening_world()
    world.sender.script = [reply, Answered(500, 7200)]
    first = deliver(world)
    world.clock.pass_seconds(60)
    assert deliver(world) == first
    assert len(world.sender.sent) == 1


def test_the_first_recorded_of_two_simultaneous_runs_of_one_try_decides() -> None:
    world = listening_world()
    world.sender.script = [BUSY, Answered(204)]
    world.sender.while_sending = lambda: deliver(world)
    assert [deliver(world), deliver(world)] == [Step(Verdict.RETRY, 2, 5)] * 2
    assert len(world.deliveries.of(JOB_ID)) == 1
    assert len({sent.headers["webhook-id"] for sent in world.sender.sent}) == len(world.sender.sent) - 1


def test_an_endpoint_that_is_gone_is_disabled_until_it_is_set_again() -> None:
    world = listening_world()
    world.sender.script = [Answered(410)]
    assert deliver(world) == Step(Verdict.STOPPED, 1)
    endpoint = world.webhooks.find("acme")
    assert endpoint is not None
    assert endpoint.disabled_at == NOON
    assert deliver(world, replay=1).verdict is Verdict.STOPPED
    assert len(world.sender.sent) == 1
    world.webhooks.point(WebhookEndpoint(tenant_id="acme", url=URL), NEXT_SECRET)
    assert deliver(world, replay=2).verdict is Verdict.DELIVERED


def test_a_jobs_own_address_that_is_gone_leaves_the_tenants_alone() -> None:
    world = listening_world(called_back())
    world.sender.script = [Answered(410)]
    assert deliver(world) == Step(Verdict.STOPPED, 1)
    endpoint = world.webhooks.find("acme")
    assert endpoint is not None
    assert endpoint.disabled_at is None


def test_an_endpoint_that_moved_meanwhile_is_posted_to_at_its_new_address() -> None:
    world = listening_world()
    world.sender.script = [BUSY]
    deliver(world)
    moved = WebhookEndpoint(tenant_id="acme", url="https://new.example.com/")
    world.webhooks.point(moved, SECRET)
    assert deliver(world, 2).verdict is Verdict.DELIVERED
    assert [sent.url for sent in world.sender.sent] == [URL, "https://new.example.com/"]


@pytest.mark.parametrize("job", [tombstone_of(delivered_job(), NOON), tombstone_of(called_back(), NOON)])
def test_a_deleted_job_is_not_posted(job: Job) -> None:
    world = listening_world(job)
    assert deliver(world) == Step(Verdict.STOPPED, 1)
    assert (world.sender.sent, world.deliveries.of(JOB_ID)) == ([], ())


def test_nothing_is_posted_once_no_address_is_set() -> None:
    world = listening_world()
    world.webhooks.switch_off("acme")
    assert deliver(world) == Step(Verdict.STOPPED, 1)
    assert world.sender.sent == []


def test_a_job_that_does_not_exist_any_more_stops_its_delivery() -> None:
    assert deliver(World()) == Step(Verdict.STOPPED, 1)


def test_a_delivery_that_waits_stops_once_a_replay_has_arrived() -> None:
    world = listening_world()
    world.sender.script = [BUSY]
    deliver(world)
    assert deliver(world, replay=1).verdict is Verdict.DELIVERED
    assert deliver(world, 2) == Step(Verdict.STOPPED, 2)
    assert len(world.sender.sent) == 2


def test_a_replay_that_fails_does_not_stop_the_delivery_before_it() -> None:
    world = listening_world()
    world.sender.script = [BUSY, BUSY]
    deliver(world)
    deliver(world, replay=1)
    assert deliver(world, 2).verdict is Verdict.DELIVERED


def test_a_missing_secret_of_a_tenant_is_reported_as_the_operators_trouble() -> None:
    world = listening_world()
    world.webhooks = InMemoryWebhookStore()
    vars(world.webhooks)["_endpoints"]["acme"] = WebhookEndpoint(tenant_id="acme", url=URL).model_dump_json()
    with pytest.raises(ConfigurationError):
        deliver(world)
    assert world.sender.sent == []


def test_a_try_that_had_trouble_with_the_store_can_be_repeated() -> None:
    world = listening_world()
    world.webhooks.failure = TransientError("the table could not be read")
    with pytest.raises(TransientError):
        deliver(world)
    world.webhooks.failure = None
    assert deliver(world) == Step(Verdict.DELIVERED, 1)


def test_nothing_that_a_receiver_does_touches_the_job() -> None:
    world = listening_world()
    before = world.stored(JOB_ID)
    world.sender.script = [BUSY, Answered(410)]
    deliver(world)
    deliver(world, 2)
    assert world.stored(JOB_ID) == before


def bounded(posts: int) -> World:
    world = listening_world()
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(webhook_posts_per_job=posts))
    return world


def test_tries_and_replays_share_one_bound_of_posts() -> None:
    world = bounded(3)
    world.sender.script = [BUSY] * 9
    verdicts = [deliver(world, number, replay).verdict for number, replay in ((1, 0), (1, 1), (2, 0), (2, 1), (1, 2))]
    assert verdicts == [Verdict.RETRY] * 3 + [Verdict.STOPPED] * 2
    assert len(world.sender.sent) == len(world.deliveries.of(JOB_ID)) == 3


def test_a_try_that_is_repeated_because_its_outcome_is_unknown_is_another_post() -> None:
    world = bounded(2)
    world.sender.script = [BUSY, BUSY]
    world.sender.while_sending = lambda: deliver(world)
    deliver(world)
    assert (len(world.sender.sent), deliver(world, 2).verdict) == (2, Verdict.STOPPED)


def test_a_post_that_cannot_be_signed_is_not_counted() -> None:
    world = bounded(1)
    world.webhooks = InMemoryWebhookStore()
    vars(world.webhooks)["_endpoints"]["acme"] = WebhookEndpoint(tenant_id="acme", url=URL).model_dump_json()
    with pytest.raises(ConfigurationError):
        deliver(world)
    assert world.deliveries.posts[JOB_ID] == 0


def test_a_tenant_without_a_wallet_has_the_usual_bound() -> None:
    world = listening_world()
    vars(world.wallets)["_wallets"].clear()
    world.deliveries.posts[JOB_ID] = PlanLimits().webhook_posts_per_job - 1
    assert [deliver(world).verdict, deliver(world, replay=1).verdict] == [Verdict.DELIVERED, Verdict.STOPPED]


def repeating(per_minute: int) -> World:
    world = listening_world()
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(webhook_repeats_per_minute=per_minute))
    world.sender.script = [BUSY] * 9
    return world


def test_a_repeat_beyond_the_plans_bound_waits_and_nothing_is_lost() -> None:
    world = repeating(1)
    assert [deliver(world, number).verdict for number in (1, 2)] == [Verdict.RETRY] * 2
    put_off = deliver(world, 3)
    assert (put_off, len(world.sender.sent)) == (Step(Verdict.RETRY, 3, SCHEDULE_S[2]), 2)
    assert len(world.deliveries.of(JOB_ID)) == 2
    world.clock.pass_seconds(put_off.wait_s)
    world.sender.script = [Answered(204)]
    assert deliver(world, 3) == Step(Verdict.DELIVERED, 3)


def test_a_first_post_is_never_postponed_however_many_repeats_there_were() -> None:
    world = repeating(1)
    for number in (2, 3, 4):
        deliver(world, number)
    deliver(world, 1)
    assert len(world.sender.sent) == 2


def test_a_replay_counts_as_a_repeat_and_waits_for_the_next_minute_at_least() -> None:
    world = repeating(1)
    deliver(world, 1, replay=1)
    assert deliver(world, 1, replay=2) == Step(Verdict.RETRY, 1, 60)


def test_repeats_that_cannot_be_counted_are_posted() -> None:
    world = repeating(1)
    world.wallets.calls.failure = TransientError("nobody counts")
    deliver(world, 2)
    assert len(world.sender.sent) == 1


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 30), (1.0, 90)])
def test_posts_that_were_postponed_together_do_not_come_back_together(chance: float, seconds: int) -> None:
    assert put_off_s(Try(0, 2), 30, chance) == seconds
