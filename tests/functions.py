"""The functions as Lambda calls them: their `app.py` by path, events as API Gateway sends them, and a context."""

import ast
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tests.fakes.world import World
from tests.support.api_document import assert_documented

ROOT: Final = Path(__file__).parents[1]
NAMES: Final = tuple(sorted(path.parent.name for path in ROOT.glob("functions/*/app.py")))

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


def wired_app(name: str, world: World) -> ModuleType:
    """A function that takes from the wiring what the world put there. What it answers over HTTP is held against the
    OpenAPI document.
    """
    assert World.active is world, "the wiring holds none of this world's fakes; it was left"
    app = load_app(name)
    taken_from_wiring(app)
    vars(app)["lambda_handler"] = _documented(app.lambda_handler)
    return app


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


def live_event(token: str, name: str = "playlist.m3u8", query: str = "") -> Event:
    """A player's request, on an API without authorizers."""
    event = http_event("GET", f"/v1/live/{token}/{name}", query=query)
    route = "GET /v1/live/{token}/" + ("playlist.m3u8" if name == "playlist.m3u8" else "{name}")
    event["routeKey"] = event["requestContext"]["routeKey"] = route
    event["pathParameters"] = {"token": token, "name": name}
    del event["requestContext"]["authorizer"]
    return event


def authorizer_event(authorization: str | None) -> Event:
    """An event of a request authorizer, payload format 2.0."""
    event: Event = json.loads((ROOT / "tests" / "events" / "authorizer.json").read_text(encoding="utf-8"))
    if authorization is not None:
        event["headers"]["authorization"] = authorization
        event["identitySource"] = [authorization]
    return event
