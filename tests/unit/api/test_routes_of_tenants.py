"""Every route of the template that has an authorizer refuses a key without its scope, and keeps tenants apart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from fermata.domain.tenants.api_keys import Scope, new_api_key
from local.deploy.transform import read_template
from tests.fakes.clock import NOON
from tests.fakes.providers.voice_store import ASKED, InMemoryVoiceStore
from tests.fakes.world import World
from tests.functions import ROOT, Event, FakeContext, http_event, wired_app
from tests.songs import JOB_ID, delivered_job

CALLING_KEY: Final = new_api_key("acme", NOON, bytes(25), tuple(Scope))[1]
UNKNOWN_JOB: Final = "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"


OPEN_TO_ALL: Final = {
    *(f"{method} /console{path}" for method in ("GET", "HEAD") for path in ("", "/{path+}")),
    "GET /healthz",
    "GET /openapi.json",
    "POST /v1/callbacks/{token}",
    "GET /v1/live/{token}/playlist.m3u8",
    "GET /v1/live/{token}/{name}",
    "ANY $default",
}


def routes() -> Iterator[tuple[str, str, str, bool]]:
    """Folder of the function, method and path of every route, and whether it needs a key."""
    resources: dict[str, Any] = read_template(ROOT / "template.yaml")["Resources"]
    for resource in resources.values():
        for event in resource["Properties"].get("Events", {}).values():
            route = event["Properties"]
            if event["Type"] == "HttpApi":
                has_keys = "DefaultAuthorizer" in resources[route["ApiId"]["Ref"]]["Properties"].get("Auth", {})
                closed = has_keys and route.get("Auth", {}).get("Authorizer") != "NONE"
                name = Path(resource["Properties"]["CodeUri"]).name
                yield name, route.get("Method", "ANY"), route.get("Path", "$default"), closed


ROUTES: Final = tuple((name, method, path) for name, method, path, closed in routes() if closed)
SCOPES: Final = {
    "POST /v1/jobs": "jobs:write",
    "POST /v1/quote": "jobs:write",
    "POST /v1/references": "jobs:write",
    "POST /v1/jobs/{id}/cancel": "jobs:write",
    "DELETE /v1/jobs/{id}": "jobs:write",
    "GET /v1/jobs": "jobs:read",
    "GET /v1/jobs/{id}": "jobs:read",
    "GET /v1/jobs/{id}/audio": "jobs:read",
    "GET /v1/jobs/{id}/attempts": "jobs:read",
    "GET /v1/jobs/{id}/webhooks": "jobs:read",
    "POST /v1/jobs/{id}/webhooks/replay": "jobs:write",
    "GET /v1/models": "jobs:read",
    "GET /v1/account": "account:read",
    "GET /v1/ledger": "account:read",
    "GET /v1/usage": "account:read",
    "GET /v1/usage/log": "account:read",
    "POST /v1/keys": "account:manage",
    "GET /v1/keys": "account:manage",
    "POST /v1/keys/{id}/rotate": "account:manage",
    "DELETE /v1/keys/{id}": "account:manage",
    "GET /v1/webhook": "account:manage",
    "PUT /v1/webhook": "account:manage",
    "DELETE /v1/webhook": "account:manage",
    "POST /v1/webhook/rotate": "account:manage",
    "POST /v1/webhook/test": "account:manage",
}
"""What each route needs; one that is not listed here only needs some scope."""
JOB_ROUTES: Final = tuple(route for route in ROUTES if "/v1/jobs/{id}" in route[2])


def event_for(method: str, path: str, scopes: str | None = None, job_id: str = JOB_ID, **more: str) -> Event:
    filled = path.replace("{id}", job_id)
    event = http_event(method, filled, b"{}" if method in ("POST", "PUT") else None, **more)
    event["routeKey"] = event["requestContext"]["routeKey"] = f"{method} {path}"
    if scopes is not None:
        event["requestContext"]["authorizer"]["lambda"]["scopes"] = scopes
    return event


def answer(name: str, event: Event, world: World) -> tuple[int, Event]:
    said = wired_app(name, world).lambda_handler(event, FakeContext())
    return said["statusCode"], json.loads(said["body"]) if said["body"] else {}


def test_there_are_routes_to_check() -> None:
    assert set(SCOPES) <= {f"{method} {path}" for _, method, path in ROUTES}


def test_public_routes_are_listed() -> None:
    assert {f"{method} {path}" for _, method, path, closed in routes() if not closed} == OPEN_TO_ALL


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_a_route_refuses_a_key_without_its_scope(name: str, method: str, path: str) -> None:
    world = World(voices=InMemoryVoiceStore(minimax=ASKED))
    world.jobs.create(delivered_job())
    world.tenants.add_key(CALLING_KEY)
    status, problem = answer(name, event_for(method, path, scopes=""), world)
    assert (status, problem["type"]) == (403, "urn:fermata:problem:insufficient_scope")
    assert problem["required_scope"] == SCOPES.get(f"{method} {path}", problem["required_scope"])
    others = {"account:read", "jobs:read", "jobs:write"} - {problem["required_scope"]}
    again = answer(name, event_for(method, path, scopes=" ".join(others)), world)
    assert again == (403, problem)
    allowed, _ = answer(name, event_for(method, path, scopes=problem["required_scope"]), world)
    assert allowed not in (401, 403, 500)


@pytest.mark.parametrize(("name", "method", "path"), JOB_ROUTES)
def test_another_tenants_job_is_as_unknown_as_one_that_never_existed(name: str, method: str, path: str) -> None:
    world = World()
    world.jobs.create(delivered_job())
    before = world.stored(JOB_ID)
    theirs = answer(name, event_for(method, path, tenant_id="other"), world)
    never = answer(name, event_for(method, path, job_id=UNKNOWN_JOB, tenant_id="other"), world)
    malformed = answer(name, event_for(method, path, job_id="job_1", tenant_id="other"), world)
    assert theirs == never == malformed
    assert (theirs[0], theirs[1]["type"]) == (404, "urn:fermata:problem:not_found")
    assert world.stored(JOB_ID) == before
