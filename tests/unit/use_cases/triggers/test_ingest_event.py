"""An event becomes one job of the tenant whose source it is, or a refusal that its pipeline receives."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.wallet import Plan
from fermata.domain.orders.idempotency import KEPT_FOR
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.domain.triggers.senders import Change
from fermata.errors import NotStartedError, TransientError
from fermata.use_cases.operator.set_triggers import set_triggers
from fermata.use_cases.orders.submit_job import submit_job, submit_once
from fermata.use_cases.triggers.ingest_event import ingest_event
from fermata.wiring.orders import submit_ports
from fermata.wiring.triggers import event_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.functions import FakeContext, wired_app
from tests.songs import LYRICS, PROMPT, order

BODY: dict[str, Any] = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
DETAIL = {**BODY, "idempotency_key": "order-42"}
RANDOM = bytes(range(10))
SECRET = "a canary in a field's name"


def event(detail: object = DETAIL, **envelope: object) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "e0f8a0a6-0000-4000-8000-000000000001",
        "detail-type": "Music Job Requested",
        "source": "shop",
        "account": "111122223333",
        "time": "2026-11-21T12:00:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": detail,
        **envelope,
    }


@pytest.fixture
def world() -> World:
    world = World()
    set_triggers("acme", Change(events=True, sources=("111122223333/shop",)), world.triggers)
    return world


def ingest(asked: object) -> str | None:
    submission = ingest_event(asked, event_ports(), NOON)
    return submission.job_id if submission else None


def refused(world: World, asked: object) -> Mapping[str, Any]:
    """What is published about a refused event, for which nothing was stored."""
    assert ingest(asked) is None
    assert (len(world.jobs), world.machine.started) == (0, [])
    (told,) = world.events.published
    assert told.detail_type == "Music Job Refused"
    return told.detail


def test_an_event_becomes_a_job_of_the_tenant_whose_source_it_is(world: World) -> None:
    job = world.stored(str(ingest(event())))
    assert (job.api_key_id, job.key_cap) == (None, None)
    assert (job.tenant_id, job.status, job.request.prompt) == ("acme", JobStatus.QUEUED, PROMPT)
    assert world.machine.started == [job.id]
    assert world.events.published == []


def test_an_event_may_leave_the_choice_of_its_model_to_fermata_and_keeps_it(world: World) -> None:
    asked = event({**DETAIL, "model": "auto", "max_credits": 6})
    job = world.stored(str(ingest(asked)))
    world.brakes.pause(job.candidate.provider, NOON)
    assert ingest(asked) == job.id
    assert ([each.model for each in job.candidates], len(world.jobs)) == (["minimax/music-1.5", "minimax/music-2.0"], 1)


def test_an_event_that_no_model_can_serve_is_refused_by_the_field_of_its_model(world: World) -> None:
    told = refused(world, event({**DETAIL, "model": "auto", "max_credits": 0}))
    assert (told["problem"]["status"], told["problem"]["fields"]) == (422, ["/model"])


def test_the_same_event_twice_is_one_job(world: World) -> None:
    first = ingest(event())
    assert ingest(event()) == first
    assert ingest(event(id="another-event")) == first
    assert len(world.jobs) == 1


def test_the_same_event_long_after_its_receipt_has_gone_is_one_job_and_another_one_with_its_key_is_not(
    world: World,
) -> None:
    first = ingest(event())
    later = NOON + KEPT_FOR + timedelta(hours=1)
    again = ingest_event(event(), event_ports(), later)
    other = ingest_event(event(id="another-event"), event_ports(), later)
    assert again is not None
    assert other is not None
    assert (again.job_id, again.replayed, other.replayed) == (first, True, False)
    assert world.machine.started == [first, other.job_id]
    assert world.wallets.calls.minutes["acme"][1].total() == 1


@pytest.mark.parametrize("time", [None, "yesterday", "1969-12-31T23:59:59Z", "2026-11-21T12:00:00"])
def test_an_event_without_a_time_that_ids_can_hold_is_refused(world: World, time: str | None) -> None:
    assert refused(world, event(time=time))["problem"]["type"] == "urn:fermata:problem:invalid_request"


def test_the_slower_of_two_runs_of_one_event_without_a_receipt_returns_the_job_of_the_faster(
    world: World,
) -> None:
    asked, job_id, ports = order(BODY), new_job_id(NOON, RANDOM), submit_ports()
    world.jobs.before_next_create = lambda: submit_once(asked, job_id, ports, NOON)
    assert submit_once(asked, job_id, ports, NOON).replayed
    assert (len(world.jobs), [entry.kind.value for entry in world.wallets.ledger("acme")]) == (1, ["hold"])


@pytest.mark.usefixtures("world")
def test_a_key_of_an_event_is_not_a_key_of_an_http_request() -> None:
    over_http = submit_job(order(BODY, key="order-42"), submit_ports(), NOON, bytes(10))
    assert ingest(event()) != over_http.job_id


def test_a_tenant_in_the_detail_is_an_unknown_field(world: World) -> None:
    told = refused(world, event({**DETAIL, "tenant_id": "other"}))
    assert told["tenant_id"] == "acme"
    assert told["problem"]["type"] == "urn:fermata:problem:invalid_request"


@pytest.mark.parametrize(
    ("detail", "slug", "fields"),
    [
        pytest.param(BODY, "invalid_request", ["/idempotency_key"], id="no key"),
        pytest.param(
            {**BODY, "idempotency_key": "a b"}, "invalid_request", ["/idempotency_key"], id="key with a space"
        ),
        pytest.param({**BODY, "idempotency_key": 7}, "invalid_request", ["/idempotency_key"], id="key of no text"),
        pytest.param({**BODY, "idempotency_key": "x" * 256}, "invalid_request", ["/idempotency_key"], id="long key"),
        pytest.param({"idempotency_key": "k"}, "invalid_request", ["/model"], id="no model"),
        pytest.param({**DETAIL, "prompt": "x" * 140_000}, "body_too_large", [], id="huge"),
        pytest.param({**DETAIL, SECRET: 1}, "invalid_request", ["a field that does not exist"], id="unknown field"),
        pytest.param("text", "invalid_request", ["a field that does not exist"], id="detail of no object"),
        pytest.param(None, "invalid_request", ["a field that does not exist"], id="no detail"),
    ],
)
def test_a_bad_event_is_refused_with_its_problem(world: World, detail: object, slug: str, fields: list[str]) -> None:
    told = refused(world, event(detail))
    assert told["problem"]["type"] == f"urn:fermata:problem:{slug}"
    assert told["problem"]["fields"] == fields
    assert told["request_event_id"] == event()["id"]
    assert told["event_id"] == f"{event()['id']}.refused"
    assert PROMPT not in json.dumps(told)
    assert SECRET not in json.dumps(told)


@pytest.mark.parametrize("field", ["id", "account", "source", "detail"])
def test_an_event_without_a_field_of_its_envelope_is_refused(world: World, field: str) -> None:
    asked = event()
    del asked[field]
    assert refused(world, asked)["problem"]["type"] == "urn:fermata:problem:invalid_request"


@pytest.mark.parametrize("asked", [None, [], "text", {}])
def test_input_that_is_no_event_is_refused(world: World, asked: object) -> None:
    assert refused(world, asked)["request_event_id"] is None


@pytest.mark.parametrize("sender", [{"source": "desk"}, {"account": "999999999999"}, {"source": "shop/acme"}])
def test_an_unknown_sender_is_refused(world: World, sender: dict[str, str]) -> None:
    told = refused(world, event(**sender))
    assert told["problem"]["type"] == "urn:fermata:problem:trigger_off"
    assert told["tenant_id"] is None


def test_a_tenant_whose_events_are_off_is_refused(world: World) -> None:
    set_triggers("acme", Change(inbox=True, events=False), world.triggers)
    told = refused(world, event())
    assert (told["problem"]["type"], told["tenant_id"]) == ("urn:fermata:problem:trigger_off", "acme")


def test_a_key_that_came_with_another_request_is_refused(world: World) -> None:
    ingest(event())
    assert ingest(event({**DETAIL, "prompt": "another"}, id="another-event")) is None
    assert world.events.published[0].detail["problem"] == {
        "type": "urn:fermata:problem:idempotency_key_reused",
        "title": "The key belongs to another request",
        "status": 422,
        "retryable": False,
        "fields": [],
    }
    assert len(world.jobs) == 1


def test_an_event_beyond_the_plans_limit_is_reported_as_retryable(world: World) -> None:
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(submits_per_minute=1))
    ingest(event())
    assert ingest(event({**DETAIL, "idempotency_key": "order-43"})) is None
    problem = world.events.published[0].detail["problem"]
    assert isinstance(problem, dict)
    assert (problem["type"], problem["retryable"]) == ("urn:fermata:problem:rate_limited", True)


def test_an_event_whose_job_could_not_be_started_comes_again_and_starts_it(world: World) -> None:
    world.machine.failure = TransientError("no machine")
    with pytest.raises(NotStartedError):
        ingest(event())
    world.machine.failure = None
    assert world.machine.started == [ingest(event())]
    assert len(world.jobs) == 1


def test_a_refusal_that_could_not_be_published_is_published_when_the_event_comes_again(world: World) -> None:
    world.events.failure = TransientError("no bus")
    with pytest.raises(TransientError):
        ingest(event(BODY))
    world.events.failure = None
    refused(world, event(BODY))


def test_the_function_answers_with_the_jobs_id(world: World) -> None:
    app = wired_app("ingest_request", world)
    assert app.lambda_handler(event(), FakeContext()) == {"job_id": world.machine.started[0]}
    assert app.lambda_handler(event(BODY), FakeContext()) == {"job_id": None}


def test_refused_events_are_counted_and_beyond_the_bound_refused_as_retryable(world: World) -> None:
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(trigger_calls_per_minute=2))
    assert ingest(event()) is not None
    assert ingest(event({"model": "nonsense"})) is None
    assert ingest(event()) is not None
    assert ingest(event({**BODY, "idempotency_key": "order-43"})) is None
    *_, told = world.events.published
    problem = told.detail["problem"]
    assert isinstance(problem, dict)
    assert (problem["type"], problem["retryable"]) == ("urn:fermata:problem:rate_limited", True)
    world.clock.pass_seconds(60)
    assert ingest(event({**BODY, "idempotency_key": "order-43"})) is not None


def test_an_event_of_no_tenant_leaves_no_counter(world: World) -> None:
    assert ingest(event(source="stranger")) is None
    assert world.wallets.calls.writes == 0
