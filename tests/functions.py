"""The functions as Lambda calls them: their `app.py` by path, events as API Gateway sends them, and a context."""

import ast
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from fermata.domain.tenants.plan_limits import CANCELS, CHANGES, READS, REFUSED_ORDERS
from fermata.use_cases.accounts.rate_limits import submits_left
from fermata.wiring import accounts, generation, operator, orders, runtime, stores, triggers, webhooks
from fermata.wiring.runtime import job_randomness
from tests.api_document import assert_documented
from tests.fakes.settings import PROVIDERS
from tests.fakes.world import World

ROOT: Final = Path(__file__).parents[1]
NAMES: Final = tuple(sorted(path.parent.name for path in ROOT.glob("functions/*/app.py")))

TURN_SETTINGS: Final = {
    **{f"{provider.upper()}_RPM": "120" for provider in PROVIDERS},
    **{f"{provider.upper()}_CONCURRENCY": "20" for provider in PROVIDERS},
    **{f"{provider.upper()}_DAILY_BUDGET_USD": "0" for provider in PROVIDERS},
    "CIRCUIT_FAILURES": "5",
    "CIRCUIT_WINDOW_SECONDS": "60",
    "CIRCUIT_OPEN_SECONDS": "30",
    "CIRCUIT_LONGEST_OPEN_SECONDS": "600",
}
"""The variables that say how often each provider may be called, and how much it may cost."""

WIRING: Final = (accounts, generation, operator, orders, runtime, stores, triggers, webhooks)
"""The rooms of the wiring."""

Event = dict[str, Any]


