"""A suspended tenant orders and changes nothing at once, whichever way it comes; reads and running jobs go on."""

import json
from typing import Any

import pytest

from fermata.domain.jobs.status import JobStatus
from fermata.domain.tenants.api_keys import Scope, new_api_key
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.triggers.senders import Change
from fermata.errors import NotFoundError, TenantSuspendedError
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.use_cases.operator.set_triggers import set_triggers
from fermata.use_cases.orders.cancel_job import cancel_job
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
from tests.unit.use_cases.triggers.test_ingest_file import created

BODY = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
SUSPENDED = "urn:fermata:problem:tenant_suspended"


@pytest.fixture
def world() -> World:
    world = World(upstream=FakeUpstream(hex_answer(b"ID3")))
    world.tenants.create_tenant(Tenant(tenant_id="acme", created_at=NOON))
    set_triggers("acme", Change(inbox=True, events=True, sources=("111122223333/shop",)), world.triggers)
    world.tenants.add_key(new_api_key("acme", NOON, bytes(25), tuple(Scope))[1])
    return world


def admin(action: str, **more: object) -> dict[str, Any]:
    return dict(manage_tenants({"action": action, **more}, manage_ports(), NOON, bytes(25)))


def suspend() -> dict[str, Any]:
    return admin("suspend_tenant", tenant_id="acme")


def submit(key: str | None = None, randomness: int = 1) -> str:
    return submit_job(order(BODY, key=key), submit_ports(), NOON, bytes([randomness] * 10)).job_id


def ask(world: World, function: str, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    raw = None if body is None else json.dumps(body).encode()
    event = http_event(method, path, raw)
    key_id = world.tenants.keys_of("acme")[0].key_id
    event["requestContext"]["authorizer"]["lambda"] = {
        "tenant_id": "acme",
        "key_id": key_id,
        "scopes": " ".join(Scope),
    }
    answer = wired_app(function, world).lambda_handler(event, FakeContext())
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else {}


@pytest.mark.usefixtures("world")
def test_a_suspension_is_shown_and_repeated_keeps_its_first_time_until_it_ends() -> None:
    first = suspend()
    assert first == {"tenant_id": "acme", "suspended_at": "2026-11-21T12:00:00.000Z", "changed": True}
    assert suspend() == {**first, "changed": False}
    assert admin("show_tenant", tenant_id="acme")["suspended_at"] == first["suspended_at"]
    assert [each["suspended_at"] for each in admin("list_tenants")["tenants"]] == [first["suspended_at"]]
    resumed = {"tenant_id": "acme", "suspended_at": None, "changed": True}
    assert admin("resume_tenant", tenant_id="acme") == resumed
    assert admin("resume_tenant", tenant_id="acme") == {**resumed, "changed": False}
    assert submit()


@pytest.mark.usefixtures("world")
def test_an_unknown_tenant_is_not_suspended() -> None:
    for action in ("suspend_tenant", "resume_tenant"):
        with pytest.raises(NotFoundError, match="no tenant nobody"):
            admin(action, tenant_id="nobody")


def test_a_new_order_is_refused_while_an_earlier_one_is_answered_canceled_or_delivered(world: World) -> None:
    first, second = submit("key-1", 1), submit(None, 2)
    suspend()
    with pytest.raises(TenantSuspendedError, match=r"suspended this account on 2026-11-21 .* ask the operator"):
        submit("key-2", 3)
    assert submit("key-1", 4) == first
    assert cancel_job(first, "acme", world.jobs, NOON).status is JobStatus.CANCELED
    start_generation(second, start_ports(world.remaining_ms), "run-1")
    assert world.stored(second).status is JobStatus.STORING
    assert (len(world.jobs), world.upstream.posts) == (2, 1)


@pytest.mark.parametrize(
    ("function", "method", "path", "body"),
    [
        ("submit_job", "POST", "/v1/jobs", BODY),
        ("create_reference", "POST", "/v1/references", {"content_type": "audio/mpeg", "bytes": 5}),
        ("manage_keys", "POST", "/v1/keys", {}),
        ("manage_keys", "POST", "/v1/keys/aaaaaaaa/rotate", {}),
        ("manage_keys", "DELETE", "/v1/keys/aaaaaaaa", None),
        ("manage_webhook", "PUT", "/v1/webhook", {"url": "https://example.com/"}),
        ("manage_webhook", "DELETE", "/v1/webhook", None),
        ("manage_webhook", "POST", "/v1/webhook/rotate", {}),
        ("try_webhook", "POST", "/v1/webhook/test", {}),
    ],
)
def test_over_http_changes_are_refused_at_once_and_pass_again_after_the_suspension(
    world: World, function: str, method: str, path: str, body: object
) -> None:
    suspend()
    status, problem = ask(world, function, method, path, body)
    assert (status, problem["type"], problem["retryable"]) == (403, SUSPENDED, False)
    assert len(world.tenants.keys_of("acme")) == 1
    admin("resume_tenant", tenant_id="acme")
    assert ask(world, function, method, path, body)[1].get("type") != SUSPENDED


@pytest.mark.parametrize(
    ("function", "method", "path"),
    [
        ("manage_keys", "GET", "/v1/keys"),
        ("manage_webhook", "GET", "/v1/webhook"),
        ("list_jobs", "GET", "/v1/jobs"),
        ("read_account", "GET", "/v1/account"),
    ],
)
def test_reads_go_on(world: World, function: str, method: str, path: str) -> None:
    suspend()
    assert ask(world, function, method, path)[0] == 200


def test_events_are_refused_with_the_same_problem(world: World) -> None:
    suspend()
    app = wired_app("ingest_request", world)
    assert app.lambda_handler(requested(), FakeContext()) == {"job_id": None}
    problem = world.events.published[-1].detail["problem"]
    assert isinstance(problem, dict)
    assert (problem["type"], len(world.jobs)) == (SUSPENDED, 0)


@pytest.mark.parametrize("name", ["song.json", "songs.jsonl"])
def test_files_are_refused_as_a_whole_with_the_same_problem(world: World, name: str) -> None:
    suspend()
    file = world.inbox.put_in(f"requests/acme/{name}", json.dumps(BODY).encode())
    wired_app("ingest_request", world).lambda_handler(created(file), FakeContext())
    result = json.loads(world.inbox.written[f"{file.results}result.json"])
    assert (result["status"], result["problem"]["type"]) == ("refused", SUSPENDED)
    assert (len(world.jobs), world.batches.started) == (0, {})
