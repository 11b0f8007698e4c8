"""A key with a monthly cap, from the authorizer to the order and its end, and orders that no key makes."""

import json
from datetime import UTC, datetime

import pytest

from fermata.domain.money.key_counter import KeyCounter
from fermata.domain.tenants.api_keys import new_api_key
from fermata.domain.tenants.key_cap import KeyCap
from fermata.errors import TransientError
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.functions import Event, FakeContext, authorizer_event, http_event, wired_app
from tests.songs import LYRICS, PROMPT

BODY = json.dumps({"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}).encode()
KEY, RECORD = new_api_key("acme", NOON, bytes(range(25)))
CAPPED = RECORD.model_copy(update={"monthly_credits": 60})
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return World()


def context_of(world: World, key: str = KEY) -> Event:
    answer: Event = wired_app("authorize_request", world).lambda_handler(
        authorizer_event(f"Bearer {key}"), FakeContext()
    )
    assert answer["isAuthorized"]
    context: Event = json.loads(json.dumps(answer["context"]))
    return context


def submit(world: World, idempotency_key: str | None = None) -> Event:
    """An order as the authorizer lets it pass."""
    event = http_event("POST", "/v1/jobs", BODY)
    event["requestContext"]["authorizer"]["lambda"] = context_of(world)
    if idempotency_key is not None:
        event["headers"]["idempotency-key"] = idempotency_key
    answer: Event = wired_app("submit_job", world).lambda_handler(event, FakeContext())
    return answer


def test_the_cap_of_a_key_goes_from_the_authorizer_to_the_job(world: World) -> None:
    world.tenants.add_key(CAPPED)
    assert context_of(world) == {
        "tenant_id": "acme",
        "key_id": RECORD.key_id,
        "scopes": "account:read jobs:read jobs:write",
        "counter_id": RECORD.key_id,
        "monthly_credits": 60,
    }
    answer = json.loads(submit(world)["body"])
    assert answer["api_key_id"] == RECORD.key_id
    job = world.stored(answer["id"])
    assert (job.api_key_id, job.key_cap) == (RECORD.key_id, KeyCap(counter_id=RECORD.key_id, monthly_credits=60))


def test_a_job_of_a_key_without_a_cap_names_its_key_and_counts_on_none(world: World) -> None:
    world.tenants.add_key(RECORD)
    job = world.stored(json.loads(submit(world)["body"])["id"])
    assert (job.api_key_id, job.key_cap, world.wallets.key_counters) == (RECORD.key_id, None, {})


def test_beyond_its_cap_a_key_orders_nothing_and_learns_when_it_may_again(world: World) -> None:
    world.tenants.add_key(CAPPED)
    for _ in range(2):
        assert submit(world)["statusCode"] == 202
    answer = submit(world)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (429, "urn:fermata:problem:key_limit_reached")
    assert (problem["charged"], problem["retryable"]) == ("no", True)
    assert answer["headers"]["Retry-After"] == str(int((DECEMBER - NOON).total_seconds()) + 1)
    assert "may cost 30 credits and 0 of this key's 60 a month are left" in problem["detail"]
    assert (len(world.jobs), len(world.machine.started)) == (2, 2)


def test_an_order_that_was_taken_is_told_again_although_the_key_is_used_up(world: World) -> None:
    world.tenants.add_key(CAPPED.model_copy(update={"monthly_credits": 30}))
    first = submit(world, "k")
    assert submit(world)["statusCode"] == 429
    again = submit(world, "k")
    assert (again["statusCode"], json.loads(again["body"])["id"]) == (202, json.loads(first["body"])["id"])


def test_a_canceled_order_gives_its_credits_back_to_the_key(world: World) -> None:
    world.tenants.add_key(CAPPED.model_copy(update={"monthly_credits": 30}))
    job_id = json.loads(submit(world)["body"])["id"]
    canceled = wired_app("cancel_job", world).lambda_handler(
        http_event("POST", f"/v1/jobs/{job_id}/cancel"), FakeContext()
    )
    assert (canceled["statusCode"], json.loads(canceled["body"])["api_key_id"]) == (200, RECORD.key_id)
    assert submit(world)["statusCode"] == 202


def test_an_order_that_cannot_be_started_gives_its_credits_back_to_the_key(world: World) -> None:
    world.tenants.add_key(CAPPED)
    world.machine.failure = TransientError("busy")
    assert submit(world)["statusCode"] == 503
    assert world.wallets.key_counter("acme", RECORD.key_id) == KeyCounter(month="2026-11")