@dataclass
class FakeContext:
    """What a handler is handed besides its event."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:function"
    aws_request_id: str = "request-1"
    remaining_ms: int = 300_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def load_app(name: str) -> ModuleType:
    """A fresh copy of a function's `app.py`."""
    spec = spec_from_file_location(f"functions_{name}_app", ROOT / "functions" / name / "app.py")
    if spec is None or spec.loader is None:
        raise AssertionError(f"no function {name}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wired_app(name: str, world: World, patch: pytest.MonkeyPatch) -> ModuleType:
    """A function whose ports are the world's. What it answers over HTTP is held against the OpenAPI document."""
    # An API is made with these when its module is loaded.
    patch.setattr(accounts, "count_read", lambda tenant_id: world.call_meter(READS).count(tenant_id, world.clock()))
    patch.setattr(accounts, "count_change", lambda tenant_id: world.call_meter(CHANGES).count(tenant_id, world.clock()))
    patch.setattr(accounts, "submits_left", lambda tenant_id: submits_left(tenant_id, world.wallets, world.clock()))
    patch.setattr(accounts, "refused_orders", ports_of(world)["refused_orders"])
    app = load_app(name)
    put_ports(app, ports_of(world), patch)
    patch.setattr(app, "lambda_handler", _documented(app.lambda_handler))
    return app


def put_ports(app: ModuleType, ports: Mapping[str, object], patch: pytest.MonkeyPatch) -> None:
    """Put a port of the world in place of each that a function takes from the wiring; an `AssertionError` where one of
    them has no counterpart on the other side, because the test would else run with what it does not know.
    """
    strangers = sorted(port for port in ports if not hasattr(*wired(port)))
    assert not strangers, f"the wiring has nothing called {', '.join(strangers)}; name it in the world as it is there"
    taken = taken_from_wiring(app)
    missing = sorted(taken - ports.keys() - AS_WIRED)
    assert not missing, f"{app.__file__} takes {', '.join(missing)} from the wiring; the world has no such port"
    for port in taken & ports.keys():
        patch.setattr(app, port, ports[port])


def wired(port: str) -> tuple[ModuleType, str]:
    """The room of the wiring that has a port, for `getattr`, and the port's name; any room where none has it."""
    return next((room for room in WIRING if hasattr(room, port) and _is_of(room, port)), accounts), port


def _is_of(room: ModuleType, port: str) -> bool:
    return getattr(getattr(room, port), "__module__", None) == room.__name__


def taken_from_wiring(app: ModuleType) -> set[str]:
    """The names that a function imports from the wiring; an `AssertionError` where it takes a module as a whole."""
    source = Path(str(app.__file__)).read_text("utf-8")
    taken: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fermata.wiring."):
            taken.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            package = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            if any(f"{package}{alias.name}".startswith("fermata.wiring") for alias in node.names):
                raise AssertionError(f"{app.__file__} imports the wiring as a whole; import its names")
    return taken


AS_WIRED: Final = frozenset({"claim_id", "key_randomness", "count_read", "count_change", "submits_left"})
"""What a function takes from the wiring as it is there: chance, and what was put into the wiring itself before."""


def ports_of(world: World) -> dict[str, Callable[..., object]]:
    """The world's own of every port, by the name that it has in the wiring."""
    return {
        "start_ports": lambda _remaining_ms: world.start_ports(),
        "resume_ports": world.resume_ports,
        "poll_ports": world.poll_ports,
        "callback_ports": world.callback_ports,
        "store_ports": lambda _remaining_ms: world.store_ports(),
        "submit_ports": world.submit_ports,
        "refused_orders": lambda: world.free_calls(REFUSED_ORDERS),
        "refused_cancels": lambda: world.free_calls(CANCELS),
        "event_ports": world.event_ports,
        "file_ports": world.file_ports,
        "line_ports": world.line_ports,
        "inbox_store": lambda: world.inbox,
        "open_batches": lambda: world.open_batches,
        "prepare_ports": world.prepare_ports,
        "create_reference_ports": world.create_reference_ports,
        "read_ports": world.read_ports,
        "list_ports": world.list_ports,
        "wait_ports": world.wait_ports,
        "job_store": lambda: world.jobs,
        "delete_ports": world.delete_ports,
        "settle_ports": world.settle_ports,
        "deliver_ports": world.deliver_ports,
        "replay_ports": world.replay_ports,
        "rescue_ports": lambda _remaining_ms: world.rescue_ports(),
        "reap_ports": lambda _lost: world.reap_ports(),
        "audit_ports": world.audit_ports,
        "manage_ports": world.manage_ports,
        "wallet_store": lambda: world.wallets,
        "usage_store": lambda: world.jobs.usage,
        "tenant_store": lambda: world.tenants,
        "now": world.clock,
        "job_randomness": job_randomness,
    }


def _documented(handler: Callable[[Event, Any], Any]) -> Callable[[Event, Any], Any]:
    def handle(event: Event, context: object) -> Any:  # noqa: ANN401 - whatever the function answers
        answer = handler(event, context)
        if isinstance(answer, dict) and "statusCode" in answer:
            asked = event["requestContext"]["http"]
            assert_documented(asked["method"], asked["path"], answer["statusCode"], answer["headers"], answer["body"])
        return answer

    return handle


def http_event(method: str, path: str, body: bytes | None = None, *, query: str = "", tenant_id: str = "acme") -> Event:
    """An event of the HTTP API, payload format 2.0."""
    event: Event = json.loads((ROOT / "tests" / "events" / "http_api.json").read_text(encoding="utf-8"))
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = method
    event["requestContext"]["authorizer"]["lambda"]["tenant_id"] = tenant_id
    event["rawQueryString"] = query
    if query:
        event["queryStringParameters"] = dict(pair.split("=", 1) for pair in query.split("&"))
    if body is not None:
        event["body"] = body.decode("utf-8", "surrogatepass") if body.isascii() else base64.b64encode(body).decode()
        event["isBase64Encoded"] = not body.isascii()
    return event


def callback_event(token: str, body: bytes | None = None) -> Event:
    """A provider's post to an attempt's address, on a route without an authorizer."""
    event = http_event("POST", f"/v1/callbacks/{token}", body)
    event["routeKey"] = event["requestContext"]["routeKey"] = "POST /v1/callbacks/{token}"
    event["pathParameters"] = {"token": token}
    del event["requestContext"]["authorizer"]
    return event


def authorizer_event(authorization: str | None) -> Event:
    """An event of a request authorizer, payload format 2.0."""
    event: Event = json.loads((ROOT / "tests" / "events" / "authorizer.json").read_text(encoding="utf-8"))
    if authorization is not None:
        event["headers"]["authorization"] = authorization
        event["identitySource"] = [authorization]
    return event
