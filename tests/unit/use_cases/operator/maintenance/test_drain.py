"""During maintenance new orders answer 503 and nothing else changes; its end lets them pass."""

import json
from typing import Any

import pytest

from fermata.domain.jobs.status import JobStatus
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.triggers.senders import Change
from fermata.errors import DrainingError
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.operator.maintenance import drain as module
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.use_cases.operator.set_triggers import set_triggers
from fermata.use_cases.orders.submit_job import submit_job
from fermata.wiring.generation import start_ports
from fermata.wiring.operator import manage_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.functions import FakeContext, http_event, wired_app
from tests.songs import LYRICS, PROMPT, hex_answer, order
from tests.unit.use_cases.triggers.test_ingest_event import event as requested

BODY = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
SINCE = "2026-11-21T12:00:00.000Z"


@pytest.fixture
def world() -> World:
    world = World(upstream=FakeUpstream(hex_answer(b"ID3")))
    world.tenants.create_tenant(Tenant(tenant_id="acme", created_at=NOON))
    set_triggers("acme", Change(events=True, sources=("111122223333/shop",)), world.triggers)
    return world


def admin(action: str, **more: object) -> dict[str, Any]:
    return dict(manage_tenants({"action": action, **more}, manage_ports(), NOON, bytes(25)))


def submit(key: str | None = None, number: int = 1) -> str:
    return submit_job(order(BODY, key=key), submit_ports(), NOON, bytes([number] * 10)).job_id


def test_an_order_is_answered_503_with_a_time_and_stores_nothing(world: World) -> None:
    admin("drain")
    answer = wired_app("submit_job", world).lambda_handler(
        http_event("POST", "/v1/jobs", json.dumps(BODY).encode()), FakeContext()
    )
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "60")
    assert (problem["type"], problem["retryable"], problem["charged"]) == ("urn:fermata:problem:draining", True, "no")
    assert "nothing was stored, send the same request again later" in problem["detail"]
    assert len(world.jobs) == 0


def test_what_was_ordered_is_answered_again_and_goes_on_to_its_purchase(world: World) -> None:
    job_id = submit("key-1")
    admin("drain")
    assert submit("key-1", 2) == job_id
    start_generation(job_id, start_ports(world.remaining_ms), "run-1")
    assert world.stored(job_id).status is JobStatus.STORING


def test_an_order_whose_key_was_stored_before_the_maintenance_is_answered_with_it(world: World) -> None:
    def first_of_both() -> None:
        submit("key-1", 1)
        admin("drain")

    world.jobs.before_next_create = first_of_both
    assert submit("key-1", 2) in world.jobs.rows
    assert len(world.jobs) == 1


def test_an_event_comes_again_instead_of_being_refused(world: World) -> None:
    admin("drain")
    app = wired_app("ingest_request", world)
    with pytest.raises(DrainingError):
        app.lambda_handler(requested(), FakeContext())
    assert world.events.published == []
    admin("drain", end=True)
    assert app.lambda_handler(requested(), FakeContext())["job_id"] in world.jobs.rows


def test_maintenance_is_shown_with_the_open_jobs_and_repeated_keeps_its_first_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_OPEN", 2)
    for number in range(2):
        submit(number=number)
    shown = {"draining_since": SINCE, "open_jobs": 2, "more_open_jobs": False}
    assert admin("drain") == {**shown, "changed": True}
    assert admin("drain") == {**shown, "changed": False}
    assert {name: admin("status")[name] for name in shown} == shown
    assert admin("drain", end=True) == {**shown, "draining_since": None, "changed": True}
    assert admin("drain", end=True)["changed"] is False
    submit(number=3)
    assert admin("status")["more_open_jobs"] is True
    assert len(world.jobs) == 3
